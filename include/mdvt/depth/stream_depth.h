// SPDX-License-Identifier: Apache-2.0
//
// Depth by networks of kind "depth_stream", which see one frame at a time and remember those before
// in tensors of their own, such as Video-Depth-Anything in its streaming mode: no frame is waited
// for, and no window is run twice.
#pragma once

#include <memory>
#include <optional>

#include "mdvt/depth/estimator.h"
#include "mdvt/depth/scene_depth.h"
#include "mdvt/model/model.h"

namespace mdvt {

using StreamDepthOptions = SceneDepthOptions;

// The network's arguments are the picture, the number of the frame within the scene, counted from
// 0, and its states; it returns depth and the states for the next frame, which stay on its device.
// For frame 0 the states are zeros whose free dimensions are 1: the network must not read them.
//
// See ModelDepthEstimator for what becomes of the network's numbers.
class StreamDepthEstimator : public DepthEstimator {
 public:
  // Throws Error: kInvalidArgument (options), kUnsupported for a network of another kind.
  StreamDepthEstimator(std::shared_ptr<const Model> model, const StreamDepthOptions& options,
                       ThreadPool* pool);
  ~StreamDepthEstimator() override;

  PixelFormat input_format() const override { return PixelFormat::Rgb(8); }

  // Forgets all frames: what follows is as of a new estimator, and its first estimate says that it
  // starts a scene.
  void StartScene() override;
  // As ModelDepthEstimator.
  void Push(Frame frame) override;
  void Finish() override;
  std::optional<DepthEstimate> Pop() override;
  void LeaveOnDevice() override;

  // The network's states and what calibration() gives.
  bool CanSave() const override { return true; }
  void Save(State* state) const override;
  void Load(const State& state) override;

  bool is_metric() const;
  // Of this scene: as given, or as found on its first frame.
  std::optional<DisparityCalibration> calibration() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
