// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/numbers.h"

#include <charconv>
#include <cmath>

namespace mdvt {
namespace {

// from_chars takes no leading '+', people write it.
std::string_view WithoutPlus(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return text;
}

template <typename T>
std::optional<T> Parse(std::string_view text) {
  text = WithoutPlus(text);
  T value{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

template <typename T, typename... Format>
std::string Print(T value, Format... format) {
  char buffer[512];  // the longest fixed double has 309 digits before its point
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), value, format...);
  return std::string(buffer, result.ptr);
}

}  // namespace

std::optional<double> ParseDouble(std::string_view text) {
  // from_chars would also take "nan(any letters)".
  return text.find('(') == std::string_view::npos ? Parse<double>(text) : std::nullopt;
}
std::optional<int64_t> ParseInt(std::string_view text) { return Parse<int64_t>(text); }

std::string FormatDouble(double value) { return std::isnan(value) ? "nan" : Print(value); }
std::string FormatFloat(float value) { return std::isnan(value) ? "nan" : Print(value); }
std::string FormatFixed(double value, int decimals) {
  if (std::isnan(value)) return "nan";
  const int clamped = decimals < 0 ? 0 : decimals > 100 ? 100 : decimals;
  return Print(value, std::chars_format::fixed, clamped);
}
std::string FormatSize(int64_t width, int64_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

}  // namespace mdvt
