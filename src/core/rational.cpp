// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/rational.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "mdvt/core/numbers.h"

namespace mdvt {

Rational Rational::Reduced() const {
  if (den == 0) return *this;
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  if (num == kMin || den == kMin) return *this;  // has no positive counterpart
  const int64_t divisor = std::gcd(num, den);
  const int64_t sign = den < 0 ? -1 : 1;
  return {sign * num / divisor, sign * den / divisor};
}

std::string Rational::ToString(char separator) const {
  return std::to_string(num) + separator + std::to_string(den);
}

std::optional<Rational> Rational::Parse(std::string_view text) {
  const size_t cut = text.find_first_of("/:");
  if (cut != std::string_view::npos) {
    const auto num = ParseInt(text.substr(0, cut));
    const auto den = ParseInt(text.substr(cut + 1));
    if (!num || !den || *den == 0) return std::nullopt;
    return Rational{*num, *den}.Reduced();
  }
  if (const auto whole = ParseInt(text)) return Rational{*whole, 1};
  const size_t point = text.find('.');
  if (point == std::string_view::npos) return std::nullopt;
  std::string digits(text.substr(0, point));
  const std::string_view decimals = text.substr(point + 1);
  if (decimals.empty() || decimals.size() > 9) return std::nullopt;
  for (const char c : decimals) {
    if (c < '0' || c > '9') return std::nullopt;
  }
  digits += decimals;
  const auto num = ParseInt(digits);
  if (!num) return std::nullopt;
  int64_t den = 1;
  for (size_t i = 0; i < decimals.size(); ++i) den *= 10;
  return Rational{*num, den}.Reduced();
}

namespace {

__extension__ using Wide = unsigned __int128;

Wide Magnitude(int64_t value) {
  return value < 0 ? Wide{0} - static_cast<Wide>(value) : static_cast<Wide>(value);
}

Wide Gcd(Wide a, Wide b) {
  while (b != 0) a = std::exchange(b, a % b);
  return a;
}

// floor((value * num + den / 2) / den) for 0 < num, den < 2^127; at most 2^64 - 1.
// The product may have 192 bits, so it is divided bit by bit where it passes 128.
uint64_t MultiplyDivide(uint64_t value, Wide num, Wide den) {
  constexpr Wide kMax = ~uint64_t{0};
  if (value <= (~Wide{0} - den / 2) / num)
    return static_cast<uint64_t>(std::min(kMax, (value * num + den / 2) / den));
  const Wide low = value * (num & kMax), high = value * (num >> 64) + (low >> 64);
  Wide quotient = 0, remainder = 0;
  for (int bit = 191; bit >= 0; --bit) {
    const Wide next = bit >= 64 ? high >> (bit - 64) & 1 : (low & kMax) >> bit & 1;
    remainder = remainder * 2 + next;
    quotient = std::min<Wide>(quotient, kMax + 1) * 2;
    if (remainder >= den) {
      remainder -= den;
      ++quotient;
    }
  }
  if (remainder >= den - remainder) ++quotient;
  return static_cast<uint64_t>(std::min(kMax, quotient));
}

}  // namespace

int64_t Rescale(int64_t value, Rational from, Rational to) {
  // The ratio from / to, in lowest terms so that the products stay small.
  Wide num = Magnitude(from.num) * Magnitude(to.den), den = Magnitude(from.den) * Magnitude(to.num);
  if (den == 0 || num == 0) return 0;
  const Wide divisor = Gcd(num, den);
  num /= divisor;
  den /= divisor;
  int sign = value < 0 ? -1 : 1;
  for (const int64_t term : {from.num, from.den, to.num, to.den}) sign = term < 0 ? -sign : sign;
  const uint64_t rounded = MultiplyDivide(static_cast<uint64_t>(Magnitude(value)), num, den);
  constexpr auto kTop = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (sign > 0) return static_cast<int64_t>(std::min(rounded, kTop));
  return rounded > kTop ? std::numeric_limits<int64_t>::min() : -static_cast<int64_t>(rounded);
}

}  // namespace mdvt
