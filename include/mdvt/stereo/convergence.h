// SPDX-License-Identifier: Apache-2.0
//
// Where the two eyes' pictures coincide, over time.
#pragma once

#include <vector>

#include "mdvt/core/rational.h"

namespace mdvt {

// Smooths convergence distances per frame in 1 / distance with a zero-phase Gaussian of
// `sigma_seconds` at `frame_rate`, mirrored at both ends. NaN takes the value of the nearest known
// frame (the earlier one on ties); 0 (parallel eyes) counts as 1 / distance = 0. A list of NaN
// alone becomes all 0. Results are never negative.
std::vector<double> SmoothConvergence(const std::vector<double>& distance, Rational frame_rate,
                                      double sigma_seconds = 0.5);

}  // namespace mdvt
