// SPDX-License-Identifier: Apache-2.0
//
// Pictures of directions: columns are longitudes, rows are latitudes. Axes as everywhere: x right,
// y down, z forward.
#pragma once

#include <Eigen/Core>
#include <optional>

namespace mdvt {

// Which part of the sphere a picture shows, and where: longitude and latitude grow evenly with x
// and y. The usual picture of an eye in VR180 is the half of the sphere in front.
struct EquirectLayout {
  int width = 0;
  int height = 0;
  double start_yaw_deg = -90;
  double end_yaw_deg = 90;
  double start_tilt_deg = -90;  // up
  double end_tilt_deg = 90;     // down
  // The bounds are shown by the centres of the first and the last pixel; false: by the borders of
  // the picture. Stereo4D's rigs were calibrated with the former; the two differ by half a pixel
  // at the borders.
  bool bounds_at_centers = true;

  // Throws Error(kInvalidArgument) unless both sides are in [2, 30000], the bounds grow, span at
  // most 360 degrees of yaw and lie within 90 degrees of tilt.
  void Check() const;
};

// The direction, of length 1, that a position in edge coordinates shows. With longitude t and
// latitude p: (cos p sin t, sin p, cos p cos t).
Eigen::Vector3d EquirectRay(const EquirectLayout& layout, const Eigen::Vector2d& position);

// The position in edge coordinates that shows a direction of any length above 0; none if it is
// outside the bounds by more than half a pixel, or has no direction.
std::optional<Eigen::Vector2d> EquirectPosition(const EquirectLayout& layout,
                                                const Eigen::Vector3d& ray);

}  // namespace mdvt
