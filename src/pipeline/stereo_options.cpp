// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/pipeline/jobs.h"
#include "pipeline/job_common.h"
#include "pipeline/stereo_settings.h"

namespace mdvt {
namespace {

constexpr double kUsualScreenDeg = 45;

// The number that multiplies the baseline; empty for the names of rules.
std::optional<double> ScaleOf(const std::string& rule) {
  const std::optional<double> scale = ParseDouble(rule);
  return scale && *scale >= 0 && *scale <= 1000 ? scale : std::nullopt;
}

bool IsRule(const std::string& text) {
  return text == "none" || text == "upstream" || text == "ortho" || ScaleOf(text);
}

}  // namespace

void Describe(OptionList* list, StereoJobOptions* options) {
  list->Field("depth_video", &options->depth_video, "FILE", "depth video").Input(true).Required();
  list->Field("color_video", &options->color_video, "FILE",
              "color video of the same size, rate and length")
      .Input(true)
      .Default("the picture of the depth video");
  list->Field("output", &options->output, "FILE",
              "stereo video (.mkv, or .mp4 for H.264), or a folder")
      .Output()
      .Default("<depth_video>_stereo.mkv, .mp4 with --compressed");
  Describe(list, &options->fov, "from the depth file");
  Describe(list, &options->depth);
  list->Field("pupillary_distance", &options->pupillary_distance_mm, {0, 1000}, "MM",
              "distance between the eyes in millimetres");
  list->Field("master_xfov", &options->master_xfov_deg, {0, 180, true, true}, "DEGREES",
              "angle that the screen fills for the viewer; scales the distance of the eyes by "
              "tan(master_xfov / 2) / tan(xfov / 2)")
      .Default("no scaling; 45 where a rule needs it");
  list->Custom(
      "baseline_scale", "RULE", "none, upstream, ortho or a number in [0, 1000]",
      "scales the distance of the eyes: none, upstream (as --master_xfov says), ortho (the "
      "inverse: depth looks as it is) or a number",
      [options] { return options->baseline_scale; },
      [options](const std::string& text) {
        if (IsRule(text)) options->baseline_scale = text;
        return IsRule(text);
      });
  list->Field(
          "convergence_file", &options->convergence_file, "JSON",
          "distance in metres at which the eyes' pictures coincide, per frame; smoothed in time")
      .Input();
  list->Field("convergence", &options->convergence, {0, 1e6}, "METRES",
              "the same distance for all frames; 0 means parallel eyes")
      .Default("0")
      .Excludes("convergence_file");
  Describe(list, &options->holes);
  list->Field("compressed", &options->compressed,
              "write H.264 in .mp4 in place of lossless FFV1 in .mkv");
  Describe(list, &options->encode);
  list->Field("swap_eyes", &options->swap_eyes, "right eye on the left, for crossed viewing");
  list->Section("frame");
  Describe(list, &options->frame);
  list->Section("smoothing");
  Describe(list, &options->steady);
  list->Section("preview");
  Describe(list, &options->preview);
  list->Section("");
  Describe(list, &options->job);
  list->Refuse({"vr180", "touchly0", "touchly1", "touchly_min_depth", "touchly_max_depth"},
               "VR180 and Touchly layouts are not part of this version, see --layout");
  list->Refuse({"create_sbs_depth_video"}, "this version writes no depth of the rendered eyes");
  list->Refuse({"render_as_pointcloud"}, "this version renders surfaces, not points");
  list->Refuse({"transformation_file", "transformation_lock_frame"},
               "this version renders from the camera's own position");
  list->Refuse({"mask_video", "save_background", "load_background", "mask_depth"},
               "background plates are not part of this version");
  list->Refuse({"convergence_mode"}, "this version shifts the eyes' pictures, it has no toe-in");
}

void StereoJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  Require(!convergence || convergence_file.empty(), Code::kInvalidArgument,
          "give a fixed convergence or a convergence file, not both");
  Require(IsRule(baseline_scale), Code::kInvalidArgument,
          "baseline_scale is '" + baseline_scale +
              "', must be none, upstream, ortho or a number in [0, 1000]");
  Require(!master_xfov_deg || !ScaleOf(baseline_scale), Code::kInvalidArgument,
          "master_xfov and a number for baseline_scale contradict each other");
  Settle(*this).stereo.Check();
  frame.Check();
  steady.Check();
  preview.Check();
}

StereoSettings Settle(const StereoJobOptions& options) {
  StereoSettings settings;
  settings.stereo = options.holes.Stereo();
  settings.stereo.baseline = options.pupillary_distance_mm / 1000;

  const std::string& rule = options.baseline_scale;
  if (rule == "upstream" || (rule == "none" && options.master_xfov_deg)) {
    settings.baseline_rule = BaselineRule::kMaster;
  } else if (rule == "ortho") {
    settings.baseline_rule = BaselineRule::kOrtho;
  } else {
    settings.baseline_scale = ScaleOf(rule).value_or(1);
  }
  settings.master_xfov_deg = options.master_xfov_deg.value_or(kUsualScreenDeg);

  const VideoCodec otherwise = options.compressed ? VideoCodec::kH264 : VideoCodec::kFfv1;
  settings.codec = options.encode.Codec(options.output, otherwise);
  const ViewLayout& layout = ViewLayoutOf(options.frame.canvas.layout);
  const std::string suffix = &layout == &ViewLayouts().front() ? "_stereo" : layout.suffix;
  settings.output = OutputName(options.output, options.depth_video,
                               suffix + EncodeOptions::Ending(settings.codec));
  return settings;
}

}  // namespace mdvt
