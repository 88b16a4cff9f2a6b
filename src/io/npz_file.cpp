// SPDX-License-Identifier: Apache-2.0
//
// The format of the arrays: https://numpy.org/neps/nep-0001-npy-format.html, version 1.0; that of
// the archive: PKWARE's APPNOTE, entries that are stored.
#include "mdvt/io/npz_file.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/little_endian.h"
#include "io/ffmpeg.h"
#include "io/npy_header.h"
#include "io/output_file.h"
#include "mdvt/core/error.h"

extern "C" {
#include <libavutil/crc.h>
}

namespace mdvt {
namespace {

constexpr uint64_t kMostBytes = 0xFFFFFFFF;

uint32_t Crc(uint32_t crc, std::string_view bytes) {
  return av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), crc,
                reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

std::string NpyHeader(const std::vector<int64_t>& shape, const char* type) {
  std::string sizes;
  for (const int64_t size : shape) sizes += std::to_string(size) + ", ";
  if (shape.size() > 1) sizes.resize(sizes.size() - 2);
  std::string text =
      std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': (" + sizes + "), }";
  // The data begins at a multiple of 64.
  while ((text.size() + 1 + 10) % 64 != 0) text.push_back(' ');
  text.push_back('\n');
  std::string header("\x93NUMPY\x01\0", 8);
  PutLittle(static_cast<uint16_t>(text.size()), &header);
  return header + text;
}

struct NpzWriter::Impl {
  struct Entry {
    std::string name;
    uint32_t crc = 0;
    uint64_t size = 0;
    uint64_t offset = 0;
  };

  explicit Impl(const OutputTarget& target) : file(target), path(target.path()) {}

  // What both headers of an entry share, from the version on. The date is the first that ZIP has,
  // so that the same arrays give the same bytes.
  static std::string Fields(const Entry& entry) {
    std::string text;
    PutLittle<uint16_t>(20, &text);  // version
    PutLittle<uint16_t>(0, &text);   // flags
    PutLittle<uint16_t>(0, &text);   // stored
    PutLittle<uint16_t>(0, &text);   // time
    PutLittle<uint16_t>(33, &text);  // 1 January 1980
    PutLittle(static_cast<uint32_t>(entry.crc), &text);
    PutLittle(static_cast<uint32_t>(entry.size), &text);
    PutLittle(static_cast<uint32_t>(entry.size), &text);
    PutLittle(static_cast<uint16_t>(entry.name.size()), &text);
    PutLittle<uint16_t>(0, &text);  // no extra field
    return text;
  }

  void Write(std::string_view bytes) {
    file.Write(bytes);
    written += bytes.size();
  }

  void Add(const std::string& name, const std::vector<int64_t>& shape, const char* type,
           const void* values, size_t value_bytes) {
    Entry entry;
    entry.name = name + ".npy";
    const bool taken = std::any_of(entries.begin(), entries.end(),
                                   [&](const Entry& e) { return e.name == entry.name; });
    Require(!name.empty() && name.size() < 1000 && !taken, Code::kInvalidArgument,
            path + ": '" + name + "' cannot be the name of a further array");
    uint64_t bytes = value_bytes;
    for (const int64_t size : shape) {
      Require(size >= 0, Code::kInvalidArgument, path + ": array '" + name + "' has a bad shape");
      bytes *= static_cast<uint64_t>(std::min<int64_t>(size, int64_t{1} << 31));
      Require(bytes < kMostBytes, Code::kLimit, path + ": array '" + name + "' is too large");
    }
    const std::string header = NpyHeader(shape, type);
    const std::string_view data(static_cast<const char*>(values), bytes);
    entry.size = header.size() + bytes;
    entry.offset = written;
    Require(written + entry.size + 65536 < kMostBytes, Code::kLimit,
            path + ": an .npz file holds 4 GiB, this would be larger");
    entry.crc = ~Crc(Crc(0xFFFFFFFF, header), data);
    std::string local("PK\x03\x04");
    Write(local + Fields(entry) + entry.name);
    Write(header);
    Write(data);
    entries.push_back(std::move(entry));
  }

  void Finish() {
    const uint64_t begin = written;
    for (const Entry& entry : entries) {
      std::string central("PK\x01\x02");
      PutLittle<uint16_t>(20, &central);  // made by
      central += Fields(entry);
      PutLittle<uint16_t>(0, &central);  // no comment
      PutLittle<uint16_t>(0, &central);  // disk
      PutLittle<uint16_t>(0, &central);  // internal attributes
      PutLittle<uint32_t>(0, &central);  // external ones
      PutLittle(static_cast<uint32_t>(entry.offset), &central);
      Write(central + entry.name);
    }
    std::string end("PK\x05\x06");
    PutLittle<uint32_t>(0, &end);  // disks
    PutLittle(static_cast<uint16_t>(entries.size()), &end);
    PutLittle(static_cast<uint16_t>(entries.size()), &end);
    PutLittle(static_cast<uint32_t>(written - begin), &end);
    PutLittle(static_cast<uint32_t>(begin), &end);
    PutLittle<uint16_t>(0, &end);  // no comment
    Write(end);
    file.Finish();
  }

  OutputFile file;
  std::string path;
  uint64_t written = 0;
  std::vector<Entry> entries;
};

NpzWriter::NpzWriter(const OutputTarget& target) : impl_(std::make_unique<Impl>(target)) {}
NpzWriter::~NpzWriter() = default;
NpzWriter::NpzWriter(NpzWriter&&) noexcept = default;
NpzWriter& NpzWriter::operator=(NpzWriter&&) noexcept = default;

void NpzWriter::Add(const std::string& name, const std::vector<int64_t>& shape,
                    const float* values) {
  impl_->Add(name, shape, "<f4", values, sizeof(float));
}
void NpzWriter::Add(const std::string& name, const std::vector<int64_t>& shape,
                    const double* values) {
  impl_->Add(name, shape, "<f8", values, sizeof(double));
}
void NpzWriter::Add(const std::string& name, const std::vector<int64_t>& shape,
                    const uint8_t* values) {
  impl_->Add(name, shape, "|u1", values, sizeof(uint8_t));
}
void NpzWriter::Finish() { impl_->Finish(); }

}  // namespace mdvt
