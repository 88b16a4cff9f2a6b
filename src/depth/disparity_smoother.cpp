// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/disparity_smoother.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "mdvt/core/error.h"
#include "rows.h"

namespace mdvt {
namespace {

constexpr int kReach = 3;  // of the window, on each side
constexpr int kWindow = 2 * kReach + 1;
constexpr int kRowsPerBlock = 32;

// Sums of |a - b| over kWindow samples along a row, in 8-bit steps; borders are repeated.
template <typename T>
void RowMotion(const T* a, const T* b, int width, int shift, std::vector<uint16_t>& scratch,
               uint16_t* sums) {
  scratch.resize(static_cast<size_t>(width) + 2 * kReach);
  uint16_t* change = scratch.data() + kReach;
  for (int x = 0; x < width; ++x)
    change[x] = static_cast<uint16_t>(std::abs(int{a[x]} - int{b[x]}) >> shift);
  std::fill(scratch.data(), change, change[0]);
  std::fill(change + width, change + width + kReach, change[width - 1]);
  for (int x = 0; x < width; ++x) {
    int sum = 0;
    for (int k = 0; k < kWindow; ++k) sum += scratch[static_cast<size_t>(x + k)];
    sums[x] = static_cast<uint16_t>(sum);
  }
}

}  // namespace

void SmootherOptions::Check() const {
  Require(alpha >= 0 && alpha < 1, Code::kInvalidArgument,
          "SmootherOptions.alpha must be in [0, 1)");
  Require(tau_seconds >= 0 && tau_seconds <= 3600, Code::kInvalidArgument,
          "SmootherOptions.tau_seconds must be in [0, 3600]");
  Require(still >= 0 && still < moving && moving <= 255, Code::kInvalidArgument,
          "SmootherOptions must have 0 <= still < moving <= 255");
}

DisparitySmoother::DisparitySmoother(const SmootherOptions& options, ThreadPool* pool)
    : options_(options), pool_(pool) {
  options.Check();
}

void DisparitySmoother::MeasureMotion(const Image& picture) {
  const int width = picture.width();
  row_motion_.resize(static_cast<size_t>(width) * static_cast<size_t>(picture.height()));
  const int shift = picture.format().bits - 8;
  ForRows(pool_, picture.height(), kRowsPerBlock, [&](int begin, int end) {
    std::vector<uint16_t> scratch;
    for (int y = begin; y < end; ++y) {
      uint16_t* sums = row_motion_.data() + static_cast<size_t>(y) * static_cast<size_t>(width);
      if (picture.format().type == SampleType::kU8)
        RowMotion(picture.Plane<uint8_t>().Row(y), picture_.Plane<uint8_t>().Row(y), width, shift,
                  scratch, sums);
      else
        RowMotion(picture.Plane<uint16_t>().Row(y), picture_.Plane<uint16_t>().Row(y), width, shift,
                  scratch, sums);
    }
  });
}

void DisparitySmoother::Smooth(const Image& picture, double seconds, bool restart,
                               PlaneView<float> map) {
  const auto width = static_cast<size_t>(map.width);
  const size_t pixels = width * static_cast<size_t>(map.height);
  const bool first = restart || past_.empty();
  if (options_.motion_adaptive) {
    Require(picture.width() == map.width && picture.height() == map.height &&
                picture.format().type != SampleType::kF32,
            Code::kInvalidArgument,
            "DisparitySmoother: the picture must have 8 to 16 bits and the size of the map");
    Require(first || picture.format() == picture_.format(), Code::kInvalidArgument,
            "DisparitySmoother: the format of the pictures has changed");
  }
  Require(first || past_.size() == pixels, Code::kInvalidArgument,
          "DisparitySmoother: the size of the maps has changed");
  const double alpha = options_.tau_seconds > 0
                           ? std::exp(-std::max(0.0, seconds) / options_.tau_seconds)
                           : options_.alpha;
  if (first || alpha == 0) {
    past_.resize(pixels);
    ForRows(pool_, map.height, kRowsPerBlock, [&](int begin, int end) {
      for (int y = begin; y < end; ++y)
        std::copy_n(map.Row(y), map.width, past_.data() + static_cast<size_t>(y) * width);
    });
    picture_ = options_.motion_adaptive ? picture : Image();
    return;
  }
  if (options_.motion_adaptive) MeasureMotion(picture);
  const float most = static_cast<float>(alpha);
  constexpr float kPerSum = 1.0f / (kWindow * kWindow);
  const float still = static_cast<float>(options_.still);
  const float slope = static_cast<float>(1 / (options_.moving - options_.still));
  ForRows(pool_, map.height, kRowsPerBlock, [&](int begin, int end) {
    std::vector<int> sums(width);
    for (int y = begin; y < end; ++y) {
      float* now = map.Row(y);
      float* past = past_.data() + static_cast<size_t>(y) * width;
      if (options_.motion_adaptive) {
        std::fill(sums.begin(), sums.end(), 0);
        for (int k = -kReach; k <= kReach; ++k) {
          const auto row = static_cast<size_t>(std::clamp(y + k, 0, map.height - 1));
          const uint16_t* motion = row_motion_.data() + row * width;
          for (size_t x = 0; x < width; ++x) sums[x] += motion[x];
        }
        for (size_t x = 0; x < width; ++x) {
          const float change = static_cast<float>(sums[x]) * kPerSum;
          const float moves = std::min(std::max((change - still) * slope, 0.0f), 1.0f);
          now[x] += most * (1 - moves) * (past[x] - now[x]);
          past[x] = now[x];
        }
      } else {
        for (size_t x = 0; x < width; ++x) {
          now[x] += most * (past[x] - now[x]);
          past[x] = now[x];
        }
      }
    }
  });
  if (options_.motion_adaptive) picture_ = picture;
}

}  // namespace mdvt
