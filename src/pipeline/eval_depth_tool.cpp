// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/eval_depth.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const EvalDepthJobOptions& options, const EvalDepthReport& report) {
  AddOutputs(to, report.frames, {report.output, options.html_output, options.table_output});
  const DepthScores& scores = report.scores;
  std::string text = FormatSize(report.width, report.height);
  const auto say = [&](const char* name, double value, int digits) {
    text += std::string(", ") + name + " " + FormatFixed(value, digits);
  };
  if (scores.accuracy) say("AbsRel", scores.accuracy->abs_rel, 4);
  if (scores.accuracy) say("delta1", scores.accuracy->delta1, 4);
  if (scores.tae) say("TAE", *scores.tae, 3);
  if (scores.temporal) say("opw2", scores.temporal->opw2, 5);
  to->summary = text;
  AddSize(to, report.width, report.height);
  const bool truth = scores.accuracy.has_value(), time = scores.temporal.has_value();
  const AccuracyResult a = scores.accuracy.value_or(AccuracyResult{});
  const EdgeResult e = scores.edges.value_or(EdgeResult{});
  const TemporalResult t = scores.temporal.value_or(TemporalResult{});
  to->Add("abs_rel", If(truth, a.abs_rel), "mean |d - t| / t");
  to->Add("rmse", If(truth, a.rmse), "metres");
  to->Add("si_log", If(truth, a.si_log), "deviation of log d - log t");
  to->Add("delta1", If(truth, a.delta1), "share within a factor of 1.25");
  to->Add("edge_f1", If(truth, e.f1), "of depth edges against the true ones");
  to->Add("tae", scores.tae, "percent, temporal alignment error");
  to->Add("opw2", If(time, t.opw2), "warping error, one normalisation per shot");
  to->Add("opw", scores.opw, "warping error as the original computes it");
  to->Add("rtc", If(time, t.rtc),
          "share of pixels within a factor of 1.25^0.5 of the frame before");
  to->Add("tflick", If(time, t.tflick), "rms second difference of log disparity");
  to->Add("flicker_share", If(time && t.tracks > 0, t.flicker_share),
          "share of power above 3 Hz along tracks");
}

std::string OutputOf(const EvalDepthJobOptions& options) {
  return OutputName(options.output, options.depth_video, "_scores.json");
}

ToolInfo EvalDepthTool() {
  return MakeToolInfo<EvalDepthJobOptions, EvalDepthReport, RunEvalDepthJob>(
      "eval_depth",
      "Scores a depth video: against the true depth, and for flicker along the flow of its color\n"
      "video. Writes JSON, and on request a table and a page with plots.",
      "eval_depth --depth_video clip.mp4_depth.mkv --truth_video truth.mkv --color_video clip.mp4");
}

}  // namespace mdvt
