// SPDX-License-Identifier: Apache-2.0
//
// How a video that is for looking at is encoded: the same options, with the same defaults, for
// every job that writes one.
#pragma once

#include <map>
#include <string>

#include "mdvt/core/image.h"
#include "mdvt/core/options.h"
#include "mdvt/io/video_writer.h"

namespace mdvt {

struct EncodeOptions {
  // "ffv1" is lossless and goes into Matroska. "x264" is for players. "auto" follows from the
  // ending of the output, else it is what the job is for.
  std::string video_codec = "auto";
  int crf = 18;                          // x264: 0 (lossless) .. 51
  std::string x264_preset = "veryfast";  // x264's names, or "p1" (fast) to "p7" (best)
  std::string bits = "auto";  // x264: "8", "10", "auto": 10 where the source has more than 8
  bool audio = true;          // all tracks, copied or, where the container demands, as AAC
  std::map<std::string, std::string> encoder_options;  // by FFmpeg's names, see VideoWriterOptions

  // The codec for an output of this name; `otherwise` where neither it nor the options tell.
  // Throws Error(kInvalidArgument) for FFV1 in MP4 or MOV.
  VideoCodec Codec(const std::string& output, VideoCodec otherwise) const;
  // The format in which pictures of `rendered` format are encoded. FFV1 keeps it; x264 has 4:2:0,
  // or 4:4:4 where a side of the picture is odd or neighbouring samples are of different pictures.
  PixelFormat Format(VideoCodec codec, const PixelFormat& rendered, int width, int height,
                     bool interlaced = false) const;
  // Sets codec, quality, speed, sound and further options.
  void Apply(VideoCodec codec, VideoWriterOptions* writer) const;
};
void Describe(OptionList* list, EncodeOptions* options);

// The tags of a picture that is converted from one format to another: RGB or gray that becomes YUV
// says by which matrix. `height` decides where the source says nothing.
ColorInfo EncodedColor(const ColorInfo& source, const PixelFormat& from, const PixelFormat& to,
                       int height);

}  // namespace mdvt
