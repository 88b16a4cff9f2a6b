// SPDX-License-Identifier: Apache-2.0
#include "depth/device_depth.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace mdvt::depth {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNoData = std::numeric_limits<double>::quiet_NaN();

}  // namespace

std::shared_ptr<const DeviceDepth> DeviceDepth::Of(std::shared_ptr<const Model> model,
                                                   const PictureToTensor& to_tensor,
                                                   const TensorToPicture& to_picture,
                                                   const ModelOutputInfo& output, bool relative) {
  if (!model->processes_on_device()) return nullptr;
  return std::make_shared<const DeviceDepth>(std::move(model), to_tensor, to_picture, output,
                                             relative);
}

DeviceDepth::DeviceDepth(std::shared_ptr<const Model> model, const PictureToTensor& to_tensor,
                         const TensorToPicture& to_picture, const ModelOutputInfo& output,
                         bool relative)
    : input_(model->info().inputs[0]),
      output_(output),
      relative_(relative),
      plan_(to_tensor.plan()),
      pad_value_(to_tensor.pad_value()),
      arrays_(std::move(model)) {
  const ResampleMatrices in = to_tensor.Matrices(), out = to_picture.Matrices();
  to_rows_ = arrays_.Load(in.rows, in.to.height, in.from.height);
  to_columns_ = arrays_.Load(in.columns, in.to.width, in.from.width);
  from_rows_ = arrays_.Load(out.rows, out.to.height, out.from.height);
  from_columns_ = arrays_.Load(out.columns, out.to.width, out.from.width);
  std::vector<float> pad;
  for (const float row : in.rows_covered)
    for (const float column : in.columns_covered) pad.push_back(1 - row * column);
  if (std::any_of(pad.begin(), pad.end(), [](float share) { return share != 0; }))
    pad_ = arrays_.Load(pad, in.to.height, in.to.width);
}

ModelTensor DeviceDepth::Picture(const Image& picture) const {
  const ModelTensor stored = arrays_.Load(picture.view());
  const ModelTensor resized = arrays_.Resample(stored, to_rows_, to_columns_);
  // Stored numbers to 0..1, then to the network's range (ScaleRange()), then normalized.
  const PixelFormat format = picture.format();
  const double unit = format.type == SampleType::kF32 ? 1 : 1.0 / format.max_value();
  double gain = 1, bias = 0;
  if (input_.range == InputRange::kMinusOneToOne) gain = 2, bias = -1;
  if (input_.range == InputRange::kImageMax) {
    const double most = unit * arrays_.Extremes(stored)[1];
    if (most > 0) gain = 1 / most;
  }
  std::vector<DeviceArrays::Line> lines;
  for (size_t c = 0; c < 3; ++c) {
    const double mean = input_.mean.empty() ? 0 : input_.mean[c];
    const double deviation = input_.mean.empty() ? 1 : input_.deviation[c];
    lines.push_back({gain * unit / deviation, (bias - mean) / deviation,
                     gain * static_cast<double>(pad_value_[c]) / deviation});
  }
  return arrays_.Linear(resized, lines, pad_.empty() ? nullptr : &pad_);
}

ModelTensor DeviceDepth::AtFrameSize(const ModelTensor& map) const {
  return arrays_.Resample(map, from_rows_, from_columns_);
}

ModelTensor DeviceDepth::Quantity(const ModelTensor& map, const Camera& camera) const {
  const auto positive = [&](double gain) {
    return arrays_.Linear(map, {{gain, 0, 0}}, nullptr, 0);
  };
  if (output_.quantity == mdvt::Quantity::kDistance)
    return arrays_.Multiply(positive(1), DepthPerDistance(camera));
  double factor = 1;
  if (output_.scale == OutputScale::kMetricTimesFocal)
    factor = camera.fx * plan_.content.width / plan_.padded.width / output_.focal_ref;
  if (output_.quantity == mdvt::Quantity::kDisparity)
    return relative_ ? map : arrays_.Invert(map, {1, 0, factor, kInfinity});
  return relative_ ? arrays_.Invert(map, {1, 0, 1, kNoData}) : positive(factor);
}

void DeviceDepth::Give(const ModelTensor& map, const Camera& camera, ImagePool* pictures,
                       DepthEstimate* estimate) const {
  ModelTensor depth = Quantity(map, camera);
  if (relative_) {
    estimate->on_device = std::make_shared<const LeftMap>(shared_from_this(), std::move(depth));
  } else {
    estimate->depth = pictures->Get();
    arrays_.CopyTo(depth, estimate->depth.MutablePlane<float>());
  }
}

ModelTensor DeviceDepth::Metres(const ModelTensor& map,
                                const DisparityCalibration& calibration) const {
  return arrays_.Invert(map, {calibration.scale, calibration.shift, 1, kInfinity});
}

ModelTensor DeviceDepth::DepthPerDistance(const Camera& camera) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const bool same = seen_by_ && seen_by_->fx == camera.fx && seen_by_->fy == camera.fy &&
                    seen_by_->cx == camera.cx && seen_by_->cy == camera.cy;
  if (!same) {
    std::vector<float> share;
    share.reserve(static_cast<size_t>(camera.width) * static_cast<size_t>(camera.height));
    for (int y = 0; y < camera.height; ++y) {
      const double v = (y + 0.5 - camera.cy) / camera.fy;
      for (int x = 0; x < camera.width; ++x) {
        const double u = (x + 0.5 - camera.cx) / camera.fx;
        share.push_back(static_cast<float>(1 / std::sqrt(1 + u * u + v * v)));
      }
    }
    per_distance_ = arrays_.Load(share, camera.height, camera.width);
    seen_by_ = camera;
  }
  return per_distance_;
}

PixelSize LeftMap::size() const {
  return {static_cast<int>(map_.shape()[2]), static_cast<int>(map_.shape()[1])};
}

void LeftMap::CopyTo(PlaneView<float> to) const { device_->arrays().CopyTo(map_, to); }

void LeftMap::MetresTo(const DisparityCalibration& calibration, PlaneView<float> to) const {
  device_->arrays().CopyTo(device_->Metres(map_, calibration), to);
}

}  // namespace mdvt::depth
