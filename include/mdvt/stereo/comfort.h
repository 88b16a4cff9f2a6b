// SPDX-License-Identifier: Apache-2.0
//
// Keeps the parallax of a rendered stereo video inside limits that viewers bear.
//
//   parallax = scale (screen - u)          as a share of the width of a view, positive = behind
//
// u is 1 / distance, or disparity in [0, 1]; `screen` is what lies on the screen.
#pragma once

#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/state.h"

namespace mdvt {

struct ComfortLimits {
  // Largest parallax in front of and behind the screen, shares of the width. Valid: (0, 1].
  double max_in_front = 0.01;
  double max_behind = 0.02;
  // Fastest change of parallax that strength and screen make inside a shot, shares of the width a
  // second. Valid: (0, 10].
  double max_rate = 0.01;
  // Things that the left or right border cuts off are no farther in front of the screen. Valid:
  // [0, 1].
  double window = 0.001;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// A map as it would be shown without limits.
struct ComfortView {
  PlaneView<const float> map;  // u, or metres
  bool metres = false;         // map holds 1 / u; 0 or less and NaN = no data
  double scale = 0;            // see above; not negative
  double screen = 0;
};

// How it is shown.
struct ComfortSetting {
  double strength = 1;  // multiplies the scale, in [0, 1]
  double shift = 0;     // parallax that is added after that: moves all of the scene back
};

// Decides strength and shift of each frame: such that all but a 200th of the pixels at each end
// keep to the limits and the borders cut nothing off. A shot begins with what it needs; inside it
// both move steadily, no faster than `max_rate`, and back at a quarter of that. What goes beyond
// the limits all the same, until they have followed, is pressed together by Press().
class ComfortControl {
 public:
  // Throws Error(kInvalidArgument), see Check().
  explicit ComfortControl(const ComfortLimits& limits);

  // seconds  since the frame before
  ComfortSetting Push(const ComfortView& view, double seconds, bool new_scene);

  // What is kept from frame to frame, for an object with the same limits. Load() throws
  // Error(kCorrupt).
  void Save(State* state) const;
  void Load(const State& state);

 private:
  ComfortLimits limits_;
  bool started_ = false;
  ComfortSetting now_;
  std::vector<float> values_;
};

// The limits at a place across the view, in [0, 1]: in the outer 2 % the limit in front of the
// screen is limits.window; from there to 6 % it grows to that of the rest.
ComfortLimits LimitsAt(double place, const ComfortLimits& limits);

// Parallax pressed into the limits: as it is up to four fifths of them, then ever less, and never
// beyond. Rises with `parallax`.
double Pressed(double parallax, const ComfortLimits& limits);

// The map whose parallax with view.scale and view.screen, which hold strength and shift already, is
// Pressed() into LimitsAt() its column. `to` has the map's size; what is not known stays so. The
// same for every thread count.
void Press(const ComfortView& view, const ComfortLimits& limits, PlaneView<float> to,
           ThreadPool* pool = nullptr);

}  // namespace mdvt
