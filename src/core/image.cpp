// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/image.h"

#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "core/image_budget.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr ptrdiff_t kAlignment = 64;

PixelFormat Integer(ColorModel model, int bits, uint8_t shift_x, uint8_t shift_y) {
  Require(bits >= 8 && bits <= 16, Code::kInvalidArgument,
          "PixelFormat bits = " + std::to_string(bits) + ", must be in [8, 16]");
  return {model, bits == 8 ? SampleType::kU8 : SampleType::kU16, static_cast<uint8_t>(bits),
          shift_x, shift_y};
}

template <typename View>
View CropView(const View& image, int x, int y, int w, int h) {
  const PixelFormat& format = image.format;
  const int step_x = (1 << format.chroma_shift_x) - 1, step_y = (1 << format.chroma_shift_y) - 1;
  Require(x >= 0 && y >= 0 && w > 0 && h > 0 && w <= image.width - x && h <= image.height - y &&
              (x & step_x) == 0 && (y & step_y) == 0,
          Code::kInvalidArgument, "Crop: the part leaves the image or splits a chroma sample");
  View part = image;
  part.width = w;
  part.height = h;
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const auto i = static_cast<size_t>(plane);
    const int px = plane == 0 ? x : x >> format.chroma_shift_x;
    const int py = plane == 0 ? y : y >> format.chroma_shift_y;
    part.data[i] += py * part.stride[i] + px * format.bytes_per_sample();
  }
  return part;
}

}  // namespace

PixelFormat PixelFormat::Gray(int bits) { return Integer(ColorModel::kGray, bits, 0, 0); }
PixelFormat PixelFormat::Rgb(int bits) { return Integer(ColorModel::kRgb, bits, 0, 0); }

PixelFormat PixelFormat::Yuv(int subsampling, int bits) {
  Require(subsampling == 420 || subsampling == 422 || subsampling == 444, Code::kInvalidArgument,
          "PixelFormat subsampling = " + std::to_string(subsampling) + ", must be 420, 422 or 444");
  return Integer(ColorModel::kYuv, bits, subsampling != 444, subsampling == 420);
}

std::string PixelFormat::ToString() const {
  std::string name;
  switch (model) {
    case ColorModel::kGray:
      name = "gray";
      break;
    case ColorModel::kRgb:
      name = "rgb";
      break;
    case ColorModel::kYuv:
      name = chroma_shift_y == 2 ? "yuv410p"
             : chroma_shift_y    ? (chroma_shift_x ? "yuv420p" : "yuv440p")
                                 : (chroma_shift_x == 2   ? "yuv411p"
                                    : chroma_shift_x == 1 ? "yuv422p"
                                                          : "yuv444p");
      break;
  }
  return name + (type == SampleType::kF32 ? "f32" : std::to_string(bits));
}

MutableImageView MutableImageView::Crop(int x, int y, int w, int h) const {
  return CropView(*this, x, y, w, h);
}

ImageView Crop(const ImageView& image, int x, int y, int w, int h) {
  return CropView(image, x, y, w, h);
}

Image::Image(PixelFormat format, int width, int height) {
  constexpr int kMaxSide = 1 << 20;
  Require(width >= 1 && height >= 1 && width <= kMaxSide && height <= kMaxSide,
          Code::kInvalidArgument,
          "Image size " + FormatSize(width, height) + ", sides must be in [1, 1048576]");
  view_.format = format;
  view_.width = width;
  view_.height = height;
  std::array<size_t, 3> offset = {};
  size_t total = 0;
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const auto i = static_cast<size_t>(plane);
    const ptrdiff_t row =
        static_cast<ptrdiff_t>(format.PlaneWidth(plane, width)) * format.bytes_per_sample();
    view_.stride[i] = (row + kAlignment - 1) / kAlignment * kAlignment;
    offset[i] = total;
    total += static_cast<size_t>(view_.stride[i]) *
             static_cast<size_t>(format.PlaneHeight(plane, height));
  }
  total += kAlignment;
  std::shared_ptr<void> charge = ImageBudget::Charge(static_cast<int64_t>(total));
  void* memory = ::operator new (total, std::align_val_t{kAlignment}, std::nothrow);
  Require(memory != nullptr, Code::kOutOfMemory,
          "no memory for an image of " + std::to_string(total) + " bytes");
  buffer_ = std::shared_ptr<void>(memory, [charge = std::move(charge)](void* p) {
    ::operator delete (p, std::align_val_t{kAlignment});
  });
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const auto i = static_cast<size_t>(plane);
    view_.data[i] = static_cast<std::byte*>(memory) + offset[i];
  }
}

Image Image::Clone() const {
  if (empty()) return {};
  Image copy(format(), width(), height());
  CopyPixels(view(), copy.mutable_view());
  return copy;
}

void CopyPixels(const ImageView& from, const MutableImageView& to) {
  Require(from.format == to.format && from.width == to.width && from.height == to.height,
          Code::kInvalidArgument, "CopyPixels: images differ in format or size");
  for (int plane = 0; plane < from.format.num_planes(); ++plane) {
    const auto i = static_cast<size_t>(plane);
    const size_t row = static_cast<size_t>(from.format.PlaneWidth(plane, from.width)) *
                       static_cast<size_t>(from.format.bytes_per_sample());
    const int rows = from.format.PlaneHeight(plane, from.height);
    for (int y = 0; y < rows; ++y) {
      std::memcpy(to.data[i] + y * to.stride[i], from.data[i] + y * from.stride[i], row);
    }
  }
}

}  // namespace mdvt
