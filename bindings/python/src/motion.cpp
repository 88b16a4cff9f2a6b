// SPDX-License-Identifier: Apache-2.0
#include <pybind11/eigen.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "arrays.h"
#include "locked.h"
#include "mdvt/core/parallel.h"
#include "mdvt/depth/model_depth.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/pipeline/motion_depth.h"
#include "models.h"
#include "module.h"

namespace mdvt::python {
namespace {

struct PyEstimate {
  PyImage depth, confidence;
  int64_t index = 0;
  int64_t pts = 0;
  int64_t duration = 0;
  DepthQuantity quantity = DepthQuantity::kMetricDepth;
  bool starts_scene = false;
  std::optional<MotionFrameReport> report;
};

// The estimator with the threads it works on and the conversion to what it takes.
template <typename Estimator>
struct EstimatorParts {
  EstimatorParts(const MotionDepthOptions& options, int num_threads)
      : pool(num_threads), estimator(options, &pool) {}
  EstimatorParts(const std::shared_ptr<const Model>& model, const ModelDepthOptions& options,
                 int num_threads)
      : pool(num_threads), estimator(model, options, &pool) {}
  ThreadPool pool;
  Estimator estimator;
  ColorConverter converter;
  int64_t pushed = 0;
};

// Models take RGB of more bits as it is.
template <typename Estimator>
bool IsTaken(const Image& image, const PixelFormat& format) {
  if constexpr (std::is_same_v<Estimator, MotionDepthEstimator>)
    return image.format() == format || image.format() == PixelFormat::Gray(8);
  return image.format() == format ||
         (format.model == ColorModel::kRgb && image.format().model == ColorModel::kRgb &&
          image.format().type == SampleType::kU16);
}

template <typename Estimator>
class PyEstimator {
 public:
  using Parts = EstimatorParts<Estimator>;
  template <typename... Arguments>
  explicit PyEstimator(Arguments&&... arguments)
      : parts_("the estimator", std::forward<Arguments>(arguments)...) {}

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
    parts_.With([&](Parts& parts) {
      if (!is_frame) frame.index = frame.pts = parts.pushed;
      if (pts) frame.pts = *pts;
      if (duration) frame.duration = *duration;
      const PixelFormat format = parts.estimator.input_format();
      frame.image = IsTaken<Estimator>(image.image, format)
                        ? image.image
                        : parts.converter.Convert(image.image, color, format);
      // Whoever may write to the pixels may do so as soon as this returns.
      if (image.writable && frame.image.view().data[0] == image.image.view().data[0])
        frame.image = frame.image.Clone();
      parts.estimator.Push(frame);
      ++parts.pushed;
    });
  }

  std::optional<PyEstimate> Pop() {
    return parts_.With([](Parts& parts) -> std::optional<PyEstimate> {
      auto next = parts.estimator.Pop();
      if (!next) return std::nullopt;
      PyEstimate out;
      out.depth.image = std::move(next->depth);
      out.confidence.image = std::move(next->confidence);
      out.index = next->index;
      out.pts = next->pts;
      out.duration = next->duration;
      out.quantity = next->quantity;
      out.starts_scene = next->starts_scene;
      if constexpr (std::is_same_v<Estimator, MotionDepthEstimator>)
        out.report = parts.estimator.frame_reports().back();
      return out;
    });
  }

  void Finish() {
    parts_.With([](Parts& parts) { parts.estimator.Finish(); });
  }
  // read(estimator), with what it returns.
  template <typename Read>
  auto Get(Read read) {
    return parts_.With([&](Parts& parts) { return read(parts.estimator); });
  }

 private:
  Locked<Parts> parts_;
};

using PyMotion = PyEstimator<MotionDepthEstimator>;
using PyModelDepth = PyEstimator<ModelDepthEstimator>;

// What every estimator has.
template <typename Class>
void AddEstimatorMethods(Class& estimator, const char* about_push) {
  using Self = typename Class::type;
  estimator
      .def_property_readonly(
          "latency",
          [](Self& self) { return self.Get([](const auto& from) { return from.latency(); }); },
          "Frames that may be inside at once.")
      .def("push", &Self::Push, py::arg("picture"), py::arg("pts") = std::nullopt,
           py::arg("duration") = std::nullopt, about_push)
      .def("finish", &Self::Finish)
      .def("pop", &Self::Pop, "The next estimate, None if none is ready.");
}

void AddModelDepth(py::module_& module) {
  const ModelDepthOptions defaults;
  auto estimator =
      py::class_<PyModelDepth>(
          module, "ModelDepth",
          "Depth by a model of kind \"depth\", through push and pop like "
          "MotionDepthEstimator. A relative model gives disparity "
          "(DepthQuantity.RELATIVE_DISPARITY) unless it gets a calibration or the median "
          "depth of the first frame in metres.")
          .def(py::init([](const PyModel& model, const Camera& camera, int input_size, int batch,
                           int side_by_side, const std::optional<DisparityCalibration>& calibration,
                           std::optional<double> median_depth, int num_threads) {
                 ModelDepthOptions options;
                 options.camera = camera;
                 options.input_size = input_size;
                 options.batch = batch;
                 options.side_by_side = side_by_side;
                 options.calibration = calibration;
                 options.median_depth = median_depth;
                 options.Check();
                 return std::make_unique<PyModelDepth>(model.model, options, num_threads);
               }),
               py::arg("model"), py::arg("camera"), py::kw_only(),
               py::arg("input_size") = defaults.input_size, py::arg("batch") = defaults.batch,
               py::arg("side_by_side") = defaults.side_by_side,
               py::arg("calibration") = std::nullopt, py::arg("median_depth") = std::nullopt,
               py::arg("num_threads") = 0)
          .def_property_readonly(
              "is_metric",
              [](PyModelDepth& self) {
                return self.Get([](const auto& from) { return from.is_metric(); });
              },
              "Whether estimates are metres.")
          .def_property_readonly(
              "network_size",
              [](PyModelDepth& self) {
                return self.Get([](const auto& from) {
                  return std::pair(from.network_size().height, from.network_size().width);
                });
              },
              "Height and width of the network's input.")
          .def_property_readonly(
              "calibration",
              [](PyModelDepth& self) {
                return self.Get([](const auto& from) { return from.calibration(); });
              },
              "As given, or as found on the first frame; None if there is none.");
  AddEstimatorMethods(estimator,
                      "A Frame, an Image or an array of the camera's size; becomes RGB.");
}

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
      .def_readonly("path_uncertainty", &MotionFrameReport::path_uncertainty,
                    "Error to be expected of the camera's path around the frame, as a share of its "
                    "length; may be infinite.")
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
      .def_readonly("path_uncertainty", &MotionReport::path_uncertainty,
                    "Of half of the measured frames it is no more.")
      .def_readonly("unsure", &MotionReport::unsure, "Measured frames where it is above 0.05.")
      .def_property_readonly("translation_found", &MotionReport::translation_found);
  py::enum_<DepthQuantity>(module, "DepthQuantity", "What the numbers of an estimate stand for.")
      .value("METRIC_DEPTH", DepthQuantity::kMetricDepth, "metres, 0 = no data")
      .value("RELATIVE_DISPARITY", DepthQuantity::kRelativeDisparity,
             "larger is nearer, scale and zero not known; NaN = no data");
  py::class_<PyEstimate>(module, "DepthEstimate", "Depth of one frame.")
      .def_property_readonly(
          "depth", [](const PyEstimate& self) { return PixelArray(self.depth); },
          "H x W float32: metres with 0 = no data, or disparity with NaN = no data.")
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
      .def_readonly("quantity", &PyEstimate::quantity)
      .def_readonly("starts_scene", &PyEstimate::starts_scene,
                    "The scale starts anew: nothing before may be compared with it.")
      .def_readonly("report", &PyEstimate::report, "Of depth from motion; else None.");

  const MotionDepthOptions defaults;
  auto estimator =
      py::class_<PyMotion>(module, "MotionDepthEstimator",
                           "Depth from the camera's own motion: push every frame in order, pop "
                           "what is ready after each, then finish and pop until None.")
          .def(py::init([](const Camera& camera, const std::vector<double>& xfovs_deg,
                           double scene_scale, int working_side, int lookahead, int num_threads) {
                 MotionDepthOptions options;
                 options.camera = camera;
                 options.xfovs_deg = xfovs_deg;
                 options.scene_scale = scene_scale;
                 options.working_side = working_side;
                 options.lookahead = lookahead;
                 options.Check();
                 return std::make_unique<PyMotion>(options, num_threads);
               }),
               py::arg("camera"), py::kw_only(), py::arg("xfovs_deg") = std::vector<double>(),
               py::arg("scene_scale") = defaults.scene_scale,
               py::arg("working_side") = defaults.working_side,
               py::arg("lookahead") = defaults.lookahead, py::arg("num_threads") = 0)
          .def("report",
               [](PyMotion& self) {
                 return self.Get([](const auto& from) -> MotionReport { return from.report(); });
               })
          .def("frame_reports", [](PyMotion& self) {
            return self.Get([](const auto& from) -> std::vector<MotionFrameReport> {
              return from.frame_reports();
            });
          });
  AddEstimatorMethods(estimator,
                      "A Frame, an Image or an array of the camera's size; becomes RGB of 8 bits "
                      "unless it is full-range luma, which is less exact.");
  AddModelDepth(module);
}

}  // namespace mdvt::python
