// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace mdvt {

// Room that FormatSix needs.
constexpr size_t kSixDigitsRoom = 16;

// Writes `value` (finite) as printf("%.6g") does in the C locale, without a terminating zero, and
// returns the end. Exact, and several times faster than std::to_chars for values in [1e-4, 1e6).
char* FormatSix(float value, char* out);

}  // namespace mdvt
