// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/mono_to_sbs.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "pipeline/constant_rate.h"
#include "pipeline/depth_source.h"
#include "pipeline/eye_follower.h"
#include "pipeline/eye_inputs.h"
#include "pipeline/eye_maker.h"
#include "pipeline/job_common.h"
#include "pipeline/learn_fov.h"
#include "pipeline/shot_pass.h"
#include "pipeline/steadier.h"

namespace mdvt {
namespace {

// Steps of the output's clock per frame: where the clip starts is off by a 32nd of a frame at most.
constexpr int64_t kStepsPerTick = 16;

std::string DefaultOutput(const MonoToSbsJobOptions& options) {
  return ViewOutputName(options.output, options.input,
                        options.frame.Canvas(options.preview.active()), options.input, ".mp4",
                        options.job.limits);
}

const Frame& PictureOf(const PairedFrame& pair) { return pair.color; }

class MonoToSbsJob {
 public:
  MonoToSbsJob(const MonoToSbsJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        output_(DefaultOutput(options)),
        mask_output_(options.holes.writes_mask() ? output_ + "_infillmask.mkv" : ""),
        outputs_(options.job.overwrite),
        video_(StageOutputs()),
        reader_(options.input, ReaderOptions(options.job, graph_.pool())),
        layout_(LayoutOf(options.frame.canvas)),
        preview_(options.preview.active()) {
    CheckOnePicture(reader_.info(), options.job.one_picture);
    MakePlan(control);
    OpenWriter();
    MakeEyes();
  }

  MonoToSbsReport Run() {
    if (options_.on_start) options_.on_start(plan_);
    EyeInputs inputs(source_.get(), options_.steady.cuts, options_.steady, options_.job.limits,
                     reader_.info(), reader_.info().format, graph_.pool());
    auto found = graph_.Then(Frames().Holding(1), &inputs).Holding(1);
    auto rendered = graph_.Then(std::move(found), &*maker_).Holding(1);
    if (follower_) rendered = graph_.Then(std::move(rendered), &*follower_).Holding(1);
    graph_.Into(std::move(rendered), [this](PackedFrame frame) { return Encode(&frame); });
    graph_.Run("stereo", expected_frames_);
    Require(shown_ > 0, Code::kCorrupt, "'" + options_.input + "' has no frames");

    if (sheet_) maker_->sheet().Write(*sheet_);
    if (mask_writer_) mask_writer_->Finish();
    if (provenance_writer_) provenance_writer_->Finish();
    writer_->Finish(EndOfStreams(&reader_, options_.job.max_frames));
    outputs_.CommitAll();

    MonoToSbsReport report;
    report.frames = graph_.frames_done();
    report.output = output_;
    report.mask_output = mask_output_;
    report.scenes = maker_->scenes();
    report.hole_share = maker_->mean_hole_share();
    report.observed_share = follower_ ? follower_->observed_share() : maker_->observed_share();
    report.mean_shift = maker_->mean_shift();
    const DepthFacts facts = source_->facts();
    report.measured_frames = facts.measured_frames;
    report.path_uncertainty = facts.path_uncertainty;
    report.unsure_frames = facts.unsure_frames;
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
    if (!options_.holes.provenance_output.empty())
      provenance_ = outputs_.AddFile(options_.holes.provenance_output);
    return outputs_.AddFile(output_);
  }

  void MakePlan(const RunControl& control) {
    const VideoInfo& source = reader_.info();
    plan_.source_width = source.width;
    plan_.source_height = source.height;
    plan_.source_rate = source.frame_rate;
    plan_.canvas = PlanCanvas(options_.frame.Canvas(preview_), source.width, source.height,
                              source.sample_aspect);
    codec_ = options_.encode.Codec(output_, VideoCodec::kH264);
    render_format_ = PackedFormat(layout_, plan_.canvas, source.format);
    plan_.format = options_.encode.Format(codec_, render_format_, plan_.canvas.frame_width,
                                          plan_.canvas.frame_height,
                                          layout_.samples == MixSamples::kFullChroma);

    time_base_ = source.time_base;
    plan_.output_rate = source.frame_rate;
    double expected = static_cast<double>(source.estimated_frames);
    if (options_.fps > 0) {
      plan_.output_rate = RateOf(options_.fps);
      time_base_ = Rational{plan_.output_rate.den, plan_.output_rate.num * kStepsPerTick};
      rate_.emplace(plan_.output_rate.ToDouble(), source.time_base, PictureOf);
      if (source.frame_rate.IsPositive())
        expected *= plan_.output_rate.ToDouble() / source.frame_rate.ToDouble();
    }
    expected_frames_ = options_.preview.Frames(
        ExpectedFrames(std::llround(expected), 0, options_.job.max_frames), plan_.output_rate);
    plan_.output_rate = options_.preview.Rate(plan_.output_rate);

    OpenDepth(control);
    plan_.latency = source_->latency();
  }

  void MakeEyes() {
    const VideoInfo& source = reader_.info();
    const bool poses =
        !options_.holes.infill_poses.empty() || (!options_.engine && options_.source.finds_path());
    const bool follows = options_.holes.infill == Infill::kObserved && !poses;
    EyeOptions eyes = EyesFor(options_, follows);
    eyes.must_observe = options_.holes.infill == Infill::kObserved;
    eyes.placement = options_.placement;
    eyes.warp = options_.warp;
    eyes.norm = options_.norm;
    eyes.max_shift = options_.max_shift;
    eyes.shift = options_.shift;
    eyes.screen = options_.convergence;
    eyes.observe = ObserveFor(options_.holes, poses && options_.warp == WarpKind::kForward,
                              render_format_, source.width, source.height, options_.job.limits);
    EyeSource pictures;
    pictures.format = source.format;
    pictures.width = source.width;
    pictures.height = source.height;
    pictures.color = ResolveColor(source.color, source.format, source.height);
    if (follows)
      follower_.emplace(options_.holes, layout_, plan_.canvas,
                        !options_.subtitles.burn() && !preview_, render_format_, pictures.color,
                        options_.job.limits, graph_.pool());
    maker_.emplace(eyes, layout_, plan_.canvas, pictures, Places(pictures.color), graph_.pool());
    plan_.max_shift = maker_->max_shift();
  }

  bool metric() const { return options_.placement == Placement::kMetric; }

  EyePlaces Places(const ColorInfo& color) {
    std::vector<int64_t> shots;
    if (!options_.eyes.convergence_file.empty())
      shots = FindShots(&graph_, options_.input, options_.steady, options_.job);
    return PlacesFor(options_, options_.placement, reader_.info(), color, shots, source_->file(),
                     plan_.canvas, render_format_, *camera_, graph_.pool());
  }

  void OpenDepth(const RunControl& control) {
    const VideoInfo& video = reader_.info();
    FovOptions fov = options_.fov;
    if (fov.empty() && !options_.engine && ChosenEngine(options_.source).finds_path)
      fov = LearnFov(options_.input, options_.job, control.cancelled);
    const bool is_assumed = fov.empty();
    if (is_assumed) fov.xfov_deg = kDefaultXfovDeg;
    camera_.emplace(fov, DepthTags(), video.width, video.height, video.sample_aspect,
                    options_.job.limits);
    DepthClip clip;
    clip.camera = camera_->At(0);
    clip.xfovs_deg = camera_->xfovs_deg();
    clip.metres = metric();
    clip.frame_rate = rate_ ? plan_.output_rate : video.frame_rate;
    clip.color = video.color;
    clip.pool = graph_.pool();
    if (const DepthEngine& own = options_.engine)
      source_ = Stabilized(std::make_unique<EstimatorSource>([own](const DepthClip& frames) {
                             return own({frames.camera, frames.frame_rate, frames.pool});
                           }),
                           options_.source.own.Of<StabilizeOptions>());
    else
      source_ = OpenDepthSource(options_.source, {options_.job.limits, graph_.pool()});
    Require(options_.fov.empty() || metric() || source_->needs_fov() || source_->tells_fov() ||
                options_.source.own.Of<StabilizeOptions>().kind == StabilizerKind::kFlow ||
                !options_.holes.infill_poses.empty(),
            Code::kInvalidArgument,
            "a field of view has no meaning with this network, which does not use it, unless the "
            "placement is metric: leave xfov, yfov and xfov_file out");
    const bool matters = metric() || source_->needs_fov();
    if (is_assumed && !options_.engine) FovOrUsual({}, matters && !source_->tells_fov());
    source_->Start(clip);
  }

  void OpenWriter() {
    const VideoInfo& source = reader_.info();
    DepthTags tags;
    tags.kind = layout_.kind;
    tags.source = FileName(options_.input);
    VideoWriterOptions video =
        WriterOptions(options_.encode, codec_, source, options_.job, graph_.pool());
    video.time_base = time_base_;
    video.frame_rate = plan_.output_rate;
    video.rate_is_even = rate_ || source.rate_is_even;
    video.sample_aspect = plan_.canvas.sample_aspect;
    output_color_ = EncodedColor(source.color, render_format_, plan_.format, source.height);
    video.color = output_color_;
    video.stereo = layout_.Tag(options_.swap_eyes);
    video.equirectangular_deg = plan_.canvas.EquirectangularDeg(layout_);
    video.right_eye_first = options_.swap_eyes;
    video.tags = tags.ToTags();
    if (!preview_) video.copy_streams_from = options_.input;
    video.copy_text = !options_.subtitles.burn();
    writer_.emplace(video_, plan_.format, plan_.canvas.frame_width, plan_.canvas.frame_height,
                    video);
    if (mask_)
      mask_writer_.emplace(*mask_, PixelFormat::Rgb(8), plan_.canvas.frame_width,
                           plan_.canvas.frame_height,
                           MaskWriterOptions(video, options_.holes.mask_style(), output_));
    if (provenance_)
      provenance_writer_.emplace(*provenance_, PixelFormat::Gray(8), plan_.canvas.frame_width,
                                 plan_.canvas.frame_height,
                                 ProvenanceWriterOptions(video, output_));
  }

  Stream<InputFrame> Frames() {
    JoinedColor color;
    color.frames.emplace(graph_.From([this] { return reader_.Read(); }));
    color.info = &reader_.info();
    Stream<PairedFrame> pairs = source_->Join(&graph_, std::move(color));
    const auto once = [](PairedFrame pair) { return Shown<PairedFrame>{std::move(pair), 0, 1}; };
    Stream<Shown<PairedFrame>> shown =
        rate_ ? graph_.Map(std::move(pairs), &*rate_) : graph_.Map(std::move(pairs), once);
    shown = graph_.While(std::move(shown), [this] { return shown_ < most_shown(); });
    return graph_.Map(std::move(shown),
                      [this](Shown<PairedFrame> next) { return ToInput(std::move(next)); });
  }

  int64_t most_shown() const {
    return options_.job.max_frames < 0 ? INT64_MAX : options_.job.max_frames;
  }

  InputFrame ToInput(Shown<PairedFrame> next) {
    const VideoInfo& source = reader_.info();
    const Frame& picture = next.item.color;
    InputFrame input;
    input.index = picture.index;
    input.seconds = static_cast<double>(picture.pts) * source.time_base.ToDouble();
    input.pts = picture.pts;
    input.duration = picture.duration;
    if (rate_) {
      input.shows = std::min(next.ticks, most_shown() - shown_);
      input.pts =
          Rescale(source.start_pts, source.time_base, time_base_) + next.first_tick * kStepsPerTick;
      input.duration = kStepsPerTick;
    }
    shown_ += input.shows;
    input.pair = std::move(next.item);
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
      if (provenance_writer_) provenance_writer_->Write(frame->provenance, pts, frame->duration);
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
  std::optional<OutputTarget> provenance_;
  OutputTarget video_;
  VideoReader reader_;
  const ViewLayout layout_;
  PixelFormat render_format_;
  const bool preview_;
  MonoToSbsPlan plan_;
  Rational time_base_;
  std::optional<ConstantRate<PairedFrame>> rate_;
  std::unique_ptr<DepthSource> source_;
  std::optional<ClipCamera> camera_;
  VideoCodec codec_ = VideoCodec::kH264;
  ColorInfo output_color_;
  std::optional<VideoWriter> writer_;
  std::optional<VideoWriter> mask_writer_;
  std::optional<VideoWriter> provenance_writer_;
  std::optional<EyeMaker> maker_;
  std::optional<EyeFollower> follower_;
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
  settled.eyes = SettledEyes(options);
  settled.convergence_given.clear();
  return settled;
}

MonoToSbsReport RunMonoToSbsJob(const MonoToSbsJobOptions& options, const RunControl& control) {
  options.Check();
  const MonoToSbsJobOptions settled = Settle(options);
  return MonoToSbsJob(settled, control).Run();
}

}  // namespace mdvt
