// SPDX-License-Identifier: Apache-2.0
#include "io/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/file_descriptor.h"
#include "mdvt/core/error.h"

namespace mdvt {

std::string ReadTextFile(const std::string& path, const char* what, const Limits& limits) {
  limits.Check();
  const std::string name = std::string(what) + " " + path;
  Require(path.find('\0') == std::string::npos, Code::kInvalidArgument,
          std::string(what) + ": the path contains a zero byte");
  // O_NONBLOCK: opening a pipe without a writer would wait for ever.
  const FileDescriptor file = OpenFile(path, O_RDONLY | O_NONBLOCK);
  if (!file.is_open()) {
    const int error = errno;
    const bool missing = error == ENOENT || error == ENOTDIR;
    throw Error(
        missing ? Code::kNotFound : Code::kIo,
        name + (missing ? ": no such file" : ": cannot be opened: " + SystemErrorText(error)));
  }
  struct stat status = {};
  Require(fstat(file.get(), &status) == 0, Code::kIo, name + ": " + SystemErrorText(errno));
  Require(
      S_ISREG(status.st_mode), Code::kIo,
      name + (S_ISDIR(status.st_mode) ? ": is a folder, not a file" : ": is not a regular file"));
  const auto too_large = [&] {
    return Error(Code::kLimit, name + ": longer than the limit of " +
                                   std::to_string(limits.max_text_bytes) + " bytes");
  };
  if (status.st_size > limits.max_text_bytes) throw too_large();
  std::string text(static_cast<size_t>(status.st_size), '\0');
  size_t used = 0;
  for (;;) {
    if (used == text.size()) text.resize(used + 4096);  // the file may have grown; one more look
    const ssize_t got = read(file.get(), &text[used], text.size() - used);
    if (got < 0 && errno == EINTR) continue;
    Require(got >= 0, Code::kIo, name + ": cannot be read: " + SystemErrorText(errno));
    if (got == 0) break;
    used += static_cast<size_t>(got);
    if (static_cast<int64_t>(used) > limits.max_text_bytes) throw too_large();
  }
  text.resize(used);
  return text;
}

}  // namespace mdvt
