// SPDX-License-Identifier: Apache-2.0
//
// Whole small files, read with a limit.
#pragma once

#include <string>

#include "mdvt/core/limits.h"

namespace mdvt {

// The bytes of a regular file. Throws Error: kNotFound, kIo (also for folders, pipes and devices),
// kLimit past limits.max_text_bytes. `what` begins the text: "FOV file", "batch list".
std::string ReadTextFile(const std::string& path, const char* what, const Limits& limits);

}  // namespace mdvt
