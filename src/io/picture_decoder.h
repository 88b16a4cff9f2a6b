// SPDX-License-Identifier: Apache-2.0
//
// Decodes one stream, and keeps account of what is damaged or missing in it.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "io/demuxer.h"
#include "io/ffmpeg.h"
#include "io/transport_stream.h"
#include "mdvt/io/video_reader.h"

namespace mdvt::ff {

class PictureDecoder {
 public:
  // Keeps references to the first two. `name` is that of the file.
  // Throws Error: kUnsupported, kCorrupt.
  PictureDecoder(Demuxer* demuxer, AVStream* stream, const AVCodec* codec,
                 const VideoReaderOptions& options, const std::string& name);
  PictureDecoder(const PictureDecoder&) = delete;
  PictureDecoder& operator=(const PictureDecoder&) = delete;

  // To be called before the first Next() where the demuxer does not stand at the beginning: what
  // hangs on pictures before is left out whatever the options say, up to the end if need be.
  void BeginAnywhere() { begins_anywhere_ = true; }

  // The next picture in presentation order, null at the end.
  //   * Before the first whole picture: damaged ones and those that hang on pictures which are not
  //     there are left out.
  //   * After it they come as the decoder patched them.
  // All are counted in report(). With options.strict they are Error(kCorrupt), as is a stream
  // without any whole picture. Throws also kIo, kOutOfMemory.
  FramePtr Next();

  // Of Next()'s pictures and those between them. Pictures that are missing from the file itself are
  // for the caller to count.
  const ReadingReport& report() const { return report_; }
  // What the packets say of the stream's codec, once the first picture is there.
  bool is_lossless() const { return lossless_; }
  const AVCodecContext& context() const { return *decoder_; }

 private:
  void Open();
  static int Execute(AVCodecContext* c, SliceFunction slice, void* arguments, int* results,
                     int count, int size) noexcept;
  static int GetBuffer(AVCodecContext* c, AVFrame* frame, int flags) noexcept;
  static int GetGrayBuffer(AVCodecContext* c, AVFrame* frame, int flags) noexcept;

  FramePtr NextDecoded();
  void SendPacket();
  bool PacketIsSound();
  // A packet or a picture that the decoder refuses.
  void Refused(int error);
  bool IsDamaged(const AVFrame& picture);
  bool BeginsWhole(const AVFrame& picture, bool damaged) const;
  void DropLeading();
  int64_t CountLost(const AVFrame* picture);
  void CheckStrict(bool sound, const std::string& what) const;
  std::string Where() const;

  Demuxer* demuxer_;
  AVStream* stream_;
  const VideoReaderOptions options_;
  std::string name_;
  CodecPtr decoder_;
  PacketPtr packet_;
  FramePtr shared_;  // see GetBuffer()
  ReadingReport report_;
  bool lossless_ = false;
  bool begins_anywhere_ = false;
  int slice_error_ = 0;                  // no memory for one
  bool started_ = false;                 // the first whole picture has come
  int64_t first_time_ = AV_NOPTS_VALUE;  // and this is its timestamp
  // Timestamps of packets whose pictures have not come, in the order of the file.
  std::deque<int64_t> waiting_;
  std::set<int64_t> given_up_;  // of packets that count as missing
  std::set<int64_t> damaged_packets_;
  std::optional<TransportCheck> transport_;
  bool one_packet_one_picture_ = false;
  std::string first_refusal_;
  int64_t packets_ = 0;
  int64_t pictures_ = 0;  // that Next() gave
};

}  // namespace mdvt::ff
