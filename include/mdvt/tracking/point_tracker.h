// SPDX-License-Identifier: Apache-2.0
//
// Follows well-textured points through a video.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt {

enum class PointSeeding {
  kCorners,  // the best corners that keep the distance
  kGrid,     // the places of a regular grid that have some texture around them
};

struct PointTrackerOptions {
  // Tracks that are kept alive by reseeding. Valid: [1, 100000].
  int max_points = 600;
  // Least distance between two tracks, in pixels. Valid: [1, 1000].
  double min_distance = 10;
  // A track ends when following it forth and back misses its start by more than this many pixels.
  // Valid: (0, 10].
  double max_round_trip = 0.5;
  // Pixels on a side of the window that is compared. Larger ones bear more noise and bend less
  // well. Valid: odd, in [5, 63].
  int window = 17;
  // Halvings of the picture at which the way back is followed, which begins at its end: fewer are
  // faster. Valid: [0, 4].
  int levels_back = 4;
  // Weakest corner taken, as a share of the strongest. Valid: (0, 1).
  double quality = 0.005;
  // A track ends when the picture around it, 15 x 15 pixels, looks too little like what it was
  // `renew_after` frames before or less: zero-mean normalised cross-correlation. Valid: [0, 1); 0:
  // nothing is compared. renew_after: [1, 1000].
  double min_similarity = 0;
  int renew_after = 30;
  // Pixels at the border of the picture where no track goes. Valid: [0, 100].
  double border = 0;

  // New points are looked for in the first frame, then in every frame whose number is a multiple of
  // `seed_every` (0: in none for that) and in every one in which fewer than `seed_below` of
  // max_points are left. Valid: [0, 1000000], [0, 1].
  int seed_every = 0;
  double seed_below = 0.85;
  // seed_below counts from the points there were after the last search, in place of max_points:
  // pictures with few corners are not searched in vain.
  bool seed_after_loss = false;
  PointSeeding seeding = PointSeeding::kCorners;
  void Check() const;
};

struct TrackedPoint {
  int64_t id = 0;  // unique over the life of the tracker, ascending with the time of birth
  Eigen::Vector2d position = Eigen::Vector2d::Zero();  // pixels, edge coordinates (centre + 0.5)
  double confidence = 1;  // [0, 1]: how much it looks like what it was, where that is compared
};

struct TrackingStep {
  std::vector<TrackedPoint> points;  // in this frame: those followed, then the new ones
  int alive_before = 0;              // tracks of the frame before
  int followed = 0;                  // those of them that are still there
};

// Pyramidal Lucas-Kanade, forward-backward checked, reseeded on corners away from live tracks.
// Memory: two frames.
// Source: J.-Y. Bouguet, Pyramidal implementation of the Lucas Kanade feature tracker, 2001.
class PointTracker {
 public:
  // Throws Error(kInvalidArgument), see Check().
  explicit PointTracker(const PointTrackerOptions& options = {});
  ~PointTracker();

  // The next frame, 8-bit luma, of the size of the first. Throws Error(kInvalidArgument) otherwise.
  // Pictures under 16 pixels on a side have no points.
  // allowed  as large, 0 where no track may be, this frame; empty: everywhere
  TrackingStep Track(PlaneView<const uint8_t> frame, PlaneView<const uint8_t> allowed = {});
  // Ends all tracks: the next frame is a first one (a cut, for example). Ids go on.
  void Restart();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
