// SPDX-License-Identifier: Apache-2.0
//
// The library does not print. What it has to say goes to one sink, by default warnings and errors
// to stderr, one line each.
#pragma once

#include <functional>
#include <string>

namespace mdvt {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Called from any thread, one call at a time, with one printable line (see Printable). Must not
// throw; what it logs itself is dropped, and a sink that it sets counts from the next message on.
using LogSink = std::function<void(LogLevel level, const std::string& text)>;

// An empty sink restores the default. When it returns, the sink before has ended its last call.
void SetLogSink(LogSink sink);

void Log(LogLevel level, const std::string& text);

// While it lives, what this thread logs begins with `text` and ": ", and so does what the threads
// of jobs log that it runs: which of several jobs a line is from. The innermost one counts.
class LogPrefix {
 public:
  explicit LogPrefix(std::string text);
  ~LogPrefix();
  LogPrefix(const LogPrefix&) = delete;
  LogPrefix& operator=(const LogPrefix&) = delete;

  static std::string OfThisThread();  // empty: none

 private:
  std::string text_;
  const std::string* before_;
};

inline void LogWarning(const std::string& text) { Log(LogLevel::kWarning, text); }
inline void LogInfo(const std::string& text) { Log(LogLevel::kInfo, text); }
inline void LogDebug(const std::string& text) { Log(LogLevel::kDebug, text); }

}  // namespace mdvt
