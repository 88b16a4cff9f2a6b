// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/image_file.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/inpaint.h"
#include "pipeline/first_frames.h"
#include "pipeline/inpainter.h"
#include "pipeline/job_common.h"
#include "pipeline/video_kind.h"

namespace mdvt {
namespace {

constexpr int kRoom = 48;            // pixels around a mask that are looked at
constexpr int kOverlayFrames = 160;  // in which an overlay is looked for
constexpr double kMostMask = 0.75;   // of a picture

double ShareOfWhite(const Image& mask) {
  int64_t white = 0;
  for (int y = 0; y < mask.height(); ++y) {
    const uint8_t* row = mask.Plane<uint8_t>().Row(y);
    white += std::count_if(row, row + mask.width(), [](uint8_t v) { return v > 127; });
  }
  return static_cast<double>(white) / (double(mask.width()) * mask.height());
}

class InpaintJob {
 public:
  InpaintJob(const InpaintJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        output_(OutputName(options.output, options.color_video, "_inpainted.mkv")),
        outputs_(options.job.overwrite),
        file_(StageOutputs()),
        reader_(options.color_video, ReaderOptions(options.job, graph_.pool())),
        codec_(options.encode.Codec(output_, VideoCodec::kFfv1)),
        format_(options.encode.Format(codec_, reader_.info().format, reader_.info().width,
                                      reader_.info().height)),
        color_(ResolveColor(reader_.info().color, reader_.info().format, reader_.info().height)) {
    OpenMask();
    if (!options.model.empty())
      model_ = OpenNetwork(options.model, graph_.pool()->num_threads(),
                           "models/export/lama.py makes one of a checkpoint, see docs/models.md");
  }

  InpaintReport Run() {
    if (options_.mask.empty()) FindOverlay();
    const VideoInfo& info = reader_.info();
    PixelRect box{0, 0, info.width, info.height};
    if (!mask_video_) box = UseMask();
    CheckMemory(box);
    inpainter_.emplace(options_, info.format, color_, box, model_, graph_.pool());
    OpenWriter();
    graph_.Into(graph_.Then(Inputs(box).Holding(1), &*inpainter_), [this](const Frame& frame) {
      writer_->Write(converter_.Convert(frame.image, output_color_, format_), frame.pts,
                     frame.duration);
    });
    graph_.Run("inpainting", ExpectedFrames(info.estimated_frames, 0, options_.job.max_frames));
    writer_->Finish(EndOfStreams(&reader_, options_.job.max_frames));
    if (inpainter_->mask_share() == 0)
      LogWarning("the mask is white nowhere: nothing was painted over");
    outputs_.CommitAll();

    InpaintReport report;
    report.frames = writer_->frames_written();
    report.output = output_;
    report.mask_share = inpainter_->mask_share();
    report.observed_share = inpainter_->observed_share();
    report.width = info.width;
    report.height = info.height;
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!options_.mask_output.empty()) mask_file_ = outputs_.AddFile(options_.mask_output);
    return outputs_.AddFile(output_);
  }

  // A picture, or else a video.
  void OpenMask() {
    if (options_.mask.empty()) return;
    const VideoInfo& info = reader_.info();
    const auto check_size = [&](int width, int height) {
      Require(width == info.width && height == info.height, Code::kCorrupt,
              "mask '" + options_.mask + "' is " + FormatSize(width, height) + ", video '" +
                  options_.color_video + "' is " + FormatSize(info.width, info.height) +
                  ": they must have the same size");
    };
    try {
      const Image picture = ReadImageFile(options_.mask, options_.job.limits);
      check_size(picture.width(), picture.height());
      ColorConverter converter;
      ColorInfo full;
      full.full_range = true;
      CheckLooksLikeMask(converter.Convert(picture, full, PixelFormat::Rgb(8)), options_.mask);
      mask_ = converter.Convert(picture, full, PixelFormat::Gray(8));
      return;
    } catch (const Error& error) {
      if (error.code() != Code::kUnsupported) throw;
    }
    mask_video_.emplace(mdvt::OpenMask(options_.mask, options_.job.limits, graph_.pool()));
    check_size(mask_video_->info().width, mask_video_->info().height);
  }

  // Looks at frames all over the clip, in a pass of their own.
  void FindOverlay() {
    VideoReader reader(options_.color_video, ReaderOptions(options_.job, graph_.pool()));
    StaticOverlay overlay(options_.overlay);
    const int64_t expected =
        ExpectedFrames(reader.info().estimated_frames, 0, options_.job.max_frames);
    const int64_t step = std::max<int64_t>(1, expected / kOverlayFrames);
    ColorConverter to_luma;
    auto frames = graph_.From(FirstFrames(&reader, options_.job.max_frames));
    graph_.Into(std::move(frames), [&](const Frame& frame) {
      if (frame.index % step != 0) return;
      overlay.Push(to_luma.Convert(frame.image, color_, PixelFormat::Gray(8)).Plane<uint8_t>());
    });
    graph_.Run("overlay", expected);
    mask_ = overlay.Find();
    if (mask_file_) WritePng(*mask_file_, mask_.view());
  }

  PixelRect UseMask() {
    const std::string name = options_.mask.empty() ? "the overlay" : "mask '" + options_.mask + "'";
    CheckMask(mask_, name);
    Require(ShareOfWhite(mask_) > 0, Code::kCorrupt,
            name + " is black all over: there is nothing to be painted over");
    const PixelRect box = BoxOfMask(mask_, kRoom + options_.dilate + options_.blend);
    fixed_ = PrepareMask(mask_, box, options_.dilate, options_.blend);
    return box;
  }

  static void CheckMask(const Image& mask, const std::string& name) {
    const double share = ShareOfWhite(mask);
    Require(share <= kMostMask, Code::kCorrupt,
            name + " is white on " + FormatFixed(100 * share, 0) +
                " % of the picture: too little is left to paint it over with");
  }

  void CheckMemory(const PixelRect& box) const {
    if (!options_.temporal) return;
    const VideoInfo& info = reader_.info();
    CheckWindowMemory("window", options_.window,
                      Inpainter::BytesPerFrame(info.format, info.width, info.height, box),
                      options_.job.limits);
  }

  void OpenWriter() {
    const VideoInfo& info = reader_.info();
    VideoWriterOptions video =
        WriterOptions(options_.encode, codec_, info, options_.job, graph_.pool());
    video.sample_aspect = info.sample_aspect;
    output_color_ = EncodedColor(info.color, info.format, format_, info.height);
    video.color = output_color_;
    video.copy_streams_from = options_.color_video;
    writer_.emplace(file_, format_, info.width, info.height, video);
  }

  Stream<InpaintInput> Inputs(const PixelRect& box) {
    const int64_t most = options_.job.max_frames;
    auto frames = graph_.From(FirstFrames(&reader_, most));
    if (!mask_video_)
      return graph_.Map(std::move(frames), [this](Frame frame) {
        return InpaintInput{std::move(frame), fixed_};
      });
    return graph_.Map(graph_.Zip(std::move(frames), graph_.From(FirstFrames(&*mask_video_, most)),
                                 InStep("video '" + options_.color_video + "'",
                                        "mask video '" + options_.mask + "'", most)),
                      [this, box](std::pair<Frame, Frame> pair) {
                        CheckMask(pair.second.image, "mask '" + options_.mask + "', frame " +
                                                         std::to_string(pair.second.index) + ",");
                        return InpaintInput{
                            std::move(pair.first),
                            PrepareMask(pair.second.image, box, options_.dilate, options_.blend)};
                      });
  }

  const InpaintJobOptions& options_;
  Graph graph_;
  std::string output_;
  OutputSet outputs_;
  std::optional<OutputTarget> mask_file_;
  OutputTarget file_;
  VideoReader reader_;
  VideoCodec codec_;
  PixelFormat format_;
  ColorInfo color_;
  ColorInfo output_color_;
  Image mask_;
  std::shared_ptr<const InpaintMask> fixed_;
  std::optional<VideoReader> mask_video_;
  std::shared_ptr<const Model> model_;
  std::optional<Inpainter> inpainter_;
  std::optional<VideoWriter> writer_;
  ColorConverter converter_;
};

}  // namespace

void Describe(OptionList* list, InpaintJobOptions* options) {
  list->Field("color_video", &options->color_video, "FILE", "video with a logo, caption ...")
      .Input(true)
      .Positional(0)
      .Required();
  list->Field("output", &options->output, "FILE", "video without it, or a folder")
      .Output()
      .Default("<color_video>_inpainted.mkv");
  list->Field("mask", &options->mask, "FILE",
              "white is painted over: a picture (PNG, JPEG) for all frames, or a mask video")
      .Input()
      .Default("none: look for what stands still before a moving picture");
  list->Field("mask_output", &options->mask_output, "PNG", "write the mask that was found")
      .Output()
      .Excludes("mask");
  list->Field("dilate", &options->dilate, {0, 256}, "PIXELS", "grow the mask first");
  list->Field("blend", &options->blend, {0, 64}, "PIXELS",
              "border around it in which the picture passes into what is painted");
  list->Field("temporal", &options->temporal,
              "take what is behind from frames that show it; off: paint each frame by itself")
      .Switch();
  list->Field("window", &options->window, {1, 240}, "FRAMES",
              "frames before and after that are looked at")
      .OnlyWith("temporal", {"on"});
  list->Field("color_tolerance", &options->color_tolerance, {0, 255, true, false}, "STEPS",
              "frames whose colors beside the mask differ by more (8 bits) are not used")
      .OnlyWith("temporal", {"on"});
  list->Field("radius", &options->radius, {1, 16}, "PIXELS",
              "how far around a pixel is looked where no frame shows what is behind");
  list->Section("overlay");
  list->Field("min_edge", &options->overlay.min_edge, {1, 255}, "STEPS",
              "edges of an overlay are at least this strong")
      .Excludes("mask");
  list->Field("persistence", &options->overlay.persistence, {0, 1, true, false}, "SHARE",
              "and keep so much of their strength (root mean square) when all frames are averaged: "
              "they "
              "neither turn nor come and go")
      .Excludes("mask");
  list->Field("min_change", &options->overlay.min_change, {0, 255}, "STEPS",
              "a picture that changes less than this tells nothing")
      .Excludes("mask");
  list->Field("max_share", &options->overlay.max_share, {0, 1, true, false}, "SHARE",
              "largest part of the picture that may be overlay")
      .Excludes("mask");
  list->Section("model");
  list->Field("model", &options->model.path, "FILE",
              "network that paints what no frame shows (LaMa ...): a file that models/export/ has "
              "written")
      .Input()
      .Default("none: from what is around");
  DescribeNetwork(list, &options->model, "model");
  list->Section("");
  Describe(list, &options->encode);
  Describe(list, &options->job.reading);
  Describe(list, &options->job);
}

void InpaintJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  overlay.Check();
  model.Check();
  encode.Codec(OutputName(output, color_video, "_inpainted.mkv"), VideoCodec::kFfv1);
}

InpaintReport RunInpaintJob(const InpaintJobOptions& options, const RunControl& control) {
  options.Check();
  return InpaintJob(options, control).Run();
}

}  // namespace mdvt
