// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/clip_tracker.h"

#include <algorithm>
#include <string>
#include <utility>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

bool Holds(const FramePoints& points, int64_t id) {
  const auto at = std::lower_bound(points.begin(), points.end(), id,
                                   [](const TrackedPoint& p, int64_t i) { return p.id < i; });
  return at != points.end() && at->id == id;
}

}  // namespace

SteadyTracker::SteadyTracker(const PointTrackerOptions& options, int min_length)
    : tracker_(options), min_length_(min_length) {
  Require(min_length >= 1 && min_length <= 1000, Code::kInvalidArgument,
          "min_length = " + std::to_string(min_length) + ", must be in [1, 1000] frames");
}

void SteadyTracker::Push(TrackingFrame frame) {
  const PlaneView<const uint8_t> luma = frame.luma.Plane<uint8_t>();
  const PlaneView<const uint8_t> allowed =
      frame.allowed.empty() ? PlaneView<const uint8_t>() : frame.allowed.Plane<uint8_t>();
  TrackingStep step = tracker_.Track(luma, allowed);
  if (cut_detector_.IsCut(luma, step.alive_before, step.followed)) {
    ++cuts_;
    tracker_.Restart();
    step = tracker_.Track(luma, allowed);
  }
  waiting_.push_back(std::move(step.points));
  ++pushed_;
}

// A clip with fewer frames than that has whole tracks all the same.
void SteadyTracker::Finish() {
  finished_ = true;
  min_length_ = static_cast<int>(std::min<int64_t>(min_length_, std::max<int64_t>(1, pushed_)));
}

std::optional<FramePoints> SteadyTracker::Pop() {
  const auto needed = static_cast<size_t>(min_length_);
  if (waiting_.empty() || (waiting_.size() < needed && !finished_)) return std::nullopt;
  FramePoints points = std::move(waiting_.front());
  // Tracks have no gaps: one that is there min_length frames later has lived so long.
  const FramePoints none;
  const FramePoints& later = needed == 1                 ? points
                             : waiting_.size() >= needed ? waiting_[needed - 1]
                                                         : none;
  FramePoints shown;
  for (const TrackedPoint& point : points)
    if (Holds(before_, point.id) || Holds(later, point.id)) shown.push_back(point);
  waiting_.pop_front();
  before_ = shown;
  return shown;
}

}  // namespace mdvt
