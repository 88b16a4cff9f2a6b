// SPDX-License-Identifier: Apache-2.0
#include "pipeline/track_mask.h"

#include <algorithm>
#include <cmath>

namespace mdvt {
namespace {

// 255 where one of the values up to `radius` places away is not 0.
void Dilate(const std::vector<uint8_t>& from, int radius, std::vector<uint8_t>* to) {
  const int count = static_cast<int>(from.size());
  int last = -radius - 1;  // the last place that is set
  for (int i = -radius; i < count; ++i) {
    const int ahead = i + radius;
    if (ahead < count && from[static_cast<size_t>(ahead)] != 0) last = ahead;
    if (i >= 0) (*to)[static_cast<size_t>(i)] = last >= i - radius ? 255 : 0;
  }
}

}  // namespace

Image TrackMask::Allowed(const Image& mask) const {
  const auto nearest = [](int i, int from, int to) {
    return static_cast<int>(static_cast<int64_t>(2 * i + 1) * from /
                            (2 * static_cast<int64_t>(to)));
  };
  const auto radius = [&](int full, int size) {
    return static_cast<int>(std::ceil(double(options_.dilation) * size / full));
  };
  Image allowed(PixelFormat::Gray(8), width_, height_);
  const PlaneView<uint8_t> out = allowed.MutablePlane<uint8_t>();
  std::vector<uint8_t> line(static_cast<size_t>(width_)), wide(line.size());
  for (int y = 0; y < height_; ++y) {
    const uint8_t* const from = mask.Plane<uint8_t>().Row(nearest(y, mask.height(), height_));
    for (int x = 0; x < width_; ++x)
      line[static_cast<size_t>(x)] =
          from[nearest(x, mask.width(), width_)] > options_.threshold ? 255 : 0;
    Dilate(line, radius(full_width_, width_), &wide);
    std::copy(wide.begin(), wide.end(), out.Row(y));
  }
  line.resize(static_cast<size_t>(height_));
  wide.resize(line.size());
  for (int x = 0; x < width_; ++x) {
    for (int y = 0; y < height_; ++y) line[static_cast<size_t>(y)] = out.At(x, y);
    Dilate(line, radius(full_height_, height_), &wide);
    for (int y = 0; y < height_; ++y)
      out.At(x, y) = static_cast<uint8_t>(255 - wide[static_cast<size_t>(y)]);
  }
  return allowed;
}

void Describe(OptionList* list, TrackMaskOptions* options) {
  list->Section("mask");
  list->Field("mask_video", &options->video, "FILE",
              "white: no points there; same length as the video")
      .Input(true);
  list->Field("mask_threshold", &options->threshold, {0, 254}, "STEPS",
              "pixels of the mask above this are white")
      .OnlyWith("mask_video");
  list->Field("mask_dilation", &options->dilation, {0, 100}, "PIXELS",
              "the white parts grow by so much")
      .OnlyWith("mask_video");
}

}  // namespace mdvt
