// SPDX-License-Identifier: Apache-2.0
//
// An object of the library that Python may use from several threads and may close.
#pragma once

#include <pybind11/pybind11.h>

#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "mdvt/core/error.h"

namespace mdvt::python {

// Work runs without Python's lock, so that other threads go on; the object's own lock keeps two of
// them from using it at once.
template <typename T>
class Locked {
 public:
  template <typename... Arguments>
  explicit Locked(const char* name, Arguments&&... arguments) : name_(name) {
    const pybind11::gil_scoped_release nogil;
    value_.emplace(std::forward<Arguments>(arguments)...);
  }

  // work(object), with what it returns. Throws Error(kInvalidArgument) after Close().
  template <typename Work>
  auto With(Work&& work) {
    const pybind11::gil_scoped_release nogil;
    const std::lock_guard<std::mutex> lock(mutex_);
    Require(value_.has_value(), Code::kInvalidArgument, name_ + " is closed");
    return work(*value_);
  }

  void Close() {
    const pybind11::gil_scoped_release nogil;
    const std::lock_guard<std::mutex> lock(mutex_);
    value_.reset();
  }
  bool closed() {
    const pybind11::gil_scoped_release nogil;
    const std::lock_guard<std::mutex> lock(mutex_);
    return !value_.has_value();
  }

 private:
  std::string name_;
  std::mutex mutex_;
  std::optional<T> value_;
};

}  // namespace mdvt::python
