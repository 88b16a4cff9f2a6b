// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/rig_calibration.h"

#include <Eigen/Cholesky>
#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <map>

#include "core/median.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr double kDegree = M_PI / 180;
constexpr double kFarthest = 4;          // standard deviations, that a pair may miss by
constexpr double kMedianOfOne = 0.6745;  // of |x| of a normal number, in deviations
constexpr double kLeastParallax = 6;     // standard deviations
constexpr int kLeastNearShare = 4;       // near things for each wrong pair
constexpr int kMostSteps = 30;
constexpr double kLeastStep = 1e-9;  // radians
constexpr size_t kLeastPairs = 200, kLeastGroups = 16;

// About y and z of the baseline; about x, y and z of the right eye against the left one; of the
// scale of angles, its logarithm.
constexpr int kMost = 6;
using Parameters = Eigen::Matrix<double, kMost, 1>;

Eigen::Matrix3d Turn(const Eigen::Vector3d& by) {
  const double angle = by.norm();
  if (angle < 1e-15) return Eigen::Matrix3d::Identity();
  return Eigen::AngleAxisd(angle, by / angle).toRotationMatrix();
}

std::array<Eigen::Matrix3d, 2> Turns(const Parameters& p) {
  const Eigen::Matrix3d common = Turn({0, p(0), p(1)});
  const Eigen::Vector3d half = p.segment<3>(2) / 2;
  return {common * Turn(-half), common * Turn(half)};
}

Eigen::Vector3d Scaled(const Eigen::Vector3d& ray, double scale) {
  if (scale == 1) return ray;
  const double t = scale * std::atan2(ray.x(), ray.z());
  const double p = scale * std::asin(std::clamp(ray.y(), -1.0, 1.0));
  return {std::cos(p) * std::sin(t), std::sin(p), std::cos(p) * std::cos(t)};
}

class Problem {
 public:
  Problem(const std::vector<RayPair>& pairs, int count, const RigCalibrationOptions& options)
      : pairs_(pairs), least_noise_(options.least_noise), count_(count) {
    // The first two are left out where only the turn is asked for.
    for (int i = count == 3 ? 2 : 0; static_cast<int>(active_.size()) < count; ++i)
      active_.push_back(i);
    Residuals(parameters_, &residuals_);
  }

  void Solve() {
    for (int step = 0; step < kMostSteps; ++step) {
      noise_ = std::max(least_noise_, MedianMiss() / kMedianOfOne);
      Eigen::MatrixXd h;
      Eigen::VectorXd g;
      Normal(&h, &g, nullptr);
      const Eigen::VectorXd change = -Floored(h).ldlt().solve(g);
      if (!change.allFinite()) break;
      // Half a radian is farther than any rig: what asks for more is not determined.
      const double longest = change.cwiseAbs().maxCoeff();
      Add(change * std::min(1.0, 0.5 / std::max(longest, 1e-12)));
      Residuals(parameters_, &residuals_);
      if (longest < kLeastStep) break;
    }
    Uncertainty();
  }

  const Parameters& parameters() const { return parameters_; }
  // Whether pairs with parallax are those of near things rather than wrong ones.
  bool SeesNearThings() const {
    const std::array<Eigen::Matrix3d, 2> turns = Turns(parameters_);
    int64_t counts[3] = {};
    for (const RayPair& pair : pairs_) ++counts[Nearness(pair, turns) + 1];
    return counts[2] > kLeastNearShare * counts[0];
  }
  double Sigma(int parameter) const {
    for (size_t i = 0; i < active_.size(); ++i)
      if (active_[i] == parameter)
        return std::sqrt(
            std::max(0.0, covariance_(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(i))));
    return 0;
  }
  double MedianMiss() const {
    std::vector<double> misses(residuals_.size());
    std::transform(residuals_.begin(), residuals_.end(), misses.begin(),
                   [](double r) { return std::abs(r); });
    return Median(&misses);
  }

 private:
  void Residuals(const Parameters& p, std::vector<double>* to) const {
    const std::array<Eigen::Matrix3d, 2> turns = Turns(p);
    const double scale = std::exp(p(5));
    to->resize(pairs_.size());
    for (size_t i = 0; i < pairs_.size(); ++i) {
      const Eigen::Vector3d l = turns[0].transpose() * Scaled(pairs_[i].left, scale);
      const Eigen::Vector3d r = turns[1].transpose() * Scaled(pairs_[i].right, scale);
      const double length = std::sqrt(l.tail<2>().squaredNorm() + r.tail<2>().squaredNorm());
      (*to)[i] = (l.y() * r.z() - l.z() * r.y()) / std::max(length, 1e-6);
    }
  }

  void Add(const Eigen::VectorXd& change) {
    for (size_t i = 0; i < active_.size(); ++i)
      parameters_(active_[i]) += change(static_cast<Eigen::Index>(i));
  }

  // What the pairs say nothing of stays where it is, and is very uncertain.
  Eigen::MatrixXd Floored(const Eigen::MatrixXd& h) const {
    return h + 1e-9 * h.trace() * Eigen::MatrixXd::Identity(count_, count_);
  }

  // Whether a pair has parallax beyond noise, and of the sign that things before the eyes have: 1,
  // or -1 for the other sign, which wrong pairs have as often. The direction of what noise makes
  // would be taken for that of the baseline.
  int Nearness(const RayPair& pair, const std::array<Eigen::Matrix3d, 2>& turns) const {
    const Eigen::Vector3d normal =
        (turns[0].transpose() * pair.left).cross(turns[1].transpose() * pair.right);
    if (normal.norm() <= kLeastParallax * noise_) return 0;
    return normal.y() < 0 ? 1 : -1;
  }

  // Weighted normal equations, in deviations; where asked for the gradient of each group.
  void Normal(Eigen::MatrixXd* h, Eigen::VectorXd* g,
              std::map<int32_t, Eigen::VectorXd>* groups) const {
    constexpr double kReach = 1e-5;
    std::vector<std::vector<double>> slopes(active_.size());
    for (size_t k = 0; k < active_.size(); ++k) {
      std::vector<double> after, before;
      Parameters p = parameters_;
      p(active_[k]) += kReach;
      Residuals(p, &after);
      p(active_[k]) -= 2 * kReach;
      Residuals(p, &before);
      for (size_t i = 0; i < after.size(); ++i)
        after[i] = (after[i] - before[i]) / (2 * kReach * noise_);
      slopes[k] = std::move(after);
    }
    h->setZero(count_, count_);
    g->setZero(count_);
    const std::array<Eigen::Matrix3d, 2> turns = Turns(parameters_);
    Eigen::VectorXd j(count_);
    for (size_t i = 0; i < pairs_.size(); ++i) {
      for (int k = 0; k < count_; ++k) j(k) = slopes[static_cast<size_t>(k)][i];
      if (count_ > 3 && Nearness(pairs_[i], turns) != 1) j.head<2>().setZero();
      const double off = residuals_[i] / noise_;
      const double share = std::max(0.0, 1 - off * off / (kFarthest * kFarthest));
      const double weight = share * share;
      h->noalias() += weight * j * j.transpose();
      *g += weight * off * j;
      if (groups != nullptr) {
        auto [sum, is_new] = groups->try_emplace(pairs_[i].group, Eigen::VectorXd::Zero(count_));
        sum->second += weight * off * j;
      }
    }
  }

  void Uncertainty() {
    Eigen::MatrixXd h;
    Eigen::VectorXd g;
    std::map<int32_t, Eigen::VectorXd> groups;
    Normal(&h, &g, &groups);
    Eigen::MatrixXd spread = Eigen::MatrixXd::Zero(count_, count_);
    for (const auto& [group, sum] : groups) spread += sum * sum.transpose();
    const Eigen::MatrixXd inverse = Floored(h).inverse();
    covariance_ = inverse * spread * inverse;
    covariance_.diagonal() = covariance_.diagonal().cwiseMax(inverse.diagonal());
  }

  const std::vector<RayPair>& pairs_;
  const double least_noise_;
  const int count_;
  std::vector<int> active_;
  Parameters parameters_ = Parameters::Zero();
  std::vector<double> residuals_;
  double noise_ = 1;
  Eigen::MatrixXd covariance_;
};

bool Below(const Eigen::VectorXd& sigma, double most) {
  return sigma.allFinite() && sigma.maxCoeff() <= most;
}

}  // namespace

void RigCalibrationOptions::Check() const {
  Require(
      max_turn_sigma_deg > 0 && max_axis_sigma_deg > 0 && max_scale_sigma > 0 && least_noise > 0,
      Code::kInvalidArgument, "RigCalibrationOptions: all standard deviations must be above 0");
}

RigCalibration CalibrateRig(const std::vector<RayPair>& pairs,
                            const RigCalibrationOptions& options) {
  options.Check();
  RigCalibration found;
  found.pairs = static_cast<int64_t>(pairs.size());
  std::map<int32_t, int> groups;
  for (const RayPair& pair : pairs) {
    Require(std::abs(pair.left.norm() - 1) < 1e-6 && std::abs(pair.right.norm() - 1) < 1e-6,
            Code::kInvalidArgument, "CalibrateRig: directions must be of length 1");
    ++groups[pair.group];
  }
  if (pairs.size() < kLeastPairs || groups.size() < kLeastGroups) return found;

  // From the fullest model down to the one of which all is known.
  for (const int count : {6, 5, 3}) {
    if (count == 6 && !options.find_scale) continue;
    Problem problem(pairs, count, options);
    found.miss_before = problem.MedianMiss();
    problem.Solve();
    const Parameters& p = problem.parameters();
    Eigen::Vector3d turn_sigma;
    for (int k = 0; k < 3; ++k)
      turn_sigma(k) = std::hypot(problem.Sigma(2 + k), options.least_noise) / kDegree;
    Eigen::Vector2d axis_sigma(problem.Sigma(0) / kDegree, problem.Sigma(1) / kDegree);
    if (!problem.SeesNearThings()) axis_sigma.setConstant(90);  // may point anywhere
    found.turn_sigma_deg = turn_sigma;
    if (count > 3) found.axis_sigma_deg = axis_sigma;
    if (count == 6) found.scale_sigma = problem.Sigma(5);
    const bool known = Below(turn_sigma, options.max_turn_sigma_deg) &&
                       (count == 3 || Below(axis_sigma, options.max_axis_sigma_deg)) &&
                       (count < 6 || found.scale_sigma <= options.max_scale_sigma);
    if (!known) continue;
    found.turn_known = true;
    found.axis_known = count > 3;
    found.scale_known = count == 6;
    found.rig_from_rectified = Turns(p);
    found.turn_deg = p.segment<3>(2) / kDegree;
    found.axis_deg = p.head<2>() / kDegree;
    found.scale = std::exp(p(5));
    found.miss_after = problem.MedianMiss();
    break;
  }
  return found;
}

}  // namespace mdvt
