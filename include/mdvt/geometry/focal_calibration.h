// SPDX-License-Identifier: Apache-2.0
//
// The focal length that a moving camera's pictures imply, and whether they imply one at all.
//
// A camera that only translates tells nothing of its focal length, whatever it sees from wherever:
// with the focal length and all distances along the picture changed together every picture stays
// the same, and so does every depth. Turning about the optical axis does not help. Pan or tilt
// does, alone or with translation.
#pragma once

#include <string>
#include <vector>

#include "mdvt/core/run.h"
#include "mdvt/geometry/bundle.h"

namespace mdvt {

enum class FocalStatus {
  kObservable,     // known within options.max_half_width
  kWeak,           // known within options.weak_half_width
  kNotObservable,  // the pictures do not tell
  kZoom,           // it changes in the course of the clip
};
// "observable", "weak", "not_observable", "zoom"
const char* FocalStatusName(FocalStatus status);

struct FocalCalibrationOptions {
  // Range that is looked at, as multiples of the start, and in how many steps. Valid:
  // 0 < low < 1 < high; [4, 100].
  double low = 0.5;
  double high = 2;
  int profile_steps = 12;
  // Tracking errors of neighbouring frames are alike: standard deviations are this much larger than
  // they would be for independent ones. Valid: at least 1.
  double sigma_factor = 3;
  // Least angle between the optical axes of two frames that share so many points. Radians.
  double min_axis_angle = 0.0052360;
  int min_shared_points = 50;
  // Half widths of the 95 % interval of log focal up to which the answer counts.
  double max_half_width = 0.04;
  double weak_half_width = 0.15;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

struct FocalCalibration {
  FocalStatus status = FocalStatus::kNotObservable;
  // What limits it, in words: "no_pan_tilt", "interval_open", ...; empty if observable.
  std::string reason;
  double fx = 0;        // pixels, the best one
  double start_fx = 0;  // pixels
  double low_fx = 0;    // 95 % interval; 0 and infinity if it has no end within the range
  double high_fx = 0;
  double sigma_log = 0;               // of log fx, from the curvature of the reprojection errors
  double axis_angle = 0;              // radians, largest between frames that share points
  double halves_log = 0;              // difference of log fx between two halves of the points
  double distortion_correlation = 0;  // of log fx with a radial distortion, in [-1, 1]
  double zoom_log = 0;                // largest difference of log fx between thirds of the clip
  struct Trial {
    double fx = 0;
    double cost = 0;  // above the best
  };
  std::vector<Trial> profile;  // by fx
  bool accepted(bool weak_too) const {
    return status == FocalStatus::kObservable || (weak_too && status == FocalStatus::kWeak);
  }
};

// problem  solved with the focal length at its start; one lens that all cameras share, cameras in
//          the order of time. On return: solved with the focal length of the result if it was
//          freed.
//
// In this order: the largest angle between optical axes; a solve with the focal length free; its
// marginal information from the reprojection errors alone, with points, poses and a radial
// distortion (standard deviation 0.05) eliminated; the cost at a series of held focal lengths, each
// solved anew; agreement of two halves of the points; agreement of three thirds of the clip.
// Throws as SolveBundle(), and Error(kInvalidArgument) for a problem of another shape.
FocalCalibration CalibrateFocal(BundleProblem* problem, const FocalCalibrationOptions& options = {},
                                const RunControl& control = {});

}  // namespace mdvt
