// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/stabilize.h"
#include "mdvt/pipeline/unidepth_video.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const DepthJobOptions& options, const DepthJobReport& report);

namespace {

std::string OutputFor(const UnidepthVideoJobOptions& options) {
  return OutputName(options.depth.output.empty() ? options.output_dir : options.depth.output,
                    options.depth.color_video, "_depth.mkv");
}

}  // namespace

void Describe(OptionList* list, UnidepthVideoJobOptions* options) {
  DepthJobOptions* depth = &options->depth;
  list->Field("color_video", &depth->color_video, "FILE", "color video")
      .Input(true)
      .Positional(0)
      .Required();
  list->Field("output", &depth->output, "FILE", "depth video (.mkv), or a folder")
      .Output()
      .Default("<color_video>_depth.mkv");
  list->Field("output_dir", &options->output_dir, "FOLDER", "folder for the depth video")
      .Folder()
      .Excludes("output");
  Describe(list, &depth->fov, "one of the three has to be given");
  Describe(list, &depth->source.model);
  list->Refine("model").Required();
  list->Refine("model").help =
      "metric depth model, best one that takes the camera's rays: models/export/ writes it";
  list->Field("input_size", &depth->source.input_size, {14, 4096}, "PIXELS",
              "short side of the pictures that the model sees")
      .Default("the model's own");
  Describe(list, &depth->source.own.Of<StabilizeOptions>());
  list->Section("output");
  list->Field("max_depth", &depth->max_depth, {0, 1e6, true, false}, "METRES",
              "depth at the end of the file's range; farther is clipped");
  static const EnumNames<DepthEncoding> kWritten = {{"rgb16", DepthEncoding::kRgb16},
                                                    {"gray16", DepthEncoding::kGray16},
                                                    {"rgb24-log", DepthEncoding::kRgb24Log}};
  list->Field("encoding", &depth->encoding, kWritten,
              "how depth is stored; rgb16 is what all tools of this kind read");
  list->Field("target_fps", &depth->target_fps, {0, 1000, true, false}, "FPS",
              "keep the frames nearest to this rate")
      .Rate()
      .Or(-1, "all");
  DescribePictures(list, &depth->job);
  Describe(list, &depth->job);
  list->Refine("max_frames").Alias("max_len");
}

void UnidepthVideoJobOptions::Check() const {
  CheckDescribed(*this);
  Require(!depth.fov.empty(), Code::kInvalidArgument,
          "the field of view has to be given: xfov, yfov or xfov_file");
  depth.Check();
}

DepthJobReport RunUnidepthVideoJob(const UnidepthVideoJobOptions& options,
                                   const RunControl& control) {
  options.Check();
  DepthJobOptions depth = options.depth;
  depth.output = OutputFor(options);
  depth.source.model.loaded =
      OpenDepthModel(depth.source.model, ResolveThreads(depth.job.num_threads));
  const ModelInfo& info = depth.source.model.loaded->info();
  Require(!IsRelativeDepth(info), Code::kUnsupported,
          "model '" + info.name +
              "' gives relative depth, which has no use for a field of view: take "
              "video_metric_convert");
  return RunDepthJob(depth, control);
}

std::string OutputOf(const UnidepthVideoJobOptions& options) { return OutputFor(options); }

DepthModelOptions* ModelOf(UnidepthVideoJobOptions* options) {
  return &options->depth.source.model;
}

void Describe(ToolReport* to, const UnidepthVideoJobOptions& options,
              const DepthJobReport& report) {
  Describe(to, options.depth, report);
}

ToolInfo UnidepthVideoTool() {
  return MakeToolInfo<UnidepthVideoJobOptions, DepthJobReport, RunUnidepthVideoJob>(
      "unidepth_video",
      "Makes a metric depth video with a network that is told the camera's field of view.",
      "unidepth_video --color_video clip.mp4 -xfov 45 --model unidepth-v2-16x9.pt");
}

}  // namespace mdvt
