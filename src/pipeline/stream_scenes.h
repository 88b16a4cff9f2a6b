// SPDX-License-Identifier: Apache-2.0
//
// A network that remembers frames must not remember those before a cut.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "mdvt/core/parallel.h"
#include "mdvt/core/rational.h"
#include "mdvt/depth/stream_depth.h"
#include "pipeline/scene_starts.h"

namespace mdvt {

// Looks for cuts in the pictures and starts the stream anew at each: two frames of latency.
class StreamScenes : public DepthEstimator {
 public:
  // frame_rate  0/1 if not known: as 25 then
  StreamScenes(std::unique_ptr<StreamDepthEstimator> stream, const Camera& camera,
               Rational frame_rate, ThreadPool* pool);

  PixelFormat input_format() const override { return stream_->input_format(); }
  int latency() const override;
  void Push(Frame frame) override;
  void Finish() override;
  std::optional<DepthEstimate> Pop() override { return stream_->Pop(); }

  std::optional<DisparityCalibration> calibration() const { return stream_->calibration(); }

 private:
  void HandOn();

  std::unique_ptr<StreamDepthEstimator> stream_;
  double seconds_per_frame_;
  SceneStarts starts_;
  std::deque<Frame> waiting_;
};

}  // namespace mdvt
