// SPDX-License-Identifier: Apache-2.0
//
// Model files, as the operating system has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/file_descriptor.h"

namespace mdvt {

// Tells whether a file is the one it was: another file under its name, or other contents.
struct FileStamp {
  uint64_t device = 0, inode = 0;
  int64_t size = 0;
  int64_t changed_s = 0, changed_ns = 0;

  friend bool operator==(const FileStamp& a, const FileStamp& b) {
    return a.device == b.device && a.inode == b.inode && a.size == b.size &&
           a.changed_s == b.changed_s && a.changed_ns == b.changed_ns;
  }
};

// A regular file that is open for reading. Throws Error(kNotFound), Error(kIo).
class ModelFile {
 public:
  explicit ModelFile(const std::string& path);

  const FileStamp& stamp() const { return stamp_; }
  // Up to `size` bytes; 0 at the end.
  size_t Read(char* to, size_t size) const;

 private:
  std::string path_;
  FileDescriptor file_;
  FileStamp stamp_;
};

struct HashedFile {
  std::string sha256;
  FileStamp stamp;
};
HashedFile HashFile(const std::string& path);

// In lower case; empty if it is no SHA-256 in hexadecimal.
std::string NormalizedSha256(const std::string& text);

}  // namespace mdvt
