// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/printable.h"

#include <cstring>

#include "core/utf8.h"

namespace mdvt {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

// Of the well-formed sequence at the start of `text`.
char32_t CodePoint(std::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  switch (text.size()) {
    case 1:
      return byte(0);
    case 2:
      return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
    case 3:
      return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    default:
      return (byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 |
             (byte(3) & 0x3F);
  }
}

bool IsControl(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

// Separators of lines and paragraphs, marks and overrides of direction, and the mark of byte order.
bool MisleadsReaders(char32_t c) {
  return (c >= 0x200E && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0x061C || c == 0xFEFF;
}

// Calls put(bytes, count) for each character, as it is shown, until that returns false.
template <typename Put>
void ForEachShown(std::string_view text, const Put& put) {
  while (!text.empty()) {
    const size_t valid = Utf8SequenceLength(text.data(), text.size());
    const size_t length = valid == 0 ? 1 : valid;
    const std::string_view one = text.substr(0, length);
    text.remove_prefix(length);
    const char32_t c = valid == 0 ? 0 : CodePoint(one);
    char shown[12] = {'\\', 'x'};
    size_t count = 2;
    if (valid != 0 && !IsControl(c) && !MisleadsReaders(c)) {
      if (!put(one.data(), length)) return;
      continue;
    }
    if (c == '\n' || c == '\r' || c == '\t') {
      shown[1] = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
    } else if (c > 0x7F) {
      std::memcpy(shown + 1, "u{", 2);
      count = 3;
      for (int shift = c > 0xFF ? 12 : 4; shift >= 0; shift -= 4)
        shown[count++] = kDigits[(c >> shift) & 15];
      shown[count++] = '}';
    } else {
      const auto byte = static_cast<unsigned char>(one[0]);
      shown[count++] = kDigits[byte >> 4];
      shown[count++] = kDigits[byte & 15];
    }
    if (!put(shown, count)) return;
  }
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  ForEachShown(text, [&](const char* bytes, size_t count) {
    line.append(bytes, count);
    return true;
  });
  return line;
}

size_t CopyPrintable(std::string_view text, char* to, size_t capacity) noexcept {
  size_t used = 0;
  ForEachShown(text, [&](const char* bytes, size_t count) {
    if (count >= capacity - used) return false;
    std::memcpy(to + used, bytes, count);
    used += count;
    return true;
  });
  to[used] = '\0';
  return used;
}

}  // namespace mdvt
