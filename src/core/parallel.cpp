// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"

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
struct Loop {
  int64_t count = 0;
  int64_t grain = 1;
  const std::function<void(int64_t, int64_t)>* body = nullptr;
  std::atomic<int64_t> next{0};
  std::mutex error_mutex;
  std::exception_ptr error;
  int64_t error_begin = 0;
  // Guarded by the pool's mutex.
  int helpers = 0;
  int waiting_helpers = 0;  // of these, without a permit
  std::condition_variable changed;

  int64_t blocks() const { return (count - 1) / grain + 1; }
  bool HasBlocks() const { return next.load() < blocks(); }

  // False if there was none left.
  bool RunBlock() {
    const int64_t block = next.fetch_add(1);
    if (block >= blocks()) return false;
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
    return true;
  }

  void RunBlocks() {
    while (RunBlock()) {
    }
  }
};

// What the calling thread is to the pool on whose permits it computes.
struct Member {
  ThreadPool* pool = nullptr;
  int permits = 0;
  Loop* helps = nullptr;   // a worker's
  bool gives_way = false;  // a worker's permit, that it gives back after the block
};
thread_local Member t_member;
thread_local bool t_inside_body = false;

}  // namespace

struct ThreadPool::Impl {
  // A thread that waits for permits.
  struct Waiter {
    int permits = 0;
    bool granted = false;
    std::condition_variable turn;
  };

  std::vector<std::thread> threads;
  std::mutex mutex;
  std::condition_variable wake;  // of workers
  bool stop = false;
  int size = 1;
  int free = 1;                     // permits
  int helping = 0;                  // permits that workers hold for a block
  std::deque<Waiter*> waiters;      // served in order
  std::vector<Loop*> loops;         // oldest first
  std::atomic<bool> wanted{false};  // somebody waits: workers look up after each block

  // --- all of these with the mutex held ---------------------------------------------------------

  // Threads of the job come first. Only where the first of them wants more permits than will be
  // free when all workers have left, these may go on meanwhile.
  bool MayHelp() const {
    if (free == 0) return false;
    return waiters.empty() || waiters.front()->permits > free + helping;
  }

  Loop* LoopToHelp() const {
    for (Loop* loop : loops)
      if (loop->HasBlocks()) return loop;
    return nullptr;
  }

  void Release(int permits) {
    free += permits;
    while (!waiters.empty() && free >= waiters.front()->permits) {
      Waiter* const first = waiters.front();
      waiters.pop_front();
      free -= first->permits;
      first->granted = true;
      first->turn.notify_one();
    }
    wanted = !waiters.empty();
    if (!loops.empty() && MayHelp()) wake.notify_one();
  }

  void Acquire(std::unique_lock<std::mutex>* lock, int permits) {
    if (waiters.empty() && free >= permits) {
      free -= permits;
      return;
    }
    Waiter self;
    self.permits = permits;
    waiters.push_back(&self);
    wanted = true;
    self.turn.wait(*lock, [&] { return self.granted; });
  }

  // The calling thread gives back all that it holds, and tells so to a loop that waits for it.
  // Returns what it was.
  Member GiveBack() {
    const Member before = t_member;
    t_member.permits = 0;
    if (before.gives_way) {
      t_member.gives_way = false;
      helping -= before.permits;
      ++before.helps->waiting_helpers;
      before.helps->changed.notify_one();
    }
    Release(before.permits);
    return before;
  }

  void TakeAgain(std::unique_lock<std::mutex>* lock, const Member& before) {
    Acquire(lock, before.permits);
    Become(before);
  }

  // What the calling thread was before GiveBack(). It holds the permits for that already.
  void Become(const Member& before) {
    t_member = before;
    if (!before.gives_way) return;
    helping += before.permits;
    --before.helps->waiting_helpers;
  }

  // ----------------------------------------------------------------------------------------------

  void Work(ThreadPool* pool) {
    t_inside_body = true;
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      Loop* loop = nullptr;
      wake.wait(lock, [&] { return stop || (MayHelp() && (loop = LoopToHelp()) != nullptr); });
      if (stop) return;
      --free;
      ++helping;
      ++loop->helpers;
      t_member = {pool, 1, loop, true};
      if (MayHelp() && LoopToHelp() != nullptr) wake.notify_one();
      do {
        lock.unlock();
        while (loop->RunBlock() && !wanted) {
        }
        lock.lock();
        // The permit may stay here if it would be given to no one else.
      } while (loop->HasBlocks() && (waiters.empty() || waiters.front()->permits > free + helping));
      t_member = {};
      --helping;
      if (--loop->helpers == 0) loop->changed.notify_one();
      Release(1);
    }
  }

  // Waits for the helpers of a loop without blocks. If one of these waits for a permit itself, it
  // may be that of the calling thread.
  void Join(std::unique_lock<std::mutex>* lock, Loop* loop) {
    Member before;
    while (loop->helpers > 0) {
      if (loop->waiting_helpers > 0 && IsMember()) before = GiveBack();
      loop->changed.wait(*lock);
    }
    if (before.permits > 0) TakeAgain(lock, before);
  }

  // A thread that wants several permits waits for the long work of all others: they let it pass
  // where they begin a loop.
  void LetPass(std::unique_lock<std::mutex>* lock) {
    if (!waiters.empty() && waiters.front()->permits > 1 && IsMember()) TakeAgain(lock, GiveBack());
  }

  bool IsMember() const { return t_member.permits > 0 && t_member.pool->impl_.get() == this; }

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
  impl_->size = impl_->free = ResolveThreads(num_threads);
  const auto workers = static_cast<size_t>(impl_->size) - 1;
  impl_->threads.reserve(workers);
  try {
    for (size_t i = 0; i < workers; ++i)
      impl_->threads.emplace_back([this, prefix = LogPrefix::OfThisThread()] {
        const LogPrefix of_job(prefix);
        impl_->Work(this);
      });
  } catch (const std::system_error& error) {
    impl_->Stop();
    throw Error(Code::kLimit, "one of " + std::to_string(impl_->size) +
                                  " threads cannot be started (" + error.code().message() +
                                  "): ask for fewer, or raise the limit of processes (ulimit -u)");
  } catch (...) {
    impl_->Stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { impl_->Stop(); }

int ThreadPool::num_threads() const { return impl_->size; }

ThreadPool* ThreadPool::Current() { return t_member.permits > 0 ? t_member.pool : nullptr; }

void ThreadPool::ParallelFor(int64_t count, int64_t grain,
                             const std::function<void(int64_t begin, int64_t end)>& body) {
  if (count <= 0) return;
  Loop loop;
  loop.count = count;
  loop.grain = std::max<int64_t>(1, grain);
  loop.body = &body;
  if (t_inside_body || impl_->threads.empty()) {
    loop.RunBlocks();
  } else {
    const ComputeScope computes(this);
    std::unique_lock<std::mutex> lock(impl_->mutex);
    impl_->LetPass(&lock);
    const bool shared = loop.blocks() > 1;
    if (shared) {
      impl_->loops.push_back(&loop);
      if (impl_->MayHelp()) {
        const int64_t more = std::min<int64_t>(loop.blocks() - 1, impl_->free);
        for (int64_t i = 0; i < more; ++i) impl_->wake.notify_one();
      }
    }
    lock.unlock();
    t_inside_body = true;
    loop.RunBlocks();
    t_inside_body = false;
    if (shared) {
      lock.lock();
      impl_->loops.erase(std::find(impl_->loops.begin(), impl_->loops.end(), &loop));
      impl_->Join(&lock, &loop);
    }
  }
  if (loop.error) std::rethrow_exception(loop.error);
}

ComputeScope::ComputeScope(ThreadPool* pool) {
  if (t_member.pool != nullptr) return;
  std::unique_lock<std::mutex> lock(pool->impl_->mutex);
  pool->impl_->Acquire(&lock, 1);
  t_member = {pool, 1, nullptr};
  entered_ = true;
}

ComputeScope::~ComputeScope() {
  if (!entered_) return;
  ThreadPool::Impl& impl = *t_member.pool->impl_;
  const std::lock_guard<std::mutex> lock(impl.mutex);
  impl.Release(t_member.permits);
  t_member = {};
}

WaitScope::WaitScope() {
  if (t_member.permits == 0) return;
  ThreadPool::Impl& impl = *t_member.pool->impl_;
  const std::lock_guard<std::mutex> lock(impl.mutex);
  const Member before = impl.GiveBack();
  permits_ = before.permits;
  gives_way_ = before.gives_way;
}

WaitScope::~WaitScope() {
  if (permits_ == 0) return;
  ThreadPool::Impl& impl = *t_member.pool->impl_;
  std::unique_lock<std::mutex> lock(impl.mutex);
  impl.TakeAgain(&lock, {t_member.pool, permits_, t_member.helps, gives_way_});
}

GangScope::GangScope(int threads) {
  if (t_member.permits == 0) return;
  ThreadPool::Impl& impl = *t_member.pool->impl_;
  const int wanted = std::min(threads, impl.size);
  if (wanted <= t_member.permits) return;
  std::unique_lock<std::mutex> lock(impl.mutex);
  const Member before = impl.GiveBack();
  permits_ = before.permits;
  gives_way_ = before.gives_way;
  impl.Acquire(&lock, wanted);
  t_member.permits = wanted;  // of a worker too: it keeps them until the call has ended
}

GangScope::~GangScope() {
  if (permits_ == 0) return;
  ThreadPool::Impl& impl = *t_member.pool->impl_;
  const std::lock_guard<std::mutex> lock(impl.mutex);
  impl.Release(t_member.permits - permits_);
  impl.Become({t_member.pool, permits_, t_member.helps, gives_way_});
}

}  // namespace mdvt
