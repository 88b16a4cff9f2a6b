// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>
#include <vector>

#include "core/median.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/parallel.h"
#include "mdvt/depth/calibrated_depth.h"
#include "mdvt/depth/model_camera.h"
#include "mdvt/depth/parity_depth.h"
#include "mdvt/depth/stream_depth.h"
#include "mdvt/depth/video_depth.h"
#include "mdvt/io/video_reader.h"
#include "pipeline/depth_scenes.h"
#include "pipeline/depth_source.h"
#include "pipeline/metric_reference.h"

namespace mdvt {
namespace {

constexpr int kUsualInput = 518;         // of the original
constexpr int64_t kFramesLookedAt = 32;  // for a clip's field of view

// What it says of a frame depends on others.
bool SeesClips(const ModelInfo& info) { return info.kind != ModelKind::kDepth; }

class NetworkSource : public EstimatorSource {
 public:
  NetworkSource(const DepthSourceOptions& source, const DepthOpening& opening)
      : options_(source.model),
        calibrate_(source.own.Of<CalibrationOptions>()),
        scene_scale_(source.scene_scale),
        model_(OpenDepthModel(source.model, opening.pool->num_threads())) {
    options_.input_size = source.input_size.value_or(options_.input_size);
    CheckVdaMode(options_, model_->info());
    CheckUsed(source, model_->info());
  }

  bool needs_fov() const override { return NetworkNeedsFov(model_->info()); }
  bool tells_fov() const override { return NetworkTellsFov(model_->info()); }

  double FindFov(const std::string& color_video, const Limits& limits, const DepthClip& clip,
                 Graph* graph) override {
    ModelDepthOptions depth;
    depth.camera = clip.camera;
    ModelCameraOptions own;
    own.own_camera = true;
    const auto estimator = MakePictures(depth, own, graph->pool());
    VideoReaderOptions color;
    color.limits = limits;
    color.pool = graph->pool();
    color.format = estimator->input_format();
    VideoReader reader(color_video, color);
    const int64_t estimated = reader.info().estimated_frames;
    const int64_t step = std::max<int64_t>(1, estimated / kFramesLookedAt);
    int64_t read = 0;
    auto frames = graph->Map(graph->From([&] { return reader.Read(); }),
                             [&](Frame frame) -> std::optional<Frame> {
                               if (read++ % step != 0) return std::nullopt;
                               return frame;
                             });
    graph->Into(graph->Then(std::move(frames), estimator.get()), [](const DepthEstimate&) {});
    graph->Run("field of view", estimated);
    std::vector<double> found = estimator->found_xfovs_deg();
    Require(!found.empty(), Code::kCorrupt, "'" + color_video + "' has no frames");
    return Median(&found);
  }

  DisparityFitResult Fit(const ReferenceCalibrationOptions& reference, const DepthClip& clip,
                         Graph* graph) override {
    RequireRelative();
    std::vector<DisparityFitResult> fits;
    if (SeesClips()) {
      fits = CalibrateScenes(
          calibrate_, options_, clip.camera, MakeNetwork(clip, {}, {}, graph->pool()).estimator,
          [&](std::unique_ptr<DepthEstimator> estimator) {
            return WithCuts(std::move(estimator), clip, graph->pool());
          },
          graph);
    } else {
      ModelDepthOptions depth;
      depth.camera = clip.camera;
      const auto estimator = MakeModelDepth(options_, model_, depth, graph->pool());
      fits.push_back(
          reference.depth_video.empty()
              ? CalibrateOverClip(calibrate_, options_, clip.camera, estimator.get(), graph)
              : CalibrateByReference(reference, estimator.get(), graph));
    }
    if (std::any_of(fits.begin(), fits.end(),
                    [](const DisparityFitResult& fit) { return fit.by_median; }))
      LogWarning("no scale and shift of '" + model_->info().name +
                 "' explain the metric depth: "
                 "the median of the ratios is taken as the scale");
    for (const DisparityFitResult& fit : fits) calibrations_.push_back(fit.calibration);
    return fits.back();
  }

  DepthFacts facts() const override {
    DepthFacts facts;
    facts.model = model_->info().name;
    facts.model_license = model_->info().source.license;
    if (network_.pictures != nullptr) facts.xfovs_deg = network_.pictures->found_xfovs_deg();
    if (parity_ != nullptr) {
      facts.calibration = parity_->calibration();
    } else if (calibrated_ != nullptr) {
      facts.calibration = calibrated_->calibration();
    } else {
      facts.calibration = network_.calibration();
    }
    return facts;
  }

 protected:
  std::unique_ptr<DepthEstimator> Make(const DepthClip& clip) override {
    const CalibrationMode mode = calibrate_.Mode();
    const bool streams = mode != CalibrationMode::kNone && mode != CalibrationMode::kGlobal;
    std::optional<double> median;
    if (clip.metres && IsRelativeDepth(model_->info()) && calibrations_.empty() && !streams)
      median = scene_scale_;
    if (calibrate_.parity) return MakeParity(clip);
    Network made = MakeNetwork(clip, calibrations_, median, clip.pool);
    std::unique_ptr<DepthEstimator> estimator = std::move(made.estimator);
    network_.calibration = std::move(made.calibration);
    network_.pictures = made.pictures;
    if (streams) {
      RequireRelative();
      const MetricReference reference =
          OpenMetricReference(calibrate_, options_, clip.camera, clip.pool);
      CalibratedDepthOptions options;
      options.mode = mode;
      options.saturated_depth = reference.saturated_depth;
      auto calibrated = std::make_unique<CalibratedDepth>(std::move(estimator), reference.target,
                                                          options, clip.pool);
      calibrated_ = calibrated.get();
      estimator = std::move(calibrated);
    }
    return WithCuts(std::move(estimator), clip, clip.pool);
  }

 private:
  struct Network {
    std::unique_ptr<DepthEstimator> estimator;
    std::function<std::optional<DisparityCalibration>()> calibration;
    const CameraModelDepthEstimator* pictures = nullptr;  // null: of windows
  };

  std::unique_ptr<DepthEstimator> MakeParity(const DepthClip& clip) {
    RequireRelative();
    ParityDepthOptions options;
    options.size = {clip.camera.width, clip.camera.height};
    const int side = options_.input_size > 0 ? options_.input_size : kUsualInput;
    options.decoded = DecodedSize(options.size, side);
    options.max_depth = calibrate_.max_depth;
    DepthClip small = clip;
    small.camera = clip.camera.Scaled(options.decoded.width, options.decoded.height);
    Network made = MakeNetwork(small, {}, {}, clip.pool);
    const MetricReference reference =
        OpenMetricReference(calibrate_, options_, small.camera, clip.pool);
    auto parity = std::make_unique<ParityDepth>(std::move(made.estimator), reference.target,
                                                options, clip.pool);
    parity_ = parity.get();
    return parity;
  }

  bool SeesClips() const { return mdvt::SeesClips(model_->info()); }

  // What sees frames together sees none over a cut.
  std::unique_ptr<DepthEstimator> WithCuts(std::unique_ptr<DepthEstimator> estimator,
                                           const DepthClip& clip, ThreadPool* pool) const {
    if (!SeesClips() || options_.vda_cuts == SceneCuts::kOff) return estimator;
    return std::make_unique<DepthScenes>(std::move(estimator), clip.camera, clip.frame_rate, pool);
  }

  // Of single pictures, of windows or of a stream, as the file says.
  Network MakeNetwork(const DepthClip& clip, const std::vector<DisparityCalibration>& calibrations,
                      std::optional<double> median, ThreadPool* pool) const {
    const auto joined = [](auto estimator) {
      Network network;
      network.calibration = [made = estimator.get()] { return made->calibration(); };
      network.estimator = std::move(estimator);
      return network;
    };
    if (SeesClips()) {
      const bool stream = model_->info().kind == ModelKind::kDepthStream;
      const std::string sees = "model '" + model_->info().name + "' sees " +
                               (stream ? "one frame after another" : "windows of frames");
      Require(options_.batch == 1, Code::kInvalidArgument,
              "batch = " + std::to_string(options_.batch) + ": " + sees + ", one at a time");
      Require(clip.xfovs_deg.empty() || !needs_fov(), Code::kUnsupported,
              sees + ": a field of view per frame is for networks of single pictures");
      VideoDepthOptions depth;
      depth.camera = clip.camera;
      depth.input_size = options_.input_size;
      depth.calibrations = calibrations;
      depth.median_depth = median;
      if (stream) return joined(std::make_unique<StreamDepthEstimator>(model_, depth, pool));
      depth.robust = !calibrate_.parity;
      depth.align_at_frame_size = calibrate_.parity;
      return joined(std::make_unique<VideoDepthEstimator>(model_, depth, pool));
    }
    ModelDepthOptions depth;
    depth.camera = clip.camera;
    ModelCameraOptions cameras;
    cameras.xfovs_deg = clip.xfovs_deg;
    cameras.own_camera = clip.own_camera && tells_fov();
    cameras.camera_smoothing = clip.camera_smoothing;
    if (!calibrations.empty()) depth.calibration = calibrations.front();
    depth.median_depth = median;
    auto pictures = MakePictures(depth, cameras, pool);
    const CameraModelDepthEstimator* made = pictures.get();
    Network network = joined(std::move(pictures));
    network.pictures = made;
    return network;
  }

  std::unique_ptr<CameraModelDepthEstimator> MakePictures(const ModelDepthOptions& depth,
                                                          const ModelCameraOptions& cameras,
                                                          ThreadPool* pool) const {
    ModelDepthOptions all = depth;
    all.input_size = options_.input_size;
    all.batch = options_.batch;
    if (options_.open.deterministic && pool != nullptr) all.side_by_side = pool->num_threads();
    return std::make_unique<CameraModelDepthEstimator>(model_, all, cameras, pool);
  }

  void RequireRelative() const {
    Require(IsRelativeDepth(model_->info()), Code::kInvalidArgument,
            "model '" + model_->info().name +
                "' gives metric depth: a reference depth is for relative ones");
  }

  DepthModelOptions options_;
  CalibrationOptions calibrate_;
  double scene_scale_;
  std::shared_ptr<const Model> model_;
  std::vector<DisparityCalibration> calibrations_;  // by a reference, of each scene
  struct {
    std::function<std::optional<DisparityCalibration>()> calibration;
    const CameraModelDepthEstimator* pictures = nullptr;
  } network_;
  const CalibratedDepth* calibrated_ = nullptr;
  const ParityDepth* parity_ = nullptr;
};

}  // namespace

// Networks that read the field of view out of the picture need none.
bool NetworkNeedsFov(const ModelInfo& info) {
  if (!SeesClips(info) && info.inputs.size() == 2) return true;  // rays
  if (NetworkTellsFov(info)) return false;
  return std::any_of(info.outputs.begin(), info.outputs.end(), [](const ModelOutputInfo& output) {
    return output.scale == OutputScale::kMetricTimesFocal || output.quantity == Quantity::kDistance;
  });
}

bool NetworkTellsFov(const ModelInfo& info) { return info.inputs.size() == 1 && TellsCamera(info); }

void CheckUsed(const DepthSourceOptions& options, const ModelInfo& info) {
  // The numbers of the original mean it without cuts, whatever the network sees.
  const bool parity = options.own.Of<CalibrationOptions>().parity;
  Require(SeesClips(info) || parity || options.model.vda_cuts != SceneCuts::kOff,
          Code::kInvalidArgument,
          "vda_cuts off is for networks that see several frames at once or remember them, model '" +
              info.name + "' sees single pictures: leave it out");
  Require(
      IsRelativeDepth(info) || options.scene_scale == DepthSourceOptions().scene_scale,
      Code::kInvalidArgument,
      "scene_scale is for relative depth, model '" + info.name + "' gives metres: leave it out");
}

DepthEngineInfo ModelDepthEngine() {
  DepthEngineInfo engine;
  engine.name = "model";
  engine.help = "by the network --model";
  engine.file_option = "model";
  engine.file_is = "a model";
  engine.file_how = "(--model FILE); docs/models.md tells how to make one";
  engine.file_given = [](const DepthSourceOptions& options) { return !options.model.empty(); };
  engine.describe = [](OptionList* list, DepthSourceOptions* options) {
    Describe(list, &options->model);
    DescribeVdaMode(list, &options->model);
  };
  engine.check = [](const DepthSourceOptions& options) {
    options.model.Check();
    Require(!options.model.empty() || options.model.open.device == "cpu", Code::kInvalidArgument,
            "device is '" + options.model.open.device +
                "', must be cpu: only a depth model (--model FILE) can run elsewhere");
  };
  engine.shares = {"input_size", "scene_scale", "xfov"};
  engine.picture_format = PixelFormat::Rgb(8);
  engine.open = [](const DepthSourceOptions& options, const DepthOpening& opening) {
    return std::make_unique<NetworkSource>(options, opening);
  };
  return engine;
}

}  // namespace mdvt
