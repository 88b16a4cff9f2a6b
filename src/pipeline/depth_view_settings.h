// SPDX-License-Identifier: Apache-2.0
//
// What the options of the depth viewer mean, once names and endings have been looked at.
#pragma once

#include <string>

#include "mdvt/pipeline/depth_view.h"

namespace mdvt {

struct DepthViewSettings {
  std::string output;
  std::string depth_output;  // empty: none
  VideoCodec codec = VideoCodec::kFfv1;
};

DepthViewSettings Settle(const DepthViewJobOptions& options);

// Whether the camera path is a file and not a name.
bool IsFile(const ViewpointOptions& options);

}  // namespace mdvt
