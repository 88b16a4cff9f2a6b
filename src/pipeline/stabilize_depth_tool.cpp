// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/stabilize.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const StabilizeDepthJobOptions&, const StabilizeDepthReport& report) {
  AddOutputs(to, report.frames, {report.output});
  to->summary = FormatSize(report.width, report.height) + ", " + CountOf(report.shots, "shot") +
                ", scale of frames changed by " + FormatFixed(report.scale_change, 2) + " %";
  AddSize(to, report.width, report.height);
  to->Add("shots", report.shots, "between cuts");
  to->Add("scale_change", report.scale_change,
          "percent, root mean square of what whole frames were scaled by in 1 / depth");
}

std::string OutputOf(const StabilizeDepthJobOptions& options) {
  return OutputName(options.output, options.depth_video, "_stable.mkv");
}

ToolInfo StabilizeDepthTool() {
  return MakeToolInfo<StabilizeDepthJobOptions, StabilizeDepthReport, RunStabilizeDepthJob>(
      "stabilize_depth",
      "Makes a depth video that flickers steady over time: whole frames are brought to one scale,\n"
      "and pixels are filtered along the flow of the color video.",
      "stabilize_depth --depth_video clip.mp4_depth.mkv --color_video clip.mp4");
}

}  // namespace mdvt
