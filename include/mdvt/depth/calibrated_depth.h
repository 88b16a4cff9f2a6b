// SPDX-License-Identifier: Apache-2.0
//
// Relative depth made metric while it streams, against the metric depth of some of its frames.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "mdvt/core/parallel.h"
#include "mdvt/depth/disparity_fit.h"
#include "mdvt/depth/estimator.h"

namespace mdvt {

// "One" is one for each scene where the scale starts anew with the scenes.
enum class CalibrationMode {
  kFirst32,  // one scale and shift, fitted to the first 32 frames
  kGlobal,   // one, fitted to frames spread over the clip, in a first run over it
  kRolling,  // mean and deviation of 1 / depth matched, averaged over the last 15 looked at
  kWindow,   // fitted anew for every 22 frames, faded over the first 8 of them
  kNone,     // no fit
};

// The scale and shift for one frame after the other by matching mean and standard deviation:
//
//   1 / depth = (relative - mean(relative)) k + mean(1 / metric),  k = std(1 / metric) /
//   std(relative)
//
// k and both means are those of the first frame until ten have been looked at, from then on the
// averages of the last 15. All in double, over the pixels that DisparityFit would take.
class RollingCalibration {
 public:
  // Every frame until ten have been looked at, then every fourth.
  bool Wants(int64_t frame) const { return frame < 10 || frame % 4 == 0; }
  // Frames without data or contrast are passed over.
  void Add(PlaneView<const float> relative, DepthView metric, double saturated_depth);
  // Empty before the first frame that counted.
  std::optional<DisparityCalibration> Current() const;

 private:
  struct Sample {
    double gain, mean_inverse, mean_relative;
  };
  std::deque<Sample> samples_;
  std::optional<Sample> first_;
};

class ImagePool;

struct CalibratedDepthOptions {
  CalibrationMode mode = CalibrationMode::kFirst32;  // not kNone, which needs no stage
  // kGlobal: of the frames of a scene every so many is looked at. Valid: positive.
  int64_t step = 1;
  // Metric depth at or past it says only "far". Valid: positive.
  double saturated_depth = 1e9;
};

// Wraps an estimator of relative disparity. Its estimates come out in metres; with kGlobal, for the
// first of two runs, as they are. A scene without metric depth keeps the calibration of the one
// before. Memory: that of the estimator, metric depth of the frames in it, and with kFirst32 and
// kWindow so many maps.
class CalibratedDepth : public DepthEstimator {
 public:
  // target  the metric depth of a frame, of any size; an empty image where there is none. Called
  // for
  //         every frame, in order, on the thread that pushes; `wanted` says whether the answer is
  //         looked at, so that one that reads in step may drop it.
  // Throws Error(kInvalidArgument) for a mode that needs no stage.
  using Target = std::function<Image(const Frame& frame, bool wanted)>;
  CalibratedDepth(std::unique_ptr<DepthEstimator> relative, Target target,
                  const CalibratedDepthOptions& options, ThreadPool* pool);

  PixelFormat input_format() const override { return relative_->input_format(); }
  int latency() const override;
  int group() const override { return relative_->group(); }
  void StartScene() override;
  void Push(Frame frame) override;
  void Finish() override;
  // Throws Error(kNotConverged) if nothing can be fitted, as DisparityFit.
  std::optional<DepthEstimate> Pop() override;

  // The last one.
  const std::optional<DisparityFitResult>& fit() const { return fit_; }
  // kGlobal: of each scene, after Finish(); those before the first that can be fitted have the one
  // of that.
  const std::vector<DisparityFitResult>& scene_fits() const { return scene_fits_; }
  const std::optional<DisparityCalibration>& calibration() const { return calibration_; }

 private:
  bool Wants(int64_t frame) const;
  void TakeEstimates();
  void EndScene();
  void FitHeld();
  void Fit();
  Image EmptyMap(const DeviceMap& like);
  void Give(DepthEstimate estimate, const DisparityCalibration& calibration);

  std::unique_ptr<DepthEstimator> relative_;
  Target target_;
  CalibratedDepthOptions options_;
  ThreadPool* pool_;
  std::map<int64_t, Image> targets_;  // of frames that have not come out yet
  std::deque<DepthEstimate> held_;    // until their calibration is known
  std::deque<DepthEstimate> ready_;
  std::shared_ptr<ImagePool> pictures_;  // for estimates that come from a device
  std::unique_ptr<DisparityFit> samples_;
  RollingCalibration rolling_;
  std::optional<DisparityFitResult> fit_;
  std::vector<DisparityFitResult> scene_fits_;
  size_t scenes_ = 0;                                // kGlobal: that have ended
  std::optional<DisparityCalibration> calibration_;  // empty until this scene has one
  std::optional<DisparityCalibration> before_;       // that it fades from
  std::optional<DisparityCalibration> last_scene_;
  int64_t pushed_ = 0, taken_ = 0;
  int64_t scene_start_ = 0;
  bool finished_ = false;
};

}  // namespace mdvt
