// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/depth_video.h"

#include <sys/stat.h>

#include <cmath>
#include <deque>
#include <utility>

#include "core/file_ending.h"
#include "core/text_file.h"
#include "io/depth_codec_kernels.h"
#include "io/image_pool.h"
#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr double kDefaultMaxDepth = 100;
constexpr double kMaxDamagedShare = 0.001;
constexpr size_t kMaxSampledFrames = 8;
constexpr uint8_t kLargestHighByte = 252;  // of code 64517

// How 8-bit RGB frames look, as far as depth is concerned.
enum class Look { kOneColor, kGray, kRgb16, kOther };

size_t CountDifferent(const ImageView& image, int plane_a, int plane_b) {
  const auto a = image.Plane<uint8_t>(plane_a), b = image.Plane<uint8_t>(plane_b);
  size_t count = 0;
  for (int y = 0; y < image.height; ++y) {
    count += codec::CountDifferent(a.Row(y), b.Row(y), static_cast<size_t>(image.width));
  }
  return count;
}

bool IsConstant(const PlaneView<const uint8_t>& plane) {
  for (int y = 0; y < plane.height; ++y) {
    const uint8_t* row = plane.Row(y);
    if (row[0] != plane.data[0] ||
        codec::CountDifferent(row, row + 1, static_cast<size_t>(plane.width) - 1) != 0) {
      return false;
    }
  }
  return true;
}

Look LookOf(const ImageView& image) {
  if (Rgb16DamagedShare(image) > kMaxDamagedShare) return Look::kOther;
  if (CountDifferent(image, 0, 1) != 0 || CountDifferent(image, 1, 2) != 0) return Look::kRgb16;
  return IsConstant(image.Plane<uint8_t>(0)) ? Look::kOneColor : Look::kGray;
}

bool PassesTopCode(const ImageView& image) {
  const auto red = image.Plane<uint8_t>(0);
  for (int y = 0; y < image.height; ++y) {
    if (codec::MaxOfRow(red.Row(y), static_cast<size_t>(image.width)) > kLargestHighByte) {
      return true;
    }
  }
  return false;
}

// The green plane of an RGB image, as a gray one.
ImageView GreenAsGray(const ImageView& image) {
  ImageView gray;
  gray.format = PixelFormat::Gray(8);
  gray.width = image.width;
  gray.height = image.height;
  gray.data[0] = image.data[1];
  gray.stride[0] = image.stride[1];
  return gray;
}

// Fills the fields that `tags` lacks.
void Complete(DepthTags* tags, const DepthTags& from) {
  const auto fill = [](auto& field, const auto& value) {
    if (!field) field = value;
  };
  fill(tags->kind, from.kind);
  fill(tags->encoding, from.encoding);
  fill(tags->max_depth, from.max_depth);
  fill(tags->log_offset, from.log_offset);
  fill(tags->geometry, from.geometry);
  if (!tags->k && !tags->xfov_deg && !tags->yfov_deg) {  // one camera, never halves of two
    tags->xfov_deg = from.xfov_deg;
    tags->yfov_deg = from.yfov_deg;
    tags->k = from.k;
  }
  fill(tags->source, from.source);
  fill(tags->source_frames, from.source_frames);
  fill(tags->frame_rate, from.frame_rate);
  fill(tags->sample_aspect, from.sample_aspect);
}

bool IsNear(const Rational& a, const Rational& b, double tolerance) {
  return std::abs(a.ToDouble() - b.ToDouble()) <= tolerance * b.ToDouble();
}

VideoReaderOptions WithOwnFormat(VideoReaderOptions options) {
  options.format.reset();
  options.exact = true;
  return options;
}

std::string Percent(double share) { return FormatFixed(100 * share, 2) + " %"; }

bool IsMatroska(const std::string& path) {
  const std::string ending = LowerEnding(path);
  return ending == ".mkv" || ending == ".webm";
}

}  // namespace

struct DepthVideoReader::Impl {
  Impl(VideoReader reader, bool has_sidecar, const DepthVideoReaderOptions& reader_options)
      : options(reader_options), video(std::move(reader)), info(video.info()) {
    ReadTags(has_sidecar);
    RefuseOtherKinds();
    RefuseSamples();
    ResolveEncoding();
    ResolveRange();
    CheckCodec();
    if (tags.frame_rate &&
        (!info.frame_rate.IsPositive() || IsNear(*tags.frame_rate, info.frame_rate, 1e-3))) {
      info.frame_rate = *tags.frame_rate;
    }
    if (tags.sample_aspect && (info.sample_aspect == Rational{1, 1} ||
                               IsNear(*tags.sample_aspect, info.sample_aspect, 1e-2))) {
      info.sample_aspect = *tags.sample_aspect;
    }
  }

  void ReadTags(bool has_sidecar) {
    try {
      tags = DepthTags::FromTags(info.tags);
    } catch (const Error& error) {
      throw Error(error.code(), info.path + ": tag " + error.what());
    }
    if (!has_sidecar || (tags.encoding && tags.max_depth)) return;
    const std::string sidecar = DepthSidecarPath(info.path);
    struct stat status = {};
    if (stat(sidecar.c_str(), &status) != 0) return;
    Complete(&tags,
             ReadAndParse(sidecar, "depth sidecar", options.video.limits, DepthTags::FromJson));
  }

  void RefuseOtherKinds() const {
    Require(!tags.kind || *tags.kind == "depth" || *tags.kind == "sbs_depth", Code::kRefused,
            info.path + ": not a depth video, its tag MDVT_KIND says \"" +
                tags.kind.value_or("").substr(0, 80) + "\"");
    Require(tags.geometry.value_or(DepthGeometry::kZ) == DepthGeometry::kZ || options.allow_range,
            Code::kRefused,
            info.path +
                ": holds distances along the ray (MDVT_DEPTH_GEOMETRY = range), planar "
                "depth is needed here");
  }

  void RefuseSamples() const {
    const std::string name =
        info.path + ": " + info.codec + " with " + info.codec_format + " samples";
    const std::string remedy =
        "; give the lossless depth file that the depth tool wrote (FFV1 in .mkv)";
    Require(info.format.model != ColorModel::kYuv, Code::kRefused,
            name + ": depth does not survive in YUV" + remedy);
    Require(info.format == PixelFormat::Rgb(8) || info.format == PixelFormat::Gray(8) ||
                info.format == PixelFormat::Gray(16),
            Code::kRefused,
            name + ": not a depth video, which has 8-bit RGB or 8- or 16-bit gray" + remedy);
    if (info.lossless) return;
    Require(options.allow_damaged && info.format == PixelFormat::Rgb(8), Code::kRefused,
            name + ": the codec is lossy, which destroys encoded depth" + remedy);
    LogWarning(name + ": lossy coding, depth is not what was written");
  }

  void ResolveEncoding() {
    if (options.encoding || tags.encoding) {
      codec.encoding = options.encoding ? *options.encoding : *tags.encoding;
      const PixelFormat wanted = EncodedFormat(codec.encoding);
      const bool gray_as_rgb =
          codec.encoding == DepthEncoding::kGray8 && info.format == PixelFormat::Rgb(8);
      Require(info.format == wanted || gray_as_rgb,
              options.encoding ? Code::kInvalidArgument : Code::kCorrupt,
              info.path + ": " + (options.encoding ? "asked to read " : "tagged as ") +
                  DepthEncodingName(codec.encoding) + ", which needs " + wanted.ToString() +
                  " samples, the file has " + info.format.ToString());
      return;
    }
    found_by_look = true;
    if (info.format == PixelFormat::Gray(16)) {
      codec.encoding = DepthEncoding::kGray16Legacy;
    } else if (info.format == PixelFormat::Gray(8)) {
      codec.encoding = DepthEncoding::kGray8;
    } else {
      codec.encoding = EncodingOfFirstFrames();
    }
  }

  // Frames of one colour (all zero at the start of many clips) leave it open.
  DepthEncoding EncodingOfFirstFrames() {
    while (sampled.size() < kMaxSampledFrames) {
      std::optional<Frame> frame = video.Read();
      if (!frame) break;
      sampled.push_back(std::move(*frame));
      const ImageView image = sampled.back().image.view();
      switch (LookOf(image)) {
        case Look::kOneColor:
          break;
        case Look::kGray:
          return DepthEncoding::kGray8;
        case Look::kRgb16:
          if (PassesTopCode(image)) {
            LogWarning(info.path + ": codes past 64517 (R > 252), which the original toolbox " +
                       "never writes: such pixels lie beyond max_depth");
          }
          return DepthEncoding::kRgb16;
        case Look::kOther:
          if (options.allow_damaged) return DepthEncoding::kRgb16;
          throw Error(Code::kRefused,
                      info.path + ": frame " + std::to_string(sampled.back().index) + ": R and G " +
                          "differ in " + Percent(Rgb16DamagedShare(image)) +
                          " of the pixels: not an rgb16 depth video, or one that was re-encoded " +
                          "with loss or scaled; give the file that the depth tool wrote");
      }
    }
    return DepthEncoding::kRgb16;
  }

  void ResolveRange() {
    codec.max_depth = kDefaultMaxDepth;
    if (tags.max_depth) codec.max_depth = *tags.max_depth;
    if (options.max_depth) codec.max_depth = *options.max_depth;
    if (tags.max_depth && std::fabs(codec.max_depth / *tags.max_depth - 1) > 1e-6)
      LogWarning(info.path + ": its range ends at " + FormatDouble(*tags.max_depth) +
                 " m by its tags; read as ending at " + FormatDouble(codec.max_depth) +
                 " m, as asked: every depth is " + FormatDouble(codec.max_depth / *tags.max_depth) +
                 " times what was written");
    if (tags.log_offset) codec.log_offset = *tags.log_offset;
    if (options.max_depth || tags.max_depth) {
      if (found_by_look && codec.encoding != DepthEncoding::kRgb16) {
        LogWarning(info.path + ": no MDVT_ENCODING tag: its samples look like " +
                   DepthEncodingName(codec.encoding));
      }
      return;
    }
    LogWarning(info.path + ": no MDVT_MAX_DEPTH tag: read as " + DepthEncodingName(codec.encoding) +
               " with max_depth 100 m; files made before April 2025 mostly need " +
               options.max_depth_name + " 20");
  }

  // A range that the caller gave is the caller's mistake, one from the file is the file's.
  void CheckCodec() const {
    try {
      codec.Check();
    } catch (const Error& error) {
      throw Error(options.max_depth ? error.code() : Code::kCorrupt,
                  info.path + ": " + error.what());
    }
  }

  // Pixels whose channels do not agree as the encoding wants.
  size_t CountDamaged(const ImageView& image) const {
    if (info.format != PixelFormat::Rgb(8) || codec.encoding == DepthEncoding::kRgb24Log) return 0;
    size_t different = CountDifferent(image, 0, 1);
    if (codec.encoding == DepthEncoding::kGray8) different += CountDifferent(image, 1, 2);
    return different;
  }

  // Throws if there are more of them than a few.
  void CheckDamaged(size_t different, int64_t frame) {
    if (different == 0) return;
    const double share = static_cast<double>(different) /
                         (static_cast<double>(info.width) * static_cast<double>(info.height));
    const std::string text = info.path + ": frame " + std::to_string(frame) +
                             ": channels that must agree differ in " + Percent(share) +
                             " of the pixels";
    Require(share <= kMaxDamagedShare || options.allow_damaged, Code::kCorrupt,
            text + ": the file was re-encoded with loss or scaled");
    if (!std::exchange(warned_damaged, true)) LogWarning(text + "; their depth is wrong");
  }

  std::optional<DepthFrame> Read(ThreadPool* pool) {
    Image depth = images.Get(PixelFormat::GrayF32(), info.width, info.height);
    size_t damaged = 0;
    const auto unpack = [&](int y, ImageView band) {
      damaged += CountDamaged(band);
      if (band.format == PixelFormat::Rgb(8) && codec.encoding == DepthEncoding::kGray8)
        band = GreenAsGray(band);
      UnpackDepth(band, codec, depth.MutablePlane<float>().Rows(y, band.height), pool);
    };
    std::optional<Frame> frame;
    if (sampled.empty()) {
      frame = video.Read(unpack);
    } else {
      frame = std::move(sampled.front());
      sampled.pop_front();
      unpack(0, frame->image.view());
    }
    if (!frame) return std::nullopt;
    CheckDamaged(damaged, frame->index);
    DepthFrame result;
    result.depth = std::move(depth);
    result.index = frame->index;
    result.pts = frame->pts;
    result.duration = frame->duration;
    return result;
  }

  DepthVideoReaderOptions options;
  VideoReader video;
  VideoInfo info;
  DepthTags tags;
  DepthCodecOptions codec;
  bool found_by_look = false;
  bool warned_damaged = false;
  std::deque<Frame> sampled;  // read while looking, not yet given out
  codec::ImagePool images;
};

DepthVideoReader::DepthVideoReader(const std::string& path, const DepthVideoReaderOptions& options)
    : impl_(
          std::make_unique<Impl>(VideoReader(path, WithOwnFormat(options.video)), true, options)) {}
DepthVideoReader::DepthVideoReader(std::unique_ptr<ByteSource> source, const std::string& name,
                                   const DepthVideoReaderOptions& options)
    : impl_(std::make_unique<Impl>(
          VideoReader(std::move(source), name, WithOwnFormat(options.video)), false, options)) {}
DepthVideoReader::~DepthVideoReader() = default;
DepthVideoReader::DepthVideoReader(DepthVideoReader&&) noexcept = default;
DepthVideoReader& DepthVideoReader::operator=(DepthVideoReader&&) noexcept = default;

const VideoInfo& DepthVideoReader::info() const { return impl_->info; }
const DepthTags& DepthVideoReader::tags() const { return impl_->tags; }
const DepthCodecOptions& DepthVideoReader::codec() const { return impl_->codec; }
std::optional<DepthFrame> DepthVideoReader::Read(ThreadPool* pool) { return impl_->Read(pool); }
void DepthVideoReader::SeekTo(int64_t frame) {
  impl_->sampled.clear();
  impl_->video.SeekTo(frame);
}
int64_t DepthVideoReader::CountFrames() { return impl_->video.CountFrames(); }

void DepthVideoWriterOptions::Check() const {
  codec.Check();
  Require(video.codec == VideoCodec::kFfv1 || video.codec == VideoCodec::kH264Rgb,
          Code::kInvalidArgument,
          "DepthVideoWriterOptions.video.codec is not one of those that keep depth, must be kFfv1 "
          "or kH264Rgb");
  Require(
      video.codec != VideoCodec::kH264Rgb || EncodedFormat(codec.encoding) == PixelFormat::Rgb(8),
      Code::kInvalidArgument,
      std::string("DepthVideoWriterOptions.video.codec = kH264Rgb cannot hold ") +
          DepthEncodingName(codec.encoding) + ", must be kFfv1");
}

struct DepthVideoWriter::Impl {
  Impl(const OutputTarget& given, int video_width, int video_height,
       const DepthVideoWriterOptions& options)
      : path(given.path()),
        width(video_width),
        height(video_height),
        codec(options.codec),
        tags(FilledTags(options)),
        write_sidecar(options.write_sidecar || !IsMatroska(path)),
        alone(given.is_in_set() ? nullptr : std::make_unique<OutputSet>(options.video.overwrite)),
        target(alone ? alone->AddFile(path) : given),
        sidecar(write_sidecar ? target.Beside(DepthSidecarPath(path)) : target),
        video(target, EncodedFormat(codec.encoding), width, height, VideoOptions(options, tags)) {}

  static DepthTags FilledTags(const DepthVideoWriterOptions& options) {
    options.Check();
    DepthTags tags = options.tags;
    if (!tags.kind) tags.kind = "depth";
    if (!tags.geometry) tags.geometry = DepthGeometry::kZ;
    tags.encoding = options.codec.encoding;
    tags.max_depth = options.codec.max_depth;
    tags.log_offset.reset();
    if (options.codec.encoding == DepthEncoding::kRgb24Log)
      tags.log_offset = options.codec.log_offset;
    if (options.video.frame_rate.IsPositive()) tags.frame_rate = options.video.frame_rate;
    if (options.video.sample_aspect.IsPositive()) tags.sample_aspect = options.video.sample_aspect;
    return tags;
  }

  static VideoWriterOptions VideoOptions(const DepthVideoWriterOptions& options,
                                         const DepthTags& tags) {
    VideoWriterOptions video = options.video;
    for (const auto& [key, value] : tags.ToTags()) video.tags[key] = value;
    video.color = ColorInfo();
    video.color.full_range = true;
    // Identity matrix for RGB; codes are not light, so primaries and transfer stay unstated.
    if (EncodedFormat(options.codec.encoding).model == ColorModel::kRgb) video.color.matrix = 0;
    return video;
  }

  void Write(const DepthView& depth, int64_t pts, int64_t duration, ThreadPool* pool,
             Image* owner = nullptr) {
    Require(depth.width == width && depth.height == height, Code::kInvalidArgument,
            path + ": frame " + std::to_string(video.frames_written()) + " is " +
                FormatSize(depth.width, depth.height) + ", the video is " +
                FormatSize(width, height));
    video.Write(
        [&](int y, const MutableImageView& band) {
          PackDepth(depth.Rows(y, band.height), codec, band, pool);
          if (owner != nullptr && y + band.height == height) *owner = Image();
        },
        pts, duration);
  }

  void Finish() {
    video.Finish();
    if (write_sidecar) WriteFile(sidecar, tags.ToJson());
    if (alone) alone->CommitAll();
  }

  std::string path;
  int width;
  int height;
  DepthCodecOptions codec;
  DepthTags tags;
  bool write_sidecar;
  std::unique_ptr<OutputSet> alone;  // of a plain path
  OutputTarget target;
  OutputTarget sidecar;
  VideoWriter video;
};

DepthVideoWriter::DepthVideoWriter(const OutputTarget& target, int width, int height,
                                   const DepthVideoWriterOptions& options)
    : impl_(std::make_unique<Impl>(target, width, height, options)) {}
DepthVideoWriter::~DepthVideoWriter() = default;
DepthVideoWriter::DepthVideoWriter(DepthVideoWriter&&) noexcept = default;
DepthVideoWriter& DepthVideoWriter::operator=(DepthVideoWriter&&) noexcept = default;

void DepthVideoWriter::Write(const DepthView& depth, int64_t pts, int64_t duration,
                             ThreadPool* pool) {
  impl_->Write(depth, pts, duration, pool);
}
void DepthVideoWriter::Write(Image depth, int64_t pts, int64_t duration, ThreadPool* pool) {
  Require(depth.format() == PixelFormat::GrayF32(), Code::kInvalidArgument,
          impl_->path + ": depth is written as " + PixelFormat::GrayF32().ToString() + ", not " +
              depth.format().ToString());
  impl_->Write(depth.Plane<float>(), pts, duration, pool, &depth);
}
void DepthVideoWriter::Finish() { impl_->Finish(); }
int64_t DepthVideoWriter::frames_written() const { return impl_->video.frames_written(); }

}  // namespace mdvt
