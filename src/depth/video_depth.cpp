// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/video_depth.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <string>
#include <utility>

#include "core/median.h"
#include "depth/scene_network.h"
#include "mdvt/core/count.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

using Map = std::vector<float>;

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

DisparityCalibration FitMaps(const std::vector<const Map*>& maps,
                             const std::vector<const Map*>& references, bool robust) {
  DisparityCalibration line;
  std::vector<double> errors;
  double sigma = 0;
  for (int round = 0; round < (robust ? 6 : 1); ++round) {
    // Around the first sample: values like 995 .. 1005 would lose all digits otherwise.
    const double x0 = static_cast<double>((*maps[0])[0]);
    const double y0 = static_cast<double>((*references[0])[0]);
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (size_t m = 0; m < maps.size(); ++m)
      for (size_t i = 0; i < maps[m]->size(); ++i) {
        const double x = static_cast<double>((*maps[m])[i]) - x0;
        const double y = static_cast<double>((*references[m])[i]) - y0;
        double w = 1;
        if (round > 0) {
          const double error = std::abs(line.scale * (x + x0) + line.shift - (y + y0));
          w = error <= 1.345 * sigma ? 1 : 1.345 * sigma / error;
        }
        n += w, sx += w * x, sy += w * y, sxx += w * x * x, sxy += w * x * y;
      }
    const double determinant = sxx * n - sx * sx;
    if (!(determinant > 1e-12 * std::max(1e-300, sxx * n))) return {};
    line.scale = (n * sxy - sx * sy) / determinant;
    const double shift = (sxx * sy - sx * sxy) / determinant;
    line.shift = shift + y0 - line.scale * x0;
    if (!robust) break;
    errors.clear();
    size_t step = 1;
    for (const Map* map : maps) step = std::max(step, map->size() / 20000);
    for (size_t m = 0; m < maps.size(); ++m)
      for (size_t i = 0; i < maps[m]->size(); i += step)
        errors.push_back(std::abs(line.scale * static_cast<double>((*maps[m])[i]) + line.shift -
                                  static_cast<double>((*references[m])[i])));
    sigma = 1.4826 * Median(&errors);
    if (!(sigma > 0)) break;
  }
  return line.scale > 0 ? line : DisparityCalibration{};
}

struct VideoDepthEstimator::Impl : depth::SceneNetwork {
  Impl(std::shared_ptr<const Model> the_model, const VideoDepthOptions& the_options,
       ThreadPool* the_pool)
      : SceneNetwork("VideoDepthEstimator", std::move(the_model), the_options, the_pool),
        robust(the_options.robust),
        align_at_frame_size(the_options.align_at_frame_size),
        window(WindowOf(model->info())) {
    const PixelSize network = to_tensor.plan().network;
    slot_size = 3 * int64_t{network.width} * network.height;
    slots.Resize({1, window.length, 3, network.height, network.width});
  }

  float* Slot(int slot) { return slots.data() + slot * slot_size; }

  void Take(const Frame& frame) {
    ToInput(frame, Slot(filled));
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
      // The slots before are the window's own last frame, or what it carries of the one before.
      for (; filled < window.length; ++filled) std::copy_n(LastInput(), slot_size, Slot(filled));
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

  // Of the last frame: the slot before, unless that is carried and a later one shows it.
  const float* LastInput() {
    if (filled > window.overlap || windows == 0) return Slot(filled - 1);
    return last_input.data();
  }

  void RunWindow() {
    if (!memory_checked) {
      memory_checked = true;
      RequirePassMemory(*model, depth::MemoryCheck(model->info(), options.input_size,
                                                   {options.camera.width, options.camera.height}));
    }
    try {
      model->Run({slots}, &outputs);
    } catch (const Error& error) {
      throw Error(error.code(), "frames from " +
                                    std::to_string(scene_start + windows * window.stride) +
                                    " on: " + error.what());
    }
    std::vector<Map> maps = Maps(outputs[output_index]);
    if (windows == 0) {
      references.clear();
      for (const int slot : window.align_refs)
        references.push_back(maps[static_cast<size_t>(slot)]);
      for (Map& map : maps) done.push_back(std::move(map));
      accepted = window.length;
    } else {
      Align(&maps);
      Blend(&maps);
    }
    ++windows;
    // Kept for padding: the last slot is carried nowhere, perhaps.
    last_input.assign(Slot(window.length - 1), Slot(window.length - 1) + slot_size);
    Carry();
    filled = window.overlap;
    GiveUntil(accepted - window.blend);
  }

  std::vector<Map> Maps(const Tensor& all) {
    const Shape& shape = all.shape();
    Require(shape.size() == 5 && shape[1] == window.length, Code::kCorrupt,
            "model '" + model->info().name + "' did not give a map for each frame of its window");
    const int64_t plane = all.size() / window.length;
    std::vector<Map> maps;
    for (int i = 0; i < window.length; ++i) {
      const float* from = all.data() + i * plane;
      if (align_at_frame_size) {
        Map map(static_cast<size_t>(options.camera.width) *
                static_cast<size_t>(options.camera.height));
        to_picture.Run(from, MapView(&map), pool);
        maps.push_back(std::move(map));
      } else {
        maps.emplace_back(from, from + plane);
      }
    }
    return maps;
  }

  PlaneView<float> MapView(Map* map) const {
    return {map->data(), static_cast<ptrdiff_t>(sizeof(float)) * options.camera.width,
            options.camera.width, options.camera.height};
  }

  void Align(std::vector<Map>* maps) {
    DisparityCalibration line;
    if (window.align_scale_shift) {
      std::vector<const Map*> seen, wanted;
      for (size_t i = 0; i < window.align_refs.size(); ++i) {
        const int again = SlotAgain(window, window.align_refs[i]);
        if (again < 0) continue;
        seen.push_back(&(*maps)[static_cast<size_t>(again)]);
        wanted.push_back(&references[i]);
      }
      if (!seen.empty()) line = FitMaps(seen, wanted, robust);
      const auto scale = static_cast<float>(line.scale), shift = static_cast<float>(line.shift);
      for (Map& map : *maps)
        for (float& value : map) value = std::max(0.0f, scale * value + shift);
    }
    // One that is seen in the same slot again is the scene's first: it stays.
    for (size_t i = 0; i < window.align_refs.size(); ++i) {
      const int slot = window.align_refs[i];
      if (SlotAgain(window, slot) != slot) references[i] = (*maps)[static_cast<size_t>(slot)];
    }
  }

  // The last frames of the window before fade into the same frames of this one.
  void Blend(std::vector<Map>* maps) {
    for (int j = 0; j < window.blend; ++j) {
      Map& old = done[done.size() - static_cast<size_t>(window.blend - j)];
      const Map& fresh = (*maps)[static_cast<size_t>(window.overlap - window.blend + j)];
      const float weight =
          window.blend > 1 ? static_cast<float>(j) / static_cast<float>(window.blend - 1) : 1;
      for (size_t i = 0; i < old.size(); ++i) old[i] = (1 - weight) * old[i] + weight * fresh[i];
    }
    for (int j = window.overlap; j < window.length; ++j)
      done.push_back(std::move((*maps)[static_cast<size_t>(j)]));
    accepted += window.stride;
  }

  void Carry() {
    // Through copies: a slot may be carried into one that is carried itself.
    std::vector<Map> kept;
    for (const int slot : window.carry) kept.emplace_back(Slot(slot), Slot(slot) + slot_size);
    for (size_t i = 0; i < kept.size(); ++i)
      std::copy_n(kept[i].data(), slot_size, Slot(static_cast<int>(i)));
  }

  // Gives out all frames of the scene before `end`.
  void GiveUntil(int64_t end) {
    while (given < end && !waiting.empty()) {
      Give(std::move(waiting.front()), done.front().data(), align_at_frame_size);
      waiting.pop_front();
      done.pop_front();
      ++given;
    }
  }

  bool robust;
  bool align_at_frame_size;
  const ModelWindow window;
  int64_t slot_size = 0;
  Tensor slots;
  int filled = 0;
  bool memory_checked = false;
  std::vector<float> last_input;
  std::vector<Tensor> outputs;
  std::vector<Map> references;
  std::deque<Map> done;               // accepted, not given out
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
bool VideoDepthEstimator::is_metric() const { return impl_->is_metric(); }
std::optional<DisparityCalibration> VideoDepthEstimator::calibration() const {
  return impl_->calibration;
}

}  // namespace mdvt
