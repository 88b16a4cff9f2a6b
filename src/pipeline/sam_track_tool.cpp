// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/sam_track.h"
#include "pipeline/align_points_settings.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const SamTrackJobOptions&, const SamTrackReport& report) {
  DescribeSolve(to, report.camera);
  AddOutputs(to, report.camera.frames,
             {report.output, report.camera_output, report.report, report.xfovs_output,
              report.motion_output, report.depth_output, report.track_output});
  to->Add("static_share", report.static_share, "of the tracks, from 0 to 1");
}

std::string OutputOf(const SamTrackJobOptions& options) {
  return CameraFilesOf(options).transformations;
}

ToolInfo SamTrackTool() {
  return MakeToolInfo<SamTrackJobOptions, SamTrackReport, RunSamTrackJob>(
      "sam_track_video",
      "Finds where the camera of each frame of a video stands, with the help of its depth if there "
      "is\n"
      "any, which is brought to one scale on the way.",
      "sam_track_video --color_video clip.mp4 --depth_video clip.mp4_depth.mkv --xfov 45");
}

}  // namespace mdvt
