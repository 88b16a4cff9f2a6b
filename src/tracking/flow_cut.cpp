// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/flow_cut.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/median.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kRows = 64;
constexpr int kBins = 32;
constexpr double kMostHistogram = 0.35, kLeastCoverage = 0.15, kNoCoverage = 0.05, kMostChange = 25;

// Chi-square distance over two, [0, 1], smoothed over neighbouring bins: exposure moves a
// histogram.
double Distance(const std::array<double, kBins>& a, const std::array<double, kBins>& b) {
  const auto smooth = [](const std::array<double, kBins>& h, int i) {
    const auto at = [&](int k) { return h[static_cast<size_t>(std::clamp(k, 0, kBins - 1))]; };
    return (at(i - 1) + 2 * at(i) + at(i + 1)) / 4;
  };
  double sum = 0;
  for (int i = 0; i < kBins; ++i) {
    const double p = smooth(a, i), q = smooth(b, i);
    if (p + q > 0) sum += (p - q) * (p - q) / (p + q);
  }
  return sum / 2;
}

}  // namespace

FlowCutCues MeasureFlowCut(PlaneView<const uint8_t> before, PlaneView<const uint8_t> now,
                           const FlowField& to_before, const FlowField& from_before) {
  const int w = now.width, h = now.height;
  Require(w > 0 && before.width == w && before.height == h && to_before.width == w &&
              to_before.height == h && from_before.width == w && from_before.height == h,
          Code::kInvalidArgument, "MeasureFlowCut: pictures and flow differ in size");
  const int step = std::max(1, h / kRows);
  std::array<double, kBins> a{}, b{};
  std::vector<int> changes;
  double count = 0, agree = 0;
  for (int y = step / 2; y < h; y += step)
    for (int x = step / 2; x < w; x += step) {
      a[before.At(x, y) * kBins / 256] += 1;
      b[now.At(x, y) * kBins / 256] += 1;
      count += 1;
      const Eigen::Vector2f go = to_before.vectors[static_cast<size_t>(y) * w + x];
      const int u = static_cast<int>(std::lround(static_cast<float>(x) + go.x()));
      const int v = static_cast<int>(std::lround(static_cast<float>(y) + go.y()));
      if (u < 0 || v < 0 || u >= w || v >= h) continue;
      const Eigen::Vector2f come = from_before.vectors[static_cast<size_t>(v) * w + u];
      agree += (go + come).squaredNorm() < 0.01f * (go.squaredNorm() + come.squaredNorm()) + 0.5f;
      changes.push_back(std::abs(static_cast<int>(now.At(x, y)) - before.At(u, v)));
    }
  for (double& bin : a) bin /= count;
  for (double& bin : b) bin /= count;
  FlowCutCues cues;
  cues.histogram = Distance(a, b);
  cues.coverage = agree / count;
  cues.change = changes.empty() ? 255 : Median(&changes);
  return cues;
}

bool IsFlowCut(const FlowCutCues& cues) {
  const int fired = (cues.histogram > kMostHistogram) + (cues.coverage < kLeastCoverage) +
                    (cues.change > kMostChange);
  return fired >= 2 || cues.coverage < kNoCoverage;
}

}  // namespace mdvt
