// SPDX-License-Identifier: Apache-2.0
#include "pipeline/job_common.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/stereo/view_layout.h"
#include "pipeline/video_kind.h"

namespace mdvt {

namespace fs = std::filesystem;

std::string FileName(const std::string& path) { return fs::path(path).filename().string(); }

std::string OutputName(const std::string& output, const std::string& input,
                       const std::string& suffix) {
  if (output.empty()) return input + suffix;
  std::error_code ignored;
  if (!fs::is_directory(output, ignored)) {
    Require(output.back() != '/', Code::kIo,
            output + ": there is no such folder; make it first, or give the name of a file");
    return output;
  }
  return (fs::path(output) / (FileName(input) + suffix)).string();
}

std::string ViewOutputName(const std::string& output, const std::string& input,
                           const CanvasOptions& canvas, const std::string& source,
                           const std::string& ending, const Limits& limits) {
  const ViewLayout layout = LayoutOf(canvas);
  std::string suffix = layout.suffix;
  const bool needed = OutputName(output, input, "") != output;
  if (needed && layout.count == ViewLayout::Count::kQuilt) {
    VideoReaderOptions reader;
    reader.limits = limits;
    const VideoInfo info = VideoReader(source, reader).info();
    const double aspect =
        PlanCanvas(canvas, info.width, info.height, info.sample_aspect).ViewAspect();
    suffix += "a" + FormatDouble(std::round(aspect * 1e5) / 1e5);
  }
  return OutputName(output, input, suffix + ending);
}

VideoReaderOptions ReaderOptions(const JobOptions& job, ThreadPool* pool) {
  VideoReaderOptions reader;
  reader.limits = job.limits;
  reader.pool = pool;
  reader.strict = job.reading.strict;
  reader.deinterlace = job.reading.deinterlace;
  reader.first_frame = job.reading.first_frame;
  return reader;
}

DepthVideoReaderOptions DepthReaderOptions(const DepthReadingOptions& reading, const Limits& limits,
                                           ThreadPool* pool) {
  DepthVideoReaderOptions reader;
  reader.video.limits = limits;
  reader.video.pool = pool;
  reader.max_depth = reading.max_depth;
  reader.encoding = reading.encoding;
  return reader;
}

VideoReader OpenMask(const std::string& path, const Limits& limits, ThreadPool* pool) {
  VideoReaderOptions options;
  options.limits = limits;
  options.pool = pool;
  options.exact = true;  // a mask is no film
  options.format = PixelFormat::Gray(8);
  VideoReader reader(path, options);
  CheckIsMask(reader.info());
  if (KindOf(reader.info()).empty()) {  // nothing but its pictures tells
    options.format = PixelFormat::Rgb(8);
    if (const std::optional<Frame> first = VideoReader(path, options).Read())
      CheckLooksLikeMask(first->image, path);
  }
  return reader;
}

VideoReader OpenMaskVideo(const std::string& path, const VideoInfo& depth, const Limits& limits,
                          ThreadPool* pool) {
  VideoReader reader = OpenMask(path, limits, pool);
  const VideoInfo& mask = reader.info();
  Require(mask.width == depth.width && mask.height == depth.height, Code::kCorrupt,
          "mask video '" + path + "' is " + FormatSize(mask.width, mask.height) +
              ", depth video '" + depth.path + "' is " + FormatSize(depth.width, depth.height) +
              ": they must have the same size");
  return reader;
}

VideoWriterOptions WriterOptions(const EncodeOptions& encode, VideoCodec codec,
                                 const VideoInfo& source, const JobOptions& job, ThreadPool* pool) {
  VideoWriterOptions writer;
  encode.Apply(codec, &writer);
  writer.time_base = source.time_base;
  writer.frame_rate = source.frame_rate;
  writer.rate_is_even = source.rate_is_even;
  writer.hdr = source.hdr;
  writer.num_threads = job.num_threads;
  writer.pool = pool;
  return writer;
}

VideoWriterOptions LosslessLike(const VideoInfo& source, ThreadPool* pool) {
  VideoWriterOptions writer;
  writer.codec = VideoCodec::kFfv1;
  writer.time_base = source.time_base;
  writer.frame_rate = source.frame_rate;
  writer.rate_is_even = source.rate_is_even;
  writer.sample_aspect = source.sample_aspect;
  writer.color.full_range = true;
  writer.pool = pool;
  return writer;
}

void CheckOnePicture(const VideoInfo& video, bool one_picture) {
  std::string stereo = Describe(video.stereo);
  if (stereo.empty() && HoldsEyes(KindOf(video))) stereo = "two eyes already";
  Require(
      stereo.empty() || one_picture, Code::kRefused,
      "'" + video.path + "' says that it holds " + stereo +
          ": depth of such a picture has no meaning (one_picture takes it as one all the same)");
  if (!video.projection.empty())
    LogWarning("'" + video.path + "' says that it shows a sphere (" + video.projection +
               "): it is taken as the flat picture of a camera, so that depth is right near its "
               "middle at best");
  TellIfNoFilm(video);
}

ClipCamera::ClipCamera(const FovOptions& fov, const DepthTags& tags, int width, int height,
                       Rational sample_aspect, const Limits& limits)
    : width_(width),
      height_(height),
      sample_aspect_(sample_aspect.IsPositive() ? sample_aspect : Rational{1, 1}) {
  if (!fov.xfov_file.empty()) {
    xfovs_deg_ = {ReadFovFile(fov.xfov_file, limits), fov.xfov_file, "field of view"};
  } else if (fov.xfov_deg || fov.yfov_deg) {
    fixed_ = Make(fov.xfov_deg, fov.yfov_deg);
    constexpr double kOddPixels = 1.1;  // cropping and rounding explain less
    const double shape = fixed_.fy / fixed_.fx / sample_aspect_.ToDouble();
    if (shape > kOddPixels || shape < 1 / kOddPixels)
      LogWarning("xfov " + FormatFixed(fixed_.xfov_deg(), 1) + " and yfov " +
                 FormatFixed(fixed_.yfov_deg(), 1) + " degrees do not go together for " +
                 FormatSize(width, height) + ": pixels would be " + FormatFixed(shape, 2) +
                 " times as wide as the file says; with one of them alone they are not");
  } else {
    const std::optional<Camera> tagged = tags.CameraFor(width, height);
    Require(tagged.has_value(), Code::kInvalidArgument,
            "the field of view is not known: give --xfov, --yfov or --xfov_file (the depth file "
            "does not tell it)");
    const bool complete = tags.k || (tags.xfov_deg && tags.yfov_deg);
    fixed_ = complete ? *tagged : Make(tags.xfov_deg, tags.yfov_deg);
  }
}

Camera ClipCamera::Make(std::optional<double> xfov_deg, std::optional<double> yfov_deg) const {
  Camera camera = Camera::FromFov(width_, height_, xfov_deg, yfov_deg);
  // A stored pixel is `aspect` times as wide as it is high, so that a focal length is fewer of
  // them.
  const double aspect = sample_aspect_.ToDouble();
  if (!yfov_deg) camera.fy = camera.fx * aspect;
  if (!xfov_deg) camera.fx = camera.fy / aspect;
  return camera;
}

Camera ClipCamera::At(int64_t frame) const {
  return xfovs_deg_.fixed() ? fixed_ : Make(xfovs_deg_.At(frame), std::nullopt);
}

double ClipCamera::typical_xfov_deg() const {
  if (xfovs_deg_.fixed()) return fixed_.xfov_deg();
  std::vector<double> sorted = xfovs_deg_.values();
  const auto middle = sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

FovOptions FovOrUsual(const FovOptions& fov, bool needed) {
  if (!fov.empty()) return fov;
  if (needed)
    LogWarning("no field of view was given (--xfov, --yfov or --xfov_file): " +
               FormatDouble(kDefaultXfovDeg) +
               " degrees across are taken; a wrong one stretches the scene in depth");
  FovOptions assumed;
  assumed.xfov_deg = kDefaultXfovDeg;
  return assumed;
}

Rational RateOf(double fps) {
  for (const int64_t whole : {24, 30, 48, 60, 120}) {
    const Rational ntsc{whole * 1000, 1001};
    if (std::fabs(fps - ntsc.ToDouble()) < 0.001) return ntsc;
  }
  return ToRational(fps);
}

Rational ToRational(double value) {
  return Rational{std::llround(value * 1000000), 1000000}.Reduced();
}

int64_t ExpectedFrames(int64_t estimated, int64_t first, int64_t max_frames) {
  if (estimated <= 0) return std::max<int64_t>(0, max_frames);
  const int64_t left = std::max<int64_t>(0, estimated - first);
  return max_frames < 0 ? left : std::min(left, max_frames);
}

StreamEnd EndOfStreams(VideoReader* reader, int64_t max_frames) {
  if (max_frames < 0) return StreamEnd::kOwn;
  try {
    return reader->Read() ? StreamEnd::kPictures : StreamEnd::kOwn;
  } catch (const Error&) {  // there is one, which nobody wants
    return StreamEnd::kPictures;
  }
}

VideoWriterOptions ProvenanceWriterOptions(const VideoWriterOptions& video,
                                           const std::string& output) {
  VideoWriterOptions provenance;
  provenance.time_base = video.time_base;
  provenance.frame_rate = video.frame_rate;
  provenance.sample_aspect = video.sample_aspect;
  provenance.num_threads = video.num_threads;
  provenance.pool = video.pool;
  provenance.color.full_range = true;
  DepthTags tags;
  tags.kind = "provenance";
  tags.source = FileName(output);
  provenance.tags = tags.ToTags();
  return provenance;
}

void CheckWindowMemory(const char* option, int window, int64_t bytes_per_frame,
                       const Limits& limits) {
  const int64_t frames = 2 * int64_t{window} + 1;
  const int64_t bytes = frames * bytes_per_frame, most = limits.max_frame_buffer_bytes;
  Require(bytes <= most, Code::kLimit,
          std::string(option) + " = " + std::to_string(window) + ": " + std::to_string(frames) +
              " frames take " + FormatFixed(static_cast<double>(bytes) * 1e-9, 1) +
              " GB, the limit is " + FormatFixed(static_cast<double>(most) * 1e-9, 1) +
              " GB; choose a smaller window");
}

}  // namespace mdvt
