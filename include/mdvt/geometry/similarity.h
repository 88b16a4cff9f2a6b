// SPDX-License-Identifier: Apache-2.0
//
// The similarity between two sets of points, and what it tells about two camera paths.
#pragma once

#include <Eigen/Core>
#include <vector>

namespace mdvt {

struct Similarity {
  bool ok = false;  // false: fewer than 3 points, or all on one line
  double scale = 1;
  Eigen::Matrix3d rotation = Eigen::Matrix3d::Identity();
  Eigen::Vector3d translation = Eigen::Vector3d::Zero();
  double rms = 0;  // of target - (scale * rotation * source + translation)

  Eigen::Vector3d operator*(const Eigen::Vector3d& p) const {
    return scale * (rotation * p) + translation;
  }
};

// Least-squares similarity (or, with a scale of 1, rigid motion) that takes `source` to `target`.
// Throws Error(kInvalidArgument) if the sizes differ.
// Source: S. Umeyama, Least-squares estimation of transformation parameters, 1991.
Similarity AlignPoints(const std::vector<Eigen::Vector3d>& source,
                       const std::vector<Eigen::Vector3d>& target, bool with_scale = true);

}  // namespace mdvt
