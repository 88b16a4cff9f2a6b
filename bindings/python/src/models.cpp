// SPDX-License-Identifier: Apache-2.0
#include "models.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.h"
#include "locked.h"
#include "mdvt/core/error.h"
#include "mdvt/core/parallel.h"
#include "mdvt/depth/disparity_fit.h"
#include "mdvt/depth/model_depth.h"
#include "mdvt/model/backend.h"
#include "mdvt/model/resample.h"
#include "mdvt/model/size_rules.h"
#include "module.h"
#include "no_gil.h"
#include "options.h"

namespace mdvt::python {
namespace {

using Floats = py::array_t<float, py::array::c_style | py::array::forcecast>;
using Sides = std::pair<int, int>;  // height, width, as in a shape

PixelSize ToSize(const Sides& sides) { return {sides.second, sides.first}; }
Sides FromSize(const PixelSize& size) { return {size.height, size.width}; }

// Values of a tensor as an array that owns them.
py::array ToArray(Tensor tensor) {
  auto* const kept = new Tensor(std::move(tensor));
  const py::capsule owner(kept, [](void* data) { delete static_cast<Tensor*>(data); });
  const std::vector<py::ssize_t> shape(kept->shape().begin(), kept->shape().end());
  return py::array_t<float>(shape, kept->data(), owner);
}

// float32 without gaps is used where it lies, other numbers are converted.
Floats ToFloats(const py::handle& value, const std::string& name) {
  Require(py::isinstance<py::array>(value), Code::kInvalidArgument,
          name + " must be a numpy array of numbers");
  const char kind = py::reinterpret_borrow<py::array>(value).dtype().kind();
  Require(kind == 'f' || kind == 'u' || kind == 'i', Code::kInvalidArgument,
          name + " must be a numpy array of numbers");
  return Floats::ensure(value);
}

py::list Run(const PyModel& self, const std::vector<py::object>& inputs) {
  std::vector<Floats> kept;
  std::vector<ModelInput> views;
  for (size_t i = 0; i < inputs.size(); ++i) {
    kept.push_back(ToFloats(inputs[i], "inputs[" + std::to_string(i) + "]"));
    const Floats& array = kept.back();
    views.emplace_back(
        TensorView{array.data(), Shape(array.shape(), array.shape() + array.ndim())});
  }
  std::vector<Tensor> outputs;
  {
    const NoGil nogil;
    self.model->Run(views, &outputs);
  }
  py::list arrays;
  for (Tensor& output : outputs) arrays.append(ToArray(std::move(output)));
  return arrays;
}

const char* UnitName(OutputUnit unit) {
  switch (unit) {
    case OutputUnit::kNone:
      break;
    case OutputUnit::kMetre:
      return "m";
    case OutputUnit::kPixel:
      return "px";
  }
  return "";
}

py::object RangeOf(InputRange range) {
  switch (range) {
    case InputRange::kZeroToOne:
      break;
    case InputRange::kMinusOneToOne:
      return py::make_tuple(-1, 1);
    case InputRange::kImageMax:
      return py::str("image_max");
  }
  return py::make_tuple(0, 1);
}

// Under the names of the metadata.
py::dict InfoOf(const PyModel& self) {
  using namespace pybind11::literals;  // NOLINT: the only way to write "name"_a
  const ModelInfo& info = self.model->info();
  py::list inputs, outputs, precision;
  for (const ModelInputInfo& input : info.inputs) {
    py::dict one("name"_a = input.name, "layout"_a = input.layout.dims,
                 "channels"_a = input.layout.channels, "downscale"_a = input.layout.downscale);
    if (input.layout.IsPicture()) {
      one["range"] = RangeOf(input.range);
      one["size"] = input.size;
      one["resample"] = ResampleName(input.resample);
    }
    inputs.append(one);
  }
  for (const ModelOutputInfo& output : info.outputs) {
    py::dict one("name"_a = output.name, "layout"_a = output.layout.dims,
                 "channels"_a = output.layout.channels, "downscale"_a = output.layout.downscale,
                 "quantity"_a = ToString(output.quantity), "scale"_a = ToString(output.scale),
                 "unit"_a = UnitName(output.unit), "resample"_a = ResampleName(output.resample),
                 "focal_ref"_a = output.focal_ref, "max_depth"_a = output.max_depth,
                 "non_negative"_a = output.non_negative);
    outputs.append(one);
  }
  if (info.fp32) precision.append("fp32");
  if (info.fp16_cuda) precision.append("fp16_cuda");
  if (info.bf16_cpu_encoder) precision.append("bf16_cpu_encoder");
  py::dict fixed, scheduler;
  for (const auto& [key, value] : info.fixed) fixed[py::str(key)] = value;
  for (const auto& [key, value] : info.scheduler) scheduler[py::str(key)] = value;
  py::dict all(
      "kind"_a = ToString(info.kind), "name"_a = info.name,
      "source"_a = py::dict("upstream"_a = info.source.upstream, "commit"_a = info.source.commit,
                            "checkpoint"_a = info.source.checkpoint,
                            "sha256"_a = info.source.sha256, "license"_a = info.source.license),
      "torch"_a = py::dict("exported_with"_a = info.exported_with, "min"_a = info.torch_min),
      "inputs"_a = inputs, "outputs"_a = outputs,
      "batch"_a = py::dict("dynamic"_a = info.batch_dynamic, "max"_a = info.batch_max),
      "precision"_a = precision, "pixel_center"_a = info.pixel_center,
      "channels_last"_a = info.channels_last, "fixed"_a = fixed, "classes"_a = info.classes,
      "group"_a = info.group, "role"_a = info.role, "scheduler"_a = scheduler);
  all["window"] = py::none();
  if (info.window) {
    const ModelWindow& window = *info.window;
    all["window"] = py::dict("length"_a = window.length, "stride"_a = window.stride,
                             "overlap"_a = window.overlap, "carry"_a = window.carry,
                             "align_refs"_a = window.align_refs, "blend"_a = window.blend,
                             "align"_a = window.align_scale_shift ? "scale_shift" : "none",
                             "min_length"_a = window.min_length, "dynamic"_a = window.dynamic,
                             "multiple"_a = window.multiple);
  }
  return all;
}

void AddModel(py::module_& module) {
  module.def(
      "add_backend_folder", [](const Path& folder) { AddBackendFolder(folder); }, py::arg("folder"),
      "Plug-ins of this folder, which run networks, count too from now on. One that other users of "
      "the machine may change is never opened.");
  py::enum_<ModelPrecision>(module, "ModelPrecision", "What a network computes in.")
      .value("FP32", ModelPrecision::kFp32, "every model")
      .value("FP16", ModelPrecision::kFp16, "CUDA")
      .value("BF16_CPU_ENCODER", ModelPrecision::kBf16CpuEncoder,
             "CPU with AVX512_BF16 or AMX; the file places the casts");
  py::class_<ModelCheckResult>(module, "ModelCheckResult", "One output of a self-test.")
      .def_readonly("output", &ModelCheckResult::output)
      .def_readonly("mean", &ModelCheckResult::mean)
      .def_readonly("expected_mean", &ModelCheckResult::expected_mean)
      .def_readonly("deviation", &ModelCheckResult::deviation, "population standard deviation")
      .def_readonly("expected_deviation", &ModelCheckResult::expected_deviation)
      .def_readonly("tolerance", &ModelCheckResult::tolerance)
      .def_readonly("passed", &ModelCheckResult::passed);
  py::enum_<ModelProcessing>(module, "ModelProcessing",
                             "Where pictures are made ready for networks of depth, and their maps "
                             "aligned, resized and turned into depth.")
      .value("AUTO", ModelProcessing::kAuto, "on the device if that is not the CPU and can")
      .value("HOST", ModelProcessing::kHost, "the same bits for every number of threads")
      .value("DEVICE", ModelProcessing::kDevice, "equal but for rounding");
  const ModelOptions defaults;
  py::class_<PyModel>(module, "Model",
                      "A network in a file, opened after its hash is checked: a file is a program. "
                      "It has to be listed in the manifest (manifest.json beside it unless another "
                      "is given) or have the `sha256` given; `allow_unlisted` vouches for others. "
                      "May be used from several threads at once.")
      .def(py::init([](const Path& path, const std::string& backend, const std::string& device,
                       int num_threads, ModelPrecision precision, bool deterministic,
                       bool channels_last, bool profiling_executor, bool optimize,
                       std::optional<double> max_run_seconds, bool self_test, bool allow_unlisted,
                       const Path& manifest, const std::string& sha256,
                       const std::optional<Limits>& limits, ModelProcessing processing) {
             ModelOptions options;
             options.backend = backend;
             options.device = device;
             options.num_threads = num_threads;
             options.precision = precision;
             options.deterministic = deterministic;
             options.channels_last = channels_last;
             options.profiling_executor = profiling_executor;
             options.optimize = optimize;
             if (max_run_seconds) options.max_run_seconds = *max_run_seconds;
             options.self_test = self_test;
             options.trust = allow_unlisted ? ModelTrust::kUnlisted : ModelTrust::kListed;
             options.manifest = manifest;
             options.sha256 = sha256;
             options.limits = LimitsOrDefault(limits);
             options.processing = processing;
             const NoGil nogil;
             return PyModel{std::make_shared<const Model>(Model::Open(path, options)),
                            deterministic};
           }),
           py::arg("path"), py::kw_only(), py::arg("backend") = defaults.backend,
           py::arg("device") = defaults.device, py::arg("num_threads") = defaults.num_threads,
           py::arg("precision") = defaults.precision,
           py::arg("deterministic") = defaults.deterministic,
           py::arg("channels_last") = defaults.channels_last,
           py::arg("profiling_executor") = defaults.profiling_executor,
           py::arg("optimize") = defaults.optimize, py::arg("max_run_seconds") = std::nullopt,
           py::arg("self_test") = defaults.self_test, py::arg("allow_unlisted") = false,
           py::arg("manifest") = "", py::arg("sha256") = "", py::arg("limits") = std::nullopt,
           py::arg("processing") = defaults.processing)
      .def_property_readonly("info", &InfoOf,
                             "What its metadata says, under the names that it has there.")
      .def_property_readonly("path", [](const PyModel& self) { return self.model->path(); })
      .def_property_readonly(
          "sha256", [](const PyModel& self) { return self.model->sha256(); },
          "Of the file: 64 hexadecimal digits in lower case.")
      .def_property_readonly(
          "backend", [](const PyModel& self) { return self.model->backend(); }, "What runs it.")
      .def_property_readonly(
          "is_relative", [](const PyModel& self) { return IsRelativeDepth(self.model->info()); },
          "Whether its depth needs a calibration to become metres. Raises Error (UNSUPPORTED) for "
          "a model of another kind.")
      .def("run", &Run, py::arg("inputs"),
           "One forward pass: arrays in the order of info[\"inputs\"], a list of float32 arrays in "
           "that of info[\"outputs\"]. float32 arrays without gaps are used where they lie.")
      .def(
          "self_test", [](const PyModel& self) { return self.model->SelfTest(); },
          py::call_guard<NoGil>(),
          "Runs the network on the input of the metadata's check and compares. Raises Error "
          "(REFUSED) if it has none.");
}

void AddSizes(py::module_& module) {
  py::enum_<SizeMode>(module, "SizeMode", "By which scale a picture comes near the target.")
      .value("COVER", SizeMode::kCover, "no side is short of the target")
      .value("FIT", SizeMode::kFit, "no side exceeds the target")
      .value("MINIMAL", SizeMode::kMinimal, "the scale that is nearer to 1")
      .value("AREA", SizeMode::kArea, "the number of pixels comes into a range")
      .value("FIXED", SizeMode::kFixed, "exactly the target")
      .value("NATIVE", SizeMode::kNative, "only the multiple counts");
  py::enum_<SizeRounding>(module, "SizeRounding", "How a scaled side becomes a multiple.")
      .value("NEAREST_EVEN", SizeRounding::kNearestEven)
      .value("CEIL", SizeRounding::kCeil)
      .value("FLOOR", SizeRounding::kFloor);
  const SizeRule defaults;
  py::class_<SizeRule>(module, "SizeRule",
                       "At which size a network sees a picture, as the \"size\" of a model's "
                       "metadata says. Sides are (height, width).\n\n"
                       ">>> import mdvt\n"
                       ">>> rule = mdvt.SizeRule(mdvt.SizeMode.COVER, (518, 518), multiple=14)\n"
                       ">>> rule.network_size(1080, 1920)\n"
                       "(518, 924)\n")
      .def(py::init([](SizeMode mode, const Sides& target, int multiple, SizeRounding rounding,
                       bool keep_aspect, bool dynamic, const Sides& min, const Sides& max,
                       double min_pixels, double max_pixels, double wide_above, double wide_as) {
             SizeRule rule;
             rule.mode = mode;
             rule.target = ToSize(target);
             rule.multiple = multiple;
             rule.rounding = rounding;
             rule.keep_aspect = keep_aspect;
             rule.dynamic = dynamic;
             rule.min = ToSize(min);
             rule.max = ToSize(max);
             rule.min_pixels = min_pixels;
             rule.max_pixels = max_pixels;
             rule.wide_above = wide_above;
             rule.wide_as = wide_as;
             rule.Check();
             return rule;
           }),
           py::arg("mode"), py::arg("target") = FromSize(defaults.target), py::kw_only(),
           py::arg("multiple") = defaults.multiple, py::arg("rounding") = defaults.rounding,
           py::arg("keep_aspect") = defaults.keep_aspect, py::arg("dynamic") = defaults.dynamic,
           py::arg("min") = FromSize(defaults.min), py::arg("max") = FromSize(defaults.max),
           py::arg("min_pixels") = defaults.min_pixels, py::arg("max_pixels") = defaults.max_pixels,
           py::arg("wide_above") = defaults.wide_above, py::arg("wide_as") = defaults.wide_as)
      .def_readonly("mode", &SizeRule::mode)
      .def_property_readonly("target", [](const SizeRule& self) { return FromSize(self.target); })
      .def_readonly("multiple", &SizeRule::multiple)
      .def_readonly("rounding", &SizeRule::rounding)
      .def_readonly("keep_aspect", &SizeRule::keep_aspect)
      .def_readonly("dynamic", &SizeRule::dynamic)
      .def_property_readonly("min", [](const SizeRule& self) { return FromSize(self.min); })
      .def_property_readonly("max", [](const SizeRule& self) { return FromSize(self.max); })
      .def_readonly("min_pixels", &SizeRule::min_pixels)
      .def_readonly("max_pixels", &SizeRule::max_pixels)
      .def_readonly("wide_above", &SizeRule::wide_above)
      .def_readonly("wide_as", &SizeRule::wide_as)
      .def(
          "network_size",
          [](const SizeRule& self, int height, int width) {
            return FromSize(PlanSize({width, height}, self).network);
          },
          py::arg("height"), py::arg("width"), "Height and width of the tensor for a picture.");
}

struct Way {
  SizeRule rule;
  ResampleKind resample = ResampleKind::kBilinear;
};

// The rule itself with a resampling, or those of a model's first input (or, back, output).
Way WayOf(const py::object& rule, const std::string& resample, bool back) {
  Way way;
  if (py::isinstance<SizeRule>(rule)) {
    way.rule = rule.cast<SizeRule>();
    Require(!resample.empty(), Code::kInvalidArgument,
            "resample has to be given with a SizeRule: the name of a resampling as in metadata");
  } else {
    Require(py::isinstance<PyModel>(rule), Code::kInvalidArgument,
            "rule must be a SizeRule or a Model");
    const ModelInfo& info = rule.cast<const PyModel&>().model->info();
    Require(info.inputs[0].layout.IsPicture() && info.outputs[0].layout.IsPicture(),
            Code::kUnsupported, "the model '" + info.name + "' does not take and give pictures");
    way.rule = info.inputs[0].size;
    way.resample = back ? info.outputs[0].resample : info.inputs[0].resample;
  }
  if (!resample.empty()) way.resample = ResampleByName(resample);
  return way;
}

py::array ToTensor(const py::object& picture, const py::object& rule, const std::string& resample,
                   int num_threads) {
  const Way way = WayOf(rule, resample, false);
  const PyImage image = ToImage(picture, std::nullopt, "picture");
  Tensor tensor;
  {
    const NoGil nogil;
    const PictureToTensor resampler(way.resample, {image.image.width(), image.image.height()},
                                    way.rule);
    const PixelSize network = resampler.plan().network;
    tensor.Resize({1, 3, network.height, network.width});
    ThreadPool pool(num_threads);
    resampler.Run(image.image.view(), tensor.data(), &pool);
  }
  return ToArray(std::move(tensor));
}

py::array ToPicture(const py::object& tensor, int height, int width, const py::object& rule,
                    const std::string& resample, int num_threads) {
  const Way way = WayOf(rule, resample, true);
  const Floats values = ToFloats(tensor, "tensor");
  const SizePlan plan = PlanSize({width, height}, way.rule);
  const py::ssize_t rank = values.ndim();
  Require(rank >= 2 && values.shape(rank - 2) == plan.network.height &&
              values.shape(rank - 1) == plan.network.width &&
              values.size() == py::ssize_t{plan.network.height} * plan.network.width,
          Code::kInvalidArgument,
          "tensor must be one map of " + std::to_string(plan.network.height) + " x " +
              std::to_string(plan.network.width) + ", the network's size for this picture");
  PyImage picture;
  {
    const NoGil nogil;
    picture.image = Image(PixelFormat::GrayF32(), width, height);
    ThreadPool pool(num_threads);
    TensorToPicture(way.resample, plan)
        .Run(values.data(), picture.image.MutablePlane<float>(), &pool);
  }
  return PixelArray(picture);
}

void AddResampling(py::module_& module) {
  module.def("picture_to_tensor", &ToTensor, py::arg("picture"), py::arg("rule"),
             py::arg("resample") = "", py::kw_only(), py::arg("num_threads") = 1,
             "What a network gets of an RGB picture: 1 x 3 x h x w float32 in 0..1 (cubic kinds "
             "overshoot), before any other range that a model's metadata states. `rule` is a Model "
             "or, with the name of a resampling, a SizeRule.");
  module.def("tensor_to_picture", &ToPicture, py::arg("tensor"), py::arg("height"),
             py::arg("width"), py::arg("rule"), py::arg("resample") = "", py::kw_only(),
             py::arg("num_threads") = 1,
             "A map of the network's size (h x w, or with leading ones) back at the size of the "
             "picture, H x W float32.");
}

struct PyFit {
  explicit PyFit(const DisparityFitOptions& options) : fit("the fit", options) {}
  Locked<DisparityFit> fit;
};

void AddFit(py::module_& module) {
  py::class_<DisparityCalibration>(
      module, "DisparityCalibration",
      "What makes a relative model metric: 1 / metres = scale * disparity + shift.")
      .def(py::init([](double scale, double shift) {
             return DisparityCalibration{scale, shift};
           }),
           py::arg("scale"), py::arg("shift") = 0.0)
      .def_readonly("scale", &DisparityCalibration::scale)
      .def_readonly("shift", &DisparityCalibration::shift)
      .def("__repr__", [](const DisparityCalibration& self) {
        return "<mdvt.DisparityCalibration scale=" +
               py::repr(py::float_(self.scale)).cast<std::string>() +
               " shift=" + py::repr(py::float_(self.shift)).cast<std::string>() + ">";
      });
  py::class_<DisparityFitResult>(module, "DisparityFitResult", "What a fit has found.")
      .def_readonly("calibration", &DisparityFitResult::calibration)
      .def_readonly("samples", &DisparityFitResult::samples, "pixels that had both values")
      .def_readonly("inlier_share", &DisparityFitResult::inlier_share,
                    "of them: those that the fit explains")
      .def_readonly("r_squared", &DisparityFitResult::r_squared, "of the inliers")
      .def_readonly("by_median", &DisparityFitResult::by_median,
                    "no line of positive scale explains them: the median of the ratios");
  const DisparityFitOptions defaults;
  py::class_<PyFit>(module, "DisparityFit",
                    "Fits the calibration of a relative model to a few frames whose metric "
                    "depth is known; a fifth of the pixels may be wrong by any amount.\n\n"
                    ">>> import mdvt, numpy\n"
                    ">>> depth = numpy.linspace(5, 9, 400, dtype='f4').reshape(20, 20)\n"
                    ">>> fit = mdvt.DisparityFit()\n"
                    ">>> fit.add((1 / depth - 0.05) / 0.5, depth)\n"
                    "400\n"
                    ">>> result = fit.solve()\n"
                    ">>> round(result.calibration.scale, 4), round(result.calibration.shift, 4)\n"
                    "(0.5, 0.05)\n")
      .def(py::init([](double saturated_depth, double max_step, int64_t samples_per_frame) {
             DisparityFitOptions options;
             options.saturated_depth = saturated_depth;
             options.max_step = max_step;
             options.samples_per_frame = samples_per_frame;
             return std::make_unique<PyFit>(options);
           }),
           py::kw_only(), py::arg("saturated_depth") = defaults.saturated_depth,
           py::arg("max_step") = defaults.max_step,
           py::arg("samples_per_frame") = defaults.samples_per_frame)
      .def(
          "add",
          [](PyFit& self, const py::object& disparity, const py::object& reference) {
            const DepthInput map(disparity, "disparity"), metres(reference, "reference");
            return self.fit.With(
                [&](DisparityFit& fit) { return fit.Add(map.view(), metres.view()); });
          },
          py::arg("disparity"), py::arg("reference"),
          "H x W disparity (NaN = no data) and H x W metres (0 = no data) of any size. Returns how "
          "many pixels were taken.")
      .def(
          "solve",
          [](PyFit& self) { return self.fit.With([](DisparityFit& fit) { return fit.Solve(); }); },

          "Raises Error (NOT_CONVERGED) with fewer than 16 samples.");
  module.def(
      "calibrate_by_median",
      [](const py::object& disparity, double median_depth) {
        return CalibrateByMedian(DepthInput(disparity, "disparity").view(), median_depth);
      },
      py::arg("disparity"), py::arg("median_depth"),
      "The calibration, with shift 0, at which the median of a disparity map is this many metres "
      "deep.");
}

}  // namespace

void AddModels(py::module_& module) {
  AddSizes(module);
  AddModel(module);
  AddResampling(module);
  AddFit(module);
}

}  // namespace mdvt::python
