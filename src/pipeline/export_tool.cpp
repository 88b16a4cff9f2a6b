// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/jobs.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const ExportJobOptions& options, const ExportJobReport& report) {
  AddOutputs(to, report.frames, {report.grey_output});
  for (const auto& [name, path] : options.exports) to->outputs.push_back(path);
  if (!report.alembic_output.empty())
    for (const char* ending : {"", ".blend"}) to->outputs.push_back(report.alembic_output + ending);
  to->summary = FormatSize(report.width, report.height);
  if (report.files > 0) to->summary += ", " + CountOf(report.files, "file");
  const TrackCloudReport tracks = report.tracks.value_or(TrackCloudReport());
  const bool has = report.tracks.has_value(), meets = has && options.tracks.triangulates();
  for (const std::string& output :
       {tracks.average_output, tracks.triangulated_output, tracks.rescaled_output})
    if (!output.empty()) to->outputs.push_back(output);
  if (!options.tracks.export_html.empty()) to->outputs.push_back(options.tracks.export_html);
  if (has) to->summary += ", " + CountOf(tracks.tracks, "track");
  if (meets) to->summary += ", " + std::to_string(tracks.triangulated) + " triangulated";
  if (tracks.error_after)
    to->summary += ", depth off by " + Percent(*tracks.error_before) + " before and " +
                   Percent(*tracks.error_after) + " after";
  AddSize(to, report.width, report.height);
  to->Add("tracks", If(has, tracks.tracks), "tracks that are seen often enough");
  to->Add("average_points", If(has, tracks.average_points), "of those, with depth");
  to->Add("triangulated", If(meets, tracks.triangulated), "of those, whose rays meet");
  to->Add("median_rms", If(meets, tracks.median_rms),
          "pixels between where triangulated points are seen and where they lie");
  to->Add("depth_error_before", tracks.error_before,
          "median of |log(triangulated / depth)| before rescaling");
  to->Add("depth_error_after", tracks.error_after, "the same after it");
  to->Add("depth_shift", tracks.shift, "of 1 / depth, 1 / metres, where one was found");
  to->Add("files", report.files, "files of all formats but the grey video");
}

// The address of the page with points, for whoever is to open it.
void TellStart(const RunControl& control, ExportJobOptions* options) {
  if (!control.on_start || options->on_ready) return;
  options->on_ready = [&control](const std::string& url) { control.on_start({{"viewer", url}}); };
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
      "per frame, one cloud of all frames, the points of tracks, or the camera's path for COLMAP,\n"
      "nerfstudio and others: x right, y down, z forward, metres. Corrects the scale of depth by\n"
      "triangulated tracks.",
      "convert_metric_depth_video_to_other_format --depth_video clip.mp4_depth.mkv \\\n"
      "      --color_video clip.mp4 --xfov 55 --save_ply clip_ply");
}

}  // namespace mdvt
