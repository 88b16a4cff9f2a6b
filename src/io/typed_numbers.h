// SPDX-License-Identifier: Apache-2.0
//
// Numbers in the bytes of an array of NumPy's.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "mdvt/core/numbers.h"

namespace mdvt {

// A type of whole numbers, fractions or truth values of 8 to 64 bits as NumPy writes it ("<f4",
// "|b1"). None for all else: other orders of bytes, texts, records, objects.
struct NumberType {
  char kind = 'f';  // f, i, u or b
  size_t size = 4;  // bytes
};

inline std::optional<NumberType> ParseNumberType(const std::string& type) {
  if (type.size() < 3) return std::nullopt;
  const std::optional<int64_t> size = ParseInt(type.substr(2));
  const char kind = type[1];
  const bool known = kind == 'f'                  ? size == 4 || size == 8
                     : kind == 'i' || kind == 'u' ? size == 1 || size == 2 || size == 4 || size == 8
                                                  : kind == 'b' && size == 1;
  if (!known || (type[0] != '<' && !(type[0] == '|' && size == 1))) return std::nullopt;
  return NumberType{kind, static_cast<size_t>(*size)};
}

// add(value) for each of `count` numbers that begin at `bytes`.
template <typename Add>
void ForEachNumber(const NumberType& type, const char* bytes, int64_t count, const Add& add) {
  const auto visit = [&](auto value) {
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(&value, bytes + static_cast<size_t>(i) * sizeof(value), sizeof(value));
      add(value);
    }
  };
  switch (type.kind * 16 + static_cast<int>(type.size)) {
    case 'f' * 16 + 4:
      return visit(float{});
    case 'f' * 16 + 8:
      return visit(double{});
    case 'i' * 16 + 1:
      return visit(int8_t{});
    case 'i' * 16 + 2:
      return visit(int16_t{});
    case 'i' * 16 + 4:
      return visit(int32_t{});
    case 'i' * 16 + 8:
      return visit(int64_t{});
    case 'u' * 16 + 2:
      return visit(uint16_t{});
    case 'u' * 16 + 4:
      return visit(uint32_t{});
    case 'u' * 16 + 8:
      return visit(uint64_t{});
    default:
      return visit(uint8_t{});
  }
}

}  // namespace mdvt
