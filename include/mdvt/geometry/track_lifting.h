// SPDX-License-Identifier: Apache-2.0
//
// A point that was followed through a stereo clip, put into space: one place if it rests, a path if
// it moves. Each track is a small problem of its own.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <optional>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/pose.h"

namespace mdvt {

// One sight of the point in the left view.
struct LiftObservation {
  double time = 0;                         // seconds
  Pose world_from_cam = Pose::Identity();  // of the left view
  double x = 0;                            // pixels, edge coordinates
  double y = 0;                            // pixels
  double disparity = 0;                    // pixels, above 0
  double sigma = 0.25;                     // its standard deviation, pixels
};

enum class TrackMotion : uint8_t { kStatic = 0, kMoving = 1 };

struct LiftOptions {
  Camera camera;
  double baseline = 0.063;  // metres
  double sigma_xy = 0.7;    // standard deviation of a position, pixels. Valid: > 0
  // Gaps after which nothing is said about acceleration. Seconds. Valid: > 0
  double longest_gap = 0.5;
  // Share of the points that are thought to move before anything is seen of them. Valid: (0, 1)
  double moving_share = 0.5;
  // Whether the point moves, where that was decided elsewhere; empty: as the noise above tells.
  std::optional<TrackMotion> motion;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

struct LiftedTrack {
  TrackMotion motion = TrackMotion::kStatic;
  double moving_probability = 0;
  // For each observation: where it was, in world, and how uncertain that is along the ray, metres.
  std::vector<Eigen::Vector3d> points;
  std::vector<double> sigma;
  // Observations whose disparity is more than three deviations off.
  std::vector<bool> is_outlier;
  // By which the point at rest that fits best misses what was seen, root mean square, pixels: of
  // disparity, and of positions along one axis.
  double rest_disparity_rms = 0, rest_position_rms = 0;
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
// The point rests if that explains it (chi square below twice its degrees of freedom) and is the
// more probable by their BIC and moving_share. Nothing depends on where the origin of the world is.
// Source of the model: worked out for this library from L. Jin et al., Stereo4D, 2024, whose energy
// flattens motion. observations  in order of time, two or more. Throws Error(kInvalidArgument).
LiftedTrack LiftTrack(const std::vector<LiftObservation>& observations, const LiftOptions& options);

// For each sight of a point the longest way in the view of its own camera, without the motion of
// the camera, from where the point was within `window` seconds before. Pixels; 0 where it was in
// front of no camera. points: in world, one for each observation.
std::vector<double> ScreenMotion(const std::vector<Eigen::Vector3d>& points,
                                 const std::vector<LiftObservation>& observations,
                                 const Camera& camera, double window);

// What a quantity of that many points at rest does not exceed but for one in forty: logarithms are
// held to be normal, with what the lower half of the values says of them, as the upper one may be
// of points that move. Noise differs from point to point, by texture and beside edges.
// Returns 0 for fewer than 30 values above 0.
double MostAtRest(std::vector<double> values);

}  // namespace mdvt
