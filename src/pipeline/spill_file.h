// SPDX-License-Identifier: Apache-2.0
//
// Maps that a later pass needs again, in any order, kept on disk so that memory does not grow with
// the clip.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mdvt {

// A file without a name in the system's folder for temporary files: it is gone with the object, or
// with the process.
class SpillFile {
 public:
  // record  floats of each record. Throws Error(kIo).
  explicit SpillFile(size_t record);
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  // Throws Error(kIo), with the system's reason ("No space left on device").
  void Write(int64_t index, const std::vector<float>& values);
  // What Write() got under this index.
  void Read(int64_t index, std::vector<float>* values) const;

 private:
  size_t record_;
  int file_ = -1;
};

}  // namespace mdvt
