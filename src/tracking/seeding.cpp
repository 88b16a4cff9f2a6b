// SPDX-License-Identifier: Apache-2.0
#include "tracking/seeding.h"

#include <algorithm>
#include <cmath>

namespace mdvt::tracking {

std::vector<uint8_t> FreeSpace(int width, int height, const TakenSpace& taken) {
  const auto w = static_cast<size_t>(width);
  std::vector<uint8_t> free(w * static_cast<size_t>(height), 255);
  const auto row = [&](int y) { return free.begin() + static_cast<ptrdiff_t>(y) * width; };
  if (taken.allowed.data != nullptr)
    for (int y = 0; y < height; ++y) std::copy_n(taken.allowed.Row(y), w, row(y));
  const int edge = static_cast<int>(std::ceil(taken.border));
  for (int y = 0; y < height && edge > 0; ++y) {
    const bool whole = y < edge || y >= height - edge;
    const int side = whole ? width : std::min(edge, width);
    std::fill_n(row(y), side, uint8_t{0});
    std::fill_n(row(y) + width - side, side, uint8_t{0});
  }
  const int radius = static_cast<int>(std::ceil(taken.radius));
  for (size_t i = 0; i < taken.count; ++i) {
    const int cx = static_cast<int>(std::lrint(taken.xy[2 * i]));
    const int cy = static_cast<int>(std::lrint(taken.xy[2 * i + 1]));
    for (int dy = -radius; dy <= radius; ++dy) {
      const int y = cy + dy;
      if (y < 0 || y >= height) continue;
      const int half = static_cast<int>(std::sqrt(radius * radius - dy * dy));
      const int from = std::max(0, cx - half), to = std::min(width, cx + half + 1);
      if (from < to) std::fill_n(row(y) + from, to - from, uint8_t{0});
    }
  }
  return free;
}

}  // namespace mdvt::tracking
