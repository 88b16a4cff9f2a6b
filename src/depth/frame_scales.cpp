// SPDX-License-Identifier: Apache-2.0
#include "depth/frame_scales.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <cmath>

namespace mdvt::depth {
namespace {

constexpr int kRounds = 6;
constexpr double kLinkError = 0.005;  // of a scale that is measured between frames
// By how much scales of frames differ.
constexpr double kRelativeSpread = 0.2, kAffineSpread = 0.1, kMetricSpread = 0.03;

// One equation x_from - x_to = target with its weight; to < 0: x_to is `other`.
struct Equation {
  Eigen::Index from, to;
  double target, other, weight;
};

Eigen::VectorXd Solve(const std::vector<Equation>& equations, Eigen::Index n, double spring,
                      double least_error) {
  Eigen::VectorXd x = Eigen::VectorXd::Zero(n);
  for (int round = 0; round < kRounds; ++round) {
    Eigen::MatrixXd a = Eigen::MatrixXd::Identity(n, n) * spring;
    Eigen::VectorXd b = Eigen::VectorXd::Zero(n);
    for (const Equation& e : equations) {
      const double other = e.to >= 0 ? x[e.to] : e.other;
      const double error = std::abs(x[e.from] - other - e.target);
      // Huber: beyond three times what is usual an error counts by its size alone.
      const bool usual = round == 0 || error < 3 * least_error;
      const double w = e.weight * (usual ? 1.0 : 3 * least_error / error);
      a(e.from, e.from) += w;
      b[e.from] += w * e.target;
      if (e.to >= 0) {
        a(e.to, e.to) += w;
        a(e.from, e.to) -= w;
        a(e.to, e.from) -= w;
        b[e.to] -= w * e.target;
      } else {
        b[e.from] += w * other;
      }
    }
    x = a.ldlt().solve(b);
  }
  return x;
}

}  // namespace

std::vector<std::pair<double, double>> SolveFrameScales(
    const std::vector<FrameLink>& links, const std::map<int64_t, std::pair<double, double>>& given,
    int64_t first, int64_t count, const FrameScaleOptions& options) {
  const double spread = options.relative ? kRelativeSpread
                        : options.affine ? kAffineSpread
                                         : kMetricSpread;
  const double spring = std::pow(kLinkError / spread, 2);
  const auto n = static_cast<Eigen::Index>(count);
  const auto usable = [&](const FrameLink& link) {
    return link.from >= first && (link.to >= first || given.count(link.to) > 0);
  };
  const auto row = [&](int64_t frame) {
    return frame >= first ? static_cast<Eigen::Index>(frame - first) : Eigen::Index{-1};
  };
  std::vector<Equation> equations;
  for (const FrameLink& link : links)
    if (usable(link))
      equations.push_back({row(link.from), row(link.to), std::log(link.scale),
                           link.to >= first ? 0 : std::log(given.at(link.to).first), link.weight});
  const Eigen::VectorXd logs = Solve(equations, n, spring, kLinkError);
  std::vector<std::pair<double, double>> result(static_cast<size_t>(count), {1.0, 0.0});
  for (Eigen::Index i = 0; i < n; ++i) result[static_cast<size_t>(i)].first = std::exp(logs[i]);
  if (!options.affine) return result;

  equations.clear();
  for (const FrameLink& link : links) {
    if (!usable(link)) continue;
    // Between the middles, so that the error of the scale does not come in.
    const double scale = link.to >= first ? result[static_cast<size_t>(link.to - first)].first
                                          : given.at(link.to).first;
    equations.push_back({row(link.from), row(link.to), scale * link.shift,
                         link.to >= first ? 0 : given.at(link.to).second, link.weight});
  }
  const Eigen::VectorXd shifts = Solve(equations, n, spring, kLinkError * options.level);
  for (Eigen::Index i = 0; i < n; ++i) result[static_cast<size_t>(i)].second = shifts[i];
  return result;
}

}  // namespace mdvt::depth
