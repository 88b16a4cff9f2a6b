// SPDX-License-Identifier: Apache-2.0
#include "pipeline/eye_observer.h"

#include <utility>

namespace mdvt {

EyeObserver::EyeObserver(const ObserveOptions& options, ThreadPool* pool)
    : options_(options), filler_(options.fill, pool) {}

void EyeObserver::Push(Seen frame) {
  scene_ += frame.new_scene ? 1 : 0;
  window_.push_back(std::move(frame));
  scenes_.push_back(scene_);
}

bool EyeObserver::Ready() const {
  if (now_ >= window_.size()) return false;
  return finished_ || scenes_.back() != scenes_[now_] ||
         window_.size() - now_ > static_cast<size_t>(options_.window);
}

void EyeObserver::Advance() {
  ++now_;
  // What lies behind a cut is not needed either.
  while (now_ > static_cast<size_t>(options_.window) ||
         (now_ > 0 && now_ < window_.size() && scenes_.front() != scenes_[now_])) {
    window_.pop_front();
    scenes_.pop_front();
    --now_;
  }
}

FillCounts EyeObserver::Fill(const ObservedView& own, const HoleMap& holes, const Camera& camera,
                             const Pose& world_from_view, const MutableImageView& view,
                             PlaneView<uint8_t> provenance) {
  std::vector<ObservedView> around;
  for (size_t i = 0; now().world_from_cam && i < window_.size(); ++i) {
    const Seen& seen = window_[i];
    if (i == now_ || scenes_[i] != scenes_[now_] || !seen.world_from_cam ||
        i > now_ + static_cast<size_t>(options_.window))
      continue;
    ObservedView one;
    one.color = seen.color.view();
    one.depth = seen.depth.Plane<float>();
    one.camera = seen.camera;
    one.world_from_cam = *seen.world_from_cam;
    one.index = seen.index;
    around.push_back(one);
  }
  std::vector<ObservedView> views = ChooseViews(around, own, world_from_view);
  views.push_back(own);
  const size_t last = views.size() - 1;
  return filler_.Fill(holes, camera, world_from_view, views, last, view, provenance);
}

int64_t EyeObserver::BytesPerFrame(const PixelFormat& format, int width, int height) {
  int64_t samples = 0;
  for (int plane = 0; plane < format.num_planes(); ++plane)
    samples += int64_t{format.PlaneWidth(plane, width)} * format.PlaneHeight(plane, height);
  return samples * format.bytes_per_sample() +
         int64_t{width} * height * static_cast<int64_t>(sizeof(float));
}

}  // namespace mdvt
