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
  // A name of VideoEncoders(). "ffv1" and "utvideo" are lossless and go into Matroska. "x264" is
  // for players; "x265" and "svtav1" make smaller files in more time. "auto" follows from the
  // ending of the output, else it is what the job is for.
  std::string video_codec = "auto";
  int crf = 18;                          // 0 (lossless: x264, x265) .. 51, see VideoWriterOptions
  std::string x264_preset = "veryfast";  // x264's names, or "p1" (fast) to "p7" (best)
  std::string bits = "auto";             // "8", "10", "auto": 10 where the source has more than 8
  bool audio = true;  // all tracks, copied or, where the container demands, as AAC
  std::map<std::string, std::string> encoder_options;  // by FFmpeg's names, see VideoWriterOptions

  // The codec for an output of this name; `otherwise` where neither it nor the options tell.
  // Throws Error(kInvalidArgument) where the file cannot hold it, or options do not belong to it.
  VideoCodec Codec(const std::string& output, VideoCodec otherwise) const;
  // The usual ending of a file for it: ".mp4", or ".mkv" where that is the only one.
  static std::string Ending(VideoCodec codec);
  // The format in which pictures of `rendered` format are encoded. FFV1 keeps it; others have
  // 4:2:0, or 4:4:4 where a side of the picture is odd or neighbouring samples are of different
  // pictures. Throws Error(kUnsupported) where the codec has neither.
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
