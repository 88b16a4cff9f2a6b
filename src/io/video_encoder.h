// SPDX-License-Identifier: Apache-2.0
//
// Images in, packets of one video stream out.
#pragma once

#include <cstdint>
#include <string>

#include "io/ffmpeg.h"
#include "mdvt/io/video_writer.h"

namespace mdvt::ff {

class VideoEncoder {
 public:
  // Throws Error: kInvalidArgument (format and codec do not go together), kUnsupported (encoder not
  // in this FFmpeg). `global_header`: the container wants the codec's header apart.
  VideoEncoder(const std::string& path, const PixelFormat& format, int width, int height,
               const VideoWriterOptions& options, bool global_header);
  ~VideoEncoder();
  VideoEncoder(const VideoEncoder&) = delete;
  VideoEncoder& operator=(const VideoEncoder&) = delete;

  const AVCodecContext& context() const { return *encoder_; }

  // The pixels are shared until the encoder is done with them.
  void Send(const Image& image, int64_t pts);
  // The pixels are copied.
  void Send(const ImageView& image, int64_t pts);
  // No more images.
  void SendEnd();

  // The next packet, times in options.time_base; false if the encoder wants more images first (or,
  // after SendEnd(), if there are no more).
  bool Receive(AVPacket* packet);

 private:
  // FFmpeg's error; AVERROR(ENOSYS) if FFV1 cannot divide the picture into so many slices (0: level
  // 1, without slices).
  int Open(const AVCodec& codec, int width, int height, const VideoWriterOptions& options,
           bool global_header, int slices);
  void SendFrame(FramePtr frame, int64_t pts);
  // Calls avcodec_send_frame with a packet buffer that is no larger than need be, see the .cpp.
  int SendToCodec(const AVFrame* frame);
  FramePtr PoolFrame();
  FramePtr Interleaved(const ImageView& image);

  std::string path_;
  PixelFormat format_;
  AVPixelFormat av_format_ = AV_PIX_FMT_NONE;  // of the encoder
  bool interleave_ = false;                    // planar RGB goes in as bgr0
  CodecPtr encoder_;
  AVBufferPool* pool_ = nullptr;
  size_t frame_bytes_ = 0;
  int buffer_rows_ = 0;  // FFV1: rows of the picture that its packet buffer is sized for; 0 = all
};

}  // namespace mdvt::ff
