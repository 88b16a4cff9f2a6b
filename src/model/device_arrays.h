// SPDX-License-Identifier: Apache-2.0
//
// Planes of float32 on the device of a network, and the arithmetic of mdvt_backend.h on them. What
// the operations give is in [planes, height, width] unless they are told a shape.
//
// Functions may be called from several threads. They throw Error(kOutOfMemory), and
// Error(kInternal) for a backend that does not do what its table promises.
#pragma once

#include <array>
#include <limits>
#include <memory>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/model/model.h"

struct mdvt_backend_buffer;
struct mdvt_backend_planes;

namespace mdvt {

class DeviceArrays {
 public:
  // `model` processes on its device (Model::processes_on_device()).
  explicit DeviceArrays(std::shared_ptr<const Model> model);

  // The planes R, G, B of a picture, with the numbers that they are stored as.
  ModelTensor Load(const ImageView& picture) const;
  // One plane of height x width values.
  ModelTensor Load(const std::vector<float>& values, int height, int width) const;

  // rows * plane * columns' for each plane.
  ModelTensor Resample(const ModelTensor& planes, const ModelTensor& rows,
                       const ModelTensor& columns) const;
  // gain * planes + bias + extra * other, at least `least`: one line for each plane or for all of
  // them, and likewise `other`, which may be null.
  struct Line {
    double gain = 1, bias = 0, extra = 0;
  };
  ModelTensor Linear(const ModelTensor& planes, const std::vector<Line>& lines,
                     const ModelTensor* other = nullptr,
                     double least = -std::numeric_limits<double>::infinity()) const;
  ModelTensor Multiply(const ModelTensor& planes, const ModelTensor& plane) const;
  // With v = scale * value + shift: 0 where it is NaN, numerator / v where it is positive, else
  // `otherwise`.
  struct Inverse {
    double scale = 1, shift = 0, numerator = 1;
    double otherwise = std::numeric_limits<double>::infinity();
  };
  ModelTensor Invert(const ModelTensor& planes, const Inverse& inverse) const;
  // Plane `index` of the tensor of any rank.
  ModelTensor Take(const ModelTensor& planes, int64_t index) const;
  // All planes, one after the other, as a network's input of that shape.
  ModelTensor Join(const std::vector<const ModelTensor*>& planes, const Shape& shape) const;

  // The least and the largest value.
  std::array<double, 2> Extremes(const ModelTensor& planes) const;
  // Every step-th value.
  std::vector<double> Samples(const ModelTensor& planes, int64_t step) const;
  // Sums of w, w x, w y, w x x, w x y with x = a - a0, y = b - b0 and Huber's weight w of the
  // residual of scale * a + shift against b: 1 up to `limit`, limit / residual beyond.
  struct LineAt {
    double a0 = 0, b0 = 0, scale = 1, shift = 0;
    double limit = std::numeric_limits<double>::infinity();
  };
  std::array<double, 5> LineSums(const ModelTensor& a, const ModelTensor& b,
                                 const LineAt& at) const;

  // Throws Error(kCorrupt) if a network has returned what it must not, as Model::Run().
  void CheckOutput(const ModelTensor& output) const;
  // All values, whatever they are. The tensor has one plane of the size of `to`.
  void CopyTo(const ModelTensor& plane, PlaneView<float> to) const;

 private:
  static std::vector<const mdvt_backend_buffer*> BuffersOf(
      const std::vector<const ModelTensor*>& tensors);
  ModelTensor Own(mdvt_backend_buffer* buffer, Shape shape) const;
  ModelTensor Load(const mdvt_backend_planes& planes) const;
  ModelTensor Calculate(int operation, const std::vector<const ModelTensor*>& inputs,
                        const std::vector<double>& numbers, Shape shape) const;
  std::vector<double> Reduce(int reduction, const std::vector<const ModelTensor*>& inputs,
                             const std::vector<double>& numbers, size_t results) const;

  std::shared_ptr<const Model> model_;
};

}  // namespace mdvt
