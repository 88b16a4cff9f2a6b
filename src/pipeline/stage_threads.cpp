// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage_threads.h"

#include <chrono>
#include <utility>

namespace mdvt {

// A flag set by a signal handler wakes nobody, so it is looked at this often.
constexpr std::chrono::milliseconds kPollInterval(10);

StageThreads::~StageThreads() {
  for (AnyQueue* queue : queues_) queue->Abort();
  Join();
}

void StageThreads::Start(std::function<void()> body) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++running_;
  }
  try {
    threads_.emplace_back([this, run = std::move(body)] {
      try {
        run();
      } catch (const StageAborted&) {
      } catch (...) {
        Fail(std::current_exception());
      }
      const std::lock_guard<std::mutex> lock(mutex_);
      --running_;
      ended_.notify_all();
    });
  } catch (...) {
    const std::lock_guard<std::mutex> lock(mutex_);
    --running_;
    throw;
  }
}

void StageThreads::Run(ProgressMeter* meter, const std::atomic<int64_t>& frames_done,
                       const std::atomic<int64_t>& frames_total) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (running_ > 0) {
    if (ended_.wait_for(lock, kPollInterval, [this] { return running_ == 0; })) break;
    lock.unlock();
    try {
      meter->Update(frames_done.load(), frames_total.load());
    } catch (...) {
      Fail(std::current_exception());
      Join();
      throw;
    }
    lock.lock();
  }
  lock.unlock();
  Join();
  if (error_) std::rethrow_exception(error_);
  // The flag may have been set after the last look: nothing has been published yet.
  meter->Update(frames_done.load(), frames_total.load());
}

void StageThreads::Fail(std::exception_ptr error) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!error_) error_ = std::move(error);
  }
  for (AnyQueue* queue : queues_) queue->Abort();
}

void StageThreads::Join() {
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

}  // namespace mdvt
