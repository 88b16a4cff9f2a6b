// SPDX-License-Identifier: Apache-2.0
#include "io/video_encoder.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>
#include <vector>

#include "io/deinterleave.h"
#include "io/ffv1_check.h"
#include "io/semi_planar.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/codecs.h"

extern "C" {
#include <libavutil/hwcontext.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
}

namespace mdvt::ff {
namespace {

constexpr int kMaxEncoderThreads = 16;
constexpr int kAlignment = 64;
constexpr int kMaxSide = 32768;
constexpr int64_t kBandPixels = 1 << 18;  // of a picture that is made while it is sent

// Encoders that do not tell ask the device.
bool Accepts(const AVCodec& codec, AVPixelFormat format) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)
  const void* list = nullptr;
  int count = 0;
  if (avcodec_get_supported_config(nullptr, &codec, AV_CODEC_CONFIG_PIX_FORMAT, 0, &list, &count) <
      0) {
    return false;
  }
  const auto* formats = static_cast<const AVPixelFormat*>(list);
  return formats != nullptr && std::find(formats, formats + count, format) != formats + count;
#else
  for (const AVPixelFormat* f = codec.pix_fmts; f != nullptr && *f != AV_PIX_FMT_NONE; ++f) {
    if (*f == format) return true;
  }
  return false;
#endif
}

// x264 makes as many slices as it has threads, so that their number follows from the picture alone:
// each is 512 K pixels, of which a slow core codes 40 in a second.
int X264Slices(int64_t pixels) {
  return static_cast<int>(std::clamp<int64_t>((pixels + (1 << 18)) >> 19, 1, 8));
}

// While one exists, threads that the calling thread creates get `count` of the CPUs on which it may
// run, for ever: the ones from where it runs now. For codecs with more threads than are wanted.
class CpuScope {
 public:
  explicit CpuScope(int count) {
    const int now = sched_getcpu();
    if (now < 0 || now >= CPU_SETSIZE || sched_getaffinity(0, sizeof(before_), &before_) != 0 ||
        CPU_COUNT(&before_) <= count)
      return;
    cpu_set_t chosen;
    CPU_ZERO(&chosen);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&chosen) < count; ++i) {
      const auto cpu = static_cast<size_t>((now + i) % CPU_SETSIZE);
      if (CPU_ISSET(cpu, &before_)) CPU_SET(cpu, &chosen);
    }
    changed_ = sched_setaffinity(0, sizeof(chosen), &chosen) == 0;
  }
  ~CpuScope() {
    if (changed_) sched_setaffinity(0, sizeof(before_), &before_);
  }
  CpuScope(const CpuScope&) = delete;
  CpuScope& operator=(const CpuScope&) = delete;

 private:
  cpu_set_t before_;
  bool changed_ = false;
};

// How many slices FFV1 spreads over its threads: by the picture alone, so that the file does not
// depend on the threads. Each costs some compression, hence few for small pictures.
int WantedSlices(int64_t pixels) {
  if (pixels <= 640 * 480) return 4;
  if (pixels <= 1280 * 720) return 9;
  return kMaxEncoderThreads;
}

// Whether `count` slices side by side cover all chroma samples of an axis. FFmpeg rounds the start
// of a slice's chroma down and its length up, and where both lose, the last sample is never coded.
bool SlicesCover(int size, int count, int shift) {
  const auto ceil_shift = [shift](int value) { return (value + (1 << shift) - 1) >> shift; };
  int covered = 0;
  for (int i = 0; i < count; ++i) {
    const auto edge = [&](int k) {
      return static_cast<int>(static_cast<int64_t>(size) * k / count);
    };
    const int begin = edge(i) >> shift, length = ceil_shift(edge(i + 1) - edge(i));
    if (begin > covered || length < 2) return false;  // slices of one sample are lost as well
    covered = begin + length;
  }
  return covered == ceil_shift(size);
}

// Slice counts that FFmpeg's FFV1 encoder codes without loss, best first.
std::vector<int> SliceCounts(int width, int height, const AVPixFmtDescriptor& d) {
  const int64_t pixels = static_cast<int64_t>(width) * height;
  const bool small = width <= 352 && height <= 288;
  std::vector<int> counts;
  // The encoder takes the first grid of rows x columns with rows <= columns < 2 rows and the
  // number of cells asked for; above CIF it begins with two rows.
  for (int rows = small ? 1 : 2; rows < 12; ++rows) {
    for (int columns = rows; columns < 2 * rows; ++columns) {
      const int count = rows * columns;
      if (std::find(counts.begin(), counts.end(), count) != counts.end()) continue;
      if (SlicesCover(width, columns, d.log2_chroma_w) &&
          SlicesCover(height, rows, d.log2_chroma_h)) {
        counts.push_back(count);
      }
    }
  }
  const int wanted = width < 64 || height < 64 ? 1 : WantedSlices(pixels);
  std::stable_sort(counts.begin(), counts.end(),
                   [wanted](int a, int b) { return std::abs(a - wanted) < std::abs(b - wanted); });
  return counts;
}

// FFmpeg 5's FFV1 encoder clears a packet buffer of so many bytes for each pixel of its context's
// size before the first frame, 650 MB for both eyes of a 1080p picture, and keeps it. It codes by
// the size that it was opened with, so that a lower context costs less, as long as each slice's
// equal share of the buffer holds the slice.
constexpr int64_t kPacketBytesPerPixel = 148;

int PacketBufferRows(int64_t bytes, int width, int height) {
#if LIBAVCODEC_VERSION_MAJOR == 59
  const int64_t rows = bytes / (kPacketBytesPerPixel * width) + 1;
  return rows < height ? static_cast<int>(rows) : 0;
#else
  (void)bytes, (void)width, (void)height;
  return 0;
#endif
}

int64_t Samples(const PixelFormat& format, int width, int height) {
  int64_t samples = 0;
  for (int plane = 0; plane < format.num_planes(); ++plane)
    samples += int64_t{format.PlaneWidth(plane, width)} * format.PlaneHeight(plane, height);
  return samples;
}

// Room that the encoder wants before it begins a row; it gives a slice up without a word where that
// is missing. 4 or 35 bytes for each sample of the row.
int64_t RowRoom(const PixelFormat& format, int width) {
  return (format.bits == 8 ? 4 : 40) * int64_t{width} + 4096;
}

// Holds every frame. A sample costs at most 21 bits as a Rice code of 8-bit samples (and of 9-bit
// ones, which RGB becomes). A range-coded sample of 16 bits is at most 35 binary decisions, of
// about 1.1 bits each where an opponent of the adaptive coder chooses them.
int64_t WorstPacketBytes(int width, int height, const PixelFormat& format, int slices) {
  const int64_t parts = std::max(1, slices);
  // Slices differ by a row or column in size, and where chroma is subsampled by one of those.
  const int64_t samples = Samples(format, width, height) + parts * 4 * (width + height);
  return (format.bits == 8 ? 3 : 8) * samples + parts * 3 * RowRoom(format, width);
}

// Holds usual frames, in half the bits of their samples; in a 16th of those of RGB with 8 bits,
// which are masks as a rule. See VideoEncoder::SendToCodec() for others.
int64_t UsualPacketBytes(int width, int height, const PixelFormat& format, int slices) {
  const int share = format == PixelFormat::Rgb(8) ? 16 : 2;
  return Samples(format, width, height) * format.bytes_per_sample() / share +
         slices * RowRoom(format, width);
}

// Of the libraries behind FFmpeg no reason is passed on; memory is what they fail for.
int LibraryError(int error) {
  return error == AVERROR_EXTERNAL && errno == ENOMEM ? AVERROR(ENOMEM) : error;
}

// Place of a preset among x264's, the fastest first.
int PresetNumber(const std::string& preset) {
  constexpr std::array kPresets = {"ultrafast", "superfast", "veryfast", "faster",   "fast",
                                   "medium",    "slow",      "slower",   "veryslow", "placebo"};
  const auto* found = std::find(kPresets.begin(), kPresets.end(), preset);
  Require(found != kPresets.end(), Code::kInvalidArgument,
          "VideoWriterOptions.preset = '" + preset +
              "', must be ultrafast, superfast, veryfast, faster, fast, medium, slow, slower, "
              "veryslow or placebo");
  return static_cast<int>(found - kPresets.begin());
}

void CheckOptions(const VideoWriterOptions& options) {
  const auto fits = [](Rational r) {
    constexpr int64_t kMax = std::numeric_limits<int>::max();
    return r.IsPositive() && r.num <= kMax && r.den <= kMax;
  };
  Require(fits(options.time_base), Code::kInvalidArgument,
          "VideoWriterOptions.time_base = " + options.time_base.ToString() +
              ", must be positive with 31 bits in each part");
  Require(options.frame_rate.num == 0 || fits(options.frame_rate), Code::kInvalidArgument,
          "VideoWriterOptions.frame_rate = " + options.frame_rate.ToString() +
              ", must be 0 or positive with 31 bits in each part");
  Require(fits(options.sample_aspect), Code::kInvalidArgument,
          "VideoWriterOptions.sample_aspect = " + options.sample_aspect.ToString(':') +
              ", must be positive with 31 bits in each part");
  Require(options.crf >= 0 && options.crf <= 51, Code::kInvalidArgument,
          "VideoWriterOptions.crf = " + std::to_string(options.crf) + ", must be in [0, 51]");
  PresetNumber(options.preset);
}

// The shape of a colour space as x264, x265 and SVT-AV1 read it: coordinates and brightness as
// whole numbers of the given parts (x264, x265), or as decimals (0).
std::string MasteringText(const MasteringDisplay& display, int xy_parts, int luminance_parts) {
  const auto number = [](Rational value, int parts) {
    const double exact = value.ToDouble();
    return parts > 0 ? std::to_string(std::llround(exact * parts)) : FormatFixed(exact, 6);
  };
  const auto pair = [&](const char* name, Rational a, Rational b, int parts) {
    return std::string(name) + "(" + number(a, parts) + "," + number(b, parts) + ")";
  };
  const MasteringDisplay::Colors& colors = *display.colors;
  const auto color = [&](const char* name, const MasteringDisplay::Chromaticity& c) {
    return pair(name, c.x, c.y, xy_parts);
  };
  return color("G", colors.primaries[1]) + color("B", colors.primaries[2]) +
         color("R", colors.primaries[0]) + color("WP", colors.white) +
         pair("L", display.luminance->max, display.luminance->min, luminance_parts);
}

// The parameters by which x264, x265 and SVT-AV1 write HDR metadata into the stream: ":name=value"
// for each that is known as a whole.
std::string HdrParameters(const HdrMetadata& hdr, const char* mastering, const char* light,
                          int xy_parts, int luminance_parts) {
  std::string text;
  if (hdr.mastering && hdr.mastering->colors && hdr.mastering->luminance)
    text += std::string(":") + mastering + "=" +
            MasteringText(*hdr.mastering, xy_parts, luminance_parts);
  if (hdr.content_light)
    text += std::string(":") + light + "=" + std::to_string(hdr.content_light->max_content) + "," +
            std::to_string(hdr.content_light->max_frame_average);
  return text;
}

void SetFfv1(int slices, int bits, AVCodecContext* c, Dictionary* settings) {
  c->gop_size = 1;
  c->thread_type = FF_THREAD_SLICE;
  c->level = slices > 0 ? 3 : 1;
  c->slices = slices;
  if (slices > 0) settings->Set("slicecrc", "1");
  // Rice codes are twice as fast as the range coder; beyond 8 bits FFV1 has the latter only.
  settings->Set("coder", bits == 8 ? "rice" : "range_tab");
  settings->Set("context", "0");
}

// The code of ITU-T H.264, D.2.26; -1: none. x264 states it for the left eye first only.
int FramePacking(const VideoWriterOptions& options) {
  if (options.right_eye_first) return -1;
  switch (options.stereo) {
    case StereoLayout::kColumnInterleaved:
      return 1;
    case StereoLayout::kRowInterleaved:
      return 2;
    case StereoLayout::kSideBySide:
      return 3;
    case StereoLayout::kTopBottom:
      return 4;
    default:
      return -1;
  }
}

void SetX264(const VideoWriterOptions& options, AVCodecContext* c, Dictionary* settings) {
  const bool lossless = options.codec == VideoCodec::kH264Rgb;
  settings->Set("preset", options.preset);
  settings->Set(lossless ? "qp" : "crf", lossless ? 0 : options.crf);
  // x264 holds two to four times a picture's bytes for each frame that it looks ahead, reorders or
  // codes beside others: by its own choice 350 MB for both eyes of a 1080p picture, 90 MB so, for
  // files of the same quality that are a tenth larger at most.
  std::string parameters =
      "rc-lookahead=1:sync-lookahead=0:bframes=0:sliced-threads=1:cpu-independent=1";
  const int packing = FramePacking(options);
  if (packing >= 0) parameters += ":frame-packing=" + std::to_string(packing);
  parameters += HdrParameters(options.hdr, "mastering-display", "cll", 50000, 10000);
  settings->Set("x264-params", parameters);
  c->thread_count = X264Slices(static_cast<int64_t>(c->width) * c->height);
}

// Without frames that it looks ahead or reorders x265 has ended its work on a frame when it
// returns. Its wavefronts give the same bits for every number of threads.
void SetX265(const VideoWriterOptions& options, int threads, Dictionary* settings) {
  settings->Set("preset", options.preset);
  std::string parameters =
      "log-level=-1:info=0:frame-threads=1:bframes=0:rc-lookahead=0:wpp=1:pools=" +
      std::to_string(threads);
  if (options.crf == 0) {
    parameters += ":lossless=1";
  } else {
    settings->Set("crf", std::min(options.crf + 3, 51));
  }
  parameters += HdrParameters(options.hdr, "master-display", "max-cll", 50000, 10000);
  settings->Set("x265-params", parameters);
}

int Av1Quality(int crf) {
  return static_cast<int>(std::clamp<int64_t>(std::lround(2.75 * crf - 24.5), 1, 63));
}

// Its threads go on between calls: they get as many CPUs as there are threads, see Open(). Groups
// of 8 frames and no more ahead keep what it holds down.
void SetSvtAv1(const VideoWriterOptions& options, int threads, AVCodecContext* c,
               Dictionary* settings) {
  constexpr int kPresets[] = {12, 11, 10, 9, 8, 7, 5, 4, 3, 2};
  settings->Set("preset", kPresets[PresetNumber(options.preset)]);
  settings->Set("crf", Av1Quality(options.crf));
  settings->Set("svtav1-params",
                "hierarchical-levels=3:lookahead=0:lp=" + std::to_string(threads) +
                    HdrParameters(options.hdr, "mastering-display", "content-light", 0, 0));
  // For its choices only; it takes no more than 240 a second.
  const double fps = options.frame_rate.IsPositive() ? options.frame_rate.ToDouble() : 0;
  if (!(fps > 0 && fps <= 240)) c->framerate = {fps > 240 ? 240 : 25, 1};
}

// Speed and constant quality, as each kind of device has them.
void SetDevice(const VideoEncoderInfo& entry, const VideoWriterOptions& options, AVCodecContext* c,
               Dictionary* settings) {
  constexpr int kLast = 6;
  const int preset = std::min(PresetNumber(options.preset), kLast);  // 0 is the fastest
  const bool av1 = entry.standard == std::string("AV1");
  const int quantizer = av1 ? 4 * Av1Quality(options.crf) : options.crf;
  c->bit_rate = 0;
  c->max_b_frames = 0;
  switch (entry.device) {
    case EncoderDevice::kProcessor:
      break;
    case EncoderDevice::kNvenc:
      settings->Set("preset", "p" + std::to_string(preset + 1));
      settings->Set("rc", "vbr");
      settings->Set("cq", options.crf);
      break;
    case EncoderDevice::kVaapi:
      c->compression_level = kLast - preset + 1;
      settings->Set("rc_mode", "CQP");
      c->global_quality = quantizer;
      break;
    case EncoderDevice::kQsv:
      settings->Set("preset", kLast - preset + 1);
      c->global_quality = options.crf;
      break;
    case EncoderDevice::kAmf:
      settings->Set("quality", preset < 3 ? "speed" : preset < 5 ? "balanced" : "quality");
      settings->Set("rc", "cqp");
      settings->Set("qp_i", quantizer);
      settings->Set("qp_p", quantizer);
      break;
    case EncoderDevice::kV4l2: {
      const double rate = options.frame_rate.IsPositive() ? options.frame_rate.ToDouble() : 25;
      if (!options.frame_rate.IsPositive()) c->framerate = {25, 1};
      c->bit_rate = std::llround(0.1 * std::exp2((23 - options.crf) / 6.0) * rate * c->width *
                                 static_cast<double>(c->height));
      c->qmin = c->qmax = options.crf;
      break;
    }
  }
}

}  // namespace

VideoEncoder::VideoEncoder(const std::string& path, const PixelFormat& format, int width,
                           int height, const VideoWriterOptions& options, bool global_header)
    : path_(path), format_(format) {
  CheckOptions(options);
  const VideoEncoderInfo& entry = VideoEncoderOf(options.codec);
  const std::string name = entry.ffmpeg;
  const AVCodec* codec = avcodec_find_encoder_by_name(entry.ffmpeg);
  Require(codec != nullptr, Code::kUnsupported,
          path + ": this build of FFmpeg has no encoder '" + name + "'" +
              (entry.hardware() ? std::string(": take ") + entry.without_device() : ""));
  Require(
      width >= 1 && height >= 1 && width <= kMaxSide && height <= kMaxSide, Code::kInvalidArgument,
      path + ": a video of " + FormatSize(width, height) + " pixels, sides must be in [1, 32768]");
  Require(width <= entry.max_width && height <= entry.max_height, Code::kUnsupported,
          path + ": " + FormatSize(width, height) + " pixels are too " +
              (width > entry.max_width ? "wide" : "high") + " for " + entry.name +
              ", which takes " + FormatSize(entry.max_width, entry.max_height) +
              " at most: make them smaller, or take ffv1 in an .mkv file");
  Require(options.crf > 0 || (options.codec != VideoCodec::kAv1 && !entry.hardware()),
          Code::kInvalidArgument,
          path + ": crf 0 is lossless, which " + entry.name + " cannot: take x264, x265 or ffv1");
  const bool rgb = format.model == ColorModel::kRgb;
  const std::vector<AVPixelFormat> formats = PictureFormats(*codec, entry);
  const bool wrong_model = options.codec == VideoCodec::kH264Rgb ? !rgb : !entry.lossless && rgb;
  Require(!formats.empty() && !wrong_model, Code::kInvalidArgument,
          path + ": " + name + " does not take " + format.ToString() + " pictures");
  TakeFormat(formats[0]);
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(av_format_);
  if (options.codec != VideoCodec::kFfv1) {
    Require(width % (1 << d.log2_chroma_w) == 0 && height % (1 << d.log2_chroma_h) == 0,
            Code::kInvalidArgument,
            path + ": " + entry.standard + " with " + format.ToString() + " cannot hold " +
                FormatSize(width, height) +
                " pixels: sides must be multiples of the chroma step (4:4:4 and FFV1 take any)");
  }

  int error = AVERROR(ENOSYS);
  if (options.codec == VideoCodec::kFfv1) {
    // Where there is no grid of slices, level 1 has none.
    std::vector<int> counts = SliceCounts(width, height, d);
    counts.push_back(0);
    for (size_t i = 0; i < counts.size() && error == AVERROR(ENOSYS); ++i) {
      error = Open(*codec, width, height, options, global_header, counts[i]);
      slices_ = counts[i];
    }
    most_buffer_rows_ =
        PacketBufferRows(WorstPacketBytes(width, height, format, slices_), width, height);
    buffer_rows_ = slices_ == 0 ? most_buffer_rows_
                                : PacketBufferRows(UsualPacketBytes(width, height, format, slices_),
                                                   width, height);
  } else {
    // Newer GPUs of Intel have the other mode of VA-API only.
    const int modes = entry.device == EncoderDevice::kVaapi ? 2 : 1;
    for (int mode = 0; mode < modes && error < 0; ++mode)
      for (size_t i = 0; i < formats.size() && error < 0; ++i) {
        TakeFormat(formats[i]);
        low_power_ = mode == 1;
        error = Open(*codec, width, height, options, global_header, 0);
      }
  }
  Require(error >= 0 || !entry.hardware(), Code::kUnsupported,
          path + ": the encoder '" + name + "' cannot be started for " + FormatSize(width, height) +
              " " + format.ToString() + " (" + ErrorText(error) + "), it needs " +
              DeviceText(entry.device) + ": take " + entry.without_device() +
              ", which needs none; mdvt_doctor tells which ones open here");
  CheckFf(error, Code::kUnsupported,
          path + ": the encoder '" + name + "' cannot be started for " + FormatSize(width, height) +
              " " + format.ToString());
  const int bytes = av_image_get_buffer_size(av_format_, width, height, kAlignment);
  CheckFf(bytes, Code::kInvalidArgument, path);
  frame_bytes_ = static_cast<size_t>(bytes) + kAlignment;
}

std::vector<AVPixelFormat> VideoEncoder::PictureFormats(const AVCodec& codec,
                                                        const VideoEncoderInfo& entry) const {
  const AVPixelFormat own = ToAvFormat(format_);
  if (own == AV_PIX_FMT_NONE) return {};
  if (!entry.hardware()) {
    if (Accepts(codec, own)) return {own};
    const bool rgb = format_.model == ColorModel::kRgb && format_.bits == 8;
    return rgb && Accepts(codec, AV_PIX_FMT_BGR0) ? std::vector{AV_PIX_FMT_BGR0}
                                                  : std::vector<AVPixelFormat>();
  }
  if ((own != AV_PIX_FMT_YUV420P && own != AV_PIX_FMT_YUV420P10) || format_.bits > entry.max_bits)
    return {};
  const AVPixelFormat usual = format_.bits == 8 ? AV_PIX_FMT_NV12 : AV_PIX_FMT_P010;
  switch (entry.device) {
    case EncoderDevice::kVaapi:  // what its pictures are made of
      return {usual};
    case EncoderDevice::kV4l2:  // as the device says when it opens
      return {AV_PIX_FMT_YUV420P, AV_PIX_FMT_NV12};
    default:
      if (Accepts(codec, own)) return {own};
      return Accepts(codec, usual) ? std::vector{usual} : std::vector<AVPixelFormat>();
  }
}

void VideoEncoder::TakeFormat(AVPixelFormat format) {
  av_format_ = format;
  interleave_ = format == AV_PIX_FMT_BGR0;
  semi_planar_ = format == AV_PIX_FMT_NV12 || format == AV_PIX_FMT_P010;
}

int VideoEncoder::OpenDevice(AVCodecContext* c) {
  AVBufferRef* made = nullptr;
  const int error = av_hwdevice_ctx_create(&made, AV_HWDEVICE_TYPE_VAAPI, nullptr, nullptr, 0);
  if (error < 0) return error;
  device_.reset(made);
  c->hw_frames_ctx = av_hwframe_ctx_alloc(made);
  if (c->hw_frames_ctx == nullptr) return AVERROR(ENOMEM);
  auto* frames = reinterpret_cast<AVHWFramesContext*>(c->hw_frames_ctx->data);
  frames->format = c->pix_fmt = AV_PIX_FMT_VAAPI;
  frames->sw_format = av_format_;
  frames->width = c->width;
  frames->height = c->height;
  constexpr int kPictures = 20;  // more than an encoder without B pictures holds
  frames->initial_pool_size = kPictures;
  return av_hwframe_ctx_init(c->hw_frames_ctx);
}

int VideoEncoder::Open(const AVCodec& codec, int width, int height,
                       const VideoWriterOptions& options, bool global_header, int slices) {
  encoder_ = NewCodec(&codec);
  AVCodecContext& c = *encoder_;
  c.width = width;
  c.height = height;
  c.pix_fmt = av_format_;
  c.time_base = ToAv(options.time_base);
  if (options.frame_rate.IsPositive()) c.framerate = ToAv(options.frame_rate);
  c.sample_aspect_ratio = ToAv(options.sample_aspect.Reduced());
  const bool rgb = format_.model == ColorModel::kRgb;
  c.colorspace = static_cast<AVColorSpace>(rgb ? AVCOL_SPC_RGB : options.color.matrix);
  c.color_primaries = static_cast<AVColorPrimaries>(options.color.primaries);
  c.color_trc = static_cast<AVColorTransferCharacteristic>(options.color.transfer);
  const bool full_range = format_.model != ColorModel::kYuv || options.color.full_range;
  c.color_range = full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  if (format_.chroma_shift_x > 0 || format_.chroma_shift_y > 0) {
    c.chroma_sample_location = static_cast<AVChromaLocation>(options.color.chroma_location);
  }
  const VideoEncoderInfo& entry = VideoEncoderOf(options.codec);
  if (entry.device == EncoderDevice::kVaapi) {
    const int error = OpenDevice(&c);
    if (error < 0) return error;
  }
  const int threads = ResolveThreads(options.num_threads);
  gang_ = std::min(threads, kMaxEncoderThreads);
  c.thread_count = 1;
  if (global_header) c.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;

  Dictionary settings;
  switch (options.codec) {
    case VideoCodec::kFfv1:
      SetFfv1(slices, format_.bits, &c, &settings);
      if (options.pool == nullptr && !own_pool_) own_pool_ = std::make_unique<ThreadPool>(gang_);
      pool_ = options.pool != nullptr ? options.pool : own_pool_.get();
      c.opaque = this;
      c.execute = &Execute;
      gang_ = 1;
      break;
    case VideoCodec::kH264:
    case VideoCodec::kH264Rgb:
      SetX264(options, &c, &settings);
      gang_ = std::min(gang_, c.thread_count);
      break;
    case VideoCodec::kHevc:
      SetX265(options, gang_, &settings);
      break;
    case VideoCodec::kAv1:
      SetSvtAv1(options, gang_, &c, &settings);
      gang_ = 1;
      break;
    case VideoCodec::kUtVideo:
      settings.Set("pred", "median");
      gang_ = 1;
      break;
    default:
      SetDevice(entry, options, &c, &settings);
      gang_ = 1;
      break;
  }
  if (low_power_) settings.Set("low_power", 1);
  for (const auto& [key, value] : options.encoder_options) {
    for (const char* own :
         {"threads", "thread_type", "preset", "crf", "cq", "qp", "qp_i", "qp_p", "rc", "rc_mode",
          "global_quality", "b", "qmin", "qmax", "x264-params", "x265-params", "svtav1-params"})
      Require(key != own, Code::kInvalidArgument,
              path_ + ": the encoder's option '" + key + "' is set by mdvt itself");
    settings.Set(key.c_str(), value);
  }
  int error = 0;
  errno = 0;
  {
    const CpuScope cpus(
        c.thread_count > threads || options.codec == VideoCodec::kAv1 ? threads : CPU_SETSIZE);
    error = LibraryError(avcodec_open2(&c, &codec, settings.get()));
  }
  Require(error >= 0 || options.encoder_options.empty() || entry.hardware(), Code::kInvalidArgument,
          path_ + ": the encoder does not take these options: " + ErrorText(error));
  if (error < 0) return error;
  const AVDictionaryEntry* left = av_dict_get(*settings.get(), "", nullptr, AV_DICT_IGNORE_SUFFIX);
  const bool callers = left != nullptr && options.encoder_options.count(left->key) > 0;
  Require(left == nullptr, callers ? Code::kInvalidArgument : Code::kInternal,
          path_ + ": the encoder does not know the option '" + (left != nullptr ? left->key : "") +
              "'");
  return 0;
}

VideoEncoder::~VideoEncoder() = default;

// What FFV1 calls to code slices. It does not ask how that went.
int VideoEncoder::Execute(AVCodecContext* c, SliceFunction slice, void* arguments, int* results,
                          int count, int size) noexcept {
  auto* self = static_cast<VideoEncoder*>(c->opaque);
  const int error = RunSlices(self->pool_, c, slice, arguments, results, count, size);
  if (error < 0) self->slice_error_ = error;
  return error;
}

FramePtr VideoEncoder::OwnFrame() {
  if (!own_buffer_) {
    own_buffer_.reset(av_buffer_alloc(frame_bytes_));
    Require(own_buffer_ != nullptr, Code::kOutOfMemory,
            "no memory for a video frame of " + std::to_string(frame_bytes_) + " bytes");
  }
  FramePtr frame = NewFrame();
  frame->buf[0] = av_buffer_ref(own_buffer_.get());
  Require(frame->buf[0] != nullptr, Code::kOutOfMemory, "no memory for a video frame");
  frame->width = encoder_->width;
  frame->height = encoder_->height;
  frame->format = av_format_;
  CheckFf(av_image_fill_arrays(frame->data, frame->linesize, frame->buf[0]->data, av_format_,
                               frame->width, frame->height, kAlignment),
          Code::kInternal, path_);
  return frame;
}

FramePtr VideoEncoder::DeviceFrame() const {
  FramePtr frame = NewFrame();
  frame->width = encoder_->width;
  frame->height = encoder_->height;
  frame->format = av_format_;
  CheckFf(av_frame_get_buffer(frame.get(), 0), Code::kOutOfMemory, path_);
  return frame;
}

FramePtr VideoEncoder::ToDevice(FramePtr frame) const {
  if (!device_) return frame;
  FramePtr there = NewFrame();
  CheckFf(av_hwframe_get_buffer(encoder_->hw_frames_ctx, there.get(), 0), Code::kOutOfMemory,
          path_ + ": the device has no room for a picture");
  CheckFf(av_hwframe_transfer_data(there.get(), frame.get(), 0), Code::kIo,
          path_ + ": a picture cannot be brought to the device");
  return there;
}

void VideoEncoder::InterleaveRows(const ImageView& image, int y, AVFrame* frame) const {
  if (semi_planar_) return ToSemiPlanar(image, y, frame);
  for (int row = 0; row < image.height; ++row) {
    const uint8_t* const rows[4] = {image.Plane<uint8_t>(2).Row(row),
                                    image.Plane<uint8_t>(1).Row(row),
                                    image.Plane<uint8_t>(0).Row(row), nullptr};
    InterleaveRow(rows, image.width,
                  frame->data[0] + static_cast<ptrdiff_t>(y + row) * frame->linesize[0]);
  }
}

void VideoEncoder::Send(const ImageView& image, int64_t pts) {
  if (!interleave_ && !semi_planar_) return SendFrame(WrapImage(image, av_format_), pts);
  FramePtr frame = semi_planar_ ? DeviceFrame() : OwnFrame();
  InterleaveRows(image, 0, frame.get());
  SendFrame(std::move(frame), pts);
}

void VideoEncoder::Send(const RowFiller& fill, int64_t pts) {
  const bool banded = interleave_ || semi_planar_;
  FramePtr frame = semi_planar_ ? DeviceFrame() : OwnFrame();
  const int width = frame->width, height = frame->height;
  const int64_t fitting = std::max<int64_t>(2, kBandPixels / width / 2 * 2);
  const int rows = static_cast<int>(std::min<int64_t>(height, fitting));
  MutableImageView whole;
  if (banded) {
    if (band_.empty()) band_ = Image(format_, width, rows);
  } else {
    whole.format = format_;
    whole.width = width;
    whole.height = height;
    for (int plane = 0; plane < format_.num_planes(); ++plane) {
      const int target = AvPlane(format_, plane);
      whole.data[static_cast<size_t>(plane)] = reinterpret_cast<std::byte*>(frame->data[target]);
      whole.stride[static_cast<size_t>(plane)] = frame->linesize[target];
    }
  }
  for (int y = 0; y < height; y += rows) {
    const int count = std::min(rows, height - y);
    if (banded) {
      const MutableImageView band = band_.mutable_view().Crop(0, 0, width, count);
      fill(y, band);
      InterleaveRows(band, y, frame.get());
    } else {
      fill(y, whole.Crop(0, y, width, count));
    }
  }
  SendFrame(std::move(frame), pts);
}

void VideoEncoder::SendFrame(FramePtr picture, int64_t pts) {
  const FramePtr frame = ToDevice(std::move(picture));
  frame->pts = pts;
  frame->sample_aspect_ratio = encoder_->sample_aspect_ratio;
  frame->colorspace = encoder_->colorspace;
  frame->color_primaries = encoder_->color_primaries;
  frame->color_trc = encoder_->color_trc;
  frame->color_range = encoder_->color_range;
  frame->chroma_location = encoder_->chroma_sample_location;
  CheckFf(SendToCodec(frame.get()), Code::kInternal, path_ + ": encoding failed");
}

// Whether a slice came so near the end of its share of the packet buffer that it may have been cut.
bool VideoEncoder::MayHaveOverflowed(const AVPacket& packet) const {
  const int64_t share = kPacketBytesPerPixel * encoder_->width * buffer_rows_ / slices_;
  const int largest = LargestFfv1Slice(packet);
  return largest == 0 || largest + RowRoom(format_, encoder_->width) > share;
}

int VideoEncoder::SendToCodec(const AVFrame* frame) {
  // x264 with sliced threads and x265 have ended their work on the frame when they return.
  const GangScope threads(gang_);
  errno = 0;
  slice_error_ = 0;
  if (buffer_rows_ == 0) {
    const int error = LibraryError(avcodec_send_frame(encoder_.get(), frame));
    return error >= 0 ? slice_error_ : error;
  }
  const int height = encoder_->height;
  for (;;) {
    encoder_->height = buffer_rows_;
    slice_error_ = 0;
    PacketPtr packet = NewPacket();
    int error = avcodec_send_frame(encoder_.get(), frame);
    if (error >= 0) error = avcodec_receive_packet(encoder_.get(), packet.get());
    encoder_->height = height;
    if (error < 0) return error;
    // A slice that had too little room says so by AVERROR_INVALIDDATA.
    if (slice_error_ < 0 &&
        (slice_error_ != AVERROR_INVALIDDATA || buffer_rows_ == most_buffer_rows_))
      return slice_error_;
    if (slice_error_ == 0 && (buffer_rows_ == most_buffer_rows_ || !MayHaveOverflowed(*packet))) {
      taken_ = std::move(packet);
      return 0;
    }
    // Every frame is a key frame: coded again it is as if the first attempt had not been.
    const int64_t larger = 2 * int64_t{buffer_rows_};
    const bool at_most = most_buffer_rows_ == 0 ? larger >= height : larger >= most_buffer_rows_;
    buffer_rows_ = at_most ? most_buffer_rows_ : static_cast<int>(larger);
    if (buffer_rows_ == 0) {
      slice_error_ = 0;
      error = avcodec_send_frame(encoder_.get(), frame);
      return error < 0 ? error : slice_error_;
    }
  }
}

void VideoEncoder::SendEnd() {
  CheckFf(avcodec_send_frame(encoder_.get(), nullptr), Code::kInternal,
          path_ + ": encoding failed");
}

bool VideoEncoder::Receive(AVPacket* packet) {
  if (taken_) {
    av_packet_move_ref(packet, taken_.get());
    taken_.reset();
    return true;
  }
  const int error = avcodec_receive_packet(encoder_.get(), packet);
  if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return false;
  CheckFf(error, Code::kInternal, path_ + ": encoding failed");
  return true;
}

}  // namespace mdvt::ff
