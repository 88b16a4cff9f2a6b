// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/infill/feed_forward_fill.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/stereo_crafter.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/sbs_crafter.h"
#include "pipeline/sbs_pair.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWithoutModel =
    "basic_nomal_infill --method observed fills holes without a model";

// The file of a folder whose name without its ending ends in `role`.
std::string PartOf(const std::string& folder, const std::string& role) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string stem = it->path().stem().string(), ending = it->path().extension().string();
    const bool named = stem.size() >= role.size() &&
                       stem.compare(stem.size() - role.size(), role.size(), role) == 0;
    if (named && ending != ".json" && it->is_regular_file(error))
      found.push_back(it->path().string());
  }
  Require(!found.empty(), Code::kNotFound,
          "'" + folder + "' has no file whose name ends in " + role +
              ": a model has four parts, vae_encoder, image_encoder, unet and vae_decoder; " +
              kWithoutModel);
  std::sort(found.begin(), found.end());
  Require(found.size() == 1, Code::kInvalidArgument,
          "'" + folder + "' has several files whose names end in " + role + ": '" + found[0] +
              "', '" + found.back() + "'");
  return found[0];
}

DiffusionParts OpenParts(const DepthModelOptions& options, int num_threads) {
  const auto open = [&](const char* role) {
    DepthModelOptions part = options;
    part.path = PartOf(options.path, role);
    return OpenNetwork(
        part, num_threads,
        "models/export/stereocrafter.py makes one of a checkpoint, see docs/models.md");
  };
  DiffusionParts parts;
  parts.unet = open("unet");
  parts.vae_encoder = open("vae_encoder");
  parts.image_encoder = open("image_encoder");
  parts.vae_decoder = open("vae_decoder");
  parts.Check();
  return parts;
}

// A network that is opened, and how it wants to be run.
struct OpenedFill {
  std::unique_ptr<ClipFill> fill;
  std::string name;
  int chunk = 0;
  int carry = 0;
  bool needs_originals = false;
};

OpenedFill OpenFill(const StereoCrafterJobOptions& options, ThreadPool* pool) {
  const std::string& path = options.model.path;
  Require(!path.empty(), Code::kNotFound,
          std::string("no model is given (model: a file, or the folder with its four parts); ") +
              kWithoutModel);
  std::error_code ignored;
  Require(fs::exists(path, ignored), Code::kNotFound,
          "there is no model '" + path + "'; " + kWithoutModel);
  OpenedFill opened;
  if (fs::is_directory(path, ignored)) {
    const DiffusionParts parts = OpenParts(options.model, pool->num_threads());
    auto fill = std::make_unique<DiffusionFill>(parts, options.diffusion, pool);
    opened.name = parts.unet->info().group;
    opened.chunk = options.chunk.value_or(fill->scheduler().chunk);
    opened.carry = fill->scheduler().carry;
    opened.fill = std::move(fill);
  } else {
    const DiffusionOptions& given = options.diffusion;
    const DiffusionOptions usual;
    Require(
        given.steps == usual.steps && !given.guidance && given.seed == usual.seed &&
            given.encode_frames == usual.encode_frames &&
            given.decode_frames == usual.decode_frames,
        Code::kInvalidArgument,
        "num_inference_steps, guidance, seed, encode_frames and decode_frames are for diffusion "
        "models, '" +
            path + "' is a file: a network that fills in one pass");
    const std::shared_ptr<const Model> model = OpenNetwork(options.model, pool->num_threads());
    FeedForwardOptions one_pass;
    one_pass.tile_width = options.diffusion.tile_width;
    one_pass.tile_height = options.diffusion.tile_height;
    one_pass.overlap = options.diffusion.overlap;
    one_pass.match_colors = options.diffusion.match_colors;
    one_pass.blend_rim = options.diffusion.blend_rim;
    auto fill = std::make_unique<FeedForwardFill>(model, one_pass, pool);
    const bool clips = model->info().window.has_value();
    opened.name = model->info().name;
    opened.chunk = options.chunk.value_or(fill->chunk());
    Require(!clips || opened.chunk <= fill->chunk(), Code::kInvalidArgument,
            "chunk = " + std::to_string(opened.chunk) + ", model '" + opened.name +
                "' takes at most " + CountOf(fill->chunk(), "frame"));
    opened.carry = fill->carry();
    opened.needs_originals = fill->needs_originals();
    opened.fill = std::move(fill);
  }
  opened.carry = options.carry.value_or(std::min(opened.carry, opened.chunk - 1));
  Require(opened.carry < opened.chunk, Code::kInvalidArgument,
          "carry = " + std::to_string(opened.carry) +
              " must be less than chunk = " + std::to_string(opened.chunk));
  return opened;
}

void CheckOriginals(const OpenedFill& model, bool given) {
  Require(!model.needs_originals || given, Code::kInvalidArgument,
          "model '" + model.name +
              "' looks at the video that the eyes were rendered of: give color_video");
  Require(model.needs_originals || !given, Code::kInvalidArgument,
          "color_video is for networks that look at it, model '" + model.name + "' does not");
}

class StereoCrafterJob {
 public:
  StereoCrafterJob(const StereoCrafterJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        output_(OutputName(options.output, options.sbs_color_video, "_infilled.mkv")),
        outputs_(options.job.overwrite),
        file_(StageOutputs()),
        sbs_(options.sbs_color_video, options.sbs_mask_video, options.job, graph_.pool()),
        codec_(options.encode.Codec(output_, VideoCodec::kFfv1)),
        format_(
            options.encode.Format(codec_, sbs_.format(), sbs_.info().width, sbs_.info().height)),
        model_(OpenFill(options, graph_.pool())) {
    OpenOriginals();
    crafter_.emplace(std::move(model_.fill), model_.chunk, model_.carry, options.cross_fade,
                     sbs_.format(),
                     ResolveColor(sbs_.info().color, sbs_.format(), sbs_.info().height),
                     sbs_.right_eye_first() == options.swap_eyes);
    VideoWriterOptions video =
        sbs_.WriterOptionsFor(options.encode, codec_, format_, options.job, graph_.pool());
    output_color_ = video.color;
    writer_.emplace(file_, format_, sbs_.info().width, sbs_.info().height, video);
  }

  StereoCrafterReport Run() {
    graph_.Into(graph_.Then(Inputs().Holding(1), &*crafter_), [this](const SbsFrame& frame) {
      writer_->Write(converter_.Convert(frame.color, output_color_, format_), frame.pts,
                     frame.duration);
    });
    graph_.Run("infill", ExpectedFrames(sbs_.info().estimated_frames, 0, options_.job.max_frames));
    writer_->Finish(sbs_.EndOfColorStreams());
    outputs_.CommitAll();

    StereoCrafterReport report;
    report.frames = writer_->frames_written();
    report.output = output_;
    report.hole_share = crafter_->hole_share();
    report.runs = crafter_->runs();
    report.model = model_.name;
    report.width = sbs_.info().width;
    report.height = sbs_.info().height;
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    return outputs_.AddFile(output_);
  }

  // The clip that the eyes were rendered of, where the network looks at it.
  void OpenOriginals() {
    const std::string& path = options_.color_video;
    CheckOriginals(model_, !path.empty());
    if (path.empty()) return;
    originals_.emplace(path, ReaderOptions(options_.job, graph_.pool()));
    sbs_.RequireSizeOfEye("color video '" + path + "'", originals_->info());
  }

  Stream<CraftInput> Inputs() {
    Stream<CraftInput> inputs = graph_.Map(sbs_.Frames(&graph_), [](SbsFrame frame) {
      CraftInput input;
      input.sbs = std::move(frame);
      return input;
    });
    if (!originals_) return inputs;
    const int64_t most = options_.job.max_frames;
    return graph_.Map(graph_.Zip(std::move(inputs), graph_.From(FirstFrames(&*originals_, most)),
                                 InStep("side-by-side video '" + options_.sbs_color_video + "'",
                                        "color video '" + options_.color_video + "'", most)),
                      [this](std::pair<CraftInput, Frame> pair) {
                        pair.first.original = original_converter_.Convert(
                            pair.second.image, originals_->info().color,
                            PixelFormat::Rgb(pair.second.image.format().bits > 8 ? 16 : 8));
                        return std::move(pair.first);
                      });
  }

  const StereoCrafterJobOptions& options_;
  Graph graph_;
  std::string output_;
  OutputSet outputs_;
  OutputTarget file_;
  SbsPair sbs_;
  VideoCodec codec_;
  PixelFormat format_;
  ColorInfo output_color_;
  OpenedFill model_;
  std::optional<VideoReader> originals_;
  ColorConverter original_converter_;
  std::optional<SbsCrafter> crafter_;
  std::optional<VideoWriter> writer_;
  ColorConverter converter_;
};

void DescribeDiffusion(OptionList* list, StereoCrafterJobOptions* options) {
  DiffusionOptions* diffusion = &options->diffusion;
  list->Field("num_inference_steps", &diffusion->steps, {1, 1000}, "N", "steps of denoising");
  list->Field("guidance", &diffusion->guidance, {0, 100}, "FACTOR",
              "how far the result is driven away from that without the picture; 1 takes half the "
              "time")
      .Default("as the model says");
  list->Custom(
      "seed", "N", "a whole number in [0, 9007199254740991]",
      "where the noise begins: the same number gives the same video",
      [diffusion] { return std::to_string(diffusion->seed); },
      [diffusion](const std::string& text) {
        const std::optional<int64_t> seed = ParseInt(text);
        if (!seed || *seed < 0 || *seed > 9007199254740991) return false;
        diffusion->seed = static_cast<uint64_t>(*seed);
        return true;
      });
  list->Field("chunk", &options->chunk, {1, 4096}, "FRAMES", "frames of one run of the model")
      .Default("as the model says");
  list->Field("carry", &options->carry, {0, 4095}, "FRAMES",
              "frames at its beginning that the run before has filled")
      .Default("as the model says");
  list->Field("cross_fade", &options->cross_fade,
              "fade these frames from what one run made of them to what the next one makes")
      .Switch();
  list->Field("tile_width", &diffusion->tile_width, {64, 4096}, "PIXELS",
              "largest part that the model sees at once, a multiple of 64");
  list->Field("tile_height", &diffusion->tile_height, {64, 4096}, "PIXELS",
              "the same for its height");
  list->Field("overlap", &diffusion->overlap, {0, 2048}, "PIXELS", "by which such parts overlap");
  list->Field("encode_frames", &diffusion->encode_frames, {1, 64}, "FRAMES",
              "frames of one run of the encoder");
  list->Field("decode_frames", &diffusion->decode_frames, {1, 64}, "FRAMES",
              "frames of one run of the decoder");
  list->Field("match_colors", &diffusion->match_colors,
              "give what the model makes the colors of the picture around the holes")
      .Switch();
  list->Field("blend_rim", &diffusion->blend_rim,
              "even out what still differs at the rims of the holes, into the holes")
      .Switch();
}

}  // namespace

void Describe(OptionList* list, StereoCrafterJobOptions* options) {
  DescribeSbs(list, &options->sbs_color_video, &options->sbs_mask_video, &options->output);
  list->Field("swap_eyes", &options->swap_eyes,
              "the right eye is on the left (other than the file says)");
  list->Section("model");
  list->Field("model", &options->model.path, "PATH",
              "folder with the four parts of a diffusion model: files whose names end in "
              "vae_encoder, image_encoder, unet and vae_decoder; or the file of a network that "
              "fills in one pass")
      .Input()
      .Default("none: an error that names a way without one");
  list->Field("color_video", &options->color_video, "FILE",
              "what the eyes were rendered of, for models that look at it")
      .Input(true);
  DescribeDiffusion(list, options);
  list->Field("fp16", &options->model.fp16, "half precision, on CUDA").Excludes("fp32");
  list->Field("fp32", &options->model.fp32, "full precision, on CUDA too");
  list->Field("deterministic", &options->model.open.deterministic,
              "the same bits for every number of threads: a forward pass has one thread");
  list->Field("trust_model", &options->model.trust_model,
              "open a model that is not listed in manifest.json: a model is a program");
  DescribeDevice(list, "device", &options->model.open.device,
                 "where the model runs: cpu, cuda or cuda:N");
  list->Section("");
  Describe(list, &options->encode);
  Describe(list, &options->job.reading);
  Describe(list, &options->job);
}

void StereoCrafterJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  model.Check();
  for (const auto& [name, side] : {std::pair<const char*, int>{"tile_width", diffusion.tile_width},
                                   {"tile_height", diffusion.tile_height}})
    Require(side % 64 == 0, Code::kInvalidArgument,
            std::string(name) + " is " + std::to_string(side) + ", must be a multiple of 64");
  Require(diffusion.overlap <= std::min(diffusion.tile_width, diffusion.tile_height) / 2,
          Code::kInvalidArgument,
          "overlap is " + std::to_string(diffusion.overlap) +
              ", must be at most half of tile_width and of tile_height");
  diffusion.Check();
  encode.Codec(OutputName(output, sbs_color_video, "_infilled.mkv"), VideoCodec::kFfv1);
}

void OpenInfillNetworks(const DepthModelOptions& model, bool with_originals, int num_threads) {
  StereoCrafterJobOptions options;
  options.model = model;
  ThreadPool pool(num_threads);
  CheckOriginals(OpenFill(options, &pool), with_originals);
}

StereoCrafterReport RunStereoCrafterJob(const StereoCrafterJobOptions& options,
                                        const RunControl& control) {
  options.Check();
  return StereoCrafterJob(options, control).Run();
}

}  // namespace mdvt
