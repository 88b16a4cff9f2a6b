// SPDX-License-Identifier: Apache-2.0
//
// What all programs share: help, one line per error, exit statuses, signals, job files, batch
// lists.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/help_page.h"
#include "common/progress_display.h"
#include "mdvt/core/options.h"
#include "mdvt/core/run.h"
#include "mdvt/pipeline/tools.h"

namespace mdvt::example {

// A program that is one of the library's tools: this is all of its main().
int RunTool(const std::string& name, int argc, char** argv);

// A program of its own: describe its options in options(), then call Main().
class Program {
 public:
  Program(std::string name, std::string purpose, std::string example);
  ~Program();

  OptionList& options() { return *options_; }

  bool quiet() const { return quiet_; }
  // Prints what the program has found or done as one line, unless it is to be quiet. Returns the
  // exit status.
  int Tell(const std::string& line) const;
  // To be called now and then by a body that takes long: Ctrl-C only sets a flag. Throws
  // Error(kCancelled) once it is set.
  void CheckInterrupted() const;

  // For a body that leaves nothing behind and calls what cannot be told to stop: Ctrl-C ends the
  // process where it is, from now on.
  void EndAtOnceWhenInterrupted() const;

  // Parses, runs `body` and returns the exit status of the process.
  int Main(int argc, char** argv, const std::function<int()>& body);

 private:
  friend int RunTool(const std::string& name, int argc, char** argv);

  // --device (where the tool has none), --quiet, --progress, --describe, --version, --help, and for
  // a tool
  // --job and --print_job.
  void AddCommonOptions();
  bool Parse(int argc, char** argv);          // false: all that was asked for has been printed
  void CheckRequired() const;                 // without any argument: names --help too
  int Report(const std::exception& failure);  // prints its line, returns the status
  int RunItems();                             // of tool_
  ToolReport RunOne(const RunControl& control);

  HelpPage page_;
  OptionList own_;
  OptionList* options_ = &own_;
  const ToolInfo* tool_info_ = nullptr;
  std::unique_ptr<Tool> tool_;
  std::string device_ = "cpu";
  bool quiet_ = false;
  ProgressMode progress_ = ProgressMode::kBar;
  bool version_ = false;
  bool help_ = false;
  std::optional<HelpForm> describe_;
  std::string job_;
  bool print_job_ = false;
  std::optional<ProgressDisplay> display_;
  int64_t failed_allocations_ = 0;  // before the run
};

// Of mdvt: "0.1.0".
std::string Version();

}  // namespace mdvt::example
