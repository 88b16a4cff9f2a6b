// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/triangulation.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "mdvt/core/error.h"

namespace mdvt {

void TriangulationOptions::Check() const {
  for (const double value : {min_angle, max_error, max_rms, min_depth})
    Require(value >= 0 && std::isfinite(value), Code::kInvalidArgument,
            "TriangulationOptions: every field must be finite and not negative");
}

TriangulatedPoint Triangulate(const std::vector<PointView>& views,
                              const TriangulationOptions& options) {
  options.Check();
  TriangulatedPoint result;
  if (views.size() < 2) return result;

  std::vector<Eigen::Vector3d> rays(views.size());
  Eigen::Matrix3d a = Eigen::Matrix3d::Zero();
  Eigen::Vector3d b = Eigen::Vector3d::Zero();
  for (size_t i = 0; i < views.size(); ++i) {
    const Pose world_from_cam = views[i].cam_from_world.inverse();
    rays[i] = (world_from_cam.linear() * views[i].xy.homogeneous()).normalized();
    const Eigen::Matrix3d across = Eigen::Matrix3d::Identity() - rays[i] * rays[i].transpose();
    a += across;
    b += across * world_from_cam.translation();
  }
  double largest = 0;
  for (size_t i = 0; i < rays.size(); ++i)
    for (size_t j = i + 1; j < rays.size(); ++j)
      largest = std::max(largest, rays[i].cross(rays[j]).norm());
  result.angle = std::asin(std::min(1.0, largest));
  result.status = TriangulationStatus::kNoParallax;
  if (result.angle < options.min_angle || !(result.angle > 1e-9)) return result;

  Eigen::Vector3d x = a.ldlt().solve(b);
  const auto cost = [&](const Eigen::Vector3d& point) {
    double sum = 0;
    for (const PointView& view : views) {
      const Eigen::Vector3d p = view.cam_from_world * point;
      if (!(p.z() > 0)) return std::numeric_limits<double>::infinity();
      sum += (p.hnormalized() - view.xy).squaredNorm();
    }
    return sum;
  };
  double current = cost(x);
  result.status = TriangulationStatus::kBehind;
  if (!std::isfinite(current)) return result;
  for (int iteration = 0; iteration < 10; ++iteration) {
    Eigen::Matrix3d h = Eigen::Matrix3d::Zero();
    Eigen::Vector3d g = Eigen::Vector3d::Zero();
    for (const PointView& view : views) {
      const Eigen::Vector3d p = view.cam_from_world * x;
      const double iz = 1 / p.z();
      Eigen::Matrix<double, 2, 3> projection;
      projection << iz, 0, -p.x() * iz * iz, 0, iz, -p.y() * iz * iz;
      const Eigen::Matrix<double, 2, 3> jacobian = projection * view.cam_from_world.linear();
      h += jacobian.transpose() * jacobian;
      g += jacobian.transpose() * (p.hnormalized() - view.xy);
    }
    h.diagonal() *= 1 + 1e-9;
    const Eigen::Vector3d step = h.ldlt().solve(g);
    const Eigen::Vector3d next = x - step;
    const double after = next.allFinite() ? cost(next) : std::numeric_limits<double>::infinity();
    if (!(after < current)) break;
    const bool settled = current - after < 1e-10 * current;
    x = next;
    current = after;
    if (settled) break;
  }
  result.point = x;
  result.rms = std::sqrt(current / static_cast<double>(views.size()));
  for (const PointView& view : views) {
    const Eigen::Vector3d p = view.cam_from_world * x;
    if (!(p.z() > options.min_depth)) return result;
    if ((p.hnormalized() - view.xy).norm() > options.max_error) {
      result.status = TriangulationStatus::kInconsistent;
      return result;
    }
  }
  result.status =
      result.rms <= options.max_rms ? TriangulationStatus::kOk : TriangulationStatus::kInconsistent;
  return result;
}

}  // namespace mdvt
