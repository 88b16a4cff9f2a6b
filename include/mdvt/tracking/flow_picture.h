// SPDX-License-Identifier: Apache-2.0
//
// Optical flow as pictures: for the eye, and as numbers.
#pragma once

#include "mdvt/core/image.h"
#include "mdvt/tracking/dense_flow.h"

namespace mdvt {

// The colour wheel that flow is usually shown with: the hue is the direction (right is red, down
// yellow, left cyan, up blue), white is no motion, and full colour a motion of `full` pixels; what
// is longer is darker by a quarter.
// picture  Rgb(8) of the size of the flow, else Error(kInvalidArgument), as for full <= 0
// Source   S. Baker et al., A database and evaluation methodology for optical flow, 2011.
void DrawFlow(const FlowField& flow, double full, const MutableImageView& picture);

// The numbers, as KITTI has them: round(64 u) + 32768, round(64 v) + 32768 and 1 where the vector
// is valid. A pixel that is not valid is 0, 0, 0. Vectors of 512 pixels and more do not fit and are
// not valid. error    distance per pixel between there and back, see RoundTripError(); empty: all
// are valid most     the largest error of a valid vector, pixels picture  Rgb(16) of the size of
// the flow, else Error(kInvalidArgument)
void EncodeFlow(const FlowField& flow, PlaneView<const float> error, float most,
                const MutableImageView& picture);

}  // namespace mdvt
