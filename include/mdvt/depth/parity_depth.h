// SPDX-License-Identifier: Apache-2.0
//
// Relative depth made metric with the numbers of the original toolbox, where they differ from what
// is better.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "mdvt/core/image.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/core/parallel.h"
#include "mdvt/depth/calibrated_depth.h"
#include "mdvt/depth/disparity_fit.h"
#include "mdvt/depth/estimator.h"
#include "mdvt/model/size_rules.h"

namespace mdvt {

// Sums of a plain least squares line through all pixels: no mask, no weights. In double.
class PlainFit {
 public:
  // disparity and metres, of one size; where metres are 0 (unknown) `farthest` stands.
  void Add(PlaneView<const float> disparity, DepthView metric, double farthest);
  // Throws Error(kNotConverged) before anything was added. Scale 1, shift 0 where all disparity is
  // the same.
  DisparityCalibration Solve() const;

 private:
  double n_ = 0, sp_ = 0, spp_ = 0, st_ = 0, spt_ = 0;
};

struct ParityDepthOptions {
  PixelSize size;     // of the frames
  PixelSize decoded;  // that the estimator sees, see DecodedSize()
  double max_depth = 100;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

// Frames are reduced to the decoded size first; one scale and shift is fitted to the first 32
// frames by PlainFit; what comes out behind the camera is at max_depth; depth, not 1 / depth, is
// enlarged bilinearly. Memory: 32 maps of the decoded size.
class ParityDepth : public DepthEstimator {
 public:
  // relative  gives relative disparity, of frames of the decoded size
  // target    as in CalibratedDepth; its maps are resized to the decoded size if they differ
  ParityDepth(std::unique_ptr<DepthEstimator> relative, CalibratedDepth::Target target,
              const ParityDepthOptions& options, ThreadPool* pool);

  PixelFormat input_format() const override { return PixelFormat::Rgb(8); }
  int latency() const override;
  int group() const override { return relative_->group(); }
  void Push(Frame frame) override;
  void Finish() override;
  std::optional<DepthEstimate> Pop() override;

  const std::optional<DisparityCalibration>& calibration() const { return calibration_; }

 private:
  void TakeEstimates();
  void Fit();
  DepthEstimate Reconstruct(DepthEstimate estimate) const;

  std::unique_ptr<DepthEstimator> relative_;
  CalibratedDepth::Target target_;
  ParityDepthOptions options_;
  ThreadPool* pool_;
  std::optional<ImageResizer> resizer_;
  std::map<int64_t, Image> targets_;
  std::deque<DepthEstimate> held_, ready_;
  PlainFit fit_;
  std::optional<DisparityCalibration> calibration_;
  int64_t pushed_ = 0, taken_ = 0;
};

}  // namespace mdvt
