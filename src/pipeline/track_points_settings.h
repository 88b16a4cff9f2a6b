// SPDX-License-Identifier: Apache-2.0
//
// What the job of tracking and others need of its options.
#pragma once

#include <string>

#include "mdvt/pipeline/track_points.h"

namespace mdvt {

std::string TrackPointsOutput(const TrackPointsJobOptions& options);
// In the same folder.
std::string VisualizationOutput(const TrackPointsJobOptions& options);

struct ToolReport;
void Describe(ToolReport* to, const TrackPointsJobOptions& options,
              const TrackPointsReport& report);

}  // namespace mdvt
