// SPDX-License-Identifier: Apache-2.0
//
// How a program tells what it is doing: a bar on a terminal, a line now and then in a pipe, JSON
// lines for other programs.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/run.h"

namespace mdvt::example {

enum class ProgressMode {
  kBar,   // stderr; a line every ten seconds where that is no terminal
  kJson,  // stdout, one object per line
  kNone,
};

class ProgressDisplay {
 public:
  ProgressDisplay(std::string program, ProgressMode mode, bool quiet);

  // Call before each run; `item` names it in a batch, else empty.
  void Begin(const std::string& item);
  // What the run is about to do, as names and values, on stdout.
  void Announce(const std::vector<std::pair<std::string, std::string>>& facts);
  void Show(const Progress& progress);
  // What a run has found, in lines on stdout; not among JSON lines.
  void Tell(const std::string& text);
  // Ends the run with its line on stdout.
  void Done(const std::vector<std::string>& outputs, int64_t frames, const std::string& details);
  void Failed(const std::string& code, int status, const std::string& text);
  void Warn(const std::string& text);

 private:
  void ClearBar();
  void PrintBar(const Progress& progress);

  std::string program_;
  ProgressMode mode_;
  bool quiet_;
  bool terminal_;
  bool bar_shown_ = false;
  std::string item_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_line_;
};

}  // namespace mdvt::example
