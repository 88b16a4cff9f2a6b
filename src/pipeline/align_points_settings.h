// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mdvt/pipeline/align_points.h"
#include "mdvt/pipeline/sam_track.h"
#include "pipeline/camera_outputs.h"

namespace mdvt {

// The names of what these jobs write.
CameraFiles CameraFilesOf(const AlignPointsJobOptions& options);
CameraFiles CameraFilesOf(const SamTrackJobOptions& options);

}  // namespace mdvt
