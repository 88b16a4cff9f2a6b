// SPDX-License-Identifier: Apache-2.0
//
// HDR10+ (SMPTE ST 2094-40) as an ITU-T T.35 message: made of what a decoder tells, and put into
// the packets of encoders that have no way to take it.
#pragma once

#include <cstdint>
#include <vector>

#include "io/ffmpeg.h"

namespace mdvt::ff {

// The message of a picture from the country code on, empty where the decoder tells of none. Of the
// curves of several windows only those of the whole picture: the others are places in it, which the
// pictures that are made of it do not have.
std::vector<uint8_t> Hdr10PlusMessage(const AVFrame& picture);

// Whether packets of this codec can carry it: H.264, HEVC, AV1.
bool HoldsHdr10Plus(AVCodecID codec);

// Puts the message in front of the picture of a packet as the encoder gives it: as an SEI message
// (H.264 and HEVC with start codes), or as a metadata OBU (AV1).
// Throws Error: kInternal (there is no picture in it), kOutOfMemory.
void InsertHdr10Plus(AVCodecID codec, const std::vector<uint8_t>& message, AVPacket* packet);

}  // namespace mdvt::ff
