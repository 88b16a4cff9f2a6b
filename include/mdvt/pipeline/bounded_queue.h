// SPDX-License-Identifier: Apache-2.0
//
// The one way in which the stages of a job hand items on: in order, a few at a time.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "mdvt/core/parallel.h"

namespace mdvt {

// Thrown by a queue after Abort(). It carries no cause: whoever aborted has recorded that. Not a
// std::exception, so that no stage takes it for a failure of its own.
struct StageAborted {};

// What a graph needs to know of a queue of any type.
class AnyQueue {
 public:
  virtual ~AnyQueue() = default;
  // Makes room for so much at least, for who learns late how much is worth holding. It lets a
  // waiting producer go on.
  virtual void Widen(size_t capacity) = 0;
  // Wakes everybody; every later Push and Pop throws. What the queue held is dropped at once.
  virtual void Abort() = 0;
  // The consumer's last call, if it wants no more: what comes later is dropped.
  virtual void Abandon() = 0;
};

// A queue between threads that holds at most `capacity` items: a producer that runs ahead waits, so
// that memory does not grow with the length of a clip. With capacity 0 it hands over: the producer
// waits until a consumer has taken its item, so that for large items there are two in all, the one
// being made and the one being used. Who waits lets others of its thread pool compute.
template <typename T>
class BoundedQueue : public AnyQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  void Widen(size_t capacity) override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      capacity_ = std::max(capacity_, capacity);
    }
    not_full_.notify_all();
  }

  // Waits while the queue is full, with capacity 0 until the item has been taken. False if it was
  // dropped because nobody wants more. Throws StageAborted.
  bool Push(T item) {
    std::unique_lock<std::mutex> lock(mutex_);
    WaitUntil(&lock, &not_full_,
              [this] { return abandoned_ || items_.size() < std::max<size_t>(1, capacity_); });
    if (abandoned_) return false;
    items_.push_back(std::move(item));
    const size_t number = ++pushed_;
    not_empty_.notify_one();
    if (capacity_ == 0)
      WaitUntil(&lock, &not_full_, [&] { return abandoned_ || popped_ >= number; });
    return !abandoned_;
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
    WaitUntil(&lock, &not_empty_, [this] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    ++popped_;
    lock.unlock();
    not_full_.notify_all();
    return item;
  }

  void Abort() override { Drop(&aborted_); }
  void Abandon() override { Drop(&abandoned_); }

 private:
  // On return the lock is held and `ready` holds. While it is not held the thread has no permit to
  // compute, and the other way round, so that nobody waits for a permit behind a lock.
  template <typename Ready>
  void WaitUntil(std::unique_lock<std::mutex>* lock, std::condition_variable* changed,
                 const Ready& ready) {
    for (;;) {
      if (aborted_) throw StageAborted{};
      if (ready()) return;
      lock->unlock();
      {
        const WaitScope waits;
        lock->lock();
        changed->wait(*lock, [&] { return aborted_ || ready(); });
        lock->unlock();
      }
      lock->lock();
    }
  }

  void Drop(bool* why) {
    std::deque<T> dropped;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      *why = true;
      dropped.swap(items_);
    }
    not_full_.notify_all();
    not_empty_.notify_all();
  }

  std::mutex mutex_;
  size_t capacity_;
  std::condition_variable not_full_;
  std::condition_variable not_empty_;
  std::deque<T> items_;
  size_t pushed_ = 0;
  size_t popped_ = 0;
  bool closed_ = false;
  bool abandoned_ = false;
  bool aborted_ = false;
};

}  // namespace mdvt
