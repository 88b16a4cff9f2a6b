// SPDX-License-Identifier: Apache-2.0
#include "pipeline/row_check.h"

#include <algorithm>
#include <cmath>

namespace mdvt {
namespace {

constexpr int64_t kEvery = 10, kMostPairs = 8;
constexpr int kStep = 4;                // pixels looked at along both axes
constexpr float kMostRoundTrip = 0.5f;  // pixels
constexpr int kLeastContrast = 8;       // codes between neighbours across the step
constexpr size_t kLeastPixels = 100;

float Quantile(std::vector<float> values, double share) {
  const auto at =
      values.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Whether a displacement can be told there, along y too.
bool HasTexture(PlaneView<const uint8_t> luma, int x, int y) {
  const int right = std::min(x + kStep, luma.width - 1),
            below = std::min(y + kStep, luma.height - 1);
  return std::abs(luma.At(x, y) - luma.At(x, below)) >= kLeastContrast &&
         std::abs(luma.At(x, y) - luma.At(right, y)) >= kLeastContrast;
}

}  // namespace

void RowCheck::Add(const Image& left, const Image& right, const ColorInfo& color) {
  const int64_t number = pairs_++;
  if (number % kEvery != 0 || number / kEvery >= kMostPairs) return;
  const Image a = converter_.Convert(left, color, PixelFormat::Gray(8));
  const Image b = converter_.Convert(right, color, PixelFormat::Gray(8));
  FlowField there, back;
  flow_.Compute(a.Plane<uint8_t>(), b.Plane<uint8_t>(), &there);
  flow_.Compute(b.Plane<uint8_t>(), a.Plane<uint8_t>(), &back);
  std::vector<float> errors(there.vectors.size());
  const PlaneView<float> error{errors.data(), static_cast<ptrdiff_t>(sizeof(float)) * there.width,
                               there.width, there.height};
  RoundTripError(there, back, error);
  for (int y = 0; y < there.height; y += kStep)
    for (int x = 0; x < there.width; x += kStep) {
      if (!HasTexture(a.Plane<uint8_t>(), x, y)) continue;
      ++looked_at_;
      if (error.At(x, y) > kMostRoundTrip) continue;
      const Eigen::Vector2f vector = there.view().At(x, y);
      vertical_.push_back(std::abs(vector.y()));
      disparity_.push_back(-vector.x());
    }
}

std::optional<RowCheck::Result> RowCheck::Measure() const {
  if (vertical_.size() < kLeastPixels) return std::nullopt;
  return Result{Quantile(vertical_, 0.5), Quantile(vertical_, 0.95), Quantile(disparity_, 0.5)};
}

}  // namespace mdvt
