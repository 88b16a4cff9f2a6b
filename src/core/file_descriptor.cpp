// SPDX-License-Identifier: Apache-2.0
#include "core/file_descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace mdvt {
namespace {

constexpr int kFirstFree = 3;  // behind stdin, stdout and stderr

}  // namespace

int FileDescriptor::Close() {
  if (number_ < 0) return 0;
  const int result = close(std::exchange(number_, -1));
  // After EINTR the descriptor is closed on Linux.
  return result == 0 || errno == EINTR ? 0 : errno;
}

FileDescriptor OpenFile(const std::string& path, int flags, mode_t mode) {
  for (;;) {
    FileDescriptor file(open(path.c_str(), flags | O_CLOEXEC, mode));
    if (!file.is_open() && errno == EINTR) continue;
    if (!file.is_open() || file.get() >= kFirstFree) return file;
    FileDescriptor higher(fcntl(file.get(), F_DUPFD_CLOEXEC, kFirstFree));
    const int error = errno;
    file.Close();
    errno = error;
    return higher;
  }
}

std::string SystemErrorText(int error) { return std::generic_category().message(error); }

}  // namespace mdvt
