// SPDX-License-Identifier: Apache-2.0
//
// Small reads from a ByteSource, a few kilobytes at a time: a call of the system for each element
// of a few bytes takes longer than reading the whole file.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "mdvt/io/byte_source.h"

namespace mdvt::ff {

class SourceWindow {
 public:
  explicit SourceWindow(ByteSource& source) : source_(source) {}

  int64_t size() const { return source_.size(); }

  // Copies `count` bytes (at most a window) from `offset` on; returns how many there are. Throws
  // Error(kIo).
  size_t Read(int64_t offset, void* to, size_t count) {
    if (offset < begin_ || offset + static_cast<int64_t>(count) > begin_ + Length()) Fill(offset);
    const int64_t there = std::max<int64_t>(0, begin_ + Length() - offset);
    const size_t copied = std::min(count, static_cast<size_t>(there));
    if (copied > 0) std::memcpy(to, bytes_.data() + (offset - begin_), copied);
    return copied;
  }

 private:
  int64_t Length() const { return static_cast<int64_t>(length_); }

  void Fill(int64_t offset) {
    begin_ = offset;
    length_ = 0;
    while (length_ < bytes_.size()) {
      const size_t count =
          source_.ReadAt(offset + Length(), bytes_.data() + length_, bytes_.size() - length_);
      if (count == 0) break;
      length_ += count;
    }
  }

  ByteSource& source_;
  int64_t begin_ = 0;
  size_t length_ = 0;
  std::array<unsigned char, 4096> bytes_;
};

}  // namespace mdvt::ff
