// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/error.h"
#include "mdvt/pipeline/track_clip.h"
#include "pipeline/job_tool.h"
#include "pipeline/stereo4d_clip.h"
#include "pipeline/track_points_settings.h"

namespace mdvt {
namespace {

TrackPointsJobOptions Settled(const TrackClipJobOptions& options) {
  TrackPointsJobOptions settled = options;
  settled.color_video = Stereo4dView(options.clip, "left");
  if (options.emit_pickle) settled.pickle_output = options.clip.File("-tapir_2d.pkl");
  return settled;
}

}  // namespace

void Describe(OptionList* list, TrackClipJobOptions* options) {
  DescribeMadeClip(list, &options->clip);
  list->Field("output", &options->output, "JSON", "tracking file, or a folder")
      .Output()
      .Default("<name>-left_rectified.mkv_tracking.json in the folder of the clip");
  list->Field("emit_pickle", &options->emit_pickle,
              "write <name>-tapir_2d.pkl too, as the original does, for its programs");
  DescribeTracking(list, options);
  list->Refine("steps_between_track_init").Alias("query_every");
}

void TrackClipJobOptions::Check() const {
  CheckDescribed(*this);
  Require(!clip.empty(), Code::kInvalidArgument, "give a clip with vid or videoid");
  Settled(*this).Check();
}

TrackPointsReport RunTrackClipJob(const TrackClipJobOptions& options, const RunControl& control) {
  options.Check();
  ReadStereo4dClip(options.clip.File("-clip.json"), options.job.limits);  // is there such a clip
  return RunTrackPointsJob(Settled(options), control);
}

std::string OutputOf(const TrackClipJobOptions& options) {
  return TrackPointsOutput(Settled(options));
}

ToolInfo TrackClipTool() {
  return MakeToolInfo<TrackClipJobOptions, TrackPointsReport, RunTrackClipJob>(
      "tracking",
      "Follows points all over the left view of a stereo clip that rectify has made, for\n"
      "track_optimization.",
      "tracking --videoid CMwZrkhQ0ck --clipid 0 --output_folder stereo4d_dataset");
}

}  // namespace mdvt
