// SPDX-License-Identifier: Apache-2.0
#include "io/output_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

[[noreturn]] void Fail(const std::string& path, const char* what, int error) {
  throw Error(Code::kIo, path + ": " + what + ": " + SystemErrorText(error));
}

}  // namespace

void WriteAllAt(int descriptor, int64_t offset, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(descriptor, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) Fail(path, "writing failed", count < 0 ? errno : ENOSPC);
    bytes.remove_prefix(static_cast<size_t>(count));
    offset += count;
  }
}

void SyncFile(int descriptor, const std::string& path) {
  int result;
  do {
    result = fsync(descriptor);
  } while (result != 0 && errno == EINTR);
  // Some file systems cannot sync and say so; that is no loss of data.
  if (result != 0 && errno != EINVAL && errno != ENOTSUP)
    Fail(path, "writing to disk failed", errno);
}

OutputFile::OutputFile(const OutputTarget& target, bool overwrite) {
  if (target.is_in_set()) {
    file_ = target.file_;
  } else {
    alone_ = std::make_unique<OutputSet>(overwrite);
    file_ = alone_->AddFile(target.path()).file_;
  }
  Require(!std::exchange(file_->has_writer, true), Code::kInvalidArgument,
          file_->path + ": has a writer already");
}

void OutputFile::RequireUnfinished() const {
  Require(!file_->finished, Code::kInvalidArgument, file_->path + ": is finished already");
}

void OutputFile::WriteAt(int64_t offset, const void* data, size_t size) {
  RequireUnfinished();
  WriteAllAt(file_->descriptor.get(), offset, {static_cast<const char*>(data), size}, file_->path);
  size_ = std::max(size_, offset + static_cast<int64_t>(size));
}

size_t OutputFile::ReadAt(int64_t offset, void* buffer, size_t size) const {
  for (;;) {
    const ssize_t count = pread(file_->descriptor.get(), buffer, size, offset);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR) Fail(file_->path, "reading back failed", errno);
  }
}

void OutputFile::Flush() {
  WriteAt(size_, buffer_.data(), used_);
  used_ = 0;
  buffer_.resize(kBufferBytes);
}

void OutputFile::Write(const void* data, size_t size) {
  RequireUnfinished();
  if (size == 0) return;
  if (used_ + size > buffer_.size()) Flush();
  if (size >= buffer_.size()) {
    WriteAt(size_, data, size);
  } else {
    std::memcpy(buffer_.data() + used_, data, size);
    used_ += size;
  }
}

void OutputFile::Finish() {
  RequireUnfinished();
  if (used_ > 0) Flush();
  FileDescriptor& descriptor = file_->descriptor;
  if (file_->mode && fchmod(descriptor.get(), *file_->mode) != 0)
    Fail(file_->path, "passing on the permissions of the old file failed", errno);
  SyncFile(descriptor.get(), file_->path);
  struct stat status = {};
  if (fstat(descriptor.get(), &status) != 0) Fail(file_->path, "writing failed", errno);
  Require(status.st_size == size_, Code::kIo,
          file_->path + ": " + std::to_string(status.st_size) + " bytes are on disk, " +
              std::to_string(size_) + " were written");
  if (const int error = descriptor.Close()) Fail(file_->path, "closing failed", error);
  file_->stamp = staging::FileStamp::Of(status);
  file_->finished = true;
  if (alone_) alone_->CommitAll();
}

void WriteFile(const OutputTarget& target, std::string_view content) {
  OutputFile file(target);
  file.Write(content);
  file.Finish();
}

}  // namespace mdvt
