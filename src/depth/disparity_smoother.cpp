// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/disparity_smoother.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/rows.h"
#include "map_rows.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kRowsPerBlock = 64;

// Sums of differences over windows of maps::kWindow rows, one row of windows after another; the
// rows at the borders are repeated.
template <typename T>
class WindowMotion {
 public:
  WindowMotion(PlaneView<const T> a, PlaneView<const T> b, int shift, int first)
      : a_(a),
        b_(b),
        shift_(shift),
        y_(first),
        width_(static_cast<size_t>(a.width)),
        scratch_(width_ + 2 * maps::kReach),
        rows_(kKept * width_),
        sums_(width_) {
    const std::vector<uint16_t> none(width_);
    for (int k = -maps::kReach; k <= maps::kReach; ++k) {
      Measure(first + k);
      maps::MoveSums(Row(first + k), none.data(), a.width, sums_.data());
    }
  }

  const uint16_t* sums() const { return sums_.data(); }
  void Next() {
    const int next = ++y_ + maps::kReach;
    Measure(next);
    maps::MoveSums(Row(next), Row(next - maps::kWindow), a_.width, sums_.data());
  }

 private:
  static constexpr int kKept = maps::kWindow + 1;  // the one that leaves too

  uint16_t* Row(int y) {
    const int slot = (y + maps::kReach) % kKept;  // y >= -kReach
    return rows_.data() + static_cast<size_t>(slot) * width_;
  }
  void Measure(int y) {
    const int row = std::clamp(y, 0, a_.height - 1);
    maps::MotionRow(a_.Row(row), b_.Row(row), a_.width, shift_, scratch_.data(), Row(y));
  }

  PlaneView<const T> a_, b_;
  int shift_;
  int y_;
  size_t width_;
  std::vector<uint16_t> scratch_, rows_, sums_;
};

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

template <typename T>
void DisparitySmoother::SmoothMoving(const Image& picture, const maps::Smoothing& smoothing,
                                     PlaneView<float> map) {
  const PlaneView<const float> past = past_.Plane<float>();
  const int shift = picture.format().bits - 8;
  ForRows(pool_, map.height, kRowsPerBlock, [&](int begin, int end) {
    WindowMotion<T> motion(picture.Plane<T>(), picture_.Plane<T>(), shift, begin);
    for (int y = begin; y < end; ++y) {
      maps::SmoothRow(smoothing, past.Row(y), motion.sums(), map.width, map.Row(y));
      if (y + 1 < end) motion.Next();
    }
  });
}

void DisparitySmoother::Smooth(const Image& picture, double seconds, bool restart,
                               const NormalRange& range, Image* map) {
  const bool first = restart || past_.empty();
  Require(map->format() == PixelFormat::GrayF32(), Code::kInvalidArgument,
          "DisparitySmoother: the map must be grayf32");
  if (options_.motion_adaptive) {
    Require(picture.width() == map->width() && picture.height() == map->height() &&
                picture.format().type != SampleType::kF32,
            Code::kInvalidArgument,
            "DisparitySmoother: the picture must have 8 to 16 bits and the size of the map");
    Require(first || picture.format() == picture_.format(), Code::kInvalidArgument,
            "DisparitySmoother: the format of the pictures has changed");
  }
  Require(first || (past_.width() == map->width() && past_.height() == map->height()),
          Code::kInvalidArgument, "DisparitySmoother: the size of the maps has changed");
  Require(past_.view().data[0] != map->view().data[0] || past_.empty(), Code::kInvalidArgument,
          "DisparitySmoother: the map is the one before, which is kept: hand in another");
  maps::Smoothing smoothing;
  smoothing.normal = maps::NormalOf(range);
  smoothing.alpha = static_cast<float>(
      options_.tau_seconds > 0 ? std::exp(-std::max(0.0, seconds) / options_.tau_seconds)
                               : options_.alpha);
  smoothing.still = static_cast<float>(options_.still);
  smoothing.slope = static_cast<float>(1 / (options_.moving - options_.still));
  const PlaneView<float> plane = map->MutablePlane<float>();
  if (first || smoothing.alpha == 0) {
    NormalizeDisparity(range, plane, pool_);
  } else if (options_.motion_adaptive) {
    if (picture.format().type == SampleType::kU8)
      SmoothMoving<uint8_t>(picture, smoothing, plane);
    else
      SmoothMoving<uint16_t>(picture, smoothing, plane);
  } else {
    const PlaneView<const float> past = past_.Plane<float>();
    ForRows(pool_, plane.height, kRowsPerBlock, [&](int begin, int end) {
      for (int y = begin; y < end; ++y)
        maps::SmoothRow(smoothing, past.Row(y), nullptr, plane.width, plane.Row(y));
    });
  }
  past_ = *map;
  if (options_.motion_adaptive) picture_ = picture;
}

void DisparitySmoother::Save(State* state) const {
  state->SetImage("past", past_);
  state->SetImage("picture", picture_);
}

void DisparitySmoother::Load(const State& state) {
  Image past = state.GetImage("past"), picture = state.GetImage("picture");
  const bool needs_picture = options_.motion_adaptive && !past.empty();
  Require((past.empty() || past.format() == PixelFormat::GrayF32()) &&
              (!needs_picture ||
               (picture.format().type != SampleType::kF32 && picture.width() == past.width() &&
                picture.height() == past.height())),
          Code::kCorrupt, "the saved state of DisparitySmoother is not of these options");
  past_ = std::move(past);
  picture_ = std::move(picture);
}

}  // namespace mdvt
