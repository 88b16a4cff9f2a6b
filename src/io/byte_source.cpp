// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/file_descriptor.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

class FileSource : public ByteSource {
 public:
  explicit FileSource(const std::string& path) : path_(path) {
    // Without O_NONBLOCK a pipe that nobody writes to would hang here.
    descriptor_ = OpenFile(path, O_RDONLY | O_NONBLOCK);
    if (!descriptor_.is_open()) {
      const int error = errno;
      const bool missing = error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG;
      Require(!missing, Code::kNotFound, path + ": no such file");
      Fail("cannot be opened", error);
    }
    struct stat status = {};
    if (fstat(descriptor_.get(), &status) != 0) Fail("cannot be opened", errno);
    if (!S_ISREG(status.st_mode)) {
      Require(!S_ISDIR(status.st_mode), Code::kNotFound, path + ": is a folder, not a file");
      throw Error(Code::kUnsupported, path + ": is a pipe or a device, only files can be read");
    }
    size_ = status.st_size;
  }

  size_t ReadAt(int64_t offset, void* buffer, size_t size) override {
    for (;;) {
      const ssize_t count = pread(descriptor_.get(), buffer, size, offset);
      if (count >= 0) return static_cast<size_t>(count);
      if (errno != EINTR) Fail("reading failed", errno);
    }
  }

  int64_t size() const override { return size_; }

 private:
  [[noreturn]] void Fail(const char* what, int error) const {
    throw Error(Code::kIo, path_ + ": " + what + ": " + SystemErrorText(error));
  }

  std::string path_;
  FileDescriptor descriptor_;
  int64_t size_ = 0;
};

class MemorySource : public ByteSource {
 public:
  MemorySource(const void* data, size_t size)
      : data_(static_cast<const std::byte*>(data)), size_(size) {}
  explicit MemorySource(std::vector<std::byte> bytes)
      : bytes_(std::move(bytes)), data_(bytes_.data()), size_(bytes_.size()) {}

  size_t ReadAt(int64_t offset, void* buffer, size_t size) override {
    if (offset < 0 || offset >= static_cast<int64_t>(size_)) return 0;
    const size_t count = std::min(size, size_ - static_cast<size_t>(offset));
    if (count > 0) std::memcpy(buffer, data_ + offset, count);
    return count;
  }

  int64_t size() const override { return static_cast<int64_t>(size_); }

 private:
  std::vector<std::byte> bytes_;
  const std::byte* data_;
  size_t size_;
};

}  // namespace

std::unique_ptr<ByteSource> OpenFileSource(const std::string& path) {
  return std::make_unique<FileSource>(path);
}

std::unique_ptr<ByteSource> OpenMemorySource(const void* data, size_t size) {
  return std::make_unique<MemorySource>(data, size);
}

std::unique_ptr<ByteSource> OpenMemorySource(std::vector<std::byte> bytes) {
  return std::make_unique<MemorySource>(std::move(bytes));
}

}  // namespace mdvt
