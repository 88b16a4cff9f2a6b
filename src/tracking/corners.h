// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt::tracking {

struct CornerOptions {
  int most = 600;
  double quality = 0.005;    // weakest one, as a share of the strongest allowed one
  double min_distance = 10;  // pixels between any two
};

// The best corners of an 8-bit picture, strongest first, where `allowed` (as large, row by row) is
// not 0: local maxima of the smaller eigenvalue of the gradients' products, summed over 5 x 5
// pixels. Positions are those of pixel centres counted from 0. All sums are of whole numbers, so
// that the same corners come out on every processor. Beyond the borders the picture is mirrored.
// Source: J. Shi, C. Tomasi, Good features to track, CVPR 1994.
std::vector<Eigen::Vector2i> FindCorners(PlaneView<const uint8_t> picture,
                                         const std::vector<uint8_t>& allowed,
                                         const CornerOptions& options);

// The middles of cells about min_distance wide and high, cut evenly out of the picture: those
// that are allowed and have a response of that quality in their cell. Row by row.
std::vector<Eigen::Vector2i> FindGridPoints(PlaneView<const uint8_t> picture,
                                            const std::vector<uint8_t>& allowed,
                                            const CornerOptions& options);

}  // namespace mdvt::tracking
