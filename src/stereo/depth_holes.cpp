// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/depth_holes.h"

#include <algorithm>

namespace mdvt {

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
}

}  // namespace mdvt
