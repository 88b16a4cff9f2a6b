// SPDX-License-Identifier: Apache-2.0
//
// Robust lines through pairs of values that are both noisy.
#pragma once

#include <vector>

namespace mdvt::depth {

struct NoisyPairs {
  std::vector<double> x, y, weight;
  void Clear() { x.clear(), y.clear(), weight.clear(); }
  void Add(double at_x, double at_y, double w) {
    x.push_back(at_x), y.push_back(at_y), weight.push_back(w);
  }
};

struct NoisyLine {
  double scale = 1, shift = 0;
  double inliers = 0;  // share of the weight
  double sigma = 0;    // robust standard deviation of the residuals over |y| (its floor included)
  bool found = false;
};

// y = scale x (+ shift), by Tukey's biweight in five rounds, as an errors-in-variables line: a
// plain regression on noisy x has too small a scale, and loses contrast with every frame.
// noise_ratio  variance of the noise of y over that of x, positive. At 1 the line is the same read
//              from either side
// floor        added to |y| where residuals are taken as shares
// Source: W. E. Deming, Statistical adjustment of data, 1943.
NoisyLine FitNoisyLine(const NoisyPairs& pairs, bool affine, double noise_ratio, double floor);

}  // namespace mdvt::depth
