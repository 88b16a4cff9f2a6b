// SPDX-License-Identifier: Apache-2.0
//
// The inner loops over rows of depth and disparity maps, compiled for several instruction sets: the
// same results on each. Several run over one row while it lies in the cache.
#pragma once

#include <cstdint>
#include <limits>

#include "mdvt/depth/disparity_range.h"

namespace mdvt::maps {

// Depth to disparity in place: 1 / z, NaN where z is not positive.
void InvertRow(int width, float* row);

struct Extremes {
  float lo = std::numeric_limits<float>::infinity();
  float hi = -std::numeric_limits<float>::infinity();
  int64_t count = 0;             // of finite samples
  int64_t minus_infinities = 0;  // below all others, and no data
};
void FindExtremes(const float* row, int width, Extremes* all);

// Adds 1 to bins[1 + (row[x] - first) * scale], rounded down, for each sample: bins[0] counts those
// below, bins[num_bins + 1] those above and NaN.
void CountRow(const float* row, int width, float first, float scale, int num_bins, uint32_t* bins);

// (row[x] - lo) * scale within [0, 1], NaN to 0, in place; a scale of 0 makes everything 0.
struct Normal {
  float lo = 0;
  float scale = 0;
};
inline Normal NormalOf(const NormalRange& range) {
  const double scale = range.flat ? 0 : 1 / (range.hi - range.lo + range.slack);
  return {static_cast<float>(range.lo), static_cast<float>(scale)};
}
void NormalizeRow(const Normal& normal, int width, float* row);

// Sums of |a - b| over kWindow samples along a row, in 8-bit steps (the difference shifted down);
// the first and last difference are repeated at the borders.
constexpr int kReach = 3;
constexpr int kWindow = 2 * kReach + 1;
// `scratch`: width + 2 kReach values.
void MotionRow(const uint8_t* a, const uint8_t* b, int width, int shift, uint16_t* scratch,
               uint16_t* sums);
void MotionRow(const uint16_t* a, const uint16_t* b, int width, int shift, uint16_t* scratch,
               uint16_t* sums);
// sums += added - dropped
void MoveSums(const uint16_t* added, const uint16_t* dropped, int width, uint16_t* sums);

// A row is normalised, then  s = n + a (past - n),  a = alpha (1 - w),  w = (change - still) slope
// within [0, 1], where `change` is the mean of kWindow x kWindow differences whose sum is
// motion[x], and w = 0 without `motion` (null).
struct Smoothing {
  Normal normal;
  float alpha = 0;
  float still = 0;
  float slope = 1;
};
void SmoothRow(const Smoothing& smoothing, const float* past, const uint16_t* motion, int width,
               float* row);

}  // namespace mdvt::maps
