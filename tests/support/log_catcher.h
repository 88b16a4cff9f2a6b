// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "mdvt/core/log.h"

namespace mdvt::test {

// Collects the warnings and errors that are logged while it lives, and keeps them off the terminal.
class LogCatcher {
 public:
  LogCatcher() {
    SetLogSink([this](LogLevel level, const std::string& text) {
      if (level >= LogLevel::kWarning) lines.push_back(text);
    });
  }
  ~LogCatcher() { SetLogSink({}); }
  LogCatcher(const LogCatcher&) = delete;
  LogCatcher& operator=(const LogCatcher&) = delete;

  bool Says(const std::string& part) const {
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(part) != std::string::npos;
    });
  }

  std::vector<std::string> lines;
};

}  // namespace mdvt::test
