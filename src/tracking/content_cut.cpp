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

ContentScore ContentScorer::Score(const ImageView& picture) {
  Require(picture.format == PixelFormat::Rgb(8) && !picture.empty(), Code::kInvalidArgument,
          "ContentScorer: pictures must be rgb8, not " + picture.format.ToString());
  const bool is_first = before_.empty();
  Require(is_first || (picture.width == width_ && picture.height == height_),
          Code::kInvalidArgument, "ContentScorer: the size of the pictures has changed");
  width_ = picture.width;
  height_ = picture.height;
  const auto pixels = static_cast<size_t>(width_) * static_cast<size_t>(height_);
  before_.resize(pixels);
  int64_t hue = 0, saturation = 0, value = 0, lit_colors = 0;
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
      const int dh = std::min(turn, kHueCircle - turn), ds = std::abs(s - old.s);
      hue += dh;
      saturation += ds;
      value += std::abs(v - old.v);
      lit_colors += std::min<int>(kDark, std::max<int>(v, old.v)) * (dh + ds);
      old = {static_cast<uint8_t>(h), static_cast<uint8_t>(s), static_cast<uint8_t>(v)};
    }
  }
  ContentScore score;
  if (is_first) return score;
  const auto mean = [pixels](int64_t sum, int64_t of_each) {
    return static_cast<double>(sum) / (static_cast<double>(of_each) * static_cast<double>(pixels));
  };
  score.hue = mean(hue, 1);
  score.saturation = mean(saturation, 1);
  score.value = mean(value, 1);
  score.all = mean(hue + saturation + value, 3);
  score.lit = mean(lit_colors + kDark * value, int64_t{3} * kDark);
  return score;
}

void ContentScorer::Save(State* state) const {
  std::string pixels;
  for (const Hsv& pixel : before_)
    for (const uint8_t part : {pixel.h, pixel.s, pixel.v}) pixels += static_cast<char>(part);
  state->Set("before", std::move(pixels));
  state->SetNumbers("size", {static_cast<double>(width_), static_cast<double>(height_)});
}

void ContentScorer::Load(const State& state) {
  const std::string& pixels = state.Get("before");
  const std::vector<double> size = state.Numbers("size");
  bool fits = size.size() == 2;
  for (const double side : size)
    fits = fits && side >= 0 && side <= kMostCount && side == std::floor(side);
  fits = fits && static_cast<double>(pixels.size()) == 3 * size[0] * size[1];
  Require(fits, Code::kCorrupt, "the saved state is none of a ContentScorer");
  before_.clear();
  for (size_t i = 0; i < pixels.size(); i += 3)
    before_.push_back({static_cast<uint8_t>(pixels[i]), static_cast<uint8_t>(pixels[i + 1]),
                       static_cast<uint8_t>(pixels[i + 2])});
  width_ = static_cast<int>(size[0]);
  height_ = static_cast<int>(size[1]);
}

double NeighbourScore(const std::vector<ContentScore>& scores, size_t frame, int neighbours) {
  const auto reach = static_cast<size_t>(neighbours);
  double sum = 0;
  int count = 0;
  for (size_t k = frame > reach ? frame - reach : 1; k < scores.size() && k <= frame + reach; ++k) {
    if (k == frame) continue;
    sum += scores[k].all;
    ++count;
  }
  return count == 0 ? 0 : sum / count;
}

std::vector<int64_t> FindContentCuts(const std::vector<ContentScore>& scores,
                                     const std::vector<double>& seconds,
                                     const ContentCutOptions& options, ContentRule rule) {
  options.Check();
  Require(scores.size() == seconds.size(), Code::kInvalidArgument,
          "FindContentCuts: there must be a time for each score");
  const auto reach = static_cast<size_t>(options.neighbours);
  std::vector<int64_t> cuts;
  double scene_start = seconds.empty() ? 0 : seconds[0];
  for (size_t i = 1; i < scores.size(); ++i) {
    const double score = scores[i].all;
    bool cut = score >= options.min_score;
    if (rule != ContentRule::kContent)
      cut = cut && score >= options.min_ratio * NeighbourScore(scores, i, options.neighbours);
    if (rule == ContentRule::kLead) {
      cut = cut && scores[i].lit >= options.min_score;
      for (size_t k = i > reach ? i - reach : 1; k < scores.size() && k <= i + reach; ++k)
        cut = cut && (k == i || score >= options.min_lead * scores[k].all);
    }
    if (!cut || seconds[i] - scene_start < options.min_scene_seconds) continue;
    scene_start = seconds[i];
    cuts.push_back(static_cast<int64_t>(i));
  }
  return cuts;
}

ContentCutDetector::ContentCutDetector(const ContentCutOptions& options) : options_(options) {
  options.Check();
}

void ContentCutDetector::Push(const ImageView& picture, double seconds) {
  const ContentScore score = scorer_.Score(picture);
  scores_.push_back(score.all);
  lit_scores_.push_back(score.lit);
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
  scorer_.Save(state);
  state->SetNumbers("scores", {scores_.begin(), scores_.end()});
  state->SetNumbers("lit_scores", {lit_scores_.begin(), lit_scores_.end()});
  state->SetNumbers("seconds", {seconds_.begin(), seconds_.end()});
  state->SetNumbers("counts", {static_cast<double>(pushed_), static_cast<double>(popped_),
                               static_cast<double>(first_), scene_start_});
}

void ContentCutDetector::Load(const State& state) {
  scorer_.Load(state);
  const std::vector<double> scores = state.Numbers("scores"), seconds = state.Numbers("seconds");
  const std::vector<double> lit_scores = state.Numbers("lit_scores");
  const std::vector<double> counts = state.Numbers("counts");
  bool fits =
      counts.size() == 4 && scores.size() == seconds.size() && lit_scores.size() == scores.size();
  for (size_t i = 0; fits && i < 3; ++i)
    fits = counts[i] >= 0 && counts[i] <= kMostCount && counts[i] == std::floor(counts[i]);
  fits = fits && counts[2] <= counts[1] && counts[1] <= counts[0] &&
         counts[0] - counts[2] == static_cast<double>(scores.size());
  Require(fits, Code::kCorrupt, "the saved state is none of a ContentCutDetector");
  scores_.assign(scores.begin(), scores.end());
  lit_scores_.assign(lit_scores.begin(), lit_scores.end());
  seconds_.assign(seconds.begin(), seconds.end());
  pushed_ = static_cast<int64_t>(counts[0]);
  popped_ = static_cast<int64_t>(counts[1]);
  first_ = static_cast<int64_t>(counts[2]);
  scene_start_ = counts[3];
  finished_ = false;
}

}  // namespace mdvt
