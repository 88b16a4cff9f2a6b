// SPDX-License-Identifier: Apache-2.0
//
// Networks of single pictures and the camera: one that zooms, and networks that tell it themselves.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "mdvt/depth/model_depth.h"

namespace mdvt {

struct ModelCameraOptions {
  // Where the camera zooms: the horizontal field of view of each frame in degrees, by its index.
  // Empty: that of ModelDepthOptions::camera throughout. Valid: each in (0, 180).
  std::vector<double> xfovs_deg;
  // Networks that tell the camera (TellsCamera()): take what they say of each frame in place of
  // that. Passes then run one after the other.
  bool own_camera = false;
  // Share of the past in the logarithm of the focal length that own_camera takes; a focal length
  // that jumps by a fifth starts anew. Valid: [0, 1).
  double camera_smoothing = 0;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// Whether a network of single pictures tells the field of view of a picture: it has an output
// "intrinsics" [N, 3, 3] in pixels of its input, or "rays" [N, 3, H, W], directions of the pixels.
// From rays the focal length is sum (u + 0.5 - cx) t / sum t^2 with t = X / Z.
bool TellsCamera(const ModelInfo& info);

// A ModelDepthEstimator whose camera may be another in each frame.
class CameraModelDepthEstimator : public DepthEstimator {
 public:
  // Throws as ModelDepthEstimator, and Error(kUnsupported) for own_camera of a network that tells
  // none.
  CameraModelDepthEstimator(std::shared_ptr<const Model> model, const ModelDepthOptions& options,
                            const ModelCameraOptions& camera, ThreadPool* pool);
  ~CameraModelDepthEstimator() override;

  PixelFormat input_format() const override { return PixelFormat::Rgb(8); }
  int latency() const override { return group(); }
  int group() const override;
  // As ModelDepthEstimator. Throws Error(kInvalidArgument) for a frame without a field of view, and
  // Error(kCorrupt) for a network that tells none.
  void Push(Frame frame) override;
  void Finish() override;
  std::optional<DepthEstimate> Pop() override;
  bool CanSave() const override { return true; }
  void Save(State* state) const override;
  void Load(const State& state) override;

  std::optional<DisparityCalibration> calibration() const;
  // Of networks that tell the camera: the horizontal field of view of each frame that has been run,
  // in degrees, with own_camera the one that was taken. Else empty.
  const std::vector<double>& found_xfovs_deg() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
