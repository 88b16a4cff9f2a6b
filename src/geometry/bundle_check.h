// SPDX-License-Identifier: Apache-2.0
//
// What can be told of a bundle problem before it is solved. Nothing here knows Ceres.
#pragma once

#include <cstdint>
#include <vector>

#include "mdvt/geometry/bundle.h"

namespace mdvt {

// Throws the errors that SolveBundle() documents: Ceres' own checks would abort.
void CheckBundle(const BundleProblem& problem);

// z of a point counts as in front of the camera from this share of its distance on. Residuals of
// points that get behind during a solve stay at what they are here, without a gradient.
constexpr double kLeastForward = 1e-3;

// Which sights and depths see their point in front of the camera at the start.
struct BundleUse {
  std::vector<uint8_t> sights;
  std::vector<uint8_t> depths;
};
BundleUse FindBundleUse(const BundleProblem& problem);

// What no residual and no held parameter ties: place and size of the world.
struct BundleGauge {
  std::vector<int> anchors;
  bool scale_is_free = false;
};
// Throws Error(kRefused) if a residual pulls at a size that nothing ties.
BundleGauge FindBundleGauge(const BundleProblem& problem, const BundleUse& use);

// kDense, kSparse or kIterative: what is left after the points are eliminated links the poses that
// see common points; how many links elimination adds decides what a step costs.
BundleSolver ChooseBundleSolver(const BundleProblem& problem, const BundleUse& use);

}  // namespace mdvt
