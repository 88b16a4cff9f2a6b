// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stream_scenes.h"

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

StreamScenes::StreamScenes(std::unique_ptr<StreamDepthEstimator> stream, const Camera& camera,
                           Rational frame_rate, ThreadPool* pool)
    : stream_(std::move(stream)),
      seconds_per_frame_(frame_rate.ToDouble() > 0 ? 1 / frame_rate.ToDouble() : 1.0 / 25),
      starts_(SceneCuts::kAuto, "", {}, InfoOf(camera), PixelFormat::Rgb(8), pool) {}

int StreamScenes::latency() const { return ContentCutOptions().neighbours; }

void StreamScenes::Push(Frame frame) {
  starts_.Push(frame.image, frame.index, static_cast<double>(frame.index) * seconds_per_frame_);
  waiting_.push_back(std::move(frame));
  HandOn();
}

void StreamScenes::Finish() {
  starts_.Finish();
  HandOn();
  stream_->Finish();
}

void StreamScenes::HandOn() {
  while (const std::optional<bool> starts = starts_.Pop()) {
    if (*starts) stream_->StartScene();
    stream_->Push(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

}  // namespace mdvt
