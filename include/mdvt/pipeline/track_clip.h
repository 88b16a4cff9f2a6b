// SPDX-License-Identifier: Apache-2.0
//
// Points all over the left view of a stereo clip, followed: a step of Stereo4D.
#pragma once

#include "mdvt/core/run.h"
#include "mdvt/pipeline/stereo4d_options.h"
#include "mdvt/pipeline/track_points.h"

namespace mdvt {

// color_video and pickle_output follow from the clip; output may be empty.
struct TrackClipJobOptions : TrackPointsJobOptions {
  Stereo4dClipOptions clip;
  bool emit_pickle = false;  // <name>-tapir_2d.pkl in the folder of the clip

  // A point every four pixels, and every tenth frame where none is any more.
  TrackClipJobOptions() {
    points = 16384;
    steps_between_init = 10;
    continuous = false;
    seeding = PointSeeding::kGrid;
  }
  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, TrackClipJobOptions* options);

// Writes <left view>_tracking.json, which track_optimization takes. Throws what RunTrackPointsJob()
// throws.
TrackPointsReport RunTrackClipJob(const TrackClipJobOptions& options,
                                  const RunControl& control = {});

}  // namespace mdvt
