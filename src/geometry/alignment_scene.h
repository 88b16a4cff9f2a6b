// SPDX-License-Identifier: Apache-2.0
//
// What was seen of a clip, and what is known of it so far.
#pragma once

#include <cstdint>
#include <vector>

#include "mdvt/geometry/alignment.h"
#include "mdvt/geometry/bundle.h"
#include "mdvt/geometry/depth_pose.h"

namespace mdvt {

constexpr double kMostMisfit = 3;  // median residual of a track that is used, in sigmas

struct SceneSight {
  int frame = 0;
  int track = 0;
  Eigen::Vector2d xy = Eigen::Vector2d::Zero();  // pixels, edge coordinates
  double depth = 0;                              // 0: not known
  bool held_out = false;
  bool outlier = false;
};

struct SceneTrack {
  std::vector<int> sights;  // in the order of frames; empty: not used
  Eigen::Vector3d point = Eigen::Vector3d::Zero();
  bool placed = false;
  bool moving = false;  // left out: no point at rest explains it, or not as well as the others
  double misfit = 0;    // median residual in sigmas of the options, or what stands for it
};

struct SceneShot {
  int first = 0;
  int end = 0;
  CameraMotion motion = CameraMotion::kFree;
  double noise_px = 0;  // of its tracks: as the options say, or less where they prove to be better
  std::vector<int> keys;
};

// Which parts of the scene a bundle problem has.
struct ScenePart {
  std::vector<int> frames;   // ascending
  std::vector<char> held;    // per frame: its pose stays
  bool free_scales = false;  // depth maps tell nothing about their scale
};

class AlignmentScene {
 public:
  AlignmentScene(const TrackTable& tracks, const std::vector<float>& depths,
                 const AlignmentOptions& options);

  int num_frames() const { return static_cast<int>(frames.size()); }
  bool Usable(const SceneSight& sight) const {
    return !sight.held_out && !sight.outlier && !tracks[static_cast<size_t>(sight.track)].moving;
  }
  Eigen::Vector2d Normalised(const Eigen::Vector2d& xy) const {
    return {(xy.x() - camera.cx) / camera.fx, (xy.y() - camera.cy) / camera.fy};
  }
  // True depth of a sighting, as its frame's depth map is scaled now.
  double DepthOf(const SceneSight& sight) const;
  // Distance in pixels between where a placed track was seen and where it projects to; infinite
  // behind the camera.
  double ResidualOf(const SceneSight& sight) const;
  // Points that both frames see.
  std::vector<DepthMatch> Matches(int frame1, int frame2, std::vector<int>* tracks_out) const;

  // Gives a place to tracks seen in `frame` that have none, by their depth there.
  void PlaceByDepth(int frame, bool by_ray);
  // The same to all tracks that remain, by the frames given: rays that meet, else far away.
  void PlaceByRays(const std::vector<int>& in_frames, bool turning);

  // Adjusts a part; the result is written back. What is left out is decided by Reject().
  void Adjust(const ScenePart& part, int iterations, double tolerance, const RunControl& control);
  BundleProblem Problem(const ScenePart& part, std::vector<int>* point_tracks) const;

  // Judges sightings in these frames and their tracks anew. Returns how many changed.
  int64_t Reject(const std::vector<int>& in_frames);

  Camera camera;
  const AlignmentOptions& options;
  // As the options say, or less where the depth proves to be better than that.
  double depth_sigma = 0;
  double scale_change = 0;
  std::vector<SceneSight> sights;  // frame by frame
  std::vector<int> starts;         // of each frame in `sights`, and the end
  std::vector<SceneTrack> tracks;
  std::vector<AlignedFrame> frames;
  std::vector<SceneShot> shots;

 private:
  void ChooseTracks(const TrackTable& table);
  void FindShots();
  void KeepToShots();
  void AddScalePriors(const ScenePart& part, BundleProblem* problem) const;
  const SceneShot& ShotOf(int frame) const;
  double MedianDepth() const;

  double median_depth_ = 1;
};

// Fills in all poses of the scene's shots from one frame to the next (kPairwise, kLegacy).
void AlignByChain(AlignmentScene* scene);

}  // namespace mdvt
