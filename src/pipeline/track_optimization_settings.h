// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "mdvt/pipeline/track_optimization.h"

namespace mdvt {

struct TrackOptimizationFiles {
  std::string left, depth, tracks, poses;
};
TrackOptimizationFiles FilesOf(const TrackOptimizationJobOptions& options);
std::string TrackOptimizationOutput(const TrackOptimizationJobOptions& options);

}  // namespace mdvt
