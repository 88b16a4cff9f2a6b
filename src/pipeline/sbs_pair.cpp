// SPDX-License-Identifier: Apache-2.0
#include "pipeline/sbs_pair.h"

#include <algorithm>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/video_kind.h"

namespace mdvt {
namespace {

constexpr int kLossyThreshold = 16;  // keeps the noise of lossy masks out
constexpr double kMostHoles = 0.75;  // of a picture: no renderer leaves so much

VideoReaderOptions MaskOptions(const JobOptions& job, ThreadPool* pool) {
  VideoReaderOptions reader;
  reader.limits = job.limits;
  reader.pool = pool;
  reader.exact = true;
  reader.format = PixelFormat::Rgb(8);
  return reader;
}

double ShareOfHoles(const std::array<HoleMap, 2>& holes) {
  int64_t count = 0, all = 0;
  for (const HoleMap& eye : holes) {
    all += int64_t{eye.width} * eye.height;
    for (const auto& row : eye.rows)
      for (const HoleSpan& span : row) count += span.end - span.begin;
  }
  return static_cast<double>(count) / static_cast<double>(all);
}

}  // namespace

SbsPair::SbsPair(const std::string& color, const std::string& mask, const JobOptions& job,
                 ThreadPool* pool)
    : max_frames_(job.max_frames),
      color_(color, ReaderOptions(job, pool)),
      mask_(mask, MaskOptions(job, pool)),
      format_(color_.info().format) {
  const VideoInfo& info = color_.info();
  Require(KindOf(info) != "infillmask", Code::kCorrupt,
          "'" + color + "' is an infill mask: it belongs to sbs_mask_video");
  const std::string kind = KindOf(mask_.info());
  Require(kind.empty() || kind == "infillmask", Code::kCorrupt,
          "'" + mask + "' is no infill mask but says that it is of kind '" + kind + "'");
  Require(info.width % 2 == 0, Code::kCorrupt,
          "'" + color + "' is " + FormatSize(info.width, info.height) +
              ": two eyes side by side make an even width");
  Require(mask_.info().width == info.width && mask_.info().height == info.height, Code::kCorrupt,
          "mask video '" + mask + "' is " + FormatSize(mask_.info().width, mask_.info().height) +
              ", side-by-side video '" + color + "' is " + FormatSize(info.width, info.height) +
              ": they must have the same size");
  if (eye_width() % 2 != 0 && format_.chroma_shift_x > 0)
    format_ = PixelFormat::Yuv(444, format_.bits);
  if (!mask_.info().lossless) {
    reading_.threshold = kLossyThreshold;
    LogWarning("mask video '" + mask + "' is not lossless: levels up to " +
               std::to_string(kLossyThreshold) + " are taken as black");
  }
}

bool SbsPair::right_eye_first() const {
  const auto mode = info().tags.find("STEREO_MODE");
  return mode != info().tags.end() && mode->second == "right_left";
}

VideoWriterOptions SbsPair::WriterOptionsFor(const EncodeOptions& encode, VideoCodec codec,
                                             const PixelFormat& format, const JobOptions& job,
                                             ThreadPool* pool) const {
  VideoWriterOptions video = WriterOptions(encode, codec, info(), job, pool);
  video.sample_aspect = info().sample_aspect;
  video.color = EncodedColor(info().color, format_, format, info().height);
  video.stereo = StereoLayout::kSideBySide;
  video.right_eye_first = right_eye_first();
  for (const auto& [name, value] : info().tags)
    if (name.rfind("MDVT_", 0) == 0) video.tags.emplace(name, value);
  video.copy_streams_from = info().path;
  return video;
}

StreamEnd SbsPair::EndOfColorStreams() { return EndOfStreams(&color_, max_frames_); }

void SbsPair::RequireSizeOfEye(const std::string& name, const VideoInfo& video) const {
  Require(video.width == eye_width() && video.height == eye_height(), Code::kCorrupt,
          name + " is " + FormatSize(video.width, video.height) + ", an eye of '" + info().path +
              "' is " + FormatSize(eye_width(), eye_height()) + ": they must have the same size");
}

Stream<SbsFrame> SbsPair::Frames(Graph* graph) {
  auto pairs = graph->Zip(graph->From(FirstFrames(&color_, max_frames_)),
                          graph->From(FirstFrames(&mask_, max_frames_)),
                          InStep("side-by-side video '" + info().path + "'",
                                 "mask video '" + mask_.info().path + "'", max_frames_));
  return graph->Map(std::move(pairs), [this](std::pair<Frame, Frame> pair) {
    return Join(std::move(pair.first), pair.second);
  });
}

SbsFrame SbsPair::Join(Frame color, const Frame& mask) {
  SbsFrame frame;
  frame.index = index_++;
  frame.pts = color.pts;
  frame.duration = color.duration;
  frame.color = converter_.Convert(color.image, info().color, format_);
  frame.mask = mask.image;
  // A file follows one code.
  if (!reading_.code) reading_.code = DetectInfillMaskCode(mask.image.view());
  for (size_t eye = 0; eye < 2; ++eye)
    frame.holes[eye] = ReadInfillMask(
        Crop(mask.image.view(), eye == 0 ? 0 : eye_width(), 0, eye_width(), eye_height()),
        reading_);
  const double share = ShareOfHoles(frame.holes);
  Require(share <= kMostHoles, Code::kCorrupt,
          "'" + mask_.info().path + "', frame " + std::to_string(frame.index) + ": " +
              FormatFixed(100 * share, 0) +
              " % of the pixels are holes: this is no infill mask, in which all is black that "
              "stays as it is");
  return frame;
}

void DescribeSbs(OptionList* list, std::string* color_video, std::string* mask_video,
                 std::string* output) {
  list->Field("sbs_color_video", color_video, "FILE", "side-by-side video with holes")
      .Input(true)
      .Required();
  list->Field("sbs_mask_video", mask_video, "FILE", "its infill mask: what is not black is a hole")
      .Input(true)
      .Required();
  list->Field("output", output, "FILE", "filled video, or a folder")
      .Output()
      .Default("<sbs_color_video>_infilled.mkv");
}

}  // namespace mdvt
