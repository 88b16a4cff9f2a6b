// SPDX-License-Identifier: Apache-2.0
//
// Depth of single pictures by a network of kind "depth": Depth-Anything-V2, MiDaS and whatever else
// states in its metadata what it takes and gives. One adapter for all of them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "mdvt/core/camera.h"
#include "mdvt/core/parallel.h"
#include "mdvt/depth/disparity_fit.h"
#include "mdvt/depth/estimator.h"
#include "mdvt/model/model.h"

namespace mdvt {

struct ModelDepthOptions {
  // Size of the frames, and their intrinsics where the network's numbers need them
  // (metric_times_focal, distance).
  Camera camera;

  // Replaces the target of the metadata's size rule: the short side under "cover", the long one
  // under "fit", before rounding. 0 keeps the metadata's. Valid: 0 or [14, 16384], and 0 for
  // networks that know one size only.
  int input_size = 0;

  // Frames of one forward pass; the last ones of a clip come in smaller passes. Valid: [1, 64], as
  // far as the metadata allows.
  int batch = 1;

  // Forward passes at the same time, each of `batch` frames, in threads of the pool: for models
  // opened as deterministic, which use one thread each. Valid: [1, 1024].
  int side_by_side = 1;

  // Makes a relative network metric. Without it and without median_depth its estimates are relative
  // disparity.
  std::optional<DisparityCalibration> calibration;
  // The same by the rule of CalibrateByMedian() on the first frame. Valid: (0, 10000] metres.
  std::optional<double> median_depth;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// Frames are resized as the metadata says, run, and the map is resized back in the network's own
// quantity. Then
//
//   depth, metric                z = y
//   depth, metric_times_focal    z = y f / focal_ref, f = fx in pixels of the network's input
//   distance, metric             z = y / |((u - cx) / fx, (v - cy) / fy, 1)|
//   disparity, metric            z = 1 / y; metric_times_focal: z = f / (focal_ref y)
//   disparity, affine            relative disparity y, or z = 1 / (scale y + shift)
//   depth, scale_only            relative disparity 1 / y, or z = 1 / (scale / y)
//
// with z = 0 (no data) where y is not positive but should be, and z = infinity (saturated in a
// file) where the disparity is 0 or negative.
class ModelDepthEstimator : public DepthEstimator {
 public:
  // pool  for resizing, and for passes side by side; null: the calling thread alone
  // Throws Error: kInvalidArgument (options), kUnsupported for a network of another kind, or whose
  // first output of depth, disparity or distance has a scale that is not in the table above.
  ModelDepthEstimator(std::shared_ptr<const Model> model, const ModelDepthOptions& options,
                      ThreadPool* pool);
  ~ModelDepthEstimator() override;

  PixelFormat input_format() const override { return PixelFormat::Rgb(8); }
  int latency() const override;
  int group() const override;

  // RGB of 8 to 16 bits. Throws Error(kInvalidArgument) for a frame of another size or model, or
  // after Finish(); and as Model::Run, naming the frame. Before the first pass, here or in Pop(),
  // Error(kOutOfMemory) if it would take more memory than there is (see EstimatePassMemory()).
  void Push(Frame frame) override;
  void Finish() override;
  std::optional<DepthEstimate> Pop() override;
  void LeaveOnDevice() override;

  // What calibration() gives is all that is kept from frame to frame.
  bool CanSave() const override { return true; }
  void Save(State* state) const override;
  void Load(const State& state) override;

  // Whether estimates are metres.
  bool is_metric() const;
  PixelSize network_size() const;
  // As given, or as found on the first frame.
  std::optional<DisparityCalibration> calibration() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Whether a model's depth is relative: it needs a calibration to become metres. Throws
// Error(kUnsupported) as the constructor above.
bool IsRelativeDepth(const ModelInfo& info);

}  // namespace mdvt
