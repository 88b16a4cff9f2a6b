// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/metrics.h"

#include <algorithm>
#include <cmath>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

// Bins of log(truth / estimate), 1e-4 wide from 1e-8 to 1e8: the scale is exact to 0.005 %.
constexpr double kBinWidth = 1e-4;
constexpr int kBins = 2 * 184207;

template <typename Visit>
void ForPairs(const DepthView& estimate, const DepthView& truth, const Visit& visit) {
  Require(estimate.width == truth.width && estimate.height == truth.height, Code::kInvalidArgument,
          "DepthMetricsAccumulator: estimate and truth differ in size");
  for (int y = 0; y < truth.height; ++y) {
    const float *e = estimate.Row(y), *t = truth.Row(y);
    for (int x = 0; x < truth.width; ++x)
      if (e[x] > 0 && t[x] > 0 && std::isfinite(e[x]) && std::isfinite(t[x]))
        visit(static_cast<double>(e[x]), static_cast<double>(t[x]));
  }
}

}  // namespace

void DepthMetricsAccumulator::AddForScale(const DepthView& estimate, const DepthView& truth) {
  if (ratio_histogram_.empty()) ratio_histogram_.assign(kBins, 0);
  ForPairs(estimate, truth, [&](double e, double t) {
    const double bin = std::floor(std::log(t / e) / kBinWidth) + kBins / 2;
    ++ratio_histogram_[static_cast<size_t>(std::clamp(bin, 0.0, kBins - 1.0))];
  });
}

double DepthMetricsAccumulator::MedianScale() const {
  int64_t total = 0;
  for (const int64_t count : ratio_histogram_) total += count;
  if (total == 0) return 1;
  // The place of the middle pair within its bin, as if the pairs of a bin lay evenly.
  const double middle = static_cast<double>(total) / 2;
  int64_t below = 0;
  for (size_t bin = 0; bin < ratio_histogram_.size(); ++bin) {
    const int64_t count = ratio_histogram_[bin];
    if (static_cast<double>(below + count) >= middle && count > 0) {
      const double within = (middle - static_cast<double>(below)) / static_cast<double>(count);
      return std::exp((static_cast<double>(bin) - kBins / 2 + within) * kBinWidth);
    }
    below += count;
  }
  return 1;
}

void DepthMetricsAccumulator::Add(const DepthView& estimate, const DepthView& truth, double scale) {
  Require(scale > 0 && std::isfinite(scale), Code::kInvalidArgument,
          "DepthMetricsAccumulator: the scale must be positive");
  scale_ = scale;
  ForPairs(estimate, truth, [&](double e, double t) {
    const double d = e * scale;
    ++pixels_;
    sum_abs_rel_ += std::abs(d - t) / t;
    sum_squared_ += (d - t) * (d - t);
    within_ += std::max(d / t, t / d) < 1.25 ? 1 : 0;
  });
}

DepthMetrics DepthMetricsAccumulator::Result() const {
  DepthMetrics result;
  result.pixels = pixels_;
  result.scale = scale_;
  if (pixels_ == 0) return result;
  const double n = static_cast<double>(pixels_);
  result.abs_rel = sum_abs_rel_ / n;
  result.rmse = std::sqrt(sum_squared_ / n);
  result.delta1 = static_cast<double>(within_) / n;
  return result;
}

}  // namespace mdvt
