// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/track_points.h"
#include "pipeline/job_tool.h"
#include "pipeline/track_points_settings.h"

namespace mdvt {

void Describe(ToolReport* to, const TrackPointsJobOptions&, const TrackPointsReport& report) {
  AddOutputs(to, report.frames, {report.output, report.visualization, report.pickle});
  to->summary = CountOf(report.tracks, "track") + ", seen in " +
                FormatFixed(report.mean_length(), 1) + " frames on average";
  if (report.cuts > 0) to->summary += ", " + CountOf(report.cuts, "cut");
  to->Add("tracks", report.tracks, "points that were followed");
  to->Add("sightings", report.sightings, "rows of the tracking file");
  to->Add("mean_length", report.mean_length(), "frames in which a track is seen, on average");
  to->Add("cuts", report.cuts, "places where the picture changes at once: all tracks end there");
}

std::string OutputOf(const TrackPointsJobOptions& options) { return TrackPointsOutput(options); }

ToolInfo TrackPointsTool() {
  return MakeToolInfo<TrackPointsJobOptions, TrackPointsReport, RunTrackPointsJob>(
      "track_points_in_video",
      "Follows points through a video and writes where each is seen in each frame, for camera\n"
      "tracking, points in space and the rescaling of depth.",
      "track_points_in_video --color_video clip.mp4 --steps_between_track_init 30");
}

}  // namespace mdvt
