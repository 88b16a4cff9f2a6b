// SPDX-License-Identifier: Apache-2.0
//
// A point that was followed through a stereo clip, put into space: one place if it rests, a path if
// it moves. Each track is a small problem of its own.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/pose.h"

namespace mdvt {

// One sight of the point in the left view.
struct LiftObservation {
  double time = 0;       // seconds
  Pose world_from_cam;   // of the left view
  double x = 0;          // pixels, edge coordinates
  double y = 0;          // pixels
  double disparity = 0;  // pixels, above 0
  double sigma = 0.25;   // its standard deviation, pixels
};

struct LiftOptions {
  Camera camera;
  double baseline = 0.063;  // metres
  double sigma_xy = 0.7;    // standard deviation of a position, pixels. Valid: > 0
  // Gaps after which nothing is said about acceleration. Seconds. Valid: > 0
  double longest_gap = 0.5;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

enum class TrackMotion : uint8_t { kStatic = 0, kMoving = 1 };

struct LiftedTrack {
  TrackMotion motion = TrackMotion::kStatic;
  double moving_probability = 0;
  // For each observation: where it was, in world, and how uncertain that is along the ray, metres.
  std::vector<Eigen::Vector3d> points;
  std::vector<double> sigma;
  // Observations whose disparity is more than three deviations off.
  std::vector<bool> is_outlier;
};

// The most probable path of a point, in the noise of disparity:
//
//   at rest     X minimises sum of rho((f B / z_t(X) - d_t) / sigma_t) +
//               rho(|pi_t(X) - x_t| / sigma_xy), rho(r) = 4 log(1 + r^2 / 4)
//   in motion   inverse depth g_t along the ray of each observation minimises
//               rho((f B g_t - d_t) / sigma_t) + (u_t . a_t / sigma_a)^2, with u_t the direction of
//               the ray and a_t the second difference of the path over time; sigma_a of 1, 3, 10 or
//               30 m/s^2, whichever has the larger evidence
//
// The point rests if that explains it (chi square below twice its degrees of freedom) and its BIC
// is not larger. Nothing depends on where the origin of the world is. Source of the model: worked
// out for this library from L. Jin et al., Stereo4D, 2024, whose energy flattens motion.
// observations  in order of time, two or more.
// Throws Error(kInvalidArgument).
LiftedTrack LiftTrack(const std::vector<LiftObservation>& observations, const LiftOptions& options);

}  // namespace mdvt
