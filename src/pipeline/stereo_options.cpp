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

VideoCodec CodecOf(const StereoJobOptions& options) {
  return options.encode.Codec(options.output,
                              options.compressed ? VideoCodec::kH264 : VideoCodec::kFfv1);
}

}  // namespace

void Describe(OptionList* list, StereoJobOptions* options) {
  Describe(list, &options->source.file);
  Option& depth = list->Refine("depth_video");
  depth.Default("none; required unless --engine or --model is given");
  depth.help = "depth video (or let --engine motion find depth in the same run)";
  list->Field("color_video", &options->color_video, "FILE",
              "color video of the same size, rate and length")
      .Input(true)
      .Default("the picture of the depth video");
  list->Field("output", &options->output, "FILE",
              "stereo video (.mkv, or .mp4 for H.264), or a folder")
      .Output()
      .Default("<depth_video>_stereo.mkv, .mp4 with --compressed");
  Describe(list, &options->source);
  Describe(list, &options->fov, "from the depth file; 60 across, with a warning, without one");
  Describe(list, &options->eyes, "convergence");
  list->Refine("convergence").Default("0; auto with --comfort, but for panels");
  Describe(list, &options->comfort);
  Describe(list, &options->holes);
  list->Field("compressed", &options->compressed,
              "write H.264 in .mp4 in place of lossless FFV1 in .mkv");
  Describe(list, &options->encode);
  list->Field("swap_eyes", &options->swap_eyes, "right eye on the left, for crossed viewing");
  list->Section("frame");
  Describe(list, &options->frame);
  Describe(list, &options->subtitles);
  list->Section("smoothing");
  Describe(list, &options->steady);
  list->Section("preview");
  Describe(list, &options->preview);
  Describe(list, &options->scene);
  list->Section("");
  DescribePictures(list, &options->job);
  Describe(list, &options->job);
  list->Refuse({"convergence_mode"}, "this version shifts the eyes' pictures, it has no toe-in");
}

void StereoJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  source.Check();
  Require(!color_video.empty() || source.Chosen() == "file", Code::kInvalidArgument,
          "the engine '" + source.Chosen() + "' needs a color video (--color_video FILE)");
  eyes.Check();
  holes.Stereo().Check();
  CodecOf(*this);
  scene.Check();
  const FrameOptions chosen = StereoFrame(*this);
  chosen.Check();
  Require(holes.infill_poses.empty() || scene.transformation_file.empty(), Code::kInvalidArgument,
          "transformation_file tells already where the camera is, leave infill_poses out");
  Require(holes.infill_poses.empty() || !source.finds_path(), Code::kInvalidArgument,
          "infill_poses has no meaning with the engine '" + source.Chosen() +
              "', which finds the camera's path itself");
  holes.CheckWith(chosen, scene.HasScene());
  eyes.CheckWith(chosen, swap_eyes);
  comfort.CheckWith(chosen);
  Require(!scene.create_sbs_depth_video || !LayoutOf(chosen.canvas).mix, Code::kInvalidArgument,
          "create_sbs_depth_video tells the depth of each view, in the layout '" +
              chosen.canvas.layout + "' views share pixels");
  Require(!scene.MakesBackground() || source.Chosen() == "file", Code::kInvalidArgument,
          "a background is gathered in a pass of its own, which needs a depth video: write one "
          "with video_metric_convert first");
  steady.Check();
  preview.Check();
}

FrameOptions StereoFrame(const StereoJobOptions& options) {
  FrameOptions frame = options.frame;
  const StereoSceneOptions& scene = options.scene;
  if (scene.vr180) frame.canvas.layout = "vr180";
  if (scene.touchly0) frame.canvas.layout = "touchly0";
  if (scene.touchly1) frame.canvas.layout = "touchly1";
  return frame;
}

CanvasOptions StereoCanvas(const StereoJobOptions& options) {
  CanvasOptions canvas = StereoFrame(options).Canvas(options.preview.active());
  canvas.keep_odd = true;
  return canvas;
}

StereoSettings Settle(const StereoJobOptions& options) {
  StereoSettings settings;
  settings.codec = CodecOf(options);
  const std::string ending = EncodeOptions::Ending(settings.codec);
  const std::string& depth = options.source.file.path;
  const std::string& color = options.color_video;
  const std::string& input = depth.empty() ? color : depth;
  const std::string layout = StereoFrame(options).canvas.layout;
  if (layout == ViewLayouts().front().name || options.scene.vr180)
    settings.output = OutputName(options.output, input, "_stereo" + ending);
  else
    settings.output = ViewOutputName(options.output, input, StereoCanvas(options),
                                     color.empty() ? depth : color, ending, options.job.limits);
  if (options.scene.create_sbs_depth_video) settings.depth_output = settings.output + "_depth.mkv";
  if (options.scene.save_background) {
    std::error_code ignored;
    const bool folder = std::filesystem::is_directory(options.output, ignored);
    settings.background_output = OutputName(folder ? options.output : "", input, "_background.npy");
  }
  return settings;
}

}  // namespace mdvt
