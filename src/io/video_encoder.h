// SPDX-License-Identifier: Apache-2.0
//
// Images in, packets of one video stream out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/ffmpeg.h"
#include "mdvt/io/codecs.h"
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

  // The pixels are read before this returns.
  void Send(const ImageView& image, int64_t pts);
  void Send(const RowFiller& fill, int64_t pts);
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
  // A frame over the one buffer that every frame uses: none of the encoders looks at a frame again
  // once it has taken it.
  FramePtr OwnFrame();
  // A frame of its own for an encoder of a device, which may look at it later.
  FramePtr DeviceFrame() const;
  // The formats of pictures that the encoder may take for ours, the best first.
  std::vector<AVPixelFormat> PictureFormats(const AVCodec& codec,
                                            const VideoEncoderInfo& entry) const;
  void TakeFormat(AVPixelFormat format);
  // Makes the device and the pool of its pictures, where pictures are to be brought there first.
  int OpenDevice(AVCodecContext* c);
  FramePtr ToDevice(FramePtr frame) const;
  static int Execute(AVCodecContext* c, SliceFunction slice, void* arguments, int* results,
                     int count, int size) noexcept;
  // Rows from y on in the layout that goes in.
  void InterleaveRows(const ImageView& image, int y, AVFrame* frame) const;
  void SendFrame(FramePtr picture, int64_t pts);
  // Calls avcodec_send_frame with a packet buffer that is no larger than need be, see the .cpp.
  int SendToCodec(const AVFrame* frame);
  bool MayHaveOverflowed(const AVPacket& packet) const;

  std::string path_;
  PixelFormat format_;
  AVPixelFormat av_format_ = AV_PIX_FMT_NONE;  // of the encoder
  bool interleave_ = false;                    // planar RGB goes in as bgr0
  bool semi_planar_ = false;                   // planar 4:2:0 goes in as NV12 or P010
  bool low_power_ = false;                     // the mode of VA-API
  BufferPtr device_;                           // of pictures that go in from a device
  CodecPtr encoder_;
  int gang_ = 1;  // threads that work at once while it is called
  // FFV1 codes its slices on the threads of this one.
  ThreadPool* pool_ = nullptr;
  std::unique_ptr<ThreadPool> own_pool_;
  int slice_error_ = 0;  // of the frame being coded
  BufferPtr own_buffer_;
  size_t frame_bytes_ = 0;
  Image band_;  // rows on their way to another layout

  // FFV1: rows of the picture that its packet buffer is sized for, now and at most; 0 = all.
  int buffer_rows_ = 0;
  int most_buffer_rows_ = 0;
  int slices_ = 0;
  PacketPtr taken_;  // a packet that SendToCodec() has looked at already
};

}  // namespace mdvt::ff
