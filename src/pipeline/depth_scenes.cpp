// SPDX-License-Identifier: Apache-2.0
#include "pipeline/depth_scenes.h"

#include <utility>

#include "mdvt/tracking/content_cut.h"

namespace mdvt {
namespace {

VideoInfo InfoOf(const Camera& camera) {
  VideoInfo info;
  info.width = camera.width;
  info.height = camera.height;
  return info;
}

}  // namespace

DepthScenes::DepthScenes(std::unique_ptr<DepthEstimator> estimator, const Camera& camera,
                         Rational frame_rate, ThreadPool* pool)
    : estimator_(std::move(estimator)),
      seconds_per_frame_(frame_rate.ToDouble() > 0 ? 1 / frame_rate.ToDouble() : 1.0 / 25),
      starts_(SceneCuts::kAuto, "", {}, InfoOf(camera), PixelFormat::Rgb(8), pool) {}

int DepthScenes::latency() const { return ContentCutOptions().neighbours + estimator_->latency(); }

void DepthScenes::Push(Frame frame) {
  starts_.Push(frame.image, frame.index, static_cast<double>(frame.index) * seconds_per_frame_);
  waiting_.push_back(std::move(frame));
  HandOn();
}

void DepthScenes::Finish() {
  starts_.Finish();
  HandOn();
  estimator_->Finish();
}

void DepthScenes::HandOn() {
  while (const std::optional<bool> starts = starts_.Pop()) {
    if (*starts) estimator_->StartScene();
    estimator_->Push(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

}  // namespace mdvt
