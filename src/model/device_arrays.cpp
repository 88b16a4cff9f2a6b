// SPDX-License-Identifier: Apache-2.0
#include "model/device_arrays.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt_backend.h"
#include "model/backend_calls.h"
#include "model/model_impl.h"

namespace mdvt {
namespace {

// [planes, height, width] of a tensor of any rank.
Shape PlanesOf(const Shape& shape) {
  const int64_t height = shape[shape.size() - 2], width = shape[shape.size() - 1];
  return {NumElements(shape) / (height * width), height, width};
}

}  // namespace

std::vector<const mdvt_backend_buffer*> DeviceArrays::BuffersOf(
    const std::vector<const ModelTensor*>& tensors) {
  std::vector<const mdvt_backend_buffer*> buffers;
  for (const ModelTensor* tensor : tensors) buffers.push_back(tensor->impl_->tensor.buffer);
  return buffers;
}

DeviceArrays::DeviceArrays(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

ModelTensor DeviceArrays::Own(mdvt_backend_buffer* buffer, Shape shape) const {
  const Model::Impl& model = *model_->impl_;
  auto owner = std::make_shared<ModelTensor::Impl>();
  owner->table = model.table;
  owner->tensor.buffer = buffer;
  owner->shape = std::move(shape);
  owner->device = model.options.device;
  owner->where = "'" + model.path + "': a map on the device";
  owner->prepared = true;
  ModelTensor tensor;
  tensor.impl_ = std::move(owner);
  return tensor;
}

ModelTensor DeviceArrays::Load(const mdvt_backend_planes& planes) const {
  const Model::Impl& model = *model_->impl_;
  mdvt_backend_buffer* buffer = nullptr;
  CheckBackend(model.table, model.table->load(model.model, &planes, &buffer),
               "'" + model.path + "'");
  return Own(buffer, {planes.count, planes.height, planes.width});
}

ModelTensor DeviceArrays::Load(const ImageView& picture) const {
  const void* data[3] = {};
  mdvt_backend_planes planes = {};
  planes.data = data;
  planes.count = 3;
  const auto set = [&](auto sample, mdvt_backend_type type) {
    for (size_t i = 0; i < 3; ++i) {
      const auto plane = picture.Plane<decltype(sample)>(static_cast<int>(i));
      data[i] = plane.data;
      planes.stride = plane.stride;
      planes.height = plane.height;
      planes.width = plane.width;
    }
    planes.type = type;
  };
  switch (picture.format.type) {
    case SampleType::kU8:
      set(uint8_t{}, MDVT_BACKEND_U8);
      break;
    case SampleType::kU16:
      set(uint16_t{}, MDVT_BACKEND_U16);
      break;
    case SampleType::kF32:
      set(float{}, MDVT_BACKEND_F32);
      break;
  }
  return Load(planes);
}

ModelTensor DeviceArrays::Load(const std::vector<float>& values, int height, int width) const {
  const void* data = values.data();
  mdvt_backend_planes planes = {};
  planes.data = &data;
  planes.stride = int64_t{width} * static_cast<int64_t>(sizeof(float));
  planes.type = MDVT_BACKEND_F32;
  planes.count = 1;
  planes.height = height;
  planes.width = width;
  return Load(planes);
}

ModelTensor DeviceArrays::Calculate(int operation, const std::vector<const ModelTensor*>& inputs,
                                    const std::vector<double>& numbers, Shape shape) const {
  const Model::Impl& model = *model_->impl_;
  const std::vector<const mdvt_backend_buffer*> buffers = BuffersOf(inputs);
  mdvt_backend_buffer* buffer = nullptr;
  CheckBackend(model.table,
               model.table->calculate(model.model, operation, buffers.data(), buffers.size(),
                                      numbers.data(), numbers.size(), &buffer),
               "'" + model.path + "'");
  return Own(buffer, std::move(shape));
}

std::vector<double> DeviceArrays::Reduce(int reduction,
                                         const std::vector<const ModelTensor*>& inputs,
                                         const std::vector<double>& numbers, size_t results) const {
  const Model::Impl& model = *model_->impl_;
  const std::vector<const mdvt_backend_buffer*> buffers = BuffersOf(inputs);
  std::vector<double> values(results);
  size_t count = 0;
  CheckBackend(
      model.table,
      model.table->reduce(model.model, reduction, buffers.data(), buffers.size(), numbers.data(),
                          numbers.size(), values.data(), values.size(), &count),
      "'" + model.path + "'");
  Require(count == results, Code::kInternal,
          "the backend '" + model_->backend() + "' gives " + std::to_string(count) +
              " results of reduction " + std::to_string(reduction) + ", must be " +
              std::to_string(results));
  return values;
}

ModelTensor DeviceArrays::Resample(const ModelTensor& planes, const ModelTensor& rows,
                                   const ModelTensor& columns) const {
  return Calculate(MDVT_BACKEND_RESAMPLE, {&planes, &rows, &columns}, {},
                   {PlanesOf(planes.shape())[0], rows.shape()[1], columns.shape()[1]});
}

ModelTensor DeviceArrays::Linear(const ModelTensor& planes, const std::vector<Line>& lines,
                                 const ModelTensor* other, double least) const {
  std::vector<double> numbers = {least};
  for (const Line& line : lines) numbers.insert(numbers.end(), {line.gain, line.bias, line.extra});
  std::vector<const ModelTensor*> inputs = {&planes};
  if (other != nullptr) inputs.push_back(other);
  return Calculate(MDVT_BACKEND_LINEAR, inputs, numbers, PlanesOf(planes.shape()));
}

ModelTensor DeviceArrays::Multiply(const ModelTensor& planes, const ModelTensor& plane) const {
  return Calculate(MDVT_BACKEND_MULTIPLY, {&planes, &plane}, {}, PlanesOf(planes.shape()));
}

ModelTensor DeviceArrays::Invert(const ModelTensor& planes, const Inverse& inverse) const {
  return Calculate(MDVT_BACKEND_INVERT, {&planes},
                   {inverse.scale, inverse.shift, inverse.numerator, inverse.otherwise},
                   PlanesOf(planes.shape()));
}

ModelTensor DeviceArrays::Take(const ModelTensor& planes, int64_t index) const {
  Shape shape = PlanesOf(planes.shape());
  shape[0] = 1;
  return Calculate(MDVT_BACKEND_TAKE, {&planes}, {static_cast<double>(index), 1}, shape);
}

ModelTensor DeviceArrays::Join(const std::vector<const ModelTensor*>& planes,
                               const Shape& shape) const {
  return Calculate(MDVT_BACKEND_JOIN, planes, {}, shape);
}

std::array<double, 2> DeviceArrays::Extremes(const ModelTensor& planes) const {
  const std::vector<double> values = Reduce(MDVT_BACKEND_EXTREMES, {&planes}, {}, 2);
  return {values[0], values[1]};
}

std::vector<double> DeviceArrays::Samples(const ModelTensor& planes, int64_t step) const {
  return Reduce(MDVT_BACKEND_SAMPLES, {&planes}, {static_cast<double>(step)},
                static_cast<size_t>((NumElements(planes.shape()) + step - 1) / step));
}

std::array<double, 5> DeviceArrays::LineSums(const ModelTensor& a, const ModelTensor& b,
                                             const LineAt& at) const {
  const std::vector<double> values =
      Reduce(MDVT_BACKEND_LINE_SUMS, {&a, &b}, {at.a0, at.b0, at.scale, at.shift, at.limit}, 5);
  std::array<double, 5> sums = {};
  std::copy(values.begin(), values.end(), sums.begin());
  return sums;
}

void DeviceArrays::CheckOutput(const ModelTensor& output) const {
  const auto [least, largest] = Extremes(output);
  const double most = static_cast<double>(std::numeric_limits<float>::max());
  if (least >= (output.impl_->non_negative ? 0 : -most) && largest <= most) return;
  Tensor values;
  output.CopyTo(&values);  // tells which
  throw Error(Code::kInternal, output.impl_->where + ": the device finds values that are none");
}

void DeviceArrays::CopyTo(const ModelTensor& plane, PlaneView<float> to) const {
  const ModelTensor::Impl& from = *plane.impl_;
  const auto width = static_cast<size_t>(to.width), height = static_cast<size_t>(to.height);
  const bool gapless = to.stride == static_cast<ptrdiff_t>(width * sizeof(float));
  std::vector<float> copy(gapless ? 0 : width * height);
  float* const values = gapless ? to.data : copy.data();
  CheckBackend(from.table, from.table->copy_to_host(from.tensor.buffer, values, width * height),
               from.where);
  if (gapless) return;
  for (int y = 0; y < to.height; ++y)
    std::memcpy(to.Row(y), values + static_cast<size_t>(y) * width, width * sizeof(float));
}

}  // namespace mdvt
