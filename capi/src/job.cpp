// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "convert.h"
#include "guarded.h"
#include "mdvt/core/run.h"
#include "options.h"

using namespace mdvt::capi;

namespace {

struct State {
  std::unique_ptr<mdvt::Tool> tool;
  std::atomic<bool> cancelled{false};
  std::atomic<bool> started{false};
  bool done = false;
  mdvt::ToolReport report;
  std::vector<std::string> texts;  // of each field of the report
};
static_assert(std::atomic<bool>::is_always_lock_free, "cancelling is for signal handlers too");

}  // namespace

// Shared, so that a progress callback may destroy the job that calls it.
struct mdvt_job {
  std::shared_ptr<State> state = std::make_shared<State>();
};

namespace {

// The state of a job that has been run to its end.
const State& Finished(const mdvt_job* job) {
  RequireSet(job, "job");
  mdvt::Require(job->state->done, mdvt::Code::kInvalidArgument,
                "job has not been run to its end, there is no report");
  return *job->state;
}

const mdvt::ToolReport::Field& At(const State& state, const char* name) {
  RequireSet(name, "name");
  return state.report.At(name);
}

template <typename T>
mdvt_status Report(const mdvt_job* job, const char* name, T* value) {
  return Guarded([&] {
    const mdvt::ToolReport::Field& field = At(Finished(job), name);
    return Give(field.value, field.name, value);
  });
}

}  // namespace

mdvt_status mdvt_job_create(const mdvt_options* options, mdvt_job** job) {
  return Guarded([&] {
    RequireSet(job, "job");
    *job = nullptr;
    RequireSet(options, "options");
    auto made = std::make_unique<mdvt_job>();
    made->state->tool = options->tool->Clone();
    made->state->tool->Check();
    *job = made.release();
  });
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
                                  from.seconds,          from.frames_per_second,
                                  from.phase.c_str()};
        return on_progress(user, &to) == 0;
      };
    }
    mdvt::Require(!control.IsCancelled(), mdvt::Code::kCancelled, "cancelled before the start");
    state->report = state->tool->Run(control);
    for (const mdvt::ToolReport::Field& field : state->report.fields)
      state->texts.push_back(mdvt::ToText(field.value));
    state->done = true;
  });
}

mdvt_status mdvt_job_cancel(mdvt_job* job) {
  return Guarded([&] {
    RequireSet(job, "job");
    job->state->cancelled.store(true);
  });
}

mdvt_status mdvt_job_frames(const mdvt_job* job, int64_t* frames) {
  return Guarded([&] {
    RequireSet(frames, "frames");
    *frames = Finished(job).report.frames;
  });
}

mdvt_status mdvt_job_summary(const mdvt_job* job, const char** summary) {
  return Guarded([&] {
    RequireSet(summary, "summary");
    *summary = nullptr;
    *summary = Finished(job).report.summary.c_str();
  });
}

mdvt_status mdvt_job_output_count(const mdvt_job* job, int32_t* count) {
  return Guarded([&] {
    RequireSet(count, "count");
    *count = static_cast<int32_t>(Finished(job).report.outputs.size());
  });
}

mdvt_status mdvt_job_output(const mdvt_job* job, int32_t index, const char** path) {
  return Guarded([&] {
    RequireSet(path, "path");
    *path = nullptr;
    const std::vector<std::string>& outputs = Finished(job).report.outputs;
    *path = outputs[Index(index, outputs.size(), "index")].c_str();
  });
}

mdvt_status mdvt_job_report_flag(const mdvt_job* job, const char* name, int32_t* value) {
  return Report(job, name, value);
}

mdvt_status mdvt_job_report_integer(const mdvt_job* job, const char* name, int64_t* value) {
  return Report(job, name, value);
}

mdvt_status mdvt_job_report_number(const mdvt_job* job, const char* name, double* value) {
  return Report(job, name, value);
}

mdvt_status mdvt_job_report_text(const mdvt_job* job, const char* name, const char** value) {
  return Guarded([&]() -> mdvt_status {
    RequireSet(value, "value");
    *value = nullptr;
    const State& state = Finished(job);
    const mdvt::ToolReport::Field& field = At(state, name);
    if (std::holds_alternative<std::monostate>(field.value)) return MDVT_END;
    *value = state.texts[static_cast<size_t>(&field - state.report.fields.data())].c_str();
    return MDVT_OK;
  });
}

void mdvt_job_destroy(mdvt_job* job) {
  Guarded([&] {
    if (job == nullptr) return;
    job->state->cancelled.store(true);  // ends a run that is still going on
    delete job;
  });
}
