// SPDX-License-Identifier: Apache-2.0
#include "pipeline/spill_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

[[noreturn]] void Fail(const std::string& what) {
  throw Error(Code::kIo, "temporary file: " + what + ": " + std::strerror(errno));
}

}  // namespace

SpillFile::SpillFile(size_t record) : record_(record) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  Require(!error, Code::kIo, "there is no folder for temporary files (TMPDIR)");
  std::string name = (folder / "mdvt-XXXXXX").string();
  file_ = mkostemp(name.data(), O_CLOEXEC);
  if (file_ < 0) Fail("cannot be made in '" + folder.string() + "'");
  unlink(name.c_str());
}

SpillFile::~SpillFile() { close(file_); }

void SpillFile::Write(int64_t index, const std::vector<float>& values) {
  Require(values.size() == record_, Code::kInternal, "SpillFile: a record of another size");
  const auto* bytes = reinterpret_cast<const char*>(values.data());
  const size_t size = record_ * sizeof(float);
  for (size_t done = 0; done < size;) {
    const ssize_t n =
        pwrite(file_, bytes + done, size - done,
               static_cast<off_t>(index) * static_cast<off_t>(size) + static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) Fail("cannot be written");
    done += static_cast<size_t>(n);
  }
}

void SpillFile::Read(int64_t index, std::vector<float>* values) const {
  values->resize(record_);
  auto* bytes = reinterpret_cast<char*>(values->data());
  const size_t size = record_ * sizeof(float);
  for (size_t done = 0; done < size;) {
    const ssize_t n =
        pread(file_, bytes + done, size - done,
              static_cast<off_t>(index) * static_cast<off_t>(size) + static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) Fail("cannot be read");
    done += static_cast<size_t>(n);
  }
}

}  // namespace mdvt
