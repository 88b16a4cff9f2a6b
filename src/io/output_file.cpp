// SPDX-License-Identifier: Apache-2.0
#include "io/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

// Different for each file of this process and, by the clock and the process number, of others.
std::string UniqueName() {
  static std::atomic<uint64_t> counter{0};
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  const uint64_t mixed = (static_cast<uint64_t>(now) + counter.fetch_add(1) * 0x9E3779B97F4A7C15u) *
                         0xBF58476D1CE4E5B9u;
  return ".mdvt-" + std::to_string(getpid()) + "-" + std::to_string(mixed >> 20) + ".tmp";
}

int OpenRetrying(const char* path, int flags, mode_t mode = 0) {
  for (;;) {
    const int descriptor = open(path, flags | O_CLOEXEC, mode);
    if (descriptor >= 0 || errno != EINTR) return descriptor;
  }
}

}  // namespace

OutputFile::OutputFile(const std::string& path, bool overwrite)
    : path_(path), overwrite_(overwrite) {
  const size_t slash = path.rfind('/');
  folder_ = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  struct stat status = {};
  if (lstat(path.c_str(), &status) == 0) {
    Require(!S_ISDIR(status.st_mode), Code::kIo, path + ": is a folder, cannot be written to");
    Require(S_ISREG(status.st_mode) || S_ISLNK(status.st_mode), Code::kIo,
            path + ": is a device or a pipe, only files can be written");
    Require(overwrite, Code::kIo, path + ": exists already");
  } else if (errno != ENOENT) {
    Fail("cannot be written", errno);
  }
  const std::string prefix = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  for (int attempt = 0; attempt < 100 && descriptor_ < 0; ++attempt) {
    temporary_path_ = prefix + UniqueName();
    descriptor_ = OpenRetrying(temporary_path_.c_str(), O_RDWR | O_CREAT | O_EXCL, 0666);
    if (descriptor_ < 0 && errno != EEXIST) {
      const int error = errno;
      Require(error != ENOENT && error != ENOTDIR, Code::kIo,
              path + ": the folder " + folder_ + " does not exist");
      Fail("no file can be made in the folder " + folder_, error);
    }
  }
  Require(descriptor_ >= 0, Code::kIo, path + ": no free temporary name in " + folder_);
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_path_.empty()) unlink(temporary_path_.c_str());
}

void OutputFile::Fail(const std::string& what, int error) const {
  throw Error(Code::kIo, path_ + ": " + what + ": " + std::generic_category().message(error));
}

void OutputFile::WriteAt(int64_t offset, const void* data, size_t size) {
  const auto* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t count = pwrite(descriptor_, bytes, size, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) Fail("writing failed", count < 0 ? errno : ENOSPC);
    bytes += count;
    size -= static_cast<size_t>(count);
    offset += count;
    size_ = std::max(size_, offset);
  }
}

size_t OutputFile::ReadAt(int64_t offset, void* buffer, size_t size) const {
  for (;;) {
    const ssize_t count = pread(descriptor_, buffer, size, offset);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR) Fail("reading back failed", errno);
  }
}

void OutputFile::Commit() {
  int result;
  do {
    result = fsync(descriptor_);
  } while (result != 0 && errno == EINTR);
  // Some file systems cannot sync and say so; that is no loss of data.
  if (result != 0 && errno != EINVAL && errno != ENOTSUP) Fail("writing to disk failed", errno);
  struct stat status = {};
  if (fstat(descriptor_, &status) != 0) Fail("writing failed", errno);
  Require(status.st_size == size_, Code::kIo,
          path_ + ": " + std::to_string(status.st_size) + " bytes are on disk, " +
              std::to_string(size_) + " were written");
  const int descriptor = descriptor_;
  descriptor_ = -1;
  // After EINTR the descriptor is closed on Linux; the data was synced before.
  if (close(descriptor) != 0 && errno != EINTR) Fail("closing failed", errno);
  Rename();
  temporary_path_.clear();
  SyncFolder();
}

void OutputFile::Rename() {
  if (overwrite_) {
    if (rename(temporary_path_.c_str(), path_.c_str()) != 0) Fail("renaming failed", errno);
    return;
  }
  // A second name for the file fails if somebody made `path` in the meantime; rename() would not.
  if (link(temporary_path_.c_str(), path_.c_str()) == 0) {
    unlink(temporary_path_.c_str());
    return;
  }
  Require(errno != EEXIST, Code::kIo, path_ + ": exists already");
  // A file system without second names.
  struct stat status = {};
  Require(lstat(path_.c_str(), &status) != 0, Code::kIo, path_ + ": exists already");
  if (rename(temporary_path_.c_str(), path_.c_str()) != 0) Fail("renaming failed", errno);
}

void OutputFile::SyncFolder() const {
  const int folder = OpenRetrying(folder_.c_str(), O_RDONLY | O_DIRECTORY);
  if (folder < 0) return;  // a folder that may be written but not read cannot be synced
  const int result = fsync(folder);
  const int error = errno;
  close(folder);
  if (result != 0 && error == EIO) Fail("writing the folder to disk failed", error);
}

}  // namespace mdvt
