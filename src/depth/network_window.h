// SPDX-License-Identifier: Apache-2.0
//
// The slots of a network's window and what becomes of its maps, on the host or on its device.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "depth/scene_network.h"
#include "mdvt/depth/disparity_fit.h"
#include "mdvt/depth/estimator.h"
#include "mdvt/model/model.h"

namespace mdvt::depth {

// A map, wherever it is.
struct WindowMap {
  std::vector<float> values;
  ModelTensor on_device;
};

class NetworkWindow {
 public:
  // Where the network processes. `at_frame_size`: maps are resized before they are aligned.
  static std::unique_ptr<NetworkWindow> Of(SceneNetwork* network, const ModelWindow& window,
                                           bool at_frame_size);
  virtual ~NetworkWindow() = default;

  virtual void Put(const Frame& frame, int slot) = 0;
  // The frame that was put last.
  virtual void Repeat(int slot) = 0;
  // Fills the first slots with those that the next window sees again.
  virtual void Carry() = 0;
  // One forward pass: a map for each slot. Throws as Model::Run().
  virtual std::vector<WindowMap> Run() = 0;

  // As FitMaps().
  virtual std::optional<DisparityCalibration> Fit(const std::vector<const WindowMap*>& maps,
                                                  const std::vector<const WindowMap*>& references,
                                                  bool robust) const = 0;
  // The line through every value, at least 0.
  virtual void Align(const DisparityCalibration& line, WindowMap* map) const = 0;
  // `fresh` with this weight, `old` with the rest of 1.
  virtual void Blend(float weight, const WindowMap& fresh, WindowMap* old) const = 0;
  virtual void Give(DepthEstimate times, const WindowMap& map) = 0;
};

}  // namespace mdvt::depth
