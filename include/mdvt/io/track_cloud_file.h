// SPDX-License-Identifier: Apache-2.0
//
// Points in space that belong to tracks, as PLY.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "mdvt/io/output_set.h"

namespace mdvt {

struct TrackCloudPoint {
  Eigen::Vector3f position = Eigen::Vector3f::Zero();  // metres, world
  Eigen::Matrix<uint8_t, 3, 1> color = Eigen::Matrix<uint8_t, 3, 1>::Zero();
  int32_t id = 0;            // of the track
  int32_t observations = 0;  // frames in which it was seen
  float rms = 0;        // pixels between where it was seen and where the point lies; NaN: not known
  float angle_deg = 0;  // between the two of its rays that are farthest apart; NaN: not known
  float sigma = 0;      // standard deviation of its distance, metres; NaN: not known
};

// Binary little-endian PLY 1.0: float x, y, z; uchar red, green, blue; int ids, nobs; float rms_px,
// angle_deg, sigma_z. Programs that do not know the last ones pass over them.
// Throws Error(kInvalidArgument) for a position that is not finite, and as OutputSet::AddFile().
void WriteTrackCloud(const OutputTarget& target, const std::vector<TrackCloudPoint>& points);

}  // namespace mdvt
