// SPDX-License-Identifier: Apache-2.0
#include "pipeline/thumbnail_sheet.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/image_file.h"

namespace mdvt {
namespace {

constexpr int kPictureWidth = 240;
constexpr int kGap = 4;
constexpr int kTilesAcross = 2;
constexpr uint8_t kGround = 24;

ResizeWindow Whole(int width, int height) {
  return {0, 0, static_cast<double>(width), static_cast<double>(height)};
}

void Fill(const MutableImageView& image, uint8_t value) {
  for (int plane = 0; plane < image.format.num_planes(); ++plane)
    for (int y = 0; y < image.height; ++y)
      std::fill_n(image.Plane<uint8_t>(plane).Row(y), image.width, value);
}

Image Reduced(const ImageView& from, const ColorInfo& color, int width, int height) {
  Image small(from.format, width, height);
  ImageResizer(from.format, from.width, from.height, Whole(from.width, from.height), width, height,
               {ResizeFilter::kBilinear, color.chroma_location})
      .Resize(from, small.mutable_view());
  // The matrix was chosen by the size of the whole picture.
  return ColorConverter().Convert(small, ResolveColor(color, from.format, from.height),
                                  PixelFormat::Rgb(8));
}

}  // namespace

bool ThumbnailSheet::Wants() {
  if (frames_++ % step_ != 0) return false;
  if (tiles_.size() < kMostTiles) return true;
  for (size_t i = 0; 2 * i < tiles_.size(); ++i) tiles_[i] = std::move(tiles_[2 * i]);
  tiles_.resize(kMostTiles / 2);
  step_ *= 2;
  return true;  // a multiple of the doubled step too: kMostTiles is even
}

void ThumbnailSheet::Add(const ImageView& left, const ImageView& right,
                         PlaneView<const float> disparity, const ColorInfo& color,
                         double eye_aspect) {
  const int height =
      std::clamp(static_cast<int>(std::lround(kPictureWidth / eye_aspect)), 8, 4 * kPictureWidth);
  Image tile(PixelFormat::Rgb(8), 3 * kPictureWidth + 2 * kGap, height);
  Fill(tile.mutable_view(), kGround);
  const auto part = [&](int column) {
    return tile.mutable_view().Crop(column * (kPictureWidth + kGap), 0, kPictureWidth, height);
  };
  CopyPixels(Reduced(left, color, kPictureWidth, height).view(), part(0));
  CopyPixels(Reduced(right, color, kPictureWidth, height).view(), part(1));
  const MutableImageView map = part(2);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < kPictureWidth; ++x) {
      const float d =
          disparity.At(x * disparity.width / kPictureWidth, y * disparity.height / height);
      const auto grey = static_cast<uint8_t>(std::clamp(d, 0.0f, 1.0f) * 255 + 0.5f);
      for (int plane = 0; plane < 3; ++plane) map.Plane<uint8_t>(plane).At(x, y) = grey;
    }
  }
  tiles_.push_back(std::move(tile));
}

void ThumbnailSheet::Save(State* state) const {
  state->SetNumbers("counts", {static_cast<double>(step_), static_cast<double>(frames_),
                               static_cast<double>(tiles_.size())});
  for (size_t i = 0; i < tiles_.size(); ++i) state->SetImage(std::to_string(i), tiles_[i]);
}

void ThumbnailSheet::Load(const State& state) {
  const std::vector<double> counts = state.Numbers("counts");
  Require(counts.size() == 3 && counts[0] >= 1 && counts[2] >= 0 && counts[2] <= kMostTiles,
          Code::kCorrupt, "the saved state is none of a sheet of thumbnails");
  std::vector<Image> tiles;
  for (size_t i = 0; i < static_cast<size_t>(counts[2]); ++i)
    tiles.push_back(state.GetImage(std::to_string(i)));
  tiles_ = std::move(tiles);
  step_ = static_cast<int64_t>(counts[0]);
  frames_ = static_cast<int64_t>(counts[1]);
}

void ThumbnailSheet::Write(const OutputTarget& target) const {
  const int count = static_cast<int>(tiles_.size());
  const int across = std::min(count, kTilesAcross);
  const int down = (count + kTilesAcross - 1) / kTilesAcross;
  const int width = tiles_[0].width(), height = tiles_[0].height();
  Image sheet(PixelFormat::Rgb(8), across * (width + 3 * kGap) - 3 * kGap,
              down * (height + kGap) - kGap);
  Fill(sheet.mutable_view(), kGround);
  for (int i = 0; i < count; ++i) {
    const int x = i % kTilesAcross * (width + 3 * kGap), y = i / kTilesAcross * (height + kGap);
    CopyPixels(tiles_[static_cast<size_t>(i)].view(),
               sheet.mutable_view().Crop(x, y, width, height));
  }
  WritePng(target, sheet.view());
}

}  // namespace mdvt
