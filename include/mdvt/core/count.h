// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace mdvt {

// "1 frame", "12 frames", "0 frames". `more` where an "s" behind `one` is not the plural:
// CountOf(n, "frame is", "frames are").
std::string CountOf(int64_t count, const std::string& one, const std::string& more = "");

}  // namespace mdvt
