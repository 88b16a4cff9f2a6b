// SPDX-License-Identifier: Apache-2.0
//
// How far a depth map is from the truth.
#pragma once

#include <cstdint>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt {

struct DepthMetrics {
  int64_t pixels = 0;  // where both maps have data
  double abs_rel = 0;  // mean |d - t| / t
  double rmse = 0;     // metres
  double delta1 = 0;   // share of pixels with max(d / t, t / d) < 1.25
  double scale = 1;    // the factor that was applied to the estimate before comparing
};

// Gathers pairs of maps over a clip; holds histograms, not pixels.
class DepthMetricsAccumulator {
 public:
  // Pass 1: the median of truth / estimate over the clip is the scale.
  void AddForScale(const DepthView& estimate, const DepthView& truth);
  double MedianScale() const;  // 1 if no pair had data

  // Pass 2: errors of estimate * scale.
  void Add(const DepthView& estimate, const DepthView& truth, double scale);
  DepthMetrics Result() const;

 private:
  std::vector<int64_t> ratio_histogram_;
  int64_t pixels_ = 0;
  double sum_abs_rel_ = 0, sum_squared_ = 0, scale_ = 1;
  int64_t within_ = 0;
};

}  // namespace mdvt
