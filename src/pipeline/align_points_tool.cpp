// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/align_points.h"
#include "pipeline/align_points_settings.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const AlignPointsJobOptions&, const AlignPointsReport& report) {
  DescribeSolve(to, report.camera);
  AddOutputs(to, report.camera.frames,
             {report.output, report.camera_output, report.report, report.xfovs_output});
}

std::string OutputOf(const AlignPointsJobOptions& options) {
  return CameraFilesOf(options).transformations;
}

ToolInfo AlignPointsTool() {
  return MakeToolInfo<AlignPointsJobOptions, AlignPointsReport, RunAlignPointsJob>(
      "align_3d_points",
      "Finds where the camera of each frame stands, from points that were followed through a clip\n"
      "and their depth.",
      "align_3d_points --track_file clip.mp4_tracking.json --depth_video clip.mp4_depth.mkv "
      "--xfov 45");
}

}  // namespace mdvt
