// SPDX-License-Identifier: Apache-2.0
#include "torch_arrays.h"

#include <ATen/Context.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace mdvt::torch_backend {
namespace {

[[noreturn]] void Refuse(const std::string& text) {
  throw Failure(MDVT_BACKEND_INVALID_ARGUMENT, text);
}

void CheckCount(const char* what, size_t count, size_t least, size_t most) {
  if (count < least || count > most)
    Refuse("an operation with " + std::to_string(count) + " " + what + ", must have " +
           std::to_string(least) + (most > least ? " or more" : ""));
}

// [planes, height, width], in float32 unless the operation converts by itself.
at::Tensor Planes(const at::Tensor& tensor) {
  if (tensor.dim() < 2 || tensor.numel() == 0) Refuse("a buffer that is no plane");
  return tensor.reshape({-1, tensor.size(-2), tensor.size(-1)});
}
at::Tensor FloatPlanes(const at::Tensor& tensor) { return Planes(tensor).to(at::kFloat); }

int64_t Whole(double number) {
  if (!(number >= 0 && number <= 1e15)) Refuse("an operation with a number that counts nothing");
  return static_cast<int64_t>(number);
}

at::Tensor Resample(const std::vector<at::Tensor>& inputs) {
  CheckCount("inputs", inputs.size(), 3, 3);
  const at::Tensor planes = FloatPlanes(inputs[0]);
  const at::Tensor rows = FloatPlanes(inputs[1])[0], columns = FloatPlanes(inputs[2])[0];
  if (rows.size(1) != planes.size(1) || columns.size(1) != planes.size(2))
    Refuse("a resize of planes of another size");
  const at::NoTF32Guard exact;
  // The pass that leaves fewer samples first.
  const bool down_first = rows.size(0) * planes.size(2) <= planes.size(1) * columns.size(0);
  return down_first ? at::matmul(at::matmul(rows, planes), columns.t())
                    : at::matmul(rows, at::matmul(planes, columns.t()));
}

at::Tensor Linear(const std::vector<at::Tensor>& inputs, Numbers numbers) {
  CheckCount("inputs", inputs.size(), 1, 2);
  CheckCount("numbers", numbers.size(), 4, std::numeric_limits<size_t>::max());
  at::Tensor result = FloatPlanes(inputs[0]);
  const int64_t planes = result.size(0), given = static_cast<int64_t>(numbers.size() - 1) / 3;
  if (static_cast<size_t>(3 * given + 1) != numbers.size() || (given != 1 && given != planes))
    Refuse("numbers of " + std::to_string(given) + " planes for " + std::to_string(planes));
  const auto each = [&](int64_t which) {
    std::vector<float> values;
    for (int64_t i = 0; i < given; ++i)
      values.push_back(static_cast<float>(numbers[static_cast<size_t>(1 + 3 * i + which)]));
    return at::tensor(values).to(result.device()).reshape({given, 1, 1});
  };
  result = result * each(0) + each(1);
  if (inputs.size() == 2) {
    const at::Tensor other = FloatPlanes(inputs[1]);
    if (other.sizes().slice(1) != result.sizes().slice(1) ||
        (other.size(0) != 1 && other.size(0) != planes))
      Refuse("planes that are added to others of another size");
    result += each(2) * other;
  }
  if (std::isfinite(numbers[0])) result = result.clamp_min(numbers[0]);
  return result;
}

at::Tensor Multiply(const std::vector<at::Tensor>& inputs) {
  CheckCount("inputs", inputs.size(), 2, 2);
  const at::Tensor planes = FloatPlanes(inputs[0]), factor = FloatPlanes(inputs[1]);
  if (factor.size(0) != 1 || factor.sizes().slice(1) != planes.sizes().slice(1))
    Refuse("planes that are multiplied by others of another size");
  return planes * factor;
}

at::Tensor Invert(const std::vector<at::Tensor>& inputs, Numbers numbers) {
  CheckCount("inputs", inputs.size(), 1, 1);
  CheckCount("numbers", numbers.size(), 4, 4);
  const auto number = [&](size_t i) { return static_cast<float>(numbers[i]); };
  const at::Tensor v = FloatPlanes(inputs[0]) * number(0) + number(1);
  const auto all = [&](float value) { return at::full_like(v, value); };
  const at::Tensor positive = at::where(v > 0, number(2) / v, all(number(3)));
  return at::where(v.isnan(), all(0), positive);
}

at::Tensor Take(const std::vector<at::Tensor>& inputs, Numbers numbers) {
  CheckCount("inputs", inputs.size(), 1, 1);
  CheckCount("numbers", numbers.size(), 2, 2);
  const at::Tensor planes = Planes(inputs[0]);
  const int64_t first = Whole(numbers[0]), count = Whole(numbers[1]);
  if (count < 1 || first + count > planes.size(0)) Refuse("planes that a buffer does not have");
  // A copy: what is taken must not keep the rest alive.
  return planes.slice(0, first, first + count).to(at::kFloat, false, /*copy=*/true);
}

at::Tensor Join(const std::vector<at::Tensor>& inputs) {
  CheckCount("inputs", inputs.size(), 1, std::numeric_limits<size_t>::max());
  std::vector<at::Tensor> all;
  for (const at::Tensor& input : inputs) {
    all.push_back(FloatPlanes(input));
    if (all.back().sizes().slice(1) != all[0].sizes().slice(1))
      Refuse("planes of several sizes that are to be joined");
  }
  return at::cat(all, 0);
}

std::vector<double> ToHost(const at::Tensor& values) {
  const at::Tensor host = values.reshape(-1).to(at::kDouble).cpu().contiguous();
  const double* data = static_cast<const double*>(host.data_ptr());
  return {data, data + host.numel()};
}

std::vector<double> LineSums(const std::vector<at::Tensor>& inputs, Numbers numbers) {
  CheckCount("inputs", inputs.size(), 2, 2);
  CheckCount("numbers", numbers.size(), 5, 5);
  if (inputs[0].numel() != inputs[1].numel()) Refuse("maps of two sizes that are compared");
  const at::Tensor a = inputs[0].reshape(-1).to(at::kDouble);
  const at::Tensor b = inputs[1].reshape(-1).to(at::kDouble);
  const at::Tensor x = a - numbers[0], y = b - numbers[1];
  const double limit = numbers[4];
  const at::Tensor error = (numbers[2] * a + numbers[3] - b).abs();
  const at::Tensor w = at::where(error <= limit, at::ones_like(error), limit / error);
  const at::Tensor wx = w * x;
  return ToHost(at::stack({w.sum(), wx.sum(), (w * y).sum(), (wx * x).sum(), (wx * y).sum()}));
}

void CheckDevice(const TorchModel& model, const std::vector<at::Tensor>& inputs) {
  for (const at::Tensor& input : inputs)
    if (input.device() != model.device())
      Refuse("a buffer on " + input.device().str() + ", the model is on " + model.device().str());
}

}  // namespace

at::Tensor Load(const TorchModel& model, const mdvt_backend_planes& planes) {
  at::ScalarType type = at::kByte;
  int64_t size = 1;
  switch (planes.type) {
    case MDVT_BACKEND_U8:
      break;
    case MDVT_BACKEND_U16:
      type = at::kShort, size = 2;  // no version before 2.3 has unsigned ones
      break;
    case MDVT_BACKEND_F32:
      type = at::kFloat, size = 4;
      break;
    default:
      Refuse("planes of an unknown type");
  }
  if (planes.count < 1 || planes.height < 1 || planes.width < 1 ||
      planes.stride < size * planes.width || planes.stride % size != 0)
    Refuse("planes of an impossible size");
  const c10::InferenceMode guard;
  UseThreads(model.num_threads());
  std::vector<at::Tensor> all;
  for (int32_t i = 0; i < planes.count; ++i) {
    const at::Tensor plane =
        at::from_blob(const_cast<void*>(planes.data[i]), {planes.height, planes.width},
                      {planes.stride / size, 1}, at::TensorOptions(type));
    all.push_back(plane.to(model.device()));
  }
  at::Tensor whole = at::stack(all);  // copies, also where nothing was moved
  // Signed ones, until they are numbers: 40000 has been read as -25536.
  if (planes.type == MDVT_BACKEND_U16) whole = whole.to(at::kInt).bitwise_and(0xffff);
  return whole;
}

at::Tensor Calculate(const TorchModel& model, mdvt_backend_operation operation,
                     const std::vector<at::Tensor>& inputs, Numbers numbers) {
  CheckDevice(model, inputs);
  const c10::InferenceMode guard;
  UseThreads(model.num_threads());
  switch (operation) {
    case MDVT_BACKEND_RESAMPLE:
      return Resample(inputs);
    case MDVT_BACKEND_LINEAR:
      return Linear(inputs, numbers);
    case MDVT_BACKEND_MULTIPLY:
      return Multiply(inputs);
    case MDVT_BACKEND_INVERT:
      return Invert(inputs, numbers);
    case MDVT_BACKEND_TAKE:
      return Take(inputs, numbers);
    case MDVT_BACKEND_JOIN:
      return Join(inputs);
    default:
      throw Failure(MDVT_BACKEND_UNSUPPORTED, "operation " + std::to_string(operation));
  }
}

std::vector<double> Reduce(const TorchModel& model, mdvt_backend_reduction reduction,
                           const std::vector<at::Tensor>& inputs, Numbers numbers) {
  CheckDevice(model, inputs);
  const c10::InferenceMode guard;
  UseThreads(model.num_threads());
  switch (reduction) {
    case MDVT_BACKEND_EXTREMES: {
      CheckCount("inputs", inputs.size(), 1, 1);
      const at::Tensor values = inputs[0].reshape(-1);
      return ToHost(at::stack({values.min(), values.max()}));  // a NaN is both of them
    }
    case MDVT_BACKEND_SAMPLES: {
      CheckCount("inputs", inputs.size(), 1, 1);
      CheckCount("numbers", numbers.size(), 1, 1);
      const at::Tensor values = inputs[0].reshape(-1);
      return ToHost(values.slice(0, 0, values.numel(), std::max<int64_t>(1, Whole(numbers[0]))));
    }
    case MDVT_BACKEND_LINE_SUMS:
      return LineSums(inputs, numbers);
    default:
      throw Failure(MDVT_BACKEND_UNSUPPORTED, "reduction " + std::to_string(reduction));
  }
}

}  // namespace mdvt::torch_backend
