// SPDX-License-Identifier: Apache-2.0
//
// What container and pictures state beside the pixels, as side data of FFmpeg. Private to this
// layer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "io/ffmpeg.h"
#include "mdvt/core/stereo_layout.h"
#include "mdvt/io/hdr_metadata.h"

namespace mdvt::ff {

// Side data of a stream; null if there is none of at least `min_size` bytes.
const uint8_t* StreamSideData(const AVStream& stream, AVPacketSideDataType type, size_t min_size);

// Of the picture where it says something, else of the stream.
HdrMetadata ReadHdr(const AVStream& stream, const AVFrame& picture);

// Throws Error(kUnsupported) for Dolby Vision whose base layer is no ordinary YCbCr (profile 5 and
// its AV1 relative); warns that the enhancement of other profiles is not used.
void CheckDolbyVision(const AVStream& stream, const std::string& name);

// WebM keeps transparency as a second picture beside each one, which FFmpeg does not decode: warns.
void TellSeparateAlpha(const AVStream& stream, const std::string& name);

struct StereoFacts {
  StereoMark mark = StereoMark::kNone;
  bool right_eye_first = false;
};
StereoFacts StereoOf(const AVStream& stream, const AVFrame& picture);

// "equirectangular", ...; empty if the file says nothing of the kind.
std::string ProjectionOf(const AVStream& stream, const AVFrame& picture);

}  // namespace mdvt::ff
