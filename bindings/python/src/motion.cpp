// SPDX-License-Identifier: Apache-2.0
#include <pybind11/eigen.h>
#include <pybind11/stl.h>

#include <optional>
#include <utility>
#include <vector>

#include "arrays.h"
#include "locked.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/pipeline/motion_depth.h"
#include "module.h"

namespace mdvt::python {
namespace {

struct PyEstimate {
  PyImage depth, confidence;
  int64_t index = 0;
  int64_t pts = 0;
  int64_t duration = 0;
  MotionFrameReport report;
};

// The estimator with the threads it works on and the conversion to what it takes.
struct EstimatorParts {
  EstimatorParts(const MotionDepthOptions& options, int num_threads)
      : pool(num_threads), estimator(options, &pool) {}
  ThreadPool pool;
  MotionDepthEstimator estimator;
  ColorConverter converter;
  int64_t pushed = 0;
};

class PyEstimator {
 public:
  PyEstimator(const MotionDepthOptions& options, int num_threads)
      : parts_("the estimator", options, num_threads) {}

  void Push(const py::object& picture, const std::optional<int64_t>& pts,
            const std::optional<int64_t>& duration) {
    const PyImage image = ToImage(picture, std::nullopt, "picture");
    Frame frame;
    ColorInfo color;
    const bool is_frame = py::isinstance<PyFrame>(picture);
    if (is_frame) {
      const auto& from = picture.cast<const PyFrame&>();
      color = from.color;
      frame.index = from.index;
      frame.pts = from.pts;
      frame.duration = from.duration;
    }
    parts_.With([&](EstimatorParts& parts) {
      if (!is_frame) frame.index = frame.pts = parts.pushed;
      if (pts) frame.pts = *pts;
      if (duration) frame.duration = *duration;
      frame.image = parts.converter.Convert(image.image, color, parts.estimator.input_format());
      // Whoever may write to the pixels may do so as soon as this returns.
      if (image.writable && frame.image.view().data[0] == image.image.view().data[0])
        frame.image = frame.image.Clone();
      parts.estimator.Push(frame);
      ++parts.pushed;
    });
  }

  std::optional<PyEstimate> Pop() {
    return parts_.With([](EstimatorParts& parts) -> std::optional<PyEstimate> {
      auto next = parts.estimator.Pop();
      if (!next) return std::nullopt;
      PyEstimate out;
      out.depth.image = std::move(next->depth);
      out.confidence.image = std::move(next->confidence);
      out.index = next->index;
      out.pts = next->pts;
      out.duration = next->duration;
      out.report = parts.estimator.frame_reports().back();
      return out;
    });
  }

  void Finish() {
    parts_.With([](EstimatorParts& parts) { parts.estimator.Finish(); });
  }
  MotionReport Report() {
    return parts_.With([](EstimatorParts& parts) { return parts.estimator.report(); });
  }
  std::vector<MotionFrameReport> FrameReports() {
    return parts_.With([](EstimatorParts& parts) { return parts.estimator.frame_reports(); });
  }
  int Latency() {
    return parts_.With([](EstimatorParts& parts) { return parts.estimator.latency(); });
  }

 private:
  Locked<EstimatorParts> parts_;
};

}  // namespace

void AddMotion(py::module_& module) {
  py::enum_<MotionStatus>(module, "MotionStatus", "Where the depth of a frame comes from.")
      .value("MEASURED", MotionStatus::kMeasured, "from the camera's translation")
      .value("CARRIED", MotionStatus::kCarried, "from measured frames before")
      .value("NO_TRANSLATION", MotionStatus::kNoTranslation,
             "the camera turned or stood still: a guess")
      .value("LOST", MotionStatus::kLost, "nothing could be followed: a guess");
  py::class_<MotionFrameReport>(module, "MotionFrameReport", "How the depth of a frame was found.")
      .def_readonly("status", &MotionFrameReport::status)
      .def_readonly("scene", &MotionFrameReport::scene, "counts the cuts before this frame")
      .def_readonly("measured_share", &MotionFrameReport::measured_share, "0 to 1")
      .def_property_readonly(
          "world_from_cam",
          [](const MotionFrameReport& self) -> Eigen::Matrix4d {
            return self.world_from_cam.matrix();
          },
          "Camera-to-world, 4 x 4, metres.");
  py::class_<MotionReport>(module, "MotionReport", "All frames that pop() has returned.")
      .def_readonly("frames", &MotionReport::frames)
      .def_readonly("measured", &MotionReport::measured)
      .def_readonly("carried", &MotionReport::carried)
      .def_readonly("no_translation", &MotionReport::no_translation)
      .def_readonly("lost", &MotionReport::lost)
      .def_readonly("scenes", &MotionReport::scenes)
      .def_property_readonly("translation_found", &MotionReport::translation_found);
  py::class_<PyEstimate>(module, "DepthEstimate", "Depth of one frame.")
      .def_property_readonly(
          "depth", [](const PyEstimate& self) { return PixelArray(self.depth); },
          "H x W float32 in metres.")
      .def_property_readonly(
          "confidence",
          [](const PyEstimate& self) -> py::object {
            if (self.confidence.image.empty()) return py::none();
            return PixelArray(self.confidence);
          },
          "H x W uint8: 0 a guess ... 255 measured; None if there is none.")
      .def_readonly("index", &PyEstimate::index)
      .def_readonly("pts", &PyEstimate::pts)
      .def_readonly("duration", &PyEstimate::duration)
      .def_readonly("report", &PyEstimate::report);

  const MotionDepthOptions defaults;
  py::class_<PyEstimator>(module, "MotionDepthEstimator",
                          "Depth from the camera's own motion: push every frame in order, pop what "
                          "is ready after each, then finish and pop until None.")
      .def(py::init([](const Camera& camera, const std::vector<double>& xfovs_deg,
                       double scene_scale, int working_side, int lookahead, int num_threads) {
             MotionDepthOptions options;
             options.camera = camera;
             options.xfovs_deg = xfovs_deg;
             options.scene_scale = scene_scale;
             options.working_side = working_side;
             options.lookahead = lookahead;
             options.Check();
             return std::make_unique<PyEstimator>(options, num_threads);
           }),
           py::arg("camera"), py::kw_only(), py::arg("xfovs_deg") = std::vector<double>(),
           py::arg("scene_scale") = defaults.scene_scale,
           py::arg("working_side") = defaults.working_side,
           py::arg("lookahead") = defaults.lookahead, py::arg("num_threads") = 0)
      .def_property_readonly("latency", &PyEstimator::Latency, "Frames that may be inside at once.")
      .def("push", &PyEstimator::Push, py::arg("picture"), py::arg("pts") = std::nullopt,
           py::arg("duration") = std::nullopt,
           "A Frame, an Image or an array of the camera's size; colours become full-range luma.")
      .def("finish", &PyEstimator::Finish)
      .def("pop", &PyEstimator::Pop, "The next estimate, None if none is ready.")
      .def("report", &PyEstimator::Report)
      .def("frame_reports", &PyEstimator::FrameReports);
}

}  // namespace mdvt::python
