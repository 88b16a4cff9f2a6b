// SPDX-License-Identifier: Apache-2.0
//
// Removes logos, captions and other things from a video.
#pragma once

#include <cstdint>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/infill/static_overlay.h"
#include "mdvt/pipeline/depth_model.h"
#include "mdvt/pipeline/encode_options.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

struct InpaintJobOptions {
  JobOptions job;
  std::string color_video;
  std::string output;  // empty: <color_video>_inpainted.mkv
  // White (above 127) is painted over: a PNG or JPEG for all frames, or a video. Empty: what stands
  // still before a moving picture is looked for.
  std::string mask;
  std::string mask_output;  // where to write a mask that was found, as PNG; empty: nowhere
  StaticOverlayOptions overlay;
  int dilate = 1;               // pixels that the mask grows by first; [0, 256]
  int blend = 2;                // pixels around it over which the picture passes into it; [0, 64]
  bool temporal = true;         // look into other frames
  int window = 24;              // so many before and after; [1, 240]
  double color_tolerance = 16;  // see ObservedFillOptions
  int radius = 5;               // of InpaintClassical
  // "inpaint", for what no frame has seen; empty: InpaintClassical.
  DepthModelOptions model;
  EncodeOptions encode;

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, InpaintJobOptions* options);

struct InpaintReport {
  int64_t frames = 0;
  std::string output;
  double mask_share = 0;      // mean share of the pixels that were painted over
  double observed_share = 0;  // of them: seen in other frames
  int width = 0;
  int height = 0;
};

// Nothing outside the mask and its blended border changes: with the lossless default, not by a bit.
// Sound, times and other streams are those of the input. Throws what readers, writers and models
// throw, and Error: kCorrupt (a mask of another size or length, black or white all over), kRefused
// (no overlay can be found), kLimit (a window that takes too much memory), kCancelled.
InpaintReport RunInpaintJob(const InpaintJobOptions& options, const RunControl& control = {});

}  // namespace mdvt
