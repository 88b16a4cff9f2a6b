// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "core/naming.h"
#include "core/text_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/byte_source.h"
#include "mdvt/io/geometry_file.h"

namespace mdvt {
namespace {

constexpr size_t kMaxHeader = 1 << 16;
constexpr size_t kChunk = 1 << 20;
constexpr int64_t kMaxCorners = 256;  // of one face

[[noreturn]] void Bad(const std::string& text) { throw Error(Code::kCorrupt, text); }

enum class Storage { kText, kLittle, kBig };

struct Scalar {
  size_t bytes = 0;
  bool is_float = false;
  bool is_signed = false;
};

std::optional<Scalar> ScalarOf(std::string_view name) {
  static constexpr std::pair<const char*, Scalar> kNames[] = {
      {"char", {1, false, true}},    {"int8", {1, false, true}},    {"uchar", {1, false, false}},
      {"uint8", {1, false, false}},  {"short", {2, false, true}},   {"int16", {2, false, true}},
      {"ushort", {2, false, false}}, {"uint16", {2, false, false}}, {"int", {4, false, true}},
      {"int32", {4, false, true}},   {"uint", {4, false, false}},   {"uint32", {4, false, false}},
      {"float", {4, true, true}},    {"float32", {4, true, true}},  {"double", {8, true, true}},
      {"float64", {8, true, true}}};
  for (const auto& [known, scalar] : kNames)
    if (name == known) return scalar;
  return std::nullopt;
}

struct Property {
  std::string name;
  Scalar scalar;
  std::optional<Scalar> count;  // of a list
};

struct Element {
  std::string name;
  int64_t count = 0;
  std::vector<Property> properties;
};

struct Header {
  Storage storage = Storage::kText;
  std::vector<Element> elements;
  size_t bytes = 0;  // up to the data
};

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  while (!(line = Trim(line)).empty()) {
    const size_t end = std::min(line.find_first_of(" \t"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

void ParseLine(const std::vector<std::string_view>& words, Header* header) {
  const std::string_view kind = words[0];
  if (kind == "comment" || kind == "obj_info") return;
  if (kind == "format" && words.size() == 3) {
    if (words[1] == "ascii") {
      header->storage = Storage::kText;
    } else if (words[1] == "binary_little_endian") {
      header->storage = Storage::kLittle;
    } else if (words[1] == "binary_big_endian") {
      header->storage = Storage::kBig;
    } else {
      Bad("format '" + std::string(words[1]) + "' is not one of PLY's");
    }
    return;
  }
  if (kind == "element" && words.size() == 3) {
    const std::optional<double> count = ParseDouble(std::string(words[2]));
    if (!count || !(*count >= 0 && *count < 2147483648.0) || *count != std::floor(*count))
      Bad("element " + std::string(words[1]) + " has a count of '" + std::string(words[2]) +
          "', must be a whole number below 2^31");
    header->elements.push_back({std::string(words[1]), static_cast<int64_t>(*count), {}});
    return;
  }
  const bool list = kind == "property" && words.size() == 5 && words[1] == "list";
  if (kind != "property" || (words.size() != 3 && !list) || header->elements.empty())
    Bad("header line '" + std::string(words[0]) + " ...' is not one of PLY's");
  Property property;
  const std::optional<Scalar> scalar = ScalarOf(words[list ? 3 : 1]);
  if (list) property.count = ScalarOf(words[2]);
  if (!scalar || (list && (!property.count || property.count->is_float)))
    Bad("property " + std::string(words.back()) + " is of a type that PLY does not have");
  property.scalar = *scalar;
  property.name = words.back();
  header->elements.back().properties.push_back(property);
}

Header ReadHeader(ByteSource* source) {
  std::string text(kMaxHeader, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const size_t got = source->ReadAt(static_cast<int64_t>(size), &text[size], text.size() - size);
    if (got == 0) break;
    size += got;
  }
  text.resize(size);
  if (text.rfind("ply", 0) != 0) Bad("is no PLY file: it does not begin with 'ply'");
  const size_t end = text.find("end_header");
  const size_t line_end = end == std::string::npos ? end : text.find('\n', end);
  if (line_end == std::string::npos) Bad("its PLY header has no end");
  Header header;
  header.bytes = line_end + 1;
  bool has_format = false;
  TextLines lines(std::string_view(text).substr(0, end));
  lines.Next();  // "ply"
  while (const auto line = lines.Next()) {
    const std::vector<std::string_view> words = Words(*line);
    if (words.empty()) continue;
    has_format = has_format || words[0] == "format";
    ParseLine(words, &header);
  }
  if (!has_format) Bad("its PLY header does not say in which format the data is");
  return header;
}

// The numbers behind the header, one after the other.
class Numbers {
 public:
  Numbers(ByteSource* source, const Header& header)
      : source_(source), storage_(header.storage), offset_(static_cast<int64_t>(header.bytes)) {}

  double Next(const Scalar& scalar) {
    if (storage_ == Storage::kText) return NextText();
    while (buffer_.size() - at_ < scalar.bytes) Refill();
    std::array<unsigned char, 8> bytes = {};
    std::memcpy(bytes.data(), buffer_.data() + at_, scalar.bytes);
    at_ += scalar.bytes;
    if (storage_ == Storage::kBig) std::reverse(bytes.begin(), bytes.begin() + scalar.bytes);
    uint64_t bits = 0;
    for (size_t i = scalar.bytes; i > 0; --i) bits = bits << 8 | bytes[i - 1];
    if (scalar.is_float) {
      if (scalar.bytes == 8) {
        double value;
        std::memcpy(&value, &bits, 8);
        return value;
      }
      const auto low = static_cast<uint32_t>(bits);
      float value;
      std::memcpy(&value, &low, 4);
      return value;
    }
    const auto value = static_cast<int64_t>(bits);
    const int64_t range = int64_t{1} << (8 * scalar.bytes);
    return static_cast<double>(scalar.is_signed && value >= range / 2 ? value - range : value);
  }

 private:
  static bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  double NextText() {
    for (;;) {
      while (at_ < buffer_.size() && IsSpace(buffer_[at_])) ++at_;
      size_t end = at_;
      while (end < buffer_.size() && !IsSpace(buffer_[end])) ++end;
      if (end == buffer_.size() && !ended_) {
        if (end - at_ > 64) Bad("its data holds a number of more than 64 characters");
        Refill();
        continue;
      }
      if (end == at_) Bad("its data ends too early");
      const std::string word = buffer_.substr(at_, end - at_);
      const std::optional<double> value = ParseDouble(word);
      if (!value) Bad("its data holds '" + word.substr(0, 40) + "' in place of a number");
      at_ = end;
      return *value;
    }
  }

  void Refill() {
    if (ended_) Bad("its data ends too early");
    buffer_.erase(0, at_);
    at_ = 0;
    const size_t kept = buffer_.size();
    buffer_.resize(kept + kChunk);
    const size_t got = source_->ReadAt(offset_, &buffer_[kept], kChunk);
    buffer_.resize(kept + got);
    offset_ += static_cast<int64_t>(got);
    ended_ = got == 0;
  }

  ByteSource* source_;
  Storage storage_;
  int64_t offset_;
  std::string buffer_;
  size_t at_ = 0;
  bool ended_ = false;
};

// Where in a vertex a property stands; -1: nowhere.
int Find(const Element& element, std::initializer_list<const char*> names) {
  for (size_t i = 0; i < element.properties.size(); ++i)
    for (const char* name : names)
      if (element.properties[i].name == name && !element.properties[i].count)
        return static_cast<int>(i);
  return -1;
}

void ReadVertices(const Element& element, Numbers* numbers, TriangleMesh* mesh) {
  const std::array<int, 3> place = {Find(element, {"x"}), Find(element, {"y"}),
                                    Find(element, {"z"})};
  const std::array<int, 3> shade = {Find(element, {"red", "diffuse_red", "r"}),
                                    Find(element, {"green", "diffuse_green", "g"}),
                                    Find(element, {"blue", "diffuse_blue", "b"})};
  if (*std::min_element(place.begin(), place.end()) < 0) Bad("its vertices have no x, y and z");
  const bool has_colors = *std::min_element(shade.begin(), shade.end()) >= 0;
  std::vector<double> values(element.properties.size());
  // Memory follows what the file really holds, not what its header claims.
  for (int64_t n = 0; n < element.count; ++n) {
    for (size_t i = 0; i < values.size(); ++i) {
      const Property& property = element.properties[i];
      if (!property.count) {
        values[i] = numbers->Next(property.scalar);
        continue;
      }
      const double count = numbers->Next(*property.count);
      if (!(count >= 0 && count <= 1 << 20)) Bad("vertex " + std::to_string(n) + " has a bad list");
      for (int k = 0; k < static_cast<int>(count); ++k) numbers->Next(property.scalar);
    }
    Eigen::Vector3f point;
    Eigen::Matrix<uint8_t, 3, 1> color;
    for (int i = 0; i < 3; ++i) {
      point[i] = static_cast<float>(values[static_cast<size_t>(place[static_cast<size_t>(i)])]);
      if (!has_colors) continue;
      const auto at = static_cast<size_t>(shade[static_cast<size_t>(i)]);
      const Scalar& scalar = element.properties[at].scalar;
      const double full = scalar.is_float ? 1 : scalar.bytes == 2 ? 65535 : 255;
      color[i] = static_cast<uint8_t>(std::clamp(values[at] / full, 0.0, 1.0) * 255 + 0.5);
    }
    if (!point.allFinite()) Bad("vertex " + std::to_string(n) + " is not finite");
    mesh->points.push_back(point);
    if (has_colors) mesh->colors.push_back(color);
  }
}

// Faces of more than three corners become fans.
void ReadFaces(const Element& element, Numbers* numbers, TriangleMesh* mesh) {
  for (int64_t n = 0; n < element.count; ++n) {
    for (const Property& property : element.properties) {
      if (!property.count) {
        numbers->Next(property.scalar);
        continue;
      }
      const bool corners = property.name == "vertex_indices" || property.name == "vertex_index";
      const double count = numbers->Next(*property.count);
      if (!(count >= 0 && count <= (corners ? kMaxCorners : 1 << 20)))
        Bad("face " + std::to_string(n) + " has " + FormatDouble(count) + " corners");
      int32_t first = 0;
      int32_t previous = 0;
      for (int k = 0; k < static_cast<int>(count); ++k) {
        const double index = numbers->Next(property.scalar);
        if (!corners) continue;
        if (!(index >= 0 && index < static_cast<double>(mesh->points.size())))
          Bad("face " + std::to_string(n) + " names a vertex that is not there");
        const auto corner = static_cast<int32_t>(index);
        if (k == 0) first = corner;
        if (k >= 2) mesh->triangles.push_back({first, previous, corner});
        previous = corner;
      }
    }
  }
}

void SkipElement(const Element& element, Numbers* numbers) {
  for (int64_t n = 0; n < element.count; ++n) {
    for (const Property& property : element.properties) {
      const double count = property.count ? numbers->Next(*property.count) : 1;
      if (!(count >= 0 && count <= 1 << 20)) Bad("element " + element.name + " has a bad list");
      for (int k = 0; k < static_cast<int>(count); ++k) numbers->Next(property.scalar);
    }
  }
}

TriangleMesh ParsePly(ByteSource* source) {
  const Header header = ReadHeader(source);
  Numbers numbers(source, header);
  TriangleMesh mesh;
  for (const Element& element : header.elements) {
    if (element.properties.empty()) continue;
    if (element.name == "vertex")
      ReadVertices(element, &numbers, &mesh);
    else if (element.name == "face")
      ReadFaces(element, &numbers, &mesh);
    else
      SkipElement(element, &numbers);
  }
  if (mesh.points.empty()) Bad("holds no vertices");
  return mesh;
}

}  // namespace

TriangleMesh ReadPly(const std::string& path) {
  const std::unique_ptr<ByteSource> source = OpenFileSource(path);
  return Naming(path, [&] { return ParsePly(source.get()); });
}

}  // namespace mdvt
