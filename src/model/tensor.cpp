// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/tensor.h"

#include <algorithm>
#include <new>
#include <utility>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int64_t kMaxElements = int64_t{1} << 40;
constexpr size_t kAlignment = 64;

}  // namespace

std::string ToString(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  }
  return text + "]";
}

int64_t NumElements(const Shape& shape) {
  Require(shape.size() <= kMaxTensorRank, Code::kInvalidArgument,
          "tensor of " + std::to_string(shape.size()) + " dimensions, must have at most " +
              std::to_string(kMaxTensorRank));
  int64_t count = 1;
  for (const int64_t side : shape) {
    Require(side > 0 && side <= kMaxElements / count, Code::kInvalidArgument,
            "tensor of shape " + ToString(shape) +
                ", dimensions must be positive and their product at most 2^40");
    count *= side;
  }
  return count;
}

void Tensor::Free::operator()(float* values) const {
  ::operator delete (values, std::align_val_t{kAlignment});
}

Tensor::Tensor(Shape shape) {
  Resize(std::move(shape));
  std::fill_n(data(), size_, 0.0f);
}

Tensor::Tensor(Shape shape, const float* values) {
  Resize(std::move(shape));
  std::copy_n(values, size_, data());
}

Tensor::Tensor(const Tensor& other) { *this = other; }

Tensor& Tensor::operator=(const Tensor& other) {
  if (this == &other) return *this;
  if (other.empty()) return *this = Tensor();
  Resize(other.shape_);
  std::copy_n(other.data(), size_, data());
  return *this;
}

Tensor::Tensor(Tensor&& other) noexcept { *this = std::move(other); }

Tensor& Tensor::operator=(Tensor&& other) noexcept {
  if (this == &other) return *this;
  shape_ = std::move(other.shape_);
  other.shape_.clear();
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  values_ = std::move(other.values_);
  return *this;
}

void Tensor::Resize(Shape shape) {
  const int64_t count = NumElements(shape);
  if (count > capacity_) {
    const size_t bytes = static_cast<size_t>(count) * sizeof(float);
    std::unique_ptr<float[], Free> values(
        static_cast<float*>(::operator new (bytes, std::align_val_t{kAlignment}, std::nothrow)));
    Require(values != nullptr, Code::kOutOfMemory,
            "no memory for a tensor of shape " + ToString(shape));
    values_ = std::move(values);
    capacity_ = count;
  }
  shape_ = std::move(shape);
  size_ = count;
}

}  // namespace mdvt
