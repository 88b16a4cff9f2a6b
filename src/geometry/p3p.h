// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>
#include <vector>

#include "mdvt/core/pose.h"

namespace mdvt {

// The camera's pose if it sees the three points along the three unit rays: up to four.
// Source: J. A. Grunert 1841, as R. Haralick et al. have it, Review and analysis of solutions of
// the three point perspective pose estimation problem, IJCV 13, 1994.
std::vector<Pose> PosesFromThreePoints(const Eigen::Vector3d (&points)[3],
                                       const Eigen::Vector3d (&rays)[3]);

}  // namespace mdvt
