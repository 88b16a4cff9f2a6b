// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/state.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr size_t kImageNumbers = 7;  // of an image, before its pixels

[[noreturn]] void FailCorrupt(const std::string& name, const char* wanted) {
  throw Error(Code::kCorrupt,
              "the saved state holds no " + std::string(wanted) + " as '" + name + "'");
}

// The bytes of one row of a plane.
size_t RowBytes(const PixelFormat& format, int plane, int width) {
  return static_cast<size_t>(format.PlaneWidth(plane, width)) *
         static_cast<size_t>(format.bytes_per_sample());
}

bool IsFormat(const std::vector<int64_t>& n) {
  const bool integer = (n[1] == static_cast<int64_t>(SampleType::kU8) && n[2] == 8) ||
                       (n[1] == static_cast<int64_t>(SampleType::kU16) && n[2] > 8 && n[2] <= 16);
  const bool real = n[1] == static_cast<int64_t>(SampleType::kF32) && n[2] == 32;
  constexpr int64_t kMostShift = 2, kMostSide = 1 << 20;
  return n[0] >= 0 && n[0] <= static_cast<int64_t>(ColorModel::kRgb) && (integer || real) &&
         n[3] >= 0 && n[3] <= kMostShift && n[4] >= 0 && n[4] <= kMostShift && n[5] >= 1 &&
         n[5] <= kMostSide && n[6] >= 1 && n[6] <= kMostSide;
}

}  // namespace

const std::string& State::Get(const std::string& name) const {
  const auto part = parts_.find(name);
  Require(part != parts_.end(), Code::kCorrupt, "the saved state lacks '" + name + "'");
  return part->second;
}

void State::SetNumbers(const std::string& name, const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : " ") + FormatDouble(value);
  Set(name, std::move(text));
}

std::vector<double> State::Numbers(const std::string& name) const {
  const std::string& text = Get(name);
  std::vector<double> values;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::optional<double> value = ParseDouble(text.substr(begin, end - begin));
    if (!value) FailCorrupt(name, "numbers");
    values.push_back(*value);
    begin = end + 1;
  }
  return values;
}

double State::Number(const std::string& name) const {
  const std::vector<double> values = Numbers(name);
  if (values.size() != 1) FailCorrupt(name, "number");
  return values[0];
}

bool State::Flag(const std::string& name) const {
  const std::string& text = Get(name);
  if (text != "0" && text != "1") FailCorrupt(name, "flag");
  return text == "1";
}

void State::SetImage(const std::string& name, const Image& image) {
  if (image.empty()) return Set(name, "");
  const PixelFormat& format = image.format();
  std::string bytes;
  for (const int64_t number :
       {static_cast<int64_t>(format.model), static_cast<int64_t>(format.type), int64_t{format.bits},
        int64_t{format.chroma_shift_x}, int64_t{format.chroma_shift_y}, int64_t{image.width()},
        int64_t{image.height()}})
    bytes += std::to_string(number) + ' ';
  const ImageView view = image.view();
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const auto i = static_cast<size_t>(plane);
    for (int y = 0; y < format.PlaneHeight(plane, image.height()); ++y)
      bytes.append(reinterpret_cast<const char*>(view.data[i] + y * view.stride[i]),
                   RowBytes(format, plane, image.width()));
  }
  Set(name, std::move(bytes));
}

Image State::GetImage(const std::string& name) const {
  const std::string& bytes = Get(name);
  if (bytes.empty()) return {};
  std::vector<int64_t> n;
  size_t at = 0;
  while (n.size() < kImageNumbers) {
    const size_t end = bytes.find(' ', at);
    const std::optional<int64_t> number =
        end == std::string::npos ? std::nullopt : ParseInt(bytes.substr(at, end - at));
    if (!number) FailCorrupt(name, "image");
    n.push_back(*number);
    at = end + 1;
  }
  if (!IsFormat(n)) FailCorrupt(name, "image");
  PixelFormat format;
  format.model = static_cast<ColorModel>(n[0]);
  format.type = static_cast<SampleType>(n[1]);
  format.bits = static_cast<uint8_t>(n[2]);
  format.chroma_shift_x = static_cast<uint8_t>(n[3]);
  format.chroma_shift_y = static_cast<uint8_t>(n[4]);
  const int width = static_cast<int>(n[5]), height = static_cast<int>(n[6]);
  size_t expected = at;
  for (int plane = 0; plane < format.num_planes(); ++plane)
    expected +=
        RowBytes(format, plane, width) * static_cast<size_t>(format.PlaneHeight(plane, height));
  if (bytes.size() != expected) FailCorrupt(name, "image");
  Image image(format, width, height);
  const MutableImageView view = image.mutable_view();
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const auto i = static_cast<size_t>(plane);
    const size_t row = RowBytes(format, plane, width);
    for (int y = 0; y < format.PlaneHeight(plane, height); ++y, at += row)
      std::memcpy(view.data[i] + y * view.stride[i], bytes.data() + at, row);
  }
  return image;
}

void State::Add(const std::string& prefix, const State& state) {
  for (const auto& [name, bytes] : state.parts_) Set(prefix + "." + name, bytes);
}

State State::Part(const std::string& prefix) const {
  State part;
  const std::string begin = prefix + ".";
  for (auto at = parts_.lower_bound(begin);
       at != parts_.end() && at->first.compare(0, begin.size(), begin) == 0; ++at)
    part.Set(at->first.substr(begin.size()), at->second);
  return part;
}

}  // namespace mdvt
