// SPDX-License-Identifier: Apache-2.0
//
// Pictures in caller's memory for the tests of the C interface: every plane ends right before a
// page that must not be touched, so that reading or writing past it ends the test.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "mdvt.h"

namespace mdvt::test {

inline mdvt_pixel_format Format(int model, int bits, int shift_x = 0, int shift_y = 0) {
  mdvt_pixel_format format = {};
  format.model = static_cast<uint8_t>(model);
  format.sample_type = static_cast<uint8_t>(bits == 8    ? MDVT_SAMPLE_U8
                                            : bits == 32 ? MDVT_SAMPLE_F32
                                                         : MDVT_SAMPLE_U16);
  format.bits = static_cast<uint8_t>(bits);
  format.chroma_shift_x = static_cast<uint8_t>(shift_x);
  format.chroma_shift_y = static_cast<uint8_t>(shift_y);
  return format;
}
inline mdvt_pixel_format Yuv420(int bits = 8) { return Format(MDVT_MODEL_YUV, bits, 1, 1); }
inline mdvt_pixel_format Rgb(int bits = 8) { return Format(MDVT_MODEL_RGB, bits); }
inline mdvt_pixel_format Gray(int bits = 8) { return Format(MDVT_MODEL_GRAY, bits); }
inline mdvt_pixel_format DepthFormat() { return Format(MDVT_MODEL_GRAY, 32); }

// `size` bytes that end at a page without access.
class GuardedBytes {
 public:
  explicit GuardedBytes(size_t size) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t usable = (size + page - 1) / page * page;
    mapped_ = usable + page;
    base_ = static_cast<unsigned char*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED) throw std::bad_alloc();
    mprotect(base_ + usable, page, PROT_NONE);
    data_ = base_ + usable - size;
  }
  GuardedBytes(GuardedBytes&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), data_(other.data_), mapped_(other.mapped_) {}
  GuardedBytes& operator=(GuardedBytes&&) = delete;
  ~GuardedBytes() {
    if (base_ != nullptr) munmap(base_, mapped_);
  }
  unsigned char* data() const { return data_; }

 private:
  unsigned char* base_;
  unsigned char* data_;
  size_t mapped_;
};

// An image whose rows have `padding` samples between them; none follow the last row.
class Picture {
 public:
  Picture(const mdvt_pixel_format& format, int width, int height, int padding = 0) {
    image_.format = format;
    image_.width = width;
    image_.height = height;
    for (int plane = 0; plane < planes(); ++plane) {
      const int64_t stride = int64_t{PlaneWidth(plane) + padding} * SampleSize();
      const int64_t size = stride * (PlaneHeight(plane) - 1) + int64_t{RowBytes(plane)};
      memory_.emplace_back(static_cast<size_t>(size));
      image_.data[plane] = memory_.back().data();
      image_.stride[plane] = stride;
    }
  }

  int planes() const { return image_.format.model == MDVT_MODEL_GRAY ? 1 : 3; }
  int SampleSize() const {
    return image_.format.sample_type == MDVT_SAMPLE_U8    ? 1
           : image_.format.sample_type == MDVT_SAMPLE_U16 ? 2
                                                          : 4;
  }
  int PlaneWidth(int plane) const {
    const int shift = plane == 0 ? 0 : image_.format.chroma_shift_x;
    return (image_.width + (1 << shift) - 1) >> shift;
  }
  int PlaneHeight(int plane) const {
    const int shift = plane == 0 ? 0 : image_.format.chroma_shift_y;
    return (image_.height + (1 << shift) - 1) >> shift;
  }
  int RowBytes(int plane) const { return PlaneWidth(plane) * SampleSize(); }

  template <typename T>
  T& At(int plane, int x, int y) {
    return reinterpret_cast<T*>(static_cast<unsigned char*>(image_.data[plane]) +
                                y * image_.stride[plane])[x];
  }
  // Sample = make(plane, x, y).
  template <typename T, typename Make>
  void Fill(Make&& make) {
    for (int plane = 0; plane < planes(); ++plane) {
      for (int y = 0; y < PlaneHeight(plane); ++y) {
        for (int x = 0; x < PlaneWidth(plane); ++x)
          At<T>(plane, x, y) = static_cast<T>(make(plane, x, y));
      }
    }
  }

  mdvt_image* image() { return &image_; }
  const mdvt_image& value() const { return image_; }

 private:
  mdvt_image image_ = {};
  std::vector<GuardedBytes> memory_;
};

// True if both have the same format, size and samples.
inline bool SamePixels(const mdvt_image& a, const mdvt_image& b) {
  if (std::memcmp(&a.format, &b.format, sizeof(a.format)) != 0 || a.width != b.width ||
      a.height != b.height)
    return false;
  const int planes = a.format.model == MDVT_MODEL_GRAY ? 1 : 3;
  const int sample = a.format.sample_type == MDVT_SAMPLE_U8    ? 1
                     : a.format.sample_type == MDVT_SAMPLE_U16 ? 2
                                                               : 4;
  for (int plane = 0; plane < planes; ++plane) {
    const int shift_x = plane == 0 ? 0 : a.format.chroma_shift_x;
    const int shift_y = plane == 0 ? 0 : a.format.chroma_shift_y;
    const int width = (a.width + (1 << shift_x) - 1) >> shift_x;
    const int height = (a.height + (1 << shift_y) - 1) >> shift_y;
    for (int y = 0; y < height; ++y) {
      if (std::memcmp(static_cast<const char*>(a.data[plane]) + y * a.stride[plane],
                      static_cast<const char*>(b.data[plane]) + y * b.stride[plane],
                      static_cast<size_t>(width) * static_cast<size_t>(sample)) != 0)
        return false;
    }
  }
  return true;
}

// A frame that holds `picture`.
inline mdvt_frame FrameOf(const Picture& picture, int64_t pts, int64_t duration = 0) {
  mdvt_frame frame;
  mdvt_frame_init(&frame);
  frame.image = picture.value();
  frame.pts = pts;
  frame.duration = duration;
  return frame;
}

// Closes each kind of handle.
struct Closer {
  void operator()(mdvt_reader* handle) const { mdvt_reader_close(handle); }
  void operator()(mdvt_writer* handle) const { mdvt_writer_close(handle); }
  void operator()(mdvt_renderer* handle) const { mdvt_renderer_destroy(handle); }
  void operator()(mdvt_stage* handle) const { mdvt_stage_destroy(handle); }
  void operator()(mdvt_job* handle) const { mdvt_job_destroy(handle); }
  void operator()(mdvt_model* handle) const { mdvt_model_close(handle); }
  void operator()(mdvt_options* handle) const { mdvt_options_free(handle); }
};
template <typename Handle>
using Owned = std::unique_ptr<Handle, Closer>;

#define MDVT_ASSERT_OK(call) ASSERT_EQ(MDVT_OK, call) << mdvt_last_error()
#define MDVT_EXPECT_OK(call) EXPECT_EQ(MDVT_OK, call) << mdvt_last_error()

}  // namespace mdvt::test
