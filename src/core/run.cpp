// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/run.h"

#include "mdvt/core/error.h"

namespace mdvt {

ProgressMeter::ProgressMeter(const RunControl& control)
    : control_(control),
      start_(std::chrono::steady_clock::now()),
      phase_start_(start_),
      last_(start_) {}

void ProgressMeter::BeginPhase(const std::string& name) {
  phase_ = name;
  phase_start_ = std::chrono::steady_clock::now();
}

void ProgressMeter::Update(int64_t frames_done, int64_t frames_total) {
  Require(!control_.IsCancelled(), Code::kCancelled, "cancelled");
  if (std::chrono::steady_clock::now() - last_ < std::chrono::milliseconds(100)) return;
  Report(frames_done, frames_total);
}

void ProgressMeter::Finish(int64_t frames_done) {
  Report(frames_done, frames_done);
  Require(!control_.IsCancelled(), Code::kCancelled, "cancelled");
}

void ProgressMeter::Report(int64_t frames_done, int64_t frames_total) {
  last_ = std::chrono::steady_clock::now();
  if (!control_.on_progress) return;
  Progress progress;
  progress.phase = phase_;
  progress.frames_done = frames_done;
  progress.frames_total = frames_total;
  progress.seconds = std::chrono::duration<double>(last_ - start_).count();
  const double in_phase = std::chrono::duration<double>(last_ - phase_start_).count();
  progress.frames_per_second = in_phase > 0 ? static_cast<double>(frames_done) / in_phase : 0;
  Require(control_.on_progress(progress), Code::kCancelled, "cancelled");
}

}  // namespace mdvt
