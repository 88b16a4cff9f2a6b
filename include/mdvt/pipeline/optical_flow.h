// SPDX-License-Identifier: Apache-2.0
//
// Where every pixel of a video moves from each frame to the next.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/pipeline/depth_model.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

// What the last frame, which has no next one, gets.
enum class LastFlow {
  kPrevious,  // the flow of the frame before it; none (zero) in a clip of one frame
  kSelf,      // its flow to itself
  kNone,      // nothing: the output has a frame less
};

struct OpticalFlowJobOptions {
  JobOptions job;
  std::string color_video;
  std::string output;       // picture; empty: <color_video>_opticalflow.mkv
  DepthModelOptions model;  // a network of kind "flow"; empty: dense inverse search, built in
  bool cpu = false;         // not on another device
  LastFlow last = LastFlow::kPrevious;
  // Motion in pixels that is shown in full colour; empty: a twentieth of the width.
  std::optional<double> max_flow;
  // Numbers, in folders: Middlebury .flo, 16-bit PNG as KITTI has them; empty: none.
  std::string save_flo;
  std::string save_png;
  // The same numbers as a lossless video, <color_video>_opticalflow16.mkv.
  bool save_numbers = false;
  // Vectors of PNG and that video are valid where following them forth and back misses the start by
  // less than so many pixels. Valid: (0, 1000].
  double max_round_trip = 1;

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, OpticalFlowJobOptions* options);

struct OpticalFlowReport {
  int64_t frames = 0;  // of the output
  std::string output;
  std::string numbers_output;  // empty if not asked for
  int64_t files = 0;           // in folders
  double mean_motion = 0;      // pixels, over all frames with a next one
  // Share of the vectors that are valid, where that was looked at.
  std::optional<double> valid_share;
};

// Throws what the reader, the network and the writers throw, and Error(kInvalidArgument) for a clip
// of one frame with LastFlow::kNone.
OpticalFlowReport RunOpticalFlowJob(const OpticalFlowJobOptions& options,
                                    const RunControl& control = {});

}  // namespace mdvt
