// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/network_video.h"
#include "mdvt/pipeline/stabilize.h"
#include "pipeline/depth_source.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const DepthJobOptions& options, const DepthJobReport& report);

namespace {

struct Family {
  const char* fov_otherwise;  // where no field of view is given
  const char* model;
  const char* size_help;
  const char* made_by;  // where a file comes from
};

Family FamilyOf(NetworkFamily family) {
  switch (family) {
    case NetworkFamily::kUnidepth:
      return {
          "one of the three has to be given",
          "metric depth model, best one that takes the camera's rays: models/export/unidepth.py "
          "writes it",
          "short side of the pictures that the model sees",
          "models/export/unidepth.py makes one of a checkpoint, see docs/models.md"};
    case NetworkFamily::kVideoDepthMetric:
      return {"not known: the depth does not depend on it",
              "metric depth model that sees windows or a stream of frames: "
              "models/export/video_depth_anything.py --metric writes it",
              "short side of the pictures that the model sees",
              "models/export/video_depth_anything.py --metric makes one of a checkpoint, see "
              "docs/models.md"};
    case NetworkFamily::kDepthAnything3:
      return {"what the model tells, see --fov_mode",
              "metric depth model: models/export/depth_anything_3.py writes it",
              "side of the pictures that the model sees: the long one, as its file says",
              "models/export/depth_anything_3.py makes one of a checkpoint, see docs/models.md"};
    case NetworkFamily::kUnik3d:
      return {"what the model tells, see --fov_mode",
              "metric depth model: models/export/unik3d.py writes it",
              "side of the pictures that the model sees, where it may be chosen",
              "models/export/unik3d.py makes one of a checkpoint, see docs/models.md"};
    case NetworkFamily::kMoge:
      return {"what the model tells, see --fov_mode",
              "metric depth model: models/export/moge.py writes it",
              "side of the pictures that the model sees, where it may be chosen",
              "models/export/moge.py makes one of a checkpoint, see docs/models.md"};
    case NetworkFamily::kDepthPro:
      return {"what the model tells, see --fov_mode",
              "metric depth model: models/export/depth_pro.py writes it",
              "side of the pictures that the model sees, where it may be chosen",
              "models/export/depth_pro.py makes one of a checkpoint, see docs/models.md"};
  }
  return {};
}

std::string OutputFor(const NetworkVideoJobOptions& options) {
  const bool in_folder = options.depth.output.empty() && !options.output_dir.empty();
  // The slash makes one that is missing be called a folder.
  return OutputName(in_folder ? options.output_dir + "/" : options.depth.output,
                    options.depth.color_video, "_depth.mkv");
}

}  // namespace

void Describe(OptionList* list, NetworkVideoJobOptions* options) {
  DepthJobOptions* depth = &options->depth;
  const Family family = FamilyOf(options->family);
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
  Describe(list, &depth->fov, family.fov_otherwise);
  const bool windows = options->family == NetworkFamily::kVideoDepthMetric;
  if (options->family != NetworkFamily::kUnidepth && !windows)
    Describe(list, &depth->source.own.Of<FovTrackOptions>());
  Describe(list, &depth->source.model);
  if (windows) DescribeVdaMode(list, &depth->source.model);
  list->Refine("model").Required();
  list->Refine("model").help = family.model;
  list->Field("input_size", &depth->source.input_size, {14, 4096}, "PIXELS", family.size_help)
      .Default("the model's own");
  if (options->family == NetworkFamily::kDepthAnything3) {
    list->Refine("input_size").Alias("da3_resolution");
    list->Refine("batch").Alias("images_per_batch");
  }
  Describe(list, &depth->source.own.Of<StabilizeOptions>());
  list->Section("output");
  list->Field("max_depth", &depth->max_depth, {1e-6, 1e6}, "METRES",
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

void NetworkVideoJobOptions::Check() const {
  CheckDescribed(*this);
  Require(family != NetworkFamily::kUnidepth || !depth.fov.empty(), Code::kInvalidArgument,
          "the field of view has to be given: xfov, yfov or xfov_file");
  depth.Check();
}

DepthJobReport RunNetworkVideoJob(const NetworkVideoJobOptions& options,
                                  const RunControl& control) {
  options.Check();
  DepthJobOptions depth = options.depth;
  depth.output = OutputFor(options);
  depth.source.model.loaded = OpenNetwork(depth.source.model, ResolveThreads(depth.job.num_threads),
                                          FamilyOf(options.family).made_by,
                                          [](const ModelInfo& one) { IsRelativeDepth(one); });
  const ModelInfo& info = depth.source.model.loaded->info();
  Require(!IsRelativeDepth(info), Code::kUnsupported,
          "model '" + info.name +
              "' gives relative depth, not metres: take video_metric_convert, which fits it to "
              "metric depth");
  const bool clips = info.kind != ModelKind::kDepth;
  Require(clips == (options.family == NetworkFamily::kVideoDepthMetric), Code::kUnsupported,
          "model '" + info.name + "' sees " +
              (!clips                                ? "single pictures"
               : info.kind == ModelKind::kDepthVideo ? "windows of frames"
                                                     : "a stream of frames") +
              ": take " + (clips ? "videoanythingmetric_video" : "video_metric_convert"));
  if (!depth.fov.empty() || NetworkTellsFov(info) || NetworkNeedsFov(info))
    depth.source.own.Of<FovTrackOptions>().output = depth.output + "_xfovs.json";
  return RunDepthJob(depth, control);
}

std::string OutputOf(const NetworkVideoJobOptions& options) { return OutputFor(options); }

DepthModelOptions* ModelOf(NetworkVideoJobOptions* options) { return &options->depth.source.model; }

void Describe(ToolReport* to, const NetworkVideoJobOptions& options, const DepthJobReport& report) {
  Describe(to, options.depth, report);
}

namespace {

template <NetworkFamily family>
DepthJobReport Run(const FamilyJobOptions<family>& options, const RunControl& control) {
  return RunNetworkVideoJob(options, control);
}

template <NetworkFamily family>
ToolInfo MakeFamilyTool(const char* name, const char* purpose, const char* example) {
  return MakeToolInfo<FamilyJobOptions<family>, DepthJobReport, Run<family>>(name, purpose,
                                                                             example);
}

}  // namespace

ToolInfo UnidepthVideoTool() {
  return MakeFamilyTool<NetworkFamily::kUnidepth>(
      "unidepth_video",
      "Makes a metric depth video with a network that is told the camera's field of view.",
      "unidepth_video --color_video clip.mp4 -xfov 45 --model unidepth-v2-16x9.pt");
}

ToolInfo Unik3dVideoTool() {
  return MakeFamilyTool<NetworkFamily::kUnik3d>(
      "unik3d_video",
      "Makes a metric depth video with UniK3D, which is told the camera's field of view or finds "
      "it.",
      "unik3d_video --color_video clip.mp4 --model unik3d.pt");
}

ToolInfo MogeVideoTool() {
  return MakeFamilyTool<NetworkFamily::kMoge>(
      "moge_video", "Makes a metric depth video with MoGe-2, and finds the field of view.",
      "moge_video --color_video clip.mp4 --model moge2.pt");
}

ToolInfo DepthProVideoTool() {
  return MakeFamilyTool<NetworkFamily::kDepthPro>(
      "depthpro_video", "Makes a metric depth video with Depth Pro, and finds the field of view.",
      "depthpro_video --color_video clip.mp4 --model depthpro.pt");
}

ToolInfo VideoDepthMetricTool() {
  return MakeFamilyTool<NetworkFamily::kVideoDepthMetric>(
      "videoanythingmetric_video",
      "Makes a metric depth video with a network that sees windows of frames and gives metres.",
      "videoanythingmetric_video --color_video clip.mp4 --model metric-vda-vits.pt");
}

ToolInfo Da3VideoTool() {
  return MakeFamilyTool<NetworkFamily::kDepthAnything3>(
      "video_da3", "Makes a metric depth video with Depth-Anything-3 of single pictures.",
      "video_da3 --color_video clip.mp4 -xfov 45 --model da3-metric.pt");
}

}  // namespace mdvt
