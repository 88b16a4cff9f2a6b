// SPDX-License-Identifier: Apache-2.0
//
// The simple way to two eyes: each pixel looks up the picture where its own disparity points to.
#pragma once

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"

namespace mdvt {

//   h(x) = (convergence - disparity(x)) shift / 2
//   left(x) = color(x + h(x)),   right(x) = color(x - h(x))
//
// along each row, linear between samples, the border repeated. Edges of near objects stretch and
// double, because the disparity of the target pixel stands in for that of the source:
// StereoRenderer does not have that fault; this one is here to compare with older converters.
// Positions are exact to 1e-6 pixels, at any width. Chroma moves by the mean disparity of the luma
// samples beside it. The same bytes for every thread count.
//
// color        planar, 8 to 16 bits, any subsampling up to 1 in x and y
// disparity    W x H, 0 = farthest, 1 = nearest
// shift        parallax between disparity 0 and 1, in pixels
// convergence  disparity on the screen
// left, right  format and size of `color`
// Throws Error(kInvalidArgument) if sizes or formats disagree or a number is not finite.
void BackwardWarp(const ImageView& color, PlaneView<const float> disparity, double shift,
                  double convergence, const MutableImageView& left, const MutableImageView& right,
                  int chroma_location = 0, ThreadPool* pool = nullptr);

}  // namespace mdvt
