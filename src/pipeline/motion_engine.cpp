// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/motion_depth.h"
#include "pipeline/depth_source.h"

namespace mdvt {
namespace {

class MotionSource : public EstimatorSource {
 public:
  explicit MotionSource(const DepthSourceOptions& options) : options_(options) {}

  DepthFacts facts() const override {
    DepthFacts facts;
    const MotionReport report = motion_->report();
    facts.translation_found = report.translation_found();
    facts.measured_frames = report.measured;
    facts.path_uncertainty = report.path_uncertainty;
    facts.unsure_frames = report.unsure;
    for (const MotionFrameReport& frame : motion_->frame_reports())
      facts.world_from_cam.push_back(frame.world_from_cam);
    return facts;
  }

  std::optional<PairedFrame> Pop() override {
    std::optional<PairedFrame> pair = EstimatorSource::Pop();
    if (!pair) return std::nullopt;
    const MotionFrameReport& frame = motion_->frame_reports().back();
    if (frame.status == MotionStatus::kMeasured || frame.status == MotionStatus::kCarried)
      pair->world_from_cam = frame.world_from_cam;
    return pair;
  }

 protected:
  std::unique_ptr<DepthEstimator> Make(const DepthClip& clip) override {
    MotionDepthOptions motion;
    motion.camera = clip.camera;
    motion.xfovs_deg = clip.xfovs_deg;
    motion.scene_scale = options_.scene_scale;
    motion.working_side = options_.WorkingSide(clip.camera.width, clip.camera.height);
    motion.confidence = false;
    auto made = std::make_unique<MotionDepthEstimator>(motion, clip.pool);
    motion_ = made.get();
    return made;
  }

 private:
  DepthSourceOptions options_;
  const MotionDepthEstimator* motion_ = nullptr;
};

}  // namespace

DepthEngineInfo MotionDepthEngine() {
  DepthEngineInfo engine;
  engine.name = "motion";
  engine.help = "from the camera's own motion";
  engine.describe = [](OptionList* list, DepthSourceOptions* options) {
    list->Field("max_res", &options->max_res, {64, 4096}, "PIXELS",
                "motion: long side of the pictures that it is computed on")
        .Alias("working_side")
        .Default("640 unless --input_size is given")
        .OnlyWith("engine", {"motion"});
  };
  engine.shares = {"input_size", "scene_scale", "xfov"};
  engine.picture_format = PixelFormat::Rgb(8);
  engine.finds_path = true;
  engine.open = [](const DepthSourceOptions& options, const DepthOpening&) {
    return std::make_unique<MotionSource>(options);
  };
  return engine;
}

}  // namespace mdvt
