// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/infill_sbs.h"
#include "pipeline/clip_pair.h"
#include "pipeline/clip_poses.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/mask_watch.h"
#include "pipeline/sbs_filler.h"
#include "pipeline/sbs_pair.h"

namespace mdvt {
namespace {

constexpr int kMovingLuma = 127;  // of a mask, at most where nothing moves

class InfillSbsJob {
 public:
  InfillSbsJob(const InfillSbsJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        output_(OutputName(options.output, options.sbs_color_video, "_infilled.mkv")),
        outputs_(options.job.overwrite),
        file_(StageOutputs()),
        sbs_(options.sbs_color_video, options.sbs_mask_video, options.job, graph_.pool()),
        codec_(options.encode.Codec(output_, VideoCodec::kFfv1)),
        format_(
            options.encode.Format(codec_, sbs_.format(), sbs_.info().width, sbs_.info().height)) {
    CheckMemory();
    std::optional<FillPlaces> places;
    if (!options.depth_video.empty()) places = OpenSource();
    filler_.emplace(options, sbs_.format(),
                    ResolveColor(sbs_.info().color, sbs_.format(), sbs_.info().height),
                    std::move(places), graph_.pool());
    VideoWriterOptions video =
        sbs_.WriterOptionsFor(options.encode, codec_, format_, options.job, graph_.pool());
    output_color_ = video.color;
    writer_.emplace(file_, format_, sbs_.info().width, sbs_.info().height, video);
    if (provenance_file_)
      provenance_.emplace(*provenance_file_, PixelFormat::Gray(8), sbs_.info().width,
                          sbs_.info().height, ProvenanceWriterOptions(video, output_));
  }

  InfillSbsReport Run() {
    Stream<FilledSbs> filled = graph_.Then(Inputs().Holding(1), &*filler_);
    if (provenance_) {
      auto both = graph_.Split(std::move(filled));
      Encode(std::move(both.first));
      graph_.Into(std::move(both.second), [this](const FilledSbs& frame) {
        provenance_->Write(frame.provenance, frame.pts, frame.duration);
      });
    } else {
      Encode(std::move(filled));
    }
    graph_.Run("infill", ExpectedFrames(sbs_.info().estimated_frames, 0, options_.job.max_frames));
    mask_watch_.Tell("nothing counts as moving");
    writer_->Finish(sbs_.EndOfColorStreams());
    if (provenance_) provenance_->Finish();
    outputs_.CommitAll();

    InfillSbsReport report;
    report.frames = writer_->frames_written();
    report.output = output_;
    report.hole_share = filler_->hole_share();
    report.observed_share = filler_->observed_share();
    report.width = sbs_.info().width;
    report.height = sbs_.info().height;
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!options_.provenance_output.empty())
      provenance_file_ = outputs_.AddFile(options_.provenance_output);
    return outputs_.AddFile(output_);
  }

  void CheckMemory() const {
    if (options_.method != InfillMethod::kObserved) return;
    CheckWindowMemory(
        "window", options_.window,
        SbsFiller::BytesPerFrame(options_, sbs_.format(), sbs_.eye_width(), sbs_.eye_height()),
        options_.job.limits);
  }

  // The clip that the eyes were rendered of.
  FillPlaces OpenSource() {
    const Limits& limits = options_.job.limits;
    depth_.emplace(options_.depth_video, DepthReaderOptions(options_.depth, limits, graph_.pool()));
    color_.emplace(options_.color_video, ReaderOptions(options_.job, graph_.pool()));
    RequirePair(depth_->info(), color_->info());
    const VideoInfo& info = depth_->info();
    sbs_.RequireSizeOfEye("depth video '" + options_.depth_video + "'", info);
    if (!options_.mask_video.empty())
      moving_.emplace(OpenMaskVideo(options_.mask_video, info, limits, graph_.pool()));
    const bool right_first = sbs_.right_eye_first() != options_.swap_eyes;
    return FillPlaces{ClipCamera(options_.fov, depth_->tags(), info.width, info.height,
                                 info.sample_aspect, limits),
                      ClipPoses(options_.transformation_file, std::nullopt, limits),
                      Distances(options_.eyes, sbs_.info().frame_rate, {}, limits),
                      ScaleOf(options_.eyes),
                      options_.eyes.pupillary_distance_mm / 1000,
                      right_first};
  }

  template <typename Reader>
  auto Joined(Stream<FillInput> inputs, Reader* reader, const std::string& what,
              const std::string& path) {
    const int64_t most = options_.job.max_frames;
    return graph_.Zip(std::move(inputs), graph_.From(FirstFrames(reader, most)),
                      InStep("side-by-side video '" + options_.sbs_color_video + "'",
                             what + " '" + path + "'", most));
  }

  Stream<FillInput> Inputs() {
    Stream<FillInput> inputs = graph_.Map(sbs_.Frames(&graph_), [](SbsFrame frame) {
      FillInput input;
      input.sbs = std::move(frame);
      return input;
    });
    if (!depth_) return inputs;
    inputs = graph_.Map(Joined(std::move(inputs), &*depth_, "depth video", options_.depth_video),
                        [](std::pair<FillInput, DepthFrame> pair) {
                          pair.first.depth = std::move(pair.second.depth);
                          return std::move(pair.first);
                        });
    inputs = graph_.Map(Joined(std::move(inputs), &*color_, "color video", options_.color_video),
                        [this](std::pair<FillInput, Frame> pair) {
                          pair.first.color = converter_.Convert(
                              pair.second.image, color_->info().color, sbs_.format());
                          return std::move(pair.first);
                        });
    if (!moving_) return inputs;
    return graph_.Map(Joined(std::move(inputs), &*moving_, "mask video", options_.mask_video),
                      [this](std::pair<FillInput, Frame> pair) {
                        mask_watch_.Look(pair.second.image);
                        pair.first.moving = std::move(pair.second.image);
                        return std::move(pair.first);
                      });
  }

  void Encode(Stream<FilledSbs> frames) {
    graph_.Into(std::move(frames), [this](const FilledSbs& frame) {
      writer_->Write(output_converter_.Convert(frame.image, output_color_, format_), frame.pts,
                     frame.duration);
    });
  }

  const InfillSbsJobOptions& options_;
  Graph graph_;
  std::string output_;
  OutputSet outputs_;
  std::optional<OutputTarget> provenance_file_;
  OutputTarget file_;
  SbsPair sbs_;
  VideoCodec codec_;
  PixelFormat format_;
  ColorInfo output_color_;
  std::optional<DepthVideoReader> depth_;
  std::optional<VideoReader> color_;
  std::optional<VideoReader> moving_;
  MaskWatch mask_watch_{options_.mask_video, kMovingLuma};
  ColorConverter converter_;
  ColorConverter output_converter_;
  std::optional<SbsFiller> filler_;
  std::optional<VideoWriter> writer_;
  std::optional<VideoWriter> provenance_;
};

}  // namespace

void Describe(OptionList* list, InfillSbsJobOptions* options) {
  DescribeSbs(list, &options->sbs_color_video, &options->sbs_mask_video, &options->output);
  static const EnumNames<InfillMethod> methods = {{"directional", InfillMethod::kDirectional},
                                                  {"observed", InfillMethod::kObserved},
                                                  {"normal", InfillMethod::kNormal}};
  list->Field("method", &options->method, methods,
              "directional: continue the background beside the hole; observed: take it from frames "
              "that have seen it, else the same; normal: as the original toolbox");
  list->Field("blend_rim", &options->normal.blend_rim,
              "blur the seam to the background, and the picture beside it")
      .Switch()
      .OnlyWith("method", {"normal"});
  list->Field("max_steps", &options->normal.max_steps, {1, 4096}, "PIXELS",
              "longest way from a hole pixel to the background")
      .OnlyWith("method", {"normal"});
  list->Section("observed");
  list->Field("window", &options->window, {1, 240}, "FRAMES",
              "frames before and after that are looked at")
      .OnlyWith("method", {"observed"});
  list->Field("depth_video", &options->depth_video, "FILE",
              "depth of the clip that the eyes were rendered of; without it the background is "
              "followed by its motion")
      .Input(true)
      .OnlyWith("method", {"observed"});
  list->Field("color_video", &options->color_video, "FILE", "that clip; needed with --depth_video")
      .Input(true)
      .OnlyWith("depth_video");
  list->Field("transformation_file", &options->transformation_file, "JSON",
              "where its camera is in each frame (camera-to-world)")
      .Input()
      .Default("none: the camera is at rest")
      .OnlyWith("depth_video");
  list->Field("mask_video", &options->mask_video, "FILE",
              "white moves, and is not taken for background")
      .Input(true)
      .OnlyWith("depth_video");
  Describe(list, &options->depth);
  Describe(list, &options->fov, "from the depth file");
  Describe(list, &options->eyes, "convergence");
  list->Field("swap_eyes", &options->swap_eyes,
              "the right eye is on the left (other than the file says)")
      .OnlyWith("depth_video");
  list->Field("depth_tolerance", &options->observed.depth_tolerance, {0, 1, true, false}, "SHARE",
              "a point is seen in a frame if the depth there differs by at most this share")
      .OnlyWith("depth_video");
  list->Field("color_tolerance", &options->observed.color_tolerance, {0, 255, true, false}, "STEPS",
              "frames whose colours beside the holes differ by more (8 bits) are not used")
      .OnlyWith("method", {"observed"});
  list->Field("max_views", &options->observed.max_views, {1, 64}, "FRAMES",
              "most frames that are averaged for a pixel")
      .OnlyWith("method", {"observed"});
  list->Field("soft_rim", &options->observed.soft_rim, {0, 1, false, true}, "SHARE",
              "so much of the foreground's color gets into the hole pixel beside it, as in the "
              "silhouettes of a real camera")
      .OnlyWith("method", {"observed"});
  list->Field("provenance_output", &options->provenance_output, "FILE",
              "write where each pixel is from: white was seen in other frames, grey was continued, "
              "black was no hole (FFV1, .mkv)")
      .Output();
  list->Section("");
  Describe(list, &options->encode);
  Describe(list, &options->job.reading);
  Describe(list, &options->job);
}

void InfillSbsJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  normal.Check();
  observed.Check();
  eyes.Check();
  Require(depth_video.empty() == color_video.empty(), Code::kInvalidArgument,
          "depth_video and color_video belong together: the background is looked up in both");
  const InfillSbsJobOptions usual;
  Require(!depth_video.empty() ||
              (fov.empty() && !depth.max_depth && !depth.encoding && !eyes.convergence &&
               eyes.convergence_file.empty() && !eyes.master_xfov_deg &&
               eyes.baseline_scale == usual.eyes.baseline_scale &&
               eyes.pupillary_distance_mm == usual.eyes.pupillary_distance_mm),
          Code::kInvalidArgument,
          "field of view, depth and the place of the eyes belong to depth_video");
  encode.Codec(OutputName(output, sbs_color_video, "_infilled.mkv"), VideoCodec::kFfv1);
}

InfillSbsReport RunInfillSbsJob(const InfillSbsJobOptions& options, const RunControl& control) {
  options.Check();
  return InfillSbsJob(options, control).Run();
}

}  // namespace mdvt
