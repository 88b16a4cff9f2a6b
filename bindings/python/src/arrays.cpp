// SPDX-License-Identifier: Apache-2.0
#include "arrays.h"

#include <pybind11/stl.h>

#include <cstddef>
#include <cstdint>

#include "mdvt/core/error.h"
#include "mdvt/io/color_convert.h"
#include "no_gil.h"

namespace mdvt::python {
namespace {

[[noreturn]] void Invalid(const std::string& text) { throw Error(Code::kInvalidArgument, text); }

py::dtype TypeOf(SampleType type) {
  switch (type) {
    case SampleType::kU8:
      return py::dtype::of<uint8_t>();
    case SampleType::kU16:
      return py::dtype::of<uint16_t>();
    case SampleType::kF32:
      return py::dtype::of<float>();
  }
  return py::dtype::of<uint8_t>();
}

// A share of the buffer: lives as long as the arrays that look at it.
py::capsule Share(const Image& image) {
  return py::capsule(new Image(image), [](void* shared) { delete static_cast<Image*>(shared); });
}

py::array MakeArray(const PyImage& image, const std::byte* data, std::vector<py::ssize_t> shape,
                    std::vector<py::ssize_t> strides) {
  py::array array(TypeOf(image.image.format().type), std::move(shape), std::move(strides), data,
                  Share(image.image));
  if (!image.writable) array.attr("flags").attr("writeable") = false;
  return array;
}

std::string Shape(const py::array& array) {
  std::string text;
  for (py::ssize_t i = 0; i < array.ndim(); ++i)
    text += (i > 0 ? " x " : "") + std::to_string(array.shape(i));
  return text + " of " + py::str(array.dtype()).cast<std::string>();
}

std::optional<SampleType> SampleTypeOf(const py::array& array) {
  if (!array.dtype().attr("isnative").cast<bool>()) return std::nullopt;
  const char kind = array.dtype().kind();
  const py::ssize_t size = array.itemsize();
  if (kind == 'u' && size == 1) return SampleType::kU8;
  if (kind == 'u' && size == 2) return SampleType::kU16;
  if (kind == 'f' && size == 4) return SampleType::kF32;
  return std::nullopt;
}

// Bytes from one row to the next. Along an axis of length 1 numpy's strides mean nothing.
py::ssize_t RowStride(const py::array& array) {
  return array.shape(0) == 1 ? array.shape(1) * array.itemsize() : array.strides(0);
}

// True if rows of this array can be rows of a plane.
bool IsPlane(const py::array& array) {
  const auto address = reinterpret_cast<uintptr_t>(array.data());
  const py::ssize_t stride = RowStride(array);
  return (array.shape(1) == 1 || array.strides(1) == array.itemsize()) &&
         stride >= array.shape(1) * array.itemsize() && stride % array.itemsize() == 0 &&
         address % static_cast<uintptr_t>(array.itemsize()) == 0;
}

// The array itself, or a copy whose rows are those of a plane.
py::array AsPlane(const py::array& array) {
  if (IsPlane(array)) return array;
  return py::module_::import("numpy").attr("ascontiguousarray")(array).cast<py::array>();
}

struct Planes {
  MutableImageView view;
  py::list owners;
  bool writable = true;

  void Set(size_t plane, const py::array& array, py::ssize_t offset = 0) {
    view.data[plane] = const_cast<std::byte*>(static_cast<const std::byte*>(array.data())) + offset;
    view.stride[plane] = RowStride(array);
    writable = writable && array.writeable();
    owners.append(array);
  }
  PyImage Finish() { return {Image(view, Hold(std::move(owners))), writable}; }
};

void CheckSize(py::ssize_t width, py::ssize_t height, const char* name) {
  constexpr py::ssize_t kMaxSide = 1 << 20;
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
    Invalid(std::string(name) + " is " + std::to_string(height) + " x " + std::to_string(width) +
            ", sides must be in [1, 1048576]");
  }
}

// Bits of integer samples: what `format` says where it is of the same type.
int BitsOf(SampleType type, const std::optional<PixelFormat>& format) {
  if (type == SampleType::kU8) return 8;
  return format && format->type == type ? format->bits : 16;
}

template <typename T>
void Deinterleave(const py::array& from, Image& to) {
  const auto* base = static_cast<const std::byte*>(from.data());
  const py::ssize_t row = from.strides(0), column = from.strides(1), channel = from.strides(2);
  const int width = to.width(), height = to.height();
  const auto to_view = to.mutable_view();
  const NoGil nogil;
  for (int plane = 0; plane < 3; ++plane) {
    const PlaneView<T> out = to_view.Plane<T>(plane);
    for (int y = 0; y < height; ++y) {
      const std::byte* in = base + y * row + plane * channel;
      T* out_row = out.Row(y);
      for (int x = 0; x < width; ++x) out_row[x] = *reinterpret_cast<const T*>(in + x * column);
    }
  }
}

// H x W.
PyImage FromGray(const py::array& array, SampleType type, const std::optional<PixelFormat>& format,
                 const char* name) {
  CheckSize(array.shape(1), array.shape(0), name);
  Planes planes;
  planes.view.format =
      type == SampleType::kF32 ? PixelFormat::GrayF32() : PixelFormat::Gray(BitsOf(type, format));
  planes.view.width = static_cast<int>(array.shape(1));
  planes.view.height = static_cast<int>(array.shape(0));
  planes.Set(0, AsPlane(array));
  return planes.Finish();
}

// H x W x 3: planes are shared if the channel is the slowest index of memory.
PyImage FromRgb(const py::array& array, SampleType type, const std::optional<PixelFormat>& format,
                const char* name) {
  CheckSize(array.shape(1), array.shape(0), name);
  const PixelFormat rgb =
      type == SampleType::kF32 ? PixelFormat::RgbF32() : PixelFormat::Rgb(BitsOf(type, format));
  const int width = static_cast<int>(array.shape(1)), height = static_cast<int>(array.shape(0));
  const py::ssize_t channel = array.strides(2);
  const bool aligned =
      reinterpret_cast<uintptr_t>(array.data()) % static_cast<uintptr_t>(array.itemsize()) == 0 &&
      channel % array.itemsize() == 0;
  if (aligned && IsPlane(array) &&
      std::abs(channel) >= RowStride(array) * (height - 1) + width * array.itemsize()) {
    Planes planes;
    planes.view.format = rgb;
    planes.view.width = width;
    planes.view.height = height;
    for (size_t i = 0; i < 3; ++i) planes.Set(i, array, static_cast<py::ssize_t>(i) * channel);
    return planes.Finish();
  }
  const py::array plain =
      aligned && array.strides(0) % array.itemsize() == 0 &&
              array.strides(1) % array.itemsize() == 0
          ? array
          : py::module_::import("numpy").attr("ascontiguousarray")(array).cast<py::array>();
  Image copy(rgb, width, height);
  switch (type) {
    case SampleType::kU8:
      Deinterleave<uint8_t>(plain, copy);
      break;
    case SampleType::kU16:
      Deinterleave<uint16_t>(plain, copy);
      break;
    case SampleType::kF32:
      Deinterleave<float>(plain, copy);
      break;
  }
  return {std::move(copy), true};
}

// How many times smaller a chroma plane is, as a shift: 0, 1 or 2.
std::optional<uint8_t> ShiftOf(py::ssize_t full, py::ssize_t part) {
  for (uint8_t shift = 0; shift <= 2; ++shift) {
    if ((full + (1 << shift) - 1) >> shift == part) return shift;
  }
  return std::nullopt;
}

PyImage FromPlanes(const std::vector<py::array>& arrays, const std::optional<PixelFormat>& format,
                   const char* name) {
  const std::string prefix(name);
  if (arrays.size() != 1 && arrays.size() != 3) {
    Invalid(prefix + " has " + std::to_string(arrays.size()) +
            " planes, must be one (gray) or three (YUV or RGB)");
  }
  std::optional<SampleType> type;
  for (const py::array& array : arrays) {
    const auto this_type = SampleTypeOf(array);
    if (array.ndim() != 2 || !this_type || (type && *type != *this_type)) {
      Invalid(prefix + " has a plane of " + Shape(array) +
              ", planes must be H x W and all of uint8, uint16 or float32");
    }
    type = this_type;
  }
  if (arrays.size() == 1) return FromGray(arrays[0], *type, format, name);
  CheckSize(arrays[0].shape(1), arrays[0].shape(0), name);
  Planes planes;
  planes.view.width = static_cast<int>(arrays[0].shape(1));
  planes.view.height = static_cast<int>(arrays[0].shape(0));
  if (format) {
    planes.view.format = *format;
  } else {
    const auto shift_x = ShiftOf(arrays[0].shape(1), arrays[1].shape(1));
    const auto shift_y = ShiftOf(arrays[0].shape(0), arrays[1].shape(0));
    if (!shift_x || !shift_y) {
      Invalid(prefix + " has planes of " + Shape(arrays[0]) + " and " + Shape(arrays[1]) +
              ", which no chroma subsampling makes");
    }
    if (*shift_x == 0 && *shift_y == 0) {
      Invalid(prefix +
              " has three planes of one size, which may be RGB or YUV 4:4:4: say which "
              "with mdvt.Image.from_planes(planes, format)");
    }
    planes.view.format = {ColorModel::kYuv, *type, static_cast<uint8_t>(BitsOf(*type, format)),
                          *shift_x, *shift_y};
  }
  const PixelFormat& meant = planes.view.format;
  if (meant.num_planes() != 3 || meant.type != *type)
    Invalid(prefix + " has three planes of " + Shape(arrays[0]) + ", not " + meant.ToString());
  for (size_t i = 0; i < 3; ++i) {
    const int plane = static_cast<int>(i);
    const int width = meant.PlaneWidth(plane, planes.view.width);
    const int height = meant.PlaneHeight(plane, planes.view.height);
    if (arrays[i].shape(1) != width || arrays[i].shape(0) != height) {
      Invalid(prefix + ": plane " + std::to_string(i) + " is " + Shape(arrays[i]) + ", must be " +
              std::to_string(height) + " x " + std::to_string(width) + " for " + meant.ToString());
    }
    planes.Set(i, AsPlane(arrays[i]));
  }
  return planes.Finish();
}

template <typename T>
py::array Interleave(const Image& image) {
  const int width = image.width(), height = image.height();
  py::array_t<T> out({height, width, 3});
  T* to = out.mutable_data();
  const PlaneView<const T> planes[] = {image.Plane<T>(0), image.Plane<T>(1), image.Plane<T>(2)};
  const NoGil nogil;
  for (int y = 0; y < height; ++y) {
    const T *r = planes[0].Row(y), *g = planes[1].Row(y), *b = planes[2].Row(y);
    for (int x = 0; x < width; ++x) {
      *to++ = r[x];
      *to++ = g[x];
      *to++ = b[x];
    }
  }
  return std::move(out);
}

py::array ToRgb(const PyImage& from, const ColorInfo& color, std::optional<int> bits) {
  const PixelFormat& format = from.image.format();
  PyImage rgb;
  {
    const NoGil nogil;
    const PixelFormat wanted = PixelFormat::Rgb(bits.value_or(format.bits));
    if (wanted == format) {
      rgb = from;
    } else {
      rgb = {ColorConverter().Convert(from.image, color, wanted), true};
    }
  }
  return PixelArray(rgb);
}

PyImage Convert(const PyImage& from, const PixelFormat& format, const ColorInfo& color) {
  const NoGil nogil;
  if (from.image.format() == format) return from;
  return {ColorConverter().Convert(from.image, color, format), true};
}

}  // namespace

std::shared_ptr<void> Hold(py::object object) {
  return {new py::object(std::move(object)), [](void* held) {
            const py::gil_scoped_acquire gil;
            delete static_cast<py::object*>(held);
          }};
}

py::array PlaneArray(const PyImage& image, int plane) {
  const ImageView view = image.image.view();
  const PixelFormat& format = view.format;
  const auto i = static_cast<size_t>(plane);
  return MakeArray(image, view.data[i],
                   {format.PlaneHeight(plane, view.height), format.PlaneWidth(plane, view.width)},
                   {view.stride[i], format.bytes_per_sample()});
}

py::list PlaneArrays(const PyImage& image) {
  py::list planes;
  for (int plane = 0; plane < image.image.format().num_planes(); ++plane)
    planes.append(PlaneArray(image, plane));
  return planes;
}

py::array PixelArray(const PyImage& image) {
  const ImageView view = image.image.view();
  switch (view.format.model) {
    case ColorModel::kGray:
      return PlaneArray(image, 0);
    case ColorModel::kYuv:
      Invalid("a YUV image is not one array: take its planes, or rgb()");
    case ColorModel::kRgb:
      break;
  }
  const ptrdiff_t step = view.data[1] - view.data[0];
  if (view.data[2] - view.data[1] == step && view.stride[1] == view.stride[0] &&
      view.stride[2] == view.stride[0]) {
    return MakeArray(image, view.data[0], {view.height, view.width, 3},
                     {view.stride[0], view.format.bytes_per_sample(), step});
  }
  switch (view.format.type) {
    case SampleType::kU8:
      return Interleave<uint8_t>(image.image);
    case SampleType::kU16:
      return Interleave<uint16_t>(image.image);
    case SampleType::kF32:
      return Interleave<float>(image.image);
  }
  return {};
}

PyImage ToImage(const py::handle& picture, const std::optional<PixelFormat>& format,
                const char* name) {
  const std::string prefix(name);
  const auto checked = [&](PyImage image) {
    if (format && image.image.format() != *format) {
      Invalid(prefix + " is " + image.image.format().ToString() + ", must be " +
              format->ToString());
    }
    return image;
  };
  if (py::isinstance<PyImage>(picture)) return checked(picture.cast<PyImage>());
  if (py::isinstance<PyFrame>(picture)) return checked(picture.cast<const PyFrame&>().pixels);
  if (py::isinstance<py::array>(picture)) {
    const auto array = py::reinterpret_borrow<py::array>(picture);
    const auto type = SampleTypeOf(array);
    if (type && array.ndim() == 2) return checked(FromGray(array, *type, format, name));
    if (type && array.ndim() == 3 && array.shape(2) == 3)
      return checked(FromRgb(array, *type, format, name));
    Invalid(prefix + " is an array of " + Shape(array) +
            ", must be H x W or H x W x 3 of uint8, uint16 or float32");
  }
  if (py::isinstance<py::sequence>(picture) && !py::isinstance<py::str>(picture)) {
    std::vector<py::array> arrays;
    for (const py::handle plane : py::reinterpret_borrow<py::sequence>(picture)) {
      if (!py::isinstance<py::array>(plane))
        Invalid(prefix + " is a list, but not of planes that are numpy arrays");
      arrays.push_back(py::reinterpret_borrow<py::array>(plane));
    }
    return checked(FromPlanes(arrays, format, name));
  }
  Invalid(prefix + " must be an Image, a Frame, a numpy array or a list of planes, not " +
          py::str(py::type::of(picture).attr("__name__")).cast<std::string>());
}

DepthInput::DepthInput(const py::handle& depth, const char* name) {
  const std::string prefix(name);
  if (py::isinstance<PyImage>(depth)) {
    const auto& image = depth.cast<const PyImage&>();
    if (image.image.format() != PixelFormat::GrayF32())
      Invalid(prefix + " is " + image.image.format().ToString() + ", must be grayf32");
    array_ = PlaneArray(image, 0);
  } else {
    if (!py::isinstance<py::array>(depth))
      Invalid(prefix + " must be a numpy array of H x W metres");
    const auto array = py::reinterpret_borrow<py::array>(depth);
    const char kind = array.dtype().kind();
    if (array.ndim() != 2 || (kind != 'f' && kind != 'u' && kind != 'i'))
      Invalid(prefix + " is an array of " + Shape(array) + ", must be H x W numbers");
    const bool shares = SampleTypeOf(array) == SampleType::kF32;
    // No flag of layout: float32 arrays come through as they are.
    array_ = shares ? py::array_t<float>(array)
                    : py::array_t<float>(
                          py::array_t<float, py::array::c_style | py::array::forcecast>(array));
    if (!IsPlane(array_)) array_ = AsPlane(array_);
  }
  CheckSize(array_.shape(1), array_.shape(0), name);
  view_ = {array_.data(), RowStride(array_), static_cast<int>(array_.shape(1)),
           static_cast<int>(array_.shape(0))};
}

py::object ToFraction(const Rational& value) {
  const Rational reduced = value.Reduced();
  return py::module_::import("fractions")
      .attr("Fraction")(reduced.num, reduced.den == 0 ? 1 : reduced.den);
}

Rational FromFraction(const py::handle& value, const char* name) {
  // fractions.Fraction and int have both; float and str have not.
  if (!py::hasattr(value, "numerator") || !py::hasattr(value, "denominator")) {
    Invalid(std::string(name) + " must be a fractions.Fraction or an int, not " +
            py::str(py::type::of(value).attr("__name__")).cast<std::string>());
  }
  return {value.attr("numerator").cast<int64_t>(), value.attr("denominator").cast<int64_t>()};
}

namespace {

void AddFormats(py::module_& module) {
  py::enum_<ColorModel>(module, "ColorModel", "What the planes of an image are.")
      .value("GRAY", ColorModel::kGray, "luma, a mask, a depth code, or depth in metres")
      .value("YUV", ColorModel::kYuv, "Y, Cb, Cr; chroma may be smaller")
      .value("RGB", ColorModel::kRgb, "R, G, B");
  py::enum_<SampleType>(module, "SampleType", "The type of all samples of an image.")
      .value("U8", SampleType::kU8)
      .value("U16", SampleType::kU16)
      .value("F32", SampleType::kF32);

  py::class_<PixelFormat>(module, "PixelFormat",
                          "What the samples of an image are.\n\n"
                          ">>> import mdvt\n"
                          ">>> str(mdvt.PixelFormat.yuv(420, bits=10))\n"
                          "'yuv420p10'\n"
                          ">>> mdvt.PixelFormat.rgb() == mdvt.PixelFormat.rgb(8)\n"
                          "True\n")
      .def_static("gray", &PixelFormat::Gray, py::arg("bits") = 8)
      .def_static("gray_f32", &PixelFormat::GrayF32)
      .def_static("rgb", &PixelFormat::Rgb, py::arg("bits") = 8)
      .def_static("rgb_f32", &PixelFormat::RgbF32)
      .def_static("yuv", &PixelFormat::Yuv, py::arg("subsampling") = 420, py::arg("bits") = 8,
                  "Subsampling is 420, 422 or 444.")
      .def_readonly("model", &PixelFormat::model)
      .def_readonly("type", &PixelFormat::type)
      .def_readonly("bits", &PixelFormat::bits, "significant low bits of a sample")
      .def_readonly("chroma_shift_x", &PixelFormat::chroma_shift_x)
      .def_readonly("chroma_shift_y", &PixelFormat::chroma_shift_y)
      .def_property_readonly("num_planes", &PixelFormat::num_planes)
      .def("__str__", &PixelFormat::ToString)
      .def("__repr__",
           [](const PixelFormat& self) { return "<mdvt.PixelFormat " + self.ToString() + ">"; })
      .def(
          "__eq__",
          [](const PixelFormat& self, const py::object& other) {
            return py::isinstance<PixelFormat>(other) && self == other.cast<PixelFormat>();
          },
          py::arg("other"))
      .def("__hash__", [](const PixelFormat& self) { return py::hash(py::str(self.ToString())); });

  py::class_<ColorInfo>(
      module, "ColorInfo",
      "How samples stand for light: code points of ITU-T H.273, 2 is unspecified.")
      .def(py::init(
               [](int matrix, int primaries, int transfer, bool full_range, int chroma_location) {
                 return ColorInfo{matrix, primaries, transfer, full_range, chroma_location};
               }),
           py::kw_only(), py::arg("matrix") = 2, py::arg("primaries") = 2, py::arg("transfer") = 2,
           py::arg("full_range") = false, py::arg("chroma_location") = 0)
      .def_readwrite("matrix", &ColorInfo::matrix)
      .def_readwrite("primaries", &ColorInfo::primaries)
      .def_readwrite("transfer", &ColorInfo::transfer)
      .def_readwrite("full_range", &ColorInfo::full_range)
      .def_readwrite("chroma_location", &ColorInfo::chroma_location)
      .def("__repr__", [](const ColorInfo& self) {
        return "<mdvt.ColorInfo matrix=" + std::to_string(self.matrix) +
               " primaries=" + std::to_string(self.primaries) +
               " transfer=" + std::to_string(self.transfer) +
               (self.full_range ? " full range>" : " limited range>");
      });
}

void AddImage(py::module_& module) {
  py::class_<PyImage>(module, "Image",
                      "A planar image. Its arrays share its memory.\n\n"
                      ">>> import mdvt\n"
                      ">>> image = mdvt.Image(mdvt.PixelFormat.yuv(420), 64, 48)\n"
                      ">>> [plane.shape for plane in image.planes]\n"
                      "[(48, 64), (24, 32), (24, 32)]\n"
                      ">>> image.planes[0][:] = 128\n"
                      ">>> int(image.planes[0].mean())\n"
                      "128\n")
      .def(py::init([](const PixelFormat& format, int width, int height) {
             return PyImage{Image(format, width, height), true};
           }),
           py::arg("format"), py::arg("width"), py::arg("height"), "Uninitialised pixels.")
      .def_static(
          "from_planes",
          [](const py::sequence& planes, const std::optional<PixelFormat>& format) {
            return ToImage(planes, format, "planes");
          },
          py::arg("planes"), py::arg("format") = std::nullopt,
          "One or three H x W arrays, shared where rows allow. Without a format one plane is gray "
          "and three of which two are smaller are YUV.")
      .def_static(
          "from_array",
          [](const py::array& array, const std::optional<PixelFormat>& format) {
            return ToImage(array, format, "array");
          },
          py::arg("array"), py::arg("format") = std::nullopt,
          "H x W is gray, H x W x 3 is RGB (shared if its channels are planes, else copied).")
      .def_property_readonly("format", [](const PyImage& self) { return self.image.format(); })
      .def_property_readonly("width", [](const PyImage& self) { return self.image.width(); })
      .def_property_readonly("height", [](const PyImage& self) { return self.image.height(); })
      .def_property_readonly("planes", &PlaneArrays, "Views of the planes, H x W each.")
      .def("array", &PixelArray,
           "Gray: H x W. RGB: H x W x 3, a view wherever the planes lie evenly in memory.")
      .def("rgb", &ToRgb, py::arg("color") = ColorInfo(), py::arg("bits") = std::nullopt,
           "Converted to RGB, H x W x 3, with as many bits as the image has unless told.")
      .def("convert", &Convert, py::arg("format"), py::arg("color") = ColorInfo(),
           "In another integer format, by the matrix and range of `color`.")
      .def(
          "copy",
          [](const PyImage& self) {
            const NoGil nogil;
            return PyImage{self.image.Clone(), true};
          },
          "An image with pixels of its own.")
      .def("__repr__", [](const PyImage& self) {
        return "<mdvt.Image " + self.image.format().ToString() + " " +
               std::to_string(self.image.width()) + "x" + std::to_string(self.image.height()) + ">";
      });
}

void AddFrame(py::module_& module) {
  py::class_<PyFrame>(
      module, "Frame",
      "A frame of a video. Pixels are shared with the decoder: read-only, and valid "
      "for as long as anything refers to them.")
      .def_property_readonly("image", [](const PyFrame& self) { return self.pixels; })
      .def_property_readonly("planes", [](const PyFrame& self) { return PlaneArrays(self.pixels); })
      .def_property_readonly("format",
                             [](const PyFrame& self) { return self.pixels.image.format(); })
      .def_property_readonly("width", [](const PyFrame& self) { return self.pixels.image.width(); })
      .def_property_readonly("height",
                             [](const PyFrame& self) { return self.pixels.image.height(); })
      .def_readonly("color", &PyFrame::color)
      .def_readonly("index", &PyFrame::index, "0-based, counted")
      .def_readonly("pts", &PyFrame::pts, "presentation time in units of the stream's time base")
      .def_readonly("duration", &PyFrame::duration, "in the same units; 0 if not known")
      .def_property_readonly(
          "time",
          [](const PyFrame& self) {
            return ToFraction({self.time_base.num, self.time_base.den}) * py::int_(self.pts);
          },
          "Exact presentation time in seconds.")
      .def(
          "rgb",
          [](const PyFrame& self, std::optional<int> bits) {
            return ToRgb(self.pixels, self.color, bits);
          },
          py::arg("bits") = std::nullopt,
          "Converted to RGB by the stream's own matrix and range, H x W x 3.")
      .def("__repr__", [](const PyFrame& self) {
        return "<mdvt.Frame " + std::to_string(self.index) + " " +
               self.pixels.image.format().ToString() + " " +
               std::to_string(self.pixels.image.width()) + "x" +
               std::to_string(self.pixels.image.height()) + ">";
      });
}

}  // namespace

void AddImages(py::module_& module) {
  AddFormats(module);
  AddImage(module);
  AddFrame(module);
  module.def("resolve_color", &ResolveColor, py::arg("color"), py::arg("format"), py::arg("height"),
             "The matrix and range that hold where `color` leaves them open: BT.709 from 720 rows "
             "on, else BT.601; limited range for YUV, full for RGB.");
}

}  // namespace mdvt::python
