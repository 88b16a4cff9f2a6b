// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/jobs.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const ExportJobOptions& options, const ExportJobReport& report) {
  to->frames = report.frames;
  if (!report.grey_output.empty()) to->outputs.push_back(report.grey_output);
  for (const auto& [name, path] : options.exports) to->outputs.push_back(path);
  to->summary = FormatSize(report.width, report.height);
  if (report.files > 0) to->summary += ", " + std::to_string(report.files) + " files";
  AddSize(to, report.width, report.height);
  to->Add("files", report.files, "files of all formats but the grey video");
}

std::string OutputOf(const ExportJobOptions& options) {
  if (!options.bit8 && !options.bit16) return "";
  return OutputName(options.output, options.depth_video,
                    options.bit16 ? "_grey16.mkv" : "_grey8.mkv");
}

ToolInfo ExportTool() {
  return MakeToolInfo<ExportJobOptions, ExportJobReport, RunExportJob>(
      "convert_metric_depth_video_to_other_format",
      "Turns a depth video into a grey video (--bit8 or --bit16), point clouds, meshes, pictures "
      "or "
      "arrays\n"
      "per frame, one cloud of all frames, or the camera's path for COLMAP, nerfstudio and others: "
      "x "
      "right,\ny down, z forward, metres.",
      "convert_metric_depth_video_to_other_format --depth_video clip.mp4_depth.mkv \\\n"
      "      --color_video clip.mp4 --xfov 55 --save_ply clip_ply");
}

}  // namespace mdvt
