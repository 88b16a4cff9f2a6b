// SPDX-License-Identifier: Apache-2.0
//
// A look at the index of an MP4 or MOV file, made before FFmpeg builds its own from it, which takes
// 24 bytes for each sample that the file states, whether or not they can exist.
#pragma once

#include <string>

#include "mdvt/core/limits.h"
#include "mdvt/io/byte_source.h"

namespace mdvt::ff {

// Walks the boxes of 'moov' and 'moof'. Throws Error: kLimit (a picture track states more samples
// than limits.max_frames), kCorrupt (more samples than the box or the file can hold), kUnsupported
// (a compressed index, whose size nobody knows beforehand), kIo.
void CheckMp4Index(ByteSource& source, const Limits& limits, const std::string& name);

}  // namespace mdvt::ff
