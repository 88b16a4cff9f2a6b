// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/mask_steadier.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include "infill/regions.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr float kMostRoundTrip = 2;
constexpr float kSure = 0.001f;  // probabilities end there: logits stay finite

float Logit(float p) {
  p = std::clamp(p, kSure, 1 - kSure);
  return std::log(p / (1 - p));
}

// Largest value within `reach` along a line of `count` values that are `step` bytes apart.
void GrowLine(uint8_t* line, ptrdiff_t step, int count, int reach, std::vector<int>* last_white) {
  // Distance to the nearest white value before, then after.
  last_white->assign(static_cast<size_t>(count), reach + 1);
  int distance = reach + 1;
  for (int i = 0; i < count; ++i) {
    distance = line[i * step] > 127 ? 0 : std::min(distance + 1, reach + 1);
    (*last_white)[static_cast<size_t>(i)] = distance;
  }
  distance = reach + 1;
  for (int i = count - 1; i >= 0; --i) {
    distance = line[i * step] > 127 ? 0 : std::min(distance + 1, reach + 1);
    if (std::min(distance, (*last_white)[static_cast<size_t>(i)]) <= reach) {
      // Later values look at this one as it was: it is only written when it is passed.
      (*last_white)[static_cast<size_t>(i)] = -1;
    }
  }
  for (int i = 0; i < count; ++i)
    if ((*last_white)[static_cast<size_t>(i)] == -1)
      line[i * step] = std::max<uint8_t>(line[i * step], 255);
}

void Grow(int reach, PlaneView<uint8_t> mask) {
  std::vector<int> scratch;
  for (int y = 0; y < mask.height; ++y) GrowLine(mask.Row(y), 1, mask.width, reach, &scratch);
  for (int x = 0; x < mask.width; ++x)
    GrowLine(mask.Row(0) + x, mask.stride, mask.height, reach, &scratch);
}

void Invert(PlaneView<uint8_t> mask) {
  for (int y = 0; y < mask.height; ++y)
    std::transform(mask.Row(y), mask.Row(y) + mask.width, mask.Row(y),
                   [](uint8_t v) { return static_cast<uint8_t>(255 - v); });
}

}  // namespace

void SteadyMaskOptions::Check() const {
  Require(memory >= 0 && memory < 1, Code::kInvalidArgument,
          "SteadyMaskOptions.memory = " + FormatDouble(memory) + ", must be in [0, 1)");
  Require(low > 0 && low <= high && high < 1, Code::kInvalidArgument,
          "SteadyMaskOptions.low = " + FormatDouble(low) + ", high = " + FormatDouble(high) +
              ", must be 0 < low <= high < 1");
  Require(core >= 0 && core <= 1 && min_area >= 0 && min_area <= 1, Code::kInvalidArgument,
          "SteadyMaskOptions.core and min_area must be in [0, 1]");
}

MaskSteadier::MaskSteadier(const SteadyMaskOptions& options) : options_(options) {
  options.Check();
}

void MaskSteadier::Steady(int width, int height, PlaneView<const Eigen::Vector2f> to_previous,
                          PlaneView<const float> round_trip, std::vector<float>* probability,
                          std::vector<uint8_t>* mask) {
  const size_t size = static_cast<size_t>(width) * static_cast<size_t>(height);
  const bool carries = to_previous.data != nullptr && width == width_ && height == height_;
  Require(
      probability->size() == size && (to_previous.data == nullptr ||
                                      (to_previous.width == width && to_previous.height == height &&
                                       round_trip.width == width && round_trip.height == height)),
      Code::kInvalidArgument, "MaskSteadier: probability and motion differ in size");
  std::vector<float> logits(size);
  const auto memory = static_cast<float>(options_.memory);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const size_t i = static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x);
      logits[i] = Logit((*probability)[i]);
      if (!carries || !(round_trip.At(x, y) <= kMostRoundTrip)) continue;
      const Eigen::Vector2f& motion = to_previous.At(x, y);
      const float from_x = static_cast<float>(x) + motion.x() + 0.5f;
      const float from_y = static_cast<float>(y) + motion.y() + 0.5f;
      if (!(from_x >= 0 && from_y >= 0 && from_x < static_cast<float>(width) &&
            from_y < static_cast<float>(height)))
        continue;
      const size_t from =
          static_cast<size_t>(from_y) * static_cast<size_t>(width) + static_cast<size_t>(from_x);
      logits[i] = memory * logits_[from] + (1 - memory) * logits[i];
    }
  }
  logits_ = std::move(logits);
  width_ = width;
  height_ = height;
  std::transform(logits_.begin(), logits_.end(), probability->begin(),
                 [](float logit) { return 1 / (1 + std::exp(-logit)); });

  const auto low = static_cast<float>(options_.low), high = static_cast<float>(options_.high);
  const double least = std::max(1.0, options_.min_area * static_cast<double>(size));
  mask->assign(size, 0);
  std::vector<std::vector<int32_t>> kept;
  auto regions = Regions(width, height,
                         [&](int32_t i) { return (*probability)[static_cast<size_t>(i)] >= low; });
  for (std::vector<int32_t>& region : regions) {
    if (static_cast<double>(region.size()) < least) continue;
    const auto sure = std::count_if(region.begin(), region.end(), [&](int32_t i) {
      return (*probability)[static_cast<size_t>(i)] >= high;
    });
    if (sure > 0 && static_cast<double>(sure) >= options_.core * static_cast<double>(region.size()))
      kept.push_back(std::move(region));
  }
  if (options_.largest && kept.size() > 1) {
    std::iter_swap(kept.begin(),
                   std::max_element(kept.begin(), kept.end(), [](const auto& a, const auto& b) {
                     return a.size() < b.size();
                   }));
    kept.resize(1);
  }
  for (const std::vector<int32_t>& region : kept)
    for (const int32_t i : region) (*mask)[static_cast<size_t>(i)] = 255;
  for (const std::vector<int32_t>& hole :
       Regions(width, height, [&](int32_t i) { return (*mask)[static_cast<size_t>(i)] == 0; }))
    if (static_cast<double>(hole.size()) < least)
      for (const int32_t i : hole) (*mask)[static_cast<size_t>(i)] = 255;
}

void DilateMask(int pixels, PlaneView<uint8_t> mask) {
  Require(pixels >= -1024 && pixels <= 1024, Code::kInvalidArgument,
          "DilateMask: " + std::to_string(pixels) + " pixels, must be in [-1024, 1024]");
  if (pixels == 0 || mask.width == 0 || mask.height == 0) return;
  if (pixels > 0) return Grow(pixels, mask);
  Invert(mask);
  Grow(-pixels, mask);
  Invert(mask);
}

}  // namespace mdvt
