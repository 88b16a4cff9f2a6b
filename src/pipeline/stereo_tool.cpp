// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/jobs.h"
#include "pipeline/job_tool.h"
#include "pipeline/stereo_settings.h"

namespace mdvt {

void Describe(ToolReport* to, const StereoJobOptions& options, const StereoJobReport& report) {
  AddOutputs(to, report.frames,
             {report.output, report.mask_output, report.depth_output, report.background_output,
              options.preview.contact_sheet});
  to->summary = FormatSize(report.width, report.height) + ", " + Percent(report.hole_share) +
                " not seen by the camera";
  if (report.observed_share > 0)
    to->summary += ", " + Percent(report.observed_share) + " of it in other frames";
  AddSize(to, report.width, report.height);
  to->Add("mask_output", report.mask_output, "the infill mask, empty if none was asked for");
  to->Add("depth_output", report.depth_output,
          "the depth of the eyes, empty if none was asked for");
  to->Add("background_output", report.background_output,
          "the background, empty if it was not to be kept");
  to->Add("hole_share", report.hole_share, "mean share of pixels that the source did not show");
  to->Add("observed_share", report.observed_share,
          "share of those pixels that other frames have shown");
}

std::string OutputOf(const StereoJobOptions& options) { return Settle(options).output; }

DepthModelOptions* ModelOf(StereoJobOptions* options) { return &options->source.model; }

ToolInfo StereoTool() {
  return MakeToolInfo<StereoJobOptions, StereoJobReport, RunStereoJob>(
      "stereo_rerender",
      "Renders a side-by-side stereo video (left eye left, full size each) from a color video and\n"
      "its metric depth: a depth video, or what an --engine finds. Without --remove_edges or\n"
      "--infill_mask what the camera did not see is filled: with what other frames show, where "
      "the\n"
      "camera's path is known, or from the background beside it.",
      "stereo_rerender --depth_video clip.mp4_depth.mkv --color_video clip.mp4 --xfov 48");
}

}  // namespace mdvt
