// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "mdvt/core/image.h"

namespace mdvt {

// The samples of black, by plane, of an integer format.
inline std::array<int, 3> BlackOf(const PixelFormat& format, bool full_range) {
  if (format.model != ColorModel::kYuv) return {0, 0, 0};
  const int middle = 1 << (format.bits - 1);
  return {full_range ? 0 : 16 << (format.bits - 8), middle, middle};
}

}  // namespace mdvt
