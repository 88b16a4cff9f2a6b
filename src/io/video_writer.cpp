// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/video_writer.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "core/file_ending.h"
#include "io/hdr10_plus.h"
#include "io/muxer.h"
#include "io/stream_copier.h"
#include "io/video_encoder.h"
#include "mdvt/core/count.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/codecs.h"

extern "C" {
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/spherical.h>
#include <libavutil/stereo3d.h>
}

namespace mdvt {
namespace {

// FFmpeg's name of the container that the file's ending asks for.
const char* ContainerFor(const std::string& path, VideoCodec codec) {
  const std::string ending = LowerEnding(path);
  const VideoEncoderInfo& encoder = VideoEncoderOf(codec);
  Require(ending != ".mkv" || encoder.in_mkv(), Code::kInvalidArgument,
          path + ": video of " + encoder.name +
              " goes into MP4 or MOV, the name must end in .mp4 "
              "or .mov");
  if (ending == ".mkv") return "matroska";
  const bool mp4 = ending == ".mp4" || ending == ".m4v", mov = ending == ".mov";
  Require(encoder.in_mp4 || encoder.in_mov, Code::kInvalidArgument,
          path + ": " + encoder.standard + " video goes into Matroska, the name must end in .mkv");
  Require(mp4 || mov, Code::kInvalidArgument,
          path + ": the name must end in .mkv, .mp4, .m4v or .mov");
  Require(!mov || encoder.in_mov, Code::kInvalidArgument,
          path + ": " + encoder.standard +
              " video goes into Matroska or MP4, the name must end in .mkv or .mp4");
  return mov ? "mov" : "mp4";
}

// Takes over `data`, which may be null: no memory.
void AddSideData(AVStream* stream, AVPacketSideDataType type, void* data, size_t size) {
  Require(data != nullptr, Code::kOutOfMemory, "no memory for stream information");
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
  const bool added = av_packet_side_data_add(&stream->codecpar->coded_side_data,
                                             &stream->codecpar->nb_coded_side_data, type, data,
                                             size, 0) != nullptr;
#else
  const bool added = av_stream_add_side_data(stream, type, static_cast<uint8_t*>(data), size) >= 0;
#endif
  if (!added) av_free(data);
  Require(added, Code::kOutOfMemory, "no memory for stream information");
}

void AddHdrSideData(AVStream* stream, const HdrMetadata& hdr) {
  if (hdr.mastering) {
    AVMasteringDisplayMetadata* to = av_mastering_display_metadata_alloc();
    if (to != nullptr && hdr.mastering->colors) {
      const auto set = [](AVRational(&xy)[2], const MasteringDisplay::Chromaticity& from) {
        xy[0] = ff::ToAv(from.x);
        xy[1] = ff::ToAv(from.y);
      };
      for (size_t i = 0; i < 3; ++i)
        set(to->display_primaries[i], hdr.mastering->colors->primaries[i]);
      set(to->white_point, hdr.mastering->colors->white);
      to->has_primaries = 1;
    }
    if (to != nullptr && hdr.mastering->luminance) {
      to->min_luminance = ff::ToAv(hdr.mastering->luminance->min);
      to->max_luminance = ff::ToAv(hdr.mastering->luminance->max);
      to->has_luminance = 1;
    }
    AddSideData(stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, to, sizeof(*to));
  }
  if (hdr.content_light) {
    size_t size = 0;
    AVContentLightMetadata* to = av_content_light_metadata_alloc(&size);
    if (to != nullptr) {
      to->MaxCLL = static_cast<unsigned>(hdr.content_light->max_content);
      to->MaxFALL = static_cast<unsigned>(hdr.content_light->max_frame_average);
    }
    AddSideData(stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, to, size);
  }
}

std::optional<AVStereo3DType> SideDataType(StereoLayout layout) {
  switch (layout) {
    case StereoLayout::kSideBySide:
      return AV_STEREO3D_SIDEBYSIDE;
    case StereoLayout::kTopBottom:
      return AV_STEREO3D_TOPBOTTOM;
    case StereoLayout::kRowInterleaved:
      return AV_STEREO3D_LINES;
    case StereoLayout::kColumnInterleaved:
      return AV_STEREO3D_COLUMNS;
    default:
      return std::nullopt;
  }
}

// Matroska's StereoMode of an anaglyph, 0 for others.
char AnaglyphMode(StereoLayout layout) {
  return layout == StereoLayout::kAnaglyphRedCyan        ? 10
         : layout == StereoLayout::kAnaglyphGreenMagenta ? 12
                                                         : 0;
}

void AddStereoSideData(AVStream* stream, AVStereo3DType type, bool swapped) {
  AVStereo3D* stereo = av_stereo3d_alloc();
  const size_t size = sizeof(*stereo);
  Require(stereo != nullptr, Code::kOutOfMemory, "no memory for stream information");
  stereo->type = type;
  if (swapped) stereo->flags |= AV_STEREO3D_FLAG_INVERT;
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(59, 39, 100)
  // "Packed", the default, makes FFmpeg 7.1 write the box of Apple's spatial video beside the usual
  // one, without the layout, and readers take that.
  stereo->view = AV_STEREO3D_VIEW_UNSPEC;
#endif
  AddSideData(stream, AV_PKT_DATA_STEREO3D, stereo, size);
}

// FFmpeg has no side data for anaglyphs, and its Matroska muxer takes their names from version 7.1
// on only: a checkerboard, of which a view is as large as the frame too, is renamed in the header.
void StateAnaglyph(char mode, AVStream* stream, ff::Muxer* muxer, ff::Dictionary* settings) {
  const std::string element("\x53\xB8\x81", 3);  // StereoMode, of one byte
  constexpr char kCheckerboard = 5;
  AddStereoSideData(stream, AV_STEREO3D_CHECKERBOARD, false);
  muxer->ReplaceInHeader(element + kCheckerboard, element + mode);
  settings->Set("write_crc32", 0);
}

// Says in the container how the eyes are packed, as far as it can.
void StateStereo(const VideoWriterOptions& options, bool matroska, AVStream* stream,
                 ff::Muxer* muxer, ff::Dictionary* settings) {
  const StereoLayout layout = options.stereo;
  const bool swapped = options.right_eye_first;
  const char anaglyph = AnaglyphMode(layout);
  if (anaglyph != 0 && matroska && !swapped) StateAnaglyph(anaglyph, stream, muxer, settings);
  const bool halves = layout == StereoLayout::kSideBySide || layout == StereoLayout::kTopBottom;
  if (const std::optional<AVStereo3DType> type = SideDataType(layout))
    if (matroska || (halves && !swapped)) AddStereoSideData(stream, *type, swapped);
}

// Says which part of a sphere each eye's picture is.
void StateProjection(double fov_deg, AVStream* stream) {
  size_t size = 0;
  AVSphericalMapping* mapping = av_spherical_alloc(&size);
  Require(mapping != nullptr, Code::kOutOfMemory, "no memory for stream information");
  // What is missing at each border, as a share of the whole sphere's picture in 1/2^32.
  const auto missing = [](double share) {
    return static_cast<uint32_t>(std::min(std::floor(share * 4294967296.0 + 0.5), 4294967295.0));
  };
  mapping->projection = AV_SPHERICAL_EQUIRECTANGULAR_TILE;
  mapping->bound_left = mapping->bound_right = missing((1 - fov_deg / 360) / 2);
  mapping->bound_top = mapping->bound_bottom = missing((1 - fov_deg / 180) / 2);
  AddSideData(stream, AV_PKT_DATA_SPHERICAL, mapping, size);
}

}  // namespace

void CheckVideoName(const std::string& path, VideoCodec codec) { ContainerFor(path, codec); }

struct VideoWriter::Impl {
  Impl(const OutputTarget& target, const PixelFormat& image_format, int image_width,
       int image_height, const VideoWriterOptions& writer_options)
      : options(writer_options),
        format(image_format),
        width(image_width),
        height(image_height),
        container(ContainerFor(target.path(), options.codec)),
        encoder(target.path(), format, width, height, options, true),
        muxer(target, container, options.overwrite) {
    stream = muxer.AddStream();
    ff::CheckFf(avcodec_parameters_from_context(stream->codecpar, &encoder.context()),
                Code::kInternal, target.path());
    stream->time_base = ff::ToAv(options.time_base);
    stream->sample_aspect_ratio = encoder.context().sample_aspect_ratio;
    stream->disposition = AV_DISPOSITION_DEFAULT;
    if (options.frame_rate.IsPositive() && options.rate_is_even) {
      stream->avg_frame_rate = stream->r_frame_rate = ff::ToAv(options.frame_rate);
    }
    const bool matroska = std::string(container) == "matroska";
    // Apple's players want this one of the two names that HEVC has in MP4.
    if (!matroska && stream->codecpar->codec_id == AV_CODEC_ID_HEVC)
      stream->codecpar->codec_tag = MKTAG('h', 'v', 'c', '1');
    AddHdrSideData(stream, options.hdr);
    if (options.hdr.hdr10_plus && !ff::HoldsHdr10Plus(stream->codecpar->codec_id)) {
      LogWarning(target.path() + ": the brightness curves of HDR10+ are left out, which " +
                 VideoEncoderOf(options.codec).standard +
                 " video does not hold; what HDR10 states is kept");
      options.hdr.hdr10_plus = nullptr;
    }
    ff::Dictionary settings;
    StateStereo(options, matroska, stream, &muxer, &settings);
    if (options.equirectangular_deg) {
      const double fov = *options.equirectangular_deg;
      Require(fov > 0 && fov <= 180, Code::kInvalidArgument,
              "VideoWriterOptions.equirectangular_deg = " + FormatDouble(fov) +
                  ", must be in (0, 180]");
      StateProjection(fov, stream);
    }
    if (!options.copy_streams_from.empty()) {
      copier = std::make_unique<ff::StreamCopier>(options.copy_streams_from, options.copy_audio,
                                                  options.copy_text, &muxer);
    }
    for (const auto& [key, value] : options.tags) {
      for (AVDictionary** tags : {&muxer.context()->metadata, &stream->metadata}) {
        Require(av_dict_set(tags, key.c_str(), value.c_str(), 0) >= 0, Code::kOutOfMemory,
                "no memory for tags");
      }
    }
    if (!matroska) {
      // Tags of our own in MP4 need the key-value form; without them the usual one is kept.
      settings.Set("movflags",
                   options.tags.empty() ? "+faststart" : "+faststart+use_metadata_tags");
      // Edit lists count in this scale: where a video starts is exact only if it is fine enough.
      settings.Set("movie_timescale", std::max<int64_t>(1000, options.time_base.den));
      // FFmpeg counts the stereo box as unofficial and FLAC in MP4 as experimental.
      muxer.context()->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    }
    // Times are made fit by ourselves, see Mux().
    if (matroska) muxer.context()->avoid_negative_ts = 0;
    muxer.WriteHeader(&settings);
  }

  void CheckFormat(const PixelFormat& frame_format, int frame_width, int frame_height) const {
    Require(frame_format == format && frame_width == width && frame_height == height,
            Code::kInvalidArgument,
            muxer.path() + ": frame " + std::to_string(frames) + " is " + frame_format.ToString() +
                " " + FormatSize(frame_width, frame_height) + ", the video is " +
                format.ToString() + " " + FormatSize(width, height));
  }

  void CheckTime(int64_t pts) const {
    Require(!finished, Code::kInvalidArgument, muxer.path() + ": is finished already");
    Require(frames == 0 || pts > last_pts, Code::kInvalidArgument,
            muxer.path() + ": frame " + std::to_string(frames) + " has the time " +
                std::to_string(pts) + ", must be later than " + std::to_string(last_pts) +
                " of the frame before");
  }

  template <typename Picture>  // ImageView or RowFiller
  void Write(const Picture& picture, int64_t pts, int64_t duration) {
    CheckTime(pts);
    encoder.Send(picture, pts);
    if (frames > 0 && times.rbegin()->second <= 0) times.rbegin()->second = pts - last_pts;
    if (frames > 0) last_step = pts - last_pts;
    times[pts] = duration;
    last_pts = pts;
    ++frames;
    Drain();
  }

  // Takes what the encoder has. A packet is held back until its frame's duration is known, which
  // for the last frame is at the end.
  void Drain() {
    for (;;) {
      ff::PacketPtr packet = ff::NewPacket();
      if (!encoder.Receive(packet.get())) break;
      waiting.push_back(std::move(packet));
    }
    while (!waiting.empty() && waiting.front()->pts < last_pts) MuxFront();
  }

  void MuxFront() {
    ff::PacketPtr packet = std::move(waiting.front());
    waiting.pop_front();
    const auto time = times.find(packet->pts);
    if (time != times.end()) {
      packet->duration = std::max<int64_t>(time->second, 0);
      times.erase(time);
    }
    const AVRational time_base = encoder.context().time_base;
    if (options.hdr.hdr10_plus) AddHdr10Plus(packet.get());
    if (copier) copier->CopyUntil(packet->dts, time_base);
    packet->stream_index = stream->index;
    av_packet_rescale_ts(packet.get(), time_base, stream->time_base);
    muxer.Write(packet.get());
    ++packets;
  }

  void AddHdr10Plus(AVPacket* packet) {
    const Hdr10PlusTrack::Message message =
        options.hdr.hdr10_plus->At(packet->pts, ff::FromAv(encoder.context().time_base));
    if (message) {
      ff::InsertHdr10Plus(stream->codecpar->codec_id, *message, packet);
    } else {
      ++without_hdr10_plus;
    }
  }

  // Duration of the last frame where none was given: as long as the one before it.
  int64_t LastDuration() const {
    const int64_t given = times.rbegin()->second;
    if (given > 0) return given;
    if (last_step > 0) return last_step;
    if (options.frame_rate.IsPositive()) {
      const Rational frame{options.frame_rate.den, options.frame_rate.num};
      return std::max<int64_t>(1, Rescale(1, frame, options.time_base));
    }
    return std::max<int64_t>(1, Rescale(1, {1, 25}, options.time_base));
  }

  void Finish(StreamEnd copied) {
    Require(!finished, Code::kInvalidArgument, muxer.path() + ": is finished already");
    Require(frames > 0, Code::kInvalidArgument, muxer.path() + ": no frame was written");
    finished = true;
    const int64_t last_duration = LastDuration();
    times.rbegin()->second = last_duration;
    encoder.SendEnd();
    Drain();
    while (!waiting.empty()) MuxFront();
    Require(packets == frames, Code::kIo,
            muxer.path() + ": " + CountOf(packets, "frame") + " came out of the encoder, " +
                std::to_string(frames) + " went in");
    if (without_hdr10_plus > 0)
      LogWarning(muxer.path() + ": " + std::to_string(without_hdr10_plus) + " of " +
                 CountOf(frames, "frame has", "frames have") +
                 " no brightness curves of HDR10+: none are known for their times");
    if (copier) copier->Finish(copied, last_pts + last_duration, encoder.context().time_base);
    muxer.Finish();
  }

  VideoWriterOptions options;
  PixelFormat format;
  int width;
  int height;
  const char* container;
  ff::VideoEncoder encoder;
  ff::Muxer muxer;
  std::unique_ptr<ff::StreamCopier> copier;
  AVStream* stream = nullptr;
  std::deque<ff::PacketPtr> waiting;
  std::map<int64_t, int64_t> times;  // pts -> duration of the frames that are not in the file yet
  int64_t frames = 0;
  int64_t packets = 0;
  int64_t without_hdr10_plus = 0;
  int64_t last_pts = 0;
  int64_t last_step = 0;
  bool finished = false;
};

VideoWriter::VideoWriter(const OutputTarget& target, const PixelFormat& format, int width,
                         int height, const VideoWriterOptions& options)
    : impl_(std::make_unique<Impl>(target, format, width, height, options)) {}

VideoWriter::~VideoWriter() = default;
VideoWriter::VideoWriter(VideoWriter&&) noexcept = default;
VideoWriter& VideoWriter::operator=(VideoWriter&&) noexcept = default;

void VideoWriter::Write(const ImageView& image, int64_t pts, int64_t duration) {
  impl_->CheckFormat(image.format, image.width, image.height);
  impl_->Write(image, pts, duration);
}

void VideoWriter::Write(const RowFiller& fill, int64_t pts, int64_t duration) {
  impl_->Write(fill, pts, duration);
}

void VideoWriter::Finish(StreamEnd copied) { impl_->Finish(copied); }

int64_t VideoWriter::frames_written() const { return impl_->frames; }

}  // namespace mdvt
