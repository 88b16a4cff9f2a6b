// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "mdvt/pipeline/track_optimization.h"
#include "pipeline/clip_tracks.h"

namespace mdvt {

ClipTrackFiles FilesOf(const TrackOptimizationJobOptions& options);
std::string TrackOptimizationOutput(const TrackOptimizationJobOptions& options);

}  // namespace mdvt
