// SPDX-License-Identifier: Apache-2.0
//
// Both eyes of a packed stereo video as two files.
#pragma once

#include <cstdint>
#include <string>

#include "mdvt/core/image.h"
#include "mdvt/core/run.h"
#include "mdvt/pipeline/encode_options.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

struct SplitSbsJobOptions {
  JobOptions job;
  std::string color_video;
  // Of the two files; a folder, or empty: beside the input. Their names are that of the input
  // without its ending, then _left.mkv and _right.mkv.
  std::string output;
  PackingChoice packing = PackingChoice::kAuto;
  bool squeezed =
      false;  // the views are at half their width or height: pixels get their shape back
  bool swap_eyes = false;  // the right eye comes first
  EncodeOptions encode;    // FFV1 unless x264 is asked for

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, SplitSbsJobOptions* options);

struct SplitSbsReport {
  int64_t frames = 0;
  std::string left_output;
  std::string right_output;
  bool top_bottom = false;
  int width = 0;  // of a view
  int height = 0;
};

// Decodes once. Sound, subtitles, chapters, metadata, times and colour tags go into both files. A
// view is floor(W / 2) or floor(H / 2) wide or high; what is left of an odd size is lost. Where the
// second view begins at an odd sample of halved chroma, both views are 4:4:4.
// Throws what the reader and the writers throw, and Error: kInvalidArgument (options, outputs are
// the input, a picture too small to be split), kRefused (the file says that it is packed in a way
// that cannot be split), kCancelled.
SplitSbsReport RunSplitSbsJob(const SplitSbsJobOptions& options, const RunControl& control = {});

}  // namespace mdvt
