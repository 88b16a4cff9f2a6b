// SPDX-License-Identifier: Apache-2.0
#include "pipeline/clip_pair.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

constexpr double kSameRate = 0.0015;   // 1001 / 1000 with room for rounding
constexpr double kRoundedRate = 0.01;  // of a short clip, whose times were rounded
constexpr double kSameProportions = 0.08;
constexpr double kMostDrift = 0.5;  // frames

std::string SizeOf(const VideoInfo& info) { return FormatSize(info.width, info.height); }

}  // namespace

bool RatesAgree(Rational a, Rational b, int64_t frames) {
  if (!a.IsPositive() || !b.IsPositive()) return true;
  const double slower = std::min(a.ToDouble(), b.ToDouble());
  const double faster = std::max(a.ToDouble(), b.ToDouble());
  const double apart = faster / slower - 1;
  const bool by_rounding = apart <= kRoundedRate && frames > 0;
  return apart <= kSameRate || (by_rounding && apart * static_cast<double>(frames) < kMostDrift);
}

void RequirePair(const VideoInfo& depth, const VideoInfo& color) {
  Require(depth.width == color.width && depth.height == color.height, Code::kCorrupt,
          "depth video '" + depth.path + "' is " + SizeOf(depth) + ", color video '" + color.path +
              "' is " + SizeOf(color) + ": they must have the same size");
  RequireSameRate(depth, color);
}

void RequireSameRate(const VideoInfo& depth, const VideoInfo& color) {
  // What is guessed from a few frames of changing length says nothing.
  const auto is_guess = [](const VideoInfo& video) {
    return !video.rate_is_even && video.container.find("mp4") == std::string::npos;
  };
  if (is_guess(depth) || is_guess(color)) return;
  Require(RatesAgree(depth.frame_rate, color.frame_rate,
                     std::min(depth.estimated_frames, color.estimated_frames)),
          Code::kCorrupt,
          "depth video '" + depth.path + "' has " + FormatFixed(depth.frame_rate.ToDouble(), 3) +
              " frames per second, color video '" + color.path + "' has " +
              FormatFixed(color.frame_rate.ToDouble(), 3) + ": they must have the same rate");
}

void RequireSameProportions(const std::string& depth, PixelSize depth_size,
                            const std::string& color, PixelSize color_size) {
  const double ratio = static_cast<double>(depth_size.width) * color_size.height /
                       (static_cast<double>(depth_size.height) * color_size.width);
  // A small side is a whole number of pixels as well.
  const double tolerance = kSameProportions + 1.0 / std::min(depth_size.width, depth_size.height);
  Require(std::abs(std::log(ratio)) <= tolerance, Code::kCorrupt,
          "'" + depth + "' is " + FormatSize(depth_size.width, depth_size.height) + ", '" + color +
              "' is " + FormatSize(color_size.width, color_size.height) +
              ": they must have the same proportions");
}

PairNames NamesOfPair(const VideoInfo& depth, const VideoInfo& color, int64_t end) {
  return InStep("depth video '" + depth.path + "'", "color video '" + color.path + "'",
                end == INT64_MAX ? -1 : end);
}

ClipPair::ClipPair(const ClipPairOptions& options)
    : options_(options),
      end_(options.max_frames < 0 ? INT64_MAX : options.first_frame + options.max_frames),
      source_(OpenDepthSource(options.source,
                              {options.reader.limits, options.reader.pool, options.tells_depth})) {
  if (!options_.color_video.empty()) {
    VideoReaderOptions color = options_.reader;
    color.format = options_.color_format;
    color_reader_.emplace(options_.color_video, color);
    if (options_.color_video != options_.source.file.path)
      CheckOnePicture(color_reader_->info(), options_.one_picture);
  }
  const DepthVideoReader* file = source_->file();
  Require(color_reader_ || file != nullptr, Code::kInvalidArgument,
          "depth that is computed needs a color video (--color_video)");
  if (color_reader_ && file != nullptr) RequirePair(file->info(), color_reader_->info());
}

DepthTags ClipPair::depth_tags() const {
  return source_->file() == nullptr ? DepthTags() : source_->file()->tags();
}

const VideoInfo& ClipPair::lead_info() const {
  return color_reader_ ? color_reader_->info() : source_->file()->info();
}

int64_t ClipPair::expected_frames() const {
  return ExpectedFrames(lead_info().estimated_frames, options_.first_frame, options_.max_frames);
}

std::optional<Frame> ClipPair::ReadColor() {
  if (color_frames_ == end_) return std::nullopt;
  std::optional<Frame> frame = color_reader_->Read();
  if (!frame) return std::nullopt;
  ++color_frames_;
  if (convert_to_)
    frame->image = converter_.Convert(frame->image, color_reader_->info().color, *convert_to_);
  return frame;
}

StreamEnd ClipPair::EndOfColorStreams() {
  return color_reader_ ? EndOfStreams(&*color_reader_, options_.max_frames) : StreamEnd::kOwn;
}

Stream<PairedFrame> ClipPair::Frames(Graph* graph) {
  JoinedColor color;
  color.first_frame = options_.first_frame;
  color.end = end_;
  if (color_reader_) {
    color.frames.emplace(graph->From([this] { return ReadColor(); }));
    color.info = &color_reader_->info();
  }
  return source_->Join(graph, std::move(color));
}

}  // namespace mdvt
