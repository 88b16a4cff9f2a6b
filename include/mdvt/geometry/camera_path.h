// SPDX-License-Identifier: Apache-2.0
//
// The path of a camera from the tracks of points, frame by frame, in bounded memory.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "mdvt/core/pose.h"

namespace mdvt {

// Where a track was seen in a frame, in normalised coordinates. `id` is unique to the track.
struct TrackSight {
  int64_t id = 0;
  Eigen::Vector2d xy = Eigen::Vector2d::Zero();
};

struct CameraPathOptions {
  // Tracking noise in normalised units (pixels / focal length): the unit of all thresholds within.
  double noise = 0.5 / 500;
  // Frames whose poses are still improved together; older ones are final. Valid: [4, 256].
  int window = 40;
  // Once this many frames have passed without enough parallax for a good start, half of it must
  // do, then a quarter. Valid: [1, window].
  int patience = 10;
  void Check() const;
};

enum class PathState {
  kTranslating,  // the pose is known with its place, in one scale along the path
  kTurning,      // only the rotation is known; the place is that of the frame before
  kLost,         // too few tracks to tell
};

struct PathFrame {
  int64_t index = 0;
  PathState state = PathState::kLost;
  // In the path's own unit of length: the first two frames that gave parallax set it.
  Pose world_from_cam = Pose::Identity();
};

// A point that is known in space, and where a frame saw it.
struct PathPoint {
  Eigen::Vector3d in_world = Eigen::Vector3d::Zero();
  Eigen::Vector2d xy = Eigen::Vector2d::Zero();
};

// Starts at the first pair of frames with enough parallax (relative pose), then places each further
// frame by the points known so far, triangulates new ones, and adjusts a sliding window of frames
// and points together. Tracks that contradict the rigid scene are left out. Where a camera stops
// translating and runs out of known points, its turning is followed until parallax returns; the
// scale then continues by the depths known around each new track.
class CameraPath {
 public:
  // Throws Error(kInvalidArgument), see CameraPathOptions::Check().
  explicit CameraPath(const CameraPathOptions& options);
  ~CameraPath();

  // The next frame. Indices must ascend by one. Throws Error(kInvalidArgument) otherwise.
  void AddFrame(int64_t index, const std::vector<TrackSight>& sights);

  // No frame comes any more: where none has started the path yet, the least parallax has to do.
  void Finish();

  // What is known now of a frame of the window. Frames before a late start are placed afterwards,
  // so the answer may improve with later frames. Empty if the frame has left the window.
  std::optional<PathFrame> Get(int64_t index) const;
  // The points with a place that the frame saw.
  std::vector<PathPoint> PointsIn(int64_t index) const;
  // How well the path is known around a frame, over all frames of the window that translate without
  // a break and are held by known points: as PathUncertainty(), with the noise that the tracks
  // show. 0 if the frame does not translate, or fewer than three do. Some ten milliseconds.
  double Uncertainty(int64_t index) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
