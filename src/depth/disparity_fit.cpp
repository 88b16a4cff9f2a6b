// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/disparity_fit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "core/median.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr size_t kLeastSamples = 16;
constexpr int kDraws = 500, kTukeySteps = 20;
constexpr size_t kLookedAt = 2000;   // samples that judge a draw
constexpr double kTukey = 4.685;     // 95 % efficient for normal residuals
constexpr double kNormal = 1.4826;   // standard deviation per median absolute residual
constexpr double kTinyShare = 1e-7;  // of the spread of 1 / depth: below it a residual is none

// y = slope * x + offset by weighted least squares; empty spread of x gives slope 0.
struct Line {
  double slope = 0;
  double offset = 0;
  double At(double x) const { return slope * x + offset; }
};

template <typename Weight>
Line FitLine(const std::vector<double>& x, const std::vector<double>& y, const Weight& weight) {
  double sw = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double w = weight(i);
    sw += w;
    sx += w * x[i];
    sy += w * y[i];
    sxx += w * x[i] * x[i];
    sxy += w * x[i] * y[i];
  }
  if (!(sw > 0)) return {};
  const double mean_x = sx / sw, mean_y = sy / sw;
  const double variance = sxx / sw - mean_x * mean_x;
  const double slope = variance > 1e-12 ? (sxy / sw - mean_x * mean_y) / variance : 0;
  return {slope, mean_y - slope * mean_x};
}

// Median and spread of the middle; the ends may be anything.
struct Center {
  explicit Center(const std::vector<float>& values) {
    std::vector<double> sorted(values.begin(), values.end());
    median = Median(&sorted);
    for (double& value : sorted) value = std::abs(value - median);
    spread = kNormal * Median(&sorted);
    if (spread > 0) return;
    // More than half are the same.
    double squares = 0;
    for (const double value : sorted) squares += value * value / static_cast<double>(sorted.size());
    spread = squares > 0 ? std::sqrt(squares) : 1;
  }
  double median = 0;
  double spread = 1;
};

// Of the lines through two samples: that with the least median distance from all (Rousseeuw 1984).
// Samples that are wrong in x would pull any sum of distances.
Line StartLine(const std::vector<double>& x, const std::vector<double>& y) {
  std::mt19937_64 random;  // the same draws each time
  const auto draw = [&] { return static_cast<size_t>(random() % x.size()); };
  const size_t step = std::max<size_t>(1, x.size() / kLookedAt);
  std::vector<double> residual;
  Line best;
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kDraws; ++i) {
    const size_t a = draw(), b = draw();
    if (!(std::abs(x[a] - x[b]) > 1e-6)) continue;
    Line line;
    line.slope = (y[a] - y[b]) / (x[a] - x[b]);
    line.offset = y[a] - line.slope * x[a];
    residual.clear();
    for (size_t k = 0; k < x.size(); k += step) residual.push_back(std::abs(line.At(x[k]) - y[k]));
    const double median = Median(&residual);
    if (median < least) least = median, best = line;
  }
  return best;
}

}  // namespace

DisparityCalibration CalibrateByMedian(PlaneView<const float> disparity, double median_depth) {
  Require(median_depth > 0 && median_depth <= 10000, Code::kInvalidArgument,
          "CalibrateByMedian: median_depth = " + FormatDouble(median_depth) +
              " m, must be in (0, 10000]");
  std::vector<float> values;
  values.reserve(static_cast<size_t>(disparity.width) * static_cast<size_t>(disparity.height));
  for (int y = 0; y < disparity.height; ++y) {
    const float* row = disparity.Row(y);
    for (int x = 0; x < disparity.width; ++x)
      if (row[x] > 0 && std::isfinite(row[x])) values.push_back(row[x]);
  }
  Require(!values.empty(), Code::kNotConverged,
          "the network found nothing near in the first frame: there is no scale to be set");
  return {1 / (median_depth * static_cast<double>(Median(&values))), 0};
}

void DisparityFitOptions::Check() const {
  Require(saturated_depth > 0, Code::kInvalidArgument,
          "DisparityFitOptions.saturated_depth must be positive");
  Require(max_step > 0 && max_step <= 10, Code::kInvalidArgument,
          "DisparityFitOptions.max_step must be in (0, 10]");
  Require(samples_per_frame >= 16 && samples_per_frame <= 10'000'000, Code::kInvalidArgument,
          "DisparityFitOptions.samples_per_frame must be in [16, 10^7]");
}

DisparityFit::DisparityFit(const DisparityFitOptions& options) : options_(options) {
  options_.Check();
}

int64_t DisparityFit::Add(PlaneView<const float> disparity, DepthView reference) {
  const int w = reference.width, h = reference.height;
  if (w == 0 || h == 0 || disparity.width == 0 || disparity.height == 0) return 0;
  const double pixels = static_cast<double>(w) * h;
  const int step = std::max(
      1, static_cast<int>(std::sqrt(pixels / static_cast<double>(options_.samples_per_frame))));
  const auto known = [&](float z) {
    return z > 0 && static_cast<double>(z) < options_.saturated_depth;
  };
  const auto far_apart = [&](float a, float b) {
    return std::abs(a - b) > static_cast<float>(options_.max_step) * std::min(a, b);
  };
  const size_t before = disparity_.size();
  for (int y = step / 2; y < h; y += step) {
    const int row = static_cast<int>((2 * int64_t{y} + 1) * disparity.height / (2 * int64_t{h}));
    const float* z = reference.Row(y);
    const float* above = reference.Row(std::max(0, y - 1));
    const float* below = reference.Row(std::min(h - 1, y + 1));
    for (int x = step / 2; x < w; x += step) {
      const float depth = z[x];
      if (!known(depth)) continue;
      bool at_edge = false;
      for (const float other :
           {z[std::max(0, x - 1)], z[std::min(w - 1, x + 1)], above[x], below[x]})
        at_edge |= !known(other) || far_apart(depth, other);
      if (at_edge) continue;
      const int column =
          static_cast<int>((2 * int64_t{x} + 1) * disparity.width / (2 * int64_t{w}));
      const float d = disparity.At(column, row);
      if (!std::isfinite(d)) continue;
      disparity_.push_back(d);
      inverse_depth_.push_back(1 / depth);
    }
  }
  return static_cast<int64_t>(disparity_.size() - before);
}

DisparityFitResult DisparityFit::Solve() const {
  const size_t n = disparity_.size();
  Require(n >= kLeastSamples, Code::kNotConverged,
          "only " + std::to_string(n) +
              " pixels have both a disparity and a reference depth, a fit needs 16");
  // Centred and scaled: normal equations of values like 995 .. 1005 lose all digits otherwise.
  const Center center_x(disparity_), center_y(inverse_depth_);
  std::vector<double> x(n), y(n), residual(n);
  for (size_t i = 0; i < n; ++i) {
    x[i] = (static_cast<double>(disparity_[i]) - center_x.median) / center_x.spread;
    y[i] = (static_cast<double>(inverse_depth_[i]) - center_y.median) / center_y.spread;
  }

  Line line = StartLine(x, y);
  const auto measure = [&] {
    for (size_t i = 0; i < n; ++i) residual[i] = std::abs(line.At(x[i]) - y[i]);
  };
  double limit = 0;
  for (int step = 0; step < kTukeySteps; ++step) {
    measure();
    std::vector<double> sorted = residual;
    limit = kTukey * std::max(kNormal * Median(&sorted), kTinyShare);
    line = FitLine(x, y, [&](size_t i) {
      const double q = residual[i] / limit;
      return q < 1 ? (1 - q * q) * (1 - q * q) : 0;
    });
  }
  measure();

  DisparityFitResult result;
  result.samples = static_cast<int64_t>(n);
  double inliers = 0, sum = 0, squares = 0, left = 0;
  for (size_t i = 0; i < n; ++i) {
    if (residual[i] >= limit) continue;
    inliers += 1;
    sum += y[i];
    squares += y[i] * y[i];
    left += residual[i] * residual[i];
  }
  result.inlier_share = inliers / static_cast<double>(n);
  const double total = inliers > 0 ? squares - sum * sum / inliers : 0;
  result.r_squared = total > 0 ? 1 - left / total : 0;
  result.calibration.scale = line.slope * center_y.spread / center_x.spread;
  result.calibration.shift =
      center_y.median + center_y.spread * line.offset - result.calibration.scale * center_x.median;
  if (line.slope > 0) return result;

  std::vector<double> ratios;
  for (size_t i = 0; i < n; ++i)
    if (disparity_[i] > 0)
      ratios.push_back(static_cast<double>(inverse_depth_[i]) / static_cast<double>(disparity_[i]));
  Require(!ratios.empty(), Code::kNotConverged,
          "the network's disparity is not positive wherever the reference has depth");
  result.by_median = true;
  result.calibration = {Median(&ratios), 0};
  return result;
}

}  // namespace mdvt
