// SPDX-License-Identifier: Apache-2.0
//
// What all programs share: options, help, one line per error, exit statuses, signals, batch lists.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/progress_display.h"
#include "mdvt/core/run.h"
#include "mdvt/io/depth_codec.h"
#include "mdvt/pipeline/jobs.h"

namespace mdvt::example {

// The numbers that an option takes.
struct Range {
  double low = 0;
  double high = 0;
  bool without_low = false;  // the range is open there
  bool without_high = false;

  bool Contains(double value) const {
    return (without_low ? value > low : value >= low) &&
           (without_high ? value < high : value <= high);
  }
  std::string ToString() const;  // "(0, 180)"
};

// What one run has written, for the line at its end.
struct Summary {
  int64_t frames = 0;
  std::vector<std::string> outputs;
  std::string details;  // "1280x360", may be empty
};

class Program {
 public:
  Program(std::string name, std::string purpose, std::string example);
  ~Program();

  // Options are named with underscores; on the command line `-` and `_` are the same, one dash is
  // as good as two, and a value follows as `--name value` or `--name=value`. `shown_default` is
  // what
  // --help prints where the variable cannot tell.
  void Text(const std::string& name, const std::string& value_name, const std::string& help,
            std::string* value, const std::string& shown_default = "none");
  void Number(const std::string& name, const std::string& value_name, const std::string& help,
              double* value, Range range);
  void Number(const std::string& name, const std::string& value_name, const std::string& help,
              std::optional<double>* value, Range range, const std::string& shown_default);
  void Integer(const std::string& name, const std::string& value_name, const std::string& help,
               int64_t* value, Range range);
  void Integer(const std::string& name, const std::string& value_name, const std::string& help,
               std::optional<int64_t>* value, Range range, const std::string& shown_default);
  void Flag(const std::string& name, const std::string& help, bool* value);
  void Choice(const std::string& name, const std::string& help,
              const std::vector<std::string>& choices, std::string* value);
  void Choice(const std::string& name, const std::string& help,
              const std::vector<std::string>& choices, std::optional<std::string>* value,
              const std::string& shown_default);
  void Require(const std::string& name);
  // The option may also be given as a bare value; several take them in the order of these calls.
  void Positional(const std::string& name);
  // Documented elsewhere, not done here: using one is an error that says `why`.
  void Refuse(const std::vector<std::string>& names, const std::string& why);
  bool WasGiven(const std::string& name) const;

  // Option groups that several programs share.
  void AddFovOptions(FovOptions* fov, const std::string& shown_default);
  void AddDepthReadingOptions(std::optional<double>* max_depth,
                              std::optional<DepthEncoding>* encoding);
  // The same as --truth_max_depth and --truth_encoding.
  void AddTruthReadingOptions(std::optional<double>* max_depth,
                              std::optional<DepthEncoding>* encoding);
  // The same as --reference_max_depth and --reference_encoding.
  void AddReferenceReadingOptions(std::optional<double>* max_depth,
                                  std::optional<DepthEncoding>* encoding);
  void AddMaxFrames(JobOptions* job);
  // --overwrite, --no_overwrite and --threads, which belong to every job.
  void AddJobOptions(JobOptions* job);

  // --device takes CUDA devices too.
  void AllowDevices() { devices_ = true; }
  const std::string& device() const { return device_; }

  // Tells what the run in progress is about to do, unless --quiet or --progress none.
  void Announce(const std::vector<std::pair<std::string, std::string>>& facts);

  // Parses, runs `body` and returns the exit status of the process.
  int Main(int argc, char** argv, const std::function<int()>& body);

  // Runs `job` once or, where inputs are batch lists, for each of their entries in turn. The first
  // input names the output: `suffix` is appended to it, in the folder --output if that is one.
  // Every item gets its line; the status is 0 or that of the first that failed.
  struct Inputs {
    std::vector<std::pair<std::string, std::string*>> paths;  // option name, value
    std::string* output = nullptr;
    std::string suffix;
  };
  int ForEachItem(const Inputs& inputs, const std::function<Summary(const RunControl&)>& job);

 private:
  void Add(const std::string& name, const std::string& value_name, const std::string& help,
           const std::string& shown_default, std::function<void(const std::string&)> set);
  void AddDepthReading(const std::string& prefix, const std::string& what,
                       std::optional<double>* max_depth, std::optional<DepthEncoding>* encoding);
  // The arguments as CLI11 takes them: names in their one spelling, each with its value behind "=".
  // Fails for names that are refused or not known, and for values that are missing.
  std::vector<std::string> Spell(int argc, char** argv) const;
  bool Parse(int argc, char** argv);  // false: help or version was asked for
  [[noreturn]] void FailUnknown(const std::string& name) const;
  std::string Footer() const;                 // of the help
  int Report(const std::exception& failure);  // prints its line, returns the status

  struct Parser;  // CLI11, whose header is slow to compile

  std::string name_;
  std::string example_;
  std::unique_ptr<Parser> parser_;
  std::vector<std::pair<std::string, std::string>> refused_;
  std::vector<std::string> positional_;
  bool quiet_ = false;
  std::string progress_ = "bar";
  bool devices_ = false;
  std::string device_ = "cpu";
  std::optional<ProgressDisplay> display_;
};

// Of mdvt: "0.1.0".
std::string Version();

// The encoding of this short or full name ("rgb16", "gray16", ...); throws
// Error(kInvalidArgument) that lists the names.
DepthEncoding EncodingByName(const std::string& name);

}  // namespace mdvt::example
