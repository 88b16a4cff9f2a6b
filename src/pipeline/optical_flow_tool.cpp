// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/optical_flow.h"
#include "pipeline/job_tool.h"
#include "pipeline/optical_flow_settings.h"

namespace mdvt {

void Describe(ToolReport* to, const OpticalFlowJobOptions& options,
              const OpticalFlowReport& report) {
  AddOutputs(to, report.frames,
             {report.output, report.numbers_output, options.save_flo, options.save_png});
  to->summary = FormatFixed(report.mean_motion, 2) + " pixels of motion on average";
  if (report.valid_share) to->summary += ", " + Percent(*report.valid_share) + " valid";
  to->Add("mean_motion", report.mean_motion, "pixels from a frame to the next, on average");
  to->Add("valid_share", report.valid_share, "vectors that lead back to their start");
  to->Add("files", report.files, "files in folders");
}

std::string OutputOf(const OpticalFlowJobOptions& options) { return OpticalFlowOutput(options); }

ToolInfo OpticalFlowTool() {
  return MakeToolInfo<OpticalFlowJobOptions, OpticalFlowReport, RunOpticalFlowJob>(
      "optical_flow",
      "Finds where every pixel of a video moves from each frame to the next: as colors, and as\n"
      "numbers for other programs.",
      "optical_flow --color_video clip.mp4 --save_flo clip_flow");
}

}  // namespace mdvt
