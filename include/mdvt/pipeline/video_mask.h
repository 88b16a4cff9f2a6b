// SPDX-License-Identifier: Apache-2.0
//
// Masks of what a video is about, or of what moves in it.
#pragma once

#include <cstdint>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/infill/mask_steadier.h"
#include "mdvt/infill/motion_score.h"
#include "mdvt/pipeline/depth_model.h"
#include "mdvt/pipeline/encode_options.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/pipeline/view_options.h"

namespace mdvt {

enum class MaskFormat {
  kGray8,
  kRgb8,  // three equal channels, as the original toolbox writes
};

struct VideoMaskJobOptions {
  JobOptions job;
  std::string color_video;
  std::string output;       // empty: <color_video>_mask.mkv
  DepthModelOptions model;  // of the contract "segment"; empty: what moves on its own
  // As the original toolbox: each mask is stretched to the whole range and stays soft, frame by
  // frame; see ModelMaskOptions::per_picture. Needs a model.
  bool parity = false;
  bool soft = false;    // grey edges; else black and white
  bool invert = false;  // black is the subject
  int dilate = 0;       // pixels that the mask grows by, before it is inverted; [-1024, 1024]
  MaskFormat format = MaskFormat::kGray8;
  SteadyMaskOptions steady;
  MotionScoreOptions motion;  // without a model
  SceneCuts cuts = SceneCuts::kAuto;
  std::string scene_file;

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, VideoMaskJobOptions* options);

struct VideoMaskReport {
  int64_t frames = 0;
  std::string output;
  double mask_share = 0;  // mean share of pixels that are masked
  std::string model;      // its name; empty: motion
  int width = 0;
  int height = 0;
};

// FFV1 in Matroska, of the video's size and times, without sound; white is the subject. Memory does
// not grow with the clip. Throws what the reader, the writer and the model throw, and
// Error(kCancelled).
VideoMaskReport RunVideoMaskJob(const VideoMaskJobOptions& options, const RunControl& control = {});

}  // namespace mdvt
