// SPDX-License-Identifier: Apache-2.0
//
// Metric depth of a stereo pair: matching of both views, and what it says of the distance.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/depth/stereo_depth.h"
#include "mdvt/pipeline/depth_model.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/pipeline/stereo4d_options.h"

namespace mdvt {

struct StereoFlowJobOptions {
  JobOptions job;
  Stereo4dClipOptions clip;
  // Or any two views whose rows match, and their lens.
  std::string left_video, right_video;
  FovOptions fov;
  std::optional<double> baseline;   // metres; empty: of the clip
  std::string output;               // depth of the left view; empty: see StereoFlowOutput()
  DepthModelOptions model;          // a network of kind "flow"; empty: a sweep along the rows
  StereoDepthOptions matching;      // focal_px, baseline and smoothing follow from the rest
  std::optional<int> smoothing;     // pixels; empty: 6, with a network 0
  std::optional<double> max_depth;  // metres, of the depth file; empty: 100
  DepthEncoding encoding = DepthEncoding::kRgb16;
  bool emit_pickle = false;     // <name>-flows_stereo.pkl in the folder of the clip
  bool save_disparity = false;  // <output>, its ending replaced by _disparity.mkv

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, StereoFlowJobOptions* options);

struct StereoFlowReport {
  int64_t frames = 0;
  std::string output;
  std::string disparity_output;  // empty if not asked for
  std::string pickle;            // the same
  int width = 0;
  int height = 0;
  StereoDepthCounts counts;  // of all frames
  // By which rows of the two views differ, pixels; empty where too little was found to tell.
  std::optional<double> vertical_median;
};

// Writes the depth of the left view as a depth video, tagged with its field of view, at the times
// of the left video; with emit_pickle also displacements in both directions as Stereo4D's program
// keeps them, a list with a dict of fwd and bwd, float32 (height, width, 2), for each frame; with
// save_disparity also a gray 16-bit video of round(256 d), 0 where depth is
// not known. One pair of frames is held at a time, and those of one pass of a network. Throws what
// the readers, the network and the writers throw, and Error: kInvalidArgument (options; views of
// different size), kCorrupt (views of different length, or in which nothing matches; a clip whose
// file and videos disagree), kCancelled.
StereoFlowReport RunStereoFlowJob(const StereoFlowJobOptions& options,
                                  const RunControl& control = {});

}  // namespace mdvt
