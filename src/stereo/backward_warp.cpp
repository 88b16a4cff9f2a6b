// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/backward_warp.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kRowsPerBlock = 16;

// One row of one eye. The whole part of a position is kept apart from its fraction: adding them
// would cost the fraction's last bits.
template <typename T>
void SampleRow(const T* from, const float* offset, float sign, int width, T* to) {
  for (int x = 0; x < width; ++x) {
    const float move = sign * offset[x];
    const float whole = std::floor(move);
    const float part = move - whole;
    const int i = x + static_cast<int>(whole);
    const float a = static_cast<float>(from[std::clamp(i, 0, width - 1)]);
    const float b = static_cast<float>(from[std::clamp(i + 1, 0, width - 1)]);
    to[x] = static_cast<T>(static_cast<int>(a + part * (b - a) + 0.5f));
  }
}

}  // namespace

void BackwardWarp(const ImageView& color, PlaneView<const float> disparity, double shift,
                  double convergence, const MutableImageView& left, const MutableImageView& right,
                  int chroma_location, ThreadPool* pool) {
  const PixelFormat& format = color.format;
  Require(!color.empty() && format.type != SampleType::kF32 && format.chroma_shift_x <= 1 &&
              format.chroma_shift_y <= 1,
          Code::kInvalidArgument,
          "BackwardWarp: colour must be planar, 8 to 16 bits, chroma halved at most, not " +
              format.ToString());
  for (const MutableImageView* eye : {&left, &right})
    Require(eye->format == format && eye->width == color.width && eye->height == color.height,
            Code::kInvalidArgument,
            "BackwardWarp: the eyes must have the format and size of the colour picture");
  Require(disparity.width == color.width && disparity.height == color.height,
          Code::kInvalidArgument, "BackwardWarp: the disparity must have the size of the picture");
  Require(std::isfinite(shift) && std::isfinite(convergence), Code::kInvalidArgument,
          "BackwardWarp: shift and convergence must be finite");
  const float half = static_cast<float>(shift / 2);
  const float screen = static_cast<float>(convergence);
  const float limit = static_cast<float>(color.width);
  const bool centred = chroma_location == 2 || chroma_location == 4 || chroma_location == 6;

  const auto plane_row = [&](int plane, int y, const float* offset) {
    const int width = format.PlaneWidth(plane, color.width);
    if (format.type == SampleType::kU8) {
      const uint8_t* from = color.Plane<uint8_t>(plane).Row(y);
      SampleRow(from, offset, 1, width, left.Plane<uint8_t>(plane).Row(y));
      SampleRow(from, offset, -1, width, right.Plane<uint8_t>(plane).Row(y));
    } else {
      const uint16_t* from = color.Plane<uint16_t>(plane).Row(y);
      SampleRow(from, offset, 1, width, left.Plane<uint16_t>(plane).Row(y));
      SampleRow(from, offset, -1, width, right.Plane<uint16_t>(plane).Row(y));
    }
  };
  const int step_x = 1 << format.chroma_shift_x;
  const int step_y = 1 << format.chroma_shift_y;
  const bool shared = format.num_planes() == 1 || step_x * step_y == 1;
  const int groups = (color.height + step_y - 1) / step_y;
  const auto body = [&](int64_t begin, int64_t end) {
    std::vector<float> offset(static_cast<size_t>(color.width));
    std::vector<float> chroma(static_cast<size_t>(format.PlaneWidth(1, color.width)));
    for (int64_t group = begin; group < end; ++group) {
      const int first = static_cast<int>(group) * step_y;
      const int last = std::min(first + step_y, color.height) - 1;
      for (int y = first; y <= last; ++y) {
        const float* row = disparity.Row(y);
        for (int x = 0; x < color.width; ++x)
          offset[static_cast<size_t>(x)] =
              std::min(std::max((screen - row[x]) * half, -limit), limit);
        for (int plane = 0; plane < (shared ? format.num_planes() : 1); ++plane)
          plane_row(plane, y, offset.data());
      }
      if (shared) continue;
      const float* above = disparity.Row(first);
      const float* below = disparity.Row(last);
      for (size_t j = 0; j < chroma.size(); ++j) {
        const int x = static_cast<int>(j) * step_x;
        const int beside = centred ? std::min(x + step_x, color.width) - 1 : x;
        const float mean = 0.25f * ((above[x] + above[beside]) + (below[x] + below[beside]));
        chroma[j] =
            std::min(std::max((screen - mean) * half, -limit), limit) / static_cast<float>(step_x);
      }
      for (int plane = 1; plane < 3; ++plane)
        plane_row(plane, static_cast<int>(group), chroma.data());
    }
  };
  if (pool != nullptr)
    pool->ParallelFor(groups, kRowsPerBlock, body);
  else
    body(0, groups);
}

}  // namespace mdvt
