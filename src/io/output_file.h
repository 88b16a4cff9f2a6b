// SPDX-License-Identifier: Apache-2.0
//
// The bytes of one output. All writers of files write through this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/staged_file.h"
#include "mdvt/io/output_set.h"

namespace mdvt {

// Finish() makes the file whole: written out, counted, synced. It then appears with the others of
// its set, or at once if the target was a plain path. Without Finish() nothing appears.
// Every function throws Error(kIo) that names the target's path and the system's reason ("No space
// left on device"); the constructor also what OutputSet::AddFile() throws.
class OutputFile {
 public:
  // overwrite  of a plain path; a set has its own.
  explicit OutputFile(const OutputTarget& target, bool overwrite = true);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // At once, wherever it is.
  void WriteAt(int64_t offset, const void* data, size_t size);
  // Reads back what WriteAt() wrote; returns the number of bytes, 0 at the end.
  size_t ReadAt(int64_t offset, void* buffer, size_t size) const;

  // At the end, gathered into large pieces. Not to be mixed with WriteAt().
  void Write(const void* data, size_t size);
  void Write(std::string_view text) { Write(text.data(), text.size()); }
  // The same in two steps for many small records: room for `size` <= 4096 bytes, then how many of
  // them were filled.
  char* Room(size_t size) {
    if (used_ + size > buffer_.size()) Flush();
    return buffer_.data() + used_;
  }
  void Add(size_t size) { used_ += size; }

  int64_t size() const { return size_; }  // without what is still gathered
  const std::string& path() const { return file_->path; }

  void Finish();

 private:
  void Flush();
  void RequireUnfinished() const;

  std::unique_ptr<OutputSet> alone_;  // of a plain path
  std::shared_ptr<StagedFile> file_;
  int64_t size_ = 0;
  std::vector<char> buffer_;
  size_t used_ = 0;  // bytes of the buffer that are not yet in the file
};

// A whole small file.
void WriteFile(const OutputTarget& target, std::string_view content);

}  // namespace mdvt
