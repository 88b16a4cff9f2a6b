// SPDX-License-Identifier: Apache-2.0
//
// Points in space from tracks, some of whose sightings are wrong or of something that moves.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "mdvt/geometry/triangulation.h"

namespace mdvt {

struct TrackTriangulationOptions {
  // Pixels that stand for one normalised unit: the focal length.
  double focal = 1000;
  int min_views = 5;             // sightings, and as many of them as min_inliers fit the point
  double min_inliers = 0.6;      // share of the sightings, and three at least
  double max_error = 4;          // pixels, of each sighting that fits
  double max_rms = 2;            // pixels, over them
  double min_depth = 0.05;       // metres before every camera whose sighting fits
  double min_angle = 0.0174533;  // radians between some two of their rays (1 degree)
  double max_sigma = 0.2;        // standard deviation of the distance, as a share of it
  // A point moves if it drifts by more than this between the first and the second half of its
  // track: pixels, and standard deviations of that drift.
  double max_drift = 1;
  double max_drift_sigmas = 3;

  // Throws Error(kInvalidArgument) that names the field.
  void Check() const;
};

enum class TrackStatus : uint8_t {
  kOk,
  kTooFewViews,
  kNoParallax,    // rays closer to parallel than min_angle
  kBehind,        // behind a camera, or nearer than min_depth
  kInconsistent,  // too few rays meet, or too badly
  kUncertain,     // the distance is not known well enough
  kMoving,
};

struct TriangulatedTrack {
  TrackStatus status = TrackStatus::kTooFewViews;
  Eigen::Vector3d point = Eigen::Vector3d::Zero();  // world; of no meaning but for kOk, kUncertain
  int inliers = 0;
  double rms = 0;    // pixels, over them
  double angle = 0;  // radians, widest pair of their rays
  double sigma = 0;  // standard deviation of the distance to the nearest camera, as a share of it
  bool ok() const { return status == TrackStatus::kOk; }
};

// The views in the order of time. Start: the point that most views see within max_error, of points
// between pairs of rays (those far apart in time, then random ones while a fifth of the views does
// not fit) and the one nearest to all rays. Then Gauss-Newton on the reprojection errors of the
// views that fit, with Cauchy weights of scale one pixel. Always the same result. Cost: O(views),
// at most a hundred times. Source: Hartley & Zisserman, sections 12.2, 4.7 and A6.8.
TriangulatedTrack TriangulateTrack(const std::vector<PointView>& views,
                                   const TrackTriangulationOptions& options = {});

}  // namespace mdvt
