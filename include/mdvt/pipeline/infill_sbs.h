// SPDX-License-Identifier: Apache-2.0
//
// Fills the holes of a finished side-by-side video without a network.
#pragma once

#include <cstdint>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/infill/normal_fill.h"
#include "mdvt/infill/observed_fill.h"
#include "mdvt/pipeline/encode_options.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/pipeline/view_options.h"

namespace mdvt {

enum class InfillMethod {
  kNormal,       // FillAlongNormals: the original toolbox's way
  kDirectional,  // DirectionalFill
  kObserved,     // ObservedFill with a depth video, else FlowFill
};

struct InfillSbsJobOptions {
  JobOptions job;
  std::string sbs_color_video;
  std::string sbs_mask_video;
  std::string output;  // empty: <sbs_color_video>_infilled.mkv
  InfillMethod method = InfillMethod::kDirectional;
  NormalFillOptions normal;

  // kObserved
  ObservedFillOptions observed;
  int window = 24;  // frames before and after that are looked at; [1, 240]
  // The clip that the eyes were rendered of, and its depth; empty: neither is known, and the
  // background is followed by its motion.
  std::string color_video;
  std::string depth_video;
  DepthReadingOptions depth;
  FovOptions fov;                   // nothing given: as the depth video's tags say
  std::string transformation_file;  // camera-to-world; empty: the camera is at rest
  std::string mask_video;           // white moves and is no background; empty: nothing is known
  MetricEyeOptions eyes;            // as the eyes were rendered
  bool swap_eyes = false;           // the right eye is on the left, other than the file says
  // Where each pixel is from, as Provenance; empty: nowhere.
  std::string provenance_output;

  EncodeOptions encode;  // FFV1 unless the output's ending or an option says otherwise

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, InfillSbsJobOptions* options);

struct InfillSbsReport {
  int64_t frames = 0;
  std::string output;
  double hole_share = 0;      // of all pixels
  double observed_share = 0;  // of the holes; 0 but for kObserved
  int width = 0;
  int height = 0;
};

// Pixels that are no holes stay as they are, but for kNormal with blend_rim. Sound, subtitles,
// times and tags are those of the side-by-side video. Memory: kObserved holds 2 window + 1 frames.
// Throws what the readers and the writers throw, and Error: kCorrupt (a mask of another size, that
// is no mask, or a hole everywhere; an odd width; a depth or colour video of another size than an
// eye; videos that end before the others), kLimit (a window that takes more
// memory than job.limits.max_frame_buffer_bytes), kCancelled.
InfillSbsReport RunInfillSbsJob(const InfillSbsJobOptions& options, const RunControl& control = {});

}  // namespace mdvt
