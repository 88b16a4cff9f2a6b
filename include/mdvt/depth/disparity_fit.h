// SPDX-License-Identifier: Apache-2.0
//
// What a relative depth network leaves open: the scale and the shift that make its disparity
// metric. Two numbers per clip, never per frame, which is what makes video pulse.
#pragma once

#include <cstdint>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt {

// 1 / depth in 1 / metres = scale * disparity + shift.
struct DisparityCalibration {
  double scale = 1;
  double shift = 0;
};

// The scale, with shift 0, at which the median of a disparity map is `median_depth` metres deep.
// Only finite positive samples count; throws Error(kNotConverged) if there is none, and
// Error(kInvalidArgument) unless median_depth is in (0, 10000].
DisparityCalibration CalibrateByMedian(PlaneView<const float> disparity, double median_depth);

struct DisparityFitOptions {
  // Reference depth at or past it says only "far", in metres. Valid: positive, infinity included.
  double saturated_depth = 1e9;
  // Where neighbouring reference pixels differ by more than this share, both maps are blurred in
  // their own ways: such pixels are left out. Valid: (0, 10].
  double max_step = 0.1;
  // So many pixels of each frame are looked at, on a regular grid. Valid: [16, 10^7].
  int64_t samples_per_frame = 20000;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

struct DisparityFitResult {
  DisparityCalibration calibration;
  int64_t samples = 0;      // pixels that had both values
  double inlier_share = 0;  // of them: those that the fit explains
  double r_squared = 0;     // of the inliers
  // No line with positive scale explains them: the scale is the median of the ratios, the shift 0.
  bool by_median = false;
};

// Fits the calibration to a few frames whose metric depth is known:
//
//   minimise  sum rho(scale * disparity + shift - 1 / reference)
//
// with rho Tukey's biweight (c = 4.685 times 1.4826 times the median residual), by iteratively
// reweighted least squares in double on centred values. It starts from the line through two pixels
// that has the least median residual, of 500 such lines drawn the same way each time (least median
// of squares, Rousseeuw 1984). A fifth of the pixels may be wrong by any amount, in either map.
class DisparityFit {
 public:
  // Throws Error(kInvalidArgument), see Check().
  explicit DisparityFit(const DisparityFitOptions& options = {});

  // disparity  larger is nearer; NaN = no data
  // reference  metres, 0 = no data, any size: the disparity is taken where its pixel lies
  // Returns how many pixels were taken.
  int64_t Add(PlaneView<const float> disparity, DepthView reference);

  // Throws Error(kNotConverged) with fewer than 16 samples or if none has positive disparity.
  DisparityFitResult Solve() const;

 private:
  DisparityFitOptions options_;
  std::vector<float> disparity_;
  std::vector<float> inverse_depth_;
};

}  // namespace mdvt
