// SPDX-License-Identifier: Apache-2.0
#include "depth/line_fit.h"

#include <algorithm>
#include <cmath>

#include "core/median.h"

namespace mdvt::depth {
namespace {

constexpr int kRounds = 5;
constexpr double kNormal = 1.4826, kTukey = 4.685;
constexpr double kLeastSigma = 1e-6;
constexpr size_t kLeast = 24;

double TukeyWeight(double residual, double sigma) {
  const double q = residual / (kTukey * sigma);
  return std::abs(q) < 1 ? (1 - q * q) * (1 - q * q) : 0;
}

}  // namespace

NoisyLine FitNoisyLine(const NoisyPairs& pairs, bool affine, double noise_ratio, double floor) {
  NoisyLine line;
  const size_t n = pairs.x.size();
  if (n < kLeast) return line;
  std::vector<double> ratios, used(n, 1), residual(n), sorted;
  for (size_t i = 0; i < n; ++i)
    if (std::abs(pairs.x[i]) > 1e-12) ratios.push_back(pairs.y[i] / pairs.x[i]);
  if (ratios.size() < kLeast) return line;
  double scale = Median(&ratios), shift = 0, sigma = 1;
  double total = 0;
  for (const double w : pairs.weight) total += w;
  if (!(total > 0)) return line;
  for (int round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < n; ++i) {
      const double told = scale * pairs.x[i] + shift;
      // Where both sides are as noisy, a share of both, so that it is the same read from either.
      const double size =
          noise_ratio == 1 ? (std::abs(told) + std::abs(pairs.y[i])) / 2 : std::abs(pairs.y[i]);
      residual[i] = (told - pairs.y[i]) / (size + floor);
    }
    sorted.assign(n, 0);
    for (size_t i = 0; i < n; ++i) sorted[i] = std::abs(residual[i]);
    sigma = std::max(kLeastSigma, kNormal * Median(&sorted));
    double sw = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0, log_sum = 0, log_weight = 0;
    for (size_t i = 0; i < n; ++i) {
      used[i] = pairs.weight[i] * TukeyWeight(residual[i], sigma);
      if (!(used[i] > 0)) continue;
      // Residuals are shares of y.
      const double spread = std::abs(pairs.y[i]) + floor, w = used[i] / (spread * spread);
      sw += w, sx += w * pairs.x[i], sy += w * pairs.y[i];
      sxx += w * pairs.x[i] * pairs.x[i];
      sxy += w * pairs.x[i] * pairs.y[i];
      syy += w * pairs.y[i] * pairs.y[i];
      if (pairs.x[i] > 0 && pairs.y[i] > 0) {
        log_sum += used[i] * std::log(pairs.y[i] / pairs.x[i]);
        log_weight += used[i];
      }
    }
    if (!(sw > 0)) return line;
    const double mean_x = sx / sw, mean_y = sy / sw;
    const double var_x = sxx / sw - mean_x * mean_x, var_y = syy / sw - mean_y * mean_y;
    if (!affine) {
      // The mean in the logarithm is the same read from either side.
      if (log_weight > 0) scale = std::exp(log_sum / log_weight);
    } else if (const double cov = sxy / sw - mean_x * mean_y;
               var_x > 1e-4 * mean_x * mean_x && cov > 0) {
      const double difference = var_y - noise_ratio * var_x;
      scale = (difference + std::sqrt(difference * difference + 4 * noise_ratio * cov * cov)) /
              (2 * cov);
      shift = mean_y - scale * mean_x;
    } else {  // hardly any contrast: a shift cannot be told from a scale
      scale = mean_x > 0 && mean_y > 0 ? mean_y / mean_x : 1;
      shift = 0;
    }
  }
  double kept = 0;
  for (size_t i = 0; i < n; ++i) kept += used[i] > 0 ? pairs.weight[i] : 0;
  line.scale = scale;
  line.shift = shift;
  line.sigma = sigma;
  line.inliers = kept / total;
  line.found = line.inliers >= 0.25 && scale >= 0.5 && scale <= 2 && std::isfinite(shift);
  return line;
}

}  // namespace mdvt::depth
