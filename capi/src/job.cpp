// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "convert.h"
#include "guarded.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/run.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "model.h"
#include "structs.h"

using namespace mdvt::capi;

namespace {

struct Report {
  int64_t frames = 0;
  std::string output;
  std::string mask_output;
  int width = 0;
  int height = 0;
  bool translation_found = false;
  int64_t measured_frames = 0;
  double xfov_deg = 0;
  double hole_share = 0;
  int64_t geometry_files = 0;
  std::string model;
  std::string model_license;
  mdvt::DisparityCalibration calibration{0, 0};
  mdvt::DisparityFitResult fit;
  int scenes = 0;
  double mean_shift = 0;
};

struct State {
  std::function<Report(const mdvt::RunControl&)> run;
  std::atomic<bool> cancelled{false};
  std::atomic<bool> started{false};
  bool done = false;
  Report report;
};
static_assert(std::atomic<bool>::is_always_lock_free, "cancelling is for signal handlers too");

}  // namespace

// Shared, so that a progress callback may destroy the job that calls it.
struct mdvt_job {
  std::shared_ptr<State> state = std::make_shared<State>();
};

namespace {

// The fields that all options of jobs have under the same names.
template <typename Options>
mdvt::JobOptions ToJob(const Options& from) {
  mdvt::JobOptions to;
  to.limits = ToLimits(from.limits, "options.limits");
  to.num_threads = Threads(from.num_threads, "options.num_threads");
  to.overwrite = Flag(from.overwrite, "options.overwrite");
  mdvt::Require(from.max_frames == -1 || from.max_frames > 0, mdvt::Code::kInvalidArgument,
                "options.max_frames = " + std::to_string(from.max_frames) +
                    ", must be positive, or -1 for all");
  to.max_frames = from.max_frames;
  return to;
}

template <typename Options>
mdvt::FovOptions ToFov(const Options& from) {
  mdvt::FovOptions to;
  to.xfov_deg = OptionalFov(from.xfov_deg, "options.xfov_deg");
  to.yfov_deg = OptionalFov(from.yfov_deg, "options.yfov_deg");
  to.xfov_file = TextOrEmpty(from.xfov_file);
  return to;
}

mdvt::DepthJobOptions ToDepthJob(const mdvt_depth_job_options& from) {
  mdvt::DepthJobOptions to;
  to.job = ToJob(from);
  to.color_video = Path(from.color_video, "options.color_video");
  to.output = TextOrEmpty(from.output);
  to.fov = ToFov(from);
  to.encoding = ToEncoding(from.encoding, "options.encoding");
  to.max_depth = from.max_depth;
  to.scene_scale = from.scene_scale;
  if (from.target_fps != 0) {
    // The library's own sign for "all" is no rate that a caller may give here.
    mdvt::Require(from.target_fps > 0, mdvt::Code::kInvalidArgument,
                  "options.target_fps must be a positive rate, or 0 for every frame");
    to.target_fps = from.target_fps;
  }
  to.working_side = from.working_side;
  to.transformation_output = TextOrEmpty(from.transformation_output);
  RequireZero(from.reserved, "options.reserved");
  to.model = ToDepthModel(from.model, from.input_size, from.batch);
  to.reference_depth = TextOrEmpty(from.reference_depth);
  to.Check();
  return to;
}

mdvt::StereoJobOptions ToStereoJob(const mdvt_stereo_job_options& from) {
  mdvt::StereoJobOptions to;
  to.job = ToJob(from);
  to.depth_video = Path(from.depth_video, "options.depth_video");
  to.color_video = TextOrEmpty(from.color_video);
  to.output = TextOrEmpty(from.output);
  to.fov = ToFov(from);
  to.max_depth = OptionalMaxDepth(from.max_depth, "options.max_depth");
  if (from.depth_encoding != 0)
    to.depth_encoding = ToEncoding(from.depth_encoding, "options.depth_encoding");
  to.stereo = ToStereo(from.stereo, "options.stereo");
  to.fill = ToHoleFill(from.fill, "options.fill");
  to.write_infill_mask = Flag(from.write_infill_mask, "options.write_infill_mask");
  to.mask_style = ToMaskStyle(from.mask_style, "options.mask_style");
  to.compressed = Flag(from.compressed, "options.compressed");
  to.convergence_file = TextOrEmpty(from.convergence_file);
  if (from.convergence != 0) to.convergence = from.convergence;
  to.baseline_rule = ToBaselineRule(from.baseline_rule, "options.baseline_rule");
  mdvt::Require(from.master_xfov_deg > 0 && from.master_xfov_deg < 180,
                mdvt::Code::kInvalidArgument,
                "options.master_xfov_deg = " + mdvt::FormatDouble(from.master_xfov_deg) +
                    " degrees, must be in (0, 180)");
  to.master_xfov_deg = from.master_xfov_deg;
  to.baseline_scale = from.baseline_scale;
  to.swap_eyes = Flag(from.swap_eyes, "options.swap_eyes");
  to.Check();
  return to;
}

mdvt::ExportJobOptions ToExportJob(const mdvt_export_job_options& from) {
  mdvt::ExportJobOptions to;
  to.job = ToJob(from);
  to.depth_video = Path(from.depth_video, "options.depth_video");
  to.color_video = TextOrEmpty(from.color_video);
  to.fov = ToFov(from);
  to.max_depth = OptionalMaxDepth(from.max_depth, "options.max_depth");
  if (from.depth_encoding != 0)
    to.depth_encoding = ToEncoding(from.depth_encoding, "options.depth_encoding");
  if (from.grey_bits != 0) to.grey_bits = from.grey_bits;
  to.output = TextOrEmpty(from.output);
  to.ply_folder = TextOrEmpty(from.ply_folder);
  to.obj_folder = TextOrEmpty(from.obj_folder);
  to.transformation_file = TextOrEmpty(from.transformation_file);
  mdvt::Require(
      from.transformation_lock_frame >= -1, mdvt::Code::kInvalidArgument,
      "options.transformation_lock_frame = " + std::to_string(from.transformation_lock_frame) +
          ", must be a frame, or -1 for none");
  if (from.transformation_lock_frame >= 0)
    to.transformation_lock_frame = from.transformation_lock_frame;
  to.remove_edges = Flag(from.remove_edges, "options.remove_edges");
  to.min_frames = from.min_frames;
  to.tear_depth = from.tear_depth;
  to.tear_baseline = from.tear_baseline;
  to.tear_disparity = from.tear_disparity;
  to.Check();
  return to;
}

mdvt::NormalizerOptions ToNorm(const mdvt_mono_to_sbs_job_options& from) {
  mdvt::NormalizerOptions to;
  to.mode =
      static_cast<mdvt::NormMode>(ToChoice(from.norm_mode, 5, "options.norm_mode", "MDVT_NORM_*"));
  to.p_lo = from.norm_p_lo;
  to.p_hi = from.norm_p_hi;
  to.beta = from.norm_beta;
  to.lookahead = from.norm_lookahead;
  to.metric_near = from.norm_metric_near;
  if (from.norm_fixed_lo != 0 || from.norm_fixed_hi != 0) {
    mdvt::Require(to.mode == mdvt::NormMode::kFixed && std::isfinite(from.norm_fixed_lo) &&
                      std::isfinite(from.norm_fixed_hi) && from.norm_fixed_lo < from.norm_fixed_hi,
                  mdvt::Code::kInvalidArgument,
                  "options.norm_fixed_lo = " + mdvt::FormatDouble(from.norm_fixed_lo) +
                      " and norm_fixed_hi = " + mdvt::FormatDouble(from.norm_fixed_hi) +
                      " must be finite and in ascending order, of MDVT_NORM_FIXED, or both 0");
    to.fixed = mdvt::DisparityRange{from.norm_fixed_lo, from.norm_fixed_hi};
  }
  return to;
}

mdvt::ShiftOptions ToShift(const mdvt_mono_to_sbs_job_options& from) {
  mdvt::ShiftOptions to;
  to.dynamic = Flag(from.shift_dynamic, "options.shift_dynamic");
  to.min_gain = from.shift_min_gain;
  to.smoothing = from.shift_smoothing;
  to.steep_free = from.shift_steep_free;
  to.steep_full = from.shift_steep_full;
  to.max_behind = from.shift_max_behind;
  to.max_in_front = from.shift_max_in_front;
  return to;
}

mdvt::CanvasOptions ToCanvas(const mdvt_mono_to_sbs_job_options& from) {
  mdvt::CanvasOptions to;
  to.packing = static_cast<mdvt::StereoPacking>(
      ToChoice(from.packing, 4, "options.packing", "MDVT_PACKING_*"));
  to.fit = static_cast<mdvt::CanvasFit>(ToChoice(from.fit, 3, "options.fit", "MDVT_FIT_*"));
  to.frame_width = from.frame_width;
  to.frame_height = from.frame_height;
  to.eye_width = from.eye_width;
  to.eye_height = from.eye_height;
  to.picture_width = from.picture_width;
  to.picture_height = from.picture_height;
  return to;
}

mdvt::MonoToSbsJobOptions ToMonoToSbsJob(const mdvt_mono_to_sbs_job_options& from) {
  mdvt::MonoToSbsJobOptions to;
  to.job = ToJob(from);
  to.input = Path(from.input, "options.input");
  to.output = TextOrEmpty(from.output);
  const mdvt::DepthModelOptions model = ToDepthModel(from.model, from.input_size, from.batch);
  if (!model.empty()) to.engine = mdvt::ModelEngine(model);
  to.xfov_deg = from.xfov_deg;
  to.scene_scale = from.scene_scale;
  to.working_side = from.working_side;
  to.norm = ToNorm(from);
  to.smoothing.alpha = from.smoothing_alpha;
  to.smoothing.tau_seconds = from.smoothing_tau_seconds;
  to.smoothing.motion_adaptive =
      Flag(from.smoothing_motion_adaptive, "options.smoothing_motion_adaptive");
  to.smoothing.still = from.smoothing_still;
  to.smoothing.moving = from.smoothing_moving;
  to.cuts = static_cast<mdvt::SceneCuts>(ToChoice(from.cuts, 3, "options.cuts", "MDVT_CUTS_*"));
  to.scene_file = TextOrEmpty(from.scene_file);
  if (from.max_shift != -1) to.max_shift = from.max_shift;
  to.shift = ToShift(from);
  to.convergence.plane = static_cast<mdvt::ScreenPlane>(
      ToChoice(from.convergence_plane, 4, "options.convergence_plane", "MDVT_SCREEN_*"));
  to.convergence.value = from.convergence_value;
  to.convergence.smoothing = from.convergence_smoothing;
  to.warp = static_cast<mdvt::WarpKind>(ToChoice(from.warp, 2, "options.warp", "MDVT_WARP_*"));
  to.swap_eyes = Flag(from.swap_eyes, "options.swap_eyes");
  to.canvas = ToCanvas(from);
  to.filter =
      static_cast<mdvt::ResizeFilter>(ToChoice(from.filter, 4, "options.filter", "MDVT_FILTER_*"));
  to.fps = from.fps;
  if (from.preview_interval != 0) to.preview_interval = from.preview_interval;
  if (from.preview_every != 0) to.preview_every = from.preview_every;
  to.contact_sheet = TextOrEmpty(from.contact_sheet);
  to.audio = Flag(from.audio, "options.audio");
  mdvt::Require(from.crf >= 0 && from.crf <= 51, mdvt::Code::kInvalidArgument,
                "options.crf = " + std::to_string(from.crf) + ", must be in [0, 51]");
  to.crf = from.crf;
  if (from.preset != nullptr) to.preset = Path(from.preset, "options.preset");
  RequireZero(from.reserved, "options.reserved");
  to.Check();
  return to;
}

Report Run(const mdvt::DepthJobOptions& options, const mdvt::RunControl& control) {
  const mdvt::DepthJobReport from = mdvt::RunDepthJob(options, control);
  Report to;
  to.frames = from.frames;
  to.width = from.width;
  to.height = from.height;
  to.output = from.output;
  to.translation_found = from.translation_found;
  to.measured_frames = from.measured_frames;
  to.xfov_deg = from.xfov_deg;
  to.model = from.model;
  to.model_license = from.model_license;
  if (from.calibration) to.calibration = *from.calibration;
  if (from.fit) to.fit = *from.fit;
  return to;
}

Report Run(const mdvt::StereoJobOptions& options, const mdvt::RunControl& control) {
  const mdvt::StereoJobReport from = mdvt::RunStereoJob(options, control);
  Report to;
  to.frames = from.frames;
  to.width = from.width;
  to.height = from.height;
  to.output = from.output;
  to.mask_output = from.mask_output;
  to.hole_share = from.hole_share;
  return to;
}

Report Run(const mdvt::ExportJobOptions& options, const mdvt::RunControl& control) {
  const mdvt::ExportJobReport from = mdvt::RunExportJob(options, control);
  Report to;
  to.frames = from.frames;
  to.width = from.width;
  to.height = from.height;
  to.output = from.grey_output;
  to.geometry_files = from.files;
  return to;
}

Report Run(const mdvt::MonoToSbsJobOptions& options, const mdvt::RunControl& control) {
  const mdvt::MonoToSbsReport from = mdvt::RunMonoToSbsJob(options, control);
  Report to;
  to.frames = from.frames;
  to.width = from.width;
  to.height = from.height;
  to.output = from.output;
  to.hole_share = from.hole_share;
  to.scenes = from.scenes;
  to.mean_shift = from.mean_shift;
  return to;
}

template <typename COptions, typename Translate>
void Create(const COptions* options, mdvt_job** job, Translate&& translate) {
  RequireSet(job, "job");
  *job = nullptr;
  RequireSet(options, "options");
  auto made = std::make_unique<mdvt_job>();
  made->state->run = [translated = translate(ReadOptions(options, "options"))](
                         const mdvt::RunControl& control) { return Run(translated, control); };
  *job = made.release();
}

}  // namespace

mdvt_status mdvt_depth_job_create(const mdvt_depth_job_options* options, mdvt_job** job) {
  return Guarded([&] { Create(options, job, ToDepthJob); });
}

mdvt_status mdvt_stereo_job_create(const mdvt_stereo_job_options* options, mdvt_job** job) {
  return Guarded([&] { Create(options, job, ToStereoJob); });
}

mdvt_status mdvt_export_job_create(const mdvt_export_job_options* options, mdvt_job** job) {
  return Guarded([&] { Create(options, job, ToExportJob); });
}

mdvt_status mdvt_mono_to_sbs_job_create(const mdvt_mono_to_sbs_job_options* options,
                                        mdvt_job** job) {
  return Guarded([&] { Create(options, job, ToMonoToSbsJob); });
}

mdvt_status mdvt_job_run(mdvt_job* job, mdvt_progress_fn on_progress, void* user) {
  return Guarded([&] {
    RequireSet(job, "job");
    const std::shared_ptr<State> state = job->state;  // `job` may go away in on_progress
    mdvt::Require(!state->started.exchange(true), mdvt::Code::kInvalidArgument,
                  "job has been run before: create another");
    mdvt::RunControl control;
    control.cancelled = &state->cancelled;
    if (on_progress != nullptr) {
      control.on_progress = [on_progress, user](const mdvt::Progress& from) {
        const mdvt_progress to = {sizeof(mdvt_progress), 0,
                                  from.frames_done,      from.frames_total,
                                  from.seconds,          from.frames_per_second};
        return on_progress(user, &to) == 0;
      };
    }
    mdvt::Require(!control.IsCancelled(), mdvt::Code::kCancelled, "cancelled before the start");
    state->report = state->run(control);
    state->done = true;
  });
}

mdvt_status mdvt_job_cancel(mdvt_job* job) {
  return Guarded([&] {
    RequireSet(job, "job");
    job->state->cancelled.store(true);
  });
}

mdvt_status mdvt_job_report_get(const mdvt_job* job, mdvt_job_report* report) {
  return Guarded([&] {
    RequireSet(job, "job");
    CheckedSize(report, StructTraits<mdvt_job_report>::kFirstSize, "report");
    const State& state = *job->state;
    mdvt::Require(state.done, mdvt::Code::kInvalidArgument,
                  "job has not been run to its end, there is no report");
    auto to = StructTraits<mdvt_job_report>::Defaults();
    to.frames = state.report.frames;
    to.measured_frames = state.report.measured_frames;
    to.width = state.report.width;
    to.height = state.report.height;
    to.output = state.report.output.c_str();
    to.mask_output = state.report.mask_output.c_str();
    to.translation_found = state.report.translation_found;
    to.xfov_deg = state.report.xfov_deg;
    to.hole_share = state.report.hole_share;
    to.geometry_files = state.report.geometry_files;
    to.model = state.report.model.c_str();
    to.model_license = state.report.model_license.c_str();
    to.disparity_scale = state.report.calibration.scale;
    to.disparity_shift = state.report.calibration.shift;
    to.fit_samples = state.report.fit.samples;
    to.fit_inlier_share = state.report.fit.inlier_share;
    to.fit_r_squared = state.report.fit.r_squared;
    to.fit_by_median = state.report.fit.by_median;
    to.scenes = state.report.scenes;
    to.mean_shift = state.report.mean_shift;
    WriteResult(to, report, "report");
  });
}

void mdvt_job_destroy(mdvt_job* job) {
  Guarded([&] {
    if (job == nullptr) return;
    job->state->cancelled.store(true);  // ends a run that is still going on
    delete job;
  });
}
