// SPDX-License-Identifier: Apache-2.0
//
// An object of the library that Python may use from several threads and may close.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/parallel.h"
#include "no_gil.h"

namespace mdvt::python {

// Work runs without Python's lock, so that other threads go on; the object's own lock keeps two of
// them from using it at once. A process that was forked has the object's memory but none of its
// threads: there it can only be told so, and is never ended, so that files of the other process
// stay.
template <typename T>
class Locked {
 public:
  template <typename... Arguments>
  explicit Locked(const char* name, Arguments&&... arguments) : name_(name) {
    const NoGil nogil;
    value_ = std::make_unique<T>(std::forward<Arguments>(arguments)...);
  }
  ~Locked() {
    if (IsForked()) value_.release();  // NOLINT: see above
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

  // work(object), with what it returns. Throws Error(kInvalidArgument) after Close() and in a
  // process that was forked since.
  template <typename Work>
  auto With(Work&& work) {
    RequireSameProcess();
    const NoGil nogil;
    const std::lock_guard<std::mutex> lock(mutex_);
    Require(value_ != nullptr, Code::kInvalidArgument, name_ + " is closed");
    return work(*value_);
  }

  void Close() {
    RequireSameProcess();
    const NoGil nogil;
    const std::lock_guard<std::mutex> lock(mutex_);
    value_.reset();
  }
  bool closed() {
    if (IsForked()) return true;
    const NoGil nogil;
    const std::lock_guard<std::mutex> lock(mutex_);
    return value_ == nullptr;
  }

 private:
  bool IsForked() const { return getpid() != process_; }
  void RequireSameProcess() const {
    Require(!IsForked(), Code::kInvalidArgument,
            name_ + " belongs to the process that this one was forked from: open it here");
  }

  std::string name_;
  std::mutex mutex_;
  std::unique_ptr<T> value_;
  const pid_t process_ = getpid();
};

// Threads of one object. A process that was forked never ends them: it has none of them.
class ProcessPool {
 public:
  explicit ProcessPool(int num_threads) : pool_(std::make_unique<ThreadPool>(num_threads)) {}
  ~ProcessPool() {
    if (getpid() != process_) pool_.release();  // NOLINT: see above
  }
  ProcessPool(const ProcessPool&) = delete;
  ProcessPool& operator=(const ProcessPool&) = delete;

  ThreadPool* get() const { return pool_.get(); }

 private:
  std::unique_ptr<ThreadPool> pool_;
  pid_t process_ = getpid();
};

}  // namespace mdvt::python
