// SPDX-License-Identifier: Apache-2.0
//
// Two frames in a row and where the pixels of each lie in the other, for work on depth over time.
// Positions count pixels from the centre of the first one: pixel (i, j) of a frame lies at (i, j) +
// flow in the other frame.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt {

using FlowPlane = PlaneView<const Eigen::Vector2f>;

// From one frame to the other and back, both of the same size.
struct FlowWay {
  FlowPlane there;
  FlowPlane back;
};

// The flow between a frame and the one before it, row by row, in pixels.
struct FlowPair {
  int width = 0;
  int height = 0;
  std::vector<Eigen::Vector2f> to_before;    // from this frame to the one before
  std::vector<Eigen::Vector2f> from_before;  // from the one before to this frame

  bool empty() const { return to_before.empty(); }
  FlowWay ToBefore() const { return {View(to_before), View(from_before)}; }
  FlowWay FromBefore() const { return {View(from_before), View(to_before)}; }

 private:
  FlowPlane View(const std::vector<Eigen::Vector2f>& vectors) const {
    return {vectors.data(), static_cast<ptrdiff_t>(sizeof(Eigen::Vector2f)) * width, width, height};
  }
};

// The four samples around a position and their weights.
struct BilinearSpot {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  float ax = 0, ay = 0;

  // False if the position is outside the picture, that is not between the centres of its pixels.
  bool Place(float x, float y, int width, int height) {
    if (!(x >= 0 && y >= 0 && x <= static_cast<float>(width - 1) &&
          y <= static_cast<float>(height - 1)))
      return false;
    x0 = static_cast<int>(x);
    y0 = static_cast<int>(y);
    x1 = x0 + 1 < width ? x0 + 1 : x0;
    y1 = y0 + 1 < height ? y0 + 1 : y0;
    ax = x - static_cast<float>(x0);
    ay = y - static_cast<float>(y0);
    return true;
  }
  template <typename T>
  auto Of(const PlaneView<const T>& plane) const {
    const T *top = plane.Row(y0), *bottom = plane.Row(y1);
    const auto mix = [this](const T* row) {
      if constexpr (std::is_arithmetic_v<T>)
        return (1 - ax) * static_cast<float>(row[x0]) + ax * static_cast<float>(row[x1]);
      else
        return T((1 - ax) * row[x0] + ax * row[x1]);
    };
    using Out = decltype(mix(top));
    return Out((1 - ay) * mix(top) + ay * mix(bottom));
  }
};

// |there + back|^2 at one pixel, where it comes back to having gone there; negative outside. A
// pixel is consistent if it is less than ConsistencyLimit().
inline float ReturnError(const FlowWay& way, int x, int y, float* limit, BilinearSpot* spot) {
  const Eigen::Vector2f go = way.there.At(x, y);
  if (!spot->Place(static_cast<float>(x) + go.x(), static_cast<float>(y) + go.y(), way.there.width,
                   way.there.height))
    return -1;
  const Eigen::Vector2f come = spot->Of(way.back);
  *limit = 0.01f * (go.squaredNorm() + come.squaredNorm()) + 0.5f;
  return (go + come).squaredNorm();
}

// 1 where a pixel is in the other frame and |f + b|^2 < 0.01 (|f|^2 + |b|^2) + 0.5, f the flow
// there and b the flow back from where it leads; else 0: hidden, outside, or a flow that fails.
// mask  of the size of the flow. Returns the share of ones.
// Source: N. Sundaram et al., Dense point trajectories by GPU-accelerated large displacement
// optical flow, 2010.
double ConsistentPixels(const FlowWay& way, PlaneView<uint8_t> mask);

}  // namespace mdvt
