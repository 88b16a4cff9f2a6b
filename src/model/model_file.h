// SPDX-License-Identifier: Apache-2.0
//
// Model files, as the operating system has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/file_descriptor.h"

namespace mdvt {

// A regular file that is open for reading. Throws Error(kNotFound), Error(kIo).
class ModelFile {
 public:
  explicit ModelFile(const std::string& path);

  int64_t size() const { return size_; }
  // Up to `size` bytes; 0 at the end.
  size_t Read(char* to, size_t size) const;

 private:
  std::string path_;
  FileDescriptor file_;
  int64_t size_ = 0;
};

// What a model file held when it was read and hashed, in memory that nobody can change any more.
// Backends open that in place of the file: whatever happens to the file meanwhile, the bytes that
// were judged are those that run.
class SealedModel {
 public:
  // Throws Error: kNotFound, kIo, kOutOfMemory where the copy does not fit into memory.
  explicit SealedModel(const std::string& path);

  int64_t size() const { return size_; }
  const std::string& sha256() const { return sha256_; }
  // A name that opens it, in this process and while this lives: "/proc/self/fd/7".
  const std::string& name() const { return name_; }
  // What this kind of file is if it holds weights without a network, with what to do; else empty.
  std::string WhyNoNetwork() const;

 private:
  std::string Bytes(int64_t offset, size_t size) const;  // fewer at the end
  bool IsArchiveWithoutCode() const;

  FileDescriptor memory_;
  int64_t size_ = 0;
  std::string sha256_;
  std::string name_;
};

// In lower case; empty if it is no SHA-256 in hexadecimal.
std::string NormalizedSha256(const std::string& text);

}  // namespace mdvt
