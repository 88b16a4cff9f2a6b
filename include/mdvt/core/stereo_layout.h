// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace mdvt {

// How a video frame holds two eyes, as containers and streams can say it.
enum class StereoLayout : uint8_t {
  kNone,        // one picture
  kSideBySide,  // left half = left eye
  kTopBottom,   // upper half = left eye
};

}  // namespace mdvt
