// SPDX-License-Identifier: Apache-2.0
//
// A depth video and the colour video it belongs to, read in step by two threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mdvt/io/color_convert.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/bounded_queue.h"
#include "pipeline/stage_threads.h"

namespace mdvt {

struct PairedFrame {
  DepthFrame depth;
  Frame color;  // empty image if no colour video was given
};

struct PairedInputOptions {
  std::string depth_video;
  std::string color_video;  // empty: none
  DepthVideoReaderOptions depth;
  std::optional<PixelFormat> color_format;  // empty: the decoder's own
  int64_t first_frame = 0;                  // frames before it are read and dropped
  int64_t max_frames = -1;
};

class PairedInput {
 public:
  // Opens both. Throws what the readers throw, and Error(kInvalidArgument) that names both values
  // if the two disagree in size or, by more than one part in a thousand, in frame rate.
  explicit PairedInput(const PairedInputOptions& options);

  const VideoInfo& depth_info() const { return depth_reader_.info(); }
  const DepthTags& depth_tags() const { return depth_reader_.tags(); }
  const DepthCodecOptions& depth_codec() const { return depth_reader_.codec(); }
  // Of the colour video, else of the depth video: what times and shape the output takes over.
  const VideoInfo& lead_info() const;
  // Colour frames come in this format. Set it between construction and Start().
  void ConvertColorTo(const PixelFormat& format) { convert_to_ = format; }
  // For progress: frames that Pop() will give, 0 if not known.
  int64_t expected_frames() const;

  std::vector<AnyQueue*> queues() { return {&depth_queue_, &color_queue_}; }
  void Start(StageThreads* threads);

  // The next pair; empty after the last. Throws Error(kInvalidArgument) that names both counts if
  // one video ends before the other or if there is no frame from first_frame on.
  std::optional<PairedFrame> Pop();

 private:
  template <typename Item, typename Read>
  void Decode(BoundedQueue<Item>* queue, int64_t* frames_read, const Read& read) const;
  [[noreturn]] void FailOnLength(bool depth_ended);

  PairedInputOptions options_;
  DepthVideoReader depth_reader_;
  std::optional<VideoReader> color_reader_;
  std::optional<PixelFormat> convert_to_;
  ColorConverter converter_;
  BoundedQueue<DepthFrame> depth_queue_{0};
  BoundedQueue<Frame> color_queue_{0};
  int64_t depth_frames_ = 0;  // read so far; by the decoding thread, final once its queue is closed
  int64_t color_frames_ = 0;
  int64_t pairs_ = 0;
};

}  // namespace mdvt
