// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "convert.h"
#include "guarded.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/run.h"
#include "mdvt/pipeline/jobs.h"
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
