// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "mdvt/core/error.h"

namespace mdvt {

int ResolveThreads(int requested) {
  Require(requested >= 0 && requested <= 1024, Code::kInvalidArgument,
          "number of threads = " + std::to_string(requested) + ", must be in [0, 1024]");
  if (requested > 0) return requested;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

namespace {

// One call of ParallelFor. Blocks are handed out by an atomic counter (of blocks, so that it never
// overflows); the error kept is that of the lowest block, so that it does not depend on timing.
struct Job {
  int64_t count = 0;
  int64_t grain = 1;
  const std::function<void(int64_t, int64_t)>* body = nullptr;
  std::atomic<int64_t> next{0};
  std::mutex error_mutex;
  std::exception_ptr error;
  int64_t error_begin = 0;

  void Work() {
    for (;;) {
      const int64_t block = next.fetch_add(1);
      if (block > (count - 1) / grain) return;
      const int64_t begin = block * grain;
      try {
        (*body)(begin, begin + std::min(grain, count - begin));
      } catch (...) {
        const std::lock_guard<std::mutex> lock(error_mutex);
        if (!error || begin < error_begin) {
          error = std::current_exception();
          error_begin = begin;
        }
      }
    }
  }
};

thread_local bool t_inside_body = false;

}  // namespace

struct ThreadPool::Impl {
  std::vector<std::thread> threads;
  std::mutex run_mutex;  // held for one whole ParallelFor
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable done;
  Job* job = nullptr;
  uint64_t generation = 0;
  size_t busy = 0;
  bool stop = false;

  void WorkerLoop() {
    t_inside_body = true;
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return stop || generation != seen; });
      if (stop) return;
      seen = generation;
      Job* current = job;
      if (current == nullptr) continue;  // the caller finished before this thread woke
      ++busy;
      lock.unlock();
      current->Work();
      lock.lock();
      if (--busy == 0) done.notify_all();
    }
  }

  void Stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stop = true;
    }
    wake.notify_all();
    for (std::thread& thread : threads) thread.join();
  }
};

ThreadPool::ThreadPool(int num_threads) : impl_(std::make_unique<Impl>()) {
  const int n = ResolveThreads(num_threads);
  impl_->threads.reserve(static_cast<size_t>(n) - 1);
  try {
    for (int i = 1; i < n; ++i) impl_->threads.emplace_back([this] { impl_->WorkerLoop(); });
  } catch (...) {
    impl_->Stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { impl_->Stop(); }

int ThreadPool::num_threads() const { return static_cast<int>(impl_->threads.size()) + 1; }

void ThreadPool::ParallelFor(int64_t count, int64_t grain,
                             const std::function<void(int64_t begin, int64_t end)>& body) {
  if (count <= 0) return;
  Job job;
  job.count = count;
  job.grain = std::max<int64_t>(1, grain);
  job.body = &body;
  if (impl_->threads.empty() || t_inside_body || count <= job.grain) {
    job.Work();
  } else {
    const std::lock_guard<std::mutex> run_lock(impl_->run_mutex);
    {
      const std::lock_guard<std::mutex> lock(impl_->mutex);
      impl_->job = &job;
      ++impl_->generation;
    }
    impl_->wake.notify_all();
    t_inside_body = true;
    job.Work();
    t_inside_body = false;
    std::unique_lock<std::mutex> lock(impl_->mutex);
    impl_->job = nullptr;
    impl_->done.wait(lock, [&] { return impl_->busy == 0; });
  }
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace mdvt
