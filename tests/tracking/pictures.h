// SPDX-License-Identifier: Apache-2.0
//
// Smooth pictures in closed form, so that a shift by part of a pixel is exact.
#pragma once

#include <cmath>
#include <cstdint>

#include "mdvt/core/image.h"

namespace mdvt::test {

// Grey level at any position: a sum of plane waves, the shortest about eight pixels long.
inline double Wave(double x, double y) {
  double sum = 0;
  for (int k = 0; k < 24; ++k) {
    const double angle = 2.399963 * k, length = 8.0 * std::pow(1.1, k);
    const double phase = 1.7 * k * k;
    sum += std::sin(2 * 3.14159265358979 / length * (x * std::cos(angle) + y * std::sin(angle)) +
                    phase);
  }
  return 128 + 14 * sum;
}

// The picture whose content has moved by (dx, dy): what was at p lies at p + (dx, dy).
inline Image Waves(int width, int height, double dx, double dy) {
  Image image(PixelFormat::Gray(8), width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      image.MutablePlane<uint8_t>().At(x, y) = static_cast<uint8_t>(
          std::lround(std::min(255.0, std::max(0.0, Wave(x + 0.5 - dx, y + 0.5 - dy)))));
  return image;
}

inline Image Flat(int width, int height, int value) {
  Image image(PixelFormat::Gray(8), width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      image.MutablePlane<uint8_t>().At(x, y) = static_cast<uint8_t>(value);
  return image;
}

}  // namespace mdvt::test
