// SPDX-License-Identifier: Apache-2.0
//
// Between pixel formats, by the matrix and range that a ColorInfo states.
#pragma once

#include <memory>

#include "mdvt/core/image.h"

namespace mdvt {

// The matrix and range that hold for a picture: what `color` says, and where it says nothing BT.709
// from 720 rows on, else BT.601, limited range for YUV and full range for RGB.
ColorInfo ResolveColor(const ColorInfo& color, const PixelFormat& format, int height);

// Converts images of one format and size to another format of the same size. Keeps its tables
// between calls; not thread safe.
class ColorConverter {
 public:
  ColorConverter();
  ~ColorConverter();
  ColorConverter(ColorConverter&&) noexcept;
  ColorConverter& operator=(ColorConverter&&) noexcept;

  // Returns `image` itself if it already has the format. Gray output is luma in full range.
  // Throws Error(kUnsupported) for pairs of formats without a rule (float formats).
  Image Convert(const Image& image, const ColorInfo& color, const PixelFormat& format);
  // The same into pixels of the caller; copies where the formats are the same. Also throws
  // Error(kInvalidArgument) if the sizes differ.
  void Convert(const ImageView& image, const ColorInfo& color, const MutableImageView& to);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
