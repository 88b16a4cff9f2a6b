// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/versions.h"

#include "io/ffmpeg.h"

namespace mdvt {

std::string CodecLibraryVersions() {
  const auto text = [](const char* name, unsigned version) {
    return std::string(name) + " " + std::to_string(version >> 16) + "." +
           std::to_string(version >> 8 & 0xff) + "." + std::to_string(version & 0xff);
  };
  return text("libavcodec", avcodec_version()) + ", " + text("libavformat", avformat_version());
}

}  // namespace mdvt
