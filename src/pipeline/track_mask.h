// SPDX-License-Identifier: Apache-2.0
//
// Where a mask video lets points be.
#pragma once

#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/pipeline/track_mask_options.h"

namespace mdvt {

// Turns masks into pictures of another size, `width` x `height`, for a video of `full_width` x
// `full_height`: Gray(8), 0 where the mask is above the threshold in a pixel, or in one that lies
// `dilation` pixels of the video away at most (in both directions). A mask of another size is
// taken by its nearest pixel.
class TrackMask {
 public:
  TrackMask(const TrackMaskOptions& options, int full_width, int full_height, int width, int height)
      : options_(options),
        full_width_(full_width),
        full_height_(full_height),
        width_(width),
        height_(height) {}

  Image Allowed(const Image& mask) const;

 private:
  TrackMaskOptions options_;
  int full_width_, full_height_, width_, height_;
};

}  // namespace mdvt
