// SPDX-License-Identifier: Apache-2.0
//
// Exact rational numbers for time bases, frame rates and aspect ratios.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mdvt {

struct Rational {
  int64_t num = 0;
  int64_t den = 1;

  bool IsPositive() const { return num > 0 && den > 0; }
  double ToDouble() const { return static_cast<double>(num) / static_cast<double>(den); }

  // Lowest terms, positive denominator. A zero denominator stays as it is.
  Rational Reduced() const;

  // "30000/1001"; "1:1" with a ':' as separator.
  std::string ToString(char separator = '/') const;

  // Reads "24", "23.976", "30000/1001" or "16:9". Empty if the text is anything else.
  static std::optional<Rational> Parse(std::string_view text);

  friend bool operator==(const Rational& a, const Rational& b) {
    const Rational x = a.Reduced(), y = b.Reduced();
    return x.num == y.num && x.den == y.den;
  }
  friend bool operator!=(const Rational& a, const Rational& b) { return !(a == b); }
};

// value * from / to, rounded to the nearest integer (halves away from zero), exact for all values;
// saturates at the ends of int64. 0 if the ratio is undefined (a zero denominator, or `to` is 0).
int64_t Rescale(int64_t value, Rational from, Rational to);

}  // namespace mdvt
