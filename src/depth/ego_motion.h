// SPDX-License-Identifier: Apache-2.0
//
// How the camera moved between two frames, of flow and 1 / depth.
#pragma once

#include <array>
#include <vector>

namespace mdvt::depth {

// Points of one frame: where they are (x, y over the focal length, from the middle), how they move,
// and 1 / depth there.
struct EgoPoint {
  double x, y, dx, dy, s, weight;
};

// X' = X + omega x X + T of the small motion from one frame to the other.
struct EgoMotion {
  std::array<double, 3> omega{}, translation{};  // of 1 / s for its unit
  bool found = false;
  double residual = 0;  // median, over the focal length

  // (z' - z) / z of a point.
  double DepthChange(double x, double y, double s) const {
    return omega[0] * y - omega[1] * x + s * translation[2];
  }
  // Where it moves to.
  void Flow(double x, double y, double s, double* dx, double* dy) const {
    const double z = s * translation[2];
    *dx = s * translation[0] - x * z - x * y * omega[0] + (1 + x * x) * omega[1] - y * omega[2];
    *dy = s * translation[1] - y * z - (1 + y * y) * omega[0] + x * y * omega[1] + x * omega[2];
  }
};

// To first order in the motion: least squares with Tukey's biweight, from a start that half of the
// points agree with (least median of residuals, Rousseeuw 1984), drawn the same way each time.
EgoMotion FitEgoMotion(const std::vector<EgoPoint>& points);

}  // namespace mdvt::depth
