// SPDX-License-Identifier: Apache-2.0
#include "depth/ego_motion.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "core/median.h"

namespace mdvt::depth {
namespace {

using Vector6 = Eigen::Matrix<double, 6, 1>;
using Matrix6 = Eigen::Matrix<double, 6, 6>;

constexpr double kTukey = 4.685, kNormal = 1.4826;
constexpr int kRounds = 8;
// A start that at least half of the points agree with: near things that move by themselves have
// the largest flow, and from plain least squares the biweight would end at a motion that half
// explains them, so that 1 / depth drifts by its error with every frame.
constexpr int kStarts = 60, kPointsOfStart = 4;
constexpr size_t kLookedAt = 500;  // points, for the median of a start

// Equations of the points' flow.
class System {
 public:
  explicit System(double mean_s) : mean_s_(mean_s) {}

  void Add(const EgoPoint& p, double weight) {
    const double s = p.s / mean_s_;
    Vector6 u, v;
    u << -p.x * p.y, 1 + p.x * p.x, -p.y, s, 0, -p.x * s;
    v << -(1 + p.y * p.y), p.x * p.y, p.x, 0, s, -p.y * s;
    a_ += weight * (u * u.transpose() + v * v.transpose());
    b_ += weight * (u * p.dx + v * p.dy);
  }

  bool Solve(EgoMotion* motion) const {
    // A touch towards no motion where two of them look alike: turning and moving sideways before a
    // flat wall.
    Matrix6 a = a_;
    a.diagonal().array() += 1e-6 * a.trace() / 6 + 1e-12;
    const Vector6 solution = a.ldlt().solve(b_);
    if (!solution.allFinite()) return false;
    for (size_t i = 0; i < 3; ++i) {
      motion->omega[i] = solution[static_cast<Eigen::Index>(i)];
      motion->translation[i] = solution[static_cast<Eigen::Index>(i + 3)] / mean_s_;
    }
    return true;
  }

 private:
  double mean_s_;
  Matrix6 a_ = Matrix6::Zero();
  Vector6 b_ = Vector6::Zero();
};

double Residual(const EgoMotion& motion, const EgoPoint& point) {
  double dx = 0, dy = 0;
  motion.Flow(point.x, point.y, point.s, &dx, &dy);
  return std::hypot(dx - point.dx, dy - point.dy);
}

// Of so few points as tell a motion, the one with the least median residual.
EgoMotion Start(const std::vector<EgoPoint>& points, double mean_s) {
  std::mt19937_64 random(1);
  const size_t step = std::max<size_t>(1, points.size() / kLookedAt);
  EgoMotion best;
  best.residual = std::numeric_limits<double>::infinity();
  std::vector<double> residuals;
  for (int start = 0; start < kStarts; ++start) {
    System system(mean_s);
    for (int i = 0; i < kPointsOfStart; ++i) system.Add(points[random() % points.size()], 1);
    EgoMotion motion;
    if (!system.Solve(&motion)) continue;
    residuals.clear();
    for (size_t i = 0; i < points.size(); i += step)
      residuals.push_back(Residual(motion, points[i]));
    motion.residual = Median(&residuals);
    if (motion.residual < best.residual) best = motion;
  }
  return best;
}

}  // namespace

EgoMotion FitEgoMotion(const std::vector<EgoPoint>& points) {
  if (points.size() < 32) return {};
  double mean_s = 0;
  for (const EgoPoint& point : points) mean_s += point.s / static_cast<double>(points.size());
  if (!(mean_s > 0)) return {};
  EgoMotion motion = Start(points, mean_s);
  if (!std::isfinite(motion.residual)) return {};
  std::vector<double> residuals(points.size()), sorted;
  const auto measure = [&] {
    for (size_t i = 0; i < points.size(); ++i) residuals[i] = Residual(motion, points[i]);
    sorted = residuals;
    motion.residual = Median(&sorted);
  };
  measure();
  for (int round = 0; round < kRounds; ++round) {
    const double sigma = std::max(1e-6, kNormal * motion.residual);
    System system(mean_s);
    for (size_t i = 0; i < points.size(); ++i) {
      const double q = residuals[i] / (kTukey * sigma);
      if (q < 1) system.Add(points[i], points[i].weight * (1 - q * q) * (1 - q * q));
    }
    if (!system.Solve(&motion)) return {};
    measure();
  }
  motion.found = true;
  return motion;
}

}  // namespace mdvt::depth
