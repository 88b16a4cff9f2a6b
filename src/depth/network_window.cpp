// SPDX-License-Identifier: Apache-2.0
#include "depth/network_window.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "core/median.h"
#include "mdvt/core/error.h"
#include "mdvt/depth/video_depth.h"

namespace mdvt {
namespace {

using Map = std::vector<float>;

constexpr double kHuber = 1.345;      // 95 % efficient for normal residuals
constexpr double kNormal = 1.4826;    // standard deviation per median absolute residual
constexpr int64_t kLookedAt = 20000;  // samples of a map that judge its residuals
constexpr int kRobustRounds = 5;

// Least squares, with `robust` by Huber's weights.
//   sums  of DeviceArrays::LineSums over all maps; a0 and b0 are set
//   median_residual  of a line over samples of all maps
template <typename Sums, typename MedianResidual>
std::optional<DisparityCalibration> FitByRounds(double a0, double b0, bool robust, const Sums& sums,
                                                const MedianResidual& median_residual) {
  DeviceArrays::LineAt at;
  at.a0 = a0, at.b0 = b0;
  for (int round = 0; round <= (robust ? kRobustRounds : 0); ++round) {
    const auto [n, sx, sy, sxx, sxy] = sums(at);
    const double determinant = sxx * n - sx * sx;
    if (!(determinant > 1e-12 * std::max(1e-300, sxx * n))) return std::nullopt;
    at.scale = (n * sxy - sx * sy) / determinant;
    at.shift = (sxx * sy - sx * sxy) / determinant + b0 - at.scale * a0;
    if (!robust) break;
    const double sigma = kNormal * median_residual(at);
    if (!(sigma > 0)) break;
    at.limit = kHuber * sigma;
  }
  if (!(at.scale > 0)) return std::nullopt;
  return DisparityCalibration{at.scale, at.shift};
}

int64_t StepOf(int64_t values) { return std::max<int64_t>(1, values / kLookedAt); }

}  // namespace

std::optional<DisparityCalibration> FitMaps(const std::vector<const Map*>& maps,
                                            const std::vector<const Map*>& references,
                                            bool robust) {
  const auto sums = [&](const DeviceArrays::LineAt& at) {
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (size_t m = 0; m < maps.size(); ++m)
      for (size_t i = 0; i < maps[m]->size(); ++i) {
        // Around the first sample: values like 995 .. 1005 would lose all digits otherwise.
        const double x = static_cast<double>((*maps[m])[i]) - at.a0;
        const double y = static_cast<double>((*references[m])[i]) - at.b0;
        double w = 1;
        if (std::isfinite(at.limit)) {
          const double error = std::abs(at.scale * (x + at.a0) + at.shift - (y + at.b0));
          w = error <= at.limit ? 1 : at.limit / error;
        }
        n += w, sx += w * x, sy += w * y, sxx += w * x * x, sxy += w * x * y;
      }
    return std::array<double, 5>{n, sx, sy, sxx, sxy};
  };
  std::vector<double> errors;
  const auto median_residual = [&](const DeviceArrays::LineAt& at) {
    errors.clear();
    int64_t step = 1;
    for (const Map* map : maps) step = std::max(step, StepOf(static_cast<int64_t>(map->size())));
    for (size_t m = 0; m < maps.size(); ++m)
      for (size_t i = 0; i < maps[m]->size(); i += static_cast<size_t>(step))
        errors.push_back(std::abs(at.scale * static_cast<double>((*maps[m])[i]) + at.shift -
                                  static_cast<double>((*references[m])[i])));
    return Median(&errors);
  };
  return FitByRounds(static_cast<double>((*maps[0])[0]), static_cast<double>((*references[0])[0]),
                     robust, sums, median_residual);
}

namespace depth {
namespace {

// The values of one map. Throws Error(kCorrupt) unless there is one for each slot.
int64_t PlaneOf(const SceneNetwork& network, const Shape& shape, int slots) {
  Require(
      shape.size() == 5 && shape[1] == slots, Code::kCorrupt,
      "model '" + network.model->info().name + "' did not give a map for each frame of its window");
  return NumElements(shape) / slots;
}

class HostWindow : public NetworkWindow {
 public:
  HostWindow(SceneNetwork* network, const ModelWindow& window, bool at_frame_size)
      : network_(*network), window_(window), at_frame_size_(at_frame_size) {
    const PixelSize size = network_.to_tensor.plan().network;
    slot_size_ = 3 * int64_t{size.width} * size.height;
    slots_.Resize({1, window_.length, 3, size.height, size.width});
  }

  void Put(const Frame& frame, int slot) override {
    network_.ToInput(frame, Slot(slot));
    last_ = slot;
  }

  void Repeat(int slot) override {
    std::copy_n(last_ >= 0 ? Slot(last_) : kept_.data(), slot_size_, Slot(slot));
  }

  void Carry() override {
    // Of use if no frame follows: the last slot is carried nowhere, perhaps.
    if (last_ >= 0) kept_.assign(Slot(last_), Slot(last_) + slot_size_);
    last_ = -1;
    // Through copies: a slot may be carried into one that is carried itself.
    std::vector<Map> carried;
    for (const int slot : window_.carry) carried.emplace_back(Slot(slot), Slot(slot) + slot_size_);
    for (size_t i = 0; i < carried.size(); ++i)
      std::copy_n(carried[i].data(), slot_size_, Slot(static_cast<int>(i)));
  }

  std::vector<WindowMap> Run() override {
    network_.model->Run({slots_}, &outputs_);
    const Tensor& all = outputs_[network_.output_index];
    const int64_t plane = PlaneOf(network_, all.shape(), window_.length);
    std::vector<WindowMap> maps(static_cast<size_t>(window_.length));
    for (int i = 0; i < window_.length; ++i) {
      Map& map = maps[static_cast<size_t>(i)].values;
      const float* from = all.data() + i * plane;
      if (at_frame_size_) {
        const Camera& camera = network_.options.camera;
        map.resize(static_cast<size_t>(camera.width) * static_cast<size_t>(camera.height));
        const PlaneView<float> picture = {map.data(),
                                          static_cast<ptrdiff_t>(sizeof(float)) * camera.width,
                                          camera.width, camera.height};
        network_.to_picture.Run(from, picture, network_.pool);
      } else {
        map.assign(from, from + plane);
      }
    }
    return maps;
  }

  std::optional<DisparityCalibration> Fit(const std::vector<const WindowMap*>& maps,
                                          const std::vector<const WindowMap*>& references,
                                          bool robust) const override {
    std::vector<const Map*> seen, wanted;
    for (const WindowMap* map : maps) seen.push_back(&map->values);
    for (const WindowMap* map : references) wanted.push_back(&map->values);
    return FitMaps(seen, wanted, robust);
  }

  void Align(const DisparityCalibration& line, WindowMap* map) const override {
    const auto scale = static_cast<float>(line.scale), shift = static_cast<float>(line.shift);
    for (float& value : map->values) value = std::max(0.0f, scale * value + shift);
  }

  void Blend(float weight, const WindowMap& fresh, WindowMap* old) const override {
    for (size_t i = 0; i < old->values.size(); ++i)
      old->values[i] = (1 - weight) * old->values[i] + weight * fresh.values[i];
  }

  void Give(DepthEstimate times, const WindowMap& map) override {
    network_.Give(std::move(times), map.values.data(), at_frame_size_);
  }

 private:
  float* Slot(int slot) { return slots_.data() + slot * slot_size_; }

  SceneNetwork& network_;
  const ModelWindow window_;
  const bool at_frame_size_;
  int64_t slot_size_ = 0;
  Tensor slots_;
  int last_ = -1;  // the slot of the last frame; -1: it is kept
  Map kept_;
  std::vector<Tensor> outputs_;
};

class DeviceWindow : public NetworkWindow {
 public:
  DeviceWindow(SceneNetwork* network, const ModelWindow& window, bool at_frame_size)
      : network_(*network),
        arrays_(network->device->arrays()),
        window_(window),
        at_frame_size_(at_frame_size),
        slots_(static_cast<size_t>(window.length)) {}

  void Put(const Frame& frame, int slot) override {
    last_ = network_.ToInput(frame);
    slots_[static_cast<size_t>(slot)] = last_;
  }

  void Repeat(int slot) override { slots_[static_cast<size_t>(slot)] = last_; }

  void Carry() override {
    const std::vector<ModelTensor> before = slots_;
    for (size_t i = 0; i < window_.carry.size(); ++i)
      slots_[i] = before[static_cast<size_t>(window_.carry[i])];
  }

  std::vector<WindowMap> Run() override {
    const PixelSize size = network_.to_tensor.plan().network;
    std::vector<const ModelTensor*> all;
    for (const ModelTensor& slot : slots_) all.push_back(&slot);
    const ModelTensor input = arrays_.Join(all, {1, window_.length, 3, size.height, size.width});
    const ModelTensor output = network_.model->RunKept({input})[network_.output_index];
    PlaneOf(network_, output.shape(), window_.length);
    arrays_.CheckOutput(output);
    std::vector<WindowMap> maps(static_cast<size_t>(window_.length));
    for (int i = 0; i < window_.length; ++i) {
      ModelTensor& map = maps[static_cast<size_t>(i)].on_device;
      map = arrays_.Take(output, i * output.shape()[2]);
      if (at_frame_size_) map = network_.device->AtFrameSize(map);
    }
    return maps;
  }

  std::optional<DisparityCalibration> Fit(const std::vector<const WindowMap*>& maps,
                                          const std::vector<const WindowMap*>& references,
                                          bool robust) const override {
    // Residuals are judged by samples, which the host has; sums are formed over all values.
    std::vector<double> a, b, errors;
    for (size_t m = 0; m < maps.size(); ++m) {
      const int64_t step = StepOf(NumElements(maps[m]->on_device.shape()));
      for (const double value : arrays_.Samples(maps[m]->on_device, step)) a.push_back(value);
      for (const double value : arrays_.Samples(references[m]->on_device, step)) b.push_back(value);
    }
    const auto sums = [&](const DeviceArrays::LineAt& at) {
      std::array<double, 5> all = {};
      for (size_t m = 0; m < maps.size(); ++m) {
        const std::array<double, 5> one =
            arrays_.LineSums(maps[m]->on_device, references[m]->on_device, at);
        for (size_t i = 0; i < all.size(); ++i) all[i] += one[i];
      }
      return all;
    };
    const auto median_residual = [&](const DeviceArrays::LineAt& at) {
      errors.clear();
      for (size_t i = 0; i < a.size(); ++i)
        errors.push_back(std::abs(at.scale * a[i] + at.shift - b[i]));
      return Median(&errors);
    };
    return FitByRounds(a[0], b[0], robust, sums, median_residual);
  }

  void Align(const DisparityCalibration& line, WindowMap* map) const override {
    map->on_device = arrays_.Linear(map->on_device, {{line.scale, line.shift, 0}}, nullptr, 0);
  }

  void Blend(float weight, const WindowMap& fresh, WindowMap* old) const override {
    const auto share = static_cast<double>(weight);
    old->on_device = arrays_.Linear(old->on_device, {{1 - share, 0, share}}, &fresh.on_device);
  }

  void Give(DepthEstimate times, const WindowMap& map) override {
    network_.Give(std::move(times), map.on_device, at_frame_size_);
  }

 private:
  SceneNetwork& network_;
  const DeviceArrays& arrays_;
  const ModelWindow window_;
  const bool at_frame_size_;
  std::vector<ModelTensor> slots_;
  ModelTensor last_;
};

}  // namespace

std::unique_ptr<NetworkWindow> NetworkWindow::Of(SceneNetwork* network, const ModelWindow& window,
                                                 bool at_frame_size) {
  if (network->device) return std::make_unique<DeviceWindow>(network, window, at_frame_size);
  return std::make_unique<HostWindow>(network, window, at_frame_size);
}

}  // namespace depth
}  // namespace mdvt
