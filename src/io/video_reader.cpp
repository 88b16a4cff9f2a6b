// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/video_reader.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>

#include "io/demuxer.h"
#include "io/ffmpeg.h"
#include "io/ffv1_check.h"
#include "io/frame_index.h"
#include "io/lossless.h"
#include "io/stream_facts.h"
#include "io/unpack.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/color_convert.h"

extern "C" {
#include <libavutil/display.h>
}

namespace mdvt {
namespace {

// More threads than this make decoding no faster, and each may hold a frame.
constexpr int kMaxDecoderThreads = 16;
constexpr int kBandPixels = 1 << 18;

void AddTags(const AVDictionary* from, std::map<std::string, std::string>* to) {
  const AVDictionaryEntry* entry = nullptr;
  while ((entry = av_dict_get(from, "", entry, AV_DICT_IGNORE_SUFFIX)) != nullptr) {
    std::string key = entry->key;
    for (char& c : key) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    (*to)[key] = entry->value;
  }
}

bool IsKeyFrame(const AVFrame& frame) {
#ifdef AV_FRAME_FLAG_KEY
  return (frame.flags & AV_FRAME_FLAG_KEY) != 0;
#else
  return frame.key_frame != 0;
#endif
}

int64_t FrameDuration(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  return frame.duration;
#else
  return frame.pkt_duration;
#endif
}

// Matroska states a frame's duration in whole nanoseconds; FFmpeg finds a fraction near it, not
// always the one that was meant. Whole rates and those of NTSC kind are put right.
Rational SnapRate(Rational rate) {
  const double value = rate.ToDouble();
  for (const Rational unit : {Rational{1, 1}, Rational{1000, 1001}}) {
    const auto count = static_cast<int64_t>(std::llround(value / unit.ToDouble()));
    const double candidate = static_cast<double>(count) * unit.ToDouble();
    // FFmpeg's fraction is that near; 29.97, as OpenCV writes it, is 1e-6 from 30000/1001.
    if (count > 0 && std::abs(value / candidate - 1) < 5e-7) {
      return Rational{count * unit.num, unit.den}.Reduced();
    }
  }
  return rate;
}

// Seconds of "00:01:02.500000000".
std::optional<double> ParseClock(const std::string& text) {
  const size_t a = text.find(':'), b = text.find(':', a + 1);
  if (a == std::string::npos || b == std::string::npos) return std::nullopt;
  const auto hours = ParseInt(text.substr(0, a)), minutes = ParseInt(text.substr(a + 1, b - a - 1));
  const auto seconds = ParseDouble(text.substr(b + 1));
  if (!hours || !minutes || !seconds) return std::nullopt;
  return static_cast<double>(*hours) * 3600 + static_cast<double>(*minutes) * 60 + *seconds;
}

bool IsPicture(const AVStream& stream) {
  return stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
         (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) == 0;
}

}  // namespace

struct VideoReader::Impl {
  Impl(std::unique_ptr<ByteSource> source, const std::string& name,
       const VideoReaderOptions& reader_options)
      : options(reader_options), demuxer(std::move(source), name, options.limits) {
    info.path = name;
    ChooseStream();
    OpenDecoder();
    first = Decode();
    Require(first.has_value(), Code::kCorrupt, name + ": holds no frame");
    // Tells now whether the format asked for can be had.
    if (options.format) first->frame.image = ToImage(std::move(first->picture));
  }

  void ChooseStream() {
    AVFormatContext* context = demuxer.context();
    for (unsigned i = 0; i < context->nb_streams; ++i) {
      AVStream* candidate = context->streams[i];
      const bool better =
          stream == nullptr || ((candidate->disposition & AV_DISPOSITION_DEFAULT) != 0 &&
                                (stream->disposition & AV_DISPOSITION_DEFAULT) == 0);
      if (IsPicture(*candidate) && better) stream = candidate;
      if (candidate->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) info.has_audio = true;
    }
    Require(stream != nullptr, Code::kNotFound, info.path + ": holds no picture stream");
    for (unsigned i = 0; i < context->nb_streams; ++i) {
      if (context->streams[i] != stream) context->streams[i]->discard = AVDISCARD_ALL;
    }
    // Sizes are checked before any decoder runs; some containers do not state them.
    const AVCodecParameters& parameters = *stream->codecpar;
    if (parameters.width != 0 || parameters.height != 0) {
      options.limits.CheckFrameSize(parameters.width, parameters.height, info.path.c_str());
    }
    const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
    const char* codec_name = avcodec_get_name(parameters.codec_id);
    Require(codec != nullptr && ff::IsAllowedDecoder(codec->name), Code::kUnsupported,
            info.path + ": its codec '" + codec_name + "' is not one that is read");
    demuxer.FindStreamInfo(options.limits);
    ff::CheckDolbyVision(*stream, info.path);
    decoder = ff::NewCodec(codec);
  }

  void OpenDecoder() {
    AVCodecContext& c = *decoder;
    ff::CheckFf(avcodec_parameters_to_context(&c, stream->codecpar), Code::kCorrupt, info.path);
    c.pkt_timebase = stream->time_base;
    c.max_pixels = options.limits.max_pixels_per_frame;
    c.thread_count = options.pool != nullptr
                         ? 1
                         : std::min(ResolveThreads(options.num_threads), kMaxDecoderThreads);
    // Each thread may hold a frame of its own, of 16 bits in three full planes at worst, beside the
    // codec's own few.
    const int64_t frame_bytes = std::max<int64_t>(1, int64_t{6} * c.width * c.height);
    const int64_t frames_allowed = options.limits.max_frame_buffer_bytes / frame_bytes;
    constexpr int64_t kOwnFrames = 8;
    c.thread_count =
        static_cast<int>(std::clamp<int64_t>(frames_allowed - kOwnFrames, 1, c.thread_count));
    c.thread_type = FF_THREAD_FRAME | FF_THREAD_SLICE;
    if (c.codec_id == AV_CODEC_ID_FFV1) {
      // Version 3 has slices, so that threads need no frames of their own.
      if (c.extradata_size > 0) c.thread_type = FF_THREAD_SLICE;
      c.get_buffer2 = &GetBuffer;
      c.opaque = this;
      if (options.pool != nullptr) c.execute = &Execute;
    }
    c.err_recognition = AV_EF_CRCCHECK;
    // Damaged frames come out flagged instead of vanishing, so that they can be named.
    c.flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
    const int error = avcodec_open2(&c, c.codec, nullptr);
    ff::CheckFf(error, error == AVERROR_INVALIDDATA ? Code::kCorrupt : Code::kUnsupported,
                info.path + ": its decoder cannot be started");
  }

  // What FFV1 calls to decode slices.
  static int Execute(AVCodecContext* c, ff::SliceFunction slice, void* arguments, int* results,
                     int count, int size) noexcept {
    return ff::RunSlices(static_cast<Impl*>(c->opaque)->options.pool, c, slice, arguments, results,
                         count, size);
  }

  // FFV1 keeps the picture before, which it looks at only to patch damage; those frames are refused
  // here. Packed RGB is unpacked before the next one is decoded, so that one buffer does for all.
  static int GetBuffer(AVCodecContext* c, AVFrame* frame, int flags) noexcept {
    Impl& self = *static_cast<Impl*>(c->opaque);
    const auto format = static_cast<AVPixelFormat>(frame->format);
    if ((c->active_thread_type & FF_THREAD_FRAME) != 0 || !ff::IsPackedRgb8(format))
      return avcodec_default_get_buffer2(c, frame, flags);
    if (self.shared && (self.shared->width != frame->width ||
                        self.shared->height != frame->height || self.shared->format != format))
      self.shared.reset();
    if (!self.shared) {
      ff::FramePtr buffer(av_frame_alloc());
      if (!buffer) return AVERROR(ENOMEM);
      buffer->width = frame->width;
      buffer->height = frame->height;
      buffer->format = format;
      const int error = avcodec_default_get_buffer2(c, buffer.get(), flags);
      if (error < 0) return error;
      self.shared = std::move(buffer);
    }
    frame->buf[0] = av_buffer_ref(self.shared->buf[0]);
    if (frame->buf[0] == nullptr) return AVERROR(ENOMEM);
    frame->data[0] = self.shared->data[0];
    frame->linesize[0] = self.shared->linesize[0];
    frame->extended_data = frame->data;
    return 0;
  }

  // --- decoding ---------------------------------------------------------------------------------

  std::string Where() const { return info.path + ": frame " + std::to_string(next_index); }

  // The next picture as the decoder gives it, null at the end.
  ff::FramePtr NextPicture() {
    ff::FramePtr frame = ff::NewFrame();
    for (;;) {
      const int error = avcodec_receive_frame(decoder.get(), frame.get());
      if (error >= 0) return frame;
      if (error == AVERROR_EOF) return nullptr;
      if (error != AVERROR(EAGAIN)) {
        ff::CheckFf(error, Code::kCorrupt, Where() + " is damaged");
      }
      SendPacket();
    }
  }

  void SendPacket() {
    if (!packet) packet = ff::NewPacket();
    bool more = true;
    do {
      av_packet_unref(packet.get());
      more = demuxer.Read(packet.get());
    } while (more && packet->stream_index != stream->index);
    if (more && packets_read++ == 0) {
      info.lossless = ff::IsLossless(*stream->codecpar, packet.get());
    }
    if (more && stream->codecpar->codec_id == AV_CODEC_ID_FFV1) {
      // One packet is one frame, and nothing is reordered.
      Require(ff::Ffv1PacketIsSound(*stream->codecpar, *packet), Code::kCorrupt,
              info.path + ": frame " + std::to_string(packets_read - 1) +
                  " is damaged (wrong checksum)");
    }
    const int error = avcodec_send_packet(decoder.get(), more ? packet.get() : nullptr);
    ff::CheckFf(error, Code::kCorrupt, Where() + " is damaged");
  }

  struct Decoded {
    ff::FramePtr picture;
    Frame frame;  // mostly without its image
  };

  // Empty at the end.
  std::optional<Decoded> Decode() {
    lost = true;  // if anything throws
    ff::FramePtr picture = NextPicture();
    if (!picture) {
      lost = false;
      CheckEnd();
      return std::nullopt;
    }
    Require(
        next_index < options.limits.max_frames, Code::kLimit,
        info.path + ": over the limit of " + std::to_string(options.limits.max_frames) + " frames");
    Require((picture->flags & AV_FRAME_FLAG_CORRUPT) == 0 && picture->decode_error_flags == 0,
            Code::kCorrupt, Where() + " is damaged");
    if (info.width == 0) {
      Describe(*picture);
    } else {
      CheckSame(*picture);
    }
    lost = false;
    return Number(std::move(picture));
  }

  Decoded Number(ff::FramePtr picture) {
    Frame frame;
    frame.index = next_index;
    frame.duration = std::max<int64_t>(0, FrameDuration(*picture));
    frame.pts = Time(*picture);
    if (next_index == 0) info.start_pts = frame.pts;
    if (next_index > 0) longest_step = std::max(longest_step, frame.pts - last_pts);
    last_pts = frame.pts;
    last_duration = frame.duration;
    ++next_index;
    return Decoded{std::move(picture), frame};
  }

  // --- any frame --------------------------------------------------------------------------------

  const ff::FrameIndex& Index() {
    if (!index) {
      index.emplace(&demuxer, *stream, info.frame_rate, info.start_pts, options.limits);
      lost = true;
    }
    return *index;
  }

  int64_t Position() const { return first ? next_index - 1 : next_index; }

  int64_t CountFrames() {
    const int64_t position = Position();
    const int64_t count = Index().count();
    if (lost && !at_end && position < count) SeekTo(position);
    return count;
  }

  void SeekTo(int64_t frame) {
    Require(frame >= 0 && frame < Index().count(), Code::kInvalidArgument,
            info.path + ": there is no frame " + std::to_string(frame) + ", it has " +
                std::to_string(Index().count()));
    if (!lost && !at_end && frame >= Position() && frame - Position() <= StepsWorthDecoding()) {
      while (Position() < frame)
        if (!Next()) break;
      if (Position() == frame && !at_end) return;
    }
    lost = true;
    // A container finds key frames by the time of decoding. Where that leads to one that is shown
    // after the frame, the next try begins farther ahead.
    const int64_t pts = Index().PtsOf(frame);
    const int64_t second = std::max<int64_t>(1, Rescale(1, {1, 1}, info.time_base));
    for (int64_t ahead = 0;; ahead = ahead == 0 ? second : 4 * ahead) {
      const int64_t aim = std::max(info.start_pts, pts - ahead);
      if (DecodeFrom(aim, frame)) {
        lost = false;
        return;
      }
      Require(aim > info.start_pts, Code::kCorrupt,
              info.path + ": frame " + std::to_string(frame) + " is not where its index says");
    }
  }

  // A frame that is so little ahead is found sooner by decoding on than from a key frame, unless
  // every frame is one.
  int64_t StepsWorthDecoding() const {
    const AVCodecDescriptor* codec = avcodec_descriptor_get(stream->codecpar->codec_id);
    return codec != nullptr && (codec->props & AV_CODEC_PROP_INTRA_ONLY) != 0 ? 0 : 24;
  }

  // True once `frame` is the next one.
  bool DecodeFrom(int64_t aim, int64_t frame) {
    demuxer.Seek(*stream, aim);
    avcodec_flush_buffers(decoder.get());
    first.reset();
    at_end = false;
    next_index = frame;  // for messages
    packets_read = frame;
    // Frames that are shown before the first key frame refer to ones that were not decoded.
    bool complete = aim <= info.start_pts;
    while (ff::FramePtr picture = NextPicture()) {
      complete = complete || IsKeyFrame(*picture);
      if (!complete) continue;
      const int64_t time =
          picture->pts != AV_NOPTS_VALUE ? picture->pts : picture->best_effort_timestamp;
      if (Index().FrameAt(time) != frame) {
        if (time < Index().PtsOf(frame)) continue;
        return false;
      }
      CheckSame(*picture);
      Require((picture->flags & AV_FRAME_FLAG_CORRUPT) == 0 && picture->decode_error_flags == 0,
              Code::kCorrupt, Where() + " is damaged");
      last_pts = time - 1;
      first = Number(std::move(picture));
      return true;
    }
    return false;
  }

  // The frame decoded at opening comes first, or the one that SeekTo() found.
  std::optional<Decoded> Next() {
    if (first) return std::exchange(first, std::nullopt);
    return at_end ? std::nullopt : Decode();
  }

  std::optional<Frame> Read(const RowTaker* take) {
    std::optional<Decoded> decoded = Next();
    at_end = !decoded;
    if (!decoded) return std::nullopt;
    Image& image = decoded->frame.image;
    if (take == nullptr) {
      if (image.empty()) image = ToImage(std::move(decoded->picture));
    } else if (unpack && ff::IsPackedRgb8(av_format) && turn.IsIdentity() && !options.format) {
      TakeRows(*decoded->picture, *take);
    } else {
      if (image.empty()) image = ToImage(std::move(decoded->picture));
      (*take)(0, image.view());
      image = Image();
    }
    return std::move(decoded->frame);
  }

  void TakeRows(const AVFrame& picture, const RowTaker& take) {
    const int rows = std::clamp(kBandPixels / picture.width, 1, picture.height);
    if (band.empty()) band = Image(decoded_format, picture.width, rows);
    for (int y = 0; y < picture.height; y += rows) {
      const MutableImageView part =
          band.mutable_view().Crop(0, 0, picture.width, std::min(rows, picture.height - y));
      ff::UnpackPackedRgb8(picture, y, part);
      take(y, part);
    }
  }

  // Matroska states in a tag where the track ends. FFmpeg skips damaged clusters without an error;
  // what is missing at the end of a video of constant rate shows here.
  void CheckEnd() const {
    const auto tag = info.tags.find("DURATION");
    if (demuxer.kind() != ff::ContainerKind::kMatroska || tag == info.tags.end()) return;
    const auto stated = ParseClock(tag->second);
    const double tick = info.time_base.ToDouble();
    const double frame = static_cast<double>(longest_step) * tick;
    const double frames_per_step = frame * info.frame_rate.ToDouble();
    const bool constant = frames_per_step > 0.5 && frames_per_step < 1.5;
    const double end = static_cast<double>(last_pts) * tick + frame;
    if (!constant || !stated || *stated < end + 0.75 * frame) return;
    LogWarning(info.path + ": its pictures end at " + FormatFixed(end, 3) + " s, the file states " +
               FormatFixed(*stated, 3) + " s: the rest is missing or damaged");
  }

  // The timestamp of a picture: its own; where it has none, what the decoder's order and the
  // durations say. Always later than the one before.
  int64_t Time(const AVFrame& picture) {
    int64_t pts = picture.pts != AV_NOPTS_VALUE ? picture.pts : picture.best_effort_timestamp;
    if (next_index == 0) return pts != AV_NOPTS_VALUE ? pts : 0;
    int64_t step = last_duration;
    if (step <= 0 && info.frame_rate.IsPositive()) {
      step = Rescale(1, {info.frame_rate.den, info.frame_rate.num}, info.time_base);
    }
    if (pts == AV_NOPTS_VALUE) pts = last_pts + std::max<int64_t>(1, step);
    if (pts > last_pts) return pts;
    if (!warned_time) {
      LogWarning(Where() + " has the timestamp " + std::to_string(pts) + ", not after " +
                 std::to_string(last_pts) +
                 " of the frame before; such frames are moved by the "
                 "least that brings them in order");
      warned_time = true;
    }
    return last_pts + 1;
  }

  Image ToImage(ff::FramePtr picture) {
    Image image = unpack ? ff::UnpackFrame(*picture, decoded_format)
                         : ff::WrapFrame(std::move(picture), decoded_format);
    if (!turn.IsIdentity()) image = ff::TurnImage(image.view(), turn);
    if (options.format) image = converter.Convert(image, info.color, *options.format);
    return image;
  }

  void CheckSame(const AVFrame& picture) const {
    const int width = turn.SwapsAxes() ? info.height : info.width;
    const int height = turn.SwapsAxes() ? info.width : info.height;
    Require(picture.width == width && picture.height == height, Code::kCorrupt,
            Where() + " has " + FormatSize(picture.width, picture.height) +
                " pixels, the frames before have " + FormatSize(width, height));
    Require(picture.format == av_format, Code::kCorrupt,
            Where() + " has the pixel format " +
                ff::FormatName(static_cast<AVPixelFormat>(picture.format)) +
                ", the frames before have " + ff::FormatName(av_format));
  }

  // --- what is said about the file --------------------------------------------------------------

  void Describe(const AVFrame& picture) {
    options.limits.CheckFrameSize(picture.width, picture.height, info.path.c_str());
    av_format = static_cast<AVPixelFormat>(picture.format);
    const std::optional<PixelFormat> planar = ff::PlanarFormat(av_format);
    const std::optional<PixelFormat> unpacked = ff::UnpackedFormat(av_format);
    unpack = !planar;
    Require(planar || unpacked, Code::kUnsupported,
            info.path + ": its pixel format " + ff::FormatName(av_format) + " is not supported");
    decoded_format = planar ? *planar : *unpacked;

    const AVFormatContext& context = *demuxer.context();
    info.container = context.iformat->name;
    info.codec = avcodec_get_name(stream->codecpar->codec_id);
    info.codec_format = ff::FormatName(av_format);
    ReadOrientation();
    info.width = turn.SwapsAxes() ? picture.height : picture.width;
    info.height = turn.SwapsAxes() ? picture.width : picture.height;
    info.format = options.format ? *options.format : ff::TurnedFormat(decoded_format, turn);
    info.color = Color(picture);
    info.hdr = ff::ReadHdr(*stream, picture);
    info.stereo = ff::StereoOf(*stream, picture);
    info.projection = ff::ProjectionOf(*stream, picture);

    AVFrame mutable_copy = {};
    mutable_copy.sample_aspect_ratio = picture.sample_aspect_ratio;
    const AVRational aspect =
        av_guess_sample_aspect_ratio(const_cast<AVFormatContext*>(&context), stream, &mutable_copy);
    if (aspect.num > 0 && aspect.den > 0) {
      info.sample_aspect =
          turn.SwapsAxes() ? Rational{aspect.den, aspect.num} : Rational{aspect.num, aspect.den};
    }
    info.time_base = ff::FromAv(stream->time_base);
    AVRational rate = stream->avg_frame_rate;
    if (rate.num <= 0 || rate.den <= 0) rate = stream->r_frame_rate;
    if (rate.num > 0 && rate.den > 0) info.frame_rate = SnapRate(ff::FromAv(rate));
    AddTags(context.metadata, &info.tags);
    AddTags(stream->metadata, &info.tags);
    info.estimated_frames = EstimateFrames(context);
  }

  void ReadOrientation() {
    if (!options.apply_rotation) return;
    const uint8_t* data =
        ff::StreamSideData(*stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t));
    if (data == nullptr) return;
    const auto orientation = ff::OrientationOf(reinterpret_cast<const int32_t*>(data));
    if (!orientation) {
      LogWarning(info.path +
                 ": its display matrix is no turn by a multiple of 90 degrees and is "
                 "ignored");
      return;
    }
    turn = *orientation;
    info.rotation_deg = turn.clockwise_deg;
    info.mirrored = turn.mirrored;
  }

  ColorInfo Color(const AVFrame& picture) const {
    const AVCodecParameters& p = *stream->codecpar;
    const auto stated = [](const auto& by_frame, const auto& by_stream, int count, int unknown) {
      const int value = ff::FileEnum(by_frame, count, unknown);
      return value != unknown ? value : ff::FileEnum(by_stream, count, unknown);
    };
    ColorInfo color;
    color.matrix = stated(picture.colorspace, p.color_space, AVCOL_SPC_NB, AVCOL_SPC_UNSPECIFIED);
    color.primaries =
        stated(picture.color_primaries, p.color_primaries, AVCOL_PRI_NB, AVCOL_PRI_UNSPECIFIED);
    color.transfer = stated(picture.color_trc, p.color_trc, AVCOL_TRC_NB, AVCOL_TRC_UNSPECIFIED);
    const int range =
        stated(picture.color_range, p.color_range, AVCOL_RANGE_NB, AVCOL_RANGE_UNSPECIFIED);
    color.full_range = decoded_format.model == ColorModel::kYuv
                           ? range == AVCOL_RANGE_JPEG || ff::IsFullRangeYuvj(av_format)
                           : range != AVCOL_RANGE_MPEG;
    color.chroma_location =
        ff::TurnedChromaLocation(stated(picture.chroma_location, p.chroma_location, AVCHROMA_LOC_NB,
                                        AVCHROMA_LOC_UNSPECIFIED),
                                 turn);
    return color;
  }

  int64_t EstimateFrames(const AVFormatContext& context) const {
    if (stream->nb_frames > 0) return stream->nb_frames;
    const auto counted = info.tags.find("NUMBER_OF_FRAMES");
    if (counted != info.tags.end()) {
      const auto count = ParseInt(counted->second);
      if (count && *count > 0) return *count;
    }
    if (!info.frame_rate.IsPositive()) return 0;
    const Rational frame_time{info.frame_rate.den, info.frame_rate.num};
    if (stream->duration > 0) {
      return Rescale(stream->duration, ff::FromAv(stream->time_base), frame_time);
    }
    if (context.duration > 0) return Rescale(context.duration, {1, AV_TIME_BASE}, frame_time);
    return 0;
  }

  VideoReaderOptions options;
  ff::Demuxer demuxer;
  AVStream* stream = nullptr;
  ff::CodecPtr decoder;
  ff::PacketPtr packet;
  ColorConverter converter;
  VideoInfo info;
  AVPixelFormat av_format = AV_PIX_FMT_NONE;
  PixelFormat decoded_format;
  bool unpack = false;
  ff::Orientation turn;
  std::optional<Decoded> first;  // decoded at opening, so that info() states facts
  std::optional<ff::FrameIndex> index;
  bool lost = false;  // the decoder is not where next_index says: only SeekTo() helps
  bool at_end = false;
  ff::FramePtr shared;  // see GetBuffer()
  Image band;           // see TakeRows()
  int64_t packets_read = 0;
  int64_t next_index = 0;
  int64_t last_pts = 0;
  int64_t last_duration = 0;
  int64_t longest_step = 0;  // between two frames
  bool warned_time = false;
};

VideoReader::VideoReader(const std::string& path, const VideoReaderOptions& options) {
  options.limits.Check();
  ResolveThreads(options.num_threads);
  impl_ = std::make_unique<Impl>(OpenFileSource(path), path, options);
}

VideoReader::VideoReader(std::unique_ptr<ByteSource> source, const std::string& name,
                         const VideoReaderOptions& options) {
  options.limits.Check();
  ResolveThreads(options.num_threads);
  Require(source != nullptr, Code::kInvalidArgument, name + ": no source of bytes");
  impl_ = std::make_unique<Impl>(std::move(source), name, options);
}

VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;

const VideoInfo& VideoReader::info() const { return impl_->info; }

void VideoReader::SeekTo(int64_t frame) { impl_->SeekTo(frame); }
int64_t VideoReader::CountFrames() { return impl_->CountFrames(); }

std::optional<Frame> VideoReader::Read() { return impl_->Read(nullptr); }
std::optional<Frame> VideoReader::Read(const RowTaker& take) { return impl_->Read(&take); }

}  // namespace mdvt
