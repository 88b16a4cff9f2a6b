// SPDX-License-Identifier: Apache-2.0
#include "depth/scene_network.h"

#include <algorithm>
#include <utility>

#include "mdvt/core/error.h"

namespace mdvt {

void SceneDepthOptions::Check() const {
  ModelDepthOptions shared;
  shared.camera = camera;
  shared.input_size = input_size;
  shared.median_depth = median_depth;
  shared.Check();
  for (const DisparityCalibration& one : calibrations) {
    shared.calibration = one;
    shared.Check();
  }
}

namespace depth {
namespace {

std::shared_ptr<const Model> Checked(const char* who, std::shared_ptr<const Model> model,
                                     const SceneDepthOptions& options) {
  options.Check();
  Require(model != nullptr, Code::kInvalidArgument, std::string(who) + ": no model");
  return model;
}

}  // namespace

SceneNetwork::SceneNetwork(const char* the_who, std::shared_ptr<const Model> the_model,
                           const SceneDepthOptions& the_options, ThreadPool* the_pool)
    : who(the_who),
      model(Checked(the_who, std::move(the_model), the_options)),
      options(the_options),
      pool(the_pool),
      output_index(DepthOutput(model->info())),
      input(model->info().inputs[0]),
      output(model->info().outputs[output_index]),
      relative(IsRelativeDepth(model->info())),
      to_tensor(input.resample, {options.camera.width, options.camera.height},
                RuleFor(model->info(), options.input_size)),
      to_picture(output.resample, to_tensor.plan()),
      quantity(output, relative, options.camera, to_tensor.plan()),
      device(DeviceDepth::Of(model, to_tensor, to_picture, output, relative)),
      pictures(PixelFormat::GrayF32(), options.camera.width, options.camera.height) {
  TakeCalibration();
}

void SceneNetwork::TakeCalibration() {
  calibration.reset();
  if (!options.calibrations.empty())
    calibration = options.calibrations[std::min(scene, options.calibrations.size() - 1)];
}

void SceneNetwork::CheckFrame(const Frame& frame) const {
  const Image& image = frame.image;
  Require(image.width() == options.camera.width && image.height() == options.camera.height &&
              image.format().model == ColorModel::kRgb,
          Code::kInvalidArgument,
          std::string(who) + ": frame " + std::to_string(frame.index) +
              " is not RGB of the camera's size");
}

void SceneNetwork::ToInput(const Frame& frame, float* to) {
  CheckFrame(frame);
  to_tensor.Run(frame.image.view(), to, pool);
  const PixelSize network = to_tensor.plan().network;
  ScaleRange(input.range, frame.image, to, 3 * int64_t{network.width} * network.height);
}

ModelTensor SceneNetwork::ToInput(const Frame& frame) const {
  CheckFrame(frame);
  return device->Picture(frame.image);
}

void SceneNetwork::Give(DepthEstimate times, const float* map, bool at_frame_size) {
  times.depth = pictures.Get();
  const PlaneView<float> picture = times.depth.MutablePlane<float>();
  if (at_frame_size) {
    for (int y = 0; y < picture.height; ++y) {
      std::copy_n(map + int64_t{y} * picture.width, picture.width, picture.Row(y));
      quantity.Convert(y, picture.Row(y));
    }
  } else {
    to_picture.Run(map, picture, pool, [this](int y, float* row) { quantity.Convert(y, row); });
  }
  Give(std::move(times));
}

void SceneNetwork::Give(DepthEstimate times, const ModelTensor& map, bool at_frame_size) {
  device->Give(at_frame_size ? map : device->AtFrameSize(map), options.camera, &pictures, &times);
  Give(std::move(times));
}

void SceneNetwork::Give(DepthEstimate estimate) {
  estimate.starts_scene = std::exchange(starts_scene, false);
  in_scene = true;
  estimate.quantity = relative ? DepthQuantity::kRelativeDisparity : DepthQuantity::kMetricDepth;
  Settle({options.median_depth, leave_on_device}, &pictures, pool, &calibration, &estimate);
  ready.push_back(std::move(estimate));
}

void SceneNetwork::NextScene() {
  if (std::exchange(in_scene, false)) ++scene;
  starts_scene = true;
  TakeCalibration();
}

std::optional<DepthEstimate> SceneNetwork::Pop() {
  if (ready.empty()) return std::nullopt;
  DepthEstimate estimate = std::move(ready.front());
  ready.pop_front();
  return estimate;
}

void SceneNetwork::CheckOpen() const {
  Require(!finished, Code::kInvalidArgument,
          std::string(who) + ": a frame was pushed after Finish()");
}

DepthEstimate TimesOf(const Frame& frame) {
  DepthEstimate times;
  times.index = frame.index;
  times.pts = frame.pts;
  times.duration = frame.duration;
  return times;
}

}  // namespace depth
}  // namespace mdvt
