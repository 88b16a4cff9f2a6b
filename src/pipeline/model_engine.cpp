// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/parallel.h"
#include "pipeline/depth_source.h"

namespace mdvt {
namespace {

class NetworkSource : public EstimatorSource {
 public:
  NetworkSource(const DepthSourceOptions& source, const DepthOpening& opening)
      : options_(source.model),
        scene_scale_(source.scene_scale),
        model_(OpenDepthModel(source.model, opening.pool->num_threads())) {
    options_.input_size = source.input_size.value_or(options_.input_size);
  }

  // Networks that read the field of view out of the picture need none.
  bool needs_fov() const override {
    for (const ModelOutputInfo& output : model_->info().outputs)
      if (output.scale == OutputScale::kMetricTimesFocal || output.quantity == Quantity::kDistance)
        return true;
    return false;
  }

  DisparityFitResult Fit(const ReferenceCalibrationOptions& reference, const DepthClip& clip,
                         Graph* graph) override {
    Require(IsRelativeDepth(model_->info()), Code::kInvalidArgument,
            "model '" + model_->info().name +
                "' gives metric depth: a reference depth is for relative ones");
    ModelDepthOptions depth;
    depth.camera = clip.camera;
    const auto estimator = MakeModelDepth(options_, model_, depth, graph->pool());
    const DisparityFitResult fit = CalibrateByReference(reference, estimator.get(), graph);
    if (fit.by_median)
      LogWarning("no scale and shift of '" + model_->info().name + "' explain '" +
                 reference.depth_video + "': the median of the ratios is taken as the scale");
    calibration_ = fit.calibration;
    return fit;
  }

  DepthFacts facts() const override {
    DepthFacts facts;
    facts.model = model_->info().name;
    facts.model_license = model_->info().source.license;
    facts.calibration = network_->calibration();
    return facts;
  }

 protected:
  std::unique_ptr<DepthEstimator> Make(const DepthClip& clip) override {
    ModelDepthOptions depth;
    depth.camera = clip.camera;
    depth.calibration = calibration_;
    if (clip.metres && IsRelativeDepth(model_->info()) && !calibration_)
      depth.median_depth = scene_scale_;
    std::unique_ptr<ModelDepthEstimator> made = MakeModelDepth(options_, model_, depth, clip.pool);
    network_ = made.get();
    return made;
  }

 private:
  DepthModelOptions options_;
  double scene_scale_;
  std::shared_ptr<const Model> model_;
  std::optional<DisparityCalibration> calibration_;  // by a reference
  const ModelDepthEstimator* network_ = nullptr;
};

}  // namespace

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
