// SPDX-License-Identifier: Apache-2.0
//
// How well tracks agree with known ones, as TAP-Vid measures it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "mdvt/core/track_table.h"

namespace mdvt {

enum class TrackQuery {
  kFirst,    // each track is asked for once, where it is first seen; what comes after counts
  kStrided,  // once for every fifth frame in which it is seen; all other frames count
};

inline constexpr std::array<int, 5> kTrackThresholds = {1, 2, 4, 8, 16};

struct TrackMetrics {
  // Shares in [0, 1], over all points that count; 0 where there are none.
  std::array<double, 5> delta{};    // of the visible points, those closer than each threshold
  std::array<double, 5> jaccard{};  // right ones over all that are visible or wrongly claimed
  double delta_average = 0;
  double average_jaccard = 0;
  double occlusion_accuracy = 0;  // points whose being seen or not is told right
  // Frames of a track, from its query on, until it is farther away than 50 pixels for the first
  // time, as a share of those there are.
  double survival = 0;
  double median_error = 0;  // pixels of the video, of points that both see
  int64_t points = 0;       // that counted
  int64_t visible = 0;      // of those, visible by the truth
  int64_t tracks = 0;       // of the truth that counted
  int64_t missing = 0;      // of those, without one of the same id
};

// Tracks of the same id are compared. A track is visible in the frames that have it. Distances are
// those of pictures shrunk to 256 x 256, both ways. A file does not tell where hidden points are:
// a visible point that is not listed is farther away than every threshold.
// Throws Error(kInvalidArgument) unless width and height are positive.
// Source: C. Doersch et al., TAP-Vid: a benchmark for tracking any point in a video, 2022.
TrackMetrics EvaluateTracks(const TrackTable& truth, const TrackTable& tracks, int width,
                            int height, TrackQuery query = TrackQuery::kFirst);

}  // namespace mdvt
