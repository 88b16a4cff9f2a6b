// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/eval_tracks.h"
#include "pipeline/eval_tracks_settings.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const EvalTracksJobOptions& options, const EvalTracksReport& report) {
  const TrackMetrics& metrics = report.metrics;
  AddOutputs(to, report.frames, {report.output, options.save_table, options.save_html});
  to->summary = "AJ " + FormatFixed(metrics.average_jaccard, 3) + ", delta " +
                FormatFixed(metrics.delta_average, 3) + ", OA " +
                FormatFixed(metrics.occlusion_accuracy, 3) + ", median error " +
                FormatFixed(metrics.median_error, 2) + " pixels";
  to->Add("average_jaccard", metrics.average_jaccard, "AJ, from 0 to 1");
  to->Add("delta_average", metrics.delta_average, "visible points that are close, from 0 to 1");
  to->Add("occlusion_accuracy", metrics.occlusion_accuracy, "OA, from 0 to 1");
  to->Add("survival", metrics.survival, "share of its frames until a track is lost");
  to->Add("median_error", metrics.median_error, "pixels of the video");
  to->Add("tracks", metrics.tracks, "known tracks");
  to->Add("missing", metrics.missing, "of those, not in the file");
}

std::string OutputOf(const EvalTracksJobOptions& options) { return EvalTracksOutput(options); }

ToolInfo EvalTracksTool() {
  return MakeToolInfo<EvalTracksJobOptions, EvalTracksReport, RunEvalTracksJob>(
      "eval_tracks",
      "Measures tracks against known ones, or against true depth and the true path of the camera:\n"
      "average Jaccard, closeness, occlusion accuracy and survival, as TAP-Vid has them.",
      "eval_tracks --track_file clip.mp4_tracking.json --depth_video depth.mkv \\\n"
      "      --transformation_file depth.mkv_transformations.json --xfov 55");
}

}  // namespace mdvt
