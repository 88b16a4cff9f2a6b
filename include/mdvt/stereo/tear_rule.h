// SPDX-License-Identifier: Apache-2.0
//
// Where a surface parts: one rule for rendered views and for meshes.
#pragma once

#include <algorithm>
#include <cmath>

namespace mdvt {

// Two neighbouring points part if two eyes see them more than `disparity` pixels apart and their
// depths differ by more than `depth` of the nearer one. The first keeps far surfaces whole, where a
// step shows little; the second keeps near ones whole that merely slant.
struct TearRule {
  double disparity = 1.0;  // pixels on screen, both eyes together. Valid: [0, 1000].
  double depth = 0.02;     // Valid: [0, 10].

  // Throws Error(kInvalidArgument) that names the field (as tear_disparity, tear_depth) and its
  // valid range.
  void Check() const;

  // The rule itself. `apart` is counted as `most_apart` is; a and b are the depths of both points,
  // or their inverses: |b - a| / min(a, b) = |1 / b - 1 / a| / min(1 / a, 1 / b).
  template <typename T>
  static bool Parts(T apart, T a, T b, T most_apart, T most_depth) {
    return apart > most_apart && std::fabs(b - a) > most_depth * std::min(a, b);
  }
  bool Parts(double apart, double a, double b) const {
    return Parts<double>(apart, a, b, disparity, depth);
  }
};

}  // namespace mdvt
