// SPDX-License-Identifier: Apache-2.0
#include "model/model_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "mdvt/core/error.h"

namespace mdvt {
ModelFile::ModelFile(const std::string& path) : path_(path) {
  // Not blocking: a pipe without a writer would otherwise be waited for.
  file_ = OpenFile(path, O_RDONLY | O_NONBLOCK);
  if (!file_.is_open()) {
    const int error = errno;
    const bool missing = error == ENOENT || error == ENOTDIR;
    throw Error(missing ? Code::kNotFound : Code::kIo, "'" + path + "': " + SystemErrorText(error));
  }
  struct stat status = {};
  const bool known = fstat(file_.get(), &status) == 0;
  Require(known && S_ISREG(status.st_mode), Code::kIo, "'" + path + "': not a regular file");
  stamp_ = {static_cast<uint64_t>(status.st_dev), static_cast<uint64_t>(status.st_ino),
            static_cast<int64_t>(status.st_size), static_cast<int64_t>(status.st_ctim.tv_sec),
            static_cast<int64_t>(status.st_ctim.tv_nsec)};
}

size_t ModelFile::Read(char* to, size_t size) const {
  for (;;) {
    const ssize_t got = read(file_.get(), to, size);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) throw Error(Code::kIo, "'" + path_ + "': " + SystemErrorText(errno));
  }
}

}  // namespace mdvt
