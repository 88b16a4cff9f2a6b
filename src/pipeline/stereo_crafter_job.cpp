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
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/stereo_crafter.h"
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
  Require(
      !options.path.empty(), Code::kNotFound,
      std::string("no model is given (model: the folder with its four parts); ") + kWithoutModel);
  std::error_code ignored;
  Require(fs::is_directory(options.path, ignored), Code::kNotFound,
          "there is no folder '" + options.path + "' with a model; " + kWithoutModel);
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
        parts_(OpenParts(options.model, graph_.pool()->num_threads())) {
    const DiffusionScheduler scheduler = DiffusionScheduler::From(parts_.unet->info());
    const int chunk = options.chunk.value_or(scheduler.chunk);
    const int carry = options.carry.value_or(std::min(scheduler.carry, chunk - 1));
    Require(
        carry < chunk, Code::kInvalidArgument,
        "carry = " + std::to_string(carry) + " must be less than chunk = " + std::to_string(chunk));
    crafter_.emplace(parts_, options.diffusion, chunk, carry, sbs_.format(),
                     ResolveColor(sbs_.info().color, sbs_.format(), sbs_.info().height),
                     sbs_.right_eye_first() == options.swap_eyes, graph_.pool());
    VideoWriterOptions video =
        sbs_.WriterOptionsFor(options.encode, codec_, format_, options.job, graph_.pool());
    output_color_ = video.color;
    writer_.emplace(file_, format_, sbs_.info().width, sbs_.info().height, video);
  }

  StereoCrafterReport Run() {
    graph_.Into(graph_.Then(sbs_.Frames(&graph_).Holding(1), &*crafter_),
                [this](const SbsFrame& frame) {
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
    report.model = parts_.unet->info().group;
    report.width = sbs_.info().width;
    report.height = sbs_.info().height;
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    return outputs_.AddFile(output_);
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
  DiffusionParts parts_;
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
}

}  // namespace

void Describe(OptionList* list, StereoCrafterJobOptions* options) {
  DescribeSbs(list, &options->sbs_color_video, &options->sbs_mask_video, &options->output);
  list->Field("swap_eyes", &options->swap_eyes,
              "the right eye is on the left (other than the file says)");
  list->Section("model");
  list->Field("model", &options->model.path, "FOLDER",
              "folder with the four parts of the model: files whose names end in vae_encoder, "
              "image_encoder, unet and vae_decoder")
      .Folder()
      .Default("none: an error that names a way without one");
  DescribeDiffusion(list, options);
  list->Field("fp16", &options->model.fp16, "half precision, on CUDA").Excludes("fp32");
  list->Field("fp32", &options->model.fp32, "full precision, on CUDA too");
  list->Field("deterministic", &options->model.open.deterministic,
              "the same bits for every number of threads: a forward pass has one thread");
  list->Field("trust_model", &options->model.trust_model,
              "open a model that is not listed in manifest.json: a model is a program");
  list->Field("device", &options->model.open.device, "DEVICE",
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
  diffusion.Check();
  encode.Codec(OutputName(output, sbs_color_video, "_infilled.mkv"), VideoCodec::kFfv1);
}

StereoCrafterReport RunStereoCrafterJob(const StereoCrafterJobOptions& options,
                                        const RunControl& control) {
  options.Check();
  return StereoCrafterJob(options, control).Run();
}

}  // namespace mdvt
