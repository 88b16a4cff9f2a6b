// SPDX-License-Identifier: Apache-2.0
//
// Depth and the colour video that it belongs to.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "mdvt/io/color_convert.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "pipeline/depth_source.h"

namespace mdvt {

// Whether frames of these rates belong together, one to one: the rates agree within 0.15 % (30 and
// 29.97 are called the same everywhere); or within 1 %, and over `frames` frames, if their number
// is known (positive), the two clocks part by less than half a frame (containers round times, which
// shows in the rate of a short clip). Rates that are not known (0/1) agree with all.
bool RatesAgree(Rational a, Rational b, int64_t frames);

// Throws Error(kCorrupt) that names both values if the two videos disagree in size, or in
// frame rate by the rule above.
void RequirePair(const VideoInfo& depth, const VideoInfo& color);

// The same of the frame rate alone.
void RequireSameRate(const VideoInfo& depth, const VideoInfo& color);

// Throws Error(kCorrupt) unless depth of this size and pictures of that one have the same
// proportions, within the 8 % by which sides that are multiples of 32 may miss them.
void RequireSameProportions(const std::string& depth, PixelSize depth_size,
                            const std::string& color, PixelSize color_size);

// For Graph::Zip. `end`: where both are ended, INT64_MAX: where they end.
PairNames NamesOfPair(const VideoInfo& depth, const VideoInfo& color, int64_t end);

struct ClipPairOptions {
  DepthSourceOptions source;
  std::string color_video;                  // empty: none, for depth that is read
  std::optional<PixelFormat> color_format;  // empty: the decoder's own
  VideoReaderOptions reader;                // of both videos, but for the format
  bool one_picture = false;                 // the colour video may say that it holds two eyes
  bool tells_depth = true;                  // see DepthWatch
  int64_t first_frame = 0;                  // frames before it are read and dropped
  int64_t max_frames = -1;
};

class ClipPair {
 public:
  // Opens both. Throws what the readers and engines throw, and as RequirePair().
  explicit ClipPair(const ClipPairOptions& options);

  DepthSource& depth() { return *source_; }
  // Tags of the depth video; none where depth is computed.
  DepthTags depth_tags() const;
  // Of the colour video, else of the depth video: what times and shape the output takes over.
  const VideoInfo& lead_info() const;
  // Colour frames come in this format. To be set before Frames().
  void ConvertColorTo(const PixelFormat& format) { convert_to_ = format; }
  // For progress: frames that Frames() will give, 0 if not known.
  int64_t expected_frames() const;

  // See DepthSource::Join(); both videos are decoded in threads of their own. The graph fails with
  // Error(kInvalidArgument) that names both counts if one video ends before the other, or if there
  // is no frame from first_frame on, and as DepthWatch::Tell() at the end.
  Stream<PairedFrame> Frames(Graph* graph);

  // When the graph has run: where sound and subtitles of the colour video end.
  StreamEnd EndOfColorStreams();

 private:
  std::optional<Frame> ReadColor();

  ClipPairOptions options_;
  int64_t end_;  // no frame from here on is read
  std::unique_ptr<DepthSource> source_;
  std::optional<VideoReader> color_reader_;
  std::optional<PixelFormat> convert_to_;
  ColorConverter converter_;
  int64_t color_frames_ = 0;  // read so far
};

}  // namespace mdvt
