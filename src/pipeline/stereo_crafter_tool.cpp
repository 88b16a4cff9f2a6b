// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/stereo_crafter.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const StereoCrafterJobOptions&, const StereoCrafterReport& report) {
  AddOutputs(to, report.frames, {report.output});
  to->summary = FormatSize(report.width, report.height) + ", holes " + Percent(report.hole_share) +
                ", by '" + report.model + "' in " + CountOf(report.runs, "run");
  AddSize(to, report.width, report.height);
  to->Add("hole_share", report.hole_share, "of all pixels");
  to->Add("runs", report.runs, "of the model, each over a chunk of frames of an eye");
  to->Add("model", report.model, "the group that its parts belong to");
}

std::string OutputOf(const StereoCrafterJobOptions& options) {
  return OutputName(options.output, options.sbs_color_video, "_infilled.mkv");
}

ToolInfo StereoCrafterTool() {
  return MakeToolInfo<StereoCrafterJobOptions, StereoCrafterReport, RunStereoCrafterJob>(
      "stereo_crafter_infill",
      "Fills the holes of a side-by-side video by a network: StereoCrafter, M2SVid, LaMa.",
      "stereo_crafter_infill --sbs_color_video clip_stereo.mkv \\\n"
      "      --sbs_mask_video clip_stereo.mkv_infillmask.mkv --model weights/stereocrafter");
}

}  // namespace mdvt
