// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/copy_holes.h"

#include "infill/finish_fill.h"
#include "infill/hole_pixels.h"
#include "mdvt/core/error.h"

namespace mdvt {

void CopyHoles(const HoleMap& holes, const ImageView& from, const MutableImageView& to) {
  CheckFillTarget("CopyHoles", holes, to);
  Require(from.format == to.format && from.width == to.width && from.height == to.height,
          Code::kInvalidArgument, "CopyHoles: the pictures differ in size or format");
  HolePixels pixels;
  pixels.Reset(holes);
  for (size_t i = 0; i < pixels.size(); ++i) {
    for (int plane = 0; plane < from.format.num_planes(); ++plane) {
      const bool chroma = from.format.model == ColorModel::kYuv && plane > 0;
      const int x = pixels[i].x >> (chroma ? from.format.chroma_shift_x : 0);
      const int y = pixels[i].y >> (chroma ? from.format.chroma_shift_y : 0);
      pixels.colors[i][static_cast<size_t>(plane)] =
          from.format.type == SampleType::kU8
              ? static_cast<float>(from.Plane<uint8_t>(plane).At(x, y))
              : static_cast<float>(from.Plane<uint16_t>(plane).At(x, y));
    }
    pixels.known[i] = 1;
  }
  pixels.Store(to);
}

}  // namespace mdvt
