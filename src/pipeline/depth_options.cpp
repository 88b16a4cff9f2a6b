// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/error.h"
#include "mdvt/pipeline/calibrate.h"
#include "mdvt/pipeline/fov_track.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/stabilize.h"
#include "pipeline/depth_source.h"
#include "pipeline/job_common.h"

namespace mdvt {

void Describe(OptionList* list, FovTrackOptions* options) {
  static const EnumNames<FovMode> modes = {{"clip_median", FovMode::kClipMedian},
                                           {"per_frame", FovMode::kPerFrame},
                                           {"smooth", FovMode::kSmooth}};
  list->Field("fov_mode", &options->mode, modes,
              "the field of view of networks that tell it, where none is given: one for the clip, "
              "of 32 frames looked at before; that of each frame; the same averaged over about "
              "ten frames");
}

void Describe(OptionList* list, DepthJobOptions* options) {
  list->Field("color_video", &options->color_video, "FILE", "color video")
      .Input(true)
      .Positional(0)
      .Required();
  list->Field("output", &options->output, "FILE", "depth video (.mkv), or a folder")
      .Output()
      .Default("<color_video>_depth.mkv");
  Describe(list, &options->fov, "60 across, with a warning; none for models that do not need it");
  Describe(list, &options->source);
  list->Field("depth_video", &options->reference_depth, "FILE",
              "metric depth of the same clip: a relative model is fitted to it")
      .Input(true)
      .OnlyWith("model");
  Describe(list, &options->reference, "reference_", "--depth_video");
  CalibrationOptions* calibrate = &options->source.own.Of<CalibrationOptions>();
  list->Field("metric_model", &calibrate->metric_model, "FILE",
              "a metric depth model in place of --depth_video")
      .Input()
      .OnlyWith("model")
      .Excludes("depth_video");
  static const EnumNames<CalibrationMode> calibrations = {{"first32", CalibrationMode::kFirst32},
                                                          {"global", CalibrationMode::kGlobal},
                                                          {"rolling", CalibrationMode::kRolling},
                                                          {"window", CalibrationMode::kWindow},
                                                          {"none", CalibrationMode::kNone}};
  list->Field(
          "calib", &calibrate->mode, calibrations,
          "how a relative model becomes metric: fitted to the first 32 frames; to frames spread "
          "over the clip, which runs it once before; by mean and deviation, averaged while it "
          "runs; anew for every 22 frames; not at all, but by --scene_scale")
      .Default("global with --depth_video or --metric_model, else none")
      .OnlyWith("model");
  list->Field("max_depth", &options->max_depth, {1e-6, 1e6}, "METRES",
              "depth at the end of the file's range; farther is clipped");
  static const EnumNames<DepthEncoding> kWritten = {{"rgb16", DepthEncoding::kRgb16},
                                                    {"gray16", DepthEncoding::kGray16},
                                                    {"rgb24-log", DepthEncoding::kRgb24Log}};
  list->Field("encoding", &options->encoding, kWritten,
              "how depth is stored; rgb16 is what all tools of this kind read");
  list->Field("target_fps", &options->target_fps, {0, 1000, true, false}, "FPS",
              "keep the frames nearest to this rate")
      .Rate()
      .Or(-1, "all");
  list->Field("transformation_output", &options->transformation_output, "JSON",
              "motion: write the camera's path here, camera to world")
      .Output();
  FovTrackOptions* track = &options->source.own.Of<FovTrackOptions>();
  Describe(list, track);
  list->Refine("fov_mode").OnlyWith("model");
  list->Field("xfovs_output", &track->output, "JSON",
              "write the horizontal field of view of each frame here, in degrees")
      .Output();
  Describe(list, &options->source.own.Of<StabilizeOptions>());
  DescribePictures(list, &options->job);
  Describe(list, &options->job);
  list->Field("no_rolling_average", &calibrate->no_rolling_average, "the same as --calib first32")
      .OnlyWith("model")
      .Excludes("calib")
      .Preset({{"calib", "first32"}});
  list->Field("parity", &calibrate->parity,
              "the numbers of the original toolbox: reduced before the network reduces, one plain "
              "line through all pixels of 32 frames, windows aligned by plain least squares, depth "
              "enlarged bilinearly and written rounded down; cuts are not looked for")
      .OnlyWith("model")
      .Preset({{"calib", "first32"}, {"vda_cuts", "off"}});
  list->Refine("vda_cuts").Default("on; off with --parity");
}

void DepthJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  source.Check();
  Require(reference_depth.empty() || !source.model.empty(), Code::kInvalidArgument,
          "a reference depth calibrates a relative model, none was given");
  Require(
      !reference_depth.empty() || !(reference.max_depth || reference.encoding),
      Code::kInvalidArgument,
      "reference_max_depth and reference_encoding tell how a reference depth is stored: give it as "
      "depth_video");
  CalibrationOptions calibrate = source.own.Of<CalibrationOptions>();
  calibrate.reference.depth_video = reference_depth;
  Require(calibrate.metric_model.empty() || !source.model.empty(), Code::kInvalidArgument,
          "a metric model calibrates a relative one, none was given");
  Require(reference_depth.empty() || calibrate.metric_model.empty(), Code::kInvalidArgument,
          "a reference depth and a metric model contradict each other");
  const CalibrationMode mode = calibrate.Mode();
  Require(!calibrate.parity || mode == CalibrationMode::kFirst32, Code::kInvalidArgument,
          "parity means calib first32");
  Require(!calibrate.parity || source.model.vda_cuts == SceneCuts::kOff, Code::kInvalidArgument,
          "parity means vda_cuts off");
  Require(!calibrate.parity || encoding == DepthEncoding::kRgb16, Code::kInvalidArgument,
          "parity means encoding rgb16");
  Require(
      calibrate.HasTarget() == (mode != CalibrationMode::kNone), Code::kInvalidArgument,
      calibrate.HasTarget()
          ? "calib none uses neither depth_video nor metric_model"
          : "calib, no_rolling_average and parity need something to calibrate by: give depth_video "
            "or metric_model");
  Require(
      !calibrate.HasTarget() || source.scene_scale == DepthSourceOptions().scene_scale,
      Code::kInvalidArgument,
      "scene_scale is not used with depth_video and metric_model, which tell the scale: leave it "
      "out");
  Require(reference_depth.empty() || target_fps <= 0 || mode == CalibrationMode::kGlobal,
          Code::kInvalidArgument,
          "with target_fps a reference depth is for calib global: it has all frames of the clip");
  Require(transformation_output.empty() || ChosenEngine(source).finds_path, Code::kInvalidArgument,
          "the engine '" + source.Chosen() +
              "' gives no camera path: transformation_output goes with depth from motion");
  DepthCodecOptions codec;
  codec.encoding = encoding;
  codec.max_depth = max_depth;
  codec.Check();
}

}  // namespace mdvt
