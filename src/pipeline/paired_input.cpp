// SPDX-License-Identifier: Apache-2.0
#include "pipeline/paired_input.h"

#include <cmath>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

// After a partner has ended, so many frames of the longer video are still counted for the message.
constexpr int64_t kMaxCountedRest = 1000;

std::string SizeOf(const VideoInfo& info) {
  return std::to_string(info.width) + "x" + std::to_string(info.height);
}

}  // namespace

PairedInput::PairedInput(const PairedInputOptions& options)
    : options_(options), depth_reader_(options.depth_video, options.depth) {
  if (options_.color_video.empty()) return;
  VideoReaderOptions color_options = options_.depth.video;
  color_options.format = options_.color_format;
  color_options.num_threads = DecoderThreads(color_options.num_threads);
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

const VideoInfo& PairedInput::lead_info() const {
  return color_reader_ ? color_reader_->info() : depth_reader_.info();
}

int64_t PairedInput::expected_frames() const {
  return ExpectedFrames(lead_info().estimated_frames, options_.first_frame, options_.max_frames);
}

template <typename Item, typename Read>
void PairedInput::Decode(BoundedQueue<Item>* queue, int64_t* frames_read, const Read& read) const {
  int64_t index = 0;
  const int64_t end =
      options_.max_frames < 0 ? INT64_MAX : options_.first_frame + options_.max_frames;
  while (index < end) {
    std::optional<Item> item = read();
    if (!item) break;
    if (index >= options_.first_frame) {
      queue->Push(std::move(*item));
    } else {
      queue->CheckAborted();
    }
    ++index;
  }
  *frames_read = index;
  queue->Close();
}

void PairedInput::Start(StageThreads* threads) {
  threads->Start(
      [this] { Decode(&depth_queue_, &depth_frames_, [this] { return depth_reader_.Read(); }); });
  if (!color_reader_) return;
  threads->Start([this] {
    Decode(&color_queue_, &color_frames_, [this] {
      std::optional<Frame> frame = color_reader_->Read();
      if (frame && convert_to_)
        frame->image = converter_.Convert(frame->image, color_reader_->info().color, *convert_to_);
      return frame;
    });
  });
}

std::optional<PairedFrame> PairedInput::Pop() {
  std::optional<DepthFrame> depth = depth_queue_.Pop();
  std::optional<Frame> color;
  if (color_reader_) {
    color = color_queue_.Pop();
    if (depth.has_value() != color.has_value()) FailOnLength(!depth.has_value());
  }
  if (!depth) {
    Require(pairs_ > 0, Code::kInvalidArgument,
            "'" + options_.depth_video + "' has " + CountOf(depth_frames_, "frame") +
                ", none from frame " + std::to_string(options_.first_frame) + " on");
    return std::nullopt;
  }
  ++pairs_;
  PairedFrame pair;
  pair.depth = std::move(*depth);
  if (color) pair.color = std::move(*color);
  return pair;
}

void PairedInput::FailOnLength(bool depth_ended) {
  // The end of the shorter one is known; the longer one is read on, for the message.
  const int64_t shorter = depth_ended ? depth_frames_ : color_frames_;
  int64_t longer = options_.first_frame + pairs_ + 1;
  bool at_end = false;
  while (!at_end && longer - shorter <= kMaxCountedRest) {
    at_end = depth_ended ? !color_queue_.Pop() : !depth_queue_.Pop();
    if (!at_end) ++longer;
  }
  // What lies past max_frames was not read: the longer count is a lower bound then too.
  const bool exact =
      at_end && (options_.max_frames < 0 || longer < options_.first_frame + options_.max_frames);
  const std::string shorter_text = CountOf(shorter, "frame");
  const std::string longer_text = (exact ? "" : "at least ") + CountOf(longer, "frame");
  throw Error(Code::kInvalidArgument,
              "depth video '" + options_.depth_video + "' has " +
                  (depth_ended ? shorter_text : longer_text) + ", color video '" +
                  options_.color_video + "' has " + (depth_ended ? longer_text : shorter_text) +
                  ": they must have the same length (or end both with --max_frames)");
}

}  // namespace mdvt
