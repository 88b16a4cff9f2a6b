// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace mdvt {

// How a video frame holds two eyes, as containers and streams can say it.
enum class StereoLayout : uint8_t {
  kNone,               // one picture, or what no file can say
  kSideBySide,         // left half = left eye
  kTopBottom,          // upper half = left eye
  kRowInterleaved,     // even rows = left eye
  kColumnInterleaved,  // even columns = left eye
  kAnaglyphRedCyan,    // red = left eye, cyan = right eye
  kAnaglyphGreenMagenta,
};

}  // namespace mdvt
