// SPDX-License-Identifier: Apache-2.0
//
// Where a synthesised view shows what the source camera could not see, and why. Written by the
// view synthesis, read by infill.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mdvt {

enum class HoleSide : int8_t {
  kLeft = -1,  // the farther surface (background) lies left of the hole
  kBoth = 0,   // bounded by nothing: a whole row without data
  kRight = 1,  // the background lies right of the hole
};

// The pixels [begin, end) of one row, none of which the source shows.
struct HoleSpan {
  int32_t begin = 0;
  int32_t end = 0;
  HoleSide background = HoleSide::kBoth;
  bool at_border = false;  // touches the left or right border of the view
  float near_depth = 0;    // metres, of the surface at the near rim; 0 if there is none
  float far_depth = 0;     // metres, of the surface at the background rim; 0 if there is none
  // Of a whole row without data: where the nearest row with data lies, -1 = above, 1 = below, 0 =
  // not known or as near on both sides.
  int8_t rows_with_data = 0;
};

// All holes of a view, by row, in ascending order, never touching within a row unless they differ
// in their background side.
struct HoleMap {
  int width = 0;
  int height = 0;
  std::vector<std::vector<HoleSpan>> rows;  // height entries, reused from frame to frame

  void Reset(int new_width, int new_height) {
    width = new_width;
    height = new_height;
    rows.resize(static_cast<size_t>(new_height));
    for (auto& row : rows) row.clear();
  }
};

}  // namespace mdvt
