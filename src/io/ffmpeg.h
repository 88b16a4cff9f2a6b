// SPDX-License-Identifier: Apache-2.0
//
// FFmpeg's C interface made safe: owners for its handles, its error numbers as text, and the tables
// between its names and ours. Private to this layer.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/rational.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/dict.h>
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
}

namespace mdvt::ff {

struct FrameDeleter {
  void operator()(AVFrame* p) const { av_frame_free(&p); }
};
struct PacketDeleter {
  void operator()(AVPacket* p) const { av_packet_free(&p); }
};
struct CodecDeleter {
  void operator()(AVCodecContext* p) const { avcodec_free_context(&p); }
};
struct BufferDeleter {
  void operator()(AVBufferRef* p) const { av_buffer_unref(&p); }
};
using BufferPtr = std::unique_ptr<AVBufferRef, BufferDeleter>;
using FramePtr = std::unique_ptr<AVFrame, FrameDeleter>;
using PacketPtr = std::unique_ptr<AVPacket, PacketDeleter>;
using CodecPtr = std::unique_ptr<AVCodecContext, CodecDeleter>;

// These throw Error(kOutOfMemory) instead of returning null.
FramePtr NewFrame();
PacketPtr NewPacket();
CodecPtr NewCodec(const AVCodec* codec);

// A dictionary of options that frees itself.
class Dictionary {
 public:
  Dictionary() = default;
  ~Dictionary() { av_dict_free(&dict_); }
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;
  void Set(const char* key, const std::string& value);
  void Set(const char* key, int64_t value) { Set(key, std::to_string(value)); }
  AVDictionary** get() { return &dict_; }

 private:
  AVDictionary* dict_ = nullptr;
};

// "Invalid data found when processing input".
std::string ErrorText(int error);

// The code for a failure of FFmpeg while `fallback` is the code for damaged data.
Code ErrorCode(int error, Code fallback);

// Throws Error unless error >= 0: "<what>: <FFmpeg's text>".
void CheckFf(int error, Code fallback, const std::string& what);

inline AVRational ToAv(Rational r) { return {static_cast<int>(r.num), static_cast<int>(r.den)}; }
inline Rational FromAv(AVRational r) { return {r.num, r.den}; }

// The planar PixelFormat of an FFmpeg format whose planes are ours as they stand: gray, planar YUV
// and planar RGB of 8 to 16 bits in the byte order of this machine, also with an alpha plane (which
// is left out). Empty for all others.
std::optional<PixelFormat> PlanarFormat(AVPixelFormat format);

// FFmpeg's format with the planes of `format` (yuv420p10 -> AV_PIX_FMT_YUV420P10);
// AV_PIX_FMT_NONE if it has none.
AVPixelFormat ToAvFormat(const PixelFormat& format);

// FFmpeg's plane number of our plane (planar RGB is stored G, B, R).
int AvPlane(const PixelFormat& format, int plane);

// "yuv420p", also for AV_PIX_FMT_NONE ("none").
std::string FormatName(AVPixelFormat format);

// The pixels of a frame in a planar format (see PlanarFormat), kept alive by the result; no copy.
Image WrapFrame(FramePtr frame, const PixelFormat& format);

// A frame over the pixels of `image`, which it does not keep alive; `format` is ToAvFormat() of the
// image's. For encoders only, which read pixels while a frame is sent and never after.
FramePtr WrapImage(const ImageView& image, AVPixelFormat format);

// The value of an enum that comes from a file: FFmpeg passes numbers on that its enum does not
// name, and reading those as the enum is undefined. `count` (AVCOL_SPC_NB ...) and above become
// `unknown`.
template <typename Enum>
int FileEnum(const Enum& from, int count, int unknown) {
  static_assert(sizeof(Enum) == sizeof(int));
  int value;
  std::memcpy(&value, &from, sizeof(value));
  return value >= 0 && value < count ? value : unknown;
}

bool IsFullRangeYuvj(AVPixelFormat format);

// AVCodecContext::execute on the threads of a pool: calls slice() for each of `count` arguments of
// `size` bytes. Returns an error of one of them, which FFV1 does not look at; throws nothing.
using SliceFunction = int (*)(AVCodecContext* c, void* argument);
int RunSlices(ThreadPool* pool, AVCodecContext* c, SliceFunction slice, void* arguments,
              int* results, int count, int size);

}  // namespace mdvt::ff
