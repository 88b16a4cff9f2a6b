// SPDX-License-Identifier: Apache-2.0
//
// Matrices of files that are to be rotations.
#pragma once

#include <Eigen/Core>

namespace mdvt {

constexpr double kRotationTolerance = 1e-3;  // beyond: not a rotation

// The largest entry of |R^T R - I|.
double RotationDeviation(const Eigen::Matrix3d& r);

// The nearest rotation of a matrix of that deviation.
Eigen::Matrix3d NearestRotation(const Eigen::Matrix3d& r, double deviation);

}  // namespace mdvt
