// SPDX-License-Identifier: Apache-2.0
//
// A camera that moves among points, seen with all the faults of real tracks and depth: noise, depth
// errors that stay alike along a track, frames whose depth has another scale, moving points.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "mdvt/core/track_table.h"
#include "mdvt/geometry/alignment.h"
#include "synthetic.h"

namespace mdvt::test {

struct AlignmentSimulation {
  int frames = 40;
  int tracks = 250;
  double noise_px = 0.5;
  double depth_noise = 0.10;  // of the logarithm, alike along a track (0.95 per frame)
  double scale_noise = 0.02;  // innovation of a frame's scale, 0.9 of which stays
  double moving_share = 0.15;
  bool whole_pixels = false;
  Camera camera{1920, 1080, 1400, 1400, 960, 540};
  // world_from_cam at t in [0, 1].
  std::function<Pose(double t)> path = [](double t) {
    Pose pose =
        MakePose({0.03 * std::sin(9 * t + 1), 0.15 * std::sin(3 * t), 0.02 * std::sin(5 * t)},
                 {0, 0.1 * std::sin(6 * t), t});
    return pose;
  };

  TrackTable table;
  std::vector<float> depths;
  std::vector<Pose> truth;  // in the frame of the first camera

  void Make(uint64_t seed) {
    std::mt19937_64 rng(seed);
    truth.clear();
    const Pose first_from_world = path(0).inverse();
    for (int f = 0; f < frames; ++f)
      truth.push_back(first_from_world * path(f / std::max(1.0, frames - 1.0)));
    struct Row {
      int id;
      double x, y, depth;
    };
    std::vector<std::vector<Row>> rows(static_cast<size_t>(frames));
    std::vector<double> scales;
    double scale = 0;
    for (int f = 0; f < frames; ++f) {
      scales.push_back(scale);
      scale = 0.9 * scale + scale_noise * Normal(rng);
    }
    for (int id = 0; id < tracks; ++id) {
      const int length = std::max(3, static_cast<int>(Uniform(rng, 0.25, 0.75) * frames));
      const int start = std::max(0, static_cast<int>(Uniform(rng, -0.3, 0.9) * frames));
      const int middle = std::min(frames - 1, start + length / 2);
      const double z = std::exp(Uniform(rng, std::log(2.5), std::log(12.5)));
      Eigen::Vector3d point =
          truth[static_cast<size_t>(middle)] *
          Unproject(camera, {Uniform(rng, 0, camera.width), Uniform(rng, 0, camera.height)}, z);
      const bool moves = Uniform(rng, 0, 1) < moving_share;
      const Eigen::Vector3d velocity =
          moves ? (0.02 * RandomVector(rng)).eval() : Eigen::Vector3d(0, 0, 0);
      double error = depth_noise * Normal(rng);
      for (int f = start; f < std::min(frames, start + length); ++f) {
        const Eigen::Vector3d at =
            truth[static_cast<size_t>(f)].inverse() * (point + velocity * (f - middle));
        error = 0.95 * error + depth_noise * std::sqrt(1 - 0.95 * 0.95) * Normal(rng);
        const double noise_x = noise_px * Normal(rng), noise_y = noise_px * Normal(rng);
        if (!(at.z() > 0.3)) continue;
        Eigen::Vector2d xy = Project(camera, at) + Eigen::Vector2d(noise_x, noise_y);
        if (whole_pixels) xy = {std::floor(xy.x()) + 0.5, std::floor(xy.y()) + 0.5};
        if (!(xy.x() > 0 && xy.y() > 0 && xy.x() < camera.width && xy.y() < camera.height))
          continue;
        rows[static_cast<size_t>(f)].push_back(
            {id, xy.x(), xy.y(), at.z() * std::exp(error + scales[static_cast<size_t>(f)])});
      }
    }
    TrackTableBuilder builder;
    depths.clear();
    for (const auto& frame : rows) {
      builder.BeginFrame();
      for (const Row& row : frame) {
        builder.Add(row.id, static_cast<float>(row.x), static_cast<float>(row.y), 1);
        depths.push_back(static_cast<float>(row.depth));
      }
    }
    table = builder.Finish();
  }

  AlignmentOptions Options() const {
    AlignmentOptions options;
    options.camera = camera;
    return options;
  }
};

inline std::vector<Eigen::Vector3d> CentresOf(const std::vector<Pose>& poses) {
  std::vector<Eigen::Vector3d> centres;
  for (const Pose& pose : poses) centres.push_back(pose.translation());
  return centres;
}
inline std::vector<Eigen::Vector3d> CentresOf(const CameraAlignment& alignment) {
  std::vector<Eigen::Vector3d> centres;
  for (const AlignedFrame& frame : alignment.frames)
    centres.push_back(frame.world_from_cam.translation());
  return centres;
}

}  // namespace mdvt::test
