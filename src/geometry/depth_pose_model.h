// SPDX-License-Identifier: Apache-2.0
//
// Relative pose with depth: the model, its residuals and its minimal solvers.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "mdvt/geometry/depth_pose.h"

namespace mdvt {

// mu y = R lambda x + t with lambda = depth1 + shift1, mu = scale (depth2 + shift2), x and y the
// rays (x, y, 1) of a match.
struct DepthPoseModel {
  Eigen::Matrix3d rotation = Eigen::Matrix3d::Identity();
  Eigen::Vector3d translation = Eigen::Vector3d::Zero();
  double scale = 1;
  double shift1 = 0;
  double shift2 = 0;
};

// Points nearer than this share of their distance to the plane of a camera are not seen by it.
constexpr double kLeastShareForward = 0.01;

// What a match is off, in normalised units. `known` is false where a point is behind a camera or
// its depth is not known.
template <typename T>
struct DepthPoseResidual {
  Eigen::Matrix<T, 2, 1> forward, backward;
  T line = T(0);
  bool forward_known = false, backward_known = false, line_known = false;
};

// On which side of both cameras the rays of a match meet. Rays that are as good as parallel meet
// far away before both.
inline bool MeetsInFront(const DepthPoseModel& model, const DepthMatch& match, double noise) {
  const Eigen::Vector3d x = model.rotation * match.xy1.homogeneous();
  const Eigen::Vector3d y = match.xy2.homogeneous();
  const Eigen::Vector3d normal = x.cross(y);
  const double square = normal.squaredNorm();
  if (square < noise * noise * x.squaredNorm() * y.squaredNorm()) return true;
  return -model.translation.cross(y).dot(normal) > 0 && -model.translation.cross(x).dot(normal) > 0;
}

template <typename T>
DepthPoseResidual<T> ResidualOf(const Eigen::Matrix<T, 3, 3>& rotation,
                                const Eigen::Matrix<T, 3, 1>& translation, const T& scale,
                                const T& shift1, const T& shift2, const DepthMatch& match) {
  using Vector3 = Eigen::Matrix<T, 3, 1>;
  DepthPoseResidual<T> r;
  const Vector3 x(T(match.xy1.x()), T(match.xy1.y()), T(1));
  const Vector3 y(T(match.xy2.x()), T(match.xy2.y()), T(1));
  const Vector3 turned = rotation * x;
  if (match.depth1 > 0) {
    const T lambda = T(match.depth1) + shift1;
    const Vector3 p = lambda * turned + translation;
    if (lambda > T(0) && p.z() > T(kLeastShareForward) * lambda) {
      r.forward_known = true;
      r.forward << p.x() / p.z() - y.x(), p.y() / p.z() - y.y();
    }
  }
  if (match.depth2 > 0) {
    const T mu = scale * (T(match.depth2) + shift2);
    const Vector3 q = rotation.transpose() * (mu * y - translation);
    if (mu > T(0) && q.z() > T(kLeastShareForward) * mu) {
      r.backward_known = true;
      r.backward << q.x() / q.z() - x.x(), q.y() / q.z() - x.y();
    }
  }
  // E x = t x (R x) and E^T y = -R^T (t x y).
  const Vector3 line2 = translation.cross(turned);
  const Vector3 line1 = -(rotation.transpose() * translation.cross(y));
  const T square =
      line2.x() * line2.x() + line2.y() * line2.y() + line1.x() * line1.x() + line1.y() * line1.y();
  if (square > T(1e-24)) {
    using std::sqrt;
    r.line_known = true;
    r.line = y.dot(line2) / sqrt(square);
  }
  return r;
}

inline DepthPoseResidual<double> ResidualOf(const DepthPoseModel& model, const DepthMatch& match) {
  return ResidualOf<double>(model.rotation, model.translation, model.scale, model.shift1,
                            model.shift2, match);
}

// The rigid motion that takes three points to three others best (Kabsch).
bool MotionOfThreePoints(const std::array<Eigen::Vector3d, 3>& from,
                         const std::array<Eigen::Vector3d, 3>& to, DepthPoseModel* model);

// Both depths known up to a scale between them.
std::vector<DepthPoseModel> SolveScaled(const std::array<DepthMatch, 3>& sample);
// depth1 known; depth2 gives the scale, if it is known.
std::vector<DepthPoseModel> SolveByThreePoints(const std::array<DepthMatch, 3>& sample);
// Both depths known up to scale and shift: distances between the points are the same in both
// views, which leaves a quartic in shift2. At most four.
std::vector<DepthPoseModel> SolveShifted(const std::array<DepthMatch, 3>& sample);
// No depth: five points. The scale of `references` then gives length and scale.
std::vector<DepthPoseModel> SolveByLines(const std::array<DepthMatch, 5>& sample,
                                         const std::vector<DepthMatch>& references);

// The same as SolveShifted with an unknown focal length that both views share, by four points: xy
// are in units of a reference focal length, and the result's focal length is a multiple of it in
// [least, most]. Source: the equations of SolveShifted with the fourth point's distances as a
// condition, whose resultant with the quartic is a function of the focal length alone; its zeros
// are bracketed on a logarithmic grid and bisected.
struct FocalDepthPose {
  double focal = 1;
  DepthPoseModel model;  // of matches whose xy are divided by `focal`
};
std::vector<FocalDepthPose> SolveShiftedWithFocal(const std::array<DepthMatch, 4>& sample,
                                                  double least, double most);

}  // namespace mdvt
