// SPDX-License-Identifier: Apache-2.0
//
// Where the two eyes' pictures coincide, over time.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/rational.h"
#include "mdvt/core/state.h"
#include "mdvt/stereo/focus_depth.h"

namespace mdvt {

struct ConvergenceSmoothing {
  // Of a Gaussian over time, in 1 / distance. Valid: [0, 3600]; 0 = none.
  double sigma_seconds = 0.5;
  // The distance stays between these, metres; where there is a farthest one, parallel eyes (0)
  // become that. Valid: 0 <= nearest <= farthest, farthest above 0.
  double nearest = 0;
  std::optional<double> farthest;
  // Fastest change inside a shot, in 1 / metres a second; none: no bound. Valid: (0, 1e6].
  std::optional<double> rate;

  // The distance within the bounds.
  double Clamp(double distance) const;
  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// Smooths convergence distances per frame in 1 / distance with a zero-phase Gaussian at
// `frame_rate`, inside each shot alone and mirrored at its ends: nothing of one shot reaches the
// next. NaN takes the value of the nearest known frame of its shot (the earlier one on ties), of
// the clip where its shot has none; 0 (parallel eyes) counts as 1 / distance = 0. A list of NaN
// alone becomes all 0, but for the bounds. Results are never negative. The bound of the rate holds
// from each frame to the next, from the first of the shot on.
//
// starts  frames that begin a shot, ascending; 0 need not be among them
// Throws Error(kInvalidArgument) for a negative distance and options out of range.
std::vector<double> SmoothConvergence(const std::vector<double>& distance, Rational frame_rate,
                                      const ConvergenceSmoothing& options = {},
                                      const std::vector<int64_t>& starts = {});

// The same while frames pass, of distances that are measured on the way: what
// find_convergence_depth finds in each frame (MeasureFocus), smoothed in 1 / distance by what has
// been alone, with the time constant `sigma_seconds`; anew in each shot. Until something is known:
// 0, but for the bounds.
class FocusTracker {
 public:
  // Throws Error(kInvalidArgument), see Check() of both.
  explicit FocusTracker(const FocusOptions& focus = {}, const ConvergenceSmoothing& smoothing = {});

  // depth    metres, 0 = no data
  // seconds  since the frame before
  // Returns the distance in metres, 0 = parallel eyes.
  double Push(const DepthView& depth, double seconds, bool new_scene);

  // What is kept from frame to frame, for an object with the same options. Load() throws
  // Error(kCorrupt).
  void Save(State* state) const;
  void Load(const State& state);

 private:
  FocusOptions focus_;
  ConvergenceSmoothing smoothing_;
  bool known_ = false;
  double inverse_ = 0;
};

}  // namespace mdvt
