// SPDX-License-Identifier: Apache-2.0
//
// Planar images. Origin top left, strides in bytes and possibly padded, one sample type for all
// planes. Views never own; Image shares its buffer, so that copying one is cheap.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace mdvt {

enum class SampleType : uint8_t { kU8, kU16, kF32 };

enum class ColorModel : uint8_t {
  kGray,  // plane 0 = Y, mask, depth code or depth in metres
  kYuv,   // planes Y, Cb, Cr; chroma may be smaller
  kRgb,   // planes R, G, B
};

// What the samples of an image are. Sizes of chroma planes are ceil(size / 2^shift).
struct PixelFormat {
  ColorModel model = ColorModel::kGray;
  SampleType type = SampleType::kU8;
  uint8_t bits = 8;            // significant low bits: 8 for kU8, 9..16 for kU16, 32 for kF32
  uint8_t chroma_shift_x = 0;  // kYuv only: 1 for 4:2:0 and 4:2:2, 0 for 4:4:4
  uint8_t chroma_shift_y = 0;  // kYuv only: 1 for 4:2:0

  static PixelFormat Gray(int bits = 8);
  static PixelFormat GrayF32() { return {ColorModel::kGray, SampleType::kF32, 32, 0, 0}; }
  static PixelFormat Rgb(int bits = 8);
  static PixelFormat RgbF32() { return {ColorModel::kRgb, SampleType::kF32, 32, 0, 0}; }
  // Subsampling 420, 422 or 444.
  static PixelFormat Yuv(int subsampling, int bits = 8);

  int num_planes() const { return model == ColorModel::kGray ? 1 : 3; }
  int bytes_per_sample() const {
    return type == SampleType::kU8 ? 1 : type == SampleType::kU16 ? 2 : 4;
  }
  // Largest sample of an integer format.
  int max_value() const { return (1 << bits) - 1; }
  // Size of plane `plane` of an image of `size` pixels along one axis.
  int PlaneWidth(int plane, int width) const {
    return plane == 0 ? width : (width + (1 << chroma_shift_x) - 1) >> chroma_shift_x;
  }
  int PlaneHeight(int plane, int height) const {
    return plane == 0 ? height : (height + (1 << chroma_shift_y) - 1) >> chroma_shift_y;
  }
  // "yuv420p10", "rgb8", "gray16", "grayf32".
  std::string ToString() const;

  friend bool operator==(const PixelFormat& a, const PixelFormat& b) {
    return a.model == b.model && a.type == b.type && a.bits == b.bits &&
           a.chroma_shift_x == b.chroma_shift_x && a.chroma_shift_y == b.chroma_shift_y;
  }
  friend bool operator!=(const PixelFormat& a, const PixelFormat& b) { return !(a == b); }
};

// How sample values stand for light: code points of ITU-T H.273 (2 = unspecified), the same numbers
// as in FFmpeg and in video bitstreams.
struct ColorInfo {
  int matrix = 2;
  int primaries = 2;
  int transfer = 2;
  bool full_range = false;
  int chroma_location = 0;  // FFmpeg's numbers: 0 unspecified, 1 left, 2 centre, 3 top left ...
};

// One plane of samples of type T (const T for reading only).
template <typename T>
struct PlaneView {
  T* data = nullptr;
  ptrdiff_t stride = 0;  // bytes from one row to the next
  int width = 0;
  int height = 0;

  T* Row(int y) const {
    using Byte = std::conditional_t<std::is_const_v<T>, const std::byte, std::byte>;
    return reinterpret_cast<T*>(reinterpret_cast<Byte*>(data) + y * stride);
  }
  T& At(int x, int y) const { return Row(y)[x]; }
  // The part of `count` rows from row y on.
  PlaneView Rows(int y, int count) const { return {Row(y), stride, width, count}; }
  operator PlaneView<const T>() const { return {data, stride, width, height}; }
};

// Depth: planar z in metres, 0 means no data.
using DepthView = PlaneView<const float>;

struct ImageView {
  PixelFormat format;
  int width = 0;
  int height = 0;
  std::array<const std::byte*, 3> data = {};
  std::array<ptrdiff_t, 3> stride = {};  // bytes

  template <typename T>
  PlaneView<const T> Plane(int plane) const {
    return {reinterpret_cast<const T*>(data[static_cast<size_t>(plane)]),
            stride[static_cast<size_t>(plane)], format.PlaneWidth(plane, width),
            format.PlaneHeight(plane, height)};
  }
  bool empty() const { return width == 0 || height == 0; }
};

struct MutableImageView {
  PixelFormat format;
  int width = 0;
  int height = 0;
  std::array<std::byte*, 3> data = {};
  std::array<ptrdiff_t, 3> stride = {};  // bytes

  template <typename T>
  PlaneView<T> Plane(int plane) const {
    return {reinterpret_cast<T*>(data[static_cast<size_t>(plane)]),
            stride[static_cast<size_t>(plane)], format.PlaneWidth(plane, width),
            format.PlaneHeight(plane, height)};
  }
  operator ImageView() const {
    return {format, width, height, {data[0], data[1], data[2]}, {stride[0], stride[1], stride[2]}};
  }
  // The part of `w` x `h` pixels at (x, y). x, y must be multiples of the chroma steps; throws
  // Error(kInvalidArgument) otherwise or if the part leaves the image.
  MutableImageView Crop(int x, int y, int w, int h) const;
  bool empty() const { return width == 0 || height == 0; }
};

// The part of `w` x `h` pixels at (x, y), as MutableImageView::Crop.
ImageView Crop(const ImageView& image, int x, int y, int w, int h);

// An image and its (shared) buffer. A copy shares the pixels; Clone() has its own.
class Image {
 public:
  Image() = default;
  // Uninitialised pixels; rows start at multiples of 64 bytes and 64 bytes past the end of the
  // last row may be read. Throws Error(kInvalidArgument) unless both sides are in [1, 2^20], and
  // Error(kOutOfMemory).
  Image(PixelFormat format, int width, int height);
  // Pixels that `keep_alive` owns, a decoder's frame for example.
  Image(const MutableImageView& pixels, std::shared_ptr<void> keep_alive)
      : view_(pixels), buffer_(std::move(keep_alive)) {}

  const PixelFormat& format() const { return view_.format; }
  int width() const { return view_.width; }
  int height() const { return view_.height; }
  bool empty() const { return view_.empty(); }

  ImageView view() const { return view_; }
  MutableImageView mutable_view() { return view_; }
  template <typename T>
  PlaneView<const T> Plane(int plane = 0) const {
    return static_cast<ImageView>(view_).Plane<T>(plane);
  }
  template <typename T>
  PlaneView<T> MutablePlane(int plane = 0) {
    return view_.Plane<T>(plane);
  }

  Image Clone() const;

 private:
  MutableImageView view_;
  std::shared_ptr<void> buffer_;
};

// Copies the pixels of `from` to `to`: same format and size, else Error(kInvalidArgument).
void CopyPixels(const ImageView& from, const MutableImageView& to);

// A video frame. Time is pts * time_base seconds, with the time base of the stream it belongs to.
struct Frame {
  Image image;
  int64_t index = 0;     // 0-based, counted
  int64_t pts = 0;       // presentation time in units of the stream's time base
  int64_t duration = 0;  // in the same units; 0 if not known
};

}  // namespace mdvt
