// SPDX-License-Identifier: Apache-2.0
//
// A container being written to an OutputFile, with every return value checked.
#pragma once

#include <exception>
#include <string>

#include "io/ffmpeg.h"
#include "io/output_file.h"

namespace mdvt::ff {

class Muxer {
 public:
  // format  FFmpeg's name: "matroska", "mp4", "mov".
  Muxer(const OutputTarget& target, const char* format, bool overwrite);
  ~Muxer();
  Muxer(const Muxer&) = delete;
  Muxer& operator=(const Muxer&) = delete;

  AVFormatContext* context() const { return context_; }
  const std::string& path() const { return file_.path(); }

  // Throws Error(kOutOfMemory).
  AVStream* AddStream();

  // Wherever the header is written, the first occurrence of `from` becomes `to`, of the same
  // length: for what FFmpeg's muxer has no way to say. Before WriteHeader(); no checksums may cover
  // it.
  void ReplaceInHeader(std::string from, std::string to);

  // Throws Error: kIo, kUnsupported. Unused entries of `options` are a mistake of ours: kInternal.
  void WriteHeader(Dictionary* options);

  // Writes at once, without reordering among streams, and leaves `packet` blank. Throws Error(kIo).
  void Write(AVPacket* packet);

  // Ends the container and the file. Throws Error(kIo).
  void Finish();

 private:
  struct Reader;  // for the second pass of faststart
  static int WriteBytes(void* self, uint8_t* data, int size) noexcept;
  static int64_t SeekBytes(void* self, int64_t offset, int whence) noexcept;
  static int OpenForReading(AVFormatContext* context, AVIOContext** io, const char* url, int flags,
                            AVDictionary** options) noexcept;
  static int CloseReading(AVFormatContext* context, AVIOContext* io) noexcept;
  // Throws the file's own error if there was one, else Error(kIo) if error < 0.
  void Check(int error, const char* what);

  OutputFile file_;
  int64_t position_ = 0;
  std::string replaced_, replacement_;
  int64_t header_end_ = INT64_MAX;
  std::exception_ptr file_error_;
  AVIOContext* io_ = nullptr;
  AVFormatContext* context_ = nullptr;
};

}  // namespace mdvt::ff
