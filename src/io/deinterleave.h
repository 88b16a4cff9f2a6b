// SPDX-License-Identifier: Apache-2.0
//
// Between interleaved and planar 8-bit pixels, the hot loops of RGB video: the same bytes on every
// instruction set, because samples are only moved.
#pragma once

#include <cstdint>

namespace mdvt::ff {

// Splits `width` pixels of `step` bytes (3 or 4) into the rows of their channels: byte i of a pixel
// goes to rows[i]; null rows are skipped.
void DeinterleaveRow(const uint8_t* from, int step, int width, uint8_t* const rows[4]);

// The opposite with 4 bytes per pixel: byte i comes from rows[i]; a null row stands for 255.
void InterleaveRow(const uint8_t* const rows[4], int width, uint8_t* to);

}  // namespace mdvt::ff
