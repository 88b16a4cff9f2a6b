// SPDX-License-Identifier: Apache-2.0
//
// A network that sees frames together must not see those on both sides of a cut.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "mdvt/core/camera.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/rational.h"
#include "mdvt/depth/estimator.h"
#include "pipeline/scene_starts.h"

namespace mdvt {

// Looks for cuts in the pictures and starts the estimator anew at each: two frames of latency more.
class DepthScenes : public DepthEstimator {
 public:
  // frame_rate  0/1 if not known: as 25 then
  DepthScenes(std::unique_ptr<DepthEstimator> estimator, const Camera& camera, Rational frame_rate,
              ThreadPool* pool);

  PixelFormat input_format() const override { return estimator_->input_format(); }
  int latency() const override;
  int group() const override { return estimator_->group(); }
  void Push(Frame frame) override;
  void Finish() override;
  std::optional<DepthEstimate> Pop() override { return estimator_->Pop(); }

 private:
  void HandOn();

  std::unique_ptr<DepthEstimator> estimator_;
  double seconds_per_frame_;
  SceneStarts starts_;
  std::deque<Frame> waiting_;
};

}  // namespace mdvt
