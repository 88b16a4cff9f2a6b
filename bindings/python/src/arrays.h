// SPDX-License-Identifier: Apache-2.0
//
// Between numpy arrays and images, without a copy wherever the strides of the array can be those of
// a plane: samples of a row side by side, rows in ascending order.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/rational.h"

namespace py = pybind11;

namespace mdvt::python {

// An image as Python holds it. Pixels that a decoder owns must not be written to.
struct PyImage {
  Image image;
  bool writable = true;
};

// A video frame with what is needed to convert it.
struct PyFrame {
  PyImage pixels;
  ColorInfo color;
  Rational time_base{1, 1000};
  int64_t index = 0;
  int64_t pts = 0;
  int64_t duration = 0;
};

// Keeps a Python object alive for as long as a buffer is shared; may be dropped on any thread.
std::shared_ptr<void> Hold(py::object object);

// The planes as arrays that share the image's memory.
py::array PlaneArray(const PyImage& image, int plane);
py::list PlaneArrays(const PyImage& image);
// Gray: H x W. RGB: H x W x 3, a view where the planes lie evenly in memory, else a copy.
// Throws Error(kInvalidArgument) for YUV.
py::array PixelArray(const PyImage& image);

// Any picture that Python may give: an Image, a Frame, an H x W or H x W x 3 array, a list of
// planes. `format` tells what the samples mean where an array cannot (bits, RGB or YUV); the result
// has it if it is given. Shares memory where it can. Throws Error(kInvalidArgument) that begins
// with `name`.
PyImage ToImage(const py::handle& picture, const std::optional<PixelFormat>& format,
                const char* name);

// Depth from an H x W array: float32 is shared where it can be, other numbers are converted.
class DepthInput {
 public:
  DepthInput(const py::handle& depth, const char* name);
  const DepthView& view() const { return view_; }

 private:
  py::array_t<float> array_;
  DepthView view_;
};

// A fraction of two integers: fractions.Fraction in Python.
py::object ToFraction(const Rational& value);
Rational FromFraction(const py::handle& value, const char* name);

// The Python class of a frame's own time, and of formats: added to the module.
void AddImages(py::module_& module);

}  // namespace mdvt::python
