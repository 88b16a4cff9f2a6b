// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/depth_upscaler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "core/rows.h"
#include "depth/network_depth.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/model/resample.h"

namespace mdvt {
namespace {

constexpr int kGrain = 32;              // rows
constexpr float kEdgeShare = 0.1f;      // of 1 / depth: a step in the small map
constexpr float kDoubtWeight = 0.002f;  // of what is near one
constexpr int kPasses = 3;
constexpr double kTail = 0.005;  // of a frame's values, at both ends
constexpr double kMargin = 0.05;
constexpr double kJump = 0.5;

size_t Count(int width, int height) {
  return static_cast<size_t>(width) * static_cast<size_t>(height);
}

PlaneView<const float> View(const std::vector<float>& values, int w, int h) {
  return {values.data(), static_cast<ptrdiff_t>(sizeof(float)) * w, w, h};
}

// 1 / depth of the small map, its range around each pixel, and whether an edge is near.
struct Small {
  std::vector<float> inverse, low, high, sure;
};

Small Look(const DepthView& depth, int doubt, ThreadPool* pool) {
  const int w = depth.width, h = depth.height;
  Small small;
  for (auto* plane : {&small.inverse, &small.low, &small.high, &small.sure})
    plane->resize(Count(w, h));
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      const float z = depth.At(x, y);
      small.inverse[static_cast<size_t>(y) * w + x] =
          z > 0 ? 1 / z : std::numeric_limits<float>::quiet_NaN();
    }
  const int reach = std::max(1, doubt);
  ForRows(pool, h, kGrain, [&](int begin, int end) {
    for (int y = begin; y < end; ++y)
      for (int x = 0; x < w; ++x) {
        const size_t i = static_cast<size_t>(y) * w + x;
        float low = std::numeric_limits<float>::infinity(), high = -low;
        float near_low = low, near_high = high;
        for (int v = std::max(0, y - reach); v <= std::min(h - 1, y + reach); ++v)
          for (int u = std::max(0, x - reach); u <= std::min(w - 1, x + reach); ++u) {
            const float s = small.inverse[static_cast<size_t>(v) * w + u];
            if (std::isnan(s)) continue;
            low = std::min(low, s);
            high = std::max(high, s);
            if (std::abs(u - x) > doubt || std::abs(v - y) > doubt) continue;
            near_low = std::min(near_low, s);
            near_high = std::max(near_high, s);
          }
        small.low[i] = low;
        small.high[i] = high;
        const bool edge = near_high - near_low > kEdgeShare * near_high;
        small.sure[i] = std::isnan(small.inverse[i]) ? 0 : edge ? kDoubtWeight : 1;
      }
  });
  return small;
}

// The small pixel that a large one lies in.
int Nearest(int at, int large, int small) { return static_cast<int>(int64_t{at} * small / large); }

}  // namespace

void GuidedUpscalerOptions::Check() const {
  Require(edge > 0 && edge <= 255, Code::kInvalidArgument,
          "edge = " + FormatDouble(edge) + ", must be in (0, 255]");
  Require(doubt >= 0 && doubt <= 8, Code::kInvalidArgument,
          "doubt = " + std::to_string(doubt) + ", must be in [0, 8]");
}

GuidedUpscaler::GuidedUpscaler(const GuidedUpscalerOptions& options) : options_(options) {
  options.Check();
}

Image GuidedUpscaler::Upscale(const DepthView& small, PlaneView<const uint8_t> guide,
                              ThreadPool* pool) {
  const int w = small.width, h = small.height, width = guide.width, height = guide.height;
  Require(w > 0 && h > 0 && width >= w && height >= h, Code::kInvalidArgument,
          "the picture of " + FormatSize(width, height) + " pixels is smaller than the depth of " +
              FormatSize(w, h));
  const Small map = Look(small, options_.doubt, pool);
  std::vector<float> values(Count(width, height)), weights(values.size());
  const float sx = static_cast<float>(w) / static_cast<float>(width);
  const float sy = static_cast<float>(h) / static_cast<float>(height);
  ForRows(pool, height, kGrain, [&](int begin, int end) {
    for (int y = begin; y < end; ++y)
      for (int x = 0; x < width; ++x) {
        const float u =
            std::clamp((static_cast<float>(x) + 0.5f) * sx - 0.5f, 0.f, static_cast<float>(w - 1));
        const float v =
            std::clamp((static_cast<float>(y) + 0.5f) * sy - 0.5f, 0.f, static_cast<float>(h - 1));
        const int x0 = static_cast<int>(u), y0 = static_cast<int>(v);
        const float a = u - static_cast<float>(x0), b = v - static_cast<float>(y0);
        float sum = 0, share = 0, sure = 1;
        for (int k = 0; k < 4; ++k) {
          const int px = std::min(x0 + (k & 1), w - 1), py = std::min(y0 + (k >> 1), h - 1);
          const float part = ((k & 1) != 0 ? a : 1 - a) * ((k >> 1) != 0 ? b : 1 - b);
          const size_t i = static_cast<size_t>(py) * w + px;
          if (part == 0) continue;
          sure = std::min(sure, map.sure[i]);
          if (std::isnan(map.inverse[i])) continue;
          sum += part * map.inverse[i];
          share += part;
        }
        const size_t i = static_cast<size_t>(y) * width + x;
        values[i] = share > 0 ? sum / share : 0;
        weights[i] = share > 0 ? std::max(sure, kDoubtWeight) : 0;
      }
  });
  // What is sure has to reach across a doubtful border of some small pixels.
  const float pixels = static_cast<float>(options_.doubt + 1) / std::min(sx, sy);
  smoother_.SetGuide(guide, static_cast<float>(options_.edge), pool);
  std::vector<float> smooth = values, reached = weights;
  smoother_.Smooth(4 * pixels * pixels, kPasses, pool, &smooth, &reached);
  Image result(PixelFormat::GrayF32(), width, height);
  const PlaneView<float> out = result.MutablePlane<float>();
  ForRows(pool, height, kGrain, [&](int begin, int end) {
    for (int y = begin; y < end; ++y) {
      float* row = out.Row(y);
      for (int x = 0; x < width; ++x) {
        const size_t from = static_cast<size_t>(Nearest(y, height, h)) * w + Nearest(x, width, w);
        const size_t i = static_cast<size_t>(y) * width + x;
        if (std::isnan(map.inverse[from])) {
          row[x] = 0;
          continue;
        }
        // Where all is sure it stays as it was interpolated: slopes are not for smoothing.
        const float s = weights[i] >= 1 ? values[i] : smooth[i];
        const float inverse = std::clamp(s, map.low[from], map.high[from]);
        row[x] = inverse > 0 ? 1 / inverse : std::numeric_limits<float>::infinity();
      }
    }
  });
  return result;
}

// ---- By a network.

void PromptUpscalerOptions::Check() const {
  Require(range_smoothing >= 0 && range_smoothing < 1, Code::kInvalidArgument,
          "range_smoothing = " + FormatDouble(range_smoothing) + ", must be in [0, 1)");
}

void RequirePromptNetwork(const ModelInfo& info) {
  const bool inputs = info.kind == ModelKind::kDepth && info.inputs.size() == 2 &&
                      info.inputs[1].name == "prompt" && info.inputs[1].layout.channels == 1;
  Require(inputs, Code::kUnsupported,
          "model '" + info.name +
              "' takes no \"prompt\": one of kind \"depth\" with the inputs \"image\" and "
              "\"prompt\" (1 channel) is wanted, such as PromptDA");
  const ModelOutputInfo& output = info.outputs[0];
  Require((output.quantity == Quantity::kDepth || output.quantity == Quantity::kDisparity) &&
              output.scale == OutputScale::kAffine,
          Code::kUnsupported,
          "model '" + info.name +
              "': its first output must be depth or disparity of scale \"affine\", in the range of "
              "the prompt");
}

PromptUpscaler::PromptUpscaler(std::shared_ptr<const Model> model,
                               const PromptUpscalerOptions& options)
    : model_(std::move(model)), options_(options) {
  options.Check();
  Require(model_ != nullptr, Code::kInvalidArgument, "PromptUpscaler: no model");
  RequirePromptNetwork(model_->info());
}

PromptUpscaler::Range PromptUpscaler::RangeOf(const std::vector<float>& values) {
  std::vector<float> known;
  for (const float value : values)
    if (std::isfinite(value)) known.push_back(value);
  if (known.empty()) return range_.value_or(Range{});
  const auto at = [&](double share) {
    const auto place = static_cast<ptrdiff_t>(share * static_cast<double>(known.size() - 1) + 0.5);
    std::nth_element(known.begin(), known.begin() + place, known.end());
    return static_cast<double>(known[static_cast<size_t>(place)]);
  };
  Range now{at(options_.parity ? 0 : kTail), at(options_.parity ? 1 : 1 - kTail)};
  // A plane has no range: the network still gets numbers.
  const double least = 1e-6 + 1e-3 * std::max(std::abs(now.low), std::abs(now.high));
  if (now.high - now.low < least) now = {now.low - least / 2, now.low + least / 2};
  if (options_.parity) return now;
  const double margin = kMargin * (now.high - now.low);
  now = {now.low - margin, now.high + margin};
  const double width = now.high - now.low;
  const bool anew = !range_ || std::abs(range_->low - now.low) > kJump * width ||
                    std::abs(range_->high - now.high) > kJump * width;
  const double past = anew ? 0 : options_.range_smoothing;
  if (anew) range_ = now;
  range_ =
      Range{past * range_->low + (1 - past) * now.low, past * range_->high + (1 - past) * now.high};
  return *range_;
}

Image PromptUpscaler::Upscale(const DepthView& small, const Image& picture,
                              PlaneView<const uint8_t> guide, ThreadPool* pool) {
  Image result = guided_.Upscale(small, guide, pool);
  const ModelInfo& info = model_->info();
  const PromptDomain domain = options_.parity ? PromptDomain::kDepth : options_.domain;
  const auto to_domain = [domain](float z) {
    if (!(z > 0)) return std::numeric_limits<float>::quiet_NaN();
    if (domain == PromptDomain::kDisparity) return 1 / z;
    if (!std::isfinite(z)) return std::numeric_limits<float>::quiet_NaN();
    return domain == PromptDomain::kLog ? std::log(z) : z;
  };
  std::vector<float> values;
  values.reserve(Count(small.width, small.height));
  for (int y = 0; y < small.height; ++y)
    for (int x = 0; x < small.width; ++x) values.push_back(to_domain(small.At(x, y)));
  const Range range = RangeOf(values);
  const double width = range.high - range.low;
  // Far away is one end of the range: with depth and log the high one.
  const float far = domain == PromptDomain::kDisparity ? 0.f : 1.f;
  for (float& value : values)
    value = std::isnan(value) ? far
                              : static_cast<float>(std::clamp(
                                    (static_cast<double>(value) - range.low) / width, 0.0, 1.0));

  const PictureToTensor to_tensor(info.inputs[0].resample, {picture.width(), picture.height()},
                                  info.inputs[0].size);
  const PixelSize network = to_tensor.plan().network;
  Tensor image({1, 3, network.height, network.width});
  to_tensor.Run(picture.view(), image.data(), pool);
  depth::ScaleRange(info.inputs[0].range, picture, image.data(), image.size());
  Tensor prompt({1, 1, network.height, network.width});
  Resampler(ResampleKind::kBilinear, {small.width, small.height}, network)
      .Run(View(values, small.width, small.height),
           {prompt.data(), static_cast<ptrdiff_t>(sizeof(float)) * network.width, network.width,
            network.height},
           pool);
  model_->Run({image, prompt}, &outputs_);

  const PlaneView<float> out = result.MutablePlane<float>();
  const TensorToPicture to_picture(info.outputs[0].resample, to_tensor.plan());
  Image refined(PixelFormat::GrayF32(), picture.width(), picture.height());
  to_picture.Run(outputs_[0].data(), refined.MutablePlane<float>(), pool);
  const PlaneView<const float> found = std::as_const(refined).Plane<float>();
  ForRows(pool, out.height, kGrain, [&](int begin, int end) {
    for (int y = begin; y < end; ++y) {
      float* row = out.Row(y);
      for (int x = 0; x < out.width; ++x) {
        const auto guided = static_cast<double>(to_domain(row[x]));
        if (!(guided >= range.low && guided <= range.high)) continue;
        const double value = range.low + static_cast<double>(found.At(x, y)) * width;
        const double z = domain == PromptDomain::kDisparity ? (value > 0 ? 1 / value : 0)
                         : domain == PromptDomain::kLog     ? std::exp(value)
                                                            : value;
        if (z > 0) row[x] = static_cast<float>(z);
      }
    }
  });
  return result;
}

}  // namespace mdvt
