// SPDX-License-Identifier: Apache-2.0
//
// Numbers as text, independent of the locale: a decimal point is a point everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mdvt {

// The whole of `text` must be the number; white space is not skipped. ParseDouble takes decimal and
// exponent notation and, in any case, "nan", "inf" and "infinity" with an optional sign. What the
// type cannot hold ("1e999", "9223372036854775808") is no number.
std::optional<double> ParseDouble(std::string_view text);
std::optional<int64_t> ParseInt(std::string_view text);

// Shortest text that reads back to the same value ("48.25", "1e-05", "nan", "-inf").
std::string FormatDouble(double value);
// Shortest text that reads back to the same float.
std::string FormatFloat(float value);
// Fixed notation with `decimals` digits after the point, clamped to [0, 100].
std::string FormatFixed(double value, int decimals);
// A size in pixels: "1920x1080".
std::string FormatSize(int64_t width, int64_t height);

}  // namespace mdvt
