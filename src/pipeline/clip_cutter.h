// SPDX-License-Identifier: Apache-2.0
//
// Frames of a video as a file of their own, without loss.
#pragma once

#include <cstdint>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

struct ClipCut {
  JobOptions job;  // frames job.reading.first_frame on, job.max_frames of them
  std::string input;
  std::string output;  // .mkv
  bool codes = false;  // the samples are codes (depth), not light
};
void Describe(OptionList* list, ClipCut* options);

// FFV1 in the video's own format, from time 0 on, without sound; colours, pixel aspect and the tags
// of mdvt are kept. Throws what reader and writer throw, Error(kCorrupt) for a video that ends
// before.
void CutClip(const ClipCut& cut, const RunControl& control);

}  // namespace mdvt
