// SPDX-License-Identifier: Apache-2.0
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.h"
#include "locked.h"
#include "mdvt/core/parallel.h"
#include "mdvt/infill/directional_fill.h"
#include "mdvt/io/infill_mask.h"
#include "mdvt/stereo/convergence.h"
#include "mdvt/stereo/renderer.h"
#include "module.h"
#include "no_gil.h"

namespace mdvt::python {
namespace {

// One eye of a rendered frame.
struct PyEye {
  PyImage image;
  std::optional<PyImage> depth;
  std::optional<PyImage> mask;
};
struct PyStereoFrame {
  PyEye left, right;
};

// A renderer with the threads it works on and the hole maps it reuses.
struct RendererParts {
  RendererParts(const StereoOptions& stereo, const DirectionalFillOptions& fill, int num_threads)
      : pool(num_threads), renderer(stereo, &pool), filler(fill, &pool) {}
  ThreadPool pool;
  StereoRenderer renderer;
  DirectionalFill filler;
  HoleMap left_holes, right_holes;
};

class PyRenderer {
 public:
  PyRenderer(const StereoOptions& stereo, const DirectionalFillOptions& fill, int num_threads)
      : parts_("the renderer", stereo, fill, num_threads) {}

  PyStereoFrame Render(const py::object& color, const py::object& depth, const Camera& camera,
                       double convergence, bool fill, bool with_depth,
                       const std::optional<InfillMaskStyle>& mask) {
    const PyImage from = ToImage(color, std::nullopt, "color");
    const DepthInput metres(depth, "depth");
    return parts_.With([&](RendererParts& parts) {
      PyStereoFrame out;
      EyeView left = Prepare(from.image, with_depth, &parts.left_holes, out.left);
      EyeView right = Prepare(from.image, with_depth, &parts.right_holes, out.right);
      parts.renderer.Render(from.image.view(), metres.view(), camera, convergence, left, right);
      Complete(parts, parts.left_holes, fill, mask, out.left);
      Complete(parts, parts.right_holes, fill, mask, out.right);
      return out;
    });
  }

 private:
  static EyeView Prepare(const Image& color, bool with_depth, HoleMap* holes, PyEye& eye) {
    EyeView view;
    eye.image.image = Image(color.format(), color.width(), color.height());
    view.image = eye.image.image.mutable_view();
    if (with_depth) {
      eye.depth = PyImage{Image(PixelFormat::GrayF32(), color.width(), color.height()), true};
      view.depth = eye.depth->image.MutablePlane<float>();
    }
    view.holes = holes;
    return view;
  }
  static void Complete(RendererParts& parts, const HoleMap& holes, bool fill,
                       const std::optional<InfillMaskStyle>& mask, PyEye& eye) {
    if (mask) {
      eye.mask = PyImage{Image(PixelFormat::Rgb(), holes.width, holes.height), true};
      PaintInfillMask(holes, *mask, eye.mask->image.mutable_view());
    }
    if (fill) parts.filler.Fill(holes, eye.image.image.mutable_view());
  }

  Locked<RendererParts> parts_;
};

py::object ArrayOrNone(const std::optional<PyImage>& image) {
  return image ? py::object(PixelArray(*image)) : py::none();
}

py::object Fill(const py::object& picture, const py::object& mask, int rim, int num_threads) {
  DirectionalFillOptions options;
  options.rim = rim;
  options.Check();
  PyImage image = ToImage(picture, std::nullopt, "image");
  Require(image.writable, Code::kInvalidArgument,
          "image is read-only: fill a copy of it, Image.copy()");
  const PyImage holes = ToImage(mask, PixelFormat::Rgb(), "mask");
  {
    const NoGil nogil;
    ThreadPool pool(num_threads);
    FillHoles(ReadInfillMask(holes.image.view()), options, image.image.mutable_view(), &pool);
  }
  // An array that could not be shared gets the result back.
  if (py::isinstance<py::array>(picture)) {
    const py::array filled = PixelArray(image);
    if (filled.data() != py::reinterpret_borrow<py::array>(picture).data())
      py::module_::import("numpy").attr("copyto")(picture, filled);
  }
  return picture;
}

}  // namespace

void AddStereo(py::module_& module) {
  py::enum_<EdgeMode>(module, "EdgeMode", "What becomes of a step in depth.")
      .value("TEAR", EdgeMode::kTear, "surfaces part at steps in depth")
      .value("STRETCH", EdgeMode::kStretch, "the surface is a rubber sheet");
  py::enum_<InfillMaskStyle>(module, "InfillMaskStyle", "How holes are painted.")
      .value("DIRECTIONS", InfillMaskStyle::kDirections,
             "the colour tells where the background lies")
      .value("GREEN", InfillMaskStyle::kGreen);

  py::class_<PyEye>(module, "Eye", "One eye of a rendered frame.")
      .def_property_readonly(
          "image", [](const PyEye& self) { return self.image; },
          "In the format of the colour picture.")
      .def_property_readonly(
          "depth", [](const PyEye& self) { return ArrayOrNone(self.depth); },
          "H x W metres of what is seen, 0 in holes; None if not asked for.")
      .def_property_readonly(
          "mask", [](const PyEye& self) { return ArrayOrNone(self.mask); },
          "H x W x 3 uint8, black where the source shows what is seen; None if "
          "not asked for.");
  py::class_<PyStereoFrame>(module, "StereoFrame", "Both eyes of a frame.")
      .def_property_readonly("left", [](const PyStereoFrame& self) { return self.left; })
      .def_property_readonly("right", [](const PyStereoFrame& self) { return self.right; });

  const StereoOptions defaults;
  py::class_<PyRenderer>(
      module, "StereoRenderer",
      "View synthesis for two parallel eyes `baseline` metres apart.\n\n"
      ">>> import mdvt, numpy\n"
      ">>> color = numpy.random.default_rng(1).integers(0, 256, (48, 64, 3), numpy.uint8)\n"
      ">>> depth = numpy.full((48, 64), 5.0, numpy.float32)\n"
      ">>> depth[12:36, 20:40] = 2.0\n"
      ">>> camera = mdvt.Camera.from_fov(64, 48, xfov_deg=60)\n"
      ">>> renderer = mdvt.StereoRenderer(baseline=0.3)\n"
      ">>> view = renderer.render(color, depth, camera, convergence=5.0,\n"
      "...                        mask=mdvt.InfillMaskStyle.GREEN)\n"
      ">>> view.left.image.array().shape\n"
      "(48, 64, 3)\n"
      ">>> bool(view.left.mask.any())\n"
      "True\n")
      .def(py::init([](double baseline, EdgeMode edges, double tear_disparity, double tear_depth,
                       int rim, const ColorInfo& color, int num_threads) {
             DirectionalFillOptions fill;
             fill.rim = rim;
             fill.Check();
             StereoOptions options;
             options.baseline = baseline;
             options.edges = edges;
             options.tear.disparity = tear_disparity;
             options.tear.depth = tear_depth;
             options.color = color;
             options.Check();
             return std::make_unique<PyRenderer>(options, fill, num_threads);
           }),
           py::kw_only(), py::arg("baseline") = defaults.baseline,
           py::arg("edges") = defaults.edges, py::arg("tear_disparity") = defaults.tear.disparity,
           py::arg("tear_depth") = defaults.tear.depth,
           py::arg("rim") = DirectionalFillOptions().rim, py::arg("color") = defaults.color,
           py::arg("num_threads") = 0)
      .def("render", &PyRenderer::Render, py::arg("color"), py::arg("depth"), py::arg("camera"),
           py::arg("convergence") = 0.0, py::kw_only(), py::arg("fill") = true,
           py::arg("with_depth") = false, py::arg("mask") = std::nullopt,
           "Both eyes of one frame. color is any picture of integers, depth H x W metres (0 = no "
           "data), convergence the distance in metres at which the eyes' pictures coincide (0: "
           "parallel eyes). Holes are filled from their background unless fill is False.");

  module.def("fill_holes", &Fill, py::arg("image"), py::arg("mask"), py::kw_only(),
             py::arg("rim") = DirectionalFillOptions().rim, py::arg("num_threads") = 1,
             "Fills the holes of an Image or array in place and returns it. mask is H x W x 3 "
             "uint8: exact black keeps the pixel, the colour of others tells where the background "
             "lies.");
  module.def(
      "smooth_convergence",
      [](const std::vector<double>& distance, const py::object& frame_rate, double sigma_seconds,
         const std::vector<int64_t>& starts) {
        const Rational rate = FromFraction(frame_rate, "frame_rate");
        ConvergenceSmoothing smoothing;
        smoothing.sigma_seconds = sigma_seconds;
        const NoGil nogil;
        return SmoothConvergence(distance, rate, smoothing, starts);
      },
      py::arg("distance"), py::arg("frame_rate"), py::arg("sigma_seconds") = 0.5,
      py::arg("starts") = std::vector<int64_t>(),
      "Smooths convergence distances per frame in 1 / distance, inside each shot; starts are the "
      "frames that begin one. nan takes the nearest known one.");
}

}  // namespace mdvt::python
