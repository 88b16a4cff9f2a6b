// SPDX-License-Identifier: Apache-2.0
//
// What is told to a network that sees frames together, of kind "depth_video" or "depth_stream". Its
// scale starts anew with each scene.
#pragma once

#include <optional>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/depth/disparity_fit.h"

namespace mdvt {

struct SceneDepthOptions {
  Camera camera;       // of the frames
  int input_size = 0;  // as in ModelDepthOptions

  // Makes a relative network metric: one for each scene, in order; the last one holds for all that
  // follow. Without it and without median_depth its estimates are relative disparity.
  std::vector<DisparityCalibration> calibrations;
  // The same by the rule of CalibrateByMedian() on the first frame of each scene. Valid:
  // (0, 10000] metres.
  std::optional<double> median_depth;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

}  // namespace mdvt
