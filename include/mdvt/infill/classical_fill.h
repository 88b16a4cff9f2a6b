// SPDX-License-Identifier: Apache-2.0
//
// Paints over parts of a single picture from what is around them.
#pragma once

#include <Eigen/Core>
#include <cstdint>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"

namespace mdvt {

// Replaces the pixels of `image` (planar, 8 to 16 bits) where `mask` is above 127, layer by layer
// from the outside: each becomes the mean of what is known within `radius` pixels, by the inverse
// square of the distance, continued by the gradients there. A chroma sample is replaced if a luma
// pixel that it stands for is. A picture that is masked all over stays as it is.
// radius  [1, 16]
// Throws Error(kInvalidArgument) if sizes differ, the format is floating point, or radius is out of
// range. The same bytes for every number of threads.
// Source: after A. Telea, An image inpainting technique based on the fast marching method, 2004.
void InpaintClassical(PlaneView<const uint8_t> mask, int radius, const MutableImageView& image,
                      ThreadPool* pool = nullptr);

// Replaces the motion of masked pixels, and of those within `margin` pixels of one, by that of the
// nearest others to the left, to the right, above and below, each weighted by the inverse of its
// distance; 0 where there are none. Throws Error(kInvalidArgument) if sizes differ.
void InterpolateFlow(PlaneView<const uint8_t> mask, int margin, PlaneView<Eigen::Vector2f> flow);

}  // namespace mdvt
