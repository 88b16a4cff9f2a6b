// SPDX-License-Identifier: Apache-2.0
//
// Whole small files: read with a limit, written so that they appear at once or not at all.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "mdvt/core/limits.h"

namespace mdvt {

// The bytes of a regular file. Throws Error: kNotFound, kIo (also for folders, pipes and devices),
// kLimit past limits.max_text_bytes. `what` begins the text: "FOV file", "batch list".
std::string ReadTextFile(const std::string& path, const char* what, const Limits& limits);

// A file under construction: written under a temporary name in the folder of `path`, then synced
// and renamed by Commit(). Without Commit() the temporary file vanishes and `path` stays as it was.
// Every function throws Error(kIo) naming `path`.
class AtomicFile {
 public:
  // Fails where something other than a regular file has the name: renaming would replace a device.
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void Write(const void* data, size_t size);
  void Write(std::string_view text) { Write(text.data(), text.size()); }
  // The same in two steps for many small records: room for `size` <= 4096 bytes, then how many of
  // them were filled.
  char* Room(size_t size) {
    if (used_ + size > buffer_.size()) Flush();
    return buffer_.data() + used_;
  }
  void Add(size_t size) { used_ += size; }
  void Commit();

 private:
  void Flush();
  void WriteAll(const char* data, size_t size);

  std::string path_;
  std::string folder_;
  std::string temporary_;
  int fd_ = -1;
  std::vector<char> buffer_;
  size_t used_ = 0;  // bytes of the buffer that are not yet in the file
};

// The three steps in one.
void WriteFileAtomically(const std::string& path, std::string_view content);

}  // namespace mdvt
