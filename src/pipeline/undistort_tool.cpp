// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/undistort.h"
#include "pipeline/job_tool.h"
#include "pipeline/undistort_settings.h"

namespace mdvt {

void Describe(ToolReport* to, const UndistortJobOptions&, const UndistortReport& report) {
  AddOutputs(to, report.frames, {report.output, report.depth_output});
  to->summary = FormatSize(report.width, report.height) + ", " + FormatFixed(report.xfov_deg, 2) +
                " degrees across, " + Percent(report.unseen) + " of it not seen by the lens";
  AddSize(to, report.width, report.height);
  to->Add("xfov_deg", report.xfov_deg, "horizontal field of view of the result, degrees");
  to->Add("unseen", report.unseen, "share of its pixels that the lens does not show");
}

std::string OutputOf(const UndistortJobOptions& options) { return UndistortOutput(options); }

ToolInfo UndistortTool() {
  return MakeToolInfo<UndistortJobOptions, UndistortReport, RunUndistortJob>(
      "undistort_video",
      "Makes the video of a lens that bends straight lines, and its depth, that of a pinhole\n"
      "camera, as all other programs take it.",
      "undistort_video --color_video clip.mp4 --lens camera.json");
}

}  // namespace mdvt
