// SPDX-License-Identifier: Apache-2.0
//
// Another program that does a part of the work.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace mdvt {

// Where a program is: `name` itself if it has a slash, else the first of that name in a folder of
// PATH. Empty if there is none that may be run.
std::string FindProgram(const std::string& name);

// Runs a program until it ends, without a shell. It reads nothing; what it prints goes to the file
// `log`. `while_waiting` is called about twenty times a second; if it throws, the program and all
// that it has started are killed.
// Returns its exit status, or 128 + the number of the signal that ended it. Throws Error(kIo) if it
// cannot be started.
int RunChild(const std::vector<std::string>& words, const std::string& log,
             const std::function<void()>& while_waiting);

// A folder of one's own in the system's folder for temporary files; gone with the object. Those
// that killed processes of the same user have left are removed when one is made: their owners hold
// a lock on them while they live.
class ScratchFolder {
 public:
  ScratchFolder();  // throws Error(kIo)
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
  int lock_ = -1;
};

}  // namespace mdvt
