// SPDX-License-Identifier: Apache-2.0
//
// Lists of scenes as PySceneDetect writes them (`<video>-Scenes.csv`).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mdvt/core/limits.h"

namespace mdvt {

// The first frame of each scene, counted from 0, ascending (the file counts from 1). The text may
// begin with the line "Timecode List:..."; the next one names the columns, of which "Start Frame"
// is read, wherever it stands. Fields are parted by `,` or `;` and may be quoted.
// Throws Error: kCorrupt naming the line (no such column, no whole number from 1 on, not
// ascending, no scene at all), kLimit for too much text or too many scenes.
std::vector<int64_t> ParseSceneStarts(const char* data, size_t size, const Limits& limits = {});
// Also kNotFound and kIo, naming the file.
std::vector<int64_t> ReadSceneStarts(const std::string& path, const Limits& limits = {});

}  // namespace mdvt
