// SPDX-License-Identifier: Apache-2.0
//
// The focal length that straight edges at right angles imply: those of buildings, rooms, furniture.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mdvt {

// The two ends of a straight edge, relative to the principal point and in units of half the
// picture's width.
using ImageSegment = std::pair<Eigen::Vector2d, Eigen::Vector2d>;

struct ManhattanFit {
  bool ok = false;
  const char* reason = "";  // why not
  double focal = 0;         // in units of half the picture's width
  double support = 0;       // length of the edges that point along one of the three axes, a share
};

// Three axes at right angles that most edges of a picture point along, and the focal length that
// makes them so:
//
//   f^2 = -(v1 - c) . (v2 - c)      v1, v2: where the edges along two of the axes meet
//
// The best of many samples of four edges by the length of edges that point to within two degrees of
// v1, v2 or the third of the axes, refined on those. No answer with fewer than two finite vanishing
// points (edges of one direction only, or a picture taken straight on), fewer than four edges for
// each, or a support under a half.
ManhattanFit FitManhattan(const std::vector<ImageSegment>& segments, uint32_t seed = 0);

struct ManhattanFocal {
  bool ok = false;
  std::string reason;    // why not
  double focal = 0;      // median of the pictures
  double sigma_log = 0;  // of its logarithm, from how far the pictures scatter (MAD); 0.03 at least
  int pictures = 0;      // that have an answer
};

// Of several pictures by the same lens: the median, weighted alike. ok with three answers at least
// (one if there is but one picture), from a third of the pictures or more.
ManhattanFocal JoinManhattan(const std::vector<ManhattanFit>& fits);

}  // namespace mdvt
