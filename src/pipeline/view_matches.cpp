// SPDX-License-Identifier: Apache-2.0
#include "pipeline/view_matches.h"

#include <algorithm>
#include <cstdlib>

namespace mdvt {
namespace {

constexpr int kStep = 4;                // pixels looked at along both axes
constexpr float kMostRoundTrip = 0.5f;  // pixels
constexpr int kLeastContrast = 8;       // codes between neighbours across the step

// Whether a displacement can be told there, along y too.
bool HasTexture(PlaneView<const uint8_t> luma, int x, int y) {
  const int right = std::min(x + kStep, luma.width - 1),
            below = std::min(y + kStep, luma.height - 1);
  return std::abs(luma.At(x, y) - luma.At(x, below)) >= kLeastContrast &&
         std::abs(luma.At(x, y) - luma.At(right, y)) >= kLeastContrast;
}

}  // namespace

std::vector<ViewMatch> ViewMatcher::Match(const Image& left, const Image& right,
                                          const ColorInfo& color) {
  const Image a = converter_.Convert(left, color, PixelFormat::Gray(8));
  const Image b = converter_.Convert(right, color, PixelFormat::Gray(8));
  FlowField there, back;
  flow_.Compute(a.Plane<uint8_t>(), b.Plane<uint8_t>(), &there);
  flow_.Compute(b.Plane<uint8_t>(), a.Plane<uint8_t>(), &back);
  std::vector<float> errors(there.vectors.size());
  const PlaneView<float> error{errors.data(), static_cast<ptrdiff_t>(sizeof(float)) * there.width,
                               there.width, there.height};
  RoundTripError(there, back, error);
  std::vector<ViewMatch> matches;
  for (int y = 0; y < there.height; y += kStep)
    for (int x = 0; x < there.width; x += kStep) {
      if (!HasTexture(a.Plane<uint8_t>(), x, y)) continue;
      ++looked_at_;
      if (error.At(x, y) <= kMostRoundTrip) matches.push_back({x, y, there.view().At(x, y)});
    }
  return matches;
}

}  // namespace mdvt
