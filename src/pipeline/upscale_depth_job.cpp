// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/upscale_depth.h"

#include <memory>
#include <optional>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/pipeline/graph.h"
#include "pipeline/clip_pair.h"
#include "pipeline/depth_watch.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

class UpscaleDepthJob {
 public:
  UpscaleDepthJob(const UpscaleDepthJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        output_(OutputName(options.output, options.depth_video, "_upscaled.mkv")),
        outputs_(options.job.overwrite),
        video_(StageOutputs()),
        depth_(options.depth_video,
               DepthReaderOptions(options.depth, options.job.limits, graph_.pool())),
        color_(options.color_video, Rgb(ReaderOptions(options.job, graph_.pool()))),
        guided_(options.guided) {
    const VideoInfo &small = depth_.info(), &large = color_.info();
    CheckOnePicture(large, options.job.one_picture);
    Require(large.width >= small.width && large.height >= small.height, Code::kInvalidArgument,
            "color video '" + options.color_video + "' of " +
                FormatSize(large.width, large.height) + " pixels is smaller than depth video '" +
                options.depth_video + "' of " + FormatSize(small.width, small.height));
    RequireSameProportions(options.depth_video, {small.width, small.height}, options.color_video,
                           {large.width, large.height});
    RequireSameRate(small, large);
    if (!options.model.empty()) {
      model_ =
          OpenNetwork(options.model, ResolveThreads(options.job.num_threads),
                      "models/export/promptda.py makes one of a checkpoint, see docs/models.md",
                      RequirePromptNetwork);
      RequirePromptNetwork(model_->info());
      prompted_.emplace(model_, options.prompt);
    }
  }

  UpscaleDepthReport Run() {
    const VideoInfo &small = depth_.info(), &large = color_.info();
    DepthVideoWriterOptions writer;
    writer.codec = depth_.codec();
    writer.tags = depth_.tags();
    if (writer.tags.k) {  // of the small frames
      const std::optional<Camera> camera = depth_.tags().CameraFor(small.width, small.height);
      const Camera scaled = camera->Scaled(large.width, large.height);
      writer.tags.k = {scaled.fx, scaled.fy, scaled.cx, scaled.cy};
    }
    writer.video = LosslessLike(small, graph_.pool());
    writer.video.sample_aspect = large.sample_aspect;
    DepthVideoWriter out(video_, large.width, large.height, writer);
    DepthWatch watch = DepthWatch::OfFile(options_.depth_video, SaturatedDepth(depth_.codec()));
    const int64_t most = options_.job.max_frames;
    auto pairs =
        graph_.Zip(graph_.From(FirstFrames(&depth_, most)), graph_.From(FirstFrames(&color_, most)),
                   NamesOfPair(small, large, INT64_MAX));
    auto enlarged = graph_.Map(std::move(pairs), [&](std::pair<DepthFrame, Frame> pair) {
      watch.Look(std::as_const(pair.first.depth).Plane<float>());
      pair.first.depth = Enlarge(pair.first.depth, pair.second.image);
      return std::move(pair.first);
    });
    graph_.Into(std::move(enlarged), [&out](DepthFrame frame) {
      out.Write(std::move(frame.depth), frame.pts, frame.duration);
    });
    graph_.Run("upscale", ExpectedFrames(small.estimated_frames, 0, options_.job.max_frames));
    Require(graph_.frames_done() > 0, Code::kCorrupt,
            "'" + options_.depth_video + "' has no frames");
    watch.Tell();
    out.Finish();
    outputs_.CommitAll();
    UpscaleDepthReport report;
    report.frames = graph_.frames_done();
    report.output = output_;
    if (model_ != nullptr) report.model = model_->info().name;
    report.width = large.width;
    report.height = large.height;
    report.small_width = small.width;
    report.small_height = small.height;
    return report;
  }

 private:
  static VideoReaderOptions Rgb(VideoReaderOptions options) {
    options.format = PixelFormat::Rgb(8);
    return options;
  }

  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    return outputs_.AddFile(output_);
  }

  Image Enlarge(const Image& depth, const Image& picture) {
    ColorInfo rgb;
    rgb.full_range = true;
    const Image luma = converter_.Convert(
        picture, ResolveColor(rgb, PixelFormat::Rgb(8), picture.height()), PixelFormat::Gray(8));
    const DepthView small = depth.Plane<float>();
    const PlaneView<const uint8_t> guide = luma.Plane<uint8_t>();
    return prompted_ ? prompted_->Upscale(small, picture, guide, graph_.pool())
                     : guided_.Upscale(small, guide, graph_.pool());
  }

  const UpscaleDepthJobOptions& options_;
  Graph graph_;
  std::string output_;
  OutputSet outputs_;
  OutputTarget video_;
  DepthVideoReader depth_;
  VideoReader color_;
  GuidedUpscaler guided_;
  std::shared_ptr<const Model> model_;
  std::optional<PromptUpscaler> prompted_;
  ColorConverter converter_;
};

}  // namespace

void Describe(OptionList* list, UpscaleDepthJobOptions* options) {
  list->Field("color_video", &options->color_video, "FILE", "color video of the same frames")
      .Input(true)
      .Required();
  list->Field("depth_video", &options->depth_video, "FILE", "depth video").Input(true).Required();
  list->Field("output", &options->output, "FILE", "depth video (.mkv), or a folder")
      .Output()
      .Default("<depth_video>_upscaled.mkv");
  Describe(list, &options->depth);
  list->Field("edge", &options->guided.edge, {0, 255, true, false}, "LEVELS",
              "difference of neighbouring grey levels across which depth spreads little")
      .Excludes("model");
  list->Field("doubt", &options->guided.doubt, {0, 8}, "PIXELS",
              "so near to a depth edge, in pixels of the depth video, the picture says where the "
              "edge is")
      .Excludes("model");
  static const EnumNames<PromptDomain> domains = {{"disparity", PromptDomain::kDisparity},
                                                  {"log", PromptDomain::kLog},
                                                  {"depth", PromptDomain::kDepth}};
  list->Field("model", &options->model.path, "FILE",
              "a network that takes the depth as a prompt, such as PromptDA, in place of the "
              "built-in filter")
      .Input();
  list->Field("prompt", &options->prompt.domain, domains,
              "what the network's prompt is linear in: 1 / depth, its logarithm, depth")
      .OnlyWith("model");
  list->Field("prompt_smoothing", &options->prompt.range_smoothing, {0, 1, false, true}, "SHARE",
              "of the past in the range of the prompt")
      .OnlyWith("model");
  list->Field("parity", &options->prompt.parity,
              "as the original: the prompt is depth between the least and the largest value of "
              "each frame")
      .OnlyWith("model")
      .Excludes("prompt")
      .Excludes("prompt_smoothing")
      .Preset({{"prompt", "depth"}, {"prompt_smoothing", "0"}});
  DescribeNetwork(list, &options->model, "model");
  DescribePictures(list, &options->job);
  Describe(list, &options->job);
}

void UpscaleDepthJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  guided.Check();
  prompt.Check();
  model.Check();
}

UpscaleDepthReport RunUpscaleDepthJob(const UpscaleDepthJobOptions& options,
                                      const RunControl& control) {
  options.Check();
  return UpscaleDepthJob(options, control).Run();
}

}  // namespace mdvt
