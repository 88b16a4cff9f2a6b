// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/similarity.h"

#include <Eigen/LU>
#include <Eigen/SVD>
#include <cmath>

#include "mdvt/core/error.h"

namespace mdvt {

Similarity AlignPoints(const std::vector<Eigen::Vector3d>& source,
                       const std::vector<Eigen::Vector3d>& target, bool with_scale) {
  Require(source.size() == target.size(), Code::kInvalidArgument,
          "AlignPoints: the two lists of points differ in length");
  Similarity result;
  const size_t n = source.size();
  if (n < 3) return result;
  Eigen::Vector3d mean_source = Eigen::Vector3d::Zero(), mean_target = Eigen::Vector3d::Zero();
  for (size_t i = 0; i < n; ++i) {
    mean_source += source[i];
    mean_target += target[i];
  }
  mean_source /= static_cast<double>(n);
  mean_target /= static_cast<double>(n);
  Eigen::Matrix3d covariance = Eigen::Matrix3d::Zero();
  double variance = 0;
  for (size_t i = 0; i < n; ++i) {
    covariance += (target[i] - mean_target) * (source[i] - mean_source).transpose();
    variance += (source[i] - mean_source).squaredNorm();
  }
  covariance /= static_cast<double>(n);
  variance /= static_cast<double>(n);
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(covariance,
                                              Eigen::ComputeFullU | Eigen::ComputeFullV);
  const Eigen::Vector3d d = svd.singularValues();
  // Two directions must be spanned for the rotation to be unique.
  if (!(variance > 0) || !(d[1] > 1e-12 * d[0])) return result;
  Eigen::Vector3d sign(1, 1, 1);
  if (svd.matrixU().determinant() * svd.matrixV().determinant() < 0) sign[2] = -1;
  result.rotation = svd.matrixU() * sign.asDiagonal() * svd.matrixV().transpose();
  result.scale = with_scale ? d.dot(sign) / variance : 1;
  result.translation = mean_target - result.scale * (result.rotation * mean_source);
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += (target[i] - result * source[i]).squaredNorm();
  result.rms = std::sqrt(sum / static_cast<double>(n));
  result.ok = true;
  return result;
}

}  // namespace mdvt
