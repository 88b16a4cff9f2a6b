// SPDX-License-Identifier: Apache-2.0
//
// Where a novel view is taken from, frame by frame.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <optional>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/limits.h"
#include "mdvt/core/pose.h"
#include "mdvt/pipeline/depth_view.h"

namespace mdvt {

// The pose of a camera at `position` that looks at `target`, in axes with x right, y down and z
// forward: y stays as far down as it can. If the two are the same point, or one is straight above
// the other, x is the world's.
Pose LookAt(const Eigen::Vector3d& position, const Eigen::Vector3d& target);

// The pose that the original program's matrix stands for. That matrix, used as world-to-camera, has
// the axes of the view as columns in place of rows, and (x, y, -z) as its translation.
Pose UpstreamLookAt(const Eigen::Vector3d& position, const Eigen::Vector3d& target);

// What a first look at the clip tells.
struct SceneMeasure {
  int64_t frames = 0;
  Eigen::Vector3d centre_in_world = Eigen::Vector3d::Zero();  // medians over the frames
  Eigen::Vector3d centre_in_camera = Eigen::Vector3d::Zero();
};

// Makes a measure of the frames that are added. Of each, the centre is the mean of what is shown,
// of every eighth pixel in x and in y.
class SceneMeasurer {
 public:
  // depth  metres, 0 = no data
  // mask   of the same size; where it is 128 or less nothing is shown. Empty: all is.
  void Add(const DepthView& depth, const PlaneView<const uint8_t>& mask, const Camera& camera,
           const Pose& world_from_cam);
  // Nothing was shown in any of them.
  bool empty() const { return in_world_.empty(); }
  // Of a clip of so many frames. Not to be called when empty().
  SceneMeasure Measure(int64_t frames) const;

 private:
  std::vector<Eigen::Vector3d> in_world_;
  std::vector<Eigen::Vector3d> in_camera_;
};

struct ViewKeyframe {
  int64_t frame = 0;
  Eigen::Vector3d position = Eigen::Vector3d::Zero();
  Eigen::Vector3d target = Eigen::Vector3d::Zero();
  std::optional<double> xfov_deg;
};

// A list of {"frame": 0, "position": [x, y, z], "target": [x, y, z], "xfov": 60}, in the order of
// the frames; "xfov" in all of them or in none. Throws Error(kCorrupt) that names the entry.
std::vector<ViewKeyframe> ParseViewKeyframes(const char* data, size_t size,
                                             const Limits& limits = {});

struct Viewpoint {
  Pose world_from_view = Pose::Identity();
  std::optional<double> xfov_deg;  // where the path says so
};

class ViewPath {
 public:
  // Reads the path's file if there is one. Throws as ReadTransformationsFile and
  // ParseViewKeyframes.
  ViewPath(const ViewpointOptions& options, const Limits& limits);

  // Whether At() needs to know the scene.
  bool NeedsMeasure() const;
  void SetMeasure(const SceneMeasure& measure) { measure_ = measure; }

  // frame           in the clip, from 0
  // world_from_cam  of the filming camera in that frame
  // Throws Error(kCorrupt) if the path's file has no pose for the frame.
  Viewpoint At(int64_t frame, const Pose& world_from_cam) const;

 private:
  Viewpoint FromKeyframes(int64_t frame) const;

  ViewpointOptions options_;
  SceneMeasure measure_;
  std::vector<ViewKeyframe> keyframes_;
  std::vector<Pose> poses_;
};

}  // namespace mdvt
