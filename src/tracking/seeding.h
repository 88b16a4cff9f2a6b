// SPDX-License-Identifier: Apache-2.0
//
// Where new points may begin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt::tracking {

struct TakenSpace {
  const float* xy =
      nullptr;  // of the live points, x and y in turn; the centre of the first pixel is 0
  size_t count = 0;
  double radius = 0;                 // pixels around each of them
  double border = 0;                 // pixels around the picture
  PlaneView<const uint8_t> allowed;  // 0 where no point may be; empty: everywhere
};

// As large as the picture, row by row: 0 where something is in the way.
std::vector<uint8_t> FreeSpace(int width, int height, const TakenSpace& taken);

}  // namespace mdvt::tracking
