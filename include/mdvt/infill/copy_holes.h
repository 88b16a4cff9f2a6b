// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"

namespace mdvt {

// Copies the holes of a picture from another one of the same format and size, and nothing else. A
// chroma sample is copied if all luma pixels that it stands for are holes.
// Throws Error(kInvalidArgument) if sizes or formats differ.
void CopyHoles(const HoleMap& holes, const ImageView& from, const MutableImageView& to);

}  // namespace mdvt
