// SPDX-License-Identifier: Apache-2.0
//
// Points of a clip, whatever follows them: pictures go in, and for each of them the points that are
// seen in it come out.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/stage.h"
#include "mdvt/tracking/point_tracker.h"
#include "mdvt/tracking/scene_cut.h"

namespace mdvt {

// A frame to track in.
struct TrackingFrame {
  Image luma;     // Gray(8)
  Image rgb;      // Rgb(8) of the same size; empty for trackers that look at luma alone
  Image allowed;  // Gray(8) of the same size, 0 where no point may be; empty: everywhere
};

// The points of one frame, by ascending id.
using FramePoints = std::vector<TrackedPoint>;

// One item out for every item in, in order. At a cut all tracks end. Push() throws
// Error(kInvalidArgument) for a frame of another size or format than the first.
class ClipTracker : public Stage<TrackingFrame, FramePoints> {
 public:
  // Cuts found so far.
  virtual int64_t cuts() const = 0;
};

// Points followed from frame to frame by a PointTracker.
//
// A track shows up only if it lives for min_length frames, or as long as a shorter clip: the
// latency is min_length - 1.
class SteadyTracker final : public ClipTracker {
 public:
  // Valid: min_length in [1, 1000]. Throws Error(kInvalidArgument).
  SteadyTracker(const PointTrackerOptions& options, int min_length);

  int latency() const override { return min_length_ - 1; }
  void Push(TrackingFrame frame) override;
  void Finish() override;
  std::optional<FramePoints> Pop() override;
  int64_t cuts() const override { return cuts_; }

 private:
  PointTracker tracker_;
  SceneCutDetector cut_detector_;
  int min_length_;
  int64_t cuts_ = 0;
  int64_t pushed_ = 0;
  bool finished_ = false;
  std::deque<FramePoints> waiting_;  // frames that have not been given out
  FramePoints before_;               // the last one that was
};

}  // namespace mdvt
