// SPDX-License-Identifier: Apache-2.0
//
// The inner loops of colour conversion on single rows of float samples. Plain multiplications and
// additions in a fixed order, compiled for several instruction sets: the same bits on each.
#pragma once

#include <cstdint>

namespace mdvt::ff {

// to[i] = from[i] * scale + offset
void LoadRow8(const uint8_t* from, int width, float scale, float offset, float* to);
void LoadRow16(const uint16_t* from, int width, float scale, float offset, float* to);

// to[i] = the integer nearest to from[i] within [0, max]; NaN cannot occur.
void StoreRow8(const float* from, int width, uint8_t* to);
void StoreRow16(const float* from, int width, float max, uint16_t* to);

// to[i] = a[i] * wa + b[i] * wb
void BlendRows(const float* a, float wa, const float* b, float wb, int width, float* to);

// Twice as many samples, two of `to` from each two neighbours of `from`:
//   to[2 k]     = from[k + first] * even[0] + from[k + first + 1] * even[1]    first: -1 or 0
//   to[2 k + 1] = from[k] * odd[0] + from[k + 1] * odd[1]
// from[-1] and from[(width + 1) / 2] are read too.
struct UpsamplingWeights {
  int first = 0;
  float even[2] = {1, 0};
  float odd[2] = {0.5f, 0.5f};
};
void UpsampleRow(const float* from, const UpsamplingWeights& weights, int width, float* to);

// to = m[0] * a + m[1] * b + m[2] * c + m[3]
void MixRows(const float* a, const float* b, const float* c, const float m[4], int width,
             float* to);

// Both of the two above: mixed and stored.
void MixToRow8(const float* a, const float* b, const float* c, const float m[4], int width,
               uint8_t* to);
void MixToRow16(const float* a, const float* b, const float* c, const float m[4], int width,
                float max, uint16_t* to);

}  // namespace mdvt::ff
