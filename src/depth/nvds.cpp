// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/nvds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "core/object_pool.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/depth/video_depth.h"
#include "mdvt/model/resample.h"

namespace mdvt {
namespace {

constexpr double kSettleSeconds = 2;  // of scale and shift after the network

void RequirePart(const Model* model, const char* role, size_t inputs) {
  Require(model != nullptr, Code::kInvalidArgument, std::string("NVDS: no ") + role);
  const ModelInfo& info = model->info();
  Require(info.kind == ModelKind::kStabilizerPart && info.role == role &&
              info.inputs.size() == inputs && info.outputs.size() == 1,
          Code::kUnsupported,
          "model '" + info.name + "' is not the " + role +
              " of a stabiliser (kind \"stabilizer_part\"), its role is \"" + info.role + "\"");
}

}  // namespace

std::array<int64_t, 4> NvdsWindow(int64_t i, int64_t step, NvdsStartup startup) {
  if (i < 3) {
    if (startup == NvdsStartup::kRepeat) return {i, i, i, i};
    const auto from = [i](int64_t back) { return std::max<int64_t>(0, i - back); };
    return {from(3), from(2), from(1), i};
  }
  const int64_t s = i >= 4 * step ? step : 1;
  return {i - 3 * s, i - 2 * s, i - s, i};
}

NvdsNetwork::NvdsNetwork(std::shared_ptr<const Model> backbone, std::shared_ptr<const Model> head)
    : backbone_(std::move(backbone)), head_(std::move(head)) {
  RequirePart(backbone_.get(), "backbone", 1);
  RequirePart(head_.get(), "head", 5);
  Require(backbone_->info().group == head_->info().group, Code::kUnsupported,
          "'" + backbone_->info().name + "' and '" + head_->info().name +
              "' do not belong together: their groups differ");
}

int NvdsNetwork::multiple() const { return backbone_->info().inputs[0].size.multiple; }

std::optional<PixelSize> NvdsNetwork::fixed_size() const {
  const SizeRule& rule = backbone_->info().inputs[0].size;
  if (rule.dynamic && rule.mode != SizeMode::kFixed) return std::nullopt;
  return rule.target;
}

ModelTensor NvdsNetwork::Encode(const float* rgb, const float* disparity, int width,
                                int height) const {
  const int64_t plane = int64_t{width} * height;
  Tensor frame({1, 4, height, width});
  std::copy_n(rgb, 3 * plane, frame.data());
  std::copy_n(disparity, plane, frame.data() + 3 * plane);
  std::vector<ModelTensor> features = backbone_->RunKept({frame});
  return std::move(features[0]);
}

void NvdsNetwork::Decode(const std::array<const ModelTensor*, 4>& features, const float* rgb,
                         int width, int height, std::vector<float>* disparity) const {
  const Tensor image({1, 3, height, width}, rgb);
  std::vector<Tensor> outputs;
  try {
    head_->Run({*features[0], *features[1], *features[2], *features[3], image}, &outputs);
  } catch (const Error& error) {
    // Features stay where they were found and are looked at only now: they may be what is wrong.
    Tensor values;
    if (error.code() == Code::kCorrupt)
      for (const ModelTensor* one : features) one->CopyTo(&values);
    throw;
  }
  const int64_t plane = int64_t{width} * height;
  Require(outputs[0].size() == plane, Code::kCorrupt,
          "model '" + head_->info().name + "' did not give one disparity for each pixel");
  disparity->assign(outputs[0].data(), outputs[0].data() + plane);
}

PixelSize NvdsSize(int width, int height, int short_side, int multiple) {
  Require(width >= 1 && height >= 1 && short_side >= multiple && multiple >= 1,
          Code::kInvalidArgument,
          "NvdsSize: sides must be positive and the short side at least the multiple");
  const auto round = [&](double side) {
    return std::max(multiple, multiple * static_cast<int>(std::lround(side / multiple)));
  };
  const int base = round(short_side);
  if (width >= height) return {round(static_cast<double>(base) * width / height), base};
  return {base, round(static_cast<double>(base) * height / width)};
}

void NormalizeByRange(std::vector<float>* disparity) {
  float low = std::numeric_limits<float>::infinity(), high = -low;
  for (const float d : *disparity) {
    if (!std::isfinite(d)) continue;
    low = std::min(low, d);
    high = std::max(high, d);
  }
  const float range = high > low ? high - low : 0;
  for (float& d : *disparity) d = range > 0 && std::isfinite(d) ? (d - low) / range : 0;
}

namespace {

// Mean change along the flow around each pixel; the mean of all where the flow says nothing.
std::vector<float> Unrest(const std::vector<float>& now, const std::vector<float>& before,
                          const FlowPair& flow, int width, int height) {
  constexpr int kReach = 4;
  const size_t n = now.size();
  std::vector<float> change(n, 0), known(n, 0), unrest(n);
  const FlowWay way = flow.ToBefore();
  const PlaneView<const float> past{before.data(), static_cast<ptrdiff_t>(sizeof(float)) * width,
                                    width, height};
  BilinearSpot spot;
  double sum = 0, count = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      float limit = 0;
      const float error = ReturnError(way, x, y, &limit, &spot);
      if (!(error >= 0 && error < limit)) continue;
      const size_t i = static_cast<size_t>(y) * width + x;
      change[i] = std::abs(now[i] - spot.Of(past));
      known[i] = 1;
      sum += static_cast<double>(change[i]), count += 1;
    }
  const auto mean = static_cast<float>(count > 0 ? sum / count : 0);
  // Sums of columns that move along the rows.
  std::vector<double> columns(static_cast<size_t>(width)), counts(static_cast<size_t>(width));
  for (int y = 0; y < height; ++y) {
    std::fill(columns.begin(), columns.end(), 0);
    std::fill(counts.begin(), counts.end(), 0);
    for (int v = std::max(0, y - kReach); v <= std::min(height - 1, y + kReach); ++v)
      for (int x = 0; x < width; ++x) {
        const size_t i = static_cast<size_t>(v) * width + x;
        columns[static_cast<size_t>(x)] += static_cast<double>(change[i]);
        counts[static_cast<size_t>(x)] += static_cast<double>(known[i]);
      }
    for (int x = 0; x < width; ++x) {
      double s = 0, c = 0;
      for (int u = std::max(0, x - kReach); u <= std::min(width - 1, x + kReach); ++u)
        s += columns[static_cast<size_t>(u)], c += counts[static_cast<size_t>(u)];
      unrest[static_cast<size_t>(y) * width + x] = c > 0 ? static_cast<float>(s / c) : mean;
    }
  }
  return unrest;
}

}  // namespace

std::vector<float> MixPasses(const std::vector<float>& forward, const std::vector<float>& backward,
                             const std::vector<float>* forward_before,
                             const std::vector<float>* backward_before, const FlowPair* flow,
                             int width, int height, int64_t frame, int64_t frames) {
  const DisparityCalibration line =
      FitMaps({&backward}, {&forward}, true).value_or(DisparityCalibration{});
  const auto scale = static_cast<float>(line.scale), shift = static_cast<float>(line.shift);
  std::vector<float> mixed(forward.size());
  std::vector<float> unrest_f, unrest_b;
  const bool measured =
      forward_before != nullptr && backward_before != nullptr && flow != nullptr && !flow->empty();
  if (measured) {
    unrest_f = Unrest(forward, *forward_before, *flow, width, height);
    unrest_b = Unrest(backward, *backward_before, *flow, width, height);
  }
  const bool first = frame < 3 && frame < frames - 3, last = frame >= frames - 3 && frame >= 3;
  for (size_t i = 0; i < mixed.size(); ++i) {
    float weight = 0.5f;
    if (first) {
      weight = 0.2f;
    } else if (last) {
      weight = 0.8f;
    } else if (measured) {
      const float f = unrest_f[i], b = scale * unrest_b[i];
      const float epsilon = 1e-3f * (std::abs(forward[i]) + 1e-6f);
      weight = std::clamp((b + epsilon) / (f + b + 2 * epsilon), 0.2f, 0.8f);
    }
    mixed[i] = weight * forward[i] + (1 - weight) * (scale * backward[i] + shift);
  }
  return mixed;
}

struct NvdsStabilizer::Impl {
  Impl(std::shared_ptr<const NvdsNetwork> the_network, int depth_width, int depth_height,
       ThreadPool* the_pool)
      : network(std::move(the_network)),
        pool(the_pool),
        width(depth_width),
        height(depth_height),
        size(network->fixed_size().value_or(NvdsSize(
            depth_width, depth_height, std::max(384 / network->multiple(), 1) * network->multiple(),
            network->multiple()))),
        shrink(ResampleKind::kNearest, {depth_width, depth_height}, size),
        enlarge(ResampleKind::kBilinear, size, {depth_width, depth_height}),
        maps(PixelFormat::GrayF32(), depth_width, depth_height) {}

  size_t Pixels() const {
    return static_cast<size_t>(size.width) * static_cast<size_t>(size.height);
  }

  void Take(StabilizerInput input) {
    const Image& map = input.depth.depth;
    Require(map.format() == PixelFormat::GrayF32() && map.width() == width &&
                map.height() == height && input.picture.format() == PixelFormat::Rgb(8) &&
                input.picture.width() == size.width && input.picture.height() == size.height,
            Code::kInvalidArgument, "NvdsStabilizer: depth or picture of another size than stated");
    if (input.cut) {
      features.clear();
      settled = false;
    }
    const bool begins = features.empty();
    std::vector<float> disparity(Pixels());
    Disparity(input.depth, &disparity);
    std::vector<float> normal = disparity, rgb(3 * Pixels()), found;
    NormalizeByRange(&normal);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < size.height; ++y) {
        const uint8_t* row = std::as_const(input.picture).Plane<uint8_t>(c).Row(y);
        float* to = &rgb[static_cast<size_t>(c) * Pixels() + static_cast<size_t>(y) * size.width];
        for (int x = 0; x < size.width; ++x) to[x] = static_cast<float>(row[x]) / 255;
      }
    try {
      features.push_back(network->Encode(rgb.data(), normal.data(), size.width, size.height));
      if (features.size() > 4) features.pop_front();
      std::array<const ModelTensor*, 4> window{};
      for (int64_t k = 0; k < 4; ++k) {
        const int64_t at = static_cast<int64_t>(features.size()) - 4 + k;
        window[static_cast<size_t>(k)] = &features[static_cast<size_t>(std::max<int64_t>(0, at))];
      }
      network->Decode(window, rgb.data(), size.width, size.height, &found);
    } catch (const Error& error) {
      throw Error(error.code(), "frame " + std::to_string(input.depth.index) + ": " + error.what());
    }
    // Of one depth there is nothing to be steadied, and nothing to fit to.
    const bool flat = IsFlat(disparity);
    if (flat || IsFlat(found) || !Settle(found, disparity, input.seconds))
      return PassOn(std::move(input), !flat, begins);
    ready.push_back(Give(std::move(input), found, begins));
  }

  static bool IsFlat(const std::vector<float>& map) {
    return std::all_of(map.begin(), map.end(), [&](float v) { return v == map[0]; });
  }

  // Without a fit the frame stays as it came.
  void PassOn(StabilizerInput input, bool tell, bool begins) {
    if (tell && !told)
      LogWarning("frame " + std::to_string(input.depth.index) +
                 ": what the stabiliser's network gives has nothing of the depth: the frame, and "
                 "others of which that is so, stay as they came; is it the right network?");
    told = told || tell;
    StabilizedFrame frame;
    frame.starts_shot = begins;
    frame.depth = std::move(input.depth);
    ready.push_back(std::move(frame));
  }

  void Disparity(const DepthEstimate& depth, std::vector<float>* to) const {
    std::vector<float> inverse(static_cast<size_t>(width) * static_cast<size_t>(height));
    const PlaneView<const float> map = depth.depth.Plane<float>();
    const bool metric = depth.quantity == DepthQuantity::kMetricDepth;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const float v = map.At(x, y);
        const float d = !metric ? v : v > 0 ? 1 / v : 0;
        inverse[static_cast<size_t>(y) * width + x] = std::isfinite(d) ? d : 0;
      }
    shrink.Run(
        {inverse.data(), static_cast<ptrdiff_t>(sizeof(float)) * width, width, height},
        {to->data(), static_cast<ptrdiff_t>(sizeof(float)) * size.width, size.width, size.height},
        pool);
  }

  // The network's output has a range of its own. False if no line fits, and none did before.
  bool Settle(const std::vector<float>& found, const std::vector<float>& disparity,
              double seconds) {
    const std::optional<DisparityCalibration> fit = FitMaps({&found}, {&disparity}, true);
    if (!fit) return settled;
    if (!settled) {
      line = *fit;
    } else {
      const double dt = std::clamp(seconds - last_seconds, 0.0, 1.0);
      const double part = 1 - std::exp(-dt / kSettleSeconds);
      line.scale += part * (fit->scale - line.scale);
      line.shift += part * (fit->shift - line.shift);
    }
    settled = true;
    last_seconds = seconds;
    return true;
  }

  StabilizedFrame Give(StabilizerInput input, const std::vector<float>& found, bool begins) {
    StabilizedFrame frame;
    frame.starts_shot = begins;
    frame.scale = line.scale;
    frame.shift = line.shift;
    frame.depth = std::move(input.depth);
    const Image before = std::move(frame.depth.depth);
    frame.depth.depth = maps.Get();
    const PlaneView<float> out = frame.depth.depth.MutablePlane<float>();
    const bool metric = frame.depth.quantity == DepthQuantity::kMetricDepth;
    const auto scale = static_cast<float>(line.scale), shift = static_cast<float>(line.shift);
    enlarge.Run(
        {found.data(), static_cast<ptrdiff_t>(sizeof(float)) * size.width, size.width, size.height},
        out, pool, 0, [&](int y, float* row) {
          const float* was = before.Plane<float>().Row(y);
          for (int x = 0; x < width; ++x) {
            const float d = scale * row[x] + shift;
            if (!metric)
              row[x] = std::isnan(was[x]) ? was[x] : d;
            else if (was[x] > 0)
              row[x] = d > 0 ? 1 / d : std::numeric_limits<float>::infinity();
            else
              row[x] = 0;
          }
        });
    return frame;
  }

  std::shared_ptr<const NvdsNetwork> network;
  ThreadPool* pool;
  int width, height;
  PixelSize size;
  Resampler shrink, enlarge;
  ImagePool maps;
  std::deque<ModelTensor> features;  // of the last four frames of the shot
  DisparityCalibration line;
  bool settled = false;
  bool told = false;  // that the network says nothing
  double last_seconds = 0;
  std::deque<StabilizedFrame> ready;
  bool finished = false;
};

NvdsStabilizer::NvdsStabilizer(std::shared_ptr<const NvdsNetwork> network, int width, int height,
                               ThreadPool* pool) {
  Require(network != nullptr && width >= 1 && height >= 1, Code::kInvalidArgument,
          "NvdsStabilizer: a network and the size of the depth are wanted");
  impl_ = std::make_unique<Impl>(std::move(network), width, height, pool);
}
NvdsStabilizer::~NvdsStabilizer() = default;

StabilizerInfo NvdsStabilizer::info() const {
  StabilizerInfo info;
  info.window = 4;
  info.width = impl_->size.width;
  info.height = impl_->size.height;
  return info;
}

void NvdsStabilizer::Push(StabilizerInput input) {
  Require(!impl_->finished, Code::kInvalidArgument,
          "NvdsStabilizer: a frame was pushed after Finish()");
  impl_->Take(std::move(input));
}
void NvdsStabilizer::Finish() { impl_->finished = true; }
std::optional<StabilizedFrame> NvdsStabilizer::Pop() {
  if (impl_->ready.empty()) return std::nullopt;
  StabilizedFrame frame = std::move(impl_->ready.front());
  impl_->ready.pop_front();
  return frame;
}

}  // namespace mdvt
