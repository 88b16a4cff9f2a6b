// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/track_table.h"

namespace mdvt {

// How likely each pixel is at rest, 255 = surely, from the points of a frame: their probabilities,
// those of nearer ones counting more (normalised convolution with a Gaussian of a thirtieth of the
// width, computed on every eighth pixel). Where no point is near, 255.
// at_rest  per track, [0, 1]; below 0 is not known
// mask     Gray(8), 255 is 0 in the result; may be empty
Image MotionMap(const TrackSightings& points, const std::vector<float>& at_rest, const Image& mask,
                int width, int height, ThreadPool* pool);

}  // namespace mdvt
