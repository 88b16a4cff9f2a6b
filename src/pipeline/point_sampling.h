// SPDX-License-Identifier: Apache-2.0
//
// What a depth map and a mask say at a point.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "mdvt/core/image.h"

namespace mdvt {

// Metres at a position in edge coordinates, linear in 1 / depth between the pixel centres; 0 where
// it cannot be trusted: no data, the end of the range, or a step among the 5 x 5 pixels around.
inline float DepthAtPoint(const PlaneView<const float>& depth, double x, double y,
                          float saturated) {
  constexpr float kMostRatio = 1.1F;
  const int px = std::clamp(static_cast<int>(std::floor(x)), 0, depth.width - 1);
  const int py = std::clamp(static_cast<int>(std::floor(y)), 0, depth.height - 1);
  float least = depth.At(px, py), most = least;
  for (int v = std::max(0, py - 2); v <= std::min(depth.height - 1, py + 2); ++v)
    for (int u = std::max(0, px - 2); u <= std::min(depth.width - 1, px + 2); ++u) {
      least = std::min(least, depth.At(u, v));
      most = std::max(most, depth.At(u, v));
    }
  if (!(least > 0) || most >= 0.99F * saturated || most > kMostRatio * least) return 0;
  const double fx = std::clamp(x - 0.5, 0.0, depth.width - 1.0);
  const double fy = std::clamp(y - 0.5, 0.0, depth.height - 1.0);
  const int u = std::min(static_cast<int>(fx), std::max(0, depth.width - 2));
  const int v = std::min(static_cast<int>(fy), std::max(0, depth.height - 2));
  const int u1 = std::min(u + 1, depth.width - 1), v1 = std::min(v + 1, depth.height - 1);
  const double a = fx - u, b = fy - v;
  const double inverse = (1 - b) * ((1 - a) / depth.At(u, v) + a / depth.At(u1, v)) +
                         b * ((1 - a) / depth.At(u, v1) + a / depth.At(u1, v1));
  return static_cast<float>(1 / inverse);
}

// Whether a pixel above the threshold lies within `reach` pixels of a position.
inline bool MaskedAtPoint(const PlaneView<const uint8_t>& mask, double x, double y,
                          double threshold, int reach) {
  const int px = std::clamp(static_cast<int>(std::floor(x)), 0, mask.width - 1);
  const int py = std::clamp(static_cast<int>(std::floor(y)), 0, mask.height - 1);
  for (int v = std::max(0, py - reach); v <= std::min(mask.height - 1, py + reach); ++v)
    for (int u = std::max(0, px - reach); u <= std::min(mask.width - 1, px + reach); ++u)
      if (mask.At(u, v) > threshold) return true;
  return false;
}

}  // namespace mdvt
