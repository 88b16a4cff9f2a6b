// SPDX-License-Identifier: Apache-2.0
//
// Optical flow as Middlebury .flo files.
#pragma once

#include <Eigen/Core>

#include "mdvt/core/image.h"
#include "mdvt/io/output_set.h"

namespace mdvt {

// "PIEH", width and height as 32-bit whole numbers, then u and v of each pixel as 32-bit floats,
// row by row; all little-endian. Throws Error(kInvalidArgument) without pixels, and as
// OutputSet::AddFile().
void WriteFlo(const OutputTarget& target, PlaneView<const Eigen::Vector2f> flow);

}  // namespace mdvt
