// SPDX-License-Identifier: Apache-2.0
//
// A side-by-side video with its infill mask: what every tool reads that fills holes of one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/holes.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/infill_mask.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/encode_options.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

struct SbsFrame {
  Image color;  // both eyes, in SbsPair::format(); shared with the decoder
  Image mask;   // Rgb(8), of the same size
  // Of the picture's left and right half.
  std::array<HoleMap, 2> holes;
  int64_t index = 0;
  int64_t pts = 0;
  int64_t duration = 0;
};

class SbsPair {
 public:
  // Throws what the readers throw, and Error(kCorrupt) for a mask of another size, a video whose
  // width is odd, files that say that they are something else, or were given the wrong way round.
  SbsPair(const std::string& color, const std::string& mask, const JobOptions& job,
          ThreadPool* pool);

  const VideoInfo& info() const { return color_.info(); }
  int eye_width() const { return info().width / 2; }
  int eye_height() const { return info().height; }
  // As decoded, or 4:4:4 where the right eye would begin within a chroma sample.
  const PixelFormat& format() const { return format_; }
  // The file says that the right eye comes first.
  bool right_eye_first() const;
  // How the output is tagged: as the input.
  VideoWriterOptions WriterOptionsFor(const EncodeOptions& encode, VideoCodec codec,
                                      const PixelFormat& format, const JobOptions& job,
                                      ThreadPool* pool) const;

  // Up to job.max_frames frames. The graph fails with Error(kCorrupt) for a frame whose mask is a
  // hole nearly everywhere, or if one video ends before the other.
  Stream<SbsFrame> Frames(Graph* graph);
  StreamEnd EndOfColorStreams();
  // Throws Error(kCorrupt) unless a video, "depth video 'd.mkv'", is as large as an eye.
  void RequireSizeOfEye(const std::string& name, const VideoInfo& video) const;

 private:
  SbsFrame Join(Frame color, const Frame& mask);

  int64_t max_frames_;
  VideoReader color_;
  VideoReader mask_;
  PixelFormat format_;
  InfillMaskReadOptions reading_;
  ColorConverter converter_;
  int64_t index_ = 0;
};

// The options of both videos and of the filled one.
void DescribeSbs(OptionList* list, std::string* color_video, std::string* mask_video,
                 std::string* output);

}  // namespace mdvt
