// SPDX-License-Identifier: Apache-2.0
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/stereo/convergence.h"
#include "pipeline/clip_pair.h"
#include "pipeline/eye_maker.h"
#include "pipeline/job_common.h"
#include "pipeline/scene_starts.h"
#include "pipeline/stereo_settings.h"

namespace mdvt {
namespace {

// The convergence distance of each frame in metres, 0 = parallel eyes.
PerFrame<double> Convergence(const StereoJobOptions& options, Rational frame_rate) {
  if (options.convergence_file.empty()) return PerFrame<double>(options.convergence.value_or(0));
  // Without a rate in the file a usual one: it only sets how many frames half a second is.
  return {SmoothConvergence(ReadConvergenceFile(options.convergence_file, options.job.limits),
                            frame_rate.IsPositive() ? frame_rate : Rational{24, 1}),
          options.convergence_file, "convergence"};
}

EyeOptions Eyes(const StereoJobOptions& options, const StereoSettings& settings) {
  EyeOptions eyes;
  eyes.placement = Placement::kMetric;
  eyes.filter = options.frame.filter;
  eyes.stereo = settings.stereo;
  eyes.fill = options.holes.leaves_black() ? HoleFill::kBlack : HoleFill::kFill;
  eyes.holes = options.holes.writes_mask();
  eyes.swap_eyes = options.swap_eyes;
  eyes.smoothing = options.steady.smoothing;
  eyes.baseline_rule = settings.baseline_rule;
  eyes.baseline_scale = settings.baseline_scale;
  eyes.master_xfov_deg = settings.master_xfov_deg;
  eyes.preview_interval = options.preview.Interval();
  eyes.preview_every = options.preview.every;
  eyes.sheet = !options.preview.contact_sheet.empty();
  return eyes;
}

CanvasOptions Canvas(const StereoJobOptions& options) {
  CanvasOptions canvas = options.frame.Canvas(options.preview.active());
  canvas.keep_odd = true;
  return canvas;
}

// Pairs of frames as the eyes take them.
class EyeInputs : public Stage<PairedFrame, EyeInput> {
 public:
  EyeInputs(const SteadyOptions& steady, const Limits& limits, const VideoInfo& source,
            const PixelFormat& format, ThreadPool* pool)
      // Without smoothing nothing is carried from frame to frame.
      : starts_(steady.Smooths() ? steady.cuts : SceneCuts::kOff, steady.scene_file, limits, source,
                format, pool),
        tick_(source.time_base.ToDouble()) {}

  void Push(PairedFrame pair) override {
    EyeInput input;
    input.color = std::move(pair.color.image);
    input.depth = std::move(pair.depth.depth);
    input.index = next_index_++;
    input.pts = pair.color.pts;
    input.duration = pair.color.duration;
    input.seconds = static_cast<double>(input.pts) * tick_;
    starts_.Push(input.color, input.index, input.seconds);
    waiting_.push_back(std::move(input));
  }
  void Finish() override { starts_.Finish(); }
  std::optional<EyeInput> Pop() override {
    const std::optional<bool> cut = starts_.Pop();
    if (!cut) return std::nullopt;
    EyeInput input = std::move(waiting_.front());
    waiting_.pop_front();
    input.new_scene = *cut;
    return input;
  }

 private:
  SceneStarts starts_;
  double tick_;
  std::deque<EyeInput> waiting_;
  int64_t next_index_ = 0;
};

class StereoJob {
 public:
  StereoJob(const StereoJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job.num_threads, control),
        settings_(Settle(options)),
        output_(settings_.output),
        mask_output_(options.holes.writes_mask() ? output_ + "_infillmask.mkv" : ""),
        outputs_(options.job.overwrite),
        video_(StageOutputs()),
        input_(InputOptions()),
        width_(input_.depth_info().width),
        height_(input_.depth_info().height),
        layout_(ViewLayoutOf(options.frame.canvas.layout)),
        canvas_(PlanCanvas(Canvas(options), width_, height_, input_.lead_info().sample_aspect)),
        render_format_(PackedFormat(canvas_, input_.lead_info().format)),
        output_format_(options.encode.Format(settings_.codec, render_format_, canvas_.frame_width,
                                             canvas_.frame_height)),
        camera_(options.fov, input_.depth_tags(), width_, height_, input_.lead_info().sample_aspect,
                options.job.limits),
        inputs_(options.steady, options.job.limits, input_.lead_info(), render_format_,
                graph_.pool()) {
    if (render_format_ != input_.lead_info().format) input_.ConvertColorTo(render_format_);
    EyeSource source;
    source.format = render_format_;
    source.width = width_;
    source.height = height_;
    source.color = ResolveColor(input_.lead_info().color, render_format_, height_);
    EyePlaces places;
    places.camera = camera_;
    places.distance = Convergence(options, input_.lead_info().frame_rate);
    maker_.emplace(Eyes(options, settings_), layout_.name, canvas_, source, places, graph_.pool());
    OpenWriters();
  }

  StereoJobReport Run() {
    auto rendered = graph_.Then(graph_.Map(input_.Frames(&graph_), &inputs_), &*maker_);
    if (mask_writer_) {
      auto both = graph_.Split(std::move(rendered), &WithoutHoles, &WithoutImage);
      Encode(std::move(both.first));
      EncodeMasks(std::move(both.second).Holding(1));
    } else {
      Encode(std::move(rendered));
    }
    graph_.Run("stereo",
               options_.preview.Frames(input_.expected_frames(), input_.lead_info().frame_rate));

    if (sheet_) maker_->sheet().Write(*sheet_);
    if (mask_writer_) mask_writer_->Finish();
    writer_->Finish(input_.EndOfColorStreams());
    outputs_.CommitAll();

    StereoJobReport report;
    report.frames = graph_.frames_done();
    report.output = output_;
    report.mask_output = mask_output_;
    report.width = canvas_.frame_width;
    report.height = canvas_.frame_height;
    report.hole_share = maker_->mean_hole_share();
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!mask_output_.empty()) mask_ = outputs_.AddFile(mask_output_);
    const std::string& sheet = options_.preview.contact_sheet;
    if (!sheet.empty()) sheet_ = outputs_.AddFile(sheet);
    return outputs_.AddFile(output_);
  }

  ClipPairOptions InputOptions() {
    ClipPairOptions input;
    input.depth_video = options_.depth_video;
    // Without a color video the picture of the depth file is the texture.
    input.color_video = options_.color_video.empty() ? options_.depth_video : options_.color_video;
    input.depth.video.limits = options_.job.limits;
    input.depth.video.pool = graph_.pool();
    input.depth.max_depth = options_.depth.max_depth;
    input.depth.encoding = options_.depth.encoding;
    input.max_frames = options_.job.max_frames;
    return input;
  }

  void OpenWriters() {
    const VideoInfo& source = input_.lead_info();
    output_color_ = EncodedColor(source.color, render_format_, output_format_, source.height);
    DepthTags tags;
    tags.kind = layout_.kind;
    tags.source = FileName(source.path);
    tags.xfov_deg = camera_.typical_xfov_deg();

    VideoWriterOptions video;
    options_.encode.Apply(settings_.codec, &video);
    video.time_base = source.time_base;
    video.frame_rate = options_.preview.Rate(source.frame_rate);
    video.sample_aspect = canvas_.sample_aspect;
    video.color = output_color_;
    video.hdr = source.hdr;
    video.stereo = layout_.tag;
    video.tags = tags.ToTags();
    if (!options_.preview.active()) video.copy_streams_from = options_.color_video;
    video.num_threads = options_.job.num_threads;
    video.pool = graph_.pool();
    writer_.emplace(video_, output_format_, canvas_.frame_width, canvas_.frame_height, video);
    if (mask_)
      mask_writer_.emplace(*mask_, PixelFormat::Rgb(8), canvas_.frame_width, canvas_.frame_height,
                           MaskWriterOptions(video, options_.holes.mask_style(), output_));
  }

  static PackedFrame WithoutHoles(const PackedFrame& frame) {
    return {frame.image, nullptr, frame.pts, frame.duration};
  }
  static PackedFrame WithoutImage(const PackedFrame& frame) {
    return {Image(), frame.holes, frame.pts, frame.duration};
  }

  void Encode(Stream<PackedFrame> frames) {
    graph_.Into(std::move(frames), [this](const PackedFrame& frame) {
      writer_->Write(converter_.Convert(frame.image, output_color_, output_format_), frame.pts,
                     frame.duration);
    });
  }

  void EncodeMasks(Stream<PackedFrame> frames) {
    graph_.Into(std::move(frames), [this](const PackedFrame& frame) {
      const auto paint = [&](int y, const MutableImageView& band) {
        PaintPackedMask(canvas_, *frame.holes, options_.holes.mask_style(), y, band);
      };
      mask_writer_->Write(paint, frame.pts, frame.duration);
    });
  }

  const StereoJobOptions& options_;
  Graph graph_;
  const StereoSettings settings_;
  std::string output_;
  std::string mask_output_;
  OutputSet outputs_;
  std::optional<OutputTarget> mask_;
  std::optional<OutputTarget> sheet_;
  OutputTarget video_;
  ClipPair input_;
  int width_;  // of the input
  int height_;
  const ViewLayout& layout_;
  ViewCanvas canvas_;
  PixelFormat render_format_;
  PixelFormat output_format_;
  ColorInfo output_color_;
  ClipCamera camera_;
  EyeInputs inputs_;
  std::optional<EyeMaker> maker_;
  std::optional<VideoWriter> writer_;
  std::optional<VideoWriter> mask_writer_;
  ColorConverter converter_;
};

}  // namespace

StereoJobReport RunStereoJob(const StereoJobOptions& options, const RunControl& control) {
  options.Check();
  return StereoJob(options, control).Run();
}

}  // namespace mdvt
