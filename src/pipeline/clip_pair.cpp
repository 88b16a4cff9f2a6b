// SPDX-License-Identifier: Apache-2.0
#include "pipeline/clip_pair.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

std::string SizeOf(const VideoInfo& info) { return FormatSize(info.width, info.height); }

}  // namespace

ClipPair::ClipPair(const ClipPairOptions& options)
    : options_(options),
      end_(options.max_frames < 0 ? INT64_MAX : options.first_frame + options.max_frames),
      depth_reader_(options.depth_video, options.depth) {
  if (options_.color_video.empty()) return;
  VideoReaderOptions color_options = options_.depth.video;
  color_options.format = options_.color_format;
  color_reader_.emplace(options_.color_video, color_options);

  const VideoInfo& depth = depth_reader_.info();
  const VideoInfo& color = color_reader_->info();
  Require(depth.width == color.width && depth.height == color.height, Code::kInvalidArgument,
          "depth video '" + options_.depth_video + "' is " + SizeOf(depth) + ", color video '" +
              options_.color_video + "' is " + SizeOf(color) + ": they must have the same size");
  if (depth.frame_rate.IsPositive() && color.frame_rate.IsPositive()) {
    const double depth_rate = depth.frame_rate.ToDouble();
    const double color_rate = color.frame_rate.ToDouble();
    Require(std::abs(depth_rate - color_rate) <= 1e-3 * color_rate, Code::kInvalidArgument,
            "depth video '" + options_.depth_video + "' has " + FormatFixed(depth_rate, 3) +
                " frames per second, color video '" + options_.color_video + "' has " +
                FormatFixed(color_rate, 3) + ": they must have the same rate");
  }
}

const VideoInfo& ClipPair::lead_info() const {
  return color_reader_ ? color_reader_->info() : depth_reader_.info();
}

int64_t ClipPair::expected_frames() const {
  return ExpectedFrames(lead_info().estimated_frames, options_.first_frame, options_.max_frames);
}

std::optional<DepthFrame> ClipPair::ReadDepth() {
  if (depth_frames_ == end_) return std::nullopt;
  std::optional<DepthFrame> frame = depth_reader_.Read();
  if (frame) {
    ++depth_frames_;
  } else {
    Require(depth_frames_ > options_.first_frame, Code::kInvalidArgument,
            "'" + options_.depth_video + "' has " + CountOf(depth_frames_, "frame") +
                ", none from frame " + std::to_string(options_.first_frame) + " on");
  }
  return frame;
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
  const auto keep = [this](DepthFrame depth, Frame color) -> std::optional<PairedFrame> {
    if (pairs_++ < options_.first_frame) return std::nullopt;
    return PairedFrame{std::move(depth), std::move(color)};
  };
  Stream<DepthFrame> depths = graph->From([this] { return ReadDepth(); });
  if (!color_reader_)
    return graph->Map(std::move(depths),
                      [keep](DepthFrame depth) { return keep(std::move(depth), Frame()); });
  PairNames names;
  names.first = "depth video '" + options_.depth_video + "'";
  names.second = "color video '" + options_.color_video + "'";
  names.remedy = "they must have the same length (or end both with --max_frames)";
  if (options_.max_frames >= 0) names.limit = end_;
  return graph->Map(
      graph->Zip(std::move(depths), graph->From([this] { return ReadColor(); }), names),
      [keep](std::pair<DepthFrame, Frame> pair) {
        return keep(std::move(pair.first), std::move(pair.second));
      });
}

}  // namespace mdvt
