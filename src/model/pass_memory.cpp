// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/pass_memory.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kSmallest = 128;  // of the longer side, below which nothing is estimated

PixelSize Shrunk(PixelSize size, int divisor, const SizeRule& rule) {
  const auto side = [&](int whole, int least) {
    const int multiples = std::max(1, whole / (divisor * rule.multiple));
    const int up = (least + rule.multiple - 1) / rule.multiple;
    return std::max(multiples, up) * rule.multiple;
  };
  return {side(size.width, rule.min.width), side(size.height, rule.min.height)};
}

// Empty if it cannot be known.
std::vector<int64_t> Trace(const Model& model, PixelSize size) {
  const ModelInfo& info = model.info();
  if (!IsDeclaredSize(size, info.inputs[0].size)) return {};
  const int batch = info.batch_dynamic ? 1 : info.batch_max;
  return model.TraceMemory({Model::CheckInput({batch, 3, size.height, size.width})});
}

double Pixels(PixelSize size) { return static_cast<double>(size.width) * size.height; }

// A tensor of y0 bytes at p0 pixels and y1 at p1, at p pixels: c + d p, or (c + d p)^2 where it has
// grown faster than p^1.5.
double Extrapolated(double p0, double y0, double p1, double y1, double p) {
  const auto line = [&](double a, double b) { return a + (b - a) * (p - p0) / (p1 - p0); };
  const bool square = std::log(y1 / y0) > 1.5 * std::log(p1 / p0);
  const double root = line(std::sqrt(y0), std::sqrt(y1));
  return square ? root * root : std::max(0.0, line(y0, y1));
}

// How many events at the start are of the same tensors: made and ended in the same order, and grown
// by no more than the square of the pixels.
size_t CommonStart(const std::vector<int64_t>& before, const std::vector<int64_t>& events,
                   double pixel_ratio) {
  const double most_growth = 1.1 * pixel_ratio * pixel_ratio;
  const auto same = [&](int64_t x, int64_t y) {
    if (x < 0 || y < 0) return x == y;
    return x <= y && static_cast<double>(y) <= most_growth * static_cast<double>(x);
  };
  const size_t most = std::min(before.size(), events.size());
  size_t count = 0;
  while (count < most && same(before[count], events[count])) ++count;
  return count;
}

}  // namespace

int64_t PeakOfTrace(const std::vector<int64_t>& events) {
  std::vector<int64_t> sizes;
  int64_t now = 0, peak = 0;
  for (const int64_t event : events) {
    if (event > 0) sizes.push_back(event);
    now += event > 0 ? event : -sizes.at(static_cast<size_t>(-1 - event));
    peak = std::max(peak, now);
  }
  return peak;
}

std::optional<int64_t> EstimatePassMemory(const Model& model, PixelSize size, int batch) {
  const ModelInfo& info = model.info();
  const SizeRule& rule = info.inputs.at(0).size;
  if (info.inputs.size() != 1 || !rule.dynamic || rule.mode == SizeMode::kFixed)
    return std::nullopt;
  if (std::max(size.width, size.height) < kSmallest) return std::nullopt;
  const PixelSize small = Shrunk(size, 8, rule), middle = Shrunk(size, 4, rule);
  if (small == middle || middle == size) return std::nullopt;
  std::vector<int64_t> before, events;
  try {
    before = Trace(model, small);
    events = Trace(model, middle);
  } catch (const Error&) {
    return std::nullopt;  // the pass itself will tell what is wrong with the network
  }
  if (events.empty() || before.empty()) return std::nullopt;
  const double pictures = info.batch_dynamic ? batch : 1;
  const double p0 = Pixels(small), p1 = Pixels(middle), p = Pixels(size);
  const size_t common = CommonStart(before, events, p1 / p0);
  const std::set<int64_t> sizes(before.begin(), before.end());
  for (size_t i = 0; i < events.size(); ++i) {
    if (events[i] < 0) continue;
    const auto bytes = static_cast<double>(events[i]);
    double then = bytes;
    if (i < common)
      then = Extrapolated(p0, static_cast<double>(before[i]), p1, bytes, p);
    else if (sizes.count(events[i]) == 0)
      then = bytes * p / p1;
    events[i] = std::llround(std::clamp(pictures * then, 1.0, 1e15));
  }
  return PeakOfTrace(events);
}

}  // namespace mdvt
