// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/rational.h"

#include <limits>
#include <numeric>

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

int64_t Rescale(int64_t value, Rational from, Rational to) {
  __extension__ using Wide = __int128;
  // Two factors of 64 bits and one of 64 more would pass 128 bits; the ratio is reduced first.
  Rational ratio{1, 1};
  {
    const Rational a = from.Reduced(), b = to.Reduced();
    const int64_t g1 = std::gcd(a.num, b.num), g2 = std::gcd(a.den, b.den);
    ratio.num = (g1 ? a.num / g1 : a.num) * (g2 ? b.den / g2 : b.den);
    ratio.den = (g2 ? a.den / g2 : a.den) * (g1 ? b.num / g1 : b.num);
  }
  if (ratio.den == 0) return 0;
  Wide product = static_cast<Wide>(value) * ratio.num;
  Wide den = ratio.den;
  if (den < 0) {
    product = -product;
    den = -den;
  }
  const Wide half = den / 2;
  const Wide rounded = product >= 0 ? (product + half) / den : -((-product + half) / den);
  constexpr Wide kMax = std::numeric_limits<int64_t>::max();
  constexpr Wide kMin = std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(rounded > kMax ? kMax : rounded < kMin ? kMin : rounded);
}

}  // namespace mdvt
