// SPDX-License-Identifier: Apache-2.0
//
// A room seen by a camera on a known path, as a colour video, a depth video and a tracking file.
#pragma once

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "mdvt/core/track_table.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/track_file.h"
#include "mdvt/io/video_writer.h"
#include "support/raycast.h"

namespace mdvt::test {

struct MovingClip {
  int frames = 12;
  Clip clip = Scenes::Room(320, 180, 60);
  std::vector<Pose> truth;  // in the frame of the first camera

  explicit MovingClip(Clip scene = Scenes::Room(320, 180, 60), int count = 12)
      : frames(count), clip(std::move(scene)) {
    const Pose first_from_world = clip.At(0).world_from_cam.inverse();
    for (int f = 0; f < frames; ++f) truth.push_back(first_from_world * clip.At(f).world_from_cam);
  }

  void WriteColor(const std::string& path) const {
    const RayCaster caster(clip.scene);
    VideoWriterOptions writing;
    writing.frame_rate = {24, 1};
    writing.time_base = {1, 24};
    VideoWriter writer(path, PixelFormat::Yuv(420), clip.camera.width, clip.camera.height, writing);
    for (int f = 0; f < frames; ++f)
      writer.Write(caster.Color(clip.At(f), PixelFormat::Yuv(420), 2), f);
    writer.Finish();
  }

  void WriteDepth(const std::string& path, bool tagged = true, int count = -1) const {
    const RayCaster caster(clip.scene);
    DepthVideoWriterOptions writing;
    writing.codec.max_depth = 20;
    writing.video.frame_rate = {24, 1};
    writing.video.time_base = {1, 24};
    if (tagged) writing.tags.xfov_deg = clip.camera.xfov_deg();
    DepthVideoWriter writer(path, clip.camera.width, clip.camera.height, writing);
    for (int f = 0; f < (count < 0 ? frames : count); ++f)
      writer.Write(caster.Depth(clip.At(f)), f);
    writer.Finish();
  }

  // Points of the first frame wherever they are seen, with `noise` pixels of error, and, one in
  // five of the others, points of later frames.
  void WriteTracks(const std::string& path, double noise = 0.2) const {
    const RayCaster caster(clip.scene);
    TrackFileFormat format;
    format.width = clip.camera.width;
    format.height = clip.camera.height;
    std::vector<std::vector<TrackRow>> rows(static_cast<size_t>(frames));
    std::mt19937 random(5);
    const auto uniform = [&] { return static_cast<double>(random() >> 5) * 0x1p-27; };
    int id = 0;
    for (int first = 0; first < frames; first += 4)
      for (int i = 0; i < (first == 0 ? 200 : 60); ++i, ++id) {
        const Eigen::Vector2d seed(uniform() * format.width, uniform() * format.height);
        const View from = clip.At(first);
        const Hit hit = caster.Cast(from, seed);
        if (hit.object < 0) continue;
        const Object& object = clip.scene.objects[static_cast<size_t>(hit.object)];
        for (int f = first; f < frames; ++f) {
          const View view = clip.At(f);
          const Eigen::Vector3d at =
              view.world_from_cam.inverse() * (object.At(view.time) * hit.point_in_object);
          if (!(at.z() > 0.1)) break;
          const Eigen::Vector2d exact = Project(view.camera, at);
          const Eigen::Vector2d xy =
              exact +
              noise * Eigen::Vector2d(uniform() + uniform() - 1, uniform() + uniform() - 1) * 2.4;
          if (!(xy.x() > 1 && xy.y() > 1 && xy.x() < format.width - 1 &&
                xy.y() < format.height - 1))
            break;
          if (caster.Cast(view, exact).object != hit.object) break;
          TrackRow row;
          row.id = id;
          row.x = xy.x();
          row.y = xy.y();
          rows[static_cast<size_t>(f)].push_back(row);
        }
      }
    TrackFileWriter writer(path, format);
    for (auto& frame : rows) writer.AddFrame(std::move(frame));
    writer.Finish();
  }

  // White over moving objects: those with a velocity.
  void WriteMask(const std::string& path, bool all = false) const {
    const RayCaster caster(clip.scene);
    VideoWriterOptions writing;
    writing.frame_rate = {24, 1};
    writing.time_base = {1, 24};
    VideoWriter writer(path, PixelFormat::Gray(8), clip.camera.width, clip.camera.height, writing);
    for (int f = 0; f < frames; ++f) {
      const Image objects = caster.Objects(clip.At(f));
      Image mask(PixelFormat::Gray(8), clip.camera.width, clip.camera.height);
      for (int y = 0; y < clip.camera.height; ++y)
        for (int x = 0; x < clip.camera.width; ++x) {
          const int object = objects.Plane<uint8_t>().At(x, y);
          const bool moves =
              object != 255 && clip.scene.objects[static_cast<size_t>(object)].velocity.norm() > 0;
          mask.MutablePlane<uint8_t>().At(x, y) = all || moves ? 255 : 0;
        }
      writer.Write(mask, f);
    }
    writer.Finish();
  }
};

}  // namespace mdvt::test
