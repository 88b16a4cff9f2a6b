// SPDX-License-Identifier: Apache-2.0
//
// How well a camera's path is known.
#pragma once

#include <cstddef>

#include "mdvt/core/track_table.h"
#include "mdvt/geometry/alignment.h"

namespace mdvt {

// Errors of a track are alike in neighbouring frames, and weigh about three times what independent
// ones of their size would: noise = kCorrelatedTrackErrors * root mean square residual.
constexpr double kCorrelatedTrackErrors = 3;
// A path that is known to a larger share of its length only is not sure, and has to be told; one
// that is known to no share at all is of no use.
constexpr double kUnsurePath = 0.05;
constexpr double kUnusablePath = 1;

struct PathUncertaintyOptions {
  // Standard deviation of a position in the pictures, pixels. Valid: (0, 100].
  double noise_px = 0.3;
  // Of the logarithm of the depth that is known of each point. Valid: [0, 10]; 0: none is known.
  double depth_sigma = 0;
  // Frames that are looked at, evenly over the shot. Valid: [2, 64].
  int most_frames = 16;
};

// The error to be expected of the camera's centres in a shot of kFree, as a share of the length of
// its path: the root mean square of what a similarity (a shift, a turn, a scale) of the whole path
// does not explain. It grows as the path gets short beside the distance of the points, as they are
// few, or lie in one plane, or are followed over few frames. Infinite if the points do not hold the
// cameras, or half of them move by less than 0.7 pixels against the others: a path can always be
// made of what trackers do wrong. 0 for other shots and for those of less than three frames, which
// a similarity explains.
//
// Marginal covariance of the poses, points eliminated (Schur complement), at the solution: what was
// left out as an outlier counts nowhere.
// Throws Error(kInvalidArgument) for a shot that is not there, and options that are not valid.
// Source: B. Triggs et al., Bundle adjustment - a modern synthesis, 2000, sections 6 and 9.
double PathUncertainty(const TrackTable& tracks, const CameraAlignment& found, size_t shot,
                       const PathUncertaintyOptions& options);

}  // namespace mdvt
