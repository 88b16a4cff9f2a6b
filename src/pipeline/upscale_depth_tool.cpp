// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/upscale_depth.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const UpscaleDepthJobOptions&, const UpscaleDepthReport& report) {
  AddOutputs(to, report.frames, {report.output});
  to->summary = FormatSize(report.small_width, report.small_height) + " to " +
                FormatSize(report.width, report.height);
  if (!report.model.empty()) to->summary += ", " + report.model;
  AddSize(to, report.width, report.height);
  to->Add("model", report.model, "name of the model in its metadata, empty for the filter");
}

std::string OutputOf(const UpscaleDepthJobOptions& options) {
  return OutputName(options.output, options.depth_video, "_upscaled.mkv");
}

ToolInfo UpscaleDepthTool() {
  return MakeToolInfo<UpscaleDepthJobOptions, UpscaleDepthReport, RunUpscaleDepthJob>(
      "upscale_depth_promptda",
      "Brings a depth video to the size of its color video, its edges where the pictures' are:\n"
      "with a filter, or with a network that takes the depth as a prompt.",
      "upscale_depth_promptda --color_video clip.mp4 --depth_video clip.mp4_depth.mkv");
}

}  // namespace mdvt
