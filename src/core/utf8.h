// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mdvt {

// Length of the well-formed UTF-8 sequence at `p`, 0 if there is none within `size` bytes (overlong
// forms, surrogates and values past U+10FFFF are none).
inline size_t Utf8SequenceLength(const char* p, size_t size) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(p[i]); };
  if (size == 0) return 0;
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (length == 0 || size < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second >= 0xA0) ||
      (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second >= 0x90)) {
    return 0;
  }
  return length;
}

inline bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text.data(), text.size());
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// `point` is a Unicode scalar value.
inline void AppendUtf8(char32_t point, std::string* text) {
  const auto put = [&](char32_t byte) { text->push_back(static_cast<char>(byte)); };
  const auto tail = [&](int shift) { put(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12));
    tail(6);
    tail(0);
  } else {
    put(0xF0 | (point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace mdvt
