// SPDX-License-Identifier: Apache-2.0
//
// When each frame of a picture stream is shown, so that any of them can be found by its number.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "io/demuxer.h"
#include "mdvt/core/limits.h"
#include "mdvt/core/rational.h"

namespace mdvt::ff {

// Whether the container's index, if it lists the frames, has no longer step than half a frame more
// than `rate` says: a longer one would be a missing frame where the rate is stated to be constant.
bool IndexIsEven(const AVStream& stream, Rational rate);

// Taken from the container's own index where that lists every frame at an even pace, which costs
// nothing for a film of hours; else from the headers of all packets, read once. Either way the
// demuxer stands somewhere else afterwards.
class FrameIndex {
 public:
  // rate, first_pts  of the stream, the latter in its time base
  // Throws what Demuxer::Read() throws, and Error(kLimit) past limits.max_frames.
  FrameIndex(Demuxer* demuxer, const AVStream& stream, Rational rate, int64_t first_pts,
             const Limits& limits);

  int64_t count() const { return count_; }
  // 0 <= frame < count().
  int64_t PtsOf(int64_t frame) const;
  // The frame that is shown from then on; empty if none begins there.
  std::optional<int64_t> FrameAt(int64_t pts) const;

 private:
  // Times are whole ticks: rounded where the pace is not, else exact.
  int64_t Tolerance() const { return step_.den == 1 ? 0 : 1; }
  bool UseContainerIndex(Demuxer* demuxer, const AVStream& stream);
  void ScanPackets(Demuxer* demuxer, const AVStream& stream, const Limits& limits);

  int64_t first_pts_;
  Rational step_;  // in the time base
  int64_t count_ = 0;
  std::vector<int64_t> pts_;  // ascending; empty where the pace is even
};

}  // namespace mdvt::ff
