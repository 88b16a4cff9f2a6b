// SPDX-License-Identifier: Apache-2.0
#include "pipeline/eye_observer.h"

#include <utility>

#include "mdvt/core/error.h"
#include "pipeline/frame_state.h"

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

void EyeObserver::Save(State* state) const {
  const auto save = [](const Seen& seen) {
    const Camera& c = seen.camera;
    State one;
    one.SetImage("color", seen.color);
    one.SetImage("depth", seen.depth);
    one.SetNumbers("seen",
                   {static_cast<double>(c.width), static_cast<double>(c.height), c.fx, c.fy, c.cx,
                    c.cy, static_cast<double>(seen.index), static_cast<double>(seen.new_scene)});
    SavePose(seen.world_from_cam, &one);
    return one;
  };
  SaveQueue("seen", window_, save, state);
  std::vector<double> scenes = {static_cast<double>(scene_), static_cast<double>(now_),
                                static_cast<double>(finished_)};
  for (const int64_t scene : scenes_) scenes.push_back(static_cast<double>(scene));
  state->SetNumbers("scenes", scenes);
}

void EyeObserver::Load(const State& state) {
  const auto load = [](const State& one) {
    const std::vector<double> n = one.Numbers("seen");
    Require(n.size() == 8, Code::kCorrupt, "the saved state holds no frame that was seen");
    Seen seen;
    seen.color = one.GetImage("color");
    seen.depth = one.GetImage("depth");
    seen.camera = {static_cast<int>(n[0]), static_cast<int>(n[1]), n[2], n[3], n[4], n[5]};
    seen.index = static_cast<int64_t>(n[6]);
    seen.new_scene = n[7] != 0;
    seen.world_from_cam = LoadPose(one);
    return seen;
  };
  const std::vector<double> scenes = state.Numbers("scenes");
  std::deque<Seen> window = LoadQueue<Seen>("seen", state, load);
  Require(scenes.size() == window.size() + 3 && scenes[1] >= 0 &&
              scenes[1] <= static_cast<double>(window.size()),
          Code::kCorrupt, "the saved state is none of an EyeObserver");
  window_ = std::move(window);
  scene_ = static_cast<int64_t>(scenes[0]);
  now_ = static_cast<size_t>(scenes[1]);
  finished_ = scenes[2] != 0;
  scenes_.clear();
  for (size_t i = 3; i < scenes.size(); ++i) scenes_.push_back(static_cast<int64_t>(scenes[i]));
}

int64_t EyeObserver::BytesPerFrame(const PixelFormat& format, int width, int height) {
  int64_t samples = 0;
  for (int plane = 0; plane < format.num_planes(); ++plane)
    samples += int64_t{format.PlaneWidth(plane, width)} * format.PlaneHeight(plane, height);
  return samples * format.bytes_per_sample() +
         int64_t{width} * height * static_cast<int64_t>(sizeof(float));
}

}  // namespace mdvt
