// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "mdvt/pipeline/undistort.h"

namespace mdvt {

// The name of the colours, and of the depth.
std::string UndistortOutput(const UndistortJobOptions& options);
std::string UndistortDepthOutput(const UndistortJobOptions& options);

}  // namespace mdvt
