// SPDX-License-Identifier: Apache-2.0
//
// Cameras from tracks alone, without depth: where AlignCameras() starts then, and in which unit its
// answer comes.
#pragma once

#include "mdvt/core/track_table.h"
#include "mdvt/geometry/alignment.h"

namespace mdvt {

// Sets `start` to the poses that CameraPath finds for the camera and cuts of `alignment`, in a unit
// of their own, and a `motion` of kAuto to kRotation where nearly no frame translates, else to
// kFree.
void StartFromPath(const TrackTable& tracks, AlignmentOptions* alignment);

// No picture tells how large the world is: makes the median depth of the placed points in the first
// frame that sees some `scene_scale` metres, for each shot by itself.
void ScaleShots(const TrackTable& tracks, double scene_scale, CameraAlignment* found);

}  // namespace mdvt
