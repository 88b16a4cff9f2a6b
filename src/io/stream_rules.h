// SPDX-License-Identifier: Apache-2.0
//
// What becomes of sound, subtitles and the rest of a file in a container that is being written.
#pragma once

#include <string>

#include "io/ffmpeg.h"

namespace mdvt::ff {

enum class StreamFate {
  kCopied,
  kAac,         // sound that the container cannot hold
  kText,        // subtitles in the container's own form of text
  kAttachment,  // a font or a cover picture as a file inside of Matroska
  kLeftOut,     // with a warning
  kNothing,  // there is nothing to say: the pictures, and a text track that chapters were read from
};

struct StreamRule {
  StreamFate fate = StreamFate::kLeftOut;
  AVCodecID codec = AV_CODEC_ID_NONE;  // kText: of the new subtitles
};

// Whether a file that is being written is of that format.
bool IsMatroska(const AVFormatContext& target);

// `target`  being written, without a header yet; `source` the file that the stream is of.
StreamRule RuleFor(const AVFormatContext& source, const AVStream& stream,
                   const AVFormatContext& target);

}  // namespace mdvt::ff
