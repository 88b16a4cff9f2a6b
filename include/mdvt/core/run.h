// SPDX-License-Identifier: Apache-2.0
//
// Progress and cancellation of long calls.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace mdvt {

struct Progress {
  std::string phase;             // what the job is at: "calibration", "stereo" ...
  int64_t frames_done = 0;       // of this phase
  int64_t frames_total = 0;      // of this phase; 0 if not known, an estimate until the last frame
  double seconds = 0;            // since the start of the job
  double frames_per_second = 0;  // over the whole phase
};

struct RunControl {
  // Runs on the thread that made the call, about ten times a second and once at the end
  // of each phase. Returning false ends the call with Error(kCancelled) within a frame.
  std::function<bool(const Progress&)> on_progress;
  // Called once on the same thread, before the first frame, by jobs that tell what they are about
  // to do: names and values, for people.
  std::function<void(const std::vector<std::pair<std::string, std::string>>& facts)> on_start;
  // May be set from any thread or signal handler.
  const std::atomic<bool>* cancelled = nullptr;

  bool IsCancelled() const { return cancelled != nullptr && cancelled->load(); }
};

// Calls RunControl::on_progress at the promised pace and turns a cancellation into an error. Used
// on the thread that made the long call.
class ProgressMeter {
 public:
  explicit ProgressMeter(const RunControl& control);

  // What is counted from now on.
  void BeginPhase(const std::string& name);
  // Throws Error(kCancelled) if the flag is set or the callback returns false.
  void Update(int64_t frames_done, int64_t frames_total);
  // The last call of a phase, made whatever the time since the one before. Throws as Update: to be
  // made before anything that cannot be undone.
  void Finish(int64_t frames_done);

 private:
  void Report(int64_t frames_done, int64_t frames_total);

  const RunControl& control_;
  std::string phase_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point phase_start_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace mdvt
