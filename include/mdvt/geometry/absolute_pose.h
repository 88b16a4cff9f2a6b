// SPDX-License-Identifier: Apache-2.0
//
// Where a camera stands that sees known points.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "mdvt/core/pose.h"
#include "mdvt/geometry/two_view.h"

namespace mdvt {

struct AbsolutePoseOptions {
  // Scale of the Cauchy loss and largest error of an inlier, both in normalised units.
  double loss_scale = 1.0 / 500;
  double threshold = 3.0 / 500;
  int max_iterations = 20;
  // Hold the camera's centre, solve for its rotation alone.
  bool rotation_only = false;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

struct AbsolutePose {
  Pose cam_from_world = Pose::Identity();
  std::vector<uint8_t> inliers;  // per point
  int num_inliers = 0;
  double rms = 0;  // of the inliers, normalised units
};

// Refines `start` by Levenberg-Marquardt on the robust reprojection error of `points` (world)
// against `seen` (normalised coordinates, one per point). Fewer than three points before the
// camera leave the pose as it was.
// Throws Error(kInvalidArgument) if the sizes differ or an option is out of range.
AbsolutePose RefineAbsolutePose(const std::vector<Eigen::Vector3d>& points, const Points2& seen,
                                const Pose& start, const AbsolutePoseOptions& options = {});

// The same without a start: P3P in RANSAC (fixed seed), then refined. num_inliers is 0 if nothing
// was found.
AbsolutePose EstimateAbsolutePose(const std::vector<Eigen::Vector3d>& points, const Points2& seen,
                                  const AbsolutePoseOptions& options = {});

}  // namespace mdvt
