// SPDX-License-Identifier: Apache-2.0
//
// Corrects the scale of depth maps frame by frame by points whose distance is known better.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mdvt {

// A point that both know.
struct DepthPair {
  int64_t frame = 0;
  double depth = 0;  // of the map, above 0
  double z = 0;      // as it should be, metres, above 0
  double sigma = 0;  // of z, as a share of it; 0 or more
};

struct DepthRescaleOptions {
  // Let 1 / z have a shift too, the same in all frames.
  bool fit_shift = false;
  // How much the scale of a frame differs from that of the one before, in its logarithm: a standard
  // deviation, widened where the points show more. Valid: (0, 10].
  double walk = 0.03;
  // The same from the scale of the whole clip. Valid: (0, 10].
  double spread = 0.3;
  // Of the maps themselves: a share of the depth. Valid: (0, 1].
  double noise = 0.05;

  // Throws Error(kInvalidArgument) that names the field.
  void Check() const;
};

// 1 / z = scale / depth + shift
struct DepthRescale {
  std::vector<double> scales;  // one per frame, above 0
  double shift = 0;            // 1 / metres
  bool has_shift = false;      // it was asked for, and the points tell it
  double global_scale = 1;     // of the whole clip
  int64_t pairs = 0;           // that were used
  int64_t frames_with_points = 0;
  // Median of |log(z / depth)| over all pairs, before and after.
  double error_before = 0;
  double error_after = 0;

  // 0 stays 0. What the shift would put at infinity or behind the camera is +infinity.
  double At(int64_t frame, double depth) const;
};

// The scales of all frames together: the most likely ones if they walk at random around that of the
// clip, with Cauchy weights for the points, by iteration. Frames without points take theirs from
// their neighbours. A shift is fitted by total least squares with the same weights; it holds only
// if the nearest twentieth of the points is 1.5 times as near as the farthest, if it is three
// standard deviations away from 0, and if the scale with it stays in [1/3, 3] of the one without.
// Throws Error(kInvalidArgument) for a pair outside its range, or a frame not in [0, frames); and
// Error(kRefused) without any pair.
DepthRescale FitDepthRescale(const std::vector<DepthPair>& pairs, int64_t frames,
                             const DepthRescaleOptions& options = {});

}  // namespace mdvt
