// SPDX-License-Identifier: Apache-2.0
//
// What every source of depth looks like to the pipeline: frames go in, depth comes out later.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "mdvt/core/image.h"
#include "mdvt/core/stage.h"
#include "mdvt/model/size_rules.h"

namespace mdvt {

// What the numbers of an estimate stand for.
enum class DepthQuantity : uint8_t {
  kMetricDepth,        // metres, 0 = no data
  kRelativeDisparity,  // larger = nearer, scale and zero not known; NaN = no data
};

struct DisparityCalibration;

// Relative disparity on the device of its network.
class DeviceMap {
 public:
  virtual ~DeviceMap() = default;
  virtual PixelSize size() const = 0;
  // `to` has that size. Both throw Error(kOutOfMemory).
  virtual void CopyTo(PlaneView<float> to) const = 0;
  // In metres, as ApplyCalibration() makes them.
  virtual void MetresTo(const DisparityCalibration& calibration, PlaneView<float> to) const = 0;
};

struct DepthEstimate {
  // In place of `depth`, which is empty: only after DepthEstimator::LeaveOnDevice().
  std::shared_ptr<const DeviceMap> on_device;
  Image depth;       // GrayF32; size of the frame; the receiver may change its pixels
  Image confidence;  // Gray8: 0 = a guess, 255 = measured; empty if the source has none
  DepthQuantity quantity = DepthQuantity::kMetricDepth;
  // The scale starts anew: nothing before this frame may be compared with it. The source knows
  // that by itself; cuts that it has not seen are not among these.
  bool starts_scene = false;
  int64_t index = 0;
  int64_t pts = 0;
  int64_t duration = 0;
};

// Every frame pushed comes out once, in order, with its index and times.
class DepthEstimator : public Stage<Frame, DepthEstimate> {
 public:
  // The format in which Push wants its frames: Gray(8) full-range luma, or Rgb(8).
  virtual PixelFormat input_format() const = 0;

  // What is pushed from here on is of another scene: whoever remembers frames forgets them, and
  // gives out those that it holds as at the end of a clip. Estimators that remember none do
  // nothing.
  virtual void StartScene() {}

  // Relative disparity may stay on the device of a network from now on, see
  // DepthEstimate::on_device. Only some estimators do that.
  virtual void LeaveOnDevice() {}
};

}  // namespace mdvt
