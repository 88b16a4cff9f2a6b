// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/median.h"
#include "mdvt/core/error.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/calibrate.h"
#include "mdvt/pipeline/fov_track.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/stabilize.h"
#include "pipeline/depth_source.h"
#include "pipeline/frame_chooser.h"
#include "pipeline/job_common.h"
#include "pipeline/learn_fov.h"

namespace mdvt {
namespace {

constexpr double kFovSmoothing = 0.9;  // a time constant of ten frames

// Pictures serve for depth and nothing else.
VideoReaderOptions PictureOptions(const DepthJobOptions& options, ThreadPool* pool) {
  VideoReaderOptions reader = ReaderOptions(options.job, pool);
  reader.format = ChosenEngine(options.source).picture_format;
  if (options.source.own.Of<StabilizeOptions>().kind != StabilizerKind::kNone)
    reader.format = PixelFormat::Rgb(8);
  return reader;
}

std::string DefaultOutput(const DepthJobOptions& options) {
  return OutputName(options.output, options.color_video, "_depth.mkv");
}

class DepthJob {
 public:
  DepthJob(const DepthJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        output_(DefaultOutput(options)),
        outputs_(options.job.overwrite),
        video_(StageOutputs()),
        reader_(options.color_video, PictureOptions(options, graph_.pool())),
        reference_(Reference()),
        source_(OpenDepthSource(Source(), {options.job.limits, graph_.pool()})),
        track_(options.source.own.Of<FovTrackOptions>()),
        knows_fov_(!options.fov.empty() || source_->needs_fov()) {
    CheckOnePicture(reader_.info(), options.job.one_picture);
    Require(track_.mode == FovMode::kClipMedian || (options.fov.empty() && source_->tells_fov()),
            Code::kInvalidArgument,
            std::string("fov_mode says how the field of view is taken that the network tells, ") +
                (options.fov.empty() ? "this one tells none" : "but one is given, which wins") +
                ": leave it out");
    SetCamera(Fov(control.cancelled));
    if (options.target_fps > 0) chooser_.emplace(options.target_fps, reader_.info().time_base);
    const Rational rate = reader_.info().frame_rate;
    fewer_ = chooser_ && !(rate.num > 0 && options.target_fps >= rate.ToDouble());
    frame_rate_ = fewer_ ? RateOf(options.target_fps) : rate;
  }

  DepthJobReport Run() {
    FindFov();
    ChooseFovs();
    OpenWriter();
    const DepthClip clip = Clip();
    if (Source().own.Of<CalibrationOptions>().Mode() == CalibrationMode::kGlobal)
      fit_ = source_->Fit(reference_, clip, &graph_);
    source_->Start(clip);
    JoinedColor color;
    color.frames.emplace(Frames());
    color.info = &reader_.info();
    auto found = graph_.Then(source_->Join(&graph_, std::move(color)), source_.get());
    graph_.Into(std::move(found), [this](PairedFrame pair) {
      writer_->Write(std::move(pair.depth.depth), pair.depth.pts, pair.depth.duration);
    });
    graph_.Run("depth", expected_frames_);
    Require(graph_.frames_done() > 0, Code::kCorrupt,
            "'" + options_.color_video + "' has no frames");

    const DepthFacts facts = source_->facts();
    if (path_) WriteTransformationsFile(*path_, facts.world_from_cam);
    if (xfovs_) WriteFovFile(*xfovs_, XfovTrack(facts));
    writer_->Finish();
    outputs_.CommitAll();

    DepthJobReport report;
    report.frames = graph_.frames_done();
    report.output = output_;
    if (knows_fov_) {
      report.xfov_deg = camera_->typical_xfov_deg();
    } else if (!facts.xfovs_deg.empty()) {
      std::vector<double> told = facts.xfovs_deg;
      report.xfov_deg = Median(&told);
    }
    report.model = facts.model;
    report.model_license = facts.model_license;
    report.calibration = facts.calibration;
    report.fit = fit_;
    report.translation_found = facts.translation_found;
    report.measured_frames = facts.measured_frames;
    report.path_uncertainty = facts.path_uncertainty;
    report.unsure_frames = facts.unsure_frames;
    report.width = reader_.info().width;
    report.height = reader_.info().height;
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!options_.transformation_output.empty())
      path_ = outputs_.AddFile(options_.transformation_output);
    const std::string& xfovs = options_.source.own.Of<FovTrackOptions>().output;
    if (!xfovs.empty()) xfovs_ = outputs_.AddFile(xfovs);
    return outputs_.AddFile(output_);
  }

  // One for the clip, of an engine that tells it.
  void FindFov() {
    Require(!xfovs_ || knows_fov_ || source_->tells_fov(), Code::kInvalidArgument,
            "the engine tells no field of view, and none is given: there is none to write to '" +
                track_.output + "'");
    if (knows_fov_ || !source_->tells_fov() || track_.mode != FovMode::kClipMedian) return;
    FovOptions fov;
    fov.xfov_deg = source_->FindFov(options_.color_video, options_.job.limits, Clip(), &graph_);
    SetCamera(fov);
    knows_fov_ = true;
  }

  // A list of fields of view counts the frames of the clip: those of the frames that are kept,
  // which only the frames' times tell.
  void ChooseFovs() {
    if (!chooser_ || options_.fov.xfov_file.empty()) return;
    VideoReader reader(options_.color_video, PictureOptions(options_, graph_.pool()));
    FrameChooser chooser(options_.target_fps, reader.info().time_base);
    auto frames = graph_.Map(graph_.From([&] { return reader.Read(); }), &chooser);
    frames = graph_.While(std::move(frames), [this] { return WantsMore(chosen_xfovs_.size()); });
    // In the thread that asks whether more are wanted.
    frames = graph_.Map(std::move(frames), [this](Frame frame) {
      chosen_xfovs_.push_back(camera_->At(frame.index).xfov_deg());
      frame.image = Image();
      return frame;
    });
    graph_.Into(std::move(frames), [](const Frame&) {});
    graph_.Run("frames", reader.info().estimated_frames);
  }

  bool WantsMore(size_t frames) const {
    return options_.job.max_frames < 0 || static_cast<int64_t>(frames) < options_.job.max_frames;
  }

  void SetCamera(const FovOptions& fov) {
    const VideoInfo& info = reader_.info();
    camera_.emplace(fov, DepthTags(), info.width, info.height, info.sample_aspect,
                    options_.job.limits);
  }

  std::vector<double> XfovTrack(const DepthFacts& facts) const {
    if (!chosen_xfovs_.empty()) return chosen_xfovs_;
    if (!knows_fov_) return facts.xfovs_deg;
    std::vector<double> track;
    for (int64_t i = 0; i < graph_.frames_done(); ++i) track.push_back(camera_->At(i).xfov_deg());
    return track;
  }

  // Networks do without the motion of the clip.
  FovOptions Fov(const std::atomic<bool>* cancelled) {
    if (options_.fov.empty() && ChosenEngine(options_.source).finds_path)
      return LearnFov(options_.color_video, options_.job, cancelled);
    return FovOrUsual(options_.fov, source_->needs_fov());
  }

  void OpenWriter() {
    const VideoInfo& source = reader_.info();
    DepthVideoWriterOptions writer;
    writer.codec.encoding = options_.encoding;
    writer.codec.max_depth = options_.max_depth;
    if (Source().own.Of<CalibrationOptions>().parity)
      writer.codec.rounding = DepthRounding::kTruncate;
    writer.tags.source = FileName(options_.color_video);
    if (knows_fov_) writer.tags.xfov_deg = camera_->typical_xfov_deg();
    if (knows_fov_ && options_.fov.xfov_file.empty())
      writer.tags.yfov_deg = camera_->At(0).yfov_deg();
    writer.video.codec = VideoCodec::kFfv1;
    writer.video.time_base = source.time_base;
    writer.video.frame_rate = frame_rate_;
    double estimated = static_cast<double>(source.estimated_frames);
    if (fewer_ && source.frame_rate.num > 0)
      estimated *= options_.target_fps / source.frame_rate.ToDouble();
    expected_frames_ = ExpectedFrames(std::llround(estimated), 0, options_.job.max_frames);
    writer.video.sample_aspect = source.sample_aspect;
    writer.video.pool = graph_.pool();
    writer_.emplace(video_, source.width, source.height, writer);
  }

  // Those of the clip that get a depth, numbered anew.
  Stream<Frame> Frames() {
    Stream<Frame> frames = graph_.From([this] { return reader_.Read(); });
    if (chooser_) frames = graph_.Map(std::move(frames), &*chooser_);
    frames = graph_.While(std::move(frames),
                          [this] { return WantsMore(static_cast<size_t>(frames_chosen_)); });
    return graph_.Map(std::move(frames), [this](Frame frame) {
      camera_->At(frame.index);  // names the file that ends too early
      frame.index = frames_chosen_++;
      return frame;
    });
  }

  DepthClip Clip() {
    DepthClip clip;
    clip.camera = camera_->At(0);
    clip.xfovs_deg = chosen_xfovs_.empty() ? camera_->xfovs_deg() : chosen_xfovs_;
    clip.frame_rate = frame_rate_;
    clip.color = reader_.info().color;
    clip.metres = true;
    clip.own_camera = !knows_fov_ && source_->tells_fov();
    clip.camera_smoothing = track_.mode == FovMode::kSmooth ? kFovSmoothing : 0;
    clip.keeps_pictures = false;
    clip.pool = graph_.pool();
    return clip;
  }

  // With what the job knows of the calibration.
  DepthSourceOptions Source() const {
    DepthSourceOptions source = options_.source;
    source.own.Of<CalibrationOptions>().reference = reference_;
    source.own.Of<CalibrationOptions>().max_depth = options_.max_depth;
    return source;
  }

  ReferenceCalibrationOptions Reference() const {
    ReferenceCalibrationOptions reference;
    reference.color_video = options_.color_video;
    reference.depth_video = options_.reference_depth;
    reference.depth.max_depth = options_.reference.max_depth;
    reference.depth.encoding = options_.reference.encoding;
    reference.target_fps = options_.target_fps;
    reference.limits = options_.job.limits;
    // A reference of the first frames alone is enough for a run over no more than these.
    if (options_.job.max_frames >= 0 && !options_.reference_depth.empty()) {
      const int64_t frames =
          VideoReader(options_.reference_depth, ReaderOptions(options_.job, nullptr)).CountFrames();
      if (frames >= options_.job.max_frames) reference.end = frames;
    }
    return reference;
  }

  const DepthJobOptions& options_;
  Graph graph_;
  std::string output_;
  OutputSet outputs_;
  std::optional<OutputTarget> path_, xfovs_;
  OutputTarget video_;
  VideoReader reader_;
  ReferenceCalibrationOptions reference_;
  std::unique_ptr<DepthSource> source_;
  FovTrackOptions track_;
  bool knows_fov_;
  bool fewer_ = false;         // frames than the video has
  Rational frame_rate_{0, 1};  // of those that get a depth
  std::optional<ClipCamera> camera_;
  std::optional<FrameChooser> chooser_;
  std::vector<double> chosen_xfovs_;  // of the frames that are kept; empty: no list, or all are
  std::optional<DepthVideoWriter> writer_;
  int64_t frames_chosen_ = 0;
  int64_t expected_frames_ = 0;
  std::optional<DisparityFitResult> fit_;  // to the reference
};

}  // namespace

DepthJobReport RunDepthJob(const DepthJobOptions& options, const RunControl& control) {
  options.Check();
  return DepthJob(options, control).Run();
}

}  // namespace mdvt
