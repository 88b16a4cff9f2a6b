// SPDX-License-Identifier: Apache-2.0
//
// What estimators by networks that see frames together have in common: how a frame becomes the
// network's input and its map an estimate, and the calibration of each scene.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "core/object_pool.h"
#include "depth/device_depth.h"
#include "depth/network_depth.h"
#include "mdvt/core/image.h"
#include "mdvt/depth/estimator.h"
#include "mdvt/depth/scene_depth.h"
#include "mdvt/model/model.h"
#include "mdvt/model/resample.h"

namespace mdvt::depth {

struct SceneNetwork {
  // `who` is the estimator in error texts. Throws Error: kInvalidArgument (options, no model),
  // kUnsupported for a network whose output is no depth.
  SceneNetwork(const char* who, std::shared_ptr<const Model> model,
               const SceneDepthOptions& options, ThreadPool* pool);

  // Values of a frame of the camera's size. Throws Error(kInvalidArgument).
  void ToInput(const Frame& frame, float* to);
  // The same where there is a device.
  ModelTensor ToInput(const Frame& frame) const;
  // Makes the next estimate, with the frame's index and times, of a map of the network's output
  // size, or of the frame's with `at_frame_size`.
  void Give(DepthEstimate times, const float* map, bool at_frame_size = false);
  void Give(DepthEstimate times, const ModelTensor& map, bool at_frame_size = false);
  // What is given from here on is of another scene.
  void NextScene();
  std::optional<DepthEstimate> Pop();

  // Throws Error(kInvalidArgument) after the end.
  void CheckOpen() const;
  bool is_metric() const { return !relative || calibration || options.median_depth; }

  const char* who;
  std::shared_ptr<const Model> model;
  SceneDepthOptions options;
  ThreadPool* pool;
  size_t output_index;
  const ModelInputInfo& input;
  const ModelOutputInfo& output;
  bool relative;
  PictureToTensor to_tensor;
  TensorToPicture to_picture;
  QuantityMaker quantity;
  std::shared_ptr<const DeviceDepth> device;  // null: pictures and maps are made on the host
  bool leave_on_device = false;
  ImagePool pictures;
  std::deque<DepthEstimate> ready;
  std::optional<DisparityCalibration> calibration;  // of this scene
  size_t scene = 0;
  bool starts_scene = false;  // the next estimate
  bool in_scene = false;      // an estimate of this scene was given
  bool finished = false;

 private:
  void CheckFrame(const Frame& frame) const;
  void Give(DepthEstimate estimate);  // whose map is there
  void TakeCalibration();
};

DepthEstimate TimesOf(const Frame& frame);

}  // namespace mdvt::depth
