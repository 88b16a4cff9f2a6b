// SPDX-License-Identifier: Apache-2.0
//
// The focal length that a map of 3D points implies: what tells the field of view where an estimator
// gives points instead of depth.
#pragma once

#include <cstdint>

#include "mdvt/core/camera.h"
#include "mdvt/core/image.h"

namespace mdvt {

struct FocalEstimate {
  Camera camera;       // centred, width x height of the maps
  int64_t pixels = 0;  // that agree with it
  double share = 0;    // of the pixels with data, in [0, 1]
};

// Fits fx and fy of a centred pinhole camera to the points that its pixels show.
//
//   fx = sum (u + 0.5 - cx) (X / Z) / sum (X / Z)^2      fy likewise, with v and Y
//
// This least squares form is not upset by pixels near the axis, as a mean of ratios would be.
// Pixels whose residual is over three times the median one are left out and the fit repeated, five
// times at most.
//
// x, y, z  H x W, metres, camera frame; pixels with z <= 0 or values that are not finite have no
//          data.
// Throws Error(kInvalidArgument) if the sizes differ or are empty, Error(kRefused) if fewer than 16
// pixels have data or none is off the axis: the focal length cannot be known then.
FocalEstimate FocalFromPoints(const PlaneView<const float>& x, const PlaneView<const float>& y,
                              const PlaneView<const float>& z);

}  // namespace mdvt
