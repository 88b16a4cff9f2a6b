// SPDX-License-Identifier: Apache-2.0
#include <pybind11/stl.h>

#include <atomic>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/run.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "models.h"
#include "module.h"
#include "options.h"

namespace mdvt::python {
namespace {

// Cancels jobs from any thread.
struct CancelFlag {
  std::atomic<bool> set{false};
};

// Runs a job without Python's lock. What the callback or Ctrl-C raises cancels the job and is
// raised again when all of its threads have ended.
template <typename Options, typename Report>
Report RunJob(Report (*run)(const Options&, const RunControl&), const Options& options,
              const py::object& progress, const CancelFlag* cancel) {
  std::exception_ptr raised;
  RunControl control;
  if (cancel != nullptr) control.cancelled = &cancel->set;
  control.on_progress = [&](const Progress& done) {
    const py::gil_scoped_acquire gil;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (progress.is_none()) return true;
      const py::object answer = progress(done);
      return !(py::isinstance<py::bool_>(answer) && !answer.cast<bool>());
    } catch (...) {
      raised = std::current_exception();
      return false;
    }
  };
  try {
    const py::gil_scoped_release nogil;
    return run(options, control);
  } catch (const Error&) {
    if (raised) std::rethrow_exception(raised);
    throw;
  }
}

JobOptions Job(const std::optional<Limits>& limits, int num_threads, bool overwrite,
               int64_t max_frames) {
  JobOptions job;
  job.limits = LimitsOrDefault(limits);
  job.num_threads = num_threads;
  job.overwrite = overwrite;
  job.max_frames = max_frames;
  return job;
}

void AddProgress(py::module_& module) {
  py::class_<Progress>(module, "Progress", "How far a job has come.")
      .def_readonly("frames_done", &Progress::frames_done)
      .def_readonly("frames_total", &Progress::frames_total,
                    "0 if not known; an estimate until the last frame")
      .def_readonly("seconds", &Progress::seconds)
      .def_readonly("frames_per_second", &Progress::frames_per_second)
      .def("__repr__", [](const Progress& self) {
        return "<mdvt.Progress " + std::to_string(self.frames_done) + " of " +
               std::to_string(self.frames_total) + ">";
      });
  py::class_<CancelFlag>(module, "CancelFlag",
                         "Cancels the jobs that were given it, from any thread.")
      .def(py::init<>())
      .def("set", [](CancelFlag& self) { self.set.store(true); })
      .def("is_set", [](const CancelFlag& self) { return self.set.load(); });
}

// Keyword arguments that all jobs end with.
#define MDVT_JOB_ARGUMENTS                                                                   \
  py::arg("limits") = std::nullopt, py::arg("num_threads") = 0, py::arg("overwrite") = true, \
  py::arg("max_frames") = -1, py::arg("progress") = py::none(), py::arg("cancel") = py::none()

void AddDepthJob(py::module_& module) {
  py::class_<DepthJobReport>(module, "DepthJobReport", "What a depth job has written.")
      .def_readonly("frames", &DepthJobReport::frames)
      .def_readonly("output", &DepthJobReport::output)
      .def_readonly("xfov_deg", &DepthJobReport::xfov_deg)
      .def_readonly("translation_found", &DepthJobReport::translation_found,
                    "False: the camera only turned or stood still, depth is a guess")
      .def_readonly("measured_frames", &DepthJobReport::measured_frames)
      .def_readonly("model", &DepthJobReport::model, "its name; empty: depth from motion")
      .def_readonly("model_license", &DepthJobReport::model_license)
      .def_readonly("calibration", &DepthJobReport::calibration, "of a relative model; else None")
      .def_readonly("fit", &DepthJobReport::fit, "to the reference depth; else None")
      .def_readonly("width", &DepthJobReport::width)
      .def_readonly("height", &DepthJobReport::height);
  const DepthJobOptions defaults;
  module.attr("DEFAULT_XFOV_DEG") = kDefaultXfovDeg;
  module.def(
      "run_depth_job",
      [](const std::string& color_video, const std::string& output, std::optional<double> xfov_deg,
         std::optional<double> yfov_deg, const std::string& xfov_file, DepthEncoding encoding,
         double max_depth, double scene_scale, double target_fps, int working_side,
         const std::string& transformation_output, const PyModel* model,
         const std::string& reference_depth, int input_size, int batch,
         const std::optional<Limits>& limits, int num_threads, bool overwrite, int64_t max_frames,
         const py::object& progress, const CancelFlag* cancel) {
        DepthJobOptions options;
        options.job = Job(limits, num_threads, overwrite, max_frames);
        options.color_video = color_video;
        options.output = output;
        options.fov = {xfov_deg, yfov_deg, xfov_file};
        options.encoding = encoding;
        options.max_depth = max_depth;
        options.scene_scale = scene_scale;
        options.target_fps = target_fps;
        options.working_side = working_side;
        options.transformation_output = transformation_output;
        options.model = DepthModel(model, input_size, batch);
        options.reference_depth = reference_depth;
        return RunJob(&RunDepthJob, options, progress, cancel);
      },
      py::arg("color_video"), py::arg("output") = "", py::kw_only(),
      py::arg("xfov_deg") = std::nullopt, py::arg("yfov_deg") = std::nullopt,
      py::arg("xfov_file") = "", py::arg("encoding") = defaults.encoding,
      py::arg("max_depth") = defaults.max_depth, py::arg("scene_scale") = defaults.scene_scale,
      py::arg("target_fps") = defaults.target_fps, py::arg("working_side") = defaults.working_side,
      py::arg("transformation_output") = "", py::arg("model") = py::none(),
      py::arg("reference_depth") = "", py::arg("input_size") = defaults.model.input_size,
      py::arg("batch") = defaults.model.batch, MDVT_JOB_ARGUMENTS,
      "Metric depth of a video, written as a depth video: <color_video>_depth.mkv unless output "
      "is given. With a model that one estimates it; a relative one is fitted to reference_depth, "
      "the metric depth video of the same clip. progress(Progress) is called about ten times a "
      "second; it cancels by returning "
      "False.");
}

void AddStereoJob(py::module_& module) {
  py::enum_<HoleFill>(module, "HoleFill", "What holes of a view are filled with.")
      .value("FILL", HoleFill::kFill, "from the background side")
      .value("BLACK", HoleFill::kBlack);
  py::enum_<BaselineRule>(
      module, "BaselineRule",
      "How far apart the eyes are in the picture, for a screen that fills master_xfov_deg.")
      .value("PLAIN", BaselineRule::kPlain, "as they are")
      .value("MASTER", BaselineRule::kMaster,
             "times tan(master / 2) / tan(xfov / 2), as the original toolbox")
      .value("ORTHO", BaselineRule::kOrtho,
             "times tan(xfov / 2) / tan(master / 2): depth is perceived as it is");
  py::class_<StereoJobReport>(module, "StereoJobReport", "What a stereo job has written.")
      .def_readonly("frames", &StereoJobReport::frames)
      .def_readonly("output", &StereoJobReport::output)
      .def_readonly("mask_output", &StereoJobReport::mask_output)
      .def_readonly("hole_share", &StereoJobReport::hole_share)
      .def_readonly("width", &StereoJobReport::width)
      .def_readonly("height", &StereoJobReport::height);
  const StereoJobOptions defaults;
  module.def(
      "run_stereo_job",
      [](const std::string& depth_video, const std::string& color_video, const std::string& output,
         std::optional<double> xfov_deg, std::optional<double> yfov_deg,
         const std::string& xfov_file, std::optional<double> max_depth,
         std::optional<DepthEncoding> depth_encoding, double baseline, EdgeMode edges,
         double tear_disparity, double tear_depth, HoleFill fill, bool write_infill_mask,
         InfillMaskStyle mask_style, bool compressed, const std::string& convergence_file,
         std::optional<double> convergence, BaselineRule baseline_rule, double master_xfov_deg,
         double baseline_scale, bool swap_eyes, const std::optional<Limits>& limits,
         int num_threads, bool overwrite, int64_t max_frames, const py::object& progress,
         const CancelFlag* cancel) {
        StereoJobOptions options;
        options.job = Job(limits, num_threads, overwrite, max_frames);
        options.depth_video = depth_video;
        options.color_video = color_video;
        options.output = output;
        options.fov = {xfov_deg, yfov_deg, xfov_file};
        options.max_depth = max_depth;
        options.depth_encoding = depth_encoding;
        options.stereo.baseline = baseline;
        options.stereo.edges = edges;
        options.stereo.tear_disparity = tear_disparity;
        options.stereo.tear_depth = tear_depth;
        options.fill = fill;
        options.write_infill_mask = write_infill_mask;
        options.mask_style = mask_style;
        options.compressed = compressed;
        options.convergence_file = convergence_file;
        options.convergence = convergence;
        options.baseline_rule = baseline_rule;
        options.master_xfov_deg = master_xfov_deg;
        options.baseline_scale = baseline_scale;
        options.swap_eyes = swap_eyes;
        return RunJob(&RunStereoJob, options, progress, cancel);
      },
      py::arg("depth_video"), py::arg("color_video") = "", py::arg("output") = "", py::kw_only(),
      py::arg("xfov_deg") = std::nullopt, py::arg("yfov_deg") = std::nullopt,
      py::arg("xfov_file") = "", py::arg("max_depth") = std::nullopt,
      py::arg("depth_encoding") = std::nullopt, py::arg("baseline") = defaults.stereo.baseline,
      py::arg("edges") = defaults.stereo.edges,
      py::arg("tear_disparity") = defaults.stereo.tear_disparity,
      py::arg("tear_depth") = defaults.stereo.tear_depth, py::arg("fill") = defaults.fill,
      py::arg("write_infill_mask") = false, py::arg("mask_style") = defaults.mask_style,
      py::arg("compressed") = false, py::arg("convergence_file") = "",
      py::arg("convergence") = std::nullopt, py::arg("baseline_rule") = defaults.baseline_rule,
      py::arg("master_xfov_deg") = defaults.master_xfov_deg,
      py::arg("baseline_scale") = defaults.baseline_scale, py::arg("swap_eyes") = false,
      MDVT_JOB_ARGUMENTS,
      "A side-by-side video from a depth video and its colours: <depth_video>_stereo.mkv unless "
      "output is given. Without a colour video the encoded depth is the texture.");
}

void AddExportJob(py::module_& module) {
  py::class_<ExportJobReport>(module, "ExportJobReport", "What an export job has written.")
      .def_readonly("frames", &ExportJobReport::frames)
      .def_readonly("grey_output", &ExportJobReport::grey_output)
      .def_readonly("files", &ExportJobReport::files, "PLY and OBJ files")
      .def_readonly("width", &ExportJobReport::width)
      .def_readonly("height", &ExportJobReport::height);
  const ExportJobOptions defaults;
  module.def(
      "run_export_job",
      [](const std::string& depth_video, const std::string& color_video, const std::string& output,
         std::optional<int> grey_bits, const std::string& ply_folder, const std::string& obj_folder,
         std::optional<double> xfov_deg, std::optional<double> yfov_deg,
         const std::string& xfov_file, std::optional<double> max_depth,
         std::optional<DepthEncoding> depth_encoding, const std::string& transformation_file,
         std::optional<int64_t> transformation_lock_frame, bool remove_edges, double tear_disparity,
         double tear_depth, double tear_baseline, int64_t min_frames,
         const std::optional<Limits>& limits, int num_threads, bool overwrite, int64_t max_frames,
         const py::object& progress, const CancelFlag* cancel) {
        ExportJobOptions options;
        options.job = Job(limits, num_threads, overwrite, max_frames);
        options.depth_video = depth_video;
        options.color_video = color_video;
        options.output = output;
        options.grey_bits = grey_bits;
        options.ply_folder = ply_folder;
        options.obj_folder = obj_folder;
        options.fov = {xfov_deg, yfov_deg, xfov_file};
        options.max_depth = max_depth;
        options.depth_encoding = depth_encoding;
        options.transformation_file = transformation_file;
        options.transformation_lock_frame = transformation_lock_frame;
        options.remove_edges = remove_edges;
        options.tear_disparity = tear_disparity;
        options.tear_depth = tear_depth;
        options.tear_baseline = tear_baseline;
        options.min_frames = min_frames;
        return RunJob(&RunExportJob, options, progress, cancel);
      },
      py::arg("depth_video"), py::arg("color_video") = "", py::arg("output") = "", py::kw_only(),
      py::arg("grey_bits") = std::nullopt, py::arg("ply_folder") = "", py::arg("obj_folder") = "",
      py::arg("xfov_deg") = std::nullopt, py::arg("yfov_deg") = std::nullopt,
      py::arg("xfov_file") = "", py::arg("max_depth") = std::nullopt,
      py::arg("depth_encoding") = std::nullopt, py::arg("transformation_file") = "",
      py::arg("transformation_lock_frame") = std::nullopt, py::arg("remove_edges") = false,
      py::arg("tear_disparity") = defaults.tear_disparity,
      py::arg("tear_depth") = defaults.tear_depth,
      py::arg("tear_baseline") = defaults.tear_baseline,
      py::arg("min_frames") = defaults.min_frames, MDVT_JOB_ARGUMENTS,
      "A depth video as a grey video (grey_bits 8 or 16), as PLY point clouds or as OBJ meshes.");
}

void AddMonoToSbsEnums(py::module_& module) {
  py::enum_<NormMode>(module, "NormMode", "How disparity is brought to [0, 1].")
      .value("MIN_MAX", NormMode::kMinMax, "each frame's extremes")
      .value("PERCENTILE", NormMode::kPercentile, "each frame's percentiles")
      .value("EMA", NormMode::kEma, "percentiles, smoothed over time")
      .value("FIXED", NormMode::kFixed, "one range, given or of the first frame of each scene")
      .value("METRIC", NormMode::kMetric, "0 is infinity, 1 a distance given in metres");
  py::enum_<SceneCuts>(module, "SceneCuts", "Where scenes begin.")
      .value("AUTO", SceneCuts::kAuto, "found in the colours")
      .value("FILE", SceneCuts::kFile, "from a list")
      .value("OFF", SceneCuts::kOff, "the clip is one scene");
  py::enum_<ScreenPlane>(module, "ScreenPlane", "What lies on the screen.")
      .value("NEAR", ScreenPlane::kNear, "the nearest point")
      .value("FAR", ScreenPlane::kFar, "the farthest point")
      .value("VALUE", ScreenPlane::kValue, "a disparity")
      .value("AUTO", ScreenPlane::kAuto, "what fills the middle of the picture");
  py::enum_<WarpKind>(module, "WarpKind", "How the eyes are made.")
      .value("FORWARD", WarpKind::kForward, "nearest surface first, holes filled")
      .value("BACKWARD", WarpKind::kBackward, "as older converters do");
  py::enum_<StereoPacking>(module, "StereoPacking", "Where the eyes lie in a frame.")
      .value("SIDE_BY_SIDE", StereoPacking::kSideBySide)
      .value("HALF_SIDE_BY_SIDE", StereoPacking::kHalfSideBySide)
      .value("TOP_BOTTOM", StereoPacking::kTopBottom)
      .value("HALF_TOP_BOTTOM", StereoPacking::kHalfTopBottom);
  py::enum_<CanvasFit>(module, "CanvasFit", "How a picture fits into its eye.")
      .value("CONTAIN", CanvasFit::kContain, "as large as fits, black beside it")
      .value("COVER", CanvasFit::kCover, "as small as fills it, the rest cut off")
      .value("NONE", CanvasFit::kNone, "pixel for pixel");
  py::enum_<ResizeFilter>(module, "ResizeFilter", "How pictures are resized.")
      .value("NEAREST", ResizeFilter::kNearest)
      .value("BILINEAR", ResizeFilter::kBilinear)
      .value("BICUBIC", ResizeFilter::kBicubic)
      .value("LANCZOS", ResizeFilter::kLanczos);
}

void AddMonoToSbsJob(py::module_& module) {
  AddMonoToSbsEnums(module);
  py::class_<MonoToSbsReport>(module, "MonoToSbsReport", "What a mono-to-SBS job has written.")
      .def_readonly("frames", &MonoToSbsReport::frames)
      .def_readonly("output", &MonoToSbsReport::output)
      .def_readonly("scenes", &MonoToSbsReport::scenes)
      .def_readonly("hole_share", &MonoToSbsReport::hole_share)
      .def_readonly("mean_shift", &MonoToSbsReport::mean_shift, "pixels of one eye")
      .def_readonly("width", &MonoToSbsReport::width, "of both eyes")
      .def_readonly("height", &MonoToSbsReport::height);
  const MonoToSbsJobOptions defaults;
  const DepthModelOptions model_defaults;
  using Size = std::optional<std::pair<int, int>>;  // height, width
  module.def(
      "run_mono_to_sbs_job",
      [](const std::string& input, const std::string& output, const PyModel* model, int input_size,
         int batch, double xfov_deg, double scene_scale, int working_side, NormMode norm_mode,
         double norm_p_lo, double norm_p_hi, double norm_beta, int norm_lookahead,
         std::optional<std::pair<double, double>> norm_fixed, double norm_metric_near,
         double smoothing_alpha, double smoothing_tau_seconds, bool smoothing_motion_adaptive,
         double smoothing_still, double smoothing_moving, SceneCuts cuts,
         const std::string& scene_file, std::optional<double> max_shift, bool shift_dynamic,
         double shift_min_gain, double shift_smoothing, double shift_steep_free,
         double shift_steep_full, double shift_max_behind, double shift_max_in_front,
         ScreenPlane convergence_plane, double convergence_value, double convergence_smoothing,
         WarpKind warp, bool swap_eyes, StereoPacking packing, CanvasFit fit,
         const Size& frame_size, const Size& eye_size, const Size& picture_size,
         ResizeFilter filter, double fps, std::optional<double> preview_interval,
         std::optional<int64_t> preview_every, const std::string& contact_sheet, bool audio,
         int crf, const std::string& preset, const std::optional<Limits>& limits, int num_threads,
         bool overwrite, int64_t max_frames, const py::object& progress, const CancelFlag* cancel) {
        MonoToSbsJobOptions options;
        options.job = Job(limits, num_threads, overwrite, max_frames);
        options.input = input;
        options.output = output;
        const DepthModelOptions source = DepthModel(model, input_size, batch);
        source.Check();
        if (!source.empty()) options.engine = ModelEngine(source);
        options.xfov_deg = xfov_deg;
        options.scene_scale = scene_scale;
        options.working_side = working_side;
        options.norm.mode = norm_mode;
        options.norm.p_lo = norm_p_lo;
        options.norm.p_hi = norm_p_hi;
        options.norm.beta = norm_beta;
        options.norm.lookahead = norm_lookahead;
        if (norm_fixed) options.norm.fixed = DisparityRange{norm_fixed->first, norm_fixed->second};
        options.norm.metric_near = norm_metric_near;
        options.smoothing.alpha = smoothing_alpha;
        options.smoothing.tau_seconds = smoothing_tau_seconds;
        options.smoothing.motion_adaptive = smoothing_motion_adaptive;
        options.smoothing.still = smoothing_still;
        options.smoothing.moving = smoothing_moving;
        options.cuts = cuts;
        options.scene_file = scene_file;
        options.max_shift = max_shift;
        options.shift.dynamic = shift_dynamic;
        options.shift.min_gain = shift_min_gain;
        options.shift.smoothing = shift_smoothing;
        options.shift.steep_free = shift_steep_free;
        options.shift.steep_full = shift_steep_full;
        options.shift.max_behind = shift_max_behind;
        options.shift.max_in_front = shift_max_in_front;
        options.convergence = {convergence_plane, convergence_value, convergence_smoothing};
        options.warp = warp;
        options.swap_eyes = swap_eyes;
        options.canvas.packing = packing;
        options.canvas.fit = fit;
        const auto set = [](const Size& size, int* height, int* width) {
          if (!size) return;
          *height = size->first;
          *width = size->second;
        };
        set(frame_size, &options.canvas.frame_height, &options.canvas.frame_width);
        set(eye_size, &options.canvas.eye_height, &options.canvas.eye_width);
        set(picture_size, &options.canvas.picture_height, &options.canvas.picture_width);
        options.filter = filter;
        options.fps = fps;
        options.preview_interval = preview_interval;
        options.preview_every = preview_every;
        options.contact_sheet = contact_sheet;
        options.audio = audio;
        options.crf = crf;
        options.preset = preset;
        return RunJob(&RunMonoToSbsJob, options, progress, cancel);
      },
      py::arg("input"), py::arg("output") = "", py::kw_only(), py::arg("model") = py::none(),
      py::arg("input_size") = model_defaults.input_size, py::arg("batch") = model_defaults.batch,
      py::arg("xfov_deg") = defaults.xfov_deg, py::arg("scene_scale") = defaults.scene_scale,
      py::arg("working_side") = defaults.working_side, py::arg("norm_mode") = defaults.norm.mode,
      py::arg("norm_p_lo") = defaults.norm.p_lo, py::arg("norm_p_hi") = defaults.norm.p_hi,
      py::arg("norm_beta") = defaults.norm.beta,
      py::arg("norm_lookahead") = defaults.norm.lookahead, py::arg("norm_fixed") = std::nullopt,
      py::arg("norm_metric_near") = defaults.norm.metric_near,
      py::arg("smoothing_alpha") = defaults.smoothing.alpha,
      py::arg("smoothing_tau_seconds") = defaults.smoothing.tau_seconds,
      py::arg("smoothing_motion_adaptive") = defaults.smoothing.motion_adaptive,
      py::arg("smoothing_still") = defaults.smoothing.still,
      py::arg("smoothing_moving") = defaults.smoothing.moving, py::arg("cuts") = defaults.cuts,
      py::arg("scene_file") = "", py::arg("max_shift") = std::nullopt,
      py::arg("shift_dynamic") = defaults.shift.dynamic,
      py::arg("shift_min_gain") = defaults.shift.min_gain,
      py::arg("shift_smoothing") = defaults.shift.smoothing,
      py::arg("shift_steep_free") = defaults.shift.steep_free,
      py::arg("shift_steep_full") = defaults.shift.steep_full,
      py::arg("shift_max_behind") = defaults.shift.max_behind,
      py::arg("shift_max_in_front") = defaults.shift.max_in_front,
      py::arg("convergence_plane") = defaults.convergence.plane,
      py::arg("convergence_value") = defaults.convergence.value,
      py::arg("convergence_smoothing") = defaults.convergence.smoothing,
      py::arg("warp") = defaults.warp, py::arg("swap_eyes") = defaults.swap_eyes,
      py::arg("packing") = defaults.canvas.packing, py::arg("fit") = defaults.canvas.fit,
      py::arg("frame_size") = std::nullopt, py::arg("eye_size") = std::nullopt,
      py::arg("picture_size") = std::nullopt, py::arg("filter") = defaults.filter,
      py::arg("fps") = defaults.fps, py::arg("preview_interval") = std::nullopt,
      py::arg("preview_every") = std::nullopt, py::arg("contact_sheet") = "",
      py::arg("audio") = defaults.audio, py::arg("crf") = defaults.crf,
      py::arg("preset") = defaults.preset, MDVT_JOB_ARGUMENTS,
      "A stereo video from a colour video in one run: <input>_sbs.mp4 unless output is given. "
      "Depth comes from the model, or from motion. Sizes are (height, width).");
}

#undef MDVT_JOB_ARGUMENTS

}  // namespace

void AddJobs(py::module_& module) {
  AddProgress(module);
  AddDepthJob(module);
  AddStereoJob(module);
  AddExportJob(module);
  AddMonoToSbsJob(module);
}

}  // namespace mdvt::python
