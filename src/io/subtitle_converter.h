// SPDX-License-Identifier: Apache-2.0
//
// Text subtitles between the forms of Matroska (SubRip) and MP4 (timed text).
#pragma once

#include <functional>
#include <string>

#include "io/ffmpeg.h"

namespace mdvt::ff {

class SubtitleConverter {
 public:
  static bool IsText(const AVStream& stream);
  // The form of text subtitles that `muxer_name` holds; AV_CODEC_ID_NONE if `from` is no text.
  static AVCodecID TargetFor(const AVStream& from, const char* muxer_name);

  // Throws Error(kUnsupported).
  SubtitleConverter(const std::string& name, const AVStream& from, AVCodecID target);

  // Sets to->codecpar.
  void FillIn(AVStream* to) const;

  // The packet in the new form, with the times of the old one; false if it shows nothing. A damaged
  // packet counts as one that shows nothing.
  bool Convert(const AVPacket& from, AVPacket* to);

 private:
  std::string name_;
  CodecPtr decoder_;
  CodecPtr encoder_;
};

}  // namespace mdvt::ff
