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
  list->Refine("depth_video").Default("none; required unless --engine or --model is given");
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
  list->Refine("convergence").Default("0; auto with --comfort");
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
  list->Section("");
  DescribePictures(list, &options->job);
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
  source.Check();
  Require(!color_video.empty() || source.Chosen() == "file", Code::kInvalidArgument,
          "the engine '" + source.Chosen() + "' needs a color video (--color_video FILE)");
  eyes.Check();
  holes.Stereo().Check();
  CodecOf(*this);
  frame.Check();
  holes.CheckWith(frame);
  subtitles.CheckWith(frame);
  steady.Check();
  preview.Check();
}

CanvasOptions StereoCanvas(const StereoJobOptions& options) {
  CanvasOptions canvas = options.frame.Canvas(options.preview.active());
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
  if (options.frame.canvas.layout == ViewLayouts().front().name)
    settings.output = OutputName(options.output, input, "_stereo" + ending);
  else
    settings.output = ViewOutputName(options.output, input, StereoCanvas(options),
                                     color.empty() ? depth : color, ending, options.job.limits);
  return settings;
}

}  // namespace mdvt
