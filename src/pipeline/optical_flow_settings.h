// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "mdvt/pipeline/optical_flow.h"

namespace mdvt {

std::string OpticalFlowOutput(const OpticalFlowJobOptions& options);
// "clip.mp4_opticalflow16.mkv", in the same folder.
std::string FlowNumbersOutput(const OpticalFlowJobOptions& options);

}  // namespace mdvt
