// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace mdvt {

// The regions of the pixels (row by row) for which in(i) holds, connected by their sides: the
// pixels of each, in order of the first one.
template <typename In>
std::vector<std::vector<int32_t>> Regions(int width, int height, const In& in) {
  std::vector<uint8_t> taken(static_cast<size_t>(width) * static_cast<size_t>(height), 0);
  std::vector<std::vector<int32_t>> regions;
  for (int32_t start = 0; start < width * height; ++start) {
    if (taken[static_cast<size_t>(start)] || !in(start)) continue;
    std::vector<int32_t> region = {start};
    taken[static_cast<size_t>(start)] = 1;
    for (size_t next = 0; next < region.size(); ++next) {
      const int32_t at = region[next], x = at % width;
      const auto visit = [&](bool there, int32_t other) {
        if (!there || taken[static_cast<size_t>(other)] || !in(other)) return;
        taken[static_cast<size_t>(other)] = 1;
        region.push_back(other);
      };
      visit(x > 0, at - 1);
      visit(x + 1 < width, at + 1);
      visit(at >= width, at - width);
      visit(at < width * (height - 1), at + width);
    }
    regions.push_back(std::move(region));
  }
  return regions;
}

}  // namespace mdvt
