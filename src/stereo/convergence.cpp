// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/convergence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

// Every NaN takes the value of the nearest known entry, the earlier one on ties.
void FillGaps(std::vector<double>& values) {
  const auto count = static_cast<int64_t>(values.size());
  std::vector<int64_t> before(values.size(), -1);
  int64_t last = -1;
  for (int64_t i = 0; i < count; ++i) {
    if (!std::isnan(values[static_cast<size_t>(i)])) last = i;
    before[static_cast<size_t>(i)] = last;
  }
  int64_t next = -1;
  for (int64_t i = count - 1; i >= 0; --i) {
    const int64_t previous = before[static_cast<size_t>(i)];
    if (previous == i) {
      next = i;
      continue;
    }
    if (previous < 0 && next < 0) {
      values[static_cast<size_t>(i)] = 0;
    } else {
      const bool take_previous = next < 0 || (previous >= 0 && i - previous <= next - i);
      values[static_cast<size_t>(i)] = values[static_cast<size_t>(take_previous ? previous : next)];
    }
  }
}

}  // namespace

std::vector<double> SmoothConvergence(const std::vector<double>& distance, Rational frame_rate,
                                      double sigma_seconds) {
  Require(frame_rate.IsPositive(), Code::kInvalidArgument,
          "SmoothConvergence: frame rate = " + frame_rate.ToString() + ", must be positive");
  Require(sigma_seconds >= 0 && sigma_seconds <= 3600, Code::kInvalidArgument,
          "SmoothConvergence: sigma_seconds = " + std::to_string(sigma_seconds) +
              ", must be in [0, 3600]");
  std::vector<double> values = distance;
  for (size_t i = 0; i < values.size(); ++i) {
    Require(!(values[i] < 0), Code::kInvalidArgument,
            "SmoothConvergence: distance " + std::to_string(values[i]) + " m of frame " +
                std::to_string(i) + " must not be negative");
  }
  FillGaps(values);

  const double sigma = sigma_seconds * frame_rate.ToDouble();
  const auto count = static_cast<int64_t>(values.size());
  // Beyond four sigma nothing is left; beyond the clip's length mirroring repeats it.
  const int64_t radius = std::min<int64_t>(static_cast<int64_t>(std::ceil(4 * sigma)), 4 * count);
  if (count < 2 || radius < 1) return values;
  std::vector<double> weight(static_cast<size_t>(radius) + 1);
  for (int64_t d = 0; d <= radius; ++d) {
    const double x = static_cast<double>(d) / sigma;
    weight[static_cast<size_t>(d)] = std::exp(-0.5 * x * x);
  }
  std::vector<double> inverse(values.size());
  std::transform(values.begin(), values.end(), inverse.begin(),
                 [](double z) { return z > 0 ? 1 / std::max(z, 1e-9) : 0.0; });
  const auto mirrored = [&](int64_t i) {  // ... 1 0 0 1 ... n-1 n-1 n-2 ...
    const int64_t period = 2 * count;
    i = ((i % period) + period) % period;
    return static_cast<size_t>(i < count ? i : period - 1 - i);
  };
  std::vector<double> smooth(values.size());
  for (int64_t i = 0; i < count; ++i) {
    const double centre = inverse[static_cast<size_t>(i)];
    // Sums of differences: a constant stays what it is, to the last bit.
    double sum = 0, total = weight[0];
    for (int64_t d = 1; d <= radius; ++d) {
      const double w = weight[static_cast<size_t>(d)];
      sum += w * ((inverse[mirrored(i - d)] - centre) + (inverse[mirrored(i + d)] - centre));
      total += 2 * w;
    }
    if (sum == 0) {
      smooth[static_cast<size_t>(i)] = values[static_cast<size_t>(i)];
      continue;
    }
    const double result = centre + sum / total;
    smooth[static_cast<size_t>(i)] = result > 0 ? 1 / result : 0.0;
  }
  return smooth;
}

}  // namespace mdvt
