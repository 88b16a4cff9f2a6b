// SPDX-License-Identifier: Apache-2.0
//
// The geometry of a bundle's residuals, with their derivatives where they occur by the million.
//
// A pose is seven numbers: the rotation as a quaternion (x, y, z, w), then the position. A step is
// six: q * exp(w), position + v. Derivatives by a pose are derivatives by its step, in the first
// six of seven columns, which saves the chain rule through the quaternion.
#pragma once

#include <Eigen/Core>
#include <Eigen/Geometry>
#include <array>
#include <cmath>
#include <vector>

#include "bundle_check.h"
#include "mdvt/geometry/bundle.h"
#include "se3.h"

namespace mdvt {

constexpr int kPoseSize = 7;
using PoseValues = std::array<double, kPoseSize>;

template <int kRows, int kCols>
using RowMajor =
    Eigen::Matrix<double, kRows, kCols, kCols == 1 ? Eigen::ColMajor : Eigen::RowMajor>;

template <typename T>
struct PoseOf {
  Eigen::Quaternion<T> rotation;
  Eigen::Matrix<T, 3, 1> position;
};

inline PoseValues ToValues(const Pose& pose) {
  const Eigen::Quaterniond q = Eigen::Quaterniond(pose.linear()).normalized();
  const Eigen::Vector3d t = pose.translation();
  return {q.x(), q.y(), q.z(), q.w(), t.x(), t.y(), t.z()};
}

// exp of half a turn vector, and its inverse with the shorter way round.
template <typename T>
Eigen::Quaternion<T> ExpRotation(const Eigen::Matrix<T, 3, 1>& w) {
  const T square = w.squaredNorm();
  T real = T(1), factor = T(0.5);
  if (square > T(1e-24)) {
    const T angle = sqrt(square);
    real = cos(0.5 * angle);
    factor = sin(0.5 * angle) / angle;
  }
  return Eigen::Quaternion<T>(real, factor * w.x(), factor * w.y(), factor * w.z());
}
template <typename T>
Eigen::Matrix<T, 3, 1> LogRotation(const Eigen::Quaternion<T>& q) {
  const T sign = q.w() < T(0) ? T(-1) : T(1);
  const Eigen::Matrix<T, 3, 1> v = sign * q.vec();
  const T w = sign * q.w(), square = v.squaredNorm();
  if (square < T(1e-24)) return v * (2.0 / w);
  const T norm = sqrt(square);
  return v * (2.0 * atan2(norm, w) / norm);
}

// A world point in the frame of a camera, and what moves it.
struct PointInCamera {
  // `mount` may be null.
  PointInCamera(const double* point, const double* pose, const double* mount)
      : rig_from_world(Eigen::Map<const Eigen::Quaterniond>(pose).conjugate().toRotationMatrix()) {
    in_rig = rig_from_world * (Eigen::Map<const Eigen::Vector3d>(point) -
                               Eigen::Map<const Eigen::Vector3d>(pose + 4));
    in_camera = in_rig;
    if (mount != nullptr) {
      camera_from_rig = Eigen::Map<const Eigen::Quaterniond>(mount).conjugate().toRotationMatrix();
      in_camera = camera_from_rig * (in_rig - Eigen::Map<const Eigen::Vector3d>(mount + 4));
    }
    mounted = mount != nullptr;
  }
  bool InFront() const { return in_camera.z() > kLeastForward * in_camera.norm(); }

  // Chains d residual / d in_camera to the parameters that are asked for (null if not).
  template <int kRows>
  void Chain(const Eigen::Matrix<double, kRows, 3>& by_camera, double* by_point, double* by_pose,
             double* by_mount) const {
    using Pose7 = Eigen::Map<RowMajor<kRows, kPoseSize>>;
    Eigen::Matrix<double, kRows, 3> by_rig = by_camera;
    if (mounted) by_rig = by_camera * camera_from_rig;
    const Eigen::Matrix<double, kRows, 3> by_world = by_rig * rig_from_world;
    if (by_point != nullptr) Eigen::Map<RowMajor<kRows, 3>>{by_point} = by_world;
    if (by_pose != nullptr) {
      Pose7 j(by_pose);
      j.template leftCols<3>() = by_rig * Skew(in_rig);
      j.template middleCols<3>(3) = -by_world;
      j.template rightCols<1>().setZero();
    }
    if (by_mount != nullptr) {
      Pose7 j(by_mount);
      j.template leftCols<3>() = by_camera * Skew(in_camera);
      j.template middleCols<3>(3) = -by_rig;
      j.template rightCols<1>().setZero();
    }
  }

  Eigen::Matrix3d rig_from_world, camera_from_rig;
  Eigen::Vector3d in_rig, in_camera;
  bool mounted;
};

inline double Weight(double sigma) { return std::isfinite(sigma) ? 1 / sigma : 0; }

struct WeightedPose {
  WeightedPose(const Pose& pose, double sigma_rotation, double sigma_position)
      : rotation(pose.linear()),
        position(pose.translation()),
        weight_rotation(Weight(sigma_rotation)),
        weight_position(Weight(sigma_position)) {
    rotation.normalize();
  }
  template <typename T>
  void Compare(const Eigen::Quaternion<T>& r, const Eigen::Matrix<T, 3, 1>& p, T* out) const {
    const Eigen::Matrix<T, 3, 1> turn = LogRotation<T>(rotation.conjugate().cast<T>() * r);
    for (int k = 0; k < 3; ++k) {
      out[k] = weight_rotation * turn[k];
      out[3 + k] = weight_position * (p[k] - position[k]);
    }
  }
  Eigen::Quaterniond rotation;
  Eigen::Vector3d position;
  double weight_rotation, weight_position;
};

struct PosePriorResidual {
  WeightedPose value;
  template <typename T>
  void operator()(const PoseOf<T>* poses, T* out) const {
    value.Compare<T>(poses[0].rotation, poses[0].position, out);
  }
};

struct RelationResidual {
  WeightedPose a_from_b;
  template <typename T>
  void operator()(const PoseOf<T>* poses, T* out) const {
    const Eigen::Quaternion<T> a_from_world = poses[0].rotation.conjugate();
    a_from_b.Compare<T>(a_from_world * poses[1].rotation,
                        a_from_world * (poses[1].position - poses[0].position), out);
  }
};

struct SteadyResidual {
  double fraction, weight_rotation, weight_position;
  template <typename T>
  void operator()(const PoseOf<T>* poses, T* out) const {
    const Eigen::Quaternion<T> before = poses[0].rotation;
    const Eigen::Matrix<T, 3, 1> turn = LogRotation<T>(before.conjugate() * poses[2].rotation);
    const Eigen::Quaternion<T> middle = before * ExpRotation<T>(turn * T(fraction));
    const Eigen::Matrix<T, 3, 1> off = LogRotation<T>(middle.conjugate() * poses[1].rotation);
    for (int k = 0; k < 3; ++k) {
      out[k] = weight_rotation * off[k];
      out[3 + k] = weight_position * (poses[1].position[k] - (1 - fraction) * poses[0].position[k] -
                                      fraction * poses[2].position[k]);
    }
  }
};

}  // namespace mdvt
