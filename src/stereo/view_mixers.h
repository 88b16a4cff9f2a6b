// SPDX-License-Identifier: Apache-2.0
//
// Kernels of the layouts whose views share pixels. See ViewMixer. Integer arithmetic only; each row
// is made on its own, so that the number of threads does not matter.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/stereo/view_layout.h"
#include "stereo/each_row.h"

namespace mdvt::stereo {

constexpr int kRowsPerBlock = 16;

// Even rows show the left eye, odd ones the right eye, each at its own place.
inline void MixRows(const MixInput& input, const std::vector<MutableImageView>& tiles,
                    ThreadPool* pool) {
  const MutableImageView& to = tiles[0];
  const size_t sample = static_cast<size_t>(to.format.bytes_per_sample());
  for (int plane = 0; plane < to.format.num_planes(); ++plane) {
    const auto p = static_cast<size_t>(plane);
    const size_t bytes = sample * static_cast<size_t>(to.format.PlaneWidth(plane, to.width));
    EachRow(pool, to.format.PlaneHeight(plane, to.height), kRowsPerBlock, [&](int y) {
      const ImageView& view = input.views[static_cast<size_t>(y % 2)];
      std::memcpy(to.data[p] + y * to.stride[p], view.data[p] + y * view.stride[p], bytes);
    });
  }
}

template <typename T>
void MixColumnsOf(const MixInput& input, const MutableImageView& to, ThreadPool* pool) {
  for (int plane = 0; plane < to.format.num_planes(); ++plane) {
    const PlaneView<const T> left = input.views[0].Plane<T>(plane);
    const PlaneView<const T> right = input.views[1].Plane<T>(plane);
    const PlaneView<T> mixed = to.Plane<T>(plane);
    EachRow(pool, mixed.height, kRowsPerBlock, [&](int y) {
      const T* even = left.Row(y);
      const T* odd = right.Row(y);
      T* row = mixed.Row(y);
      int x = 0;
      for (; x + 1 < mixed.width; x += 2) {
        row[x] = even[x];
        row[x + 1] = odd[x + 1];
      }
      if (x < mixed.width) row[x] = even[x];
    });
  }
}

// Even columns show the left eye, odd ones the right eye.
inline void MixColumns(const MixInput& input, const std::vector<MutableImageView>& tiles,
                       ThreadPool* pool) {
  if (tiles[0].format.type == SampleType::kU8)
    MixColumnsOf<uint8_t>(input, tiles[0], pool);
  else
    MixColumnsOf<uint16_t>(input, tiles[0], pool);
}

// Red, green and blue of an anaglyph, each from red, green and blue of the left eye and of the
// right eye, in thousandths. The largest published weights add up to less than 2000, so that sums
// of 16-bit samples stay within 2^31.
using AnaglyphMatrix = std::array<std::array<int32_t, 6>, 3>;

template <typename T>
void MixAnaglyphOf(const AnaglyphMatrix& matrix, const MixInput& input, const MutableImageView& to,
                   ThreadPool* pool) {
  const auto max_value = static_cast<uint32_t>(to.format.max_value());
  for (int channel = 0; channel < 3; ++channel) {
    const std::array<int32_t, 6>& weights = matrix[static_cast<size_t>(channel)];
    EachRow(pool, to.height, kRowsPerBlock, [&](int y) {
      const auto row_of = [&](size_t view, int plane) {
        return input.views[view].Plane<T>(plane).Row(y);
      };
      const T *lr = row_of(0, 0), *lg = row_of(0, 1), *lb = row_of(0, 2);
      const T *rr = row_of(1, 0), *rg = row_of(1, 1), *rb = row_of(1, 2);
      const int32_t w0 = weights[0], w1 = weights[1], w2 = weights[2];
      const int32_t w3 = weights[3], w4 = weights[4], w5 = weights[5];
      T* __restrict row = to.Plane<T>(channel).Row(y);
      for (int x = 0; x < to.width; ++x) {
        const int32_t sum =
            w0 * lr[x] + w1 * lg[x] + w2 * lb[x] + w3 * rr[x] + w4 * rg[x] + w5 * rb[x] + 500;
        row[x] =
            static_cast<T>(std::min(static_cast<uint32_t>(std::max(sum, 0)) / 1000, max_value));
      }
    });
  }
}

// Both eyes in one picture for glasses with filters of two colours: sums of the coded samples
// (R'G'B'), rounded to the nearest and cut off at both ends. RGB only.
inline ViewMixer MixAnaglyph(const AnaglyphMatrix& matrix) {
  return [matrix](const MixInput& input, const std::vector<MutableImageView>& tiles,
                  ThreadPool* pool) {
    const MutableImageView& to = tiles[0];
    Require(to.format.model == ColorModel::kRgb, Code::kInternal, "anaglyphs are made in RGB");
    if (to.format.type == SampleType::kU8)
      MixAnaglyphOf<uint8_t>(matrix, input, to, pool);
    else
      MixAnaglyphOf<uint16_t>(matrix, input, to, pool);
  };
}

// The least and the largest sample of luma or RGB, and of chroma that shows no colour.
struct GreySamples {
  int black;
  int white;
  int neutral;
};
inline GreySamples GreyOf(const PixelFormat& format, bool full_range) {
  if (format.model == ColorModel::kYuv && !full_range)
    return {16 << (format.bits - 8), 235 << (format.bits - 8), 1 << (format.bits - 1)};
  return {0, format.max_value(), 1 << (format.bits - 1)};
}

template <typename T>
void PaintGrey(PlaneView<const float> nearness, bool full_range, const MutableImageView& to,
               ThreadPool* pool) {
  const GreySamples grey = GreyOf(to.format, full_range);
  const float span = static_cast<float>(grey.white - grey.black);
  for (int plane = 0; plane < to.format.num_planes(); ++plane) {
    const PlaneView<T> samples = to.Plane<T>(plane);
    const bool chroma = plane > 0 && to.format.model == ColorModel::kYuv;
    EachRow(pool, samples.height, kRowsPerBlock, [&](int y) {
      T* row = samples.Row(y);
      if (chroma) return (void)std::fill_n(row, samples.width, static_cast<T>(grey.neutral));
      const float* near = nearness.Row(y);
      for (int x = 0; x < samples.width; ++x) {
        // What is not known is as far as can be; the order of the arguments makes it so for NaN.
        const float share = std::min(std::max(0.0f, near[x]), 1.0f);
        row[x] = static_cast<T>(grey.black + static_cast<int>(share * span + 0.5f));
      }
    });
  }
}

// The picture in the first tile, its depth as grey in the second: white is nearest.
inline void MixRgbd(const MixInput& input, const std::vector<MutableImageView>& tiles,
                    ThreadPool* pool) {
  CopyPixels(input.views[0], tiles[0]);
  PaintNearness(input.nearness, input.full_range, tiles[1], pool);
}

}  // namespace mdvt::stereo
