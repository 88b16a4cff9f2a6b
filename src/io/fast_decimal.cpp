// SPDX-License-Identifier: Apache-2.0
#include "io/fast_decimal.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace mdvt {
namespace {

constexpr double kPowersOfTen[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

}  // namespace

char* FormatSix(float value, char* out) {
  const double magnitude = std::fabs(static_cast<double>(value));
  if (!(magnitude >= 1e-4 && magnitude < 999999.5)) {
    if (value == 0) {
      if (std::signbit(value)) *out++ = '-';
      *out++ = '0';
      return out;
    }
    return std::to_chars(out, out + kSixDigitsRoom, value, std::chars_format::general, 6).ptr;
  }
  if (value < 0) *out++ = '-';
  // Six digits are value * 10^decimals with decimals <= 9. The product is exact: 24 bits of the
  // float and 21 of 5^9 fit the 53 of a double, so that rounding sees the true decimal value.
  int decimals = 9;
  while (decimals > 0 && magnitude * kPowersOfTen[decimals] >= 999999.5) --decimals;
  const double scaled = magnitude * kPowersOfTen[decimals];
  auto digits = static_cast<uint32_t>(scaled);
  const double rest = scaled - digits;
  if (rest > 0.5 || (rest == 0.5 && (digits & 1) != 0)) ++digits;  // halves to even, as printf
  while (decimals > 0 && digits % 10 == 0) {
    digits /= 10;
    --decimals;
  }
  char text[10];  // at least one digit before the point
  int length = 0;
  for (uint32_t rest_digits = digits; rest_digits != 0 || length <= decimals; rest_digits /= 10) {
    text[length++] = static_cast<char>('0' + rest_digits % 10);
  }
  for (int i = length - 1; i >= 0; --i) {
    *out++ = text[i];
    if (i == decimals && decimals > 0) *out++ = '.';
  }
  return out;
}

}  // namespace mdvt
