// SPDX-License-Identifier: Apache-2.0
//
// How much parallax a scene bears, and where the screen stands in it, for disparity in [0, 1]
// (0 = farthest, 1 = nearest) of which nobody knows the true scale:
//
//   parallax = x_right - x_left = (convergence - disparity) * shift
//
// in pixels of one eye; positive is behind the screen.
#pragma once

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/state.h"

namespace mdvt {

struct ShiftOptions {
  // Parallax between the nearest and the farthest point in pixels of one eye. Valid: [0, 4096].
  double max_shift = 24;
  // False: max_shift always, and none of what follows matters.
  bool dynamic = true;
  // A scene's shift is max_shift times a gain in [min_gain, 1], smoothed over time with this weight
  // of the past. Valid: [0, 1] and [0, 1).
  double min_gain = 0.4;
  double smoothing = 0.95;
  // The gain falls from 1 to min_gain as the share of steep pixels (see SteepShare) grows from the
  // first number to the second: they would be torn or stretched. Valid: 0 <= first < second <= 1.
  double steep_free = 0.02;
  double steep_full = 0.10;
  // Largest parallax behind and in front of the screen, as a share of the eye's width; it bounds
  // the shift whatever the gain. Valid: (0, 1].
  double max_behind = 1.0 / 30;
  double max_in_front = 0.02;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// What the controller has to know of a frame.
struct ShiftFrame {
  // The range of disparity that was brought to [0, 1].
  double lo = 0;
  double hi = 1;
  // Disparity 0 is infinity (1 / depth): the range then tells how deep the scene is by itself.
  bool zero_is_infinity = false;
  double steep_share = 0;
  double convergence = 1;
  bool new_scene = false;
};

// The gain before smoothing is the least of
//
//   (hi - lo) / the largest (hi - lo) of the scene so far,
//   2 (hi - lo) / hi   if zero is infinity: full shift once the far end is twice as far as the
//   near, the one for steep pixels,
//
// bounded to [min_gain, 1]. A new scene starts from its own first gain.
class ShiftController {
 public:
  // Throws Error(kInvalidArgument), see Check().
  explicit ShiftController(const ShiftOptions& options);

  // The shift of the next frame in pixels; eye_width in the same pixels.
  double Push(const ShiftFrame& frame, double eye_width);

  // What is kept from frame to frame, for an object with the same options. Load() throws
  // Error(kCorrupt).
  void Save(State* state) const;
  void Load(const State& state);

 private:
  ShiftOptions options_;
  bool started_ = false;
  double reference_ = 0;
  double gain_ = 1;
};

// Share of the pixels whose disparity differs from that of the next one in the row by `step` or
// more, measured on every other row. 0 for a map of one column.
double SteepShare(PlaneView<const float> disparity, double step, ThreadPool* pool = nullptr);

enum class ScreenPlane {
  kNear,   // the nearest point is on the screen, all else behind it
  kFar,    // the farthest point is on the screen, all else in front of it
  kValue,  // this disparity is on the screen
  kAuto,   // what fills the middle of the picture is on the screen
};

struct ConvergenceOptions {
  ScreenPlane plane = ScreenPlane::kAuto;
  double value = 0.5;  // kValue. Valid: [0, 1].
  // kAuto: weight of the past. Valid: [0, 1).
  double smoothing = 0.95;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// kAuto: the median of the disparities, each weighted by a Gaussian around the middle of the
// picture (sigma: a quarter of its width and height), smoothed over time, anew in each scene.
class ConvergenceTracker {
 public:
  // Throws Error(kInvalidArgument), see Check().
  explicit ConvergenceTracker(const ConvergenceOptions& options);

  // The disparity on the screen, in [0, 1].
  double Push(PlaneView<const float> disparity, bool new_scene);

  // As those of ShiftController.
  void Save(State* state) const;
  void Load(const State& state);

 private:
  ConvergenceOptions options_;
  bool started_ = false;
  double value_ = 1;
};

}  // namespace mdvt
