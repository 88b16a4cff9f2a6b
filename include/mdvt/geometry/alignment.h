// SPDX-License-Identifier: Apache-2.0
//
// Where the camera of each frame of a clip stands, from points that were followed through it and
// the rough depth at them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/pose.h"
#include "mdvt/core/run.h"
#include "mdvt/core/track_table.h"
#include "mdvt/geometry/focal_calibration.h"

namespace mdvt {

enum class AlignmentMethod {
  kBundle,    // all frames, points and the scale of each depth map together
  kPairwise,  // each frame from the one before, robustly; errors add up
  kLegacy,    // each frame from the one before, as the original toolbox does without options
};

enum class CameraMotion {
  kAuto,      // a turn alone where that explains the pictures, else free
  kFree,      // turns and moves
  kRotation,  // turns about its centre; depth is not used
  kStatic,    // stands still
};
// "auto", "free", "rotation", "static"
const char* CameraMotionName(CameraMotion motion);

struct AlignmentOptions {
  Camera camera;  // of the pictures that the tracks belong to
  AlignmentMethod method = AlignmentMethod::kBundle;
  CameraMotion motion = CameraMotion::kAuto;

  // Standard deviation of a position; less is taken where the tracks of a shot prove to be better,
  // and then tracks that drift are left out. Valid: (0, 20].
  double noise_px = 0.6;
  // Of the logarithm of a depth; less is taken where points with parallax prove the depth to be
  // better. Valid: (0, 2].
  double depth_sigma = 0.15;
  // How much the scale of the depth maps changes from frame to frame (of its logarithm): 0.1 for
  // maps that know nothing of each other. Valid: (0, 1].
  double scale_change = 0.03;
  // Depth maps may have a shift of 1 / depth besides a scale.
  bool free_shift = false;

  // Estimate the focal length; used if it can be known (or, with accept_weak_focal, nearly so).
  bool optimize_focal = false;
  bool accept_weak_focal = false;

  // Frames that begin a new shot, ascending, beside those which no track connects with the one
  // before. Each shot has a world of its own, the camera of its first frame.
  std::vector<int64_t> cuts;
  // Poses to start from, for tracks without depth; empty or one per frame.
  std::vector<Pose> start;

  // Tracks that are used in a frame; the longest ones if there are more. Valid: [50, 100000].
  int max_tracks = 800;
  uint32_t seed = 0;           // of random samples
  ThreadPool* pool = nullptr;  // null: one thread; never changes the result

  // Throws Error(kInvalidArgument).
  void Check() const;
};

struct AlignedFrame {
  Pose world_from_cam = Pose::Identity();
  double depth_scale = 1;     // true depth is depth / scale ...
  double depth_shift = 0;     // ... or 1 / (scale / depth + shift), in 1 / metres
  int inliers = 0;            // points that fit
  double rms_px = 0;          // of those
  bool interpolated = false;  // too few points: taken from its neighbours
  bool key = false;           // one of the frames that the points were found from
};

struct AlignedShot {
  int64_t first = 0;
  int64_t count = 0;
  CameraMotion motion = CameraMotion::kFree;  // never kAuto
  double path_length = 0;                     // metres
  double turn = 0;                            // radians, largest angle to the first frame
  // 10, 50 and 90 % of the points are seen along rays that differ by up to this angle, in radians.
  std::array<double, 3> parallax{};
  // Median residuals of the nearer and the farther half of the points, in pixels: they differ where
  // a camera that is taken to turn about its centre does not.
  double near_px = 0;
  double far_px = 0;
  std::string reliability;  // "good", "weak", "rotation_only", "none"
};

struct AlignedTrack {
  int32_t track = 0;  // index into TrackTable::ids()
  Eigen::Vector3d in_world = Eigen::Vector3d::Zero();
  // How well a point at rest explains it, from 0 to 1: 0.5 where its median residual is three times
  // AlignmentOptions.noise_px.
  double static_probability = 1;
  bool used = true;
};

struct CameraAlignment {
  Camera camera;                     // as given, or with the focal length found
  std::vector<AlignedFrame> frames;  // as many as the table has
  std::vector<AlignedShot> shots;
  std::vector<AlignedTrack> tracks;  // those that have a place
  double rms_px = 0;                 // of the points that fit
  double held_out_rms_px = 0;        // of every twentieth sighting, which took no part
  double static_share = 0;           // of the tracks
  std::optional<FocalCalibration> focal;
};

// tracks  of all frames of the clip
// depths  metres along the axis at each sighting, in the table's order; 0 is not known
//
// kBundle: frames that see something new become key frames; a key frame starts from the
// depth-aware relative pose to the one before (EstimateDepthPose); each window of key frames, then
// all of them, are adjusted together with the points and one scale per depth map (SolveBundle, with
// Cauchy losses), sightings and tracks that do not fit are left out; then the other frames, and in
// shots of up to 300 frames all together. The size of the world is such that the median scale of
// the depth maps of a shot is 1. A frame with too few points is interpolated and marked. Throws
// Error: kInvalidArgument (options, sizes that differ), kRefused (no frame but the first
//   of its shot could be placed: no points in common), kCancelled.
CameraAlignment AlignCameras(const TrackTable& tracks, const std::vector<float>& depths,
                             const AlignmentOptions& options, const RunControl& control = {});

}  // namespace mdvt
