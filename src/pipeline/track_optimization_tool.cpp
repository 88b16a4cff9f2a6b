// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "pipeline/job_tool.h"
#include "pipeline/track_optimization_settings.h"

namespace mdvt {

ClipTrackFiles FilesOf(const TrackOptimizationJobOptions& options) {
  ClipTrackFiles files(options);
  const std::string filtered = options.clip.File("-tracks_filtered.json");
  std::error_code ignored;
  if (options.track_file.empty() && std::filesystem::exists(filtered, ignored))
    files.tracks = filtered;
  return files;
}

std::string TrackOptimizationOutput(const TrackOptimizationJobOptions& options) {
  if (options.output.empty()) return options.clip.File(".tracks.npz");
  return OutputName(options.output, options.clip.name(), ".tracks.npz");
}

void Describe(OptionList* list, TrackOptimizationJobOptions* options) {
  DescribeMadeClip(list, &options->clip);
  list->Field("track_file", &options->track_file, "FILE",
              "points of the left view, as tracking, segmentation or track_points_in_video write "
              "them, or a pickle of the original's")
      .Default("<name>-tracks_filtered.json if there is one, else <left view>_tracking.json")
      .Input();
  DescribeClipDepth(list, &options->depth_video, &options->transformation_file);
  list->Field("output", &options->output, "FILE", "points in space (.npz), or a folder")
      .Default("<name>.tracks.npz in the folder of the clip")
      .Output();
  list->Field("emit_pickle", &options->emit_pickle,
              "write <name>-optimized_tracks.pkl too, as the original does, for its programs");
  list->Field("sigma_disparity", &options->sigma_disparity, Range{0, 100, true}, "PIXELS",
              "noise of disparity, one standard deviation")
      .Default("as it jumps from frame to frame, at least 0.25");
  list->Field("sigma_xy", &options->sigma_xy, Range{0, 100, true}, "PIXELS",
              "noise of a track's positions, one standard deviation");
  list->Field("min_visible", &options->min_visible, Range{2, 1e6}, "FRAMES",
              "tracks that are seen with depth in fewer frames are left out");
  Describe(list, &options->job.reading);
  Describe(list, &options->job);
}

void TrackOptimizationJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  Require(!clip.empty(), Code::kInvalidArgument, "give a clip with vid or videoid");
}

void Describe(ToolReport* to, const TrackOptimizationJobOptions&,
              const TrackOptimizationReport& report) {
  AddOutputs(to, report.frames, {report.output, report.pickle});
  to->summary = std::to_string(report.tracks) + " points, " + std::to_string(report.moving) +
                " of them moving, known to " + FormatFixed(report.median_sigma, 3) +
                " m in the median";
  to->Add("tracks", report.tracks, "points put into space");
  to->Add("left_out", report.left_out, "tracks seen with depth in too few frames");
  to->Add("moving", report.moving, "points that move");
  to->Add("samples", report.samples, "points in all frames");
  to->Add("sigma_disparity", report.sigma_disparity, "noise of disparity that was held, pixels");
  to->Add("rest_disparity", report.rest_disparity,
          "what points at rest miss their place by in disparity, but for one in forty, pixels");
  to->Add("rest_position", report.rest_position, "the same of their position in the view");
  to->Add("median_sigma", report.median_sigma,
          "standard deviation of a point along its ray, median, metres");
}

std::string OutputOf(const TrackOptimizationJobOptions& options) {
  return TrackOptimizationOutput(options);
}

ToolInfo TrackOptimizationTool() {
  return MakeToolInfo<TrackOptimizationJobOptions, TrackOptimizationReport,
                      RunTrackOptimizationJob>(
      "track_optimization",
      "Puts points that were followed through a stereo clip into space: one place for those at\n"
      "rest, a path for those that move, each with its uncertainty.",
      "track_optimization --videoid CMwZrkhQ0ck --clipid 0 --output_folder stereo4d_dataset");
}

}  // namespace mdvt
