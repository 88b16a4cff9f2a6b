// SPDX-License-Identifier: Apache-2.0
//
// Random points before random cameras.
#pragma once

#include <random>
#include <vector>

#include "mdvt/core/pose.h"
#include "mdvt/geometry/two_view.h"

namespace mdvt::test {

inline double Uniform(std::mt19937_64& rng, double low, double high) {
  return low + (high - low) * (static_cast<double>(rng() >> 11) * 0x1p-53);
}

inline double Normal(std::mt19937_64& rng) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) sum += Uniform(rng, -0.5, 0.5);
  return sum;
}

inline Eigen::Vector3d RandomVector(std::mt19937_64& rng) {
  return {Uniform(rng, -1, 1), Uniform(rng, -1, 1), Uniform(rng, -1, 1)};
}

inline Pose MakePose(const Eigen::Vector3d& axis_angle, const Eigen::Vector3d& translation) {
  Pose pose = Pose::Identity();
  const double angle = axis_angle.norm();
  if (angle > 0) pose.linear() = Eigen::AngleAxisd(angle, axis_angle / angle).toRotationMatrix();
  pose.translation() = translation;
  return pose;
}

// Points in front of a camera at the origin, 2 to 8 units away.
inline std::vector<Eigen::Vector3d> RandomPoints(std::mt19937_64& rng, int count) {
  std::vector<Eigen::Vector3d> points;
  for (int i = 0; i < count; ++i) {
    const double z = Uniform(rng, 2, 8);
    points.emplace_back(Uniform(rng, -0.6, 0.6) * z, Uniform(rng, -0.4, 0.4) * z, z);
  }
  return points;
}

inline Points2 See(const std::vector<Eigen::Vector3d>& points, const Pose& cam_from_world) {
  Points2 seen;
  for (const Eigen::Vector3d& p : points) seen.push_back((cam_from_world * p).hnormalized());
  return seen;
}

inline double AngleBetween(const Eigen::Matrix3d& a, const Eigen::Matrix3d& b) {
  return Eigen::AngleAxisd(a.transpose() * b).angle();
}

}  // namespace mdvt::test
