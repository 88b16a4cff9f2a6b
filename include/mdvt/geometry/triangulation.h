// SPDX-License-Identifier: Apache-2.0
//
// A point in space from its pictures.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "mdvt/core/pose.h"

namespace mdvt {

// One picture of the point: where the camera was and where it saw it (normalised coordinates).
struct PointView {
  Pose cam_from_world = Pose::Identity();
  Eigen::Vector2d xy = Eigen::Vector2d::Zero();
};

struct TriangulationOptions {
  double min_angle = 0.0174533;  // radians between some two rays (1 degree)
  double max_error = 4.0 / 500;  // of every view, normalised units
  double max_rms = 2.0 / 500;    // over the views
  double min_depth = 0;          // of the point before every camera, scene units

  // Throws Error(kInvalidArgument) unless all are finite and not negative.
  void Check() const;
};

enum class TriangulationStatus {
  kOk,
  kTooFewViews,   // fewer than two
  kNoParallax,    // the widest angle between two rays is below min_angle
  kBehind,        // nearer than min_depth, or behind a camera
  kInconsistent,  // the rays do not meet
};

struct TriangulatedPoint {
  TriangulationStatus status = TriangulationStatus::kTooFewViews;
  Eigen::Vector3d point = Eigen::Vector3d::Zero();  // world
  double rms = 0;                                   // normalised units
  double angle = 0;                                 // radians, widest pair of rays
  bool ok() const { return status == TriangulationStatus::kOk; }
};

// The point that minimises the squared reprojection error over all views: starts from the point
// nearest to all rays, then at most ten Gauss-Newton steps.
// Cost: O(views^2) for the angle. Throws Error(kInvalidArgument) for options out of range.
TriangulatedPoint Triangulate(const std::vector<PointView>& views,
                              const TriangulationOptions& options = {});

}  // namespace mdvt
