// SPDX-License-Identifier: Apache-2.0
//
// A system whose calls fail when a test wants it. Linking this library and naming anything of it
// replaces the C library's functions in the whole program:
//
//   open (of what is made, and of folders), pwrite, fsync, rename, renameat2, link, unlink, mkdir,
//   rmdir, close (of what those opens gave)
#pragma once

#include <functional>
#include <string>

namespace mdvt::test {

enum class SystemCall {
  kOpen,
  kWrite,
  kSync,
  kRename,
  kLink,
  kUnlink,
  kMakeFolder,
  kRemoveFolder,
  kClose
};

constexpr int kShortWrite = 0;  // in place of an error number: half of the bytes are written
constexpr int kKill = -1;       // in place of an error number: SIGKILL just before the call

struct Fault {
  int at = -1;           // which call fails, counted from 0; -1: none
  int error = 0;         // an error number or one of the above
  bool forever = false;  // and all calls after it
};

struct FaultOutcome {
  int calls = 0;                         // that were counted
  bool hit = false;                      // there were enough of them
  SystemCall which = SystemCall::kOpen;  // the first that failed
};

// Runs `work` with the fault. What it throws passes through to *failure ("" if it threw nothing);
// anything but mdvt::Error fails the test.
FaultOutcome RunWithFault(const Fault& fault, const std::function<void()>& work,
                          std::string* failure);

// Calls that removing hidden folders makes: where one of these fails, such a folder may stay until
// the next run.
inline bool IsPartOfCleaning(SystemCall call) {
  return call == SystemCall::kUnlink || call == SystemCall::kRemoveFolder ||
         call == SystemCall::kOpen;
}

// Number of the hidden folders and files in `folder` and below that mdvt has left behind.
int CountLeftovers(const std::string& folder);

}  // namespace mdvt::test
