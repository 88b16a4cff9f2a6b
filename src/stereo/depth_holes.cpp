// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/depth_holes.h"

#include <algorithm>

namespace mdvt {
namespace {

// Tells rows without data where the nearest row with some is.
void MarkEmptyRows(HoleMap* holes) {
  const auto empty = [](const std::vector<HoleSpan>& row) {
    return row.size() == 1 && row[0].background == HoleSide::kBoth;
  };
  const auto count = static_cast<int>(holes->rows.size());
  for (int y = 0; y < count;) {
    if (!empty(holes->rows[static_cast<size_t>(y)])) {
      ++y;
      continue;
    }
    const int begin = y;
    while (y < count && empty(holes->rows[static_cast<size_t>(y)])) ++y;
    for (int row = begin; row < y; ++row) {
      const int above = begin > 0 ? row - begin + 1 : count, below = y < count ? y - row : count;
      holes->rows[static_cast<size_t>(row)][0].rows_with_data =
          static_cast<int8_t>((below < above) - (above < below));
    }
  }
}

}  // namespace

void FindDepthHoles(const DepthView& depth, HoleSide of_equals, HoleMap* holes) {
  const int width = depth.width;
  holes->Reset(width, depth.height);
  for (int y = 0; y < depth.height; ++y) {
    const float* row = depth.Row(y);
    std::vector<HoleSpan>& spans = holes->rows[static_cast<size_t>(y)];
    const auto seen = [](float z) { return z > 0; };
    for (int x = 0; x < width;) {
      if (seen(row[x])) {
        ++x;
        continue;
      }
      HoleSpan span;
      span.begin = x;
      span.end = x = static_cast<int>(std::find_if(row + x, row + width, seen) - row);
      span.at_border = span.begin == 0 || span.end == width;
      const float left = span.begin > 0 ? row[span.begin - 1] : 0;
      const float right = span.end < width ? row[span.end] : 0;
      if (span.begin == 0 && span.end == width) {
        span.background = HoleSide::kBoth;
      } else if (span.at_border) {
        span.background = span.begin == 0 ? HoleSide::kRight : HoleSide::kLeft;
        span.far_depth = std::max(left, right);
      } else {
        span.background = left == right  ? of_equals
                          : left > right ? HoleSide::kLeft
                                         : HoleSide::kRight;
        span.far_depth = std::max(left, right);
        span.near_depth = std::min(left, right);
      }
      spans.push_back(span);
    }
  }
  MarkEmptyRows(holes);
}

}  // namespace mdvt
