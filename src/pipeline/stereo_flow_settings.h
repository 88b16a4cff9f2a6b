// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "mdvt/pipeline/stereo_flow.h"

namespace mdvt {

std::string StereoFlowOutput(const StereoFlowJobOptions& options);
// "a/b_disparity.mkv" beside "a/b.mkv".
std::string DisparityOutput(const std::string& output);

}  // namespace mdvt
