// SPDX-License-Identifier: Apache-2.0
#include "model/model_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <vector>

#include "core/file_ending.h"
#include "mdvt/core/error.h"
#include "mdvt/core/memory.h"
#include "model/hasher.h"
#include "model/onnx_weights.h"

namespace mdvt {
namespace {

constexpr size_t kBlock = 1 << 17;

// A checkpoint of PyTorch before 1.6: a pickle of protocol 2 that begins with its magic number.
constexpr std::string_view kOldCheckpoint =
    "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

constexpr std::string_view kZipStart("PK\3\4", 4), kZipEnd("PK\5\6", 4);
constexpr size_t kZipEndSize = 22;

constexpr char kRemedy[] =
    ": it holds weights and no network; make a model of it with one of models/export, see "
    "docs/models.md";

uint32_t Number(std::string_view bytes, size_t at, size_t size) {
  uint32_t number = 0;
  for (size_t i = size; i-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

[[noreturn]] void FailCopy(const std::string& path, int error) {
  if (error == ENOMEM || error == ENOSPC)
    throw Error(Code::kOutOfMemory, "'" + path + "': out of memory for its copy");
  throw Error(Code::kIo, "'" + path + "': cannot be copied into memory: " + SystemErrorText(error));
}

void WriteAll(int descriptor, const char* from, size_t size, const std::string& path) {
  while (size > 0) {
    const ssize_t written = write(descriptor, from, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) FailCopy(path, errno);
    from += written;
    size -= static_cast<size_t>(written);
  }
}

}  // namespace

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
  Require(!known || !S_ISDIR(status.st_mode), Code::kNotFound,
          "'" + path + "': is a folder, not a file");
  Require(known && S_ISREG(status.st_mode), Code::kIo, "'" + path + "': not a regular file");
  size_ = static_cast<int64_t>(status.st_size);
}

size_t ModelFile::Read(char* to, size_t size) const {
  for (;;) {
    const ssize_t got = read(file_.get(), to, size);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) throw Error(Code::kIo, "'" + path_ + "': " + SystemErrorText(errno));
  }
}

SealedModel::SealedModel(const std::string& path, bool may_name_others) {
  const ModelFile file(path);
  Require(file.size() <= AvailableMemory(), Code::kOutOfMemory,
          "'" + path + "': has " + std::to_string(file.size()) + " bytes, more than the " +
              std::to_string(AvailableMemory()) + " of memory that are left");
  FileDescriptor made(memfd_create("mdvt model", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!made.is_open()) FailCopy(path, errno);
  // Not among the standard streams, as in OpenFile().
  memory_ = FileDescriptor(fcntl(made.get(), F_DUPFD_CLOEXEC, 3));
  if (!memory_.is_open()) FailCopy(path, errno);
  made.Close();
  Hasher hasher;
  std::vector<char> block(kBlock);
  while (const size_t got = file.Read(block.data(), block.size())) {
    hasher.Add(block.data(), got);
    WriteAll(memory_.get(), block.data(), got, path);
    size_ += static_cast<int64_t>(got);
  }
  const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  if (fcntl(memory_.get(), F_ADD_SEALS, seals) != 0) FailCopy(path, errno);
  sha256_ = hasher.Result();
  name_ = "/proc/self/fd/" + std::to_string(memory_.get());
  total_ = size_;
  ending_ = LowerEnding(path);
  if (may_name_others && ending_ == ".onnx") SealOutside(path);
}

SealedModel::~SealedModel() = default;

void SealedModel::SealOutside(const std::string& path) {
  if (size_ == 0) return;
  const auto size = static_cast<size_t>(size_);
  void* const bytes = mmap(nullptr, size, PROT_READ, MAP_SHARED, memory_.get(), 0);
  if (bytes == MAP_FAILED) FailCopy(path, errno);
  const std::vector<std::string> names = OutsideWeights(static_cast<const char*>(bytes), size);
  is_onnx_ = HoldsOnnxGraph(static_cast<const char*>(bytes), size);
  munmap(bytes, size);
  if (names.empty()) return;
  constexpr size_t kMostFiles = 256;
  Require(names.size() <= kMostFiles, Code::kLimit,
          "'" + path + "': has weights in " + std::to_string(names.size()) + " files, at most " +
              std::to_string(kMostFiles) + " are opened");
  std::string hashes = sha256_ + '\n';
  for (const std::string& name : names) {
    const bool beside = !name.empty() && name != "." && name != ".." &&
                        name.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
    Require(beside, Code::kRefused,
            "'" + path + "': has weights in '" + name +
                "', only files in the folder of the network are opened");
    const std::string other = (std::filesystem::path(path).parent_path() / name).string();
    std::error_code ignored;
    Require(std::filesystem::exists(other, ignored), Code::kNotFound,
            "'" + path + "': has weights in '" + name + "', which is not beside it");
    outside_.push_back({name, std::unique_ptr<SealedModel>(new SealedModel(other, false))});
    total_ += outside_.back().file->size();
    hashes += outside_.back().file->sha256() + '\n';
  }
  Hasher all;
  all.Add(hashes.data(), hashes.size());
  sha256_ = all.Result();
}

std::string SealedModel::Bytes(int64_t offset, size_t size) const {
  std::string bytes(size, '\0');
  size_t used = 0;
  while (used < size) {
    const ssize_t got =
        pread(memory_.get(), &bytes[used], size - used, offset + static_cast<int64_t>(used));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    used += static_cast<size_t>(got);
  }
  bytes.resize(used);
  return bytes;
}

// The record at the end of a zip; empty without one.
std::string SealedModel::ZipEnd() const {
  constexpr size_t kLongestComment = 65535;
  const int64_t tail_at = std::max<int64_t>(0, size_ - int64_t{kZipEndSize + kLongestComment});
  const std::string tail = Bytes(tail_at, kZipEndSize + kLongestComment);
  const size_t at = tail.rfind(kZipEnd);
  if (at == std::string::npos || at + kZipEndSize > tail.size()) return {};
  return tail.substr(at, kZipEndSize);
}

// A zip with a pickle and without TorchScript's code. False for what cannot be followed.
bool SealedModel::IsArchiveWithoutCode() const {
  constexpr std::string_view kEntry("PK\1\2", 4);
  constexpr size_t kEntrySize = 46;
  constexpr uint32_t kLongestDirectory = 1 << 26;
  const std::string end = ZipEnd();
  if (Bytes(0, 4) != kZipStart || end.empty()) return false;
  const uint32_t bytes = Number(end, 12, 4), at = Number(end, 16, 4);
  if (bytes > kLongestDirectory) return false;
  const std::string directory = Bytes(at, bytes);
  bool pickle = false;
  for (size_t i = 0; i + kEntrySize <= directory.size();) {
    const std::string_view entry = std::string_view(directory).substr(i);
    if (entry.substr(0, 4) != kEntry) return false;
    const size_t name_size = Number(entry, 28, 2);
    const std::string_view name = entry.substr(kEntrySize, name_size);
    const std::string_view below = name.substr(std::min(name.find('/'), name.size()));
    if (below.substr(0, 6) == "/code/" || below == "/constants.pkl") return false;
    pickle |= below == "/data.pkl";
    i += kEntrySize + name_size + Number(entry, 30, 2) + Number(entry, 32, 2);
  }
  return pickle;
}

std::string SealedModel::WhyNoNetwork() const {
  if (Bytes(0, kOldCheckpoint.size()) == kOldCheckpoint)
    return std::string("a checkpoint in PyTorch's old format") + kRemedy;
  if (IsArchiveWithoutCode()) return std::string("a checkpoint of PyTorch") + kRemedy;
  return {};
}

std::string SealedModel::WhyUnreadable() const {
  if (ending_ == ".onnx" && !is_onnx_)
    return "not an ONNX file, or one that is damaged: copy, download or export it again, see "
           "docs/models.md";
  if (ending_ != ".pt" && ending_ != ".pth" && ending_ != ".torchscript") return {};
  if (Bytes(0, 4) != kZipStart)
    return "not a TorchScript file: it is not a ZIP archive, as these are; give one that a script "
           "of models/export has written, see docs/models.md";
  if (ZipEnd().empty())
    return "a TorchScript file whose end is missing: copy, download or export it again";
  return {};
}

}  // namespace mdvt
