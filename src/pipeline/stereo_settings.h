// SPDX-License-Identifier: Apache-2.0
//
// What the options of a stereo job mean, once names, rules and endings have been looked at.
#pragma once

#include <string>

#include "mdvt/pipeline/jobs.h"

namespace mdvt {

struct StereoSettings {
  std::string output;
  std::string depth_output;       // empty: none is wanted
  std::string background_output;  // the same
  VideoCodec codec = VideoCodec::kFfv1;
};

StereoSettings Settle(const StereoJobOptions& options);
CanvasOptions StereoCanvas(const StereoJobOptions& options);
// The options of the frame with the layout that a flag stands for.
FrameOptions StereoFrame(const StereoJobOptions& options);

}  // namespace mdvt
