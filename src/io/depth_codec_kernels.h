// SPDX-License-Identifier: Apache-2.0
//
// Rows of depth to rows of samples and back, with the best instruction set of the processor. Equal
// to codec::Encode and codec::Decode for every input.
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/depth_codec_math.h"

namespace mdvt::codec {

struct RgbRow {
  uint8_t* r;
  uint8_t* g;
  uint8_t* b;
};
struct ConstRgbRow {
  const uint8_t* r;
  const uint8_t* g;
  const uint8_t* b;
};

void PackRgb16Row(const float* depth, size_t n, const Factors& k, const RgbRow& out);
void PackRgb24Row(const float* depth, size_t n, const Factors& k, const RgbRow& out);
void PackGray16Row(const float* depth, size_t n, const Factors& k, uint16_t* out);
void PackGray8Row(const float* depth, size_t n, const Factors& k, uint8_t* out);

void UnpackRgb16Row(const ConstRgbRow& in, size_t n, const Factors& k, float* depth);
void UnpackRgb24Row(const ConstRgbRow& in, size_t n, const Factors& k, float* depth);
void UnpackGray16Row(const uint16_t* in, size_t n, const Factors& k, float* depth);
void UnpackGray8Row(const uint8_t* in, size_t n, const Factors& k, float* depth);

// Positions where the two rows differ.
size_t CountDifferent(const uint8_t* a, const uint8_t* b, size_t n);
// Largest value of a row; 0 for an empty one.
uint8_t MaxOfRow(const uint8_t* a, size_t n);

}  // namespace mdvt::codec
