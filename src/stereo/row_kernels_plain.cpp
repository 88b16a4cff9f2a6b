// SPDX-License-Identifier: Apache-2.0
#include "stereo/row_kernels.h"
#include "stereo/row_math.h"

namespace mdvt::stereo {
namespace {

template <typename T>
void LoadSamples(const void* src, int width, float* row) {
  const T* samples = static_cast<const T*>(src);
  for (int x = 0; x < width; ++x) row[x] = static_cast<float>(samples[x]);
}

void LoadRow(const void* src, int bytes_per_sample, int width, float* row) {
  bytes_per_sample == 1 ? LoadSamples<uint8_t>(src, width, row)
                        : LoadSamples<uint16_t>(src, width, row);
  std::fill(row - kRowPad, row, row[0]);
  std::fill(row + width, row + width + kRowPad, row[width - 1]);
}

void ShiftRow(const float* map, int width, const ShiftParams& params, float* shift,
              uint64_t* words) {
  std::fill(words, words + CutBits::Words(width), 0);
  CutBits cuts(words);
  cuts.Set(-1);
  cuts.Set(width - 1);
  for (int x = 0; x < width; ++x) shift[x] = ShiftOf(map[x], params);
  for (int x = 0; x + 1 < width; ++x) {
    if (std::isnan(shift[x]) || std::isnan(shift[x + 1]) ||
        Torn(map[x], shift[x], map[x + 1], shift[x + 1], params)) {
      cuts.Set(x);
    }
  }
}

void TraceRow(Eye eye, const float* shift, const uint64_t* words, int width, float* origin) {
  const CutBits cuts(const_cast<uint64_t*>(words));
  std::fill(origin - kRowPad, origin + width + kRowPad, HoleOf(eye));
  // Where two surfaces meet, the nearer one comes from farther left in the left eye and from
  // farther right in the right eye: drawn last it wins without a depth test.
  if (eye == Eye::kLeft) {
    for (int i = width; i >= 0; --i) DrawSegment<true>(i, shift, cuts.Test(i - 1), width, origin);
  } else {
    for (int i = -1; i < width; ++i) DrawSegment<false>(i, shift, cuts.Test(i), width, origin);
  }
}

void ChromaOrigins(Eye eye, const float* row0, const float* row1, int columns, int step,
                   int luma_width, int width, float* origin) {
  for (int j = 0; j < width; ++j) {
    origin[j] = ChromaOriginAt(eye, row0, row1, columns, step, luma_width, j);
  }
}

template <typename T>
void SampleTyped(const float* row, const float* origin, const CutBits& cuts,
                 const SampleParams& params, void* dst) {
  T* out = static_cast<T*>(dst);
  for (int t = 0; t < params.width; ++t) {
    out[t] = static_cast<T>(
        IsHole(origin[t]) ? params.black
                          : static_cast<int>(SampleAt(row, cuts, t, origin[t], params) + 0.5f));
  }
}

void SampleRow(const float* row, const float* origin, const uint64_t* words,
               const SampleParams& params, int bytes_per_sample, void* dst) {
  const CutBits cuts(const_cast<uint64_t*>(words));
  bytes_per_sample == 1 ? SampleTyped<uint8_t>(row, origin, cuts, params, dst)
                        : SampleTyped<uint16_t>(row, origin, cuts, params, dst);
}

void DepthRow(const float* depth, const float* inverse, const float* origin, const uint64_t* words,
              Eye eye, int width, float* dst) {
  const CutBits cuts(const_cast<uint64_t*>(words));
  for (int t = 0; t < width; ++t) {
    dst[t] = IsHole(origin[t]) ? 0.0f : DepthAt(depth, inverse, cuts, t, origin[t], eye);
  }
}

int NextHole(const float* origin, int begin, int width) {
  while (begin < width && !IsHole(origin[begin])) ++begin;
  return begin;
}

int NextSeen(const float* origin, int begin, int width) {
  while (begin < width && IsHole(origin[begin])) ++begin;
  return begin;
}

}  // namespace

const RowKernels& PlainKernels() {
  static constexpr RowKernels kKernels = {"plain",   LoadRow,  ShiftRow, TraceRow, ChromaOrigins,
                                          SampleRow, DepthRow, NextHole, NextSeen};
  return kKernels;
}

}  // namespace mdvt::stereo
