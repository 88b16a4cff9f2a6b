// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/focus_depth.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr double kNear = 0.2;  // of 1 / distance: what counts as the same thing
constexpr int kTopBits = 65536;

uint32_t BitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}
float FloatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// Bits of positive floats are in their order: weights of all values by the upper half of their
// bits, and then, for quantiles, of one such bin by the lower half.
class Quantiles {
 public:
  Quantiles() : upper_(kTopBits) {}

  void Add(float value, uint32_t weight) {
    upper_[BitsOf(value) >> 16] += weight;
    total_ += weight;
  }
  uint64_t total() const { return total_; }

  // The least value with at least the share `q` of all weight at it or below. `each(visit)` calls
  // visit(value, weight) for all values once more.
  template <typename Each>
  float At(double q, const Each& each) const {
    const auto wanted =
        std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(q * static_cast<double>(total_))));
    uint64_t below = 0;
    uint32_t bin = 0;
    while (below + upper_[bin] < wanted) below += upper_[bin++];
    std::vector<uint64_t> lower(kTopBits);
    each([&](float value, uint32_t weight) {
      const uint32_t bits = BitsOf(value);
      if (bits >> 16 == bin) lower[bits & 0xffff] += weight;
    });
    uint32_t low = 0;
    while (below + lower[low] < wanted) below += lower[low++];
    return FloatOf(bin << 16 | low);
  }

 private:
  std::vector<uint64_t> upper_;
  uint64_t total_ = 0;
};

// 0 .. 255 along one side.
std::vector<uint32_t> Weights(int length, bool center) {
  std::vector<uint32_t> weights(static_cast<size_t>(length), 255);
  const double sigma = length / 4.0;
  for (int i = 0; center && i < length; ++i) {
    const double x = (i + 0.5 - length / 2.0) / sigma;
    weights[static_cast<size_t>(i)] =
        static_cast<uint32_t>(std::lround(255 * std::exp(-0.5 * x * x)));
  }
  return weights;
}

double UpstreamMean(const DepthView& depth, PlaneView<const uint8_t> mask, int threshold) {
  double sum = 0;
  int64_t count = 0;
  for (int y = 0; y < depth.height; ++y)
    for (int x = 0; x < depth.width; ++x) {
      if (mask.data != nullptr && mask.At(x, y) <= threshold) continue;
      sum += depth.At(x, y);
      ++count;
    }
  return count > 0 ? sum / static_cast<double>(count) : std::nan("");
}

}  // namespace

void FocusOptions::Check() const {
  const auto require = [](bool inside, const char* name, const char* range) {
    Require(inside, Code::kInvalidArgument,
            std::string("FocusOptions.") + name + " must be in " + range);
  };
  require(quantile >= 0 && quantile <= 1, "quantile", "[0, 1]");
  require(mask_threshold >= 0 && mask_threshold <= 255, "mask_threshold", "[0, 255]");
  require(min_share >= 0 && min_share <= 1, "min_share", "[0, 1]");
  require(outliers >= 0 && outliers < 0.5, "outliers", "[0, 0.5)");
}

FocusDepth MeasureFocus(const DepthView& depth, PlaneView<const uint8_t> mask,
                        const FocusOptions& options) {
  options.Check();
  const bool masked = mask.data != nullptr;
  Require(!masked || (mask.width == depth.width && mask.height == depth.height),
          Code::kInvalidArgument,
          "MeasureFocus: the mask is " + FormatSize(mask.width, mask.height) + ", the depth " +
              FormatSize(depth.width, depth.height));
  const bool center = options.center && !masked;
  const std::vector<uint32_t> columns = Weights(depth.width, center);
  const std::vector<uint32_t> rows = Weights(depth.height, center);
  const float end = options.saturated > 0 ? options.saturated : std::numeric_limits<float>::max();
  const auto each_known = [&](const auto& visit) {
    for (int y = 0; y < depth.height; ++y) {
      const float* z = depth.Row(y);
      for (int x = 0; x < depth.width; ++x)
        if (z[x] > 0 && z[x] < end) visit(x, y, z[x]);
    }
  };
  const auto each_focused = [&](const auto& visit) {
    each_known([&](int x, int y, float z) {
      if (masked && mask.At(x, y) <= options.mask_threshold) return;
      visit(z, columns[static_cast<size_t>(x)] * rows[static_cast<size_t>(y)]);
    });
  };
  const auto each_alike = [&](const auto& visit) {
    each_known([&](int, int, float z) { visit(z, 1u); });
  };

  FocusDepth focus;
  Quantiles all, focused;
  each_alike([&](float z, uint32_t weight) { all.Add(z, weight); });
  if (all.total() > 0) {
    focus.nearest = all.At(options.outliers, each_alike);
    focus.farthest = all.At(1 - options.outliers, each_alike);
  }
  double inverse = 0;
  int64_t pixels = 0;
  each_focused([&](float z, uint32_t weight) {
    focused.Add(z, weight);
    inverse += weight / static_cast<double>(z);
    ++pixels;
  });
  const double least = options.min_share * depth.width * depth.height;
  const bool known = pixels > 0 && static_cast<double>(pixels) >= least && focused.total() > 0;
  if (options.statistic == FocusStatistic::kUpstream)
    focus.distance = UpstreamMean(depth, mask, options.mask_threshold);
  else if (!known)
    focus.distance = std::nan("");
  else if (options.statistic == FocusStatistic::kMean)
    focus.distance = static_cast<double>(focused.total()) / inverse;
  else
    focus.distance = focused.At(1 - options.quantile, each_focused);

  if (known && focus.distance > 0) {
    uint64_t near = 0;
    each_focused([&](float z, uint32_t weight) {
      if (std::fabs(focus.distance / z - 1) <= kNear) near += weight;
    });
    focus.confidence = static_cast<double>(near) / static_cast<double>(focused.total());
  }
  return focus;
}

double WithinBudget(double distance, double nearest, double farthest,
                    const ParallaxBudget& budget) {
  if (std::isnan(distance) || !(nearest > 0) || !(farthest > 0) || !(budget.focal_baseline > 0))
    return distance;
  // Parallax is focal_baseline (1 / distance - 1 / z), behind the screen positive.
  double inverse = distance > 0 ? 1 / distance : 0;
  inverse = std::max(inverse, 1 / nearest - budget.max_in_front / budget.focal_baseline);
  inverse = std::min(inverse, 1 / farthest + budget.max_behind / budget.focal_baseline);
  return inverse > 0 ? 1 / inverse : 0;
}

}  // namespace mdvt
