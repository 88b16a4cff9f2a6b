// SPDX-License-Identifier: Apache-2.0
//
// A depth video and the colour video that it belongs to.
#pragma once

#include <optional>
#include <string>

#include "mdvt/io/color_convert.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"

namespace mdvt {

struct PairedFrame {
  DepthFrame depth;
  Frame color;  // empty image if no colour video was given
};

struct ClipPairOptions {
  std::string depth_video;
  std::string color_video;  // empty: none
  DepthVideoReaderOptions depth;
  std::optional<PixelFormat> color_format;  // empty: the decoder's own
  int64_t first_frame = 0;                  // frames before it are read and dropped
  int64_t max_frames = -1;
};

class ClipPair {
 public:
  // Opens both. Throws what the readers throw, and Error(kInvalidArgument) that names both values
  // if the two disagree in size or, by more than one part in a thousand, in frame rate.
  explicit ClipPair(const ClipPairOptions& options);

  const VideoInfo& depth_info() const { return depth_reader_.info(); }
  const DepthTags& depth_tags() const { return depth_reader_.tags(); }
  const DepthCodecOptions& depth_codec() const { return depth_reader_.codec(); }
  // Of the colour video, else of the depth video: what times and shape the output takes over.
  const VideoInfo& lead_info() const;
  // Colour frames come in this format. To be set before Frames().
  void ConvertColorTo(const PixelFormat& format) { convert_to_ = format; }
  // For progress: frames that Frames() will give, 0 if not known.
  int64_t expected_frames() const;

  // Both are decoded in threads of their own. The graph fails with Error(kInvalidArgument) that
  // names both counts if one video ends before the other, or if there is no frame from first_frame
  // on.
  Stream<PairedFrame> Frames(Graph* graph);

  // When the graph has run: where sound and subtitles of the colour video end.
  StreamEnd EndOfColorStreams();

 private:
  std::optional<DepthFrame> ReadDepth();
  std::optional<Frame> ReadColor();

  ClipPairOptions options_;
  int64_t end_;  // no frame from here on is read
  DepthVideoReader depth_reader_;
  std::optional<VideoReader> color_reader_;
  std::optional<PixelFormat> convert_to_;
  ColorConverter converter_;
  int64_t depth_frames_ = 0;  // read so far
  int64_t color_frames_ = 0;
  int64_t pairs_ = 0;
};

}  // namespace mdvt
