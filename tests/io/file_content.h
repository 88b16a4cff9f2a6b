// SPDX-License-Identifier: Apache-2.0
//
// Everything in a media file as FFmpeg's own demuxer gives it: tracks, packets, chapters, tags.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "io/ffmpeg.h"

namespace mdvt::test {

struct Packet {
  double seconds = 0;
  double duration = 0;
  std::vector<uint8_t> data;
};

struct Track {
  AVMediaType type = AVMEDIA_TYPE_UNKNOWN;
  AVCodecID codec = AV_CODEC_ID_NONE;
  std::string language;
  std::string extradata;
  std::map<std::string, std::string> tags;
  std::vector<Packet> packets;
};

struct Content {
  std::vector<Track> tracks;
  std::vector<std::pair<double, std::string>> chapters;
  std::map<std::string, std::string> tags;
  std::vector<AVMediaType> order;  // of the packets in the file

  const Track* Find(AVMediaType type) const {
    for (const Track& track : tracks) {
      if (track.type == type) return &track;
    }
    return nullptr;
  }
};

Content ReadContent(const std::string& path);

}  // namespace mdvt::test
