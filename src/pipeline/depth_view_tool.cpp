// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/depth_view.h"
#include "pipeline/depth_view_settings.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const DepthViewJobOptions& options, const DepthViewReport& report) {
  AddOutputs(to, report.frames, {report.output, report.depth_output, options.export_html});
  if (report.width > 0) to->summary = FormatSize(report.width, report.height);
  AddSize(to, report.width, report.height);
  to->Add("depth_output", report.depth_output, "depth of the rendered picture, empty without");
}

std::string OutputOf(const DepthViewJobOptions& options) {
  if (!options.export_html.empty()) return options.export_html;
  return options.render ? Settle(options).output : "";
}

// The page's address, for whoever is to open it.
void TellStart(const RunControl& control, DepthViewJobOptions* options) {
  if (!control.on_start || options->on_ready) return;
  options->on_ready = [&control](const std::string& url) { control.on_start({{"viewer", url}}); };
}

ToolInfo DepthViewTool() {
  return MakeToolInfo<DepthViewJobOptions, DepthViewReport, RunDepthViewJob>(
      "3d_view_depthfile",
      "Shows a depth video in 3D, in a web browser, or renders it from another place (--render) "
      "into\n"
      "a video: x right, y down, z forward, metres.",
      "3d_view_depthfile --depth_video clip.mp4_depth.mkv --color_video clip.mp4 --xfov 48 "
      "--render");
}

}  // namespace mdvt
