// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/video_reader.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <exception>
#include <utility>

#include "io/deinterlacer.h"
#include "io/demuxer.h"
#include "io/ffmpeg.h"
#include "io/frame_clock.h"
#include "io/frame_index.h"
#include "io/hdr10_plus.h"
#include "io/picture_decoder.h"
#include "io/stream_facts.h"
#include "io/unpack.h"
#include "mdvt/core/count.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/color_convert.h"

extern "C" {
#include <libavutil/display.h>
}

namespace mdvt {
namespace {

constexpr int kBandPixels = 1 << 18;
// From so many on it shows whether they come at an even pace.
constexpr int64_t kSteadyPictures = 8;

void AddTags(const AVDictionary* from, std::map<std::string, std::string>* to) {
  const AVDictionaryEntry* entry = nullptr;
  while ((entry = av_dict_get(from, "", entry, AV_DICT_IGNORE_SUFFIX)) != nullptr) {
    std::string key = entry->key;
    for (char& c : key) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    (*to)[key] = entry->value;
  }
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
    if (options.exact) {
      options.strict = true;
      options.deinterlace = Deinterlace::kOff;
    }
    info.path = name;
    ChooseStream();
    first = Decode();
    Require(first.has_value(), Code::kCorrupt, name + ": holds no frame");
    TellStart();
    if (options.first_frame > 0) BeginLater();
    // Tells now whether the format asked for can be had.
    if (options.format) first->frame.image = ToImage(std::move(first->picture));
  }

  ~Impl() {
    if (!clock || std::uncaught_exceptions() > 0) return;
    try {  // where nobody read up to the end
      TellDamage(false);
    } catch (...) {  // no memory for a remark
    }
  }

  void BeginLater() {
    SeekTo(options.first_frame);
    if (!first) first = Decode();
    Require(first.has_value(), Code::kCorrupt,
            info.path + ": there is no frame " + std::to_string(options.first_frame));
    info.skipped_pts = first->frame.pts;
    info.start_pts = 0;
    info.estimated_frames = std::max<int64_t>(0, info.estimated_frames - options.first_frame);
    if (!info.hdr.hdr10_plus) return;
    info.hdr.hdr10_plus = std::make_shared<Hdr10PlusTrack>(info.time_base);
    AddHdr10Plus(*first->picture, first->frame.pts);
  }

  void AddHdr10Plus(const AVFrame& picture, int64_t pts) {
    std::vector<uint8_t> message = ff::Hdr10PlusMessage(picture);
    if (!message.empty()) info.hdr.hdr10_plus->Add(pts - info.skipped_pts, std::move(message));
  }

  void ChooseStream() {
    AVFormatContext* context = demuxer.context();
    for (unsigned i = 0; i < context->nb_streams; ++i) {
      AVStream* candidate = context->streams[i];
      if (!demuxer.IsOfTheProgram(*candidate)) continue;
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
    // What the container itself says, before FFmpeg fills in its own guess. A transport stream says
    // nothing, but is what cameras and senders make, which have one rate.
    const bool rate_is_stated =
        stream->avg_frame_rate.num > 0 || demuxer.kind() == ff::ContainerKind::kTransportStream;
    if (context->nb_programs > 1)
      LogWarning(info.path + ": holds " + std::to_string(context->nb_programs) +
                 " programs, the first one with pictures is read");
    demuxer.FindStreamInfo(options.limits);
    ff::CheckDolbyVision(*stream, info.path);
    if (!options.exact) ff::TellSeparateAlpha(*stream, info.path);
    rate_is_constant =
        rate_is_stated && !options.exact && demuxer.kind() != ff::ContainerKind::kMp4;
    info.time_base = ff::FromAv(stream->time_base);
    AVRational rate = stream->avg_frame_rate;
    if (rate.num <= 0 || rate.den <= 0) rate = stream->r_frame_rate;
    if (rate.num > 0 && rate.den > 0) info.frame_rate = SnapRate(ff::FromAv(rate));
    info.rate_is_even = demuxer.kind() == ff::ContainerKind::kMp4
                            ? ff::IndexIsEven(*stream, info.frame_rate)
                            : rate_is_stated;
    StartDecoding();
  }

  // From wherever the demuxer is, without a memory of what came before.
  void StartDecoding() {
    const AVCodec* codec = avcodec_find_decoder(stream->codecpar->codec_id);
    deinterlacer.reset();
    sent_end = false;
    clock.emplace(ff::FromAv(stream->time_base), info.frame_rate, rate_is_constant);
    decoder = std::make_unique<ff::PictureDecoder>(&demuxer, stream, codec, options, info.path);
  }

  // --- decoding ---------------------------------------------------------------------------------

  std::string Where() const { return info.path + ": frame " + std::to_string(pictures); }

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
    if (info.width == 0) Describe(*picture);
    Frame frame;
    frame.index = next_index;
    // Fields last until the next.
    frame.duration = options.deinterlace == Deinterlace::kFields
                         ? 0
                         : std::max<int64_t>(0, FrameDuration(*picture));
    frame.pts = picture->pts;
    if (next_index == 0) {
      info.start_pts = stream_start_pts = frame.pts;
      if (!ff::Hdr10PlusMessage(*picture).empty())
        info.hdr.hdr10_plus = std::make_shared<Hdr10PlusTrack>(info.time_base);
    }
    if (info.hdr.hdr10_plus) AddHdr10Plus(*picture, frame.pts);
    ++next_index;
    lost = false;
    return Decoded{std::move(picture), frame};
  }

  // The next whole picture with its time, null at the end.
  ff::FramePtr NextPicture() {
    for (;;) {
      if (deinterlacer) {
        if (ff::FramePtr picture = deinterlacer->Receive()) return picture;
        if (sent_end) return nullptr;
      }
      ff::FramePtr picture = NextTimed();
      if (picture) LookAtFields(picture.get());
      if (!deinterlacer) return picture;
      sent_end = !picture;
      deinterlacer->Send(std::move(picture));
    }
  }

  ff::FramePtr NextTimed() {
    if (found) return std::exchange(found, nullptr);
    const int64_t missing_before = decoder->report().missing;
    ff::FramePtr picture = decoder->Next();
    if (!picture) return nullptr;
    return Timed(std::move(picture), missing_before);
  }

  ff::FramePtr Timed(ff::FramePtr picture, int64_t missing_before) {
    Require(
        pictures < options.limits.max_frames, Code::kLimit,
        info.path + ": over the limit of " + std::to_string(options.limits.max_frames) + " frames");
    if (pictures == 0) {
      coded_width = picture->width;
      coded_height = picture->height;
      coded_format = picture->format;
      coded_color = CodedColor(*picture);
      TakeRateOfCodec();
    } else {
      CheckSame(*picture);
    }
    const int64_t stated =
        picture->pts != AV_NOPTS_VALUE ? picture->pts : picture->best_effort_timestamp;
    const std::optional<int64_t> time =
        stated != AV_NOPTS_VALUE ? std::optional<int64_t>(stated) : std::nullopt;
    picture->pts = clock->Next(time, std::max<int64_t>(0, FrameDuration(*picture)), Where());
    const int64_t undecoded = decoder->report().missing - missing_before;
    const int64_t hole = clock->missing();
    if (hole > 0) gaps += std::max<int64_t>(0, hole - std::max<int64_t>(0, undecoded));
    if (hole < 0 && undecoded >= 0 && gaps > 0) --gaps;
    ++pictures;
    // Strictly, what is read may be used before the end is known.
    if (options.strict && gaps > 0 && pictures >= kSteadyPictures && clock->is_steady())
      TellDamage(true);
    return picture;
  }

  // Where a transport stream has lost packets, fewer frames than were sent have been counted for
  // its average rate. What the codec states is right where frames or fields do come that fast.
  void TakeRateOfCodec() {
    const AVRational stated = decoder->context().framerate;
    if (demuxer.kind() != ff::ContainerKind::kTransportStream || stated.num <= 0 || stated.den <= 0)
      return;
    const Rational rate = SnapRate(ff::FromAv(stated));
    const double times = av_q2d(stream->r_frame_rate) / rate.ToDouble();
    if (std::abs(times - 1) > 0.01 && std::abs(times - 2) > 0.02) return;
    info.frame_rate = rate;
    clock.emplace(ff::FromAv(stream->time_base), rate, rate_is_constant);
  }

  // --- interlaced video -------------------------------------------------------------------------

  void LookAtFields(AVFrame* picture) {
    if (options.deinterlace == Deinterlace::kOff) return;
    const AVFieldOrder order = stream->codecpar->field_order;
    const bool by_stream = order == AV_FIELD_TT || order == AV_FIELD_BB || order == AV_FIELD_TB ||
                           order == AV_FIELD_BT;
    if (by_stream && !MarksFields(stream->codecpar->codec_id))
      ff::MarkInterlaced(picture, order == AV_FIELD_TT || order == AV_FIELD_BT);
    const bool interlaced = ff::IsInterlaced(*picture);
    const bool fields = options.deinterlace == Deinterlace::kFields;
    if (interlaced && !std::exchange(told_fields, true)) {
      LogWarning(info.path + ": frame " + std::to_string(pictures - 1) + " is interlaced (" +
                 (ff::TopFieldFirst(*picture) ? "top" : "bottom") +
                 " field first): such frames are deinterlaced, one picture for each " +
                 (fields ? "field" : "frame") + " (deinterlace = off leaves them as they are)");
    }
    // One picture for each field counts in half the time base from the start.
    if (!deinterlacer && (interlaced || fields))
      deinterlacer =
          std::make_unique<ff::Deinterlacer>(fields, ff::ToAv(info.time_base), info.path);
  }

  // Codecs whose pictures say by themselves whether they are interlaced.
  static bool MarksFields(AVCodecID codec) {
    switch (codec) {
      case AV_CODEC_ID_H264:
      case AV_CODEC_ID_MPEG1VIDEO:
      case AV_CODEC_ID_MPEG2VIDEO:
      case AV_CODEC_ID_MPEG4:
      case AV_CODEC_ID_PRORES:
      case AV_CODEC_ID_DVVIDEO:
      case AV_CODEC_ID_DNXHD:
        return true;
      default:
        return false;
    }
  }

  // --- damage -----------------------------------------------------------------------------------

  ReadingReport Report() const {
    ReadingReport report = decoder->report();
    // Where the distance of frames varies a gap is no sign.
    if (clock->is_steady()) report.missing += gaps;
    return report;
  }

  void TellStart() const {
    const int64_t count = decoder->report().left_out_at_start;
    if (count == 0) return;
    LogWarning(info.path + ": " + CountOf(count, "picture") +
               " before the first whole one cannot be decoded: the clip begins at " +
               FormatFixed(static_cast<double>(info.start_pts) * info.time_base.ToDouble(), 3) +
               " s");
  }

  void TellDamage(bool strict) {
    const ReadingReport report = Report();
    if (std::exchange(told_damage, true) || (report.damaged == 0 && report.missing == 0)) return;
    std::string text;
    if (report.missing > 0)
      text = CountOf(report.missing, "frame is", "frames are") + " missing or cannot be decoded";
    if (report.damaged > 0) {
      if (!text.empty()) text += ", ";
      text +=
          CountOf(report.damaged, "is", "are") + " damaged and shown as the decoder patched them";
    }
    Require(!strict, Code::kCorrupt, info.path + ": " + text);
    LogWarning(info.path + ": " + text);
  }

  // --- any frame --------------------------------------------------------------------------------

  const ff::FrameIndex& Index() {
    if (!index) {
      index.emplace(&demuxer, *stream, info.frame_rate, stream_start_pts, options.limits);
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
      const int64_t aim = pts - ahead;
      if (DecodeFrom(aim, frame)) {
        lost = false;
        return;
      }
      Require(aim > stream_start_pts, Code::kCorrupt,
              info.path + ": frame " + std::to_string(frame) + " is not where its index says");
    }
  }

  // A frame that is so little ahead is found sooner by decoding on than from a key frame, unless
  // every frame is one.
  int64_t StepsWorthDecoding() const {
    const AVCodecDescriptor* codec = avcodec_descriptor_get(stream->codecpar->codec_id);
    return codec != nullptr && (codec->props & AV_CODEC_PROP_INTRA_ONLY) != 0 ? 0 : 24;
  }

  // True once `frame` is the next one. A decoder that begins anew leaves out by itself what hangs
  // on pictures before it.
  bool DecodeFrom(int64_t aim, int64_t frame) {
    if (aim > stream_start_pts) {
      demuxer.Seek(*stream, aim);
    } else {
      demuxer.Rewind(*stream, stream_start_pts);
    }
    StartDecoding();
    decoder->BeginAnywhere();
    first.reset();
    found.reset();
    at_end = false;
    next_index = pictures = frame;
    while (ff::FramePtr picture = decoder->Next()) {
      const int64_t time =
          picture->pts != AV_NOPTS_VALUE ? picture->pts : picture->best_effort_timestamp;
      if (Index().FrameAt(time) != frame) {
        if (time < Index().PtsOf(frame)) continue;
        return false;
      }
      found = Timed(std::move(picture), decoder->report().missing);
      first = Decode();
      return first.has_value();
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
    } else if (TakesRows()) {
      TakeRows(*decoded->picture, *take);
    } else {
      if (image.empty()) image = ToImage(std::move(decoded->picture));
      (*take)(0, image.view());
      image = Image();
    }
    Frame frame = std::move(decoded->frame);
    frame.index -= options.first_frame;
    frame.pts -= info.skipped_pts;
    return frame;
  }

  bool TakesRows() const {
    return unpack && ff::IsPackedRgb8(av_format) && turn.IsIdentity() && !options.format &&
           (options.exact || !ff::HasAlpha(av_format));
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
  void CheckEnd() {
    TellDamage(options.strict);
    const auto tag = info.tags.find("DURATION");
    if (demuxer.kind() != ff::ContainerKind::kMatroska || tag == info.tags.end()) return;
    const auto stated = ParseClock(tag->second);
    const double tick = ff::FromAv(stream->time_base).ToDouble();
    const double frame = static_cast<double>(clock->longest_step()) * tick;
    const double frames_per_step = frame * stream_rate;
    const bool constant = frames_per_step > 0.5 && frames_per_step < 1.5;
    const double end = static_cast<double>(clock->last()) * tick + frame;
    if (!constant || !stated || *stated < end + 0.75 * frame) return;
    const std::string text = info.path + ": its pictures end at " + FormatFixed(end, 3) +
                             " s, the file states " + FormatFixed(*stated, 3) +
                             " s: the rest is missing or damaged";
    Require(!options.strict || options.exact, Code::kCorrupt, text);
    LogWarning(text);
  }

  Image ToImage(ff::FramePtr picture) {
    const bool compose = !options.exact && ff::HasAlpha(av_format) && !ff::IsOpaque(*picture);
    Image image;
    if (compose) {
      if (!std::exchange(told_alpha, true))
        LogWarning(info.path +
                   ": parts of its pictures are transparent: they are shown over black");
      image = ff::ComposeOverBlack(*picture, decoded_format, info.color.full_range);
    } else {
      image = unpack ? ff::UnpackFrame(*picture, decoded_format)
                     : ff::WrapFrame(std::move(picture), decoded_format);
    }
    if (carried_format != decoded_format)
      image = converter.Convert(image, decoded_color, carried_format);
    if (!turn.IsIdentity()) image = ff::TurnImage(image.view(), turn);
    if (options.format) image = converter.Convert(image, info.color, *options.format);
    return image;
  }

  struct StatedColor {
    int matrix, primaries, transfer, range;
    bool operator==(const StatedColor& o) const {
      return matrix == o.matrix && primaries == o.primaries && transfer == o.transfer &&
             range == o.range;
    }
  };

  static StatedColor CodedColor(const AVFrame& picture) {
    return {ff::FileEnum(picture.colorspace, AVCOL_SPC_NB, AVCOL_SPC_UNSPECIFIED),
            ff::FileEnum(picture.color_primaries, AVCOL_PRI_NB, AVCOL_PRI_UNSPECIFIED),
            ff::FileEnum(picture.color_trc, AVCOL_TRC_NB, AVCOL_TRC_UNSPECIFIED),
            ff::IsFullRangeYuvj(static_cast<AVPixelFormat>(picture.format))
                ? AVCOL_RANGE_JPEG
                : ff::FileEnum(picture.color_range, AVCOL_RANGE_NB, AVCOL_RANGE_UNSPECIFIED)};
  }

  void CheckSame(const AVFrame& picture) {
    Require(picture.width == coded_width && picture.height == coded_height, Code::kCorrupt,
            Where() + " has " + FormatSize(picture.width, picture.height) +
                " pixels, the frames before have " + FormatSize(coded_width, coded_height));
    // yuvj420p is yuv420p in full range.
    const auto layout = [](int format) {
      return ff::PlanarFormat(static_cast<AVPixelFormat>(format));
    };
    Require(
        picture.format == coded_format ||
            (layout(picture.format) && layout(picture.format) == layout(coded_format) &&
             ff::HasAlpha(static_cast<AVPixelFormat>(picture.format)) == ff::HasAlpha(av_format)),
        Code::kCorrupt,
        Where() + " has the pixel format " +
            ff::FormatName(static_cast<AVPixelFormat>(picture.format)) +
            ", the frames before have " + ff::FormatName(static_cast<AVPixelFormat>(coded_format)));
    const StatedColor color = CodedColor(picture);
    if (color == coded_color || std::exchange(told_color, true)) return;
    LogWarning(Where() + " states another " +
               (color.range != coded_color.range ? "colour range" : "colour space") +
               " than the first frame, which holds for the whole clip");
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
    carried_format = options.exact ? decoded_format : ff::CarriedFormat(decoded_format);

    const AVFormatContext& context = *demuxer.context();
    info.container = context.iformat->name;
    info.codec = avcodec_get_name(stream->codecpar->codec_id);
    info.codec_format = ff::FormatName(av_format);
    ReadOrientation();
    info.width = turn.SwapsAxes() ? picture.height : picture.width;
    info.height = turn.SwapsAxes() ? picture.width : picture.height;
    info.format = options.format ? *options.format : ff::TurnedFormat(carried_format, turn);
    info.color = Color(picture);
    decoded_color = info.color;
    decoded_color.chroma_location = 0;
    info.hdr = ff::ReadHdr(*stream, picture);
    const ff::StereoFacts stereo = ff::StereoOf(*stream, picture);
    info.stereo = stereo.mark;
    info.right_eye_first = stereo.right_eye_first;
    info.projection = ff::ProjectionOf(*stream, picture);

    AVFrame mutable_copy = {};
    mutable_copy.sample_aspect_ratio = picture.sample_aspect_ratio;
    const AVRational aspect =
        av_guess_sample_aspect_ratio(const_cast<AVFormatContext*>(&context), stream, &mutable_copy);
    if (aspect.num > 0 && aspect.den > 0) {
      info.sample_aspect =
          turn.SwapsAxes() ? Rational{aspect.den, aspect.num} : Rational{aspect.num, aspect.den};
    }
    info.lossless = decoder->is_lossless();
    stream_rate = info.frame_rate.ToDouble();
    info.time_base = ff::FromAv(stream->time_base);
    AddTags(context.metadata, &info.tags);
    AddTags(stream->metadata, &info.tags);
    // Older versions of FFmpeg tell the order of the eyes in Matroska by this tag alone.
    if (const auto mode = info.tags.find("STEREO_MODE"); mode != info.tags.end())
      info.right_eye_first =
          info.right_eye_first || mode->second == "right_left" || mode->second == "bottom_top";
    info.estimated_frames = EstimateFrames(context);
    if (options.deinterlace == Deinterlace::kFields) {
      info.time_base.den *= 2;
      if (told_fields) {
        info.frame_rate = Rational{info.frame_rate.num * 2, info.frame_rate.den}.Reduced();
        info.estimated_frames *= 2;
      }
    }
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
  std::unique_ptr<ff::PictureDecoder> decoder;
  std::unique_ptr<ff::Deinterlacer> deinterlacer;
  std::optional<ff::FrameClock> clock;
  ColorConverter converter;
  VideoInfo info;
  AVPixelFormat av_format = AV_PIX_FMT_NONE;
  PixelFormat decoded_format;
  PixelFormat carried_format;  // in which it leaves, before it is turned
  ColorInfo decoded_color;
  bool unpack = false;
  ff::Orientation turn;
  std::optional<Decoded> first;  // decoded at opening, so that info() states facts
  std::optional<ff::FrameIndex> index;
  ff::FramePtr found;  // by SeekTo(), not yet looked at for fields
  bool rate_is_constant = false;
  bool lost = false;  // the decoder is not where next_index says: only SeekTo() helps
  bool at_end = false;
  Image band;              // see TakeRows()
  double stream_rate = 0;  // frames per second, as decoded
  int64_t pictures = 0;    // pictures that came out of the decoder
  int64_t next_index = 0;  // of the next frame given out, in the file
  int64_t stream_start_pts = 0;
  int64_t gaps = 0;       // frames that the timestamps leave room for
  bool sent_end = false;  // to the deinterlacer
  int coded_width = 0;    // of the first picture, as all that follows
  int coded_height = 0;
  int coded_format = AV_PIX_FMT_NONE;
  StatedColor coded_color = {};
  bool told_fields = false;
  bool told_damage = false;
  bool told_alpha = false;
  bool told_color = false;
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
ReadingReport VideoReader::report() const { return impl_->Report(); }

void VideoReader::SeekTo(int64_t frame) {
  Require(frame >= 0, Code::kInvalidArgument, "SeekTo: there is no frame below 0");
  impl_->SeekTo(frame + impl_->options.first_frame);
}
int64_t VideoReader::CountFrames() { return impl_->CountFrames() - impl_->options.first_frame; }

std::optional<Frame> VideoReader::Read() { return impl_->Read(nullptr); }
std::optional<Frame> VideoReader::Read(const RowTaker& take) { return impl_->Read(&take); }

}  // namespace mdvt
