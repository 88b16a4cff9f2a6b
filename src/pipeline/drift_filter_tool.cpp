// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/count.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "pipeline/clip_tracks.h"
#include "pipeline/drift_filter_settings.h"
#include "pipeline/job_tool.h"

namespace mdvt {

std::string DriftFilterOutput(const DriftFilterJobOptions& options) {
  if (options.output.empty()) return options.clip.File("-tracks_filtered.json");
  return OutputName(options.output, options.clip.name(), "-tracks_filtered.json");
}

std::optional<std::vector<int64_t>> ParseClasses(const std::string& text) {
  std::vector<int64_t> classes;
  for (size_t at = 0; at < text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::optional<int64_t> number = ParseInt(text.substr(at, comma - at));
    if (!number || *number < 0 || *number > 255) return std::nullopt;
    classes.push_back(*number);
    at = comma + 1;
  }
  return classes;
}

void Describe(OptionList* list, DriftFilterJobOptions* options) {
  DescribeMadeClip(list, &options->clip);
  list->Field("track_file", &options->track_file, "FILE",
              "points of the left view, as tracking writes them, or a pickle of the original's")
      .Default("<left view>_tracking.json")
      .Input();
  DescribeClipDepth(list, &options->depth_video, &options->transformation_file);
  list->Field("label_video", &options->label_video, "FILE",
              "the class of each pixel of the left view: gray, without loss; without it only "
              "tracks without depth are left out")
      .Input();
  list->Field("output", &options->output, "JSON", "tracking file, or a folder")
      .Output()
      .Default("<name>-tracks_filtered.json in the folder of the clip");
  list->Field("emit_pickle", &options->emit_pickle,
              "write <name>-tapir_remove_drift_tracks.pkl too, as the original does");
  list->Field("static_classes", &options->static_classes, "LIST",
              "classes of what cannot move: numbers and commas")
      .OnlyWith("label_video");
  list->Field("sky_classes", &options->sky_classes, "LIST", "classes of the sky")
      .OnlyWith("label_video");
  list->Field("drift_px", &options->drift_px, Range{0, 1000}, "PIXELS",
              "by which what cannot move may move in the view within 0.53 s")
      .OnlyWith("label_video");
  static const EnumNames<DriftRules> rules = {{"segments", DriftRules::kSegments},
                                              {"original", DriftRules::kOriginal}};
  list->Field("rules", &options->rules, rules,
              "segments: labels are smoothed, a track is cut where they change, and a part that "
              "drifts is left out; original: one such frame ends the whole track")
      .OnlyWith("label_video");
  list->Field("min_visible", &options->min_visible, Range{1, 1e6}, "FRAMES",
              "what is seen with depth in fewer frames is left out");
  Describe(list, &options->job.reading);
  Describe(list, &options->job);
}

void DriftFilterJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  Require(!clip.empty(), Code::kInvalidArgument, "give a clip with vid or videoid");
  for (const auto& [name, classes] :
       {std::pair("static_classes", &static_classes), std::pair("sky_classes", &sky_classes)})
    Require(ParseClasses(*classes).has_value(), Code::kInvalidArgument,
            std::string(name) + " is '" + *classes +
                "', must be numbers from 0 to 255 with commas between them");
}

void Describe(ToolReport* to, const DriftFilterJobOptions&, const DriftFilterReport& report) {
  AddOutputs(to, report.frames, {report.output, report.pickle});
  to->summary = std::to_string(report.kept) + " of " + CountOf(report.tracks, "track") + " kept, " +
                std::to_string(report.drifting) + " drifting, " + std::to_string(report.sky) +
                " of the sky, " + std::to_string(report.too_short) + " without depth";
  to->Add("tracks", report.tracks, "tracks that were read");
  to->Add("kept", report.kept, "tracks that were written, each part of one that was cut");
  to->Add("too_short", report.too_short, "left out: seen with depth in too few frames");
  to->Add("sky", report.sky, "left out: of the sky");
  to->Add("at_borders", report.at_borders, "left out: of more than one class (rules original)");
  to->Add("drifting", report.drifting, "left out: of what cannot move, and moving");
  to->Add("cut", report.cut, "tracks that were cut where their class changes (rules segments)");
}

std::string OutputOf(const DriftFilterJobOptions& options) { return DriftFilterOutput(options); }

ToolInfo DriftFilterTool() {
  return MakeToolInfo<DriftFilterJobOptions, DriftFilterReport, RunDriftFilterJob>(
      "segmentation",
      "Leaves out tracks of a stereo clip that drift: those of walls, roads and the like that\n"
      "move, and those of the sky.",
      "segmentation --videoid CMwZrkhQ0ck --clipid 0 --output_folder stereo4d_dataset");
}

}  // namespace mdvt
