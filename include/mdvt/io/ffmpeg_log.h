// SPDX-License-Identifier: Apache-2.0
//
// What FFmpeg says on its own.
#pragma once

namespace mdvt {

// FFmpeg prints remarks to stderr ("moov atom not found", encoder statistics); what matters of them
// is in the text of mdvt's Error anyway. How much it prints is one setting for the whole process,
// which therefore belongs to the program: the library never touches it. A program that wants one
// clear line per failure and nothing else calls this once, before it opens a file: from then on
// FFmpeg's messages go to mdvt's log sink at debug level. Thread safe.
void SilenceFfmpegLog();

}  // namespace mdvt
