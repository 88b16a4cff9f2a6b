// SPDX-License-Identifier: Apache-2.0
#include "no_gil.h"

#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace mdvt::python {
namespace {

namespace py = pybind11;

std::atomic<bool> g_ends{false};
pthread_t
    g_last;  // the thread that ends the interpreter and may go on with its work; behind g_ends
std::atomic<int> g_inside{0};  // threads that will ask for the lock again

bool IsOvertaken() { return g_ends && pthread_equal(g_last, pthread_self()) == 0; }

[[noreturn]] void Rest() {
  for (;;) pause();
}

}  // namespace

NoGil::NoGil() {
  ++g_inside;
  state_ = PyEval_SaveThread();
  if (IsOvertaken()) {  // too late to begin anything
    --g_inside;
    Rest();
  }
}

NoGil::~NoGil() {
  if (IsOvertaken()) {
    --g_inside;
    Rest();
  }
  PyEval_RestoreThread(state_);
  --g_inside;
}

const std::atomic<bool>& InterpreterEnds() { return g_ends; }

void WatchTheEndOfTheInterpreter() {
  pthread_atfork(nullptr, nullptr, [] {
    g_inside = 0;
    g_ends = false;
  });
  py::module_::import("atexit").attr("register")(py::cpp_function([] {
    g_last = pthread_self();
    g_ends = true;
    PyThreadState* const state = PyEval_SaveThread();
    while (g_inside > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    PyEval_RestoreThread(state);
  }));
}

}  // namespace mdvt::python
