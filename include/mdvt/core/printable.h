// SPDX-License-Identifier: Apache-2.0
//
// Texts of others (names of files, metadata of models and videos, messages of libraries) on their
// way to a person. A line end, an escape sequence or a mark that turns the direction of writing
// could make them say something that they do not.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mdvt {

// The text as one line of UTF-8 that a terminal shows as it is: line ends, tabs and other control
// characters become \n, \r, \t and \x1b, bytes that are no UTF-8 \xff, and the invisible characters
// that break lines or turn the direction of writing \u{202e}. All else stays, a backslash too.
std::string Printable(std::string_view text);

// The same into `capacity` bytes, without allocating: cut after the last whole character that fits,
// and ended by a zero byte. Returns the length. capacity must be at least 1.
size_t CopyPrintable(std::string_view text, char* to, size_t capacity) noexcept;

}  // namespace mdvt
