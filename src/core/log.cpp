// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/log.h"

#include <cstdio>
#include <mutex>
#include <utility>

#include "mdvt/core/printable.h"

namespace mdvt {
namespace {

void PrintToStderr(LogLevel level, const std::string& text) {
  if (level < LogLevel::kWarning) return;
  std::fprintf(stderr, "mdvt: %s%s\n",
               level == LogLevel::kWarning ? "warning: " : "error: ", text.c_str());
}

// The sink is the one process-wide state of the library, as logging has to be.
struct State {
  std::mutex mutex;
  LogSink sink;
};
State& GetState() {
  static State& state = *new State;  // never destroyed: threads may log while the program ends
  return state;
}

}  // namespace

void SetLogSink(LogSink sink) {
  State& state = GetState();
  const std::lock_guard<std::mutex> lock(state.mutex);
  state.sink.swap(sink);
}

void Log(LogLevel level, const std::string& text) {
  // What a sink itself would log is dropped: it could only wait for itself.
  thread_local bool inside_sink = false;
  if (inside_sink) return;
  const std::string line = Printable(text);
  State& state = GetState();
  const std::lock_guard<std::mutex> lock(state.mutex);
  if (state.sink) {
    inside_sink = true;
    state.sink(level, line);
    inside_sink = false;
  } else {
    PrintToStderr(level, line);
  }
}

}  // namespace mdvt
