// SPDX-License-Identifier: Apache-2.0
#include "pipeline/sbs_crafter.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "mdvt/infill/copy_holes.h"

namespace mdvt {
namespace {

template <typename T>
void ToFloatOf(const Image& rgb, Image* result) {
  const auto most = static_cast<float>(rgb.format().max_value());
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < rgb.height(); ++y)
      std::transform(rgb.Plane<T>(plane).Row(y), rgb.Plane<T>(plane).Row(y) + rgb.width(),
                     result->MutablePlane<float>(plane).Row(y),
                     [most](T v) { return static_cast<float>(v) / most; });
}

void ToFloat(const Image& rgb, Image* result) {
  rgb.format().bits == 8 ? ToFloatOf<uint8_t>(rgb, result) : ToFloatOf<uint16_t>(rgb, result);
}

template <typename T>
void FromFloat(const Image& values, Image* rgb) {
  const auto most = static_cast<float>(rgb->format().max_value());
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < rgb->height(); ++y)
      std::transform(values.Plane<float>(plane).Row(y),
                     values.Plane<float>(plane).Row(y) + rgb->width(),
                     rgb->MutablePlane<T>(plane).Row(y), [most](float v) {
                       return static_cast<T>(std::lround(std::clamp(v, 0.0f, 1.0f) * most));
                     });
}

Image Black(const Image& mask) {
  Image black(mask.format(), mask.width(), mask.height());
  for (int y = 0; y < mask.height(); ++y)
    std::fill_n(black.MutablePlane<uint8_t>().Row(y), mask.width(), uint8_t{0});
  return black;
}

// `share` of b, the rest of a.
Image Mixed(const Image& a, const Image& b, float share) {
  Image mixed(a.format(), a.width(), a.height());
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < a.height(); ++y)
      std::transform(a.Plane<float>(plane).Row(y), a.Plane<float>(plane).Row(y) + a.width(),
                     b.Plane<float>(plane).Row(y), mixed.MutablePlane<float>(plane).Row(y),
                     [share](float from, float to) { return from + share * (to - from); });
  return mixed;
}

bool HasHoles(const HoleMap& holes) {
  return std::any_of(holes.rows.begin(), holes.rows.end(),
                     [](const auto& row) { return !row.empty(); });
}

}  // namespace

SbsCrafter::SbsCrafter(std::unique_ptr<ClipFill> fill, int chunk, int carry, bool cross_fade,
                       const PixelFormat& format, const ColorInfo& color, bool left_first)
    : fill_(std::move(fill)),
      chunk_(chunk),
      carry_(carry),
      cross_fade_(cross_fade),
      format_(format),
      rgb_format_(PixelFormat::Rgb(format.bits > 8 ? 16 : 8)),
      color_(color),
      left_first_(left_first) {}

void SbsCrafter::Push(CraftInput input) {
  SbsFrame frame = std::move(input.sbs);
  Waiting waiting;
  const int width = frame.color.width() / 2, height = frame.color.height();
  for (int eye = 0; eye < 2; ++eye) {
    const auto e = static_cast<size_t>(eye);
    Image rgb(rgb_format_, width, height);
    to_rgb_.Convert(Crop(frame.color.view(), eye * width, 0, width, height), color_,
                    rgb.mutable_view());
    waiting.eyes[e] = Image(PixelFormat::RgbF32(), width, height);
    ToFloat(rgb, &waiting.eyes[e]);
    waiting.masks[e] = Image(PixelFormat::Gray(8), width, height);
    for (int y = 0; y < height; ++y) {
      uint8_t* mask = waiting.masks[e].MutablePlane<uint8_t>().Row(y);
      std::fill_n(mask, width, uint8_t{0});
      for (const HoleSpan& span : frame.holes[e].rows[static_cast<size_t>(y)]) {
        std::fill(mask + span.begin, mask + span.end, uint8_t{255});
        for (int plane = 0; plane < 3; ++plane) {
          float* row = waiting.eyes[e].MutablePlane<float>(plane).Row(y);
          std::fill(row + span.begin, row + span.end, 0.0f);
        }
        holes_ += span.end - span.begin;
      }
    }
  }
  if (!input.original.empty()) {
    waiting.original = Image(PixelFormat::RgbF32(), width, height);
    ToFloat(input.original, &waiting.original);
  }
  pixels_ += int64_t{frame.color.width()} * height;
  frame.mask = Image();
  waiting.frame = std::move(frame);
  window_.push_back(std::move(waiting));
  const size_t context = std::min(done_, static_cast<size_t>(carry_));
  if (window_.size() - done_ + context == static_cast<size_t>(chunk_)) FillWaiting();
}

void SbsCrafter::Finish() {
  if (window_.size() > done_) FillWaiting();
  for (; shown_ < done_; ++shown_) ready_.push_back(window_[shown_].frame);
}

// The frames that wait, after as many filled ones as make a chunk of full length.
void SbsCrafter::FillWaiting() {
  const size_t fresh = window_.size() - done_;
  const size_t context = std::min(done_, static_cast<size_t>(chunk_) - fresh);
  for (int eye = 0; eye < 2; ++eye) FillEye(done_ - context, eye);
  done_ = window_.size();
  const size_t held = cross_fade_ ? std::min(done_, static_cast<size_t>(carry_)) : 0;
  for (; shown_ < done_ - held; ++shown_) ready_.push_back(window_[shown_].frame);
  while (done_ >= static_cast<size_t>(chunk_)) {
    window_.pop_front();
    --done_;
    --shown_;
  }
}

void SbsCrafter::FillEye(size_t first, int eye) {
  const auto e = static_cast<size_t>(eye);
  bool any = false;
  HoleClip clip;
  clip.first_frame = window_[first].frame.index;
  clip.mirror = (eye == 0) == left_first_;
  for (size_t i = first; i < window_.size(); ++i) {
    const Waiting& waiting = window_[i];
    any = any || (i >= done_ && HasHoles(waiting.frame.holes[e]));
    clip.pictures.push_back(waiting.eyes[e]);
    // What is filled is known, and made once more only to be faded.
    clip.masks.push_back(i < done_ ? Black(waiting.masks[e]) : waiting.masks[e]);
    clip.wanted.push_back(i < shown_ ? Black(waiting.masks[e]) : waiting.masks[e]);
    if (!waiting.original.empty()) clip.originals.push_back(waiting.original);
  }
  if (!any) return;
  const std::vector<Image> filled = fill_->Fill(clip);
  ++runs_;
  for (size_t i = std::max(first, shown_); i < window_.size(); ++i) {
    Waiting& waiting = window_[i];
    const Image& made = filled[i - first];
    if (i < done_) {
      // From the run before to this one, in equal steps.
      const auto share =
          static_cast<float>(i - shown_ + 1) / static_cast<float>(done_ - shown_ + 1);
      waiting.eyes[e] = Mixed(waiting.eyes[e], made, share);
    } else {
      waiting.eyes[e] = made;
    }
    Show(&waiting, eye);
  }
}

// Copies the filled holes of an eye into the frame.
void SbsCrafter::Show(Waiting* waiting, int eye) {
  const auto e = static_cast<size_t>(eye);
  const int width = waiting->eyes[e].width(), height = waiting->eyes[e].height();
  Image rgb(rgb_format_, width, height);
  rgb_format_.bits == 8 ? FromFloat<uint8_t>(waiting->eyes[e], &rgb)
                        : FromFloat<uint16_t>(waiting->eyes[e], &rgb);
  const Image native = from_rgb_.Convert(rgb, color_, format_);
  Image both = waiting->frame.color.Clone();
  CopyHoles(waiting->frame.holes[e], native.view(),
            both.mutable_view().Crop(eye * width, 0, width, height));
  waiting->frame.color = both;
}

std::optional<SbsFrame> SbsCrafter::Pop() {
  if (ready_.empty()) return std::nullopt;
  SbsFrame frame = std::move(ready_.front());
  ready_.pop_front();
  return frame;
}

double SbsCrafter::hole_share() const {
  return pixels_ > 0 ? static_cast<double>(holes_) / static_cast<double>(pixels_) : 0;
}

}  // namespace mdvt
