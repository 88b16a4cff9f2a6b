// SPDX-License-Identifier: Apache-2.0
//
// What mdvt uses of FFmpeg, and what of it the FFmpeg in use has: distributions leave codecs out.
#pragma once

#include <string>
#include <vector>

namespace mdvt {

struct CodecSupport {
  std::string name;  // as FFmpeg calls it: "libx264", "hevc"
  bool is_encoder = false;
  bool is_present = false;
  // What cannot be done without it; empty for decoders of which one among many is missing.
  std::string purpose;
};

// Every encoder that mdvt writes with and every video decoder that it reads with.
std::vector<CodecSupport> CodecsInUse();

// "libavcodec 59.37.100", ...: the libraries that are loaded.
std::vector<std::string> FfmpegVersions();

}  // namespace mdvt
