// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/codecs.h"

#include <algorithm>
#include <string_view>

#include "io/demuxer.h"
#include "io/ffmpeg.h"

extern "C" {
#include <libswresample/swresample.h>
}

namespace mdvt {

std::vector<CodecSupport> CodecsInUse() {
  const std::pair<const char*, const char*> encoders[] = {
      {"ffv1", "depth videos and lossless video"},
      {"libx264", "H.264 video"},
      {"libx264rgb", "H.264 video in RGB"},
      {"aac", "audio that a container cannot hold as it is"},
      {"subrip", "subtitles in Matroska"},
      {"mov_text", "subtitles in MP4"},
      {"png", "still images"},
      {"mjpeg", "pictures for web browsers"}};
  std::vector<CodecSupport> codecs;
  for (const auto& [name, purpose] : encoders) {
    codecs.push_back({name, true, avcodec_find_encoder_by_name(name) != nullptr, purpose});
  }
  for (std::string_view list = ff::AllowedDecoders(); !list.empty();) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string name(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    const char* purpose = name == "ffv1" ? "depth videos" : name == "h264" ? "H.264 video" : "";
    codecs.push_back({name, false, avcodec_find_decoder_by_name(name.c_str()) != nullptr, purpose});
  }
  return codecs;
}

std::vector<std::string> FfmpegVersions() {
  const std::pair<const char*, unsigned> libraries[] = {{"libavformat", avformat_version()},
                                                        {"libavcodec", avcodec_version()},
                                                        {"libavutil", avutil_version()},
                                                        {"libswresample", swresample_version()}};
  std::vector<std::string> versions;
  for (const auto& [name, version] : libraries) {
    versions.push_back(std::string(name) + " " + std::to_string(AV_VERSION_MAJOR(version)) + "." +
                       std::to_string(AV_VERSION_MINOR(version)) + "." +
                       std::to_string(AV_VERSION_MICRO(version)));
  }
  return versions;
}

}  // namespace mdvt
