// SPDX-License-Identifier: Apache-2.0
//
// Deterministic data parallelism: how work is cut into blocks depends on the work alone, never on
// the number of threads, so that results (also those joined block by block) are the same for every
// thread count.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace mdvt {

// The number of threads that `requested` stands for: 0 means one per core that this process may
// use. Throws Error(kInvalidArgument) outside [0, 1024].
int ResolveThreads(int requested);

// A fixed crew of worker threads, owned by the stage that uses it. The calling thread works too:
// a crew of one starts no thread. Calls of ParallelFor on one crew may come from several threads;
// they run one after another. A nested call from inside a body runs on the calling thread alone.
class ThreadPool {
 public:
  // num_threads  0 means one per core. Throws Error(kInvalidArgument) outside [0, 1024].
  explicit ThreadPool(int num_threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const;

  // Calls body(begin, end) once for each block [k * grain, min((k + 1) * grain, count)), in any
  // order and on any thread, and returns when all are done. If bodies throw, the exception of the
  // first such block (lowest begin) is rethrown after the others have ended.
  void ParallelFor(int64_t count, int64_t grain,
                   const std::function<void(int64_t begin, int64_t end)>& body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
