// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/flow_pair.h"

#include "mdvt/core/error.h"

namespace mdvt {

double ConsistentPixels(const FlowWay& way, PlaneView<uint8_t> mask) {
  const int w = way.there.width, h = way.there.height;
  Require(way.back.width == w && way.back.height == h && mask.width == w && mask.height == h,
          Code::kInvalidArgument, "ConsistentPixels: the fields differ in size");
  int64_t count = 0;
  BilinearSpot spot;
  for (int y = 0; y < h; ++y) {
    uint8_t* row = mask.Row(y);
    for (int x = 0; x < w; ++x) {
      float limit = 0;
      const float error = ReturnError(way, x, y, &limit, &spot);
      row[x] = error >= 0 && error < limit ? 1 : 0;
      count += row[x];
    }
  }
  return w > 0 && h > 0 ? static_cast<double>(count) / (static_cast<double>(w) * h) : 0;
}

}  // namespace mdvt
