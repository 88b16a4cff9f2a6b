// SPDX-License-Identifier: Apache-2.0
//
// Where the samples of a plane lie.
#pragma once

namespace mdvt {

// Samples of a plane along an axis lie at step * i + offset pixels, in edge coordinates.
struct SampleGrid {
  double step = 1;
  double offset = 0.5;
};

// Of a plane that is halved `shift` times, by the location of chroma (FFmpeg's numbers, as in
// ColorInfo); not specified is as MPEG-2 has it: left.
inline SampleGrid GridAcross(int shift, int chroma_location) {
  const int step = 1 << shift;
  const bool middle = chroma_location == 2 || chroma_location == 4 || chroma_location == 6;
  return {static_cast<double>(step), middle ? step / 2.0 : 0.5};
}
inline SampleGrid GridDown(int shift, int chroma_location) {
  const int step = 1 << shift;
  const bool top = chroma_location == 3 || chroma_location == 4;
  const bool bottom = chroma_location == 5 || chroma_location == 6;
  return {static_cast<double>(step), top ? 0.5 : bottom ? step - 0.5 : step / 2.0};
}

}  // namespace mdvt
