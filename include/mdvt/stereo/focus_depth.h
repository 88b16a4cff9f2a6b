// SPDX-License-Identifier: Apache-2.0
//
// How far away the thing is that a frame is about: where the eyes should converge.
#pragma once

#include "mdvt/core/image.h"

namespace mdvt {

enum class FocusStatistic {
  kQuantile,  // of 1 / depth
  kMean,      // of 1 / depth
  kUpstream,  // arithmetic mean of the depth of all pixels, without data and saturated ones
              // included
};

struct FocusOptions {
  FocusStatistic statistic = FocusStatistic::kQuantile;
  double quantile = 0.5;  // 0 = farthest, 1 = nearest. Valid: [0, 1].
  // Without a mask: every pixel counts alike, or those in the middle more (a Gaussian of a quarter
  // of the width and height).
  bool center = true;
  // With a mask: pixels above this are the thing. Valid: [0, 255].
  int mask_threshold = 240;
  // Depth from here on says nothing but "far"; 0: all of it counts.
  float saturated = 0;
  // Of all pixels: with fewer that say something the distance is not known. Valid: [0, 1].
  double min_share = 0.002;
  // Share of the picture's pixels that may be nearer, and farther, than `nearest` and `farthest`.
  // Valid: [0, 0.5).
  double outliers = 0.01;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

struct FocusDepth {
  double distance = 0;    // metres, NaN = not known
  double confidence = 0;  // share of the weight that lies within a fifth of 1 / distance, in [0, 1]
  // Of all pixels with data, mask or not; 0 if there are none.
  double nearest = 0;
  double farthest = 0;
};

// depth  metres, 0 (or less, or NaN) = no data
// mask   of its size, or empty
// Deterministic: exact quantiles (one of the depths that occur), sums in row order. Throws
// Error(kInvalidArgument) for options out of range or a mask of another size.
FocusDepth MeasureFocus(const DepthView& depth, PlaneView<const uint8_t> mask,
                        const FocusOptions& options = {});

// Two eyes and how much parallax a viewer bears.
struct ParallaxBudget {
  double focal_baseline =
      0;                    // fx * baseline / width: parallax of 1 / depth as a share of the width
  double max_in_front = 0;  // share of the width; infinity: no bound
  double max_behind = 0;
};

// The distance next to `distance` (metres, 0 = parallel) at which neither the nearest nor the
// farthest point goes beyond the budget; where both cannot be kept, that behind the screen is, so
// that eyes never turn outwards. NaN stays NaN.
double WithinBudget(double distance, double nearest, double farthest, const ParallaxBudget& budget);

}  // namespace mdvt
