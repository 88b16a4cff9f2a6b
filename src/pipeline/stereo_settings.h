// SPDX-License-Identifier: Apache-2.0
//
// What the options of a stereo job mean, once names, rules and endings have been looked at.
#pragma once

#include <string>

#include "mdvt/pipeline/jobs.h"

namespace mdvt {

struct StereoSettings {
  std::string output;
  VideoCodec codec = VideoCodec::kFfv1;
};

StereoSettings Settle(const StereoJobOptions& options);
CanvasOptions StereoCanvas(const StereoJobOptions& options);

}  // namespace mdvt
