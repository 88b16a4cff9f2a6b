// SPDX-License-Identifier: Apache-2.0
#include "io/ffmpeg.h"

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "core/image_budget.h"
#include "mdvt/core/log.h"
#include "mdvt/io/ffmpeg_log.h"

extern "C" {
#include <libavutil/log.h>
}

namespace mdvt {
namespace {

// One line of FFmpeg may come in several calls; each is passed on as it is, without its newline.
void ForwardToDebugLog(void* context, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_WARNING) return;
  char line[1024];
  int print_prefix = 1;
  const int length =
      av_log_format_line2(context, level, format, arguments, line, sizeof(line), &print_prefix);
  if (length <= 0) return;
  try {
    std::string text(line);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (!text.empty()) LogDebug("ffmpeg: " + text);
  } catch (...) {  // no memory for a remark: nothing is lost
  }
}

}  // namespace

void SilenceFfmpegLog() {
  av_log_set_callback(&ForwardToDebugLog);
  // SVT-AV1 prints by itself and is told so in no other way.
  setenv("SVT_LOG", "-1", 0);
}

namespace ff {

FramePtr NewFrame() {
  FramePtr frame(av_frame_alloc());
  Require(frame != nullptr, Code::kOutOfMemory, "no memory for a video frame");
  return frame;
}

PacketPtr NewPacket() {
  PacketPtr packet(av_packet_alloc());
  Require(packet != nullptr, Code::kOutOfMemory, "no memory for a packet");
  return packet;
}

CodecPtr NewCodec(const AVCodec* codec) {
  CodecPtr context(avcodec_alloc_context3(codec));
  Require(context != nullptr, Code::kOutOfMemory, "no memory for a codec");
  // Shifts this codec's messages below any level that is printed. What matters is in our Error;
  // unlike av_log_set_level() this touches nobody else's codecs.
  context->log_level_offset = 100;
  return context;
}

void Dictionary::Set(const char* key, const std::string& value) {
  Require(av_dict_set(&dict_, key, value.c_str(), 0) >= 0, Code::kOutOfMemory,
          "no memory for an option");
}

std::string ErrorText(int error) {
  // Of codecs only those that cannot start their threads return it as a failure.
  if (error == AVERROR(EAGAIN))
    return "a thread cannot be started, the limit of processes (ulimit -u) or of memory is reached";
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof(text));
  return text;
}

Code ErrorCode(int error, Code fallback) {
  if (error == AVERROR(ENOMEM)) return Code::kOutOfMemory;
  // While reading, errors of the system come out of the ByteSource; FFmpeg's own EIO is damage.
  if (fallback == Code::kCorrupt) return fallback;
  if (error == AVERROR(EIO) || error == AVERROR(ENOSPC) || error == AVERROR(EDQUOT) ||
      error == AVERROR(EFBIG)) {
    return Code::kIo;
  }
  return fallback;
}

void CheckFf(int error, Code fallback, const std::string& what) {
  if (error >= 0) return;
  throw Error(ErrorCode(error, fallback), what + ": " + ErrorText(error));
}

bool IsFullRangeYuvj(AVPixelFormat format) {
  return format == AV_PIX_FMT_YUVJ420P || format == AV_PIX_FMT_YUVJ422P ||
         format == AV_PIX_FMT_YUVJ444P || format == AV_PIX_FMT_YUVJ440P ||
         format == AV_PIX_FMT_YUVJ411P;
}

std::optional<PixelFormat> PlanarFormat(AVPixelFormat format) {
  const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(format);
  if (d == nullptr) return std::nullopt;
  constexpr uint64_t kForeign = AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                                AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BAYER |
                                AV_PIX_FMT_FLAG_FLOAT;
  if ((d->flags & kForeign) != 0) return std::nullopt;
  const bool alpha = (d->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
  const int colors = d->nb_components - (alpha ? 1 : 0);
  if (colors != 1 && colors != 3) return std::nullopt;
  const int bits = d->comp[0].depth;
  if (bits < 8 || bits > 16) return std::nullopt;
  const int bytes = bits > 8 ? 2 : 1;
  if (bytes == 2 && (d->flags & AV_PIX_FMT_FLAG_BE) != 0) return std::nullopt;
  for (int i = 0; i < colors; ++i) {
    const AVComponentDescriptor& c = d->comp[i];
    if (c.depth != bits || c.step != bytes || c.offset != 0 || c.shift != 0) return std::nullopt;
  }
  const bool rgb = (d->flags & AV_PIX_FMT_FLAG_RGB) != 0;
  PixelFormat result = colors == 1 ? PixelFormat::Gray(bits)
                       : rgb       ? PixelFormat::Rgb(bits)
                                   : PixelFormat::Yuv(444, bits);
  if (colors == 3) {
    // Three different planes, in the order that AvPlane() assumes.
    for (int i = 0; i < 3; ++i) {
      if (d->comp[i].plane != AvPlane(result, i)) return std::nullopt;
    }
    if (d->log2_chroma_w > 2 || d->log2_chroma_h > 2) return std::nullopt;
    result.chroma_shift_x = rgb ? 0 : d->log2_chroma_w;
    result.chroma_shift_y = rgb ? 0 : d->log2_chroma_h;
  }
  return result;
}

AVPixelFormat ToAvFormat(const PixelFormat& format) {
  // Of the formats with the same planes the first in FFmpeg's list is the plain one (yuv420p comes
  // before yuvj420p, gbrp before gbrap).
  const AVPixFmtDescriptor* d = nullptr;
  while ((d = av_pix_fmt_desc_next(d)) != nullptr) {
    const AVPixelFormat id = av_pix_fmt_desc_get_id(d);
    if ((d->flags & AV_PIX_FMT_FLAG_ALPHA) != 0 || IsFullRangeYuvj(id)) continue;
    if (std::string_view(d->name).substr(0, 3) == "xyz") continue;
    const auto planar = PlanarFormat(id);
    if (planar && *planar == format) return id;
  }
  return AV_PIX_FMT_NONE;
}

int AvPlane(const PixelFormat& format, int plane) {
  constexpr int kGbr[3] = {2, 0, 1};
  return format.model == ColorModel::kRgb ? kGbr[plane] : plane;
}

std::string FormatName(AVPixelFormat format) {
  const char* name = av_get_pix_fmt_name(format);
  return name != nullptr ? name : "none";
}

Image WrapFrame(FramePtr frame, const PixelFormat& format) {
  MutableImageView view;
  view.format = format;
  view.width = frame->width;
  view.height = frame->height;
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const int source = AvPlane(format, plane);
    view.data[static_cast<size_t>(plane)] = reinterpret_cast<std::byte*>(frame->data[source]);
    view.stride[static_cast<size_t>(plane)] = frame->linesize[source];
  }
  int64_t bytes = 0;
  for (const AVBufferRef* buffer : frame->buf)
    if (buffer != nullptr) bytes += static_cast<int64_t>(buffer->size);
  std::shared_ptr<void> charge = ImageBudget::Charge(bytes);
  return Image(view, std::shared_ptr<AVFrame>(frame.release(),
                                              [charge](AVFrame* held) { FrameDeleter()(held); }));
}

namespace {
void KeepPixels(void*, uint8_t*) {}
}  // namespace

FramePtr WrapImage(const ImageView& image, AVPixelFormat av_format) {
  FramePtr frame = NewFrame();
  frame->width = image.width;
  frame->height = image.height;
  frame->format = av_format;
  for (int plane = 0; plane < image.format.num_planes(); ++plane) {
    const int target = AvPlane(image.format, plane);
    // Encoders only read; AVFrame has no const.
    frame->data[target] = const_cast<uint8_t*>(
        reinterpret_cast<const uint8_t*>(image.data[static_cast<size_t>(plane)]));
    frame->linesize[target] = static_cast<int>(image.stride[static_cast<size_t>(plane)]);
  }
  // One reference for the whole image. The size is that of the first plane: nobody writes through
  // it, and FFmpeg only asks that data[0] lies inside.
  frame->buf[0] =
      av_buffer_create(frame->data[0], 1, &KeepPixels, nullptr, AV_BUFFER_FLAG_READONLY);
  Require(frame->buf[0] != nullptr, Code::kOutOfMemory, "no memory for a video frame");
  return frame;
}

int RunSlices(ThreadPool* pool, AVCodecContext* c, SliceFunction slice, void* arguments,
              int* results, int count, int size) {
  std::atomic<int> failure{0};
  try {
    pool->ParallelFor(count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int result = slice(c, static_cast<std::byte*>(arguments) + i * size);
        if (results != nullptr) results[i] = result;
        if (result < 0) failure = result;
      }
    });
  } catch (...) {  // FFmpeg is C
    return AVERROR(ENOMEM);
  }
  return failure;
}

}  // namespace ff
}  // namespace mdvt
