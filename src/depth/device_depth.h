// SPDX-License-Identifier: Apache-2.0
//
// What network_depth.h and resample.h do, on the device of the network: a picture becomes its
// input, and its map depth of the frame's size, without a copy on the host between them. Equal to
// the host's but for rounding.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "core/object_pool.h"
#include "mdvt/core/camera.h"
#include "mdvt/core/image.h"
#include "mdvt/depth/disparity_fit.h"
#include "mdvt/depth/estimator.h"
#include "mdvt/model/model.h"
#include "mdvt/model/resample.h"
#include "model/device_arrays.h"

namespace mdvt::depth {

class DeviceDepth : public std::enable_shared_from_this<DeviceDepth> {
 public:
  // Null for a model that does not process on its device.
  static std::shared_ptr<const DeviceDepth> Of(std::shared_ptr<const Model> model,
                                               const PictureToTensor& to_tensor,
                                               const TensorToPicture& to_picture,
                                               const ModelOutputInfo& output, bool relative);
  // As Of(), of a model that does.
  DeviceDepth(std::shared_ptr<const Model> model, const PictureToTensor& to_tensor,
              const TensorToPicture& to_picture, const ModelOutputInfo& output, bool relative);

  const DeviceArrays& arrays() const { return arrays_; }

  // A picture in RGB as the network takes it, normalized.
  ModelTensor Picture(const Image& picture) const;
  // A map of the network's size at that of the frame.
  ModelTensor AtFrameSize(const ModelTensor& map) const;
  // A map of the frame's size into an estimate: as depth in metres in an image of `pictures`, or
  // as relative disparity, which stays on the device for Settle().
  void Give(const ModelTensor& map, const Camera& camera, ImagePool* pictures,
            DepthEstimate* estimate) const;
  // Relative disparity as metres.
  ModelTensor Metres(const ModelTensor& map, const DisparityCalibration& calibration) const;

 private:
  // A map of the frame's size as depth in metres, or as relative disparity: QuantityMaker.
  ModelTensor Quantity(const ModelTensor& map, const Camera& camera) const;
  // The planar depth of points at distance 1, by the pixels of the frame.
  ModelTensor DepthPerDistance(const Camera& camera) const;

  const ModelInputInfo& input_;
  const ModelOutputInfo& output_;
  const bool relative_;
  const SizePlan plan_;
  const std::array<float, 3> pad_value_;
  DeviceArrays arrays_;
  ModelTensor to_rows_, to_columns_;       // picture to network
  ModelTensor pad_;                        // the share of the constant around the picture; or none
  ModelTensor from_rows_, from_columns_;   // network to frame
  mutable std::mutex mutex_;               // of what follows
  mutable std::optional<Camera> seen_by_;  // of the frame's size
  mutable ModelTensor per_distance_;
};

// Relative disparity of the frame's size, for whoever calibrates it.
class LeftMap : public DeviceMap {
 public:
  LeftMap(std::shared_ptr<const DeviceDepth> device, ModelTensor map)
      : device_(std::move(device)), map_(std::move(map)) {}

  PixelSize size() const override;
  void CopyTo(PlaneView<float> to) const override;
  void MetresTo(const DisparityCalibration& calibration, PlaneView<float> to) const override;

 private:
  std::shared_ptr<const DeviceDepth> device_;
  ModelTensor map_;
};

}  // namespace mdvt::depth
