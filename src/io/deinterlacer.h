// SPDX-License-Identifier: Apache-2.0
//
// Makes whole pictures of interlaced ones with FFmpeg's filter bwdif. libavfilter is opened when
// the first interlaced picture comes and not linked: it brings 160 libraries with it.
#pragma once

#include <memory>
#include <string>

#include "io/ffmpeg.h"

namespace mdvt::ff {

class Deinterlacer {
 public:
  // time_base  of the pictures. With fields_apart the results count in half of it.
  // name       of the file, for messages.
  Deinterlacer(bool fields_apart, AVRational time_base, const std::string& name);
  ~Deinterlacer();

  // The format, size and time base of the first picture hold for all; times increase. Pictures that
  // are not flagged as interlaced pass as they are. Null ends the video.
  // Throws Error: kUnsupported (no libavfilter or no bwdif), kOutOfMemory.
  void Send(FramePtr picture);

  // The next result, null if another picture is needed or after the last one.
  // One for each picture; with fields_apart two for each interlaced one, the second between its
  // time and that of the next.
  FramePtr Receive();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What a stream or a picture says of its fields.
bool IsInterlaced(const AVFrame& picture);
bool TopFieldFirst(const AVFrame& picture);
void MarkInterlaced(AVFrame* picture, bool top_field_first);

}  // namespace mdvt::ff
