// SPDX-License-Identifier: Apache-2.0
//
// Work without Python's lock, in threads that the end of the interpreter may overtake.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>

namespace mdvt::python {

// While one exists, the thread works without Python's lock. In place of pybind11's: when the
// interpreter ends, Python stops the threads that ask for its lock, and that cannot be done through
// C++ frames. Such a thread rests here until the process is over.
class NoGil {
 public:
  NoGil();
  ~NoGil();
  NoGil(const NoGil&) = delete;
  NoGil& operator=(const NoGil&) = delete;

 private:
  PyThreadState* state_;
};

// Set when the interpreter is about to end: jobs that see it are cancelled.
const std::atomic<bool>& InterpreterEnds();

// To be called once: at the end of the interpreter, ends jobs and waits until no thread is inside a
// NoGil; after a fork, forgets the threads that stayed behind.
void WatchTheEndOfTheInterpreter();

}  // namespace mdvt::python
