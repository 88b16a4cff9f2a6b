// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "io/ffmpeg.h"

namespace mdvt::ff {

// Whether an FFV1 packet is what its encoder wrote, by the checksums of its slices (FFV1 version 3
// and later, RFC 9043 section 4.9). FFmpeg's decoder notices a wrong checksum too, but patches the
// slice with pixels of the frame before and says nothing to its caller. True for versions without
// slices and for streams that were written without checksums, as far as their structure is sound.
bool Ffv1PacketIsSound(const AVCodecParameters& codec, const AVPacket& packet);

// Bytes of the largest slice of a packet whose slices carry checksums; 0 if it is no such packet.
int LargestFfv1Slice(const AVPacket& packet);

}  // namespace mdvt::ff
