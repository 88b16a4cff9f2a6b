// SPDX-License-Identifier: Apache-2.0
//
// Numbers as bytes, least significant first whatever the machine: what binary files here are made
// of.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>

namespace mdvt {

// Returns the end of them.
template <typename T>
char* PutLittle(T value, char* to) {
  static_assert(std::is_arithmetic_v<T>);
  std::memcpy(to, &value, sizeof(T));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  std::reverse(to, to + sizeof(T));
#endif
  return to + sizeof(T);
}

template <typename T>
void PutLittle(T value, std::string* to) {
  char bytes[sizeof(T)];
  to->append(bytes, PutLittle(value, bytes));
}

}  // namespace mdvt
