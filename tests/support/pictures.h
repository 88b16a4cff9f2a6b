// SPDX-License-Identifier: Apache-2.0
//
// Pictures of any integer format, sample by sample.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt::test {

// One of each kind: 8 to 16 bits, gray, RGB, YUV of every sampling.
inline std::vector<PixelFormat> IntegerFormats() {
  return {PixelFormat::Yuv(420, 8),  PixelFormat::Yuv(420, 10), PixelFormat::Yuv(422, 8),
          PixelFormat::Yuv(444, 16), PixelFormat::Gray(8),      PixelFormat::Gray(12),
          PixelFormat::Rgb(8),       PixelFormat::Rgb(16)};
}

// Sample (x, y) of a plane.
inline int SampleOf(const Image& image, int plane, int x, int y) {
  return image.format().type == SampleType::kU8 ? image.Plane<uint8_t>(plane).At(x, y)
                                                : image.Plane<uint16_t>(plane).At(x, y);
}

inline void SetSample(Image& image, int plane, int x, int y, int value) {
  if (image.format().type == SampleType::kU8) {
    image.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(value);
  } else {
    image.MutablePlane<uint16_t>(plane).At(x, y) = static_cast<uint16_t>(value);
  }
}

// Every sample from value(plane, x, y), row after row.
template <typename Value>
Image MakePicture(PixelFormat format, int width, int height, const Value& value) {
  Image image(format, width, height);
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    for (int y = 0; y < format.PlaneHeight(plane, height); ++y) {
      for (int x = 0; x < format.PlaneWidth(plane, width); ++x) {
        SetSample(image, plane, x, y, value(plane, x, y));
      }
    }
  }
  return image;
}

inline Image RandomImage(PixelFormat format, int width, int height, std::mt19937_64& rng) {
  return MakePicture(format, width, height, [&](int, int, int) {
    return static_cast<int>(rng() & static_cast<uint64_t>(format.max_value()));
  });
}

}  // namespace mdvt::test
