// SPDX-License-Identifier: Apache-2.0
//
// Small steps of a pose and what they do to a projected point.
#pragma once

#include <Eigen/Core>
#include <Eigen/Geometry>

#include "mdvt/core/pose.h"

namespace mdvt {

using Vector6d = Eigen::Matrix<double, 6, 1>;
using Matrix6d = Eigen::Matrix<double, 6, 6>;
using Matrix26d = Eigen::Matrix<double, 2, 6>;

inline Eigen::Matrix3d Skew(const Eigen::Vector3d& v) {
  Eigen::Matrix3d m;
  m << 0, -v.z(), v.y(), v.z(), 0, -v.x(), -v.y(), v.x(), 0;
  return m;
}

// The motion p -> R(w) p + v for the step (w, v): a retraction of SE(3), exact in the rotation.
inline Pose Exp(const Vector6d& step) {
  Pose pose = Pose::Identity();
  const Eigen::Vector3d w = step.head<3>();
  const double angle = w.norm();
  if (angle > 1e-300) pose.linear() = Eigen::AngleAxisd(angle, w / angle).toRotationMatrix();
  pose.translation() = step.tail<3>();
  return pose;
}

// d (x / z, y / z) / d point.
inline Eigen::Matrix<double, 2, 3> ProjectionJacobian(const Eigen::Vector3d& p) {
  const double iz = 1 / p.z();
  Eigen::Matrix<double, 2, 3> j;
  j << iz, 0, -p.x() * iz * iz, 0, iz, -p.y() * iz * iz;
  return j;
}

// d (x / z, y / z) of Exp(step) * p, at step = 0.
inline Matrix26d PoseJacobian(const Eigen::Vector3d& p) {
  Matrix26d j;
  const Eigen::Matrix<double, 2, 3> projection = ProjectionJacobian(p);
  j.leftCols<3>() = -projection * Skew(p);
  j.rightCols<3>() = projection;
  return j;
}

}  // namespace mdvt
