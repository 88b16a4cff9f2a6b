// SPDX-License-Identifier: Apache-2.0
//
// The metadata of an ONNX file, without the runtime: a protobuf message whose fields are a key, of
// which the low three bits tell how the value is stored, and the value.
#include <cstdint>
#include <fstream>
#include <limits>

#include "onnx_model.h"

namespace mdvt::onnx_backend {
namespace {

constexpr uint64_t kMetadataProps = 14;  // of ModelProto: entries of key (1) and value (2)
constexpr char kKey[] = "mdvt.json";
constexpr int64_t kMostBytes = int64_t{64} << 20;

class FieldReader {
 public:
  explicit FieldReader(std::istream* stream, int64_t end) : stream_(*stream), end_(end) {}

  bool AtEnd() { return stream_.tellg() >= end_; }

  uint64_t Number() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const int byte = stream_.get();
      if (byte == std::char_traits<char>::eof()) Fail();
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    Fail();
  }

  // The length of a value that is a text or a message, as far as the file has it.
  int64_t Length() {
    const uint64_t length = Number();
    if (length > static_cast<uint64_t>(end_ - stream_.tellg())) Fail();
    return static_cast<int64_t>(length);
  }

  std::string Text() {
    const int64_t length = Length();
    if (length > kMostBytes) Fail();
    std::string text(static_cast<size_t>(length), '\0');
    if (!stream_.read(text.data(), length)) Fail();
    return text;
  }

  void Skip(uint64_t wire) {
    if (wire == 0) {
      Number();
      return;
    }
    const int64_t bytes = wire == 1 ? 8 : wire == 5 ? 4 : wire == 2 ? Length() : -1;
    if (bytes < 0 || bytes > end_ - stream_.tellg()) Fail();
    stream_.seekg(bytes, std::ios::cur);
  }

  [[noreturn]] static void Fail() {
    throw Failure(MDVT_BACKEND_CORRUPT, "is no ONNX file, or it is damaged");
  }

 private:
  std::istream& stream_;
  int64_t end_;
};

}  // namespace

std::string ReadMetadata(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw Failure(MDVT_BACKEND_NOT_FOUND, "cannot be read");
  const int64_t size = file.tellg();
  file.seekg(0);
  FieldReader fields(&file, size);
  std::string found;
  while (!fields.AtEnd()) {
    const uint64_t head = fields.Number();
    if (head >> 3 != kMetadataProps || (head & 7) != 2) {
      fields.Skip(head & 7);
      continue;
    }
    const int64_t length = fields.Length();
    const int64_t end = static_cast<int64_t>(file.tellg()) + length;
    FieldReader entry(&file, end);
    std::string key, value;
    while (!entry.AtEnd()) {
      const uint64_t part = entry.Number();
      if (part == (1 << 3 | 2)) {
        key = entry.Text();
      } else if (part == (2 << 3 | 2)) {
        value = entry.Text();
      } else {
        entry.Skip(part & 7);
      }
    }
    if (key == kKey) found = value;  // of several the last holds, as protobuf has it
  }
  return found;
}

}  // namespace mdvt::onnx_backend
