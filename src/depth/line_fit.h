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

// y = scale x (+ shift), by Tukey's biweight in five rounds, then as an errors-in-variables line on
// the inliers: scale^2 = (var y - noise_y) / (var x - noise_x), shift between the medians. A plain
// regression on noisy x has too small a scale, and loses contrast with every frame.
// noise_x, noise_y  variances of the noise; 0 for both takes the noise to be alike
// floor             added to |y| where residuals are taken as shares
NoisyLine FitNoisyLine(const NoisyPairs& pairs, bool affine, double noise_x, double noise_y,
                       double floor);

}  // namespace mdvt::depth
