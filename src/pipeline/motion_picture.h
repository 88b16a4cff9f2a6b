// SPDX-License-Identifier: Apache-2.0
//
// What the estimator of depth from motion keeps of a frame while it waits for later ones.
#pragma once

#include <cstdint>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/depth/multi_view.h"

namespace mdvt {

struct MotionPicture {
  int64_t number = 0;  // counted from 0 over the clip
  int64_t index = 0, pts = 0, duration = 0;
  Camera camera;  // of `small`
  Image guide;    // luma at up to 1280 pixels a side
  Image small;    // luma at working size
  // Whether these are ours, not another name of the frame pushed or of `guide`.
  bool own_guide = false, own_small = false;
  // Depth of this frame from flow to earlier ones, as it was found when they were computed.
  std::vector<PackedInverseDepth> from_earlier;
};

// Mean luma of the area of each pixel of a smaller picture. The same image if the sizes agree.
// spare  an image of that size that nobody needs any more, or an empty one.
Image ReduceLuma(const Image& image, int width, int height, ThreadPool* pool, Image spare = {});

}  // namespace mdvt
