// SPDX-License-Identifier: Apache-2.0
//
// Model files, as the operating system has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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
  // A file beside an .onnx file that holds weights of it, under the name that it has there.
  struct Outside;

  // Throws Error: kNotFound, kIo, kOutOfMemory where the copy does not fit into memory; of files
  // beside it too, and kRefused for one that would be in another folder.
  explicit SealedModel(const std::string& path) : SealedModel(path, true) {}
  ~SealedModel();
  SealedModel(const SealedModel&) = delete;
  SealedModel& operator=(const SealedModel&) = delete;

  // Of all files.
  int64_t size() const { return total_; }
  // Where there are further files: the hash of a text, of which each line is the hash of a file,
  // first its own and then theirs in alphabetical order of their names.
  const std::string& sha256() const { return sha256_; }
  const std::vector<Outside>& outside() const { return outside_; }
  // A name that opens it, in this process and while this lives: "/proc/self/fd/7".
  const std::string& name() const { return name_; }
  // What this kind of file is if it holds weights without a network, with what to do; else empty.
  std::string WhyNoNetwork() const;
  // What is wrong with a file whose name says that it is TorchScript or ONNX, with what to do, as
  // far as it shows without their code; else empty.
  std::string WhyUnreadable() const;

 private:
  // Files that hold weights alone name none themselves.
  SealedModel(const std::string& path, bool may_name_others);
  void SealOutside(const std::string& path);
  std::string Bytes(int64_t offset, size_t size) const;  // fewer at the end
  std::string ZipEnd() const;
  bool IsArchiveWithoutCode() const;

  FileDescriptor memory_;
  int64_t size_ = 0;
  int64_t total_ = 0;
  std::string sha256_;
  std::string name_;
  std::string ending_;
  bool is_onnx_ = false;
  std::vector<Outside> outside_;
};

struct SealedModel::Outside {
  std::string name;
  std::unique_ptr<SealedModel> file;
};

// In lower case; empty if it is no SHA-256 in hexadecimal.
std::string NormalizedSha256(const std::string& text);

}  // namespace mdvt
