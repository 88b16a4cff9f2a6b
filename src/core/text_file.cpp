// SPDX-License-Identifier: Apache-2.0
#include "core/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "core/file_descriptor.h"
#include "mdvt/core/error.h"

namespace mdvt {

std::string ReadTextFile(const std::string& path, const std::string& what, const Limits& limits) {
  limits.Check();
  const std::string name = what + " " + path;
  Require(path.find('\0') == std::string::npos, Code::kInvalidArgument,
          what + ": the path contains a zero byte");
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

std::string_view CheckedText(const char* data, size_t size, const std::string& what,
                             const Limits& limits) {
  limits.Check();
  if (size > static_cast<uint64_t>(limits.max_text_bytes)) {
    throw Error(Code::kLimit, what + ": " + std::to_string(size) + " bytes, the limit is " +
                                  std::to_string(limits.max_text_bytes));
  }
  std::string_view text(data, size);
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  return text;
}

std::string_view Trim(std::string_view text, std::string_view more) {
  const auto is_space = [&](char c) {
    return std::string_view(" \t\r\v\f").find(c) != std::string_view::npos ||
           more.find(c) != std::string_view::npos;
  };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<std::string_view> TextLines::Next() {
  if (rest_.empty()) return std::nullopt;
  const size_t end = rest_.find('\n');
  const std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  ++number_;
  return line;
}

}  // namespace mdvt
