// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/video_depth.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <string>
#include <utility>

#include "core/median.h"
#include "core/object_pool.h"
#include "depth/network_depth.h"
#include "mdvt/core/count.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/model/resample.h"

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

void VideoDepthOptions::Check() const { depth::CheckShared(*this); }

struct VideoDepthEstimator::Impl {
  Impl(std::shared_ptr<const Model> the_model, const VideoDepthOptions& the_options,
       ThreadPool* the_pool)
      : model(std::move(the_model)),
        options(the_options),
        pool(the_pool),
        window(WindowOf(model->info())),
        output_index(depth::DepthOutput(model->info())),
        input(model->info().inputs[0]),
        output(model->info().outputs[output_index]),
        relative(IsRelativeDepth(model->info())),
        to_tensor(input.resample, {options.camera.width, options.camera.height},
                  depth::RuleFor(model->info(), options.input_size)),
        to_picture(output.resample, to_tensor.plan()),
        quantity(output, relative, options.camera, to_tensor.plan()),
        calibration(options.calibration),
        pictures(PixelFormat::GrayF32(), options.camera.width, options.camera.height) {
    const PixelSize network = to_tensor.plan().network;
    slot_size = 3 * int64_t{network.width} * network.height;
    slots.Resize({1, window.length, 3, network.height, network.width});
  }

  float* Slot(int slot) { return slots.data() + slot * slot_size; }

  void Take(Frame frame) {
    Require(frame.image.width() == options.camera.width &&
                frame.image.height() == options.camera.height &&
                frame.image.format().model == ColorModel::kRgb,
            Code::kInvalidArgument,
            "VideoDepthEstimator: frame " + std::to_string(frame.index) +
                " is not RGB of the camera's size");
    to_tensor.Run(frame.image.view(), Slot(filled), pool);
    depth::ScaleRange(input.range, frame.image, Slot(filled), slot_size);
    ++filled;
    DepthEstimate times;
    times.index = frame.index;
    times.pts = frame.pts;
    times.duration = frame.duration;
    waiting.push_back(std::move(times));
    ++pushed;
    if (filled == window.length) RunWindow();
  }

  // All frames are there: windows that begin before the end, filled up with the last frame.
  void RunRest() {
    while (pushed > 0 && windows * window.stride < pushed) {
      // The slots before are the window's own last frame, or what it carries of the one before.
      for (; filled < window.length; ++filled) std::copy_n(LastInput(), slot_size, Slot(filled));
      RunWindow();
    }
    Give(accepted);
  }

  // Of the last frame: the slot before, unless that is carried and a later one shows it.
  const float* LastInput() {
    if (filled > window.overlap || windows == 0) return Slot(filled - 1);
    return last_input.data();
  }

  void RunWindow() {
    try {
      model->Run({slots}, &outputs);
    } catch (const Error& error) {
      throw Error(error.code(), "frames from " + std::to_string(windows * window.stride) +
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
    Give(accepted - window.blend);
  }

  std::vector<Map> Maps(const Tensor& all) {
    const Shape& shape = all.shape();
    Require(shape.size() == 5 && shape[1] == window.length, Code::kCorrupt,
            "model '" + model->info().name + "' did not give a map for each frame of its window");
    const int64_t plane = all.size() / window.length;
    std::vector<Map> maps;
    for (int i = 0; i < window.length; ++i) {
      const float* from = all.data() + i * plane;
      if (options.align_at_frame_size) {
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
      if (!seen.empty()) line = FitMaps(seen, wanted, options.robust);
      const auto scale = static_cast<float>(line.scale), shift = static_cast<float>(line.shift);
      for (Map& map : *maps)
        for (float& value : map) value = std::max(0.0f, scale * value + shift);
    }
    // One that is seen in the same slot again is the clip's first: it stays.
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

  // Gives out all frames before `end`.
  void Give(int64_t end) {
    while (given < end && !waiting.empty()) {
      DepthEstimate estimate = std::move(waiting.front());
      waiting.pop_front();
      estimate.depth = pictures.Get();
      const PlaneView<float> picture = estimate.depth.MutablePlane<float>();
      const Map& map = done.front();
      if (options.align_at_frame_size) {
        for (int y = 0; y < picture.height; ++y) {
          std::copy_n(&map[static_cast<size_t>(y) * picture.width], picture.width, picture.Row(y));
          quantity.Convert(y, picture.Row(y));
        }
      } else {
        to_picture.Run(map.data(), picture, pool,
                       [this](int y, float* row) { quantity.Convert(y, row); });
      }
      done.pop_front();
      ++given;
      estimate.quantity =
          relative ? DepthQuantity::kRelativeDisparity : DepthQuantity::kMetricDepth;
      if (relative && (calibration || options.median_depth)) {
        if (!calibration)
          calibration = CalibrateByMedian(std::as_const(estimate.depth).Plane<float>(),
                                          *options.median_depth);
        depth::ApplyCalibration(*calibration, pool, picture);
        estimate.quantity = DepthQuantity::kMetricDepth;
      }
      ready.push_back(std::move(estimate));
    }
  }

  std::shared_ptr<const Model> model;
  VideoDepthOptions options;
  ThreadPool* pool;
  const ModelWindow window;
  size_t output_index;
  const ModelInputInfo& input;
  const ModelOutputInfo& output;
  bool relative;
  PictureToTensor to_tensor;
  TensorToPicture to_picture;
  depth::QuantityMaker quantity;
  std::optional<DisparityCalibration> calibration;
  ImagePool pictures;
  int64_t slot_size = 0;
  Tensor slots;
  int filled = 0;
  std::vector<float> last_input;
  std::vector<Tensor> outputs;
  std::vector<Map> references;
  std::deque<Map> done;               // accepted, not given out
  std::deque<DepthEstimate> waiting;  // without their maps
  std::deque<DepthEstimate> ready;
  int64_t windows = 0, pushed = 0, accepted = 0, given = 0;
  bool finished = false;
};

VideoDepthEstimator::VideoDepthEstimator(std::shared_ptr<const Model> model,
                                         const VideoDepthOptions& options, ThreadPool* pool) {
  options.Check();
  Require(model != nullptr, Code::kInvalidArgument, "VideoDepthEstimator: no model");
  impl_ = std::make_unique<Impl>(std::move(model), options, pool);
}
VideoDepthEstimator::~VideoDepthEstimator() = default;

int VideoDepthEstimator::latency() const { return impl_->window.length + impl_->window.blend; }
int VideoDepthEstimator::group() const { return impl_->window.stride; }

void VideoDepthEstimator::Push(Frame frame) {
  Require(!impl_->finished, Code::kInvalidArgument,
          "VideoDepthEstimator: a frame was pushed after Finish()");
  impl_->Take(std::move(frame));
}

void VideoDepthEstimator::Finish() {
  Impl& impl = *impl_;
  if (std::exchange(impl.finished, true)) return;
  Require(impl.pushed == 0 || impl.pushed >= impl.window.min_length, Code::kInvalidArgument,
          "model '" + impl.model->info().name + "' needs " +
              CountOf(impl.window.min_length, "frame") + ", the clip has " +
              std::to_string(impl.pushed));
  impl.RunRest();
}

std::optional<DepthEstimate> VideoDepthEstimator::Pop() {
  if (impl_->ready.empty()) return std::nullopt;
  DepthEstimate estimate = std::move(impl_->ready.front());
  impl_->ready.pop_front();
  return estimate;
}

bool VideoDepthEstimator::is_metric() const {
  return !impl_->relative || impl_->calibration || impl_->options.median_depth;
}
std::optional<DisparityCalibration> VideoDepthEstimator::calibration() const {
  return impl_->calibration;
}

}  // namespace mdvt
