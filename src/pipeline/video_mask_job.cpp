// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/video_mask.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/mask_maker.h"
#include "pipeline/video_kind.h"

namespace mdvt {
namespace {

class VideoMaskJob {
 public:
  VideoMaskJob(const VideoMaskJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        output_(OutputName(options.output, options.color_video, "_mask.mkv")),
        outputs_(options.job.overwrite),
        file_(StageOutputs()),
        reader_(options.color_video, ReaderOptions(options.job, graph_.pool())),
        format_(options.format == MaskFormat::kGray8 ? PixelFormat::Gray(8) : PixelFormat::Rgb(8)) {
    TellIfNoFilm(reader_.info());
    if (!options.model.empty())
      model_ =
          OpenNetwork(options.model, graph_.pool()->num_threads(),
                      "models/export/segment.py makes one of a checkpoint, see docs/models.md");
    maker_.emplace(options, reader_.info(), model_, graph_.pool());
    OpenWriter();
  }

  VideoMaskReport Run() {
    auto frames = graph_.From(FirstFrames(&reader_, options_.job.max_frames));
    graph_.Into(graph_.Then(std::move(frames), &*maker_), [this](const Frame& mask) {
      if (format_ == mask.image.format())
        return writer_->Write(mask.image, mask.pts, mask.duration);
      Image rgb(format_, mask.image.width(), mask.image.height());
      for (int plane = 0; plane < 3; ++plane)
        for (int y = 0; y < rgb.height(); ++y)
          std::copy_n(mask.image.Plane<uint8_t>().Row(y), rgb.width(),
                      rgb.MutablePlane<uint8_t>(plane).Row(y));
      writer_->Write(rgb, mask.pts, mask.duration);
    });
    graph_.Run("mask", ExpectedFrames(reader_.info().estimated_frames, 0, options_.job.max_frames));
    writer_->Finish();
    outputs_.CommitAll();

    VideoMaskReport report;
    report.frames = writer_->frames_written();
    report.output = output_;
    report.mask_share = maker_->mask_share();
    if (model_ != nullptr) report.model = model_->info().name;
    report.width = reader_.info().width;
    report.height = reader_.info().height;
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    return outputs_.AddFile(output_);
  }

  void OpenWriter() {
    const VideoInfo& source = reader_.info();
    VideoWriterOptions video = LosslessLike(source, graph_.pool());
    DepthTags tags;
    tags.kind = "mask";
    tags.source = FileName(options_.color_video);
    video.tags = tags.ToTags();
    writer_.emplace(file_, format_, source.width, source.height, video);
  }

  const VideoMaskJobOptions& options_;
  Graph graph_;
  std::string output_;
  OutputSet outputs_;
  OutputTarget file_;
  VideoReader reader_;
  PixelFormat format_;
  std::shared_ptr<const Model> model_;
  std::optional<MaskMaker> maker_;
  std::optional<VideoWriter> writer_;
};

void DescribeSteady(OptionList* list, VideoMaskJobOptions* options) {
  list->Section("steadiness");
  SteadyMaskOptions* steady = &options->steady;
  list->Field("memory", &steady->memory, {0, 1, false, true}, "WEIGHT",
              "weight of the frames before, carried along by the motion of the picture");
  list->Field("high", &steady->high, {0, 1, true, true}, "PROBABILITY",
              "a region is masked if some of it is at least this likely");
  list->Field("low", &steady->low, {0, 1, true, true}, "PROBABILITY",
              "pixels of a region are at least this likely");
  list->Field("core", &steady->core, {0, 1}, "SHARE",
              "how much of a region has to be as likely as --high");
  list->Field("min_area", &steady->min_area, {0, 1}, "SHARE",
              "smaller regions are left out, smaller holes filled: share of the picture");
  list->Field("largest", &steady->largest, "mask the largest region only");
  static const EnumNames<SceneCuts> cuts = {{"on", SceneCuts::kAuto}, {"off", SceneCuts::kOff}};
  list->Field("scene_cuts", &options->cuts, cuts, "start anew at each cut in the colors");
  list->Field("scene_file", &options->scene_file, "CSV",
              "list of scenes (as PySceneDetect writes it) in place of that")
      .Input()
      .OnlyWith("scene_cuts", {"on"});
}

}  // namespace

void Describe(OptionList* list, VideoMaskJobOptions* options) {
  list->Field("color_video", &options->color_video, "FILE", "video to make masks of")
      .Input(true)
      .Positional(0)
      .Required();
  list->Field("output", &options->output, "FILE", "mask video (.mkv), or a folder")
      .Output()
      .Default("<color_video>_mask.mkv");
  list->Field("model", &options->model.path, "FILE",
              "network that finds the main subject (U2-Net, ISNet ...): a file that "
              "models/export/ has written")
      .Input()
      .Default("none: mask what moves on its own");
  list->Field("batch_size", &options->model.batch, {1, 64}, "FRAMES",
              "frames that the model sees at once")
      .OnlyWith("model");
  list->Field("parity", &options->parity,
              "as the original toolbox: stretch each mask to the whole range, keep it soft and do "
              "not steady it")
      .OnlyWith("model");
  for (const char* name : {"memory", "high", "low", "core", "min_area", "largest"})
    list->Refine("parity").Excludes(name);
  list->Field("soft", &options->soft, "grey edges; off: black and white").Excludes("parity");
  list->Field("invert", &options->invert, "black on white");
  list->Field("dilate", &options->dilate, {-1024, 1024}, "PIXELS",
              "grow the mask to all sides; negative: shrink it");
  static const EnumNames<MaskFormat> formats = {{"gray8", MaskFormat::kGray8},
                                                {"rgb8", MaskFormat::kRgb8}};
  list->Field("format", &options->format, formats,
              "rgb8: three equal channels, as the original toolbox writes");
  list->Field("motion_threshold", &options->motion.threshold, {0, 100, true, false}, "PIXELS",
              "motion against the still world, on pictures 640 pixels wide, at which a pixel is as "
              "likely to move as not")
      .Excludes("model");
  list->Field("max_round_trip", &options->motion.max_round_trip, {0, 100, true, false}, "PIXELS",
              "motion that misses its start by more on the way back is no measurement")
      .Excludes("model");
  DescribeSteady(list, options);
  list->Section("model");
  DescribeNetwork(list, &options->model, "model");
  list->Section("");
  Describe(list, &options->job.reading);
  Describe(list, &options->job);
}

void VideoMaskJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  model.Check();
  Require(steady.low <= steady.high, Code::kInvalidArgument,
          "low is " + FormatDouble(steady.low) + ", must be at most high, " +
              FormatDouble(steady.high));
  steady.Check();
  motion.Check();
  Require(!parity || !model.empty(), Code::kInvalidArgument, "parity needs a model");
}

VideoMaskReport RunVideoMaskJob(const VideoMaskJobOptions& options, const RunControl& control) {
  options.Check();
  return VideoMaskJob(options, control).Run();
}

}  // namespace mdvt
