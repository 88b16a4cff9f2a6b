// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/content_cut.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <utility>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kHueCircle = 180;
// Hue and saturation of darker pixels are noise, and count the less.
constexpr int kDark = 48;
constexpr double kMostCount = 1e15;  // exact in a double

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
  int64_t sum = 0, lit = 0;
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
      const int colors = std::min(turn, kHueCircle - turn) + std::abs(s - old.s);
      const int light = std::min<int>(kDark, std::max<int>(v, old.v));
      sum += colors + std::abs(v - old.v);
      lit += light * colors + kDark * std::abs(v - old.v);
      old = {static_cast<uint8_t>(h), static_cast<uint8_t>(s), static_cast<uint8_t>(v)};
    }
  }
  const double all = 3 * static_cast<double>(pixels);
  scores_.push_back(pushed_ == 0 ? 0.0 : static_cast<double>(sum) / all);
  lit_scores_.push_back(pushed_ == 0 ? 0.0 : static_cast<double>(lit) / (kDark * all));
  seconds_.push_back(seconds);
  if (pushed_ == 0) scene_start_ = seconds;
  ++pushed_;
}

std::optional<bool> ContentCutDetector::Pop() {
  if (popped_ == pushed_ || (!finished_ && popped_ + options_.neighbours >= pushed_))
    return std::nullopt;
  const int64_t frame = popped_++;
  const double score = scores_[static_cast<size_t>(frame - first_)];
  const double lit_score = lit_scores_[static_cast<size_t>(frame - first_)];
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
    lit_scores_.pop_front();
    seconds_.pop_front();
    ++first_;
  }
  const bool cut = frame > 0 && std::min(score, lit_score) >= options_.min_score &&
                   score * count >= options_.min_ratio * sum &&
                   score >= options_.min_lead * largest &&
                   seconds - scene_start_ >= options_.min_scene_seconds;
  if (cut) scene_start_ = seconds;
  return cut;
}

void ContentCutDetector::Save(State* state) const {
  std::string pixels;
  for (const Hsv& pixel : before_)
    for (const uint8_t value : {pixel.h, pixel.s, pixel.v}) pixels += static_cast<char>(value);
  state->Set("before", std::move(pixels));
  state->SetNumbers("scores", {scores_.begin(), scores_.end()});
  state->SetNumbers("lit_scores", {lit_scores_.begin(), lit_scores_.end()});
  state->SetNumbers("seconds", {seconds_.begin(), seconds_.end()});
  state->SetNumbers("counts", {static_cast<double>(width_), static_cast<double>(height_),
                               static_cast<double>(pushed_), static_cast<double>(popped_),
                               static_cast<double>(first_), scene_start_});
}

void ContentCutDetector::Load(const State& state) {
  const std::string& pixels = state.Get("before");
  const std::vector<double> scores = state.Numbers("scores"), seconds = state.Numbers("seconds");
  const std::vector<double> lit_scores = state.Numbers("lit_scores");
  const std::vector<double> counts = state.Numbers("counts");
  bool fits =
      counts.size() == 6 && scores.size() == seconds.size() && lit_scores.size() == scores.size();
  for (size_t i = 0; fits && i < 5; ++i)
    fits = counts[i] >= 0 && counts[i] <= kMostCount && counts[i] == std::floor(counts[i]);
  fits = fits && static_cast<double>(pixels.size()) == 3 * counts[0] * counts[1] &&
         counts[4] <= counts[3] && counts[3] <= counts[2] &&
         counts[2] - counts[4] == static_cast<double>(scores.size());
  Require(fits, Code::kCorrupt, "the saved state is none of a ContentCutDetector");
  before_.clear();
  for (size_t i = 0; i < pixels.size(); i += 3)
    before_.push_back({static_cast<uint8_t>(pixels[i]), static_cast<uint8_t>(pixels[i + 1]),
                       static_cast<uint8_t>(pixels[i + 2])});
  scores_.assign(scores.begin(), scores.end());
  lit_scores_.assign(lit_scores.begin(), lit_scores.end());
  seconds_.assign(seconds.begin(), seconds.end());
  width_ = static_cast<int>(counts[0]);
  height_ = static_cast<int>(counts[1]);
  pushed_ = static_cast<int64_t>(counts[2]);
  popped_ = static_cast<int64_t>(counts[3]);
  first_ = static_cast<int64_t>(counts[4]);
  scene_start_ = counts[5];
  finished_ = false;
}

}  // namespace mdvt
