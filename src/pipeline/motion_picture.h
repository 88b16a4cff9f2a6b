// SPDX-License-Identifier: Apache-2.0
//
// What the estimator of depth from motion keeps of a frame while it waits for later ones.
#pragma once

#include <cstdint>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/depth/plane_sweep.h"

namespace mdvt {

struct MotionPicture {
  int64_t number = 0;  // counted from 0 over the clip
  int64_t index = 0, pts = 0, duration = 0;
  Camera camera;           // of the size that depth is computed at
  Image guide;             // luma at that size or larger
  bool own_guide = false;  // not another name of the frame pushed
  SweepPicture sweep;      // at the camera's size
};

// Luma of an RGB picture, full range.
Image LumaOf(const Image& rgb, ThreadPool* pool);

// Mean of the area of each pixel of a smaller picture of one plane. The same image if the sizes
// agree. spare  an image of that size that nobody needs any more, or an empty one.
Image ReduceLuma(const Image& image, int width, int height, ThreadPool* pool, Image spare = {});

// Luma at the size that depth is computed at. Made anew wherever it is needed: kept with every
// frame that waits it would take megabytes, made it takes a fraction of a millisecond.
inline Image SmallLuma(const MotionPicture& picture, ThreadPool* pool) {
  return ReduceLuma(picture.guide, picture.camera.width, picture.camera.height, pool);
}

}  // namespace mdvt
