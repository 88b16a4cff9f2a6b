// SPDX-License-Identifier: Apache-2.0
//
// A file that appears under its name only when it is whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace mdvt {

// Bytes go to a hidden file with a unique name in the folder of `path`. Commit() syncs it, compares
// its size, renames it to `path` and syncs the folder. Without Commit(), or if that throws before
// the rename, the hidden file is removed and what was under `path` stays as it was.
class OutputFile {
 public:
  // overwrite  false: Error(kIo) if `path` exists, now or at Commit().
  // Throws Error(kIo): folder missing or not writable, `path` is a folder or a device.
  explicit OutputFile(const std::string& path, bool overwrite = true);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Throws Error(kIo) that names `path` and the system's reason ("No space left on device").
  void WriteAt(int64_t offset, const void* data, size_t size);
  void Append(const void* data, size_t size) { WriteAt(size_, data, size); }
  // Reads back what was written; returns the number of bytes, 0 at the end. Throws Error(kIo).
  size_t ReadAt(int64_t offset, void* buffer, size_t size) const;

  int64_t size() const { return size_; }
  const std::string& path() const { return path_; }
  const std::string& temporary_path() const { return temporary_path_; }

  // Throws Error(kIo).
  void Commit();

 private:
  [[noreturn]] void Fail(const std::string& what, int error) const;
  void Rename();
  void SyncFolder() const;

  std::string path_;
  std::string folder_;
  std::string temporary_path_;
  bool overwrite_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

}  // namespace mdvt
