// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/motion_depth.h"
#include "pipeline/frame_chooser.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

// Networks that read the field of view out of the picture need none.
bool NeedsFov(const Model* model) {
  if (model == nullptr) return true;
  for (const ModelOutputInfo& output : model->info().outputs)
    if (output.scale == OutputScale::kMetricTimesFocal || output.quantity == Quantity::kDistance)
      return true;
  return false;
}

FovOptions FovOrDefault(const FovOptions& fov, bool needed) {
  if (!fov.empty()) return fov;
  if (needed)
    LogWarning("no field of view was given (--xfov, --yfov or --xfov_file): " +
               FormatDouble(kDefaultXfovDeg) +
               " degrees across are taken; a wrong one stretches the scene in depth");
  FovOptions assumed;
  assumed.xfov_deg = kDefaultXfovDeg;
  return assumed;
}

// Depth from motion looks at luma, networks at colour.
VideoReaderOptions ReaderOptions(const DepthJobOptions& options, ThreadPool* pool) {
  VideoReaderOptions reader;
  reader.limits = options.job.limits;
  reader.pool = pool;
  reader.format = options.source.model.empty() ? PixelFormat::Gray(8) : PixelFormat::Rgb(8);
  return reader;
}

std::string DefaultOutput(const DepthJobOptions& options) {
  return OutputName(options.output, options.color_video, "_depth.mkv");
}

std::vector<Pose> CameraPathOf(const MotionDepthEstimator& estimator) {
  std::vector<Pose> world_from_cam;
  for (const MotionFrameReport& frame : estimator.frame_reports())
    world_from_cam.push_back(frame.world_from_cam);
  return world_from_cam;
}

class DepthJob {
 public:
  DepthJob(const DepthJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job.num_threads, control),
        output_(DefaultOutput(options)),
        outputs_(options.job.overwrite),
        video_(StageOutputs()),
        reader_(options.color_video, ReaderOptions(options, graph_.pool())),
        model_(options.source.model.empty()
                   ? nullptr
                   : OpenDepthModel(options.source.model, options.job.num_threads)),
        knows_fov_(!options.fov.empty() || NeedsFov(model_.get())),
        camera_(FovOrDefault(options.fov, NeedsFov(model_.get())), {}, reader_.info().width,
                reader_.info().height, reader_.info().sample_aspect, options.job.limits) {
    if (options.target_fps > 0) chooser_.emplace(options.target_fps, reader_.info().time_base);
    OpenWriter();
  }

  DepthJobReport Run() {
    CalibrateModel();
    DepthEstimator* const engine = MakeEngine();
    auto depths = graph_.Then(Frames(), engine);
    graph_.Into(std::move(depths), [this](DepthEstimate depth) {
      writer_->Write(std::move(depth.depth), depth.pts, depth.duration);
    });
    graph_.Run("depth", expected_frames_);
    Require(graph_.frames_done() > 0, Code::kCorrupt,
            "'" + options_.color_video + "' has no frames");

    if (path_) WriteTransformationsFile(*path_, CameraPathOf(*motion_));
    writer_->Finish();
    outputs_.CommitAll();

    DepthJobReport report;
    report.frames = graph_.frames_done();
    report.output = output_;
    if (knows_fov_) report.xfov_deg = camera_.typical_xfov_deg();
    if (model_) {
      report.model = model_->info().name;
      report.model_license = model_->info().source.license;
      report.calibration = network_->calibration();
      report.fit = fit_;
    } else {
      const MotionReport motion = motion_->report();
      report.translation_found = motion.translation_found();
      report.measured_frames = motion.measured;
    }
    report.width = reader_.info().width;
    report.height = reader_.info().height;
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!options_.transformation_output.empty())
      path_ = outputs_.AddFile(options_.transformation_output);
    return outputs_.AddFile(output_);
  }

  void OpenWriter() {
    const VideoInfo& source = reader_.info();
    DepthVideoWriterOptions writer;
    writer.codec.encoding = options_.encoding;
    writer.codec.max_depth = options_.max_depth;
    writer.tags.source = FileName(options_.color_video);
    if (knows_fov_) writer.tags.xfov_deg = camera_.typical_xfov_deg();
    if (knows_fov_ && options_.fov.xfov_file.empty())
      writer.tags.yfov_deg = camera_.At(0).yfov_deg();
    writer.video.codec = VideoCodec::kFfv1;
    writer.video.time_base = source.time_base;
    writer.video.frame_rate = source.frame_rate;
    double estimated = static_cast<double>(source.estimated_frames);
    const double source_fps = source.frame_rate.ToDouble();
    if (options_.target_fps > 0 && !(source_fps > 0 && options_.target_fps >= source_fps)) {
      writer.video.frame_rate = Rational{std::llround(options_.target_fps * 1000), 1000}.Reduced();
      if (source_fps > 0) estimated *= options_.target_fps / source_fps;
    }
    expected_frames_ = ExpectedFrames(std::llround(estimated), 0, options_.job.max_frames);
    writer.video.sample_aspect = source.sample_aspect;
    writer.video.pool = graph_.pool();
    writer_.emplace(video_, source.width, source.height, writer);
  }

  // Those of the clip that get a depth, numbered anew.
  Stream<Frame> Frames() {
    Stream<Frame> frames = graph_.From([this] { return reader_.Read(); });
    if (chooser_) frames = graph_.Map(std::move(frames), &*chooser_);
    frames = graph_.While(std::move(frames), [this] {
      return options_.job.max_frames < 0 || frames_chosen_ < options_.job.max_frames;
    });
    return graph_.Map(std::move(frames), [this](Frame frame) {
      frame.index = frames_chosen_++;
      return frame;
    });
  }

  DepthModelOptions ModelOptions() const {
    DepthModelOptions model = options_.source.model;
    model.input_size = options_.source.input_size.value_or(model.input_size);
    return model;
  }

  ModelDepthOptions ModelOptionsOfClip() const {
    ModelDepthOptions depth;
    depth.camera = camera_.At(0);
    return depth;
  }

  void CalibrateModel() {
    if (!model_ || options_.reference_depth.empty()) return;
    Require(IsRelativeDepth(model_->info()), Code::kInvalidArgument,
            "model '" + model_->info().name +
                "' gives metric depth: a reference depth is for relative ones");
    ReferenceCalibrationOptions reference;
    reference.color_video = options_.color_video;
    reference.depth_video = options_.reference_depth;
    reference.depth.max_depth = options_.reference.max_depth;
    reference.depth.encoding = options_.reference.encoding;
    reference.limits = options_.job.limits;
    const auto estimator =
        MakeModelDepth(ModelOptions(), model_, ModelOptionsOfClip(), graph_.pool());
    fit_ = CalibrateByReference(reference, estimator.get(), &graph_);
    if (fit_->by_median)
      LogWarning("no scale and shift of '" + model_->info().name + "' explain '" +
                 options_.reference_depth + "': the median of the ratios is taken as the scale");
  }

  DepthEstimator* MakeEngine() {
    if (model_) {
      ModelDepthOptions depth = ModelOptionsOfClip();
      if (fit_) depth.calibration = fit_->calibration;
      if (IsRelativeDepth(model_->info()) && !fit_)
        depth.median_depth = options_.source.scene_scale;
      network_ = MakeModelDepth(ModelOptions(), model_, depth, graph_.pool());
      return network_.get();
    }
    MotionDepthOptions motion;
    motion.camera = camera_.At(0);
    motion.xfovs_deg = camera_.xfovs_deg();
    motion.scene_scale = options_.source.scene_scale;
    motion.working_side = options_.source.WorkingSide(reader_.info().width, reader_.info().height);
    motion.confidence = false;
    motion_.emplace(motion, graph_.pool());
    return &*motion_;
  }

  const DepthJobOptions& options_;
  Graph graph_;
  std::string output_;
  OutputSet outputs_;
  std::optional<OutputTarget> path_;
  OutputTarget video_;
  VideoReader reader_;
  std::shared_ptr<const Model> model_;  // null: depth from motion
  bool knows_fov_;
  ClipCamera camera_;
  std::optional<FrameChooser> chooser_;
  std::optional<DepthVideoWriter> writer_;
  int64_t frames_chosen_ = 0;
  int64_t expected_frames_ = 0;
  std::optional<DisparityFitResult> fit_;  // to the reference
  std::unique_ptr<ModelDepthEstimator> network_;
  std::optional<MotionDepthEstimator> motion_;
};

}  // namespace

DepthJobReport RunDepthJob(const DepthJobOptions& options, const RunControl& control) {
  options.Check();
  return DepthJob(options, control).Run();
}

}  // namespace mdvt
