// SPDX-License-Identifier: Apache-2.0
//
// The one way in which the stages of a job hand frames on: in order, a few at a time.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace mdvt {

// Thrown by a queue after Abort(). It carries no cause: whoever aborted has recorded that. Not a
// std::exception, so that no stage takes it for a failure of its own.
struct StageAborted {};

// What StageThreads needs to know of a queue of any type.
class AbortableQueue {
 public:
  virtual ~AbortableQueue() = default;
  virtual void Abort() = 0;
};

// A queue between two threads that holds at most `capacity` items: a producer that runs ahead
// waits, so that memory does not grow with the length of a clip. With capacity 0 it hands over: the
// producer waits until the consumer has taken its item, so that for large items there are two in
// all, the one being made and the one being used.
template <typename T>
class BoundedQueue : public AbortableQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  // For who learns late how much is worth holding. More room lets a waiting producer go on.
  void SetCapacity(size_t capacity) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      capacity_ = capacity;
    }
    not_full_.notify_all();
  }

  // Waits while the queue is full, with capacity 0 until the item has been taken. Throws
  // StageAborted.
  void Push(T item) {
    std::unique_lock<std::mutex> lock(mutex_);
    not_full_.wait(lock,
                   [this] { return aborted_ || items_.size() < std::max<size_t>(1, capacity_); });
    if (aborted_) throw StageAborted{};
    items_.push_back(std::move(item));
    not_empty_.notify_one();
    if (capacity_ > 0) return;
    not_full_.wait(lock, [this] { return aborted_ || items_.empty(); });
    if (aborted_) throw StageAborted{};
  }

  // For a producer that has nothing to hand on yet. Throws StageAborted.
  void CheckAborted() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (aborted_) throw StageAborted{};
  }

  // The producer's last call: Pop() gives what is left, then nothing.
  void Close() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      closed_ = true;
    }
    not_empty_.notify_all();
  }

  // Waits while the queue is empty. Empty result: closed and drained. Throws StageAborted.
  std::optional<T> Pop() {
    std::unique_lock<std::mutex> lock(mutex_);
    not_empty_.wait(lock, [this] { return aborted_ || closed_ || !items_.empty(); });
    if (aborted_) throw StageAborted{};
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    lock.unlock();
    not_full_.notify_one();
    return item;
  }

  // Wakes everybody; every later Push and Pop throws. What the queue held is dropped at once.
  void Abort() override {
    std::deque<T> dropped;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      aborted_ = true;
      dropped.swap(items_);
    }
    not_full_.notify_all();
    not_empty_.notify_all();
  }

 private:
  std::mutex mutex_;
  size_t capacity_;
  std::condition_variable not_full_;
  std::condition_variable not_empty_;
  std::deque<T> items_;
  bool closed_ = false;
  bool aborted_ = false;
};

}  // namespace mdvt
