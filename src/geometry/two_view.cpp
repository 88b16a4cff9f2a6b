// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/two_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <random>

#include "best_turn.h"
#include "core/median.h"
#include "five_point.h"
#include "mdvt/core/error.h"
#include "mdvt/geometry/triangulation.h"
#include "samples.h"
#include "window_adjustment.h"

namespace mdvt {
namespace {

constexpr int kRotationSamples = 128;
constexpr int kRotationRounds = 10;

double Residual(const Eigen::Matrix3d& rotation, const Eigen::Vector2d& a,
                const Eigen::Vector2d& b) {
  const Eigen::Vector3d turned = rotation * a.homogeneous();
  if (!(turned.z() > 1e-9)) return 10;
  return (turned.hnormalized() - b).norm();
}

}  // namespace

RotationFit FitRotation(const Points2& points1, const Points2& points2) {
  Require(points1.size() == points2.size(), Code::kInvalidArgument,
          "FitRotation: the two lists of points differ in length");
  RotationFit fit;
  const size_t n = points1.size();
  if (n == 0) return fit;
  std::vector<Eigen::Vector3d> rays1(n), rays2(n);
  for (size_t i = 0; i < n; ++i) {
    rays1[i] = points1[i].homogeneous().normalized();
    rays2[i] = points2[i].homogeneous().normalized();
  }
  std::vector<double> residuals(n);
  const auto score = [&](const Eigen::Matrix3d& rotation) {
    for (size_t i = 0; i < n; ++i) residuals[i] = Residual(rotation, points1[i], points2[i]);
    return Median(residuals);
  };

  double best = score(fit.cam2_from_cam1);
  std::mt19937 random(20211);
  for (int k = 0; k < kRotationSamples && n >= 2; ++k) {
    const size_t i = random() % n, j = random() % n;
    if (i == j) continue;
    // The plane normal as a third pair makes the rotation unique.
    Eigen::Matrix3d covariance = rays2[i] * rays1[i].transpose() + rays2[j] * rays1[j].transpose();
    covariance += rays2[i].cross(rays2[j]) * rays1[i].cross(rays1[j]).transpose();
    const Eigen::Matrix3d rotation = BestTurn(covariance);
    const double median = score(rotation);
    if (median < best) {
      best = median;
      fit.cam2_from_cam1 = rotation;
    }
  }
  for (int k = 0; k < kRotationRounds; ++k) {
    const double scale = std::max(2 * score(fit.cam2_from_cam1), 1e-6);
    Eigen::Matrix3d covariance = Eigen::Matrix3d::Zero();
    for (size_t i = 0; i < n; ++i) {
      const double q = residuals[i] / scale;
      covariance += rays2[i] * rays1[i].transpose() / (1 + q * q);
    }
    const Eigen::Matrix3d rotation = BestTurn(covariance);
    if (score(rotation) > best * 1.001) break;
    best = Median(residuals);
    fit.cam2_from_cam1 = rotation;
  }
  fit.median_residual = score(fit.cam2_from_cam1);
  fit.residuals = residuals;
  return fit;
}

double TurnAndZoomResidual(const Points2& points1, const Points2& points2) {
  constexpr int kRounds = 12;
  double best = std::numeric_limits<double>::infinity();
  const size_t n = points1.size();
  Points2 a(n), b(n);
  std::vector<double> residuals(n);
  for (const double focal : {1.0, 1.4, 2.0, 2.8, 4.0, 0.7, 0.5}) {
    double zoom = 1;
    for (size_t i = 0; i < n; ++i) {
      a[i] = points1[i] / focal;
      b[i] = points2[i] / focal;
    }
    Eigen::Matrix3d rotation = FitRotation(a, b).cam2_from_cam1;
    // Turn and zoom in alternation, outliers down-weighted.
    for (int round = 0; round < kRounds; ++round) {
      for (size_t i = 0; i < n; ++i) residuals[i] = Residual(rotation, a[i], b[i] / zoom);
      const double median = Median(residuals);
      best = std::min(best, median * focal);
      const double scale = std::max(2 * median, 1e-9);
      double above = 0, below = 0;
      Eigen::Matrix3d covariance = Eigen::Matrix3d::Zero();
      for (size_t i = 0; i < n; ++i) {
        const Eigen::Vector3d turned = rotation * a[i].homogeneous();
        if (!(turned.z() > 1e-9)) continue;
        const double weight = 1 / (1 + residuals[i] * residuals[i] / (scale * scale));
        const Eigen::Vector2d q = turned.hnormalized();
        above += weight * q.dot(b[i]);
        below += weight * q.squaredNorm();
      }
      if (!(below > 0) || !(above > 0)) break;
      zoom = above / below;
      for (size_t i = 0; i < n; ++i) {
        const double q = residuals[i] / scale;
        covariance += (b[i] / zoom).homogeneous().normalized() *
                      a[i].homogeneous().normalized().transpose() / (1 + q * q);
      }
      rotation = BestTurn(covariance);
    }
  }
  return n == 0 ? 0 : best;
}

void RelativePoseOptions::Check() const {
  Require(threshold > 0 && threshold < 1, Code::kInvalidArgument,
          "RelativePoseOptions.threshold must be in (0, 1)");
  Require(min_inliers >= 5, Code::kInvalidArgument,
          "RelativePoseOptions.min_inliers must be at least 5");
}

namespace {

// Fills inliers, points, num_inliers and median_angle for the pose in `result`.
void Judge(const Points2& points1, const Points2& points2, double threshold, RelativePose* result) {
  TriangulationOptions options;
  options.min_angle = 0;
  options.max_error = 2 * threshold;
  options.max_rms = threshold;
  const size_t n = points1.size();
  result->inliers.assign(n, 0);
  result->points.assign(n, Eigen::Vector3d::Zero());
  result->num_inliers = 0;
  std::vector<double> angles;
  std::vector<PointView> views(2);
  views[1].cam_from_world = result->cam2_from_cam1;
  for (size_t i = 0; i < n; ++i) {
    views[0].xy = points1[i];
    views[1].xy = points2[i];
    const TriangulatedPoint point = Triangulate(views, options);
    if (!point.ok()) continue;
    result->inliers[i] = 1;
    result->points[i] = point.point;
    ++result->num_inliers;
    angles.push_back(point.angle);
  }
  result->median_angle = Median(angles);
}

// The essential matrix of most pairs: five-point samples, each matrix judged by the squared Sampson
// distances of all pairs, cut at the threshold.
std::optional<Eigen::Matrix3d> FindEssential(const Points2& points1, const Points2& points2,
                                             double threshold) {
  constexpr int kMostSamples = 1000;
  constexpr double kConfidence = 0.9999;
  const size_t n = points1.size();
  const double most = threshold * threshold;
  Samples<5> samples(n);
  std::optional<Eigen::Matrix3d> best;
  double least_cost = std::numeric_limits<double>::infinity();
  int needed = kMostSamples;
  for (int done = 0; done < needed; ++done) {
    std::array<Eigen::Vector2d, 5> a, b;
    const std::array<size_t, 5> sample = samples.Next();
    for (size_t k = 0; k < 5; ++k) {
      a[k] = points1[sample[k]];
      b[k] = points2[sample[k]];
    }
    for (const Eigen::Matrix3d& essential : EssentialFromFivePairs(a, b)) {
      double cost = 0;
      size_t inliers = 0;
      for (size_t i = 0; i < n && cost < least_cost; ++i) {
        const Eigen::Vector3d q1 = points1[i].homogeneous(), q2 = points2[i].homogeneous();
        const Eigen::Vector3d line2 = essential * q1, line1 = essential.transpose() * q2;
        const double off = q2.dot(line2);
        const double squared =
            off * off / (line2.head<2>().squaredNorm() + line1.head<2>().squaredNorm());
        const bool fits = squared <= most;  // not for NaN
        cost += fits ? squared : most;
        inliers += fits;
      }
      if (!(cost < least_cost)) continue;
      least_cost = cost;
      best = essential;
      needed = SamplesNeeded(static_cast<double>(inliers) / static_cast<double>(n), 5, kConfidence,
                             kMostSamples);
    }
  }
  return best;
}

}  // namespace

RelativePose EstimateRelativePose(const Points2& points1, const Points2& points2,
                                  const RelativePoseOptions& options) {
  options.Check();
  Require(points1.size() == points2.size(), Code::kInvalidArgument,
          "EstimateRelativePose: the two lists of points differ in length");
  RelativePose best;
  best.inliers.assign(points1.size(), 0);
  best.points.assign(points1.size(), Eigen::Vector3d::Zero());
  if (static_cast<int>(points1.size()) < std::max(8, options.min_inliers)) {
    best.reason = "too few pairs";
    return best;
  }
  for (size_t i = 0; i < points1.size(); ++i) {
    if (!points1[i].allFinite() || !points2[i].allFinite()) {
      best.reason = "a point is not finite";
      return best;
    }
  }
  const std::optional<Eigen::Matrix3d> essential =
      FindEssential(points1, points2, options.threshold);
  if (!essential) {
    best.reason = "no essential matrix";
    return best;
  }
  for (const Pose& pose : MotionsOfEssential(*essential)) {
    RelativePose candidate;
    candidate.cam2_from_cam1 = pose;
    Judge(points1, points2, options.threshold, &candidate);
    if (candidate.num_inliers > best.num_inliers) best = std::move(candidate);
  }
  if (best.num_inliers < options.min_inliers) {
    best.reason = "too few inliers";
    return best;
  }

  WindowProblem problem;
  problem.cam_from_world = {Pose::Identity(), best.cam2_from_cam1};
  problem.camera_fixed = {1, 0};
  for (size_t i = 0; i < points1.size(); ++i) {
    if (!best.inliers[i]) continue;
    const int index = static_cast<int>(problem.points.size());
    problem.points.push_back(best.points[i]);
    problem.observations.push_back({0, index, points1[i]});
    problem.observations.push_back({1, index, points2[i]});
  }
  WindowOptions bundle;
  bundle.loss_scale = options.threshold;
  bundle.max_iterations = 20;
  AdjustWindow(&problem, bundle);
  RelativePose refined;
  refined.cam2_from_cam1 = problem.cam_from_world[1];
  const double length = refined.cam2_from_cam1.translation().norm();
  if (length > 1e-9) {
    refined.cam2_from_cam1.translation() /= length;
    Judge(points1, points2, options.threshold, &refined);
    if (refined.num_inliers >= options.min_inliers) best = std::move(refined);
  }
  best.ok = true;
  return best;
}

}  // namespace mdvt
