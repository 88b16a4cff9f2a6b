// SPDX-License-Identifier: Apache-2.0
#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <algorithm>
#include <complex>
#include <utility>

#include "best_turn.h"
#include "core/median.h"
#include "depth_pose_model.h"
#include "five_point.h"
#include "p3p.h"

namespace mdvt {
namespace {

using Quadratic = Eigen::Vector3d;  // of shift^2, shift, 1

// The squared distance of two points of a view as a function of the shift of their depths.
Quadratic SquaredDistance(const Eigen::Vector2d& xy_a, double depth_a, const Eigen::Vector2d& xy_b,
                          double depth_b) {
  const Eigen::Vector3d a = xy_a.homogeneous(), b = xy_b.homogeneous();
  const Eigen::Vector3d g = a - b, h = depth_a * a - depth_b * b;
  return {g.squaredNorm(), 2 * g.dot(h), h.squaredNorm()};
}
Quadratic Distance1(const DepthMatch& a, const DepthMatch& b) {
  return SquaredDistance(a.xy1, a.depth1, b.xy1, b.depth1);
}
Quadratic Distance2(const DepthMatch& a, const DepthMatch& b) {
  return SquaredDistance(a.xy2, a.depth2, b.xy2, b.depth2);
}

// Of the three sides of a triangle, by rows, in either view.
std::pair<Eigen::Matrix3d, Eigen::Matrix3d> DistancesOfThree(const DepthMatch* sample) {
  Eigen::Matrix3d m1, m2;
  for (int k = 0; k < 3; ++k) {
    const DepthMatch &a = sample[k], &b = sample[(k + 1) % 3];
    m1.row(k) = Distance1(a, b).transpose();
    m2.row(k) = Distance2(a, b).transpose();
  }
  return {m1, m2};
}

double At(const Quadratic& q, double shift) { return (q[0] * shift + q[1]) * shift + q[2]; }

// Real zeros of c[0] x^4 + ... + c[4].
std::vector<double> RealZeros(const std::array<double, 5>& c) {
  Eigen::Matrix4d companion = Eigen::Matrix4d::Zero();
  for (int i = 0; i < 4; ++i) companion(0, i) = -c[static_cast<size_t>(i) + 1] / c[0];
  for (int i = 0; i < 3; ++i) companion(i + 1, i) = 1;
  if (!companion.allFinite()) return {};
  const Eigen::EigenSolver<Eigen::Matrix4d> solver(companion, false);
  if (solver.info() != Eigen::Success) return {};
  std::vector<double> zeros;
  for (int i = 0; i < 4; ++i) {
    const std::complex<double> zero = solver.eigenvalues()[i];
    // Two zeros that touch come out as a pair beside the real axis.
    if (std::fabs(zero.imag()) <= 1e-5 * (std::fabs(zero.real()) + 1e-9))
      zeros.push_back(zero.real());
  }
  return zeros;
}

// u2^2 - u1 u3 of u(b) = n (b^2, b, 1): 0 where u is a multiple of (b0^2, b0, 1).
std::array<double, 5> ShiftQuartic(const Eigen::Matrix3d& n) {
  const auto product = [](const Eigen::RowVector3d& a, const Eigen::RowVector3d& b) {
    return std::array<double, 5>{a[0] * b[0], a[0] * b[1] + a[1] * b[0],
                                 a[0] * b[2] + a[1] * b[1] + a[2] * b[0], a[1] * b[2] + a[2] * b[1],
                                 a[2] * b[2]};
  };
  std::array<double, 5> c = product(n.row(1), n.row(1));
  const std::array<double, 5> other = product(n.row(0), n.row(2));
  for (size_t i = 0; i < 5; ++i) c[i] -= other[i];
  return c;
}

// The model of known shifts and scale: the motion between three points.
bool CompleteShifted(const DepthMatch* sample, double shift1, double shift2, double square_scale,
                     DepthPoseModel* model) {
  if (!(square_scale > 0) || !std::isfinite(square_scale + shift1 + shift2)) return false;
  model->scale = std::sqrt(square_scale);
  model->shift1 = shift1;
  model->shift2 = shift2;
  std::array<Eigen::Vector3d, 3> from, to;
  for (size_t k = 0; k < 3; ++k) {
    const double lambda = sample[k].depth1 + shift1;
    const double mu = model->scale * (sample[k].depth2 + shift2);
    if (!(lambda > 0 && mu > 0)) return false;
    from[k] = lambda * sample[k].xy1.homogeneous();
    to[k] = mu * sample[k].xy2.homogeneous();
  }
  return MotionOfThreePoints(from, to, model);
}

}  // namespace

bool MotionOfThreePoints(const std::array<Eigen::Vector3d, 3>& from,
                         const std::array<Eigen::Vector3d, 3>& to, DepthPoseModel* model) {
  const Eigen::Vector3d mean_from = (from[0] + from[1] + from[2]) / 3;
  const Eigen::Vector3d mean_to = (to[0] + to[1] + to[2]) / 3;
  Eigen::Matrix3d covariance = Eigen::Matrix3d::Zero();
  for (size_t k = 0; k < 3; ++k)
    covariance += (to[k] - mean_to) * (from[k] - mean_from).transpose();
  if (!covariance.allFinite()) return false;
  Eigen::Vector3d singular;
  model->rotation = BestTurn(covariance, &singular);
  if (!(singular[1] > 1e-12 * singular[0])) return false;  // on one line
  model->translation = mean_to - model->rotation * mean_from;
  return true;
}

std::vector<DepthPoseModel> SolveScaled(const std::array<DepthMatch, 3>& sample) {
  double above = 0, below = 0;
  for (size_t i = 0; i < 3; ++i) {
    const DepthMatch &a = sample[i], &b = sample[(i + 1) % 3];
    const double q1 = Distance1(a, b)[2], q2 = Distance2(a, b)[2];
    above += q1 * q2;
    below += q2 * q2;
  }
  DepthPoseModel model;
  if (!(below > 0) || !CompleteShifted(sample.data(), 0, 0, above / below, &model)) return {};
  return {model};
}

std::vector<DepthPoseModel> SolveByThreePoints(const std::array<DepthMatch, 3>& sample) {
  Eigen::Vector3d corners[3], rays[3];
  for (size_t k = 0; k < 3; ++k) {
    corners[k] = sample[k].depth1 * sample[k].xy1.homogeneous();
    rays[k] = sample[k].xy2.homogeneous().normalized();
  }
  std::vector<DepthPoseModel> models;
  for (const Pose& pose : PosesFromThreePoints(corners, rays)) {
    DepthPoseModel model;
    model.rotation = pose.linear();
    model.translation = pose.translation();
    std::vector<double> scales;
    for (size_t k = 0; k < 3; ++k)
      if (sample[k].depth2 > 0) scales.push_back((pose * corners[k]).z() / sample[k].depth2);
    if (!scales.empty()) model.scale = Median(&scales);
    if (model.scale > 0) models.push_back(model);
  }
  return models;
}

std::vector<DepthPoseModel> SolveShifted(const std::array<DepthMatch, 3>& sample) {
  const auto [m1, m2] = DistancesOfThree(sample.data());
  const Eigen::FullPivLU<Eigen::Matrix3d> lu(m1);
  if (!lu.isInvertible()) return {};
  const Eigen::Matrix3d n = lu.solve(m2);
  std::vector<DepthPoseModel> models;
  for (const double shift2 : RealZeros(ShiftQuartic(n))) {
    const Eigen::Vector3d u = n * Eigen::Vector3d(shift2 * shift2, shift2, 1);
    DepthPoseModel model;
    if (CompleteShifted(sample.data(), u[1] / u[2], shift2, 1 / u[2], &model))
      models.push_back(model);
  }
  return models;
}

std::vector<DepthPoseModel> SolveByLines(const std::array<DepthMatch, 5>& sample,
                                         const std::vector<DepthMatch>& references) {
  std::array<Eigen::Vector2d, 5> points1, points2;
  for (size_t k = 0; k < 5; ++k) {
    points1[k] = sample[k].xy1;
    points2[k] = sample[k].xy2;
  }
  std::vector<DepthPoseModel> models;
  for (const Eigen::Matrix3d& essential : EssentialFromFivePairs(points1, points2))
    for (const Pose& pose : MotionsOfEssential(essential)) {
      DepthPoseModel model;
      model.rotation = pose.linear();
      model.translation = pose.translation();
      int in_front = 0;
      for (const DepthMatch& match : sample) in_front += MeetsInFront(model, match, 0);
      if (in_front < 5) continue;
      // Where the rays meet at a translation of length 1, and what the depths make of that.
      std::vector<double> lengths, ratios;
      for (const DepthMatch& match : references) {
        const Eigen::Vector3d x = model.rotation * match.xy1.homogeneous();
        const Eigen::Vector3d y = match.xy2.homogeneous();
        const Eigen::Vector3d normal = x.cross(y);
        const double square = normal.squaredNorm();
        const double lambda = -model.translation.cross(y).dot(normal) / square;
        const double mu = -model.translation.cross(x).dot(normal) / square;
        if (!(lambda > 0 && mu > 0) || !(match.depth1 > 0)) continue;
        lengths.push_back(match.depth1 / lambda);
        if (match.depth2 > 0) ratios.push_back(mu * lengths.back() / match.depth2);
      }
      if (lengths.empty()) continue;
      model.translation *= Median(&lengths);
      if (!ratios.empty()) model.scale = Median(&ratios);
      if (model.scale > 0 && model.translation.allFinite()) models.push_back(model);
    }
  return models;
}

namespace {

// The four-point problem at one focal length.
struct FocalTrial {
  FocalTrial(const std::array<DepthMatch, 4>& points, double focal) : sample(points) {
    for (DepthMatch& match : sample) {
      match.xy1 /= focal;
      match.xy2 /= focal;
    }
    const auto [m1, m2] = DistancesOfThree(sample.data());
    // The adjugate in place of the inverse has no poles.
    Eigen::Matrix3d adjugate;
    adjugate.row(0) = m1.col(1).cross(m1.col(2));
    adjugate.row(1) = m1.col(2).cross(m1.col(0));
    adjugate.row(2) = m1.col(0).cross(m1.col(1));
    det = m1.determinant();
    n = adjugate * m2;
    const Eigen::Vector3d condition =
        (Distance1(sample[0], sample[3]).transpose() * n).transpose() -
        det * Distance2(sample[0], sample[3]);
    // The quartic modulo the quadratic: alpha b + beta.
    std::array<double, 5> c = ShiftQuartic(n);
    for (size_t i = 0; i < 3; ++i) {
      const double factor = c[i] / condition[0];
      c[i + 1] -= factor * condition[1];
      c[i + 2] -= factor * condition[2];
    }
    alpha = c[3];
    beta = c[4];
    // Scaled by condition[0]^6, so that it has no poles either.
    const double scale = std::pow(condition[0], 6);
    resultant = scale * (condition[0] * beta * beta - condition[1] * alpha * beta +
                         condition[2] * alpha * alpha);
  }

  std::optional<FocalDepthPose> Complete(double focal) const {
    const double shift2 = -beta / alpha;
    const Eigen::Vector3d u = n * Eigen::Vector3d(shift2 * shift2, shift2, 1);
    FocalDepthPose found;
    found.focal = focal;
    const double shift1 = u[1] / u[2], square = det / u[2];
    if (!CompleteShifted(sample.data(), shift1, shift2, square, &found.model)) return std::nullopt;
    // Distances that were not used.
    for (size_t k = 1; k < 3; ++k) {
      const double q1 = At(Distance1(sample[k], sample[3]), shift1);
      const double q2 = square * At(Distance2(sample[k], sample[3]), shift2);
      if (!(std::fabs(q1 - q2) <= 0.05 * (q1 + q2))) return std::nullopt;
    }
    return found;
  }

  std::array<DepthMatch, 4> sample;
  Eigen::Matrix3d n;
  double det = 0, alpha = 0, beta = 0, resultant = 0;
};

}  // namespace

std::vector<FocalDepthPose> SolveShiftedWithFocal(const std::array<DepthMatch, 4>& sample,
                                                  double least, double most) {
  constexpr int kGrid = 128;
  std::vector<FocalDepthPose> found;
  double low = least, low_value = FocalTrial(sample, low).resultant;
  for (int i = 1; i < kGrid; ++i) {
    const double high = least * std::pow(most / least, i / (kGrid - 1.0));
    const double high_value = FocalTrial(sample, high).resultant;
    if ((low_value < 0) != (high_value < 0)) {
      double a = low, b = high;
      for (int step = 0; step < 60; ++step) {
        const double middle = std::sqrt(a * b);
        ((FocalTrial(sample, middle).resultant < 0) == (low_value < 0) ? a : b) = middle;
      }
      const double focal = std::sqrt(a * b);
      if (const auto pose = FocalTrial(sample, focal).Complete(focal)) found.push_back(*pose);
    }
    low = high;
    low_value = high_value;
  }
  return found;
}

}  // namespace mdvt
