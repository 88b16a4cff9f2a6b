// SPDX-License-Identifier: Apache-2.0
#include "io/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

// Text of an errno value; strerror is not thread safe.
std::string ErrorText(int error) { return std::generic_category().message(error); }

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string FolderOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Names that no other thread or process of this machine uses at the same time.
std::string TemporaryName(const std::string& folder) {
  static std::atomic<uint64_t> counter{0};
  return folder + "/.mdvt-" + std::to_string(getpid()) + "-" + std::to_string(++counter) + ".tmp";
}

}  // namespace

std::string ReadTextFile(const std::string& path, const char* what, const Limits& limits) {
  limits.Check();
  const std::string name = std::string(what) + " " + path;
  Require(path.find('\0') == std::string::npos, Code::kInvalidArgument,
          std::string(what) + ": the path contains a zero byte");
  // O_NONBLOCK: opening a pipe without a writer would wait for ever.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    const int error = errno;
    const bool missing = error == ENOENT || error == ENOTDIR;
    throw Error(missing ? Code::kNotFound : Code::kIo,
                name + (missing ? ": no such file" : ": cannot be opened: " + ErrorText(error)));
  }
  struct stat status = {};
  Require(fstat(file.get(), &status) == 0, Code::kIo, name + ": " + ErrorText(errno));
  Require(
      S_ISREG(status.st_mode), Code::kIo,
      name + (S_ISDIR(status.st_mode) ? ": is a folder, not a file" : ": is not a regular file"));
  const auto too_large = [&] {
    return Error(Code::kLimit, name + ": longer than the limit of " +
                                   std::to_string(limits.max_text_bytes) + " bytes");
  };
  if (status.st_size > limits.max_text_bytes) throw too_large();
  std::string text(static_cast<size_t>(status.st_size), '\0');
  size_t used = 0;
  for (;;) {
    if (used == text.size()) text.resize(used + 4096);  // the file may have grown; one more look
    const ssize_t got = read(file.get(), &text[used], text.size() - used);
    if (got < 0 && errno == EINTR) continue;
    Require(got >= 0, Code::kIo, name + ": cannot be read: " + ErrorText(errno));
    if (got == 0) break;
    used += static_cast<size_t>(got);
    if (static_cast<int64_t>(used) > limits.max_text_bytes) throw too_large();
  }
  text.resize(used);
  return text;
}

AtomicFile::AtomicFile(const std::string& path) : path_(path), folder_(FolderOf(path)) {
  Require(path.find('\0') == std::string::npos, Code::kIo,
          "cannot write: the path contains a zero byte");
  Require(!path.empty() && path.back() != '/', Code::kIo,
          "cannot write \"" + path + "\": not a file name");
  struct stat status = {};
  if (stat(path.c_str(), &status) == 0) {
    Require(S_ISREG(status.st_mode), Code::kIo,
            "cannot write " + path +
                (S_ISDIR(status.st_mode) ? ": it is a folder" : ": it is not a regular file"));
  }
  buffer_.resize(kBufferBytes);
  do {
    temporary_ = TemporaryName(folder_);
    fd_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (fd_ < 0 && (errno == EEXIST || errno == EINTR));
  if (fd_ < 0) {
    const int error = errno;
    throw Error(Code::kIo, "cannot write " + path + ": " +
                               (error == ENOENT ? "the folder does not exist" : ErrorText(error)));
  }
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::WriteAll(const char* data, size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd_, data, size);
    if (written < 0 && errno == EINTR) continue;
    Require(written > 0, Code::kIo,
            "cannot write " + path_ + ": " + ErrorText(written == 0 ? ENOSPC : errno));
    data += written;
    size -= static_cast<size_t>(written);
  }
}

void AtomicFile::Flush() {
  WriteAll(buffer_.data(), used_);
  used_ = 0;
}

void AtomicFile::Write(const void* data, size_t size) {
  Require(fd_ >= 0, Code::kInvalidArgument, "AtomicFile: " + path_ + " is already complete");
  if (size == 0) return;
  if (used_ + size > buffer_.size()) Flush();
  if (size >= buffer_.size()) {
    WriteAll(static_cast<const char*>(data), size);
  } else {
    std::memcpy(buffer_.data() + used_, data, size);
    used_ += size;
  }
}

void AtomicFile::Commit() {
  Require(fd_ >= 0, Code::kInvalidArgument, "AtomicFile: " + path_ + " is already complete");
  Flush();
  Require(fsync(fd_) == 0, Code::kIo, "cannot write " + path_ + ": " + ErrorText(errno));
  const int closed = close(fd_);
  fd_ = -1;
  Require(closed == 0, Code::kIo, "cannot write " + path_ + ": " + ErrorText(errno));
  Require(std::rename(temporary_.c_str(), path_.c_str()) == 0, Code::kIo,
          "cannot rename the finished file to " + path_ + ": " + ErrorText(errno));
  temporary_.clear();
  // The new name itself survives a power cut. Some file systems cannot sync a folder: no error.
  const FileDescriptor folder(open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) fsync(folder.get());
}

void WriteFileAtomically(const std::string& path, std::string_view content) {
  AtomicFile file(path);
  file.Write(content);
  file.Commit();
}

}  // namespace mdvt
