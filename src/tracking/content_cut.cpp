// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/content_cut.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kHueCircle = 180;

// Hue of 8-bit R, G, B in 0..179; 0 for greys.
int Hue(int r, int g, int b, int largest, int range) {
  if (range == 0) return 0;
  double sixth;
  if (largest == r) {
    sixth = static_cast<double>(g - b) / range;
  } else if (largest == g) {
    sixth = 2 + static_cast<double>(b - r) / range;
  } else {
    sixth = 4 + static_cast<double>(r - g) / range;
  }
  const int hue = static_cast<int>(std::lround(sixth * 30));
  return (hue + kHueCircle) % kHueCircle;
}

}  // namespace

void ContentCutOptions::Check() const {
  Require(min_score >= 0 && min_score <= 255, Code::kInvalidArgument,
          "ContentCutOptions.min_score must be in [0, 255]");
  Require(min_ratio >= 1 && min_ratio <= 1000, Code::kInvalidArgument,
          "ContentCutOptions.min_ratio must be in [1, 1000]");
  Require(min_lead >= 1 && min_lead <= 1000, Code::kInvalidArgument,
          "ContentCutOptions.min_lead must be in [1, 1000]");
  Require(neighbours >= 1 && neighbours <= 16, Code::kInvalidArgument,
          "ContentCutOptions.neighbours must be in [1, 16]");
  Require(min_scene_seconds >= 0 && min_scene_seconds <= 3600, Code::kInvalidArgument,
          "ContentCutOptions.min_scene_seconds must be in [0, 3600]");
}

ContentCutDetector::ContentCutDetector(const ContentCutOptions& options) : options_(options) {
  options.Check();
}

void ContentCutDetector::Push(const ImageView& picture, double seconds) {
  Require(picture.format == PixelFormat::Rgb(8) && !picture.empty(), Code::kInvalidArgument,
          "ContentCutDetector: pictures must be rgb8, not " + picture.format.ToString());
  Require(pushed_ == 0 || (picture.width == width_ && picture.height == height_),
          Code::kInvalidArgument, "ContentCutDetector: the size of the pictures has changed");
  width_ = picture.width;
  height_ = picture.height;
  const auto pixels = static_cast<size_t>(width_) * static_cast<size_t>(height_);
  before_.resize(pixels);
  int64_t sum = 0;
  size_t i = 0;
  for (int y = 0; y < height_; ++y) {
    const uint8_t* red = picture.Plane<uint8_t>(0).Row(y);
    const uint8_t* green = picture.Plane<uint8_t>(1).Row(y);
    const uint8_t* blue = picture.Plane<uint8_t>(2).Row(y);
    for (int x = 0; x < width_; ++x, ++i) {
      const int r = red[x], g = green[x], b = blue[x];
      const int v = std::max({r, g, b});
      const int range = v - std::min({r, g, b});
      const int s = v == 0 ? 0 : (255 * range + v / 2) / v;
      const int h = Hue(r, g, b, v, range);
      Hsv& old = before_[i];
      const int turn = std::abs(h - old.h);
      sum += std::min(turn, kHueCircle - turn) + std::abs(s - old.s) + std::abs(v - old.v);
      old = {static_cast<uint8_t>(h), static_cast<uint8_t>(s), static_cast<uint8_t>(v)};
    }
  }
  scores_.push_back(pushed_ == 0 ? 0.0
                                 : static_cast<double>(sum) / (3 * static_cast<double>(pixels)));
  seconds_.push_back(seconds);
  if (pushed_ == 0) scene_start_ = seconds;
  ++pushed_;
}

std::optional<bool> ContentCutDetector::Pop() {
  if (popped_ == pushed_ || (!finished_ && popped_ + options_.neighbours >= pushed_))
    return std::nullopt;
  const int64_t frame = popped_++;
  const double score = scores_[static_cast<size_t>(frame - first_)];
  const double seconds = seconds_[static_cast<size_t>(frame - first_)];
  double sum = 0, largest = 0;
  int count = 0;
  // Frame 0 has no score.
  for (int64_t k = std::max<int64_t>(1, frame - options_.neighbours);
       k <= std::min(pushed_ - 1, frame + options_.neighbours); ++k) {
    if (k == frame) continue;
    sum += scores_[static_cast<size_t>(k - first_)];
    largest = std::max(largest, scores_[static_cast<size_t>(k - first_)]);
    ++count;
  }
  while (first_ < popped_ - options_.neighbours) {
    scores_.pop_front();
    seconds_.pop_front();
    ++first_;
  }
  const bool cut =
      frame > 0 && score >= options_.min_score && score * count >= options_.min_ratio * sum &&
      score >= options_.min_lead * largest && seconds - scene_start_ >= options_.min_scene_seconds;
  if (cut) scene_start_ = seconds;
  return cut;
}

}  // namespace mdvt
