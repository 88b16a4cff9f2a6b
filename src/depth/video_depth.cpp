// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/video_depth.h"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

#include "depth/network_window.h"
#include "depth/scene_network.h"
#include "mdvt/core/count.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

using depth::WindowMap;

const ModelWindow& WindowOf(const ModelInfo& info) {
  Require(info.kind == ModelKind::kDepthVideo && info.window, Code::kUnsupported,
          "model '" + info.name + "' is of kind \"" + ToString(info.kind) +
              "\", depth of windows of frames needs \"depth_video\"");
  const ModelWindow& window = *info.window;
  Require(window.stride == window.length - window.overlap &&
              (window.overlap == 0 || static_cast<int>(window.carry.size()) == window.overlap),
          Code::kUnsupported,
          "model '" + info.name +
              "': windows whose stride is not length - overlap, or without a carry for each frame "
              "of the overlap, are not known");
  return window;
}

// The slot in which a window sees again what the one before saw in `slot`; -1: nowhere.
int SlotAgain(const ModelWindow& window, int slot) {
  for (size_t i = 0; i < window.carry.size(); ++i)
    if (window.carry[i] == slot) return static_cast<int>(i);
  return -1;
}

}  // namespace

std::vector<std::vector<int64_t>> WindowSlots(int64_t frames, const ModelWindow& window) {
  std::vector<std::vector<int64_t>> all;
  for (int64_t begin = 0; begin < frames; begin += window.stride) {
    std::vector<int64_t> slots;
    for (int i = 0; i < window.length; ++i) slots.push_back(begin + i);
    if (!all.empty())
      for (int i = 0; i < window.overlap; ++i)
        slots[static_cast<size_t>(i)] =
            all.back()[static_cast<size_t>(window.carry[static_cast<size_t>(i)])];
    all.push_back(std::move(slots));
  }
  return all;
}

struct VideoDepthEstimator::Impl : depth::SceneNetwork {
  Impl(std::shared_ptr<const Model> the_model, const VideoDepthOptions& the_options,
       ThreadPool* the_pool)
      : SceneNetwork("VideoDepthEstimator", std::move(the_model), the_options, the_pool),
        robust(the_options.robust),
        window(WindowOf(model->info())),
        slots(depth::NetworkWindow::Of(this, window, the_options.align_at_frame_size)) {}

  void Take(const Frame& frame) {
    slots->Put(frame, filled);
    ++filled;
    if (pushed == 0) scene_start = frame.index;
    waiting.push_back(depth::TimesOf(frame));
    ++pushed, ++all_pushed;
    if (filled == window.length) RunWindow();
  }

  // All frames of the scene are there: windows that begin before its end, filled up with its last
  // frame.
  void RunRest() {
    while (windows * window.stride < pushed) {
      for (; filled < window.length; ++filled) slots->Repeat(filled);
      RunWindow();
    }
    GiveUntil(accepted);
  }

  void StartScene() {
    RunRest();
    done.clear();
    windows = pushed = accepted = given = 0;
    filled = 0;
    NextScene();
  }

  void RunWindow() {
    if (!memory_checked) {
      memory_checked = true;
      RequirePassMemory(*model, depth::MemoryCheck(model->info(), options.input_size,
                                                   {options.camera.width, options.camera.height}));
    }
    std::vector<WindowMap> maps;
    try {
      maps = slots->Run();
    } catch (const Error& error) {
      throw Error(error.code(), "frames from " +
                                    std::to_string(scene_start + windows * window.stride) +
                                    " on: " + error.what());
    }
    if (windows == 0) {
      references.clear();
      for (const int slot : window.align_refs)
        references.push_back(maps[static_cast<size_t>(slot)]);
      for (WindowMap& map : maps) done.push_back(std::move(map));
      accepted = window.length;
    } else {
      Align(&maps);
      Blend(&maps);
    }
    ++windows;
    slots->Carry();
    filled = window.overlap;
    GiveUntil(accepted - window.blend);
  }

  void Align(std::vector<WindowMap>* maps) {
    if (window.align_scale_shift) {
      std::vector<const WindowMap*> seen, wanted;
      for (size_t i = 0; i < window.align_refs.size(); ++i) {
        const int again = SlotAgain(window, window.align_refs[i]);
        if (again < 0) continue;
        seen.push_back(&(*maps)[static_cast<size_t>(again)]);
        wanted.push_back(&references[i]);
      }
      std::optional<DisparityCalibration> line;
      if (!seen.empty()) line = slots->Fit(seen, wanted, robust);
      for (WindowMap& map : *maps) slots->Align(line.value_or(DisparityCalibration{}), &map);
    }
    // One that is seen in the same slot again is the scene's first: it stays.
    for (size_t i = 0; i < window.align_refs.size(); ++i) {
      const int slot = window.align_refs[i];
      if (SlotAgain(window, slot) != slot) references[i] = (*maps)[static_cast<size_t>(slot)];
    }
  }

  // The last frames of the window before fade into the same frames of this one.
  void Blend(std::vector<WindowMap>* maps) {
    for (int j = 0; j < window.blend; ++j) {
      const float weight =
          window.blend > 1 ? static_cast<float>(j) / static_cast<float>(window.blend - 1) : 1;
      slots->Blend(weight, (*maps)[static_cast<size_t>(window.overlap - window.blend + j)],
                   &done[done.size() - static_cast<size_t>(window.blend - j)]);
    }
    for (int j = window.overlap; j < window.length; ++j)
      done.push_back(std::move((*maps)[static_cast<size_t>(j)]));
    accepted += window.stride;
  }

  // Gives out all frames of the scene before `end`.
  void GiveUntil(int64_t end) {
    while (given < end && !waiting.empty()) {
      slots->Give(std::move(waiting.front()), done.front());
      waiting.pop_front();
      done.pop_front();
      ++given;
    }
  }

  bool robust;
  const ModelWindow window;
  std::unique_ptr<depth::NetworkWindow> slots;
  int filled = 0;
  bool memory_checked = false;
  std::vector<WindowMap> references;
  std::deque<WindowMap> done;         // accepted, not given out
  std::deque<DepthEstimate> waiting;  // without their maps
  // Of this scene.
  int64_t windows = 0, pushed = 0, accepted = 0, given = 0;
  int64_t scene_start = 0, all_pushed = 0;
};

VideoDepthEstimator::VideoDepthEstimator(std::shared_ptr<const Model> model,
                                         const VideoDepthOptions& options, ThreadPool* pool)
    : impl_(std::make_unique<Impl>(std::move(model), options, pool)) {}
VideoDepthEstimator::~VideoDepthEstimator() = default;

int VideoDepthEstimator::latency() const { return impl_->window.length + impl_->window.blend; }
int VideoDepthEstimator::group() const { return impl_->window.stride; }

void VideoDepthEstimator::StartScene() { impl_->StartScene(); }

void VideoDepthEstimator::Push(Frame frame) {
  impl_->CheckOpen();
  impl_->Take(frame);
}

void VideoDepthEstimator::Finish() {
  Impl& impl = *impl_;
  if (std::exchange(impl.finished, true)) return;
  Require(impl.all_pushed == 0 || impl.all_pushed >= impl.window.min_length, Code::kInvalidArgument,
          "model '" + impl.model->info().name + "' needs " +
              CountOf(impl.window.min_length, "frame") + ", the clip has " +
              std::to_string(impl.all_pushed));
  impl.RunRest();
}

std::optional<DepthEstimate> VideoDepthEstimator::Pop() { return impl_->Pop(); }
void VideoDepthEstimator::LeaveOnDevice() { impl_->leave_on_device = true; }
bool VideoDepthEstimator::is_metric() const { return impl_->is_metric(); }
std::optional<DisparityCalibration> VideoDepthEstimator::calibration() const {
  return impl_->calibration;
}

}  // namespace mdvt
