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

template <typename T>
void PutLittle(T value, std::string* to) {
  static_assert(std::is_arithmetic_v<T>);
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  std::reverse(bytes, bytes + sizeof(T));
#endif
  to->append(bytes, sizeof(T));
}

}  // namespace mdvt
