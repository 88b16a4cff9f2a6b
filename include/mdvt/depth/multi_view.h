// SPDX-License-Identifier: Apache-2.0
//
// Depth as its inverse, whose errors are even: what is measured is a displacement in pixels, and
// that is linear in inverse depth, not in depth.
#pragma once

#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/pose.h"

namespace mdvt {

// 1 / z per pixel and how sure it is, row by row.
struct InverseDepthMap {
  int width = 0;
  int height = 0;
  std::vector<float> value;  // 1 / z, of the unit that the poses have; 0 = not known
  std::vector<float> sigma;  // standard deviation of value, where that is known

  void Reset(int new_width, int new_height);  // all unknown
  bool empty() const { return value.empty(); }
};

// What the frame with inverse depth `map` looks like from another camera: every pixel is carried to
// where it lies there, the nearest surface wins. Pixels that nothing reaches stay unknown, but for
// gaps of one pixel. Sigma is carried along (relative to the value) and grows by `growth` of the
// value.
void ReprojectInverseDepth(const InverseDepthMap& map, const Camera& camera,
                           const Camera& other_camera, const Pose& other_from_cam, float growth,
                           InverseDepthMap* result);

}  // namespace mdvt
