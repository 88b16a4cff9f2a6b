// SPDX-License-Identifier: Apache-2.0
//
// Straight edges of a picture.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt {

// Both ends in pixels, edge coordinates.
struct LineSegment {
  Eigen::Vector2d a = Eigen::Vector2d::Zero();
  Eigen::Vector2d b = Eigen::Vector2d::Zero();
  double length() const { return (b - a).norm(); }
};

// Straight edges of 8-bit luma that are at least `min_length` pixels long, the longest ones first,
// `most` at most. Pictures under 16 pixels on a side have none.
// Source: R. Grompone von Gioi et al., LSD: a line segment detector, 2012.
std::vector<LineSegment> FindLineSegments(PlaneView<const uint8_t> picture, double min_length,
                                          int most);

}  // namespace mdvt
