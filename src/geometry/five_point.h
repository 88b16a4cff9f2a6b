// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>
#include <array>
#include <vector>

#include "mdvt/core/pose.h"

namespace mdvt {

// All essential matrices E of unit length with q2^T E q1 = 0 for five pairs (q = (x, y, 1)), at
// most ten. Degenerate pairs give none, or some that mean nothing. Source: H. Stewenius, C. Engels,
// D. Nister, Recent developments on direct relative orientation, ISPRS Journal 60, 2006.
std::vector<Eigen::Matrix3d> EssentialFromFivePairs(const std::array<Eigen::Vector2d, 5>& points1,
                                                    const std::array<Eigen::Vector2d, 5>& points2);

// The four motions of an essential matrix, with a translation of length 1.
std::array<Pose, 4> MotionsOfEssential(const Eigen::Matrix3d& essential);

}  // namespace mdvt
