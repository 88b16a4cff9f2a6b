// SPDX-License-Identifier: Apache-2.0
//
// Opens a container of the allow-list on a ByteSource and hands out its packets. Nothing but that
// source is ever opened: no protocol, no playlist, no file that the container names.
#pragma once

#include <exception>
#include <memory>
#include <string>

#include "io/container_check.h"
#include "io/ffmpeg.h"
#include "mdvt/core/limits.h"
#include "mdvt/io/byte_source.h"

namespace mdvt::ff {

class Demuxer {
 public:
  // name    for messages.
  // Throws Error: kCorrupt, kUnsupported, kLimit, kIo.
  Demuxer(std::unique_ptr<ByteSource> source, const std::string& name, const Limits& limits);
  ~Demuxer();
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;

  AVFormatContext* context() const { return context_; }
  const std::string& name() const { return name_; }
  ContainerKind kind() const { return kind_; }
  ByteSource& source() { return *source_; }
  // Of a transport stream: bytes from one of its packets to the next.
  int packet_spacing() const { return packet_spacing_; }
  // Of a transport stream that holds several programs: false for streams of those that are not
  // read. Of the first program that has pictures all streams are.
  bool IsOfTheProgram(const AVStream& stream) const;

  // Reads ahead until FFmpeg knows rates and delays, within fixed bounds of bytes and time.
  // Throws Error: kCorrupt, kIo.
  void FindStreamInfo(const Limits& limits);

  // The next packet of any stream that is not discarded; false at the end. Times of a transport
  // stream, which begin with whatever its sender's clock showed, are counted from its beginning.
  // Throws Error: kCorrupt, kIo.
  bool Read(AVPacket* packet);

  // Goes on reading at the last key frame of the stream that is decoded at `pts` or before, or at
  // the first one there is. Throws Error: kUnsupported (the container cannot be entered), kIo.
  void Seek(const AVStream& stream, int64_t pts);
  // Goes on reading at the beginning; `first_pts` is the time of the stream's first picture.
  void Rewind(const AVStream& stream, int64_t first_pts);

 private:
  static int ReadBytes(void* self, uint8_t* buffer, int size) noexcept;
  static int64_t SeekBytes(void* self, int64_t offset, int whence) noexcept;
  // Throws what the source threw while FFmpeg was calling it.
  void RethrowSourceError();
  // FFmpeg's error.
  int Open(const Limits& limits);
  void StartTransportStream(const Limits& limits);
  void FreeAll();

  std::string name_;
  std::unique_ptr<ByteSource> source_;
  ContainerKind kind_;
  int packet_spacing_ = 0;
  int64_t begin_ = 0;  // of its times, in AV_TIME_BASE
  bool found_info_ = false;
  const AVProgram* program_ = nullptr;  // the one that is read, of several
  int64_t position_ = 0;
  std::exception_ptr source_error_;
  AVIOContext* io_ = nullptr;
  AVFormatContext* context_ = nullptr;
};

// The decoders that may see bytes of a file: for pictures, and for sound.
bool IsAllowedDecoder(const char* name);
// Their names, separated by commas.
const char* AllowedDecoders();
bool IsAllowedAudioDecoder(const char* name);

}  // namespace mdvt::ff
