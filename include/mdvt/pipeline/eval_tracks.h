// SPDX-License-Identifier: Apache-2.0
//
// Measures tracks against known ones, or against depth and the camera's path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/tracking/track_metrics.h"

namespace mdvt {

struct EvalTracksJobOptions {
  JobOptions job;
  std::string track_file;
  std::string output;      // empty: <track_file>_eval.json
  std::string save_table;  // the same as text; empty: nowhere
  std::string save_html;   // the same as a page with a plot; empty: nowhere
  TrackQuery query = TrackQuery::kFirst;

  // What is true: another tracking file with the same ids ...
  std::string truth_file;
  std::optional<int> width;  // of the video; from depth_video where that is given
  std::optional<int> height;
  // ... or a depth video and the camera's path: each track is where the surface point goes that it
  // first saw, as far as nothing moves by itself.
  std::string depth_video;
  std::string transformation_file;
  DepthReadingOptions depth;
  FovOptions fov;
  // There a point is hidden if the surface in front of it is nearer by more than this share.
  // Valid: (0, 1).
  double hidden_by = 0.03;

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, EvalTracksJobOptions* options);

struct EvalTracksReport {
  int64_t frames = 0;
  std::string output;
  TrackMetrics metrics;
};

// Throws what the readers throw, Error(kCorrupt) for tracks of another picture or length,
// and Error(kRefused) if there is nothing to compare.
EvalTracksReport RunEvalTracksJob(const EvalTracksJobOptions& options,
                                  const RunControl& control = {});

}  // namespace mdvt
