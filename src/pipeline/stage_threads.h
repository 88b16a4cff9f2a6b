// SPDX-License-Identifier: Apache-2.0
//
// The threads of a job. Each stage runs in its own; the first error anywhere ends all of them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "mdvt/core/run.h"
#include "mdvt/pipeline/bounded_queue.h"

namespace mdvt {

// Usage: declare the queues first and this after them (so that the threads end before the queues
// do), Start() every stage, then Run() on the thread that made the long call.
class StageThreads {
 public:
  explicit StageThreads(std::vector<AnyQueue*> queues) : queues_(std::move(queues)) {}
  // Aborts the queues and waits for the threads, if Run() has not.
  ~StageThreads();
  StageThreads(const StageThreads&) = delete;
  StageThreads& operator=(const StageThreads&) = delete;

  // Runs `body` in a thread of its own. What it throws is recorded, unless another stage failed
  // before, and aborts all queues; StageAborted ends the stage without a word.
  void Start(std::function<void()> body);

  // Waits until every stage has ended and reports progress meanwhile, on this thread. Rethrows the
  // first error of a stage, or what the progress callback threw, or Error(kCancelled). All threads
  // have ended when it returns or throws.
  void Run(ProgressMeter* meter, const std::atomic<int64_t>& frames_done,
           const std::atomic<int64_t>& frames_total);

 private:
  void Fail(std::exception_ptr error);
  void Join();

  std::vector<AnyQueue*> queues_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable ended_;
  size_t running_ = 0;
  std::exception_ptr error_;
};

}  // namespace mdvt
