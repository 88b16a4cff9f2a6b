// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/absolute_pose.h"

#include <Eigen/Cholesky>
#include <cmath>
#include <opencv2/calib3d.hpp>

#include "mdvt/core/error.h"
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

AbsolutePose EstimateAbsolutePose(const std::vector<Eigen::Vector3d>& points, const Points2& seen,
                                  const AbsolutePoseOptions& options) {
  options.Check();
  Require(points.size() == seen.size(), Code::kInvalidArgument,
          "EstimateAbsolutePose: points and their pictures differ in number");
  AbsolutePose none;
  none.inliers.assign(points.size(), 0);
  if (points.size() < 6) return none;
  std::vector<cv::Point3d> object;
  std::vector<cv::Point2d> image;
  for (size_t i = 0; i < points.size(); ++i) {
    if (!points[i].allFinite() || !seen[i].allFinite()) return none;
    object.emplace_back(points[i].x(), points[i].y(), points[i].z());
    image.emplace_back(seen[i].x(), seen[i].y());
  }
  cv::Mat turn, move;
  try {
    if (!cv::solvePnPRansac(object, image, cv::Mat::eye(3, 3, CV_64F), cv::noArray(), turn, move,
                            false, 200, static_cast<float>(options.threshold), 0.999, cv::noArray(),
                            cv::SOLVEPNP_EPNP))
      return none;
  } catch (const cv::Exception&) {
    return none;
  }
  Pose start = Pose::Identity();
  const Eigen::Vector3d axis(turn.at<double>(0), turn.at<double>(1), turn.at<double>(2));
  const double angle = axis.norm();
  if (angle > 1e-12) start.linear() = Eigen::AngleAxisd(angle, axis / angle).toRotationMatrix();
  start.translation() << move.at<double>(0), move.at<double>(1), move.at<double>(2);
  if (!start.matrix().allFinite()) return none;
  return RefineAbsolutePose(points, seen, start, options);
}

}  // namespace mdvt
