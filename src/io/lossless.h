// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/ffmpeg.h"

namespace mdvt::ff {

// Whether the decoder gives back every bit that the encoder was given: FFV1, HuffYUV, Ut Video,
// MagicYUV, PNG, QuickTime RLE, raw and v210 always; H.264 if its sequence header allows lossless
// macroblocks, as x264 writes it for qp 0 and nothing else. `extradata` is the codec's header,
// `first_packet` takes its place where there is none. False where it cannot be known.
bool IsLossless(const AVCodecParameters& codec, const AVPacket* first_packet);

}  // namespace mdvt::ff
