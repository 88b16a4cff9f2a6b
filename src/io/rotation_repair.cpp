// SPDX-License-Identifier: Apache-2.0
#include "io/rotation_repair.h"

#include <Eigen/SVD>

namespace mdvt {
namespace {

constexpr double kRotationExact = 1e-12;  // below: taken as it stands

}  // namespace

double RotationDeviation(const Eigen::Matrix3d& r) {
  return (r.transpose() * r - Eigen::Matrix3d::Identity()).cwiseAbs().maxCoeff();
}

Eigen::Matrix3d NearestRotation(const Eigen::Matrix3d& r, double deviation) {
  if (deviation <= kRotationExact) return r;
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(r, Eigen::ComputeFullU | Eigen::ComputeFullV);
  return svd.matrixU() * svd.matrixV().transpose();
}

}  // namespace mdvt
