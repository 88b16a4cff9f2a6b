// SPDX-License-Identifier: Apache-2.0
//
// Where a reader's bytes come from: a file, memory, or whatever an embedding program has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mdvt {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Reads up to `size` bytes that start at `offset` (>= 0) into `buffer` and returns how many there
  // were: fewer are fine, 0 means the end. Throws Error(kIo). Called by one thread at a time.
  virtual size_t ReadAt(int64_t offset, void* buffer, size_t size) = 0;

  // All bytes, known beforehand.
  virtual int64_t size() const = 0;
};

// A regular file. Throws Error: kNotFound (no such file, a folder), kUnsupported (pipes, devices),
// kIo (not readable).
std::unique_ptr<ByteSource> OpenFileSource(const std::string& path);

// Bytes that stay where they are and must outlive the source; and bytes that it takes over.
std::unique_ptr<ByteSource> OpenMemorySource(const void* data, size_t size);
std::unique_ptr<ByteSource> OpenMemorySource(std::vector<std::byte> bytes);

}  // namespace mdvt
