// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/log.h"

#include <cstdio>
#include <mutex>
#include <optional>
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
  std::optional<LogSink> next;  // that a sink itself has set
};
State& GetState() {
  static State& state = *new State;  // never destroyed: threads may log while the program ends
  return state;
}

// Set while this thread is inside a sink, and so holds the mutex.
thread_local bool t_inside_sink = false;

thread_local const std::string* t_prefix = nullptr;

}  // namespace

void SetLogSink(LogSink sink) {
  State& state = GetState();
  if (t_inside_sink) {  // the one that runs cannot be taken away from under its feet
    state.next = std::move(sink);
    return;
  }
  const std::lock_guard<std::mutex> lock(state.mutex);
  state.sink.swap(sink);
}

LogPrefix::LogPrefix(std::string text) : text_(std::move(text)), before_(t_prefix) {
  t_prefix = &text_;
}
LogPrefix::~LogPrefix() { t_prefix = before_; }
std::string LogPrefix::OfThisThread() { return t_prefix == nullptr ? "" : *t_prefix; }

void Log(LogLevel level, const std::string& text) {
  // What a sink itself would log is dropped: it could only wait for itself.
  if (t_inside_sink) return;
  const std::string prefix = LogPrefix::OfThisThread();
  const std::string line = Printable(prefix.empty() ? text : prefix + ": " + text);
  State& state = GetState();
  const std::lock_guard<std::mutex> lock(state.mutex);
  if (state.sink) {
    t_inside_sink = true;
    state.sink(level, line);
    t_inside_sink = false;
    if (state.next) {
      state.sink = std::move(*state.next);
      state.next.reset();
    }
  } else {
    PrintToStderr(level, line);
  }
}

}  // namespace mdvt
