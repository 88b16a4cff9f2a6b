// SPDX-License-Identifier: Apache-2.0
//
// What the options of a stereo job mean, once names, rules and endings have been looked at.
#pragma once

#include <string>

#include "mdvt/pipeline/jobs.h"
#include "mdvt/stereo/renderer.h"

namespace mdvt {

enum class BaselineRule { kPlain, kMaster, kOrtho };  // see StereoJobOptions::baseline_scale

enum class HoleFill {
  kFill,  // built-in direction-aware fill
  kBlack,
};

struct StereoSettings {
  std::string output;
  VideoCodec codec = VideoCodec::kFfv1;
  StereoOptions stereo;
  BaselineRule baseline_rule = BaselineRule::kPlain;
  double master_xfov_deg = 45;
  double baseline_scale = 1;
};

StereoSettings Settle(const StereoJobOptions& options);
CanvasOptions StereoCanvas(const StereoJobOptions& options);

}  // namespace mdvt
