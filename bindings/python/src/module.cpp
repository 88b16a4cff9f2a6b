// SPDX-License-Identifier: Apache-2.0
#include "module.h"

#include <pybind11/eigen.h>
#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <optional>
#include <string>

#include "arrays.h"
#include "mdvt/core/error.h"
#include "mdvt/core/limits.h"
#include "mdvt/core/log.h"
#include "mdvt/core/pose.h"
#include "mdvt/core/printable.h"
#include "no_gil.h"

namespace mdvt::python {
namespace {

void AddErrors(py::module_& module) {
  py::enum_<Code>(module, "Code", "What kind of failure an Error is.")
      .value("INVALID_ARGUMENT", Code::kInvalidArgument)
      .value("NOT_FOUND", Code::kNotFound)
      .value("CORRUPT", Code::kCorrupt)
      .value("UNSUPPORTED", Code::kUnsupported)
      .value("LIMIT", Code::kLimit)
      .value("REFUSED", Code::kRefused)
      .value("NOT_CONVERGED", Code::kNotConverged)
      .value("IO", Code::kIo)
      .value("OUT_OF_MEMORY", Code::kOutOfMemory)
      .value("CANCELLED", Code::kCancelled)
      .value("INTERNAL", Code::kInternal);

  // Lives as long as the interpreter: the translator below has no other way to reach it.
  static const py::handle error = py::exception<Error>(module, "Error").release();
  error.attr("__doc__") =
      "What mdvt raises. `code` tells a program what to do, the text tells a person what failed, "
      "where, and what would be valid.";
  error.attr("code") = Code::kInternal;
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const Error& thrown) {
      const py::str shown(Printable(thrown.what()));
      const py::object instance = py::reinterpret_borrow<py::object>(error)(shown);
      instance.attr("code") = thrown.code();
      PyErr_SetObject(error.ptr(), instance.ptr());
    }
  });
}

void SetSink(const py::object& sink) {
  LogSink bridge;
  if (!sink.is_none()) {
    const std::shared_ptr<void> held = Hold(sink);
    bridge = [held](LogLevel level, const std::string& text) {
      const py::gil_scoped_acquire gil;
      try {
        (*static_cast<py::object*>(held.get()))(level, text);
      } catch (py::error_already_set& error) {
        error.discard_as_unraisable("mdvt log sink");
      }
    };
  }
  const NoGil nogil;
  SetLogSink(std::move(bridge));
}

void AddLog(py::module_& module) {
  py::enum_<LogLevel>(module, "LogLevel", "How much a message matters.")
      .value("DEBUG", LogLevel::kDebug)
      .value("INFO", LogLevel::kInfo)
      .value("WARNING", LogLevel::kWarning)
      .value("ERROR", LogLevel::kError);
  module.def("set_log_sink", &SetSink, py::arg("sink"),
             "sink(level, text) gets all that the library has to say, for the whole process and "
             "from any thread. None restores the default: warnings go to stderr.");
  // A sink must not outlive the interpreter.
  py::module_::import("atexit").attr("register")(py::cpp_function([] { SetSink(py::none()); }));
}

void AddLimits(py::module_& module) {
  const Limits defaults;
  py::class_<Limits>(module, "Limits",
                     "What a reader may cost. 0 means zero, not unlimited.\n\n"
                     ">>> import mdvt\n"
                     ">>> mdvt.Limits(max_side=4096).max_side\n"
                     "4096\n")
      .def(py::init([](int64_t max_pixels_per_frame, int32_t max_side, int64_t max_frames,
                       int32_t max_streams, int64_t max_track_points, int64_t max_text_bytes,
                       int32_t max_json_depth, int64_t max_frame_buffer_bytes) {
             const Limits limits{
                 max_pixels_per_frame, max_side,       max_frames,     max_streams,
                 max_track_points,     max_text_bytes, max_json_depth, max_frame_buffer_bytes};
             limits.Check();
             return limits;
           }),
           py::kw_only(), py::arg("max_pixels_per_frame") = defaults.max_pixels_per_frame,
           py::arg("max_side") = defaults.max_side, py::arg("max_frames") = defaults.max_frames,
           py::arg("max_streams") = defaults.max_streams,
           py::arg("max_track_points") = defaults.max_track_points,
           py::arg("max_text_bytes") = defaults.max_text_bytes,
           py::arg("max_json_depth") = defaults.max_json_depth,
           py::arg("max_frame_buffer_bytes") = defaults.max_frame_buffer_bytes)
      .def_readonly("max_pixels_per_frame", &Limits::max_pixels_per_frame)
      .def_readonly("max_side", &Limits::max_side)
      .def_readonly("max_frames", &Limits::max_frames)
      .def_readonly("max_streams", &Limits::max_streams)
      .def_readonly("max_track_points", &Limits::max_track_points)
      .def_readonly("max_text_bytes", &Limits::max_text_bytes)
      .def_readonly("max_json_depth", &Limits::max_json_depth)
      .def_readonly("max_frame_buffer_bytes", &Limits::max_frame_buffer_bytes);
}

void AddCamera(py::module_& module) {
  py::class_<Camera>(
      module, "Camera",
      "Pinhole intrinsics in pixels; x right, y down, z forward. The centre of pixel "
      "(i, j) lies at (i + 0.5, j + 0.5).\n\n"
      ">>> import mdvt\n"
      ">>> camera = mdvt.Camera.from_fov(1920, 1080, xfov_deg=90)\n"
      ">>> round(camera.fx, 6), camera.cx\n"
      "(960.0, 960.0)\n"
      ">>> camera.project([0.0, 0.0, 2.0]).tolist()\n"
      "[960.0, 540.0]\n")
      .def(py::init([](int width, int height, double fx, double fy, double cx, double cy) {
             const Camera camera{width, height, fx, fy, cx, cy};
             camera.Check();
             return camera;
           }),
           py::arg("width"), py::arg("height"), py::arg("fx"), py::arg("fy"), py::arg("cx"),
           py::arg("cy"))
      .def_static("from_fov", &Camera::FromFov, py::arg("width"), py::arg("height"),
                  py::arg("xfov_deg") = std::nullopt, py::arg("yfov_deg") = std::nullopt,
                  "The centred camera of these fields of view; pixels are square if only one is "
                  "given.")
      .def_readonly("width", &Camera::width)
      .def_readonly("height", &Camera::height)
      .def_readonly("fx", &Camera::fx)
      .def_readonly("fy", &Camera::fy)
      .def_readonly("cx", &Camera::cx)
      .def_readonly("cy", &Camera::cy)
      .def_property_readonly("xfov_deg", &Camera::xfov_deg)
      .def_property_readonly("yfov_deg", &Camera::yfov_deg)
      .def_property_readonly(
          "matrix",
          [](const Camera& self) {
            Eigen::Matrix3d k;
            k << self.fx, 0, self.cx, 0, self.fy, self.cy, 0, 0, 1;
            return k;
          },
          "The 3 x 3 matrix K.")
      .def("scaled", &Camera::Scaled, py::arg("width"), py::arg("height"),
           "The same camera with another number of pixels.")
      .def("project", &Project, py::arg("point_in_cam"), "Pixel position of a point with z > 0.")
      .def("unproject", &Unproject, py::arg("pixel"), py::arg("z"),
           "The point at depth z behind a pixel position.")
      .def("__repr__", [](const Camera& self) {
        return "<mdvt.Camera " + std::to_string(self.width) + "x" + std::to_string(self.height) +
               " fx=" + std::to_string(self.fx) + " fy=" + std::to_string(self.fy) +
               " cx=" + std::to_string(self.cx) + " cy=" + std::to_string(self.cy) + ">";
      });
}

}  // namespace

void AddCore(py::module_& module) {
  WatchTheEndOfTheInterpreter();
  AddErrors(module);
  AddLog(module);
  AddLimits(module);
  AddCamera(module);
  AddImages(module);
}

}  // namespace mdvt::python

PYBIND11_MODULE(_mdvt, module) {
  module.doc() = "The compiled part of mdvt.";
  module.attr("__version__") = MDVT_VERSION_TEXT;
  mdvt::python::AddCore(module);
  mdvt::python::AddVideo(module);
  mdvt::python::AddDepth(module);
  mdvt::python::AddFiles(module);
  mdvt::python::AddStereo(module);
  mdvt::python::AddModels(module);
  mdvt::python::AddMotion(module);
  mdvt::python::AddTools(module);
}
