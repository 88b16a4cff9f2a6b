// SPDX-License-Identifier: Apache-2.0
//
// Scores of a depth video: how far from the truth, and how much it flickers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/run.h"
#include "mdvt/depth/accuracy_scores.h"
#include "mdvt/depth/temporal_scores.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

enum class AlignmentSpan {
  kClip,   // one fit for all frames
  kFrame,  // one for each, which hides flicker
};

struct EvalDepthJobOptions {
  JobOptions job;
  std::string depth_video;
  // At least one of the first two. Scores against the truth need truth_video, those over time
  // color_video, the temporal alignment error a transformation_file and a field of view.
  std::string truth_video, color_video, transformation_file;
  std::string baseline_video;  // scored in the same way, to compare with; may be empty
  std::string output;          // JSON; empty: <depth_video>_scores.json
  std::string html_output;     // a page with plots; empty: none
  std::string table_output;    // text; empty: none
  DepthReadingOptions depth, truth;
  DepthAlignment alignment = DepthAlignment::kNone;
  AlignmentSpan span = AlignmentSpan::kClip;
  TruthRange range;
  TaeVariant tae = TaeVariant::kFixed;
  double edge_step = 0.1;  // of neighbouring depths that are an edge, as a share. Valid: (0, 10]
  int edge_reach = 1;      // pixels. Valid: [0, 16]
  bool cuts = true;        // pairs across hard cuts are not compared
  FovOptions fov;          // nothing given: the tags of the truth, else of the depth

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, EvalDepthJobOptions* options);

// Of one video. What was not asked for is empty.
struct DepthScores {
  std::string path;
  std::optional<AccuracyResult> accuracy;
  DepthTransform alignment;  // of the clip
  std::optional<EdgeResult> edges;
  std::optional<TemporalResult> temporal;
  std::optional<double> opw;  // as the original computes it
  std::optional<double> tae;  // percent
  std::vector<double> abs_rel_of_frames, tae_of_pairs;
};

struct EvalDepthReport {
  int64_t frames = 0;
  std::string output;
  DepthScores scores;
  std::optional<DepthScores> baseline;
  int width = 0, height = 0;
};

EvalDepthReport RunEvalDepthJob(const EvalDepthJobOptions& options, const RunControl& control = {});

}  // namespace mdvt
