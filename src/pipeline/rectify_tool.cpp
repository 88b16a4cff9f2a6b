// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <filesystem>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "pipeline/job_tool.h"
#include "pipeline/rectify_settings.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;

// "512x512"; zeros if it is none.
PictureSize ParseSize(const std::string& text) {
  const size_t cross = text.find('x');
  if (cross == std::string::npos) return {};
  const std::optional<int64_t> width = ParseInt(text.substr(0, cross));
  const std::optional<int64_t> height = ParseInt(text.substr(cross + 1));
  const auto valid = [](const std::optional<int64_t>& side) {
    return side && *side >= 16 && *side <= 8192;
  };
  if (!valid(width) || !valid(height)) return {};
  return {static_cast<int>(*width), static_cast<int>(*height)};
}

std::string Degrees(double value, int digits) { return FormatFixed(value, digits) + " degrees"; }

}  // namespace

RectifySource SourceOf(const RectifyJobOptions& options) {
  RectifySource source;
  source.choice.clip = options.clip.clipid;
  if (!options.clip.videoid.empty()) source.choice.video_id = options.clip.videoid;
  if (!options.meta.empty())
    source.meta = options.meta;
  else if (!options.clip.vid.empty())
    source.meta = (fs::path(options.npz_folder) / (options.clip.vid + ".npz")).string();
  else if (!options.clip.videoid.empty())
    source.meta = "release_test.json";
  return source;
}

std::string VideoOf(const RectifyJobOptions& options, const RigClip& clip) {
  if (!options.color_video.empty()) return options.color_video;
  return (fs::path(options.raw_video_folder) / (clip.video_id + ".mp4")).string();
}

Camera CameraOf(const RectifyJobOptions& options) {
  const PictureSize size = ParseSize(options.size);
  return Camera::FromFov(size.width, size.height, options.hfov_deg, std::nullopt);
}

EquirectLayout LayoutOf(const RectifyJobOptions& options, const RigClip& clip, bool guess,
                        const PackedViews& views) {
  EquirectLayout layout;
  layout.width = views.width;
  layout.height = views.height;
  layout.start_yaw_deg = clip.start_yaw_deg;
  layout.end_yaw_deg = clip.end_yaw_deg;
  layout.start_tilt_deg = clip.start_tilt_deg;
  layout.end_tilt_deg = clip.end_tilt_deg;
  layout.bounds_at_centers = options.bounds_at_centers;
  // The whole sphere is twice as wide as high, half of it as wide as high.
  const bool whole = static_cast<double>(views.width) / views.height > 1.5;
  const std::optional<double> degrees = options.source_fov_deg ? options.source_fov_deg
                                        : guess ? std::optional<double>(whole ? 360 : 180)
                                                : std::nullopt;
  if (degrees) {
    layout.start_yaw_deg = -*degrees / 2;
    layout.end_yaw_deg = *degrees / 2;
  }
  layout.Check();
  return layout;
}

void Describe(OptionList* list, RectifyJobOptions* options) {
  list->Field("color_video", &options->color_video, "FILE", "VR180 video, both eyes in one picture")
      .Default("<raw_video_folder>/<video id>.mp4")
      .Input()
      .Positional(0);
  list->Field("meta", &options->meta, "FILE",
              "times, turns and poses of the clip: .npz of the Stereo4D dataset, or .json with "
              "clips of videos")
      .Default("as --vid or --videoid say; without them all frames of an ideal rig are taken")
      .Input();
  Describe(list, &options->clip);
  list->Refine("output_folder").Alias("output").Default("the folder of the video").Folder().help =
      "where the folder of the clip goes";
  list->Refine("vid").Excludes("meta").help = "the clip <npz_folder>/<vid>.npz";
  list->Refine("videoid").help =
      "the video of --meta, which is release_test.json unless it is given";
  list->Field("npz_folder", &options->npz_folder, "FOLDER", "where --vid is looked for");
  list->Field("raw_video_folder", &options->raw_video_folder, "FOLDER",
              "where the video is looked for if --color_video is not given");
  list->Field("size", &options->size, "WIDTHxHEIGHT", "of a view, sides from 16 to 8192 pixels");
  list->Field("hfov", &options->hfov_deg, Range{1, 170}, "DEGREES", "field of view across")
      .Alias("output_hfov");
  static const EnumNames<RectifySampling> samplings = {{"aa", RectifySampling::kMean},
                                                       {"bilinear2", RectifySampling::kTwoPass}};
  list->Field("resample", &options->sampling, samplings,
              "aa: at once, the mean over each pixel; bilinear2: as the original, twice, which "
              "blurs and aliases");
  list->Field("bounds_at_centers", &options->bounds_at_centers,
              "the bounds of the field of view are at the centres of the first and last pixel, as "
              "the original has it; off: at the borders of the picture")
      .Switch();
  DescribePacking(list, &options->packing, "sbs");
  list->Field("swap_eyes", &options->swap_eyes, "the right eye comes first");
  static const EnumNames<RigLearning> learnings = {
      {"none", RigLearning::kNone}, {"turns", RigLearning::kTurns}, {"lens", RigLearning::kLens}};
  list->Field("calibrate", &options->calibrate, learnings,
              "learn from the clip itself how the cameras are turned (turns), and what their "
              "pictures show across (lens); refused where it cannot be seen")
      .Excludes("meta")
      .Excludes("vid")
      .Excludes("videoid");
  list->Field("source_fov", &options->source_fov_deg, Range{10, 360}, "DEGREES",
              "what the picture of an eye shows across")
      .Default("as --meta says, else by its shape: 180, or 360 if it is twice as wide as high");
  list->Field("baseline", &options->baseline, Range{0, 10, true}, "METRES",
              "distance of the eyes, which sets the scale of all that follows")
      .Default("as --meta says, else 0.063");
  list->Field("write_equirect", &options->write_equirect,
              "write <name>-raw_equirect.mkv and <name>-rectified_equirect.mkv, without loss, too");
  Describe(list, &options->encode);
  Describe(list, &options->job.reading);
  Describe(list, &options->job);
}

void RectifyJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  Require(ParseSize(size).width > 0, Code::kInvalidArgument,
          "size '" + size + "', must be WIDTHxHEIGHT, sides from 16 to 8192 pixels");
  Require(!color_video.empty() || !SourceOf(*this).meta.empty(), Code::kInvalidArgument,
          "give a VR180 video with color_video, or a clip with meta, vid or videoid");
  Require(clip.vid.empty() || (clip.videoid.empty() && meta.empty()), Code::kInvalidArgument,
          "vid names a clip and where it is: not with videoid or meta");
  Require(calibrate == RigLearning::kNone || SourceOf(*this).meta.empty(), Code::kInvalidArgument,
          "calibrate is for videos without a file of the clip, which knows the cameras");
}

void Describe(ToolReport* to, const RectifyJobOptions&, const RectifyReport& report) {
  AddOutputs(to, report.frames, {report.left_output, report.right_output});
  to->summary = FormatSize(report.width, report.height) + " each, focal length " +
                FormatFixed(report.focal_px, 1) + " pixels";
  if (report.checked)
    to->summary += ", rows match within " + FormatFixed(report.vertical_median, 2) + " pixels";
  const RigCalibration rig = report.rig.value_or(RigCalibration());
  if (report.rig)
    to->summary += ", the right eye is turned by " + Degrees(rig.turn_deg.norm(), 3) + " (+-" +
                   FormatFixed(rig.turn_sigma_deg.norm(), 3) + ")";
  AddSize(to, report.width, report.height);
  to->Add("focal_px", report.focal_px, "focal length, pixels");
  to->Add("baseline", report.baseline, "distance of the eyes, metres");
  to->Add("shown", report.shown, "share of the left view that the source shows");
  to->Add("source_samples", int64_t{report.source_samples},
          "samples of the source along an axis for a pixel of a view");
  to->Add("worst_time_ms", report.worst_time_ms,
          "between a time asked for and that of its frame, milliseconds");
  to->Add("vertical_median", If(report.checked, report.vertical_median),
          "by which rows of the two views differ, median, pixels");
  to->Add("vertical_95", If(report.checked, report.vertical_95), "the same, 95th percentile");
  to->Add("disparity_median", If(report.checked, report.disparity_median),
          "x in the left view minus x in the right view, median, pixels");
  const char* const axes[] = {"x", "y", "z"};
  for (int k = 0; k < 3; ++k) {
    const std::string name = axes[k];
    to->Add("rig_turn_" + name, If(report.rig.has_value(), rig.turn_deg(k)),
            "turn of the right eye against the left one about " + name + ", degrees");
    to->Add("rig_turn_sigma_" + name, If(report.rig.has_value(), rig.turn_sigma_deg(k)),
            "its standard deviation");
  }
  for (int k = 0; k < 2; ++k) {
    const std::string name = axes[k + 1];
    to->Add("rig_axis_" + name, If(rig.axis_known, rig.axis_deg(k)),
            "turn of the line between the eyes against the rows about " + name + ", degrees");
    to->Add("rig_axis_sigma_" + name, If(rig.axis_known, rig.axis_sigma_deg(k)),
            "its standard deviation");
  }
  to->Add("lens_scale", If(rig.scale_known, rig.scale),
          "true angles of the source over those that were held");
  to->Add("lens_scale_sigma", If(rig.scale_known, rig.scale_sigma), "its standard deviation");
}

std::string OutputOf(const RectifyJobOptions& options) {
  return options.clip.output_folder.empty() ? options.color_video : options.clip.output_folder;
}

ToolInfo RectifyTool() {
  return MakeToolInfo<RectifyJobOptions, RectifyReport, RunRectifyJob>(
      "rectify",
      "Turns a VR180 video into ordinary views of both eyes with parallel axes and matching "
      "rows,\n"
      "as stereo matching and tracking want them.",
      "rectify --videoid CMwZrkhQ0ck --clipid 0 --output_folder stereo4d_dataset");
}

}  // namespace mdvt
