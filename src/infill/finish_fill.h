// SPDX-License-Identifier: Apache-2.0
//
// What fillers check at the beginning, and what those that look into other frames do at the end.
#pragma once

#include "infill/hole_pixels.h"
#include "mdvt/infill/observed_fill.h"

namespace mdvt {

// Throws Error(kInvalidArgument) unless picture, holes and provenance fit together.
void CheckFillTarget(const char* who, const HoleMap& holes, const MutableImageView& picture,
                     const PlaneView<uint8_t>& provenance = {});

// Writes the colours that are known, continues the background over the other holes, mixes a share
// of the foreground into the pixels beside it, and tells which pixel is from where.
FillCounts FinishFill(const HolePixels& found, const HoleMap& holes, double soft_rim,
                      DirectionalFill* rest, HoleMap* remaining, const MutableImageView& picture,
                      PlaneView<uint8_t> provenance);

}  // namespace mdvt
