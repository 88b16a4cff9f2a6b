// SPDX-License-Identifier: Apache-2.0
//
// One depth value to its code and back, in plain double arithmetic. The SIMD kernels repeat these
// operations one by one, in this order, and so agree bit for bit: nothing here calls the C library,
// whose exp and log differ between processors.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "mdvt/io/depth_codec.h"

namespace mdvt::codec {

constexpr double kLn2 = 0.693147180559945309417232121458;
constexpr double kLog2E = 1.44269504088896340735992468100;
constexpr double kTwo52 = 4503599627370496.0;
constexpr uint64_t kTwo52Bits = 0x4330000000000000;
constexpr uint64_t kOneBits = 0x3ff0000000000000;
constexpr uint64_t kSqrtHalfBits = 0x3fe6a09e667f3bcd;

// ln m = 2 f (1 + s/3 + s^2/5 + ...) with f = (m - 1) / (m + 1), s = f^2 <= 0.0295: the first term
// left out is below 4e-14, a millionth of a step of the 24-bit code.
constexpr double kLogTerms[] = {1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9,
                                1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0};
// exp r = 1 + r + r^2/2! + ... for |r| <= ln(2) / 2: the first term left out is below 3e-13.
constexpr double kExpTerms[] = {1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                                1.0 / 720,     1.0 / 120,    1.0 / 24,    1.0 / 6,
                                1.0 / 2,       1.0,          1.0};

inline uint64_t BitsOf(double x) {
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits;
}
inline double FromBits(uint64_t bits) {
  double x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

// ln y for y >= 1.
inline double Log(double y) {
  const uint64_t exponent = (BitsOf(y) - kSqrtHalfBits) >> 52;
  const double m = FromBits(BitsOf(y) - (exponent << 52));  // in [sqrt(1/2), sqrt(2))
  const double f = (m - 1) / (m + 1);
  const double s = f * f;
  double sum = kLogTerms[0];
  for (size_t i = 1; i < std::size(kLogTerms); ++i) sum = sum * s + kLogTerms[i];
  const double e = FromBits(exponent | kTwo52Bits) - kTwo52;
  return e * kLn2 + (f + f) * sum;
}

// exp x for 0 <= x < 500.
inline double Exp(double x) {
  const double shifted = x * kLog2E + kTwo52;  // the sum rounds to the nearest integer
  const double r = x - (shifted - kTwo52) * kLn2;
  double sum = kExpTerms[0];
  for (size_t i = 1; i < std::size(kExpTerms); ++i) sum = sum * r + kExpTerms[i];
  return sum * FromBits((BitsOf(shifted) << 52) + kOneBits);
}

// Options turned into factors.
struct Factors {
  explicit Factors(const DepthCodecOptions& options);

  DepthEncoding encoding;
  double top;             // largest code
  float clamp;            // depth is cut here before anything else
  double codes_per_unit;  // unit: metre, or neper for the logarithmic code
  double bias;            // 1/2 to round, 0 to truncate
  uint32_t lowest;        // code that a valid depth has at least
  double units_per_code;
  float step;         // rgb16: metres per code, as the originals round it
  double offset;      // C of the logarithmic code
  double per_offset;  // 1 / C
};

inline uint32_t Encode(float depth, const Factors& k) {
  if (!(depth > 0)) return 0;
  double units = std::min(depth, k.clamp);
  if (k.encoding == DepthEncoding::kRgb24Log) units = Log(units * k.per_offset + 1);
  const double code = std::min(units * k.codes_per_unit + k.bias, k.top);
  return std::max(static_cast<uint32_t>(code), k.lowest);
}

inline float Decode(uint32_t code, const Factors& k) {
  if (k.encoding == DepthEncoding::kRgb16) return static_cast<float>(code) * k.step;
  const double units = static_cast<double>(code) * k.units_per_code;
  if (k.encoding == DepthEncoding::kRgb24Log) {
    return static_cast<float>((Exp(units) - 1) * k.offset);
  }
  return static_cast<float>(units);
}

}  // namespace mdvt::codec
