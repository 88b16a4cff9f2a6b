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

// How a video says that its frames hold two eyes.
enum class StereoMark : uint8_t {
  kNone,  // it says nothing
  kSideBySide,
  kTopBottom,
  kFrameSequence,
  kCheckerboard,
  kRows,
  kColumns,
  kAnaglyph,
};

// "two eyes side by side", ...; empty for kNone.
inline const char* Describe(StereoMark mark) {
  switch (mark) {
    case StereoMark::kNone:
      return "";
    case StereoMark::kSideBySide:
      return "two eyes side by side";
    case StereoMark::kTopBottom:
      return "two eyes one above the other";
    case StereoMark::kFrameSequence:
      return "the two eyes by turns";
    case StereoMark::kCheckerboard:
      return "two eyes in a checkerboard";
    case StereoMark::kRows:
      return "two eyes in alternate rows";
    case StereoMark::kColumns:
      return "two eyes in alternate columns";
    case StereoMark::kAnaglyph:
      return "an anaglyph";
  }
  return "";
}

}  // namespace mdvt
