// SPDX-License-Identifier: Apache-2.0
//
// The infill mask video: exact black keeps the rendered pixel, anything else is a hole whose colour
// tells in which direction the background lies.
#pragma once

#include <optional>

#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"

namespace mdvt {

enum class InfillMaskStyle {
  kDirections,  // "normal8-v2": channel = 255 (n + 1) / 2 of the unit vector n, rounded, 1..255
  kGreen,       // (0, 255, 0) for every hole
  // What older tools read:
  kEnds,   // green with one red pixel at the near end and a blue one at the background end
  kWhite,  // (255, 255, 255) for every hole
};

// Paints `holes` into an 8-bit RGB image of the same size (one eye, or half of a side-by-side one).
// n is the normal of the surface that was torn away, turned to the camera, in the camera's axes:
//   x = +1 or -1 times sqrt(1 - z^2), toward the background; y = 0
//   z = -dx / hypot(dx, dz) with dx = far_depth / focal_px, dz = far_depth - near_depth: one pixel
//       of the source spans the tear; 0 where a depth or the focal length is not known
// Holes at the left border are (255, 127, 127), at the right one (1, 127, 127), whole rows
// (127, 127, 127), or (127, 255, 127) where the nearest row with data is below, (127, 1, 127) where
// it is above: a half rounds down, and no channel of a hole is 0. focal_px  focal length of the
// view in pixels; 0 = not known. Valid: [0, inf) Throws Error(kInvalidArgument) if the size or
// format differs or a span leaves its row.
void PaintInfillMask(const HoleMap& holes, InfillMaskStyle style, const MutableImageView& mask,
                     double focal_px = 0);

// The same for the rows of the mask from y on: `band` has the width of the holes, and its rows are
// within their height.
void PaintInfillMaskRows(const HoleMap& holes, InfillMaskStyle style, int y,
                         const MutableImageView& band, double focal_px = 0);

// How the colours of a mask are meant; all three are in use.
enum class InfillMaskCode {
  kWhite,       // no directions
  kEnds,        // green, with one red pixel at the near end and a blue one at the background end
  kDirections,  // see above; masks of green alone have no directions
};

// Which one a frame follows: white alone, pure red, green and blue alone, or anything else. Empty
// if it has no holes. A file follows one code: ask until a frame tells.
std::optional<InfillMaskCode> DetectInfillMaskCode(const ImageView& mask);

struct InfillMaskReadOptions {
  // Empty: DetectInfillMaskCode() of the frame itself.
  std::optional<InfillMaskCode> code;
  // Pixels with a channel above this are holes. 0 is right for lossless masks; 16 keeps the noise
  // of lossy ones out. Valid: [0, 254].
  int threshold = 0;
  void Check() const;
};

// The reverse: holes of an 8-bit RGB mask of one eye. The background side of a span is the sign of
// its mean horizontal direction (dead zone 0.02 = kBoth); where clear directions (beyond 0.25) turn
// round within a row of hole pixels, a new span begins. Depths at the rims are 0: not known.
// Throws Error(kInvalidArgument) if the format differs.
HoleMap ReadInfillMask(const ImageView& mask, const InfillMaskReadOptions& options = {});

}  // namespace mdvt
