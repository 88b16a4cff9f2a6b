// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/infer_nvds.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const InferNvdsJobOptions&, const InferNvdsReport& report) {
  AddOutputs(to, report.frames, {report.output});
  to->summary =
      FormatSize(report.width, report.height) + ", OPW " + FormatFixed(report.initial_opw, 4);
  for (const std::optional<double>& opw : {report.forward_opw, report.backward_opw, report.mix_opw})
    if (opw) to->summary += " -> " + FormatFixed(*opw, 4);
  AddSize(to, report.width, report.height);
  to->Add("initial_opw", report.initial_opw, "warping error of the first disparity");
  to->Add("forward_opw", report.forward_opw, "of the forward pass");
  to->Add("backward_opw", report.backward_opw, "of the backward pass");
  to->Add("mix_opw", report.mix_opw, "of both mixed");
  to->Add("encoded", report.encoded, "frames that went through the network's first half");
}

std::string OutputOf(const InferNvdsJobOptions& options) { return options.base_dir; }

DepthModelOptions* ModelOf(InferNvdsJobOptions* options) { return &options->model; }

ToolInfo InferNvdsTool() {
  return MakeToolInfo<InferNvdsJobOptions, InferNvdsReport, RunInferNvdsJob>(
      "infer_nvds",
      "Runs the Neural Video Depth Stabilizer over a clip, forward and backward, mixes both, and\n"
      "writes pictures of disparity and the scores of each.",
      "infer_nvds --base_dir demo_outputs/dpt_init/000423 --vnum 000423 --model dpt.pt \\\n"
      "      --backbone nvds_backbone.pt --head nvds_head.pt");
}

void Describe(ToolReport* to, const CompareNvdsJobOptions&, const CompareNvdsReport& report) {
  AddOutputs(to, report.frames, {report.output});
  to->summary = FormatSize(report.width, report.height);
  AddSize(to, report.width, report.height);
}

std::string OutputOf(const CompareNvdsJobOptions& options) {
  return OutputName(options.output, "./demo_outputs_videos/compare_" + options.vnum, ".mp4");
}

ToolInfo CompareNvdsTool() {
  return MakeToolInfo<CompareNvdsJobOptions, CompareNvdsReport, RunCompareNvdsJob>(
      "pic2v",
      "Makes a video that compares results of infer_nvds: a column for each, with the picture, "
      "the\n"
      "first disparity and the result below each other.",
      "pic2v --vnum 000423 --infer_w 896 --infer_h 384");
}

}  // namespace mdvt
