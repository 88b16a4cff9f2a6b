// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/inpaint.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const InpaintJobOptions& options, const InpaintReport& report) {
  AddOutputs(to, report.frames, {report.output, options.mask_output});
  to->summary = Percent(report.mask_share) + " painted over, " + Percent(report.observed_share) +
                " of it seen in other frames";
  AddSize(to, report.width, report.height);
  to->Add("mask_share", report.mask_share, "mean share of the pixels that were painted over");
  to->Add("observed_share", report.observed_share, "of them: seen in other frames");
}

std::string OutputOf(const InpaintJobOptions& options) {
  return OutputName(options.output, options.color_video, "_inpainted.mkv");
}

ToolInfo InpaintTool() {
  return MakeToolInfo<InpaintJobOptions, InpaintReport, RunInpaintJob>(
      "apply_inpainting",
      "Removes a logo, a caption or another thing from a video: with what other frames show "
      "behind\nit, or from what is around it.",
      "apply_inpainting clip.mp4 --mask overlay_mask.png");
}

}  // namespace mdvt
