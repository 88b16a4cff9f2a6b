// SPDX-License-Identifier: Apache-2.0
//
// Deterministic data parallelism: how work is cut into blocks depends on the work alone, never on
// the number of threads, so that results (also those joined block by block) are the same for every
// thread count. And a budget of threads: a pool of N never has more than N threads computing at
// once, whether they are its own, the stages of a job, or those of a codec.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace mdvt {

// The number of threads that `requested` stands for: 0 means one per core that this process may
// use. Throws Error(kInvalidArgument) outside [0, 1024].
int ResolveThreads(int requested);

// N permits to compute, and N - 1 worker threads. Who calls ParallelFor works too, on a permit of
// its own; workers join it as permits are free and leave, block by block, when a thread of the job
// wants theirs. Calls may come from several threads at once. A nested call from inside a body runs
// on the calling thread alone. Who waits for another thread holds no permit, so that no wait is for
// ever.
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

  // The pool on whose permit the calling thread computes; null if on none.
  static ThreadPool* Current();

 private:
  friend class ComputeScope;
  friend class WaitScope;
  friend class GangScope;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// While one exists, its thread is one of the pool's num_threads() that compute. Waits for its turn.
// Nothing on a thread that computes on a permit of some pool already.
class ComputeScope {
 public:
  explicit ComputeScope(ThreadPool* pool);
  ~ComputeScope();
  ComputeScope(const ComputeScope&) = delete;
  ComputeScope& operator=(const ComputeScope&) = delete;

 private:
  bool entered_ = false;
};

// While one exists, its thread waits for something, and another may compute in its place. To be
// destroyed with no lock held: the thread waits for its turn again. Nothing on a thread that holds
// no permit.
class WaitScope {
 public:
  WaitScope();
  ~WaitScope();
  WaitScope(const WaitScope&) = delete;
  WaitScope& operator=(const WaitScope&) = delete;

 private:
  int permits_ = 0;  // before
  bool gives_way_ = false;
};

// For calls of libraries that work with `threads` threads of their own: while one exists, its
// thread stands for so many, the pool's num_threads() at most. Waits until so many others have
// ended, in order of arrival. Nothing on a thread that holds no permit.
class GangScope {
 public:
  explicit GangScope(int threads);
  ~GangScope();
  GangScope(const GangScope&) = delete;
  GangScope& operator=(const GangScope&) = delete;

 private:
  int permits_ = 0;  // before
  bool gives_way_ = false;
};

}  // namespace mdvt
