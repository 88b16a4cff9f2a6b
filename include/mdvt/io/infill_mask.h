// SPDX-License-Identifier: Apache-2.0
//
// The infill mask video: exact black keeps the rendered pixel, anything else is a hole whose colour
// tells in which direction the background lies.
#pragma once

#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"

namespace mdvt {

enum class InfillMaskStyle {
  kDirections,  // "normal8-v2": channel = round(255 (n + 1) / 2) of the unit vector n, 1..255
  kGreen,       // (0, 255, 0) for every hole
};

// Paints `holes` into an 8-bit RGB image of the same size (one eye, or half of a side-by-side one).
//   direction n   x = -1 or +1 times sqrt(1 - nz^2) toward the background, y = 0, nz <= 0 from the
//                 slope of the surface torn away; border holes point inward: (255, 127, 127) at the
//                 left border, (1, 127, 127) at the right one
// Throws Error(kInvalidArgument) if the size or format differs.
void PaintInfillMask(const HoleMap& holes, InfillMaskStyle style, const MutableImageView& mask);

// The reverse, for any generation of masks: pixels that are not black are holes; the background
// side of a span is the sign of its mean horizontal direction (dead zone 0.02 = kBoth).
HoleMap ReadInfillMask(const ImageView& mask);

}  // namespace mdvt
