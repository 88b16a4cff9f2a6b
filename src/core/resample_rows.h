// SPDX-License-Identifier: Apache-2.0
//
// The inner loops of resampling, compiled for several instruction sets. All of them multiply and
// add in the same order, so that they give the same bits.
#pragma once

#include <cstdint>

namespace mdvt::resample {

// Adds up whole rows: to[x] = sum over k of weights[k] * rows[k][x], in the order of k. count >= 1.
void AddRows(const uint8_t* const* rows, const float* weights, int count, int width, float* to);
void AddRows(const uint16_t* const* rows, const float* weights, int count, int width, float* to);
void AddRows(const float* const* rows, const float* weights, int count, int width, float* to);

// Adds up neighbours: to[x] = sum over k of weights[k * width + x] * from[begin[x] + k]. taps >= 1.
void AddTaps(const float* from, const int32_t* begin, const float* weights, int taps, int width,
             float* to);

}  // namespace mdvt::resample
