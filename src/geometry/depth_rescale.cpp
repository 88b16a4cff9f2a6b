// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/depth_rescale.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/median.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kRounds = 12;
constexpr double kSpreadForShift = 1.5;
constexpr double kMostScaleChange = 3;

// Solves for x: sum_k information_k (x_k - target_k)^2 + link sum_k (x_k - x_{k-1})^2 is least. The
// equations are tridiagonal.
std::vector<double> Smooth(const std::vector<double>& information,
                           const std::vector<double>& target, double link) {
  const size_t count = target.size();
  std::vector<double> above(count), x(count);
  double pivot = 0;
  for (size_t k = 0; k < count; ++k) {
    const int neighbours = (k > 0 ? 1 : 0) + (k + 1 < count ? 1 : 0);
    const double left = k > 0 ? above[k - 1] : 0;
    pivot = information[k] + neighbours * link - (k > 0 ? link * left : 0);
    above[k] = link / pivot;
    x[k] = (information[k] * target[k] + (k > 0 ? link * x[k - 1] : 0)) / pivot;
  }
  for (size_t k = count; k-- > 1;) x[k - 1] += above[k - 1] * x[k];
  return x;
}

class Fit {
 public:
  Fit(const std::vector<DepthPair>& pairs, int64_t frames, const DepthRescaleOptions& options)
      : pairs_(pairs), options_(options), logs_(static_cast<size_t>(frames), 0.0) {
    std::vector<double> all;
    for (const DepthPair& pair : pairs_) all.push_back(std::log(pair.depth / pair.z));
    clip_log_ = Median(&all);
    std::fill(logs_.begin(), logs_.end(), clip_log_);
  }

  // The scales for the shift as it is.
  void SolveScales() {
    std::vector<double> errors(pairs_.size());
    for (int round = 0; round < kRounds; ++round) {
      std::vector<double> absolute;
      for (size_t i = 0; i < pairs_.size(); ++i) {
        errors[i] = Error(pairs_[i]);
        if (std::isfinite(errors[i])) absolute.push_back(std::abs(errors[i]));
      }
      // Of a normal distribution half lie within 0.6745 sigma.
      const double noise = std::max(1e-4, Median(&absolute) / 0.6745);
      const size_t frames = logs_.size();
      const double prior = 1 / (options_.spread * options_.spread);
      std::vector<double> information(frames, prior), sums(frames, prior * clip_log_);
      double total = 0, total_sum = 0;
      for (size_t i = 0; i < pairs_.size(); ++i) {
        if (!std::isfinite(errors[i])) continue;
        const size_t k = static_cast<size_t>(pairs_[i].frame);
        const double variance = noise * noise + pairs_[i].sigma * pairs_[i].sigma;
        const double weight = 1 / (variance * (1 + errors[i] * errors[i] / variance));
        information[k] += weight;
        sums[k] += weight * (logs_[k] + errors[i]);
        total += weight;
        total_sum += weight * (logs_[k] + errors[i]);
      }
      if (total > 0) clip_log_ = total_sum / total;
      for (size_t k = 0; k < frames; ++k) sums[k] /= information[k];
      const double walk = Walk();
      logs_ = Smooth(information, sums, 1 / (walk * walk));
    }
  }

  // The shift, and one factor for all scales, by total least squares of 1 / z over scale / depth.
  // False if the points do not tell it.
  bool SolveShift() {
    std::vector<double> inverse;
    for (const DepthPair& pair : pairs_) inverse.push_back(1 / pair.z);
    std::sort(inverse.begin(), inverse.end());
    const size_t twentieth = inverse.size() / 20;
    if (inverse[inverse.size() - 1 - twentieth] < kSpreadForShift * inverse[twentieth])
      return false;
    double slope = 1, shift = shift_, sigma_shift = 0;
    for (int round = 0; round < kRounds; ++round)
      if (!ImproveLine(&slope, &shift, &sigma_shift)) return false;
    const double change = std::max(slope, 1 / slope);
    if (!(change <= kMostScaleChange) || !(std::abs(shift) > 3 * sigma_shift)) return false;
    shift_ = shift;
    for (double& log_scale : logs_) log_scale += std::log(slope);
    clip_log_ += std::log(slope);
    return true;
  }

  void DropShift() { shift_ = 0; }

  DepthRescale Result(bool has_shift) const {
    DepthRescale result;
    for (const double log_scale : logs_) result.scales.push_back(std::exp(log_scale));
    result.shift = shift_;
    result.has_shift = has_shift;
    result.global_scale = std::exp(clip_log_);
    result.pairs = static_cast<int64_t>(pairs_.size());
    std::vector<char> has_points(logs_.size(), 0);
    std::vector<double> before, after;
    for (const DepthPair& pair : pairs_) {
      has_points[static_cast<size_t>(pair.frame)] = 1;
      before.push_back(std::abs(std::log(pair.z / pair.depth)));
      after.push_back(std::abs(std::log(pair.z / result.At(pair.frame, pair.depth))));
    }
    result.frames_with_points = std::count(has_points.begin(), has_points.end(), 1);
    result.error_before = Median(&before);
    result.error_after = Median(&after);
    return result;
  }

 private:
  // As asked for, or as wide as the steps of the scales found so far: else what is real would be
  // smoothed away bit by bit, run after run.
  double Walk() const {
    std::vector<double> steps;
    for (size_t k = 1; k < logs_.size(); ++k) steps.push_back(std::abs(logs_[k] - logs_[k - 1]));
    return std::max(options_.walk, Median(&steps) / 0.6745);
  }

  // What the logarithm of the frame's scale lacks for this pair; NaN where the shift leaves
  // nothing.
  double Error(const DepthPair& pair) const {
    const double rest = 1 / pair.z - shift_;
    if (!(rest > 0)) return std::numeric_limits<double>::quiet_NaN();
    return std::log(rest * pair.depth) - logs_[static_cast<size_t>(pair.frame)];
  }

  // One step towards y = slope x + shift, with noise in both and Cauchy weights.
  // Source: D. York et al., Unified equations for the slope, intercept, and standard errors of the
  // best straight line, 2004.
  bool ImproveLine(double* slope, double* shift, double* sigma_shift) const {
    struct Point {
      double x, y, var_x, var_y, weight;
    };
    std::vector<Point> points;
    double sum = 0, mean_x = 0, mean_y = 0, chi = 0;
    for (const DepthPair& pair : pairs_) {
      Point p{};
      p.x = std::exp(logs_[static_cast<size_t>(pair.frame)]) / pair.depth;
      p.y = 1 / pair.z;
      p.var_x = options_.noise * p.x * options_.noise * p.x;
      p.var_y = std::max(1e-12, pair.sigma * p.y * pair.sigma * p.y);
      const double variance = p.var_y + *slope * *slope * p.var_x;
      const double residual = p.y - *slope * p.x - *shift;
      p.weight = 1 / (variance + residual * residual);
      points.push_back(p);
      sum += p.weight;
      mean_x += p.weight * p.x;
      mean_y += p.weight * p.y;
      chi += p.weight * residual * residual;
    }
    mean_x /= sum;
    mean_y /= sum;
    double above = 0, below = 0, mean_beta = 0, spread = 0;
    const auto beta = [&](const Point& p) {
      return ((p.x - mean_x) * p.var_y + *slope * (p.y - mean_y) * p.var_x) /
             (p.var_y + *slope * *slope * p.var_x);
    };
    for (const Point& p : points) {
      above += p.weight * beta(p) * (p.y - mean_y);
      below += p.weight * beta(p) * (p.x - mean_x);
      mean_beta += p.weight * beta(p) / sum;
    }
    for (const Point& p : points)
      spread += p.weight * (beta(p) - mean_beta) * (beta(p) - mean_beta);
    if (!(spread > 0) || !(below != 0)) return false;
    const double best_x = mean_x + mean_beta;
    *sigma_shift = std::sqrt((1 / sum + best_x * best_x / spread) *
                             std::max(1.0, 2 * chi / static_cast<double>(points.size())));
    *slope = above / below;
    *shift = mean_y - *slope * mean_x;
    return *slope > 0 && std::isfinite(*slope) && std::isfinite(*shift);
  }

  const std::vector<DepthPair>& pairs_;
  const DepthRescaleOptions& options_;
  std::vector<double> logs_;  // of the scale of each frame
  double clip_log_ = 0;
  double shift_ = 0;
};

}  // namespace

void DepthRescaleOptions::Check() const {
  Require(walk > 0 && walk <= 10, Code::kInvalidArgument,
          "DepthRescaleOptions.walk must be in (0, 10]");
  Require(spread > 0 && spread <= 10, Code::kInvalidArgument,
          "DepthRescaleOptions.spread must be in (0, 10]");
  Require(noise > 0 && noise <= 1, Code::kInvalidArgument,
          "DepthRescaleOptions.noise must be in (0, 1]");
}

double DepthRescale::At(int64_t frame, double depth) const {
  if (!(depth > 0)) return 0;
  const double inverse = scales[static_cast<size_t>(frame)] / depth + shift;
  return inverse > 0 ? 1 / inverse : std::numeric_limits<double>::infinity();
}

DepthRescale FitDepthRescale(const std::vector<DepthPair>& pairs, int64_t frames,
                             const DepthRescaleOptions& options) {
  options.Check();
  Require(!pairs.empty(), Code::kRefused,
          "the scale of the depth cannot be corrected: no point of known distance has depth");
  for (const DepthPair& pair : pairs)
    Require(pair.frame >= 0 && pair.frame < frames && pair.depth > 0 && pair.z > 0 &&
                pair.sigma >= 0 && std::isfinite(pair.depth) && std::isfinite(pair.z) &&
                std::isfinite(pair.sigma),
            Code::kInvalidArgument,
            "FitDepthRescale: a pair of frame " + std::to_string(pair.frame) + " is out of range");
  Fit fit(pairs, frames, options);
  fit.SolveScales();
  bool has_shift = false;
  for (int round = 0; round < 3 && options.fit_shift; ++round) {
    has_shift = fit.SolveShift();
    if (!has_shift) fit.DropShift();
    fit.SolveScales();
    if (!has_shift) break;
  }
  return fit.Result(has_shift);
}

}  // namespace mdvt
