// SPDX-License-Identifier: Apache-2.0
//
// Open files of the operating system.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

namespace mdvt {

// A descriptor that is closed at the end of its scope.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  ~FileDescriptor() { Close(); }
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      Close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }

  int get() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  int Release() { return std::exchange(number_, -1); }
  // Returns 0 or the system's error number; the descriptor is closed in both cases.
  int Close();

 private:
  int number_ = -1;
};

// open() with O_CLOEXEC, tried again when a signal interrupts it. The descriptor is never 0, 1 or
// 2: where a process was started without standard streams, text meant for them would end up in the
// file. If it is not open then, errno says why.
FileDescriptor OpenFile(const std::string& path, int flags, mode_t mode = 0);

// Text of an errno value; strerror is not thread safe.
std::string SystemErrorText(int error);

}  // namespace mdvt
