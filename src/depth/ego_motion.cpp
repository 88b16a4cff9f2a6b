// SPDX-License-Identifier: Apache-2.0
#include "depth/ego_motion.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "core/median.h"

namespace mdvt::depth {

EgoMotion FitEgoMotion(const std::vector<EgoPoint>& points) {
  using Vector6 = Eigen::Matrix<double, 6, 1>;
  using Matrix6 = Eigen::Matrix<double, 6, 6>;
  EgoMotion motion;
  if (points.size() < 32) return motion;
  double mean_s = 0;
  for (const EgoPoint& point : points) mean_s += point.s / static_cast<double>(points.size());
  if (!(mean_s > 0)) return motion;
  std::vector<double> residual(points.size(), 0), sorted;
  double sigma = 1e9;
  for (int round = 0; round < 5; ++round) {
    Matrix6 a = Matrix6::Zero();
    Vector6 b = Vector6::Zero();
    for (size_t i = 0; i < points.size(); ++i) {
      const EgoPoint& p = points[i];
      const double q = residual[i] / (4.685 * sigma);
      const double w = p.weight * (q < 1 ? (1 - q * q) * (1 - q * q) : 0);
      if (!(w > 0)) continue;
      const double s = p.s / mean_s;
      Vector6 u, v;
      u << -p.x * p.y, 1 + p.x * p.x, -p.y, s, 0, -p.x * s;
      v << -(1 + p.y * p.y), p.x * p.y, p.x, 0, s, -p.y * s;
      a += w * (u * u.transpose() + v * v.transpose());
      b += w * (u * p.dx + v * p.dy);
    }
    // A touch towards no motion where two of them look alike: turning and moving sideways before a
    // flat wall.
    a.diagonal().array() += 1e-6 * a.trace() / 6 + 1e-12;
    const Vector6 solution = a.ldlt().solve(b);
    if (!solution.allFinite()) return EgoMotion();
    for (size_t i = 0; i < 3; ++i) {
      motion.omega[i] = solution[static_cast<Eigen::Index>(i)];
      motion.translation[i] = solution[static_cast<Eigen::Index>(i + 3)] / mean_s;
    }
    for (size_t i = 0; i < points.size(); ++i) {
      double dx = 0, dy = 0;
      motion.Flow(points[i].x, points[i].y, points[i].s, &dx, &dy);
      residual[i] = std::hypot(dx - points[i].dx, dy - points[i].dy);
    }
    sorted = residual;
    motion.residual = Median(&sorted);
    sigma = std::max(1e-6, 1.4826 * motion.residual);
  }
  motion.found = true;
  return motion;
}

}  // namespace mdvt::depth
