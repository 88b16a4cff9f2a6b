// SPDX-License-Identifier: Apache-2.0
//
// A depth video brought to the size of its color video, along the edges of the pictures.
#pragma once

#include <cstdint>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/depth/depth_upscaler.h"
#include "mdvt/pipeline/depth_model.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

struct UpscaleDepthJobOptions {
  JobOptions job;
  std::string depth_video;
  std::string color_video;
  std::string output;  // empty: <depth_video>_upscaled.mkv
  DepthReadingOptions depth;
  GuidedUpscalerOptions guided;
  DepthModelOptions model;  // empty: without a network
  PromptUpscalerOptions prompt;

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, UpscaleDepthJobOptions* options);

struct UpscaleDepthReport {
  int64_t frames = 0;
  std::string output;
  std::string model;  // its name in its metadata; empty: none
  int width = 0, height = 0;
  int small_width = 0, small_height = 0;  // of the depth that was read
};

// The output has encoding, range, field of view and times of the input, and the size of the colour
// video. Throws what the readers throw, Error(kInvalidArgument) for a colour video that is smaller,
// or shorter or longer.
UpscaleDepthReport RunUpscaleDepthJob(const UpscaleDepthJobOptions& options,
                                      const RunControl& control = {});

}  // namespace mdvt
