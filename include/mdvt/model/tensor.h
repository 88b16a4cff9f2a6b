// SPDX-License-Identifier: Apache-2.0
//
// What goes into a network and comes out of it: float32 values in row-major order without gaps, on
// the host. Pictures are NCHW, clips [1, T, C, H, W].
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mdvt {

// Outermost dimension first. A shape without dimensions is that of a single number.
using Shape = std::vector<int64_t>;

// Ranks above this are refused everywhere.
constexpr int kMaxTensorRank = 8;

// Product of the dimensions, formed in 64 bits. Throws Error(kInvalidArgument) if there are more
// than kMaxTensorRank, if one is not positive, or if the product exceeds 2^40.
int64_t NumElements(const Shape& shape);
// "[1, 3, 518, 924]".
std::string ToString(const Shape& shape);

// Values of somebody else.
struct TensorView {
  const float* data = nullptr;
  Shape shape;
};

// Values of its own, their first at a multiple of 64 bytes. Copying copies them.
class Tensor {
 public:
  Tensor() = default;  // no values at all
  // Zeros. Throws as NumElements, and Error(kOutOfMemory).
  explicit Tensor(Shape shape);
  Tensor(Shape shape, const float* values);
  Tensor(const Tensor& other);
  Tensor& operator=(const Tensor& other);
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor&& other) noexcept;

  const Shape& shape() const { return shape_; }
  int64_t size() const { return size_; }  // number of values
  bool empty() const { return size_ == 0; }
  float* data() { return values_.get(); }
  const float* data() const { return values_.get(); }
  float& operator[](int64_t i) { return values_.get()[i]; }
  float operator[](int64_t i) const { return values_.get()[i]; }

  TensorView view() const { return {data(), shape_}; }
  operator TensorView() const { return view(); }

  // Another shape. Memory is kept where it suffices; the values are not defined afterwards. Throws
  // as the constructor, and leaves the tensor as it was.
  void Resize(Shape shape);

 private:
  struct Free {
    void operator()(float* values) const;
  };

  Shape shape_;
  int64_t size_ = 0;
  int64_t capacity_ = 0;
  std::unique_ptr<float[], Free> values_;
};

}  // namespace mdvt
