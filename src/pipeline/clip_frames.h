// SPDX-License-Identifier: Apache-2.0
//
// The frames of a video that are shown at given times.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mdvt/io/video_reader.h"

namespace mdvt {

class ClipFrames {
 public:
  // times_us  microseconds from the first frame of the video on, growing; empty: all frames, as
  //           they are. Both must outlive this.
  ClipFrames(VideoReader* reader, const std::vector<int64_t>& times_us);

  // The next one, the times counted from the first one on. Throws what the reader throws, and
  // Error(kCorrupt) where no frame is within half the distance of frames of a time.
  std::optional<Frame> Next();
  // Throws Error(kCorrupt) if the video ended before the last of the times, or of `most` of them.
  void RequireAll(int64_t most) const;

  // Of the frames given, from the first one of the video on, and how far the worst was off.
  const std::vector<int64_t>& taken_us() const { return taken_us_; }
  double worst_us() const { return worst_us_; }

 private:
  double TimeOf(const Frame& frame) const;  // microseconds
  std::optional<Frame> NextOfClip();
  // To a frame before the first time, where that saves decoding.
  void Enter();

  VideoReader* reader_;
  const std::vector<int64_t>& times_us_;
  std::vector<int64_t> taken_us_;
  double worst_us_ = 0;
  bool entered_ = false;
  int64_t first_pts_ = 0;
};

}  // namespace mdvt
