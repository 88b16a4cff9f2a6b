// SPDX-License-Identifier: Apache-2.0
//
// The format of the arrays: https://numpy.org/neps/nep-0001-npy-format.html; that of the archive:
// PKWARE's APPNOTE, entries that are stored, and when read deflated ones too.
#include "mdvt/io/npz_file.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "core/little_endian.h"
#include "io/ffmpeg.h"
#include "io/npy_header.h"
#include "io/output_file.h"
#include "io/typed_numbers.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/byte_source.h"

extern "C" {
#include <libavutil/crc.h>
}

namespace mdvt {
namespace {

constexpr uint64_t kMostBytes = 0xFFFFFFFF;
constexpr size_t kMostNpyHeader = 65536;

// What follows `'key':` in the header of an array, without blanks before it.
std::string ValueOf(const std::string& header, const std::string& key) {
  size_t at = header.find("'" + key + "'");
  if (at == std::string::npos) return "";
  at = header.find(':', at);
  if (at == std::string::npos) return "";
  at = header.find_first_not_of(' ', at + 1);
  return at == std::string::npos ? "" : header.substr(at);
}

template <typename T>
T Little(std::string_view bytes, size_t at) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value | static_cast<T>(static_cast<unsigned char>(bytes[at + i]))
                                       << (8 * i));
  return value;
}

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

int64_t NpyInfo::count() const {
  int64_t all = 1;
  for (const int64_t size : shape) {
    Require(size == 0 || all <= (int64_t{1} << 40) / size, Code::kLimit, "too many numbers");
    all *= size;
  }
  return all;
}

NpyInfo ReadNpyHeader(const std::function<std::string(int64_t offset, size_t size)>& read,
                      const std::function<void(const std::string&)>& refuse) {
  const std::string start = read(0, 12);
  if (start.size() < 12 || start.compare(0, 6, "\x93NUMPY") != 0) refuse("is no .npy file");
  const bool short_size = start[6] == 1;
  const size_t size = short_size ? Little<uint16_t>(start, 8) : Little<uint32_t>(start, 8);
  if (size > kMostNpyHeader) refuse("has a header of " + std::to_string(size) + " bytes");
  NpyInfo info;
  info.begin = (short_size ? 10 : 12) + static_cast<int64_t>(size);
  const std::string header = read(short_size ? 10 : 12, size);
  const std::string type = ValueOf(header, "descr");
  const size_t quote = type.empty() ? std::string::npos : type.find(type[0], 1);
  if (quote == std::string::npos || (type[0] != '\'' && type[0] != '"'))
    refuse("holds records, not numbers of one type");
  info.type = type.substr(1, quote - 1);
  info.by_columns = ValueOf(header, "fortran_order").compare(0, 4, "True") == 0;
  // "(2, 12, 3)"
  const std::string shape = ValueOf(header, "shape");
  const size_t end = shape.find(')');
  if (shape.empty() || shape[0] != '(' || end == std::string::npos) refuse("has no shape");
  for (size_t at = 1; at < end;) {
    const size_t comma = std::min(shape.find(',', at), end);
    const size_t first = std::min(shape.find_first_not_of(' ', at), comma);
    if (first < comma) {
      const std::optional<int64_t> number = ParseInt(shape.substr(first, comma - first));
      if (!number || *number < 0) refuse("has a shape that is none");
      info.shape.push_back(*number);
    }
    at = comma + 1;
  }
  return info;
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
void NpzWriter::Add(const std::string& name, const std::vector<int64_t>& shape,
                    const int64_t* values) {
  impl_->Add(name, shape, "<i8", values, sizeof(int64_t));
}
void NpzWriter::Add(const std::string& name, const std::vector<int64_t>& shape,
                    const int32_t* values) {
  impl_->Add(name, shape, "<i4", values, sizeof(int32_t));
}
void NpzWriter::AddText(const std::string& name, const std::string& text) {
  std::string characters;
  for (const char character : text)
    PutLittle(uint32_t{static_cast<unsigned char>(character)}, &characters);
  const std::string type = "<U" + std::to_string(std::max<size_t>(1, text.size()));
  if (text.empty()) PutLittle<uint32_t>(0, &characters);
  impl_->Add(name, {}, type.c_str(), characters.data(), characters.size());
}
void NpzWriter::Finish() { impl_->Finish(); }

// ---- Reading.

struct NpzReader::Impl {
  struct Entry {
    std::string name;  // without .npy
    uint16_t method = 0;
    uint32_t crc = 0;
    uint64_t packed = 0;  // bytes in the file
    uint64_t size = 0;    // bytes of the array with its header
    uint64_t offset = 0;  // of its local header
  };

  Impl(const std::string& name, const Limits& read_limits)
      : path(name), limits(read_limits), source(OpenFileSource(name)) {
    ReadDirectory();
  }

  [[noreturn]] void Refuse(const std::string& what) const {
    throw Error(Code::kCorrupt, path + ": " + what);
  }
  std::string Read(uint64_t offset, uint64_t size) const {
    const auto all = static_cast<uint64_t>(source->size());
    if (offset > all || size > all - offset) Refuse("ends within its archive");
    std::string bytes(size, '\0');
    for (size_t done = 0; done < bytes.size();) {
      const size_t count = source->ReadAt(static_cast<int64_t>(offset + done), bytes.data() + done,
                                          bytes.size() - done);
      if (count == 0) Refuse("ends within its archive");
      done += count;
    }
    return bytes;
  }
  void ReadDirectory();
  std::string Unpack(const Entry& entry) const;
  const Entry& At(const std::string& name) const;

  std::string path;
  Limits limits;
  std::unique_ptr<ByteSource> source;
  std::vector<Entry> entries;
};

void NpzReader::Impl::ReadDirectory() {
  constexpr uint64_t kEndBytes = 22, kMostComment = 65535, kEntryBytes = 46, kMostEntries = 4096;
  const auto all = static_cast<uint64_t>(source->size());
  const uint64_t tail_bytes = std::min(all, kEndBytes + kMostComment);
  const std::string tail = Read(all - tail_bytes, tail_bytes);
  const size_t end = tail.rfind("PK\x05\x06");
  if (end == std::string::npos || tail.size() - end < kEndBytes)
    Refuse("is no .npz file, which is a ZIP archive of arrays");
  const uint64_t count = Little<uint16_t>(tail, end + 10);
  const uint64_t bytes = Little<uint32_t>(tail, end + 12);
  const uint64_t begin = Little<uint32_t>(tail, end + 16);
  if (count > kMostEntries || begin == kMostBytes || bytes > (uint64_t{1} << 24))
    throw Error(Code::kUnsupported, path + ": is an archive of more than 4 GiB or 4096 arrays");
  const std::string directory = Read(begin, bytes);
  size_t at = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (directory.size() - at < kEntryBytes || directory.compare(at, 4, "PK\x01\x02") != 0)
      Refuse("has a damaged list of its arrays");
    Entry entry;
    entry.method = Little<uint16_t>(directory, at + 10);
    entry.crc = Little<uint32_t>(directory, at + 16);
    entry.packed = Little<uint32_t>(directory, at + 20);
    entry.size = Little<uint32_t>(directory, at + 24);
    entry.offset = Little<uint32_t>(directory, at + 42);
    const size_t name = Little<uint16_t>(directory, at + 28);
    const size_t more =
        Little<uint16_t>(directory, at + 30) + size_t{Little<uint16_t>(directory, at + 32)};
    if (directory.size() - at - kEntryBytes < name + more)
      Refuse("has a damaged list of its arrays");
    entry.name = directory.substr(at + kEntryBytes, name);
    at += kEntryBytes + name + more;
    if (entry.name.size() < 4 || entry.name.compare(entry.name.size() - 4, 4, ".npy") != 0)
      continue;
    entry.name.resize(entry.name.size() - 4);
    entries.push_back(std::move(entry));
  }
}

const NpzReader::Impl::Entry& NpzReader::Impl::At(const std::string& name) const {
  for (const Entry& entry : entries)
    if (entry.name == name) return entry;
  Refuse("has no array '" + name + "'");
}

std::string NpzReader::Impl::Unpack(const Entry& entry) const {
  constexpr uint64_t kLocalBytes = 30;
  Require(entry.size <= static_cast<uint64_t>(limits.max_text_bytes), Code::kLimit,
          path + ": the array '" + entry.name + "' takes " + std::to_string(entry.size) +
              " bytes, more than " + std::to_string(limits.max_text_bytes));
  const std::string local = Read(entry.offset, kLocalBytes);
  if (local.compare(0, 4, "PK\x03\x04") != 0)
    Refuse("has a damaged beginning of '" + entry.name + "'");
  const uint64_t begin = entry.offset + kLocalBytes + Little<uint16_t>(local, 26) +
                         uint64_t{Little<uint16_t>(local, 28)};
  std::string bytes = Read(begin, entry.packed);
  if (entry.method == 8) {
    std::string unpacked(entry.size, '\0');
    z_stream stream{};
    Require(inflateInit2(&stream, -MAX_WBITS) == Z_OK, Code::kOutOfMemory, "out of memory");
    stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(unpacked.data());
    stream.avail_out = static_cast<uInt>(unpacked.size());
    const int status = inflate(&stream, Z_FINISH);
    const bool whole = status == Z_STREAM_END && stream.total_out == unpacked.size();
    inflateEnd(&stream);
    if (!whole) Refuse("the array '" + entry.name + "' cannot be unpacked");
    bytes = std::move(unpacked);
  } else if (entry.method != 0 || entry.packed != entry.size) {
    throw Error(Code::kUnsupported, path + ": the array '" + entry.name +
                                        "' is packed in a way that NumPy does not use");
  }
  if (static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(bytes.data()),
                                  static_cast<uInt>(bytes.size()))) != entry.crc)
    Refuse("the array '" + entry.name + "' is damaged");
  return bytes;
}

NpzReader::NpzReader(const std::string& path, const Limits& limits)
    : impl_(std::make_unique<Impl>(path, limits)) {}
NpzReader::~NpzReader() = default;
NpzReader::NpzReader(NpzReader&&) noexcept = default;
NpzReader& NpzReader::operator=(NpzReader&&) noexcept = default;

bool NpzReader::Has(const std::string& name) const {
  return std::any_of(impl_->entries.begin(), impl_->entries.end(),
                     [&](const Impl::Entry& entry) { return entry.name == name; });
}

namespace {

struct Array {
  NpyInfo info;
  std::string bytes;
};

template <typename T>
T NumberAt(const Array& array, size_t at) {
  T value;
  std::memcpy(&value, array.bytes.data() + at, sizeof(T));
  return value;
}

}  // namespace

NpzArray NpzReader::Read(const std::string& name) const {
  const Impl& me = *impl_;
  const auto refuse = [&](const std::string& what) {
    me.Refuse("the array '" + name + "' " + what);
  };
  Array array;
  array.bytes = me.Unpack(me.At(name));
  array.info = ReadNpyHeader(
      [&array](int64_t offset, size_t size) {
        const auto begin = std::min(static_cast<size_t>(offset), array.bytes.size());
        return array.bytes.substr(begin, size);
      },
      refuse);
  if (array.info.by_columns && array.info.shape.size() > 1) refuse("is stored by columns");
  const std::string& type = array.info.type;
  const char kind = type.size() > 2 ? type[1] : '?';
  const int64_t size = type.size() > 2 ? ParseInt(type.substr(2)).value_or(0) : 0;
  if (type.empty() || (type[0] != '<' && !(type[0] == '|' && (size == 1 || kind == 'S'))))
    refuse("holds numbers of the type '" + type + "', which is not read here");
  NpzArray read;
  read.shape = array.info.shape;
  const int64_t bytes_each = kind == 'U' ? 4 * size : size;
  if (bytes_each < 1 || bytes_each > 65536 ||
      array.info.count() >
          (static_cast<int64_t>(array.bytes.size()) - array.info.begin) / bytes_each)
    refuse("ends before its last number");
  if (const std::optional<NumberType> numbers = ParseNumberType(type)) {
    ForEachNumber(*numbers, array.bytes.data() + array.info.begin, array.info.count(),
                  [&read](auto value) {
                    read.values.push_back(static_cast<double>(value));
                    if constexpr (std::is_integral_v<decltype(value)>)
                      read.integers.push_back(static_cast<int64_t>(value));
                  });
    return read;
  }
  if ((kind != 'U' && kind != 'S') || !read.shape.empty())
    refuse("holds numbers of the type '" + type + "', which is not read here");
  // One text: 32 bits or a byte for each character.
  for (int64_t i = 0; i < size; ++i) {
    const auto at = static_cast<size_t>(array.info.begin + i * (kind == 'U' ? 4 : 1));
    const auto character =
        kind == 'U' ? NumberAt<uint32_t>(array, at) : uint32_t{NumberAt<uint8_t>(array, at)};
    if (character == 0) break;
    if (character > 126 || character < 32) refuse("is no plain text");
    read.text.push_back(static_cast<char>(character));
  }
  return read;
}

}  // namespace mdvt
