// SPDX-License-Identifier: Apache-2.0
//
// How comfortable a finished stereo video is to look at, whoever made it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mdvt/core/run.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/pipeline/view_options.h"
#include "mdvt/stereo/stereo_quality.h"

namespace mdvt {

// Whether each view has half its width (side by side) or height (top-bottom) only.
enum class SqueezeChoice {
  kAuto,  // as the shape of the views says
  kOff,
  kOn,
};

struct CheckStereoJobOptions {
  JobOptions job;
  std::string input;
  std::string json;  // where to write the figures, of each frame too; empty: nowhere
  std::string html;  // a page with plots; empty: nowhere
  // kAuto: as the file says; where it says nothing, as the shape of the frame and the likeness of
  // its halves say.
  PackingChoice packing = PackingChoice::kAuto;
  SqueezeChoice squeezed = SqueezeChoice::kAuto;
  bool swap_eyes = false;  // the right eye comes first
  ViewerGeometry viewer;
  int working_width = 480;  // of the reduced views that are measured, pixels. Valid: [64, 4096].
  StereoMeasureOptions measure;
  SceneCuts cuts = SceneCuts::kAuto;
  std::string scene_file;

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, CheckStereoJobOptions* options);

struct CheckStereoReport {
  bool top_bottom = false;
  bool squeezed = false;
  bool right_eye_first = false;  // as it was taken
  int width = 0;                 // of a view, as stored
  int height = 0;
  int working_width = 0;  // of the reduced views
  int working_height = 0;
  StereoClipQuality clip;
  // Of each frame.
  std::vector<StereoFrameQuality> frames;
  std::vector<double> seconds;
};

// Decodes once; both views are reduced to `working_width` and matched in both directions. Memory:
// some frames, and 200 bytes for each frame of the clip.
// Throws what the reader throws, and Error: kInvalidArgument (options, a picture too small),
// kRefused (the file says that it is packed in another way; no two views that match), kCancelled.
CheckStereoReport RunCheckStereoJob(const CheckStereoJobOptions& options,
                                    const RunControl& control = {});

// The figures for a person, some lines.
std::string CheckStereoText(const CheckStereoJobOptions& options, const CheckStereoReport& report);

}  // namespace mdvt
