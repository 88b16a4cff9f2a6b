// SPDX-License-Identifier: Apache-2.0
//
// Runs the built programs as a user does and looks at what they leave behind.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mdvt::test {

struct Outcome {
  int status = -1;  // exit status, or 128 + number of the signal that ended the process
  bool by_signal = false;
  std::string out;
  std::string err;
  double seconds = 0;
  int64_t peak_rss_kb = 0;
};

// A program that has been started. Its output goes to files, so that it never waits for a reader.
class RunningProgram {
 public:
  using Arguments = std::vector<std::string>;
  // `program` is a name in the folder of built programs. `max_file_bytes` limits what it may write
  // to one file, 0 = no limit.
  RunningProgram(const std::string& program, const Arguments& arguments,
                 int64_t max_file_bytes = 0);
  ~RunningProgram();  // kills it if nobody waited
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  pid_t pid() const { return pid_; }
  // Waits for its end; sends SIGKILL after `timeout_seconds`.
  Outcome Wait(double timeout_seconds = 300);

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  double start_ = 0;
};

Outcome RunProgram(const std::string& program, const RunningProgram::Arguments& arguments,
                   int64_t max_file_bytes = 0);

// Every file below `folder` with its content: equal before and after a failed run.
std::map<std::string, std::string> Snapshot(const std::string& folder);

// Checks that a run ended with `status`, one line on stderr that begins "<program>: error: " and
// holds each of `phrases` (beside it there may be warnings), and nothing on stdout.
void ExpectOneClearLine(const std::string& program, const Outcome& outcome, int status,
                        const std::vector<std::string>& phrases);

// Seconds on a clock that only goes forward.
double Now();

}  // namespace mdvt::test
