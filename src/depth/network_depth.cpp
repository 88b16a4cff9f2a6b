// SPDX-License-Identifier: Apache-2.0
#include "depth/network_depth.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "core/rows.h"
#include "mdvt/core/error.h"
#include "model/largest_sample.h"

namespace mdvt::depth {
namespace {

constexpr int kRowGrain = 64;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNoData = std::numeric_limits<float>::quiet_NaN();

}  // namespace

size_t DepthOutput(const ModelInfo& info) {
  const bool stream = info.kind == ModelKind::kDepthStream;
  Require(stream || info.kind == ModelKind::kDepth || info.kind == ModelKind::kDepthVideo,
          Code::kUnsupported,
          "model '" + info.name + "' is of kind \"" + ToString(info.kind) +
              "\", depth needs \"depth\", \"depth_video\" or \"depth_stream\"");
  const bool rays =
      info.kind == ModelKind::kDepth && info.inputs.size() == 2 && info.inputs[1].name == "rays";
  Require(info.inputs.size() == 1 || rays || stream, Code::kUnsupported,
          "model '" + info.name + "' takes " + std::to_string(info.inputs.size()) +
              " inputs, depth has the picture to give, and to networks of single pictures the "
              "camera's \"rays\"");
  for (size_t i = 0; i < info.outputs.size(); ++i) {
    const ModelOutputInfo& output = info.outputs[i];
    const Quantity quantity = output.quantity;
    if (quantity != Quantity::kDepth && quantity != Quantity::kDisparity &&
        quantity != Quantity::kDistance) {
      continue;
    }
    const OutputScale scale = output.scale;
    const bool known =
        scale == OutputScale::kMetric ||
        (quantity != Quantity::kDistance &&
         (scale == OutputScale::kScaleOnly || scale == OutputScale::kMetricTimesFocal)) ||
        (quantity == Quantity::kDisparity && scale == OutputScale::kAffine);
    Require(known, Code::kUnsupported,
            "model '" + info.name + "': output '" + output.name + "' is " + ToString(quantity) +
                " of scale " + ToString(scale) + ", which cannot be turned into depth");
    return i;
  }
  throw Error(Code::kUnsupported,
              "model '" + info.name + "' has no output of depth, disparity or distance");
}

SizeRule RuleFor(const ModelInfo& info, int input_size) {
  SizeRule rule = info.inputs[0].size;
  if (input_size == 0) return rule;
  Require(rule.dynamic && rule.mode != SizeMode::kFixed && rule.mode != SizeMode::kNative &&
              rule.mode != SizeMode::kArea,
          Code::kInvalidArgument,
          "input_size = " + std::to_string(input_size) + ": model '" + info.name +
              "' does not let its size be chosen");
  rule.target = {input_size, input_size};
  rule.Check();
  return rule;
}

PassMemoryCheck MemoryCheck(const ModelInfo& info, int input_size, PixelSize picture) {
  PassMemoryCheck check;
  check.size_of = [&info, picture](int side) {
    return PlanSize(picture, RuleFor(info, side)).network;
  };
  check.size = check.size_of(input_size);
  const SizeRule& rule = info.inputs[0].size;
  const bool chosen = rule.dynamic && rule.mode != SizeMode::kFixed &&
                      rule.mode != SizeMode::kNative && rule.mode != SizeMode::kArea;
  if (chosen)
    check.input_size =
        input_size > 0 ? input_size : std::max(rule.target.width, rule.target.height);
  return check;
}

float DepthOfDisparity(float inverse) {
  return std::isnan(inverse) ? 0 : inverse > 0 ? 1 / inverse : kInfinity;
}

void ScaleRange(InputRange range, const Image& picture, float* values, int64_t count) {
  switch (range) {
    case InputRange::kZeroToOne:
      return;
    case InputRange::kMinusOneToOne:
      for (int64_t i = 0; i < count; ++i) values[i] = 2 * values[i] - 1;
      return;
    case InputRange::kImageMax: {
      // Resizing is linear: it does not matter which comes first.
      const float most = LargestSample(picture);
      if (most > 0)
        for (int64_t i = 0; i < count; ++i) values[i] /= most;
      return;
    }
  }
}

void QuantityMaker::Convert(int y, float* row) const {
  const int width = camera_.width;
  const auto each = [&](const auto& convert) {
    for (int x = 0; x < width; ++x) row[x] = convert(row[x]);
  };
  const auto positive = [](float z) { return z > 0 ? z : 0; };
  if (output_.quantity == Quantity::kDistance) {
    const double v = (y + 0.5 - camera_.cy) / camera_.fy;
    for (int x = 0; x < width; ++x) {
      const double u = (x + 0.5 - camera_.cx) / camera_.fx;
      row[x] =
          static_cast<float>(static_cast<double>(positive(row[x])) / std::sqrt(1 + u * u + v * v));
    }
  } else if (output_.scale == OutputScale::kMetricTimesFocal) {
    const double focal = camera_.fx * plan_.content.width / plan_.padded.width;
    const float factor = static_cast<float>(focal / output_.focal_ref);
    if (output_.quantity == Quantity::kDisparity) {
      each([&](float value) { return DepthOfDisparity(value) * factor; });
    } else {
      each([&](float value) { return positive(value * factor); });
    }
  } else if (output_.quantity == Quantity::kDisparity) {
    if (!relative_) each(DepthOfDisparity);
  } else if (relative_) {
    each([](float value) { return value > 0 ? 1 / value : kNoData; });
  } else {
    each(positive);
  }
}

void ApplyCalibration(const DisparityCalibration& calibration, ThreadPool* pool,
                      PlaneView<float> map) {
  const float scale = static_cast<float>(calibration.scale);
  const float shift = static_cast<float>(calibration.shift);
  ForRows(pool, map.height, kRowGrain, [&](int begin, int end) {
    for (int y = begin; y < end; ++y) {
      float* row = map.Row(y);
      for (int x = 0; x < map.width; ++x) row[x] = DepthOfDisparity(scale * row[x] + shift);
    }
  });
}

void Settle(const RelativeRule& rule, ImagePool* pictures, ThreadPool* pool,
            std::optional<DisparityCalibration>* calibration, DepthEstimate* estimate) {
  if (estimate->quantity != DepthQuantity::kRelativeDisparity) return;
  const bool metric = *calibration || rule.median_depth;
  if (!metric && rule.leave_on_device) return;
  const std::shared_ptr<const DeviceMap> left = std::exchange(estimate->on_device, nullptr);
  if (left) estimate->depth = pictures->Get();
  const PlaneView<float> map = estimate->depth.MutablePlane<float>();
  if (left && !*calibration) left->CopyTo(map);
  if (!metric) return;
  if (!*calibration) *calibration = CalibrateByMedian(map, *rule.median_depth);
  if (left) {
    left->MetresTo(**calibration, map);
  } else {
    ApplyCalibration(**calibration, pool, map);
  }
  estimate->quantity = DepthQuantity::kMetricDepth;
}

}  // namespace mdvt::depth
