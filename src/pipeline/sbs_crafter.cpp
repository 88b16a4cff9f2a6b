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
void ToFloat(const Image& rgb, Image* result) {
  const auto most = static_cast<float>(rgb.format().max_value());
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < rgb.height(); ++y)
      std::transform(rgb.Plane<T>(plane).Row(y), rgb.Plane<T>(plane).Row(y) + rgb.width(),
                     result->MutablePlane<float>(plane).Row(y),
                     [most](T v) { return static_cast<float>(v) / most; });
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

bool HasHoles(const HoleMap& holes) {
  return std::any_of(holes.rows.begin(), holes.rows.end(),
                     [](const auto& row) { return !row.empty(); });
}

}  // namespace

SbsCrafter::SbsCrafter(const DiffusionParts& parts, const DiffusionOptions& options, int chunk,
                       int carry, const PixelFormat& format, const ColorInfo& color,
                       bool left_first, ThreadPool* pool)
    : fill_(parts, options, pool),
      chunk_(chunk),
      carry_(carry),
      format_(format),
      rgb_format_(PixelFormat::Rgb(format.bits > 8 ? 16 : 8)),
      color_(color),
      left_first_(left_first) {}

void SbsCrafter::Push(SbsFrame frame) {
  Waiting waiting;
  const int width = frame.color.width() / 2, height = frame.color.height();
  for (int eye = 0; eye < 2; ++eye) {
    const auto e = static_cast<size_t>(eye);
    Image rgb(rgb_format_, width, height);
    to_rgb_.Convert(Crop(frame.color.view(), eye * width, 0, width, height), color_,
                    rgb.mutable_view());
    waiting.eyes[e] = Image(PixelFormat::RgbF32(), width, height);
    rgb_format_.bits == 8 ? ToFloat<uint8_t>(rgb, &waiting.eyes[e])
                          : ToFloat<uint16_t>(rgb, &waiting.eyes[e]);
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
  pixels_ += int64_t{frame.color.width()} * height;
  frame.mask = Image();
  waiting.frame = std::move(frame);
  window_.push_back(std::move(waiting));
  const size_t context = std::min(done_, static_cast<size_t>(carry_));
  if (window_.size() - done_ + context == static_cast<size_t>(chunk_)) FillWaiting();
}

void SbsCrafter::Finish() {
  if (window_.size() > done_) FillWaiting();
}

// The frames that wait, after as many filled ones as make a chunk of full length.
void SbsCrafter::FillWaiting() {
  const size_t fresh = window_.size() - done_;
  const size_t context = std::min(done_, static_cast<size_t>(chunk_) - fresh);
  for (int eye = 0; eye < 2; ++eye) FillEye(done_ - context, eye);
  for (size_t i = done_; i < window_.size(); ++i) ready_.push_back(window_[i].frame);
  done_ = window_.size();
  while (done_ >= static_cast<size_t>(chunk_)) {
    window_.pop_front();
    --done_;
  }
}

void SbsCrafter::FillEye(size_t first, int eye) {
  const auto e = static_cast<size_t>(eye);
  bool any = false;
  std::vector<Image> pictures, masks;
  for (size_t i = first; i < window_.size(); ++i) {
    any = any || (i >= done_ && HasHoles(window_[i].frame.holes[e]));
    pictures.push_back(window_[i].eyes[e]);
    masks.push_back(window_[i].masks[e]);
  }
  if (!any) return;
  const bool is_left = (eye == 0) == left_first_;
  const std::vector<Image> filled = fill_.Run(pictures, masks, window_[first].frame.index, is_left);
  ++runs_;
  for (size_t i = done_; i < window_.size(); ++i) {
    Waiting& waiting = window_[i];
    waiting.eyes[e] = filled[i - first];
    const int width = waiting.eyes[e].width(), height = waiting.eyes[e].height();
    // What is filled is known from now on.
    for (int y = 0; y < height; ++y)
      std::fill_n(waiting.masks[e].MutablePlane<uint8_t>().Row(y), width, uint8_t{0});
    Image rgb(rgb_format_, width, height);
    rgb_format_.bits == 8 ? FromFloat<uint8_t>(waiting.eyes[e], &rgb)
                          : FromFloat<uint16_t>(waiting.eyes[e], &rgb);
    const Image native = from_rgb_.Convert(rgb, color_, format_);
    Image both = waiting.frame.color.Clone();
    CopyHoles(waiting.frame.holes[e], native.view(),
              both.mutable_view().Crop(eye * width, 0, width, height));
    waiting.frame.color = both;
  }
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
