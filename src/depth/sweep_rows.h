// SPDX-License-Identifier: Apache-2.0
//
// The inner loops of PlaneSweep. Whole numbers only, so that every instruction set and every number
// of threads gives the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mdvt::sweep {

// Positions are given at every 32nd pixel of a row, linear in between, in 1/1024 pixel from the
// centre of the source's first pixel.
constexpr int kAnchorStep = 32;
constexpr int kUnit = 1024;
constexpr int32_t kNowhere = INT32_MIN;  // u of a place behind the source

// What a row of the reference looks like at a plane, bilinear to 1/16 pixel.
struct WarpSource {
  const uint32_t* pixels = nullptr;  // of (height + 1) rows, one column of padding
  ptrdiff_t stride = 0;              // pixels
  int width = 0, height = 0;
};
// anchors  u and v of ceil(width / kAnchorStep) + 1 places, interleaved
// The pixels inside the source are [*begin, *end); only these are written.
void WarpRow(const WarpSource& source, const int32_t* anchors, int width, uint32_t* row, int* begin,
             int* end);

// cost[x] = min(sum of absolute differences of the four bytes, most); `outside` outside [begin,
// end).
void DifferenceRow(const uint32_t* a, const uint32_t* b, int width, int begin, int end, int most,
                   int outside, uint16_t* cost);

// Sum over 3 x 3 of three rows, ends repeated. scratch: width + 2.
void BoxRow(const uint16_t* above, const uint16_t* here, const uint16_t* below, int width,
            uint16_t* scratch, uint16_t* sum);

// Puts `row` into the `kept` rows (stride pixels apart) that hold the smallest values in ascending
// order.
void KeepSmallest(const uint16_t* row, int width, int kept, ptrdiff_t stride, uint16_t* sorted);

// cost = min(255, sum of the `kept` rows * factor >> 16)
void JoinRow(const uint16_t* sorted, int width, int kept, ptrdiff_t stride, uint32_t factor,
             uint8_t* cost);

// [plane][pixel] to [pixel][plane]
void Transpose(const uint8_t* from, int planes, int width, ptrdiff_t from_stride, uint8_t* to);

// Semi-global matching along one path: planes is a multiple of 16.
//   L(d) = C(d) + min(L'(d), L'(d - 1) + small, L'(d + 1) + small, min L' + large) - min L'
// before, after  planes + 32 numbers, 16 of padding on both sides; see StartPath
// sum            written, or added to if `add`. Returns min L.
struct PathStep {
  int planes = 0;
  uint16_t small = 0;
};
constexpr int kPathPadding = 16;
void StartPath(int planes, uint16_t* path);

// A whole row both ways: sum = L(from the left) + L(from the right).
// large  between a pixel and its right neighbour. scratch: 2 * (planes + 32).
void BothWays(const PathStep& step, const uint8_t* cost, int width, const uint16_t* large,
              uint16_t* scratch, uint16_t* sum);
// One row of `width` paths downward or upward; added to sum. large: to the row before.
// lowest  per path, min of `before`, then of `after`
void Across(const PathStep& step, const uint8_t* cost, int width, const uint16_t* large,
            const uint16_t* before, uint16_t* after, uint16_t* lowest, uint16_t* sum);

// The plane of least sum, in 1/256 plane; how much more the best other one costs that is not next
// to it; and the cost there.
struct Winner {
  uint16_t plane = 0;
  uint16_t margin = 0;
  uint8_t cost = 0;
};
void Choose(const uint16_t* sum, const uint8_t* cost, int planes, int width, Winner* winners);

}  // namespace mdvt::sweep
