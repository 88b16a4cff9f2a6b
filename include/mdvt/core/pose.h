// SPDX-License-Identifier: Apache-2.0
//
// Where a camera stands, and the way between pixels and points before it. Apart from core/camera.h,
// as most of mdvt needs a camera only and Eigen takes a second to compile.
#pragma once

#include <Eigen/Core>
#include <Eigen/Geometry>

#include "mdvt/core/camera.h"

namespace mdvt {

// Camera-to-world: point_in_world = world_from_cam * point_in_cam. Metres.
using Pose = Eigen::Isometry3d;

// Pixel position of a point in the camera frame (z > 0), and the point at depth z behind a pixel.
inline Eigen::Vector2d Project(const Camera& camera, const Eigen::Vector3d& point_in_cam) {
  return {camera.fx * point_in_cam.x() / point_in_cam.z() + camera.cx,
          camera.fy * point_in_cam.y() / point_in_cam.z() + camera.cy};
}
inline Eigen::Vector3d Unproject(const Camera& camera, const Eigen::Vector2d& pixel, double z) {
  return {(pixel.x() - camera.cx) / camera.fx * z, (pixel.y() - camera.cy) / camera.fy * z, z};
}

}  // namespace mdvt
