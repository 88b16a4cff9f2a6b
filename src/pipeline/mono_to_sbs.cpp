// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/mono_to_sbs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>
#include <vector>

#include "core/object_pool.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/motion_depth.h"
#include "pipeline/constant_rate.h"
#include "pipeline/eye_maker.h"
#include "pipeline/job_common.h"
#include "pipeline/scene_starts.h"

namespace mdvt {
namespace {

// Steps of the output's clock per frame: where the clip starts is off by a 32nd of a frame at most.
constexpr int64_t kStepsPerTick = 16;
// A frame on its way through the job. `shows`: how many frames of the output it is.
struct InputFrame {
  Frame frame;  // `index` counts the frames of the source
  int64_t pts = 0;
  int64_t duration = 0;  // of one show, in the output's time base
  int64_t shows = 1;
  double seconds = 0;
};

std::string DefaultOutput(const MonoToSbsJobOptions& options) {
  return OutputName(options.output, options.input,
                    ViewLayoutOf(options.frame.canvas.layout).suffix + ".mp4");
}

VideoReaderOptions ReaderOptions(const JobOptions& job, ThreadPool* pool) {
  VideoReaderOptions reader;
  reader.limits = job.limits;
  reader.pool = pool;
  return reader;
}

// The nearest simple rate: 23.976 stands for 24000/1001.
Rational RateOf(double fps) {
  for (const int64_t whole : {24, 30, 48, 60, 120}) {
    const Rational ntsc{whole * 1000, 1001};
    if (std::fabs(fps - ntsc.ToDouble()) < 0.001) return ntsc;
  }
  return ToRational(fps);
}

// What the engine and the detector of cuts say of each frame.
class DepthMapper : public Stage<InputFrame, EyeInput> {
 public:
  DepthMapper(const MonoToSbsJobOptions& options, const VideoInfo& source, DepthEstimator* engine,
              ThreadPool* pool)
      : options_(options),
        color_(source.color),
        engine_(engine),
        starts_(options.steady.cuts, options.steady.scene_file, options.job.limits, source,
                source.format, pool),
        pictures_(engine->input_format(), source.width, source.height) {}

  int latency() const override { return engine_->latency(); }
  int group() const override { return engine_->group(); }

  void Push(InputFrame input) override {
    starts_.Push(input.frame.image, input.frame.index, input.seconds);
    Frame picture = input.frame;
    picture.index = pushed_++;
    if (picture.image.format() != engine_->input_format()) {
      Image converted = pictures_.Get();
      converter_.Convert(picture.image.view(), color_, converted.mutable_view());
      picture.image = std::move(converted);
    }
    engine_->Push(std::move(picture));
    waiting_.push_back(std::move(input));
  }

  void Finish() override {
    starts_.Finish();
    engine_->Finish();
    finished_ = true;
  }

  std::optional<EyeInput> Pop() override {
    while (const std::optional<bool> cut = starts_.Pop()) cuts_.push_back(*cut);
    // One at a time: an engine may hold the work of a whole window until it is asked.
    if (!estimate_) estimate_ = engine_->Pop();
    if (!estimate_ || cuts_.empty()) {
      Require(!finished_ || waiting_.empty(), Code::kInternal, "the depth engine kept frames back");
      return std::nullopt;
    }
    InputFrame& input = waiting_.front();
    const Image& picture = input.frame.image;
    Require(estimate_->index == handed_on_ && estimate_->depth.format() == PixelFormat::GrayF32() &&
                estimate_->depth.width() == picture.width() &&
                estimate_->depth.height() == picture.height(),
            Code::kInternal,
            "the depth engine did not give frame " + std::to_string(handed_on_) +
                " in the size of the picture");
    EyeInput frame;
    frame.index = input.frame.index;
    frame.seconds = input.seconds;
    frame.pts = input.pts;
    frame.duration = input.duration;
    frame.shows = input.shows;
    frame.color = std::move(input.frame.image);
    frame.depth = std::move(estimate_->depth);
    frame.quantity = estimate_->quantity;
    frame.new_scene =
        cuts_.front() || (options_.steady.cuts != SceneCuts::kOff && estimate_->starts_scene);
    waiting_.pop_front();
    cuts_.pop_front();
    estimate_.reset();
    ++handed_on_;
    return frame;
  }

 private:
  const MonoToSbsJobOptions& options_;
  ColorInfo color_;
  DepthEstimator* engine_;
  SceneStarts starts_;
  ColorConverter converter_;
  ImagePool pictures_;
  std::deque<InputFrame> waiting_;
  std::deque<bool> cuts_;
  std::optional<DepthEstimate> estimate_;
  int64_t pushed_ = 0;
  int64_t handed_on_ = 0;
  bool finished_ = false;
};

class MonoToSbsJob {
 public:
  MonoToSbsJob(const MonoToSbsJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job.num_threads, control),
        output_(DefaultOutput(options)),
        mask_output_(options.holes.writes_mask() ? output_ + "_infillmask.mkv" : ""),
        outputs_(options.job.overwrite),
        video_(StageOutputs()),
        reader_(options.input, ReaderOptions(options.job, graph_.pool())),
        layout_(ViewLayoutOf(options.frame.canvas.layout)),
        preview_(options.preview.active()) {
    MakePlan();
    OpenWriter();
    MakeEyes();
  }

  MonoToSbsReport Run() {
    if (options_.on_start) options_.on_start(plan_);
    DepthMapper mapper(options_, reader_.info(), engine_.get(), graph_.pool());
    auto mapped = graph_.Then(Frames().Holding(1), &mapper).Holding(1);
    auto rendered = graph_.Then(std::move(mapped), &*maker_).Holding(1);
    graph_.Into(std::move(rendered), [this](PackedFrame frame) { return Encode(&frame); });
    graph_.Run("stereo", expected_frames_);
    Require(shown_ > 0, Code::kCorrupt, "'" + options_.input + "' has no frames");

    if (sheet_) maker_->sheet().Write(*sheet_);
    if (mask_writer_) mask_writer_->Finish();
    writer_->Finish(EndOfStreams(&reader_, options_.job.max_frames));
    outputs_.CommitAll();

    MonoToSbsReport report;
    report.frames = graph_.frames_done();
    report.output = output_;
    report.mask_output = mask_output_;
    report.scenes = maker_->scenes();
    report.hole_share = maker_->mean_hole_share();
    report.mean_shift = maker_->mean_shift();
    report.width = plan_.canvas.frame_width;
    report.height = plan_.canvas.frame_height;
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    const std::string& sheet = options_.preview.contact_sheet;
    if (!sheet.empty()) sheet_ = outputs_.AddFile(sheet);
    if (!mask_output_.empty()) mask_ = outputs_.AddFile(mask_output_);
    return outputs_.AddFile(output_);
  }

  void MakePlan() {
    const VideoInfo& source = reader_.info();
    plan_.source_width = source.width;
    plan_.source_height = source.height;
    plan_.source_rate = source.frame_rate;
    plan_.canvas = PlanCanvas(options_.frame.Canvas(preview_), source.width, source.height,
                              source.sample_aspect);
    codec_ = options_.encode.Codec(output_, VideoCodec::kH264);
    plan_.format = options_.encode.Format(codec_, source.format, plan_.canvas.frame_width,
                                          plan_.canvas.frame_height);

    time_base_ = source.time_base;
    plan_.output_rate = source.frame_rate;
    double expected = static_cast<double>(source.estimated_frames);
    if (options_.fps > 0) {
      plan_.output_rate = RateOf(options_.fps);
      time_base_ = Rational{plan_.output_rate.den, plan_.output_rate.num * kStepsPerTick};
      rate_.emplace(plan_.output_rate.ToDouble(), source.time_base);
      if (source.frame_rate.IsPositive())
        expected *= plan_.output_rate.ToDouble() / source.frame_rate.ToDouble();
    }
    expected_frames_ = options_.preview.Frames(
        ExpectedFrames(std::llround(expected), 0, options_.job.max_frames), plan_.output_rate);
    plan_.output_rate = options_.preview.Rate(plan_.output_rate);

    engine_ = MakeEngine();
    plan_.latency = engine_->latency();
  }

  void MakeEyes() {
    const VideoInfo& source = reader_.info();
    EyeOptions eyes;
    eyes.filter = options_.frame.filter;
    eyes.swap_eyes = options_.swap_eyes;
    eyes.stereo = options_.holes.Stereo();
    eyes.fill = options_.holes.leaves_black() ? HoleFill::kBlack : HoleFill::kFill;
    eyes.holes = options_.holes.writes_mask();
    eyes.smoothing = options_.steady.smoothing;
    eyes.warp = options_.warp;
    eyes.norm = options_.norm;
    eyes.max_shift = options_.max_shift;
    eyes.shift = options_.shift;
    eyes.screen = options_.convergence;
    eyes.preview_interval = options_.preview.Interval();
    eyes.preview_every = options_.preview.every;
    eyes.sheet = !options_.preview.contact_sheet.empty();
    EyeSource pictures;
    pictures.format = source.format;
    pictures.width = source.width;
    pictures.height = source.height;
    pictures.color = ResolveColor(source.color, source.format, source.height);
    maker_.emplace(eyes, layout_.name, plan_.canvas, pictures, EyePlaces{}, graph_.pool());
    plan_.max_shift = maker_->max_shift();
  }

  std::unique_ptr<DepthEstimator> MakeEngine() {
    const VideoInfo& source = reader_.info();
    FovOptions fov;
    fov.xfov_deg = options_.xfov_deg;
    const ClipCamera camera(fov, {}, source.width, source.height, source.sample_aspect,
                            options_.job.limits);
    const DepthSourceOptions& depth = options_.source;
    DepthEngine own = options_.engine;
    if (!own && !depth.model.empty()) {
      DepthModelOptions model = depth.model;
      model.input_size = depth.input_size.value_or(model.input_size);
      own = ModelEngine(model);
    }
    if (own) {
      std::unique_ptr<DepthEstimator> engine =
          own({camera.At(0), rate_ ? plan_.output_rate : source.frame_rate, graph_.pool()});
      Require(engine != nullptr, Code::kInvalidArgument, "the depth engine made no estimator");
      return engine;
    }
    MotionDepthOptions motion;
    motion.camera = camera.At(0);
    motion.scene_scale = depth.scene_scale;
    motion.working_side = depth.WorkingSide(source.width, source.height);
    return std::make_unique<MotionDepthEstimator>(motion, graph_.pool());
  }

  void OpenWriter() {
    const VideoInfo& source = reader_.info();
    DepthTags tags;
    tags.kind = layout_.kind;
    tags.source = FileName(options_.input);
    VideoWriterOptions video;
    options_.encode.Apply(codec_, &video);
    video.time_base = time_base_;
    video.frame_rate = plan_.output_rate;
    video.sample_aspect = plan_.canvas.sample_aspect;
    output_color_ = EncodedColor(source.color, source.format, plan_.format, source.height);
    video.color = output_color_;
    video.hdr = source.hdr;
    video.stereo = layout_.tag;
    video.tags = tags.ToTags();
    if (!preview_) video.copy_streams_from = options_.input;
    video.num_threads = options_.job.num_threads;
    video.pool = graph_.pool();
    writer_.emplace(video_, plan_.format, plan_.canvas.frame_width, plan_.canvas.frame_height,
                    video);
    if (mask_)
      mask_writer_.emplace(*mask_, PixelFormat::Rgb(8), plan_.canvas.frame_width,
                           plan_.canvas.frame_height,
                           MaskWriterOptions(video, options_.holes.mask_style(), output_));
  }

  Stream<InputFrame> Frames() {
    Stream<Frame> frames = graph_.From([this] { return reader_.Read(); });
    const auto once = [](Frame frame) { return ShownFrame{std::move(frame), 0, 1}; };
    Stream<ShownFrame> shown =
        rate_ ? graph_.Map(std::move(frames), &*rate_) : graph_.Map(std::move(frames), once);
    shown = graph_.While(std::move(shown), [this] { return shown_ < most_shown(); });
    return graph_.Map(std::move(shown),
                      [this](ShownFrame next) { return ToInput(std::move(next)); });
  }

  int64_t most_shown() const {
    return options_.job.max_frames < 0 ? INT64_MAX : options_.job.max_frames;
  }

  InputFrame ToInput(ShownFrame next) {
    const VideoInfo& source = reader_.info();
    InputFrame input;
    input.seconds = static_cast<double>(next.frame.pts) * source.time_base.ToDouble();
    input.pts = next.frame.pts;
    input.duration = next.frame.duration;
    if (rate_) {
      input.shows = std::min(next.ticks, most_shown() - shown_);
      input.pts =
          Rescale(source.start_pts, source.time_base, time_base_) + next.first_tick * kStepsPerTick;
      input.duration = kStepsPerTick;
    }
    shown_ += input.shows;
    input.frame = std::move(next.frame);
    return input;
  }

  // Returns how many frames of the output it was.
  int64_t Encode(PackedFrame* frame) {
    const Image image = converter_.Convert(frame->image, output_color_, plan_.format);
    frame->image = Image();
    const auto paint = [&](int y, const MutableImageView& band) {
      PaintPackedMask(plan_.canvas, *frame->holes, options_.holes.mask_style(), y, band);
    };
    for (int64_t show = 0; show < frame->shows; ++show) {
      const int64_t pts = frame->pts + show * frame->duration;
      writer_->Write(image, pts, frame->duration);
      if (mask_writer_) mask_writer_->Write(paint, pts, frame->duration);
    }
    return frame->shows;
  }

  const MonoToSbsJobOptions& options_;
  Graph graph_;
  std::string output_;
  std::string mask_output_;  // empty: none
  OutputSet outputs_;
  std::optional<OutputTarget> sheet_;
  std::optional<OutputTarget> mask_;
  OutputTarget video_;
  VideoReader reader_;
  const ViewLayout& layout_;
  const bool preview_;
  MonoToSbsPlan plan_;
  Rational time_base_;
  std::optional<ConstantRate> rate_;
  std::unique_ptr<DepthEstimator> engine_;
  VideoCodec codec_ = VideoCodec::kH264;
  ColorInfo output_color_;
  std::optional<VideoWriter> writer_;
  std::optional<VideoWriter> mask_writer_;
  std::optional<EyeMaker> maker_;
  ColorConverter converter_;
  int64_t shown_ = 0;  // frames of the output that have been decoded
  int64_t expected_frames_ = 0;
};

}  // namespace

DepthEngine ModelEngine(const DepthModelOptions& options) {
  options.Check();
  return [opened = options](const DepthEngineInput& input) mutable {
    opened.loaded = OpenDepthModel(opened, input.pool->num_threads());
    ModelDepthOptions depth;
    depth.camera = input.camera;
    return std::unique_ptr<DepthEstimator>(
        MakeModelDepth(opened, opened.loaded, depth, input.pool));
  };
}

// What holds once shorthands have been written out.
static MonoToSbsJobOptions Settle(const MonoToSbsJobOptions& options) {
  MonoToSbsJobOptions settled = options;
  if (options.norm_lo && options.norm_hi)
    settled.norm.fixed = DisparityRange{*options.norm_lo, *options.norm_hi};
  return settled;
}

MonoToSbsReport RunMonoToSbsJob(const MonoToSbsJobOptions& options, const RunControl& control) {
  options.Check();
  const MonoToSbsJobOptions settled = Settle(options);
  return MonoToSbsJob(settled, control).Run();
}

}  // namespace mdvt
