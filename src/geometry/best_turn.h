// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/LU>
#include <Eigen/SVD>

namespace mdvt {

// The rotation R with the least sum of |b - R a|^2 over pairs of vectors, of the sum of b a^T. It
// is one of many unless two singular values of that sum are above 0. Source: Umeyama, Least-squares
// estimation of transformation parameters between two point patterns, PAMI 1991.
inline Eigen::Matrix3d BestTurn(const Eigen::Matrix3d& sum,
                                Eigen::Vector3d* singular_values = nullptr) {
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(sum, Eigen::ComputeFullU | Eigen::ComputeFullV);
  if (singular_values != nullptr) *singular_values = svd.singularValues();
  Eigen::Matrix3d flip = Eigen::Matrix3d::Identity();
  flip(2, 2) = (svd.matrixU() * svd.matrixV().transpose()).determinant() < 0 ? -1 : 1;
  return svd.matrixU() * flip * svd.matrixV().transpose();
}

}  // namespace mdvt
