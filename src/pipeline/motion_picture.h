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
  Camera camera;           // at working size
  Image guide;             // luma at working size or larger
  bool own_guide = false;  // not another name of the frame pushed
  // Depth of this frame from flow to earlier ones, as it was found when they were computed.
  std::vector<PackedInverseDepth> from_earlier;
};

// Mean luma of the area of each pixel of a smaller picture. The same image if the sizes agree.
// spare  an image of that size that nobody needs any more, or an empty one.
Image ReduceLuma(const Image& image, int width, int height, ThreadPool* pool, Image spare = {});

// Luma at working size. Made anew wherever it is needed: kept with every frame that waits it would
// take a few megabytes, made it takes a fraction of a millisecond.
inline Image WorkingLuma(const MotionPicture& picture, ThreadPool* pool) {
  return ReduceLuma(picture.guide, picture.camera.width, picture.camera.height, pool);
}

}  // namespace mdvt
