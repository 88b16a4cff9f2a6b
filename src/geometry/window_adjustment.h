// SPDX-License-Identifier: Apache-2.0
//
// Cameras and points of a small window that together explain best where the points were seen.
// SolveBundle() does the same for every problem; this takes half its time on a dozen cameras and
// some hundred points, again and again for each frame (benchmarks/bundle_benchmark, "window").
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "mdvt/core/pose.h"

namespace mdvt {

struct WindowObservation {
  int camera = 0;
  int point = 0;
  Eigen::Vector2d xy = Eigen::Vector2d::Zero();  // normalised coordinates
};

struct WindowProblem {
  std::vector<Pose> cam_from_world;
  std::vector<uint8_t> camera_fixed;  // one per camera; a free problem needs at least one fixed
  std::vector<Eigen::Vector3d> points;
  std::vector<WindowObservation> observations;
};

struct WindowOptions {
  int max_iterations = 10;
  double loss_scale = 1.0 / 500;  // of the Cauchy loss, normalised units. Valid: (0, 1).
  // Ends when an iteration lowers the cost by less than this share.
  double tolerance = 1e-5;
  void Check() const;
};

struct WindowResult {
  int iterations = 0;
  double initial_cost = 0;  // sum of c^2 / 2 log(1 + (r / c)^2)
  double final_cost = 0;
};

// Levenberg-Marquardt with the points eliminated (Schur complement), in place. Observations of
// points behind their camera count for nothing. The order of all sums is fixed: one result.
// Meant for windows of up to some dozens of cameras: O(points * cameras^2 + cameras^3) a step.
// Throws Error(kInvalidArgument) if sizes or indices contradict each other, or no camera is fixed.
// Source: Triggs et al., Bundle adjustment: a modern synthesis, 2000.
WindowResult AdjustWindow(WindowProblem* problem, const WindowOptions& options = {});

}  // namespace mdvt
