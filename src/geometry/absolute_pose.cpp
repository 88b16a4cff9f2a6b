// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/absolute_pose.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/Geometry>
#include <array>
#include <cmath>
#include <complex>
#include <optional>

#include "mdvt/core/error.h"
#include "p3p.h"
#include "samples.h"
#include "se3.h"

namespace mdvt {

void AbsolutePoseOptions::Check() const {
  Require(loss_scale > 0 && loss_scale < 1, Code::kInvalidArgument,
          "AbsolutePoseOptions.loss_scale must be in (0, 1)");
  Require(threshold > 0 && threshold < 1, Code::kInvalidArgument,
          "AbsolutePoseOptions.threshold must be in (0, 1)");
  Require(max_iterations >= 0 && max_iterations <= 1000, Code::kInvalidArgument,
          "AbsolutePoseOptions.max_iterations must be in [0, 1000]");
}

AbsolutePose RefineAbsolutePose(const std::vector<Eigen::Vector3d>& points, const Points2& seen,
                                const Pose& start, const AbsolutePoseOptions& options) {
  options.Check();
  Require(points.size() == seen.size(), Code::kInvalidArgument,
          "RefineAbsolutePose: points and their pictures differ in number");
  const double c2 = options.loss_scale * options.loss_scale;
  const auto cost = [&](const Pose& pose) {
    double sum = 0;
    for (size_t i = 0; i < points.size(); ++i) {
      const Eigen::Vector3d p = pose * points[i];
      // A point behind the camera costs as much as a far outlier.
      const double r2 = p.z() > 1e-9 ? (p.hnormalized() - seen[i]).squaredNorm() : 1.0;
      sum += std::log1p(r2 / c2);
    }
    return sum;
  };

  AbsolutePose result;
  result.cam_from_world = start;
  double current = cost(start), damping = 1e-6;
  for (int iteration = 0; iteration < options.max_iterations; ++iteration) {
    Matrix6d h = Matrix6d::Zero();
    Vector6d g = Vector6d::Zero();
    int used = 0;
    for (size_t i = 0; i < points.size(); ++i) {
      const Eigen::Vector3d p = result.cam_from_world * points[i];
      if (!(p.z() > 1e-9)) continue;
      const Eigen::Vector2d r = p.hnormalized() - seen[i];
      const Matrix26d jacobian = PoseJacobian(p);
      const double weight = 1 / (1 + r.squaredNorm() / c2);
      h.noalias() += weight * jacobian.transpose() * jacobian;
      g.noalias() += weight * jacobian.transpose() * r;
      ++used;
    }
    if (used < 3) break;
    Pose next;
    if (options.rotation_only) {
      // The left increment that leaves the centre -R^T t where it is has v = t x w.
      Eigen::Matrix<double, 6, 3> lift;
      lift.topRows<3>().setIdentity();
      lift.bottomRows<3>() = Skew(result.cam_from_world.translation());
      const Eigen::Matrix3d h3 = lift.transpose() * h * lift;
      Eigen::Matrix3d damped = h3;
      damped.diagonal() *= 1 + damping;
      const Eigen::Vector3d w = damped.ldlt().solve(-lift.transpose() * g);
      const Eigen::Vector3d centre =
          -(result.cam_from_world.linear().transpose() * result.cam_from_world.translation());
      next = Exp((Vector6d() << w, Eigen::Vector3d::Zero()).finished()) * result.cam_from_world;
      next.translation() = -(next.linear() * centre);
    } else {
      Matrix6d damped = h;
      damped.diagonal() *= 1 + damping;
      const Vector6d step = damped.ldlt().solve(-g);
      next = Exp(step) * result.cam_from_world;
    }
    const double after = next.matrix().allFinite() ? cost(next) : current + 1;
    if (!(after < current)) {
      damping = std::max(damping * 10, 1e-4);
      if (damping > 1e3) break;
      continue;
    }
    const bool settled = current - after < 1e-9 * current;
    result.cam_from_world = next;
    current = after;
    damping /= 10;
    if (settled) break;
  }
  result.inliers.assign(points.size(), 0);
  double sum = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    const Eigen::Vector3d p = result.cam_from_world * points[i];
    if (!(p.z() > 1e-9)) continue;
    const double r2 = (p.hnormalized() - seen[i]).squaredNorm();
    if (!(r2 <= options.threshold * options.threshold)) continue;
    result.inliers[i] = 1;
    ++result.num_inliers;
    sum += r2;
  }
  result.rms = result.num_inliers > 0 ? std::sqrt(sum / result.num_inliers) : 0;
  return result;
}

std::vector<Pose> PosesFromThreePoints(const Eigen::Vector3d (&points)[3],
                                       const Eigen::Vector3d (&rays)[3]) {
  const double a2 = (points[1] - points[2]).squaredNorm();
  const double b2 = (points[0] - points[2]).squaredNorm();
  const double c2 = (points[0] - points[1]).squaredNorm();
  const double cos_a = rays[1].dot(rays[2]), cos_b = rays[0].dot(rays[2]);
  const double cos_c = rays[0].dot(rays[1]);
  if (!(a2 > 0 && b2 > 0 && c2 > 0)) return {};
  const double p = (a2 - c2) / b2, q = (a2 + c2) / b2, a = a2 / b2, c = c2 / b2;
  // Of v = s3 / s1, the ratio of two distances, the lowest power first.
  const double quartic[5] = {
      (1 + p) * (1 + p) - 4 * a * cos_c * cos_c,
      4 * (-p * (1 + p) * cos_b + 2 * a * cos_c * cos_c * cos_b - (1 - q) * cos_a * cos_c),
      2 * (p * p - 1 + 2 * p * p * cos_b * cos_b + 2 * (1 - c) * cos_a * cos_a -
           4 * q * cos_a * cos_b * cos_c + 2 * (1 - a) * cos_c * cos_c),
      4 * (p * (1 - p) * cos_b - (1 - q) * cos_a * cos_c + 2 * c * cos_a * cos_a * cos_b),
      (p - 1) * (p - 1) - 4 * c * cos_a * cos_a};
  Eigen::Matrix4d companion = Eigen::Matrix4d::Zero();
  for (int i = 0; i < 4; ++i) companion(i, 3) = -quartic[i] / quartic[4];
  for (int i = 0; i < 3; ++i) companion(i + 1, i) = 1;
  if (!companion.allFinite()) return {};
  const Eigen::EigenSolver<Eigen::Matrix4d> roots(companion, false);
  if (roots.info() != Eigen::Success) return {};

  // A rotation for each triangle, that of its own axes.
  const auto axes = [](const Eigen::Vector3d(&corners)[3]) {
    Eigen::Matrix3d frame;
    frame.col(0) = (corners[1] - corners[0]).normalized();
    frame.col(2) = frame.col(0).cross(corners[2] - corners[0]).normalized();
    frame.col(1) = frame.col(2).cross(frame.col(0));
    return frame;
  };
  std::vector<Pose> poses;
  for (int i = 0; i < 4; ++i) {
    // Two roots that touch come out as a pair beside the real axis.
    const std::complex<double> root = roots.eigenvalues()[i];
    const double v = root.real();
    if (!(std::fabs(root.imag()) <= 1e-4 * std::fabs(v)) || !(v > 0)) continue;
    const double u = ((p - 1) * v * v - 2 * p * cos_b * v + 1 + p) / (2 * (cos_c - v * cos_a));
    const double s1 = std::sqrt(b2 / (1 + v * v - 2 * v * cos_b));
    if (!(u > 0) || !(s1 > 0) || !std::isfinite(u * s1)) continue;
    const Eigen::Vector3d seen[3] = {s1 * rays[0], u * s1 * rays[1], v * s1 * rays[2]};
    Pose pose = Pose::Identity();
    pose.linear() = axes(seen) * axes(points).transpose();
    pose.translation() = seen[0] - pose.linear() * points[0];
    if (pose.matrix().allFinite()) poses.push_back(pose);
  }
  return poses;
}

AbsolutePose EstimateAbsolutePose(const std::vector<Eigen::Vector3d>& points, const Points2& seen,
                                  const AbsolutePoseOptions& options) {
  constexpr int kMostSamples = 200;
  constexpr double kConfidence = 0.999;
  options.Check();
  Require(points.size() == seen.size(), Code::kInvalidArgument,
          "EstimateAbsolutePose: points and their pictures differ in number");
  AbsolutePose none;
  none.inliers.assign(points.size(), 0);
  const size_t n = points.size();
  if (n < 6) return none;
  for (size_t i = 0; i < n; ++i)
    if (!points[i].allFinite() || !seen[i].allFinite()) return none;
  const double most = options.threshold * options.threshold;
  Samples<3> samples(n);
  std::optional<Pose> best;
  double least_cost = static_cast<double>(n) * most;
  int needed = kMostSamples;
  for (int done = 0; done < needed; ++done) {
    Eigen::Vector3d corners[3], rays[3];
    const std::array<size_t, 3> sample = samples.Next();
    for (size_t k = 0; k < 3; ++k) {
      corners[k] = points[sample[k]];
      rays[k] = seen[sample[k]].homogeneous().normalized();
    }
    for (const Pose& pose : PosesFromThreePoints(corners, rays)) {
      double cost = 0;
      size_t inliers = 0;
      for (size_t i = 0; i < n && cost < least_cost; ++i) {
        const Eigen::Vector3d at = pose * points[i];
        const double squared =
            at.z() > 1e-9 ? (at.hnormalized() - seen[i]).squaredNorm() : most + 1;
        const bool fits = squared <= most;  // not for NaN
        cost += fits ? squared : most;
        inliers += fits;
      }
      // The three points of the sample fit by themselves.
      if (!(cost < least_cost) || inliers < 4) continue;
      least_cost = cost;
      best = pose;
      needed = SamplesNeeded(static_cast<double>(inliers) / static_cast<double>(n), 3, kConfidence,
                             kMostSamples);
    }
  }
  return best ? RefineAbsolutePose(points, seen, *best, options) : none;
}

}  // namespace mdvt
