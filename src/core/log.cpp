// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/log.h"

#include <cstdio>
#include <memory>
#include <mutex>
#include <utility>

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
  std::shared_ptr<const LogSink> sink;
};
State& GetState() {
  static State state;
  return state;
}

}  // namespace

void SetLogSink(LogSink sink) {
  auto shared = sink ? std::make_shared<const LogSink>(std::move(sink)) : nullptr;
  State& state = GetState();
  const std::lock_guard<std::mutex> lock(state.mutex);
  state.sink = std::move(shared);
}

void Log(LogLevel level, const std::string& text) {
  State& state = GetState();
  const std::lock_guard<std::mutex> lock(state.mutex);
  if (state.sink) {
    (*state.sink)(level, text);
  } else {
    PrintToStderr(level, text);
  }
}

}  // namespace mdvt
