// SPDX-License-Identifier: Apache-2.0
//
// Lenses that bend lines, and the way to pictures of a pinhole camera, which everything else here
// works with.
//
//   PictureRemap remap(format, 0, size, size, StraightenMap(lens, camera), RemapSampling::kSingle);
//   remap.Draw(picture.view(), {16, 128, 128}, straight.mutable_view());
#pragma once

#include <Eigen/Core>
#include <array>

#include "mdvt/core/camera.h"
#include "mdvt/geometry/picture_remap.h"

namespace mdvt {

enum class LensModel {
  kBrown,    // k = k1, k2, p1, p2, k3, k4, k5, k6: radial (rational with k4 to k6) and tangential
  kFisheye,  // k = k1 to k4: the angle to the axis a becomes a (1 + k1 a^2 + ... + k4 a^8)
};

// How a lens bends rays. The formulas and the order of k are those of OpenCV's calib3d and fisheye
// modules, the latter after Kannala and Brandt (2006).
struct Lens {
  LensModel model = LensModel::kBrown;
  Camera camera;  // focal lengths and principal point, in edge coordinates
  std::array<double, 8> k = {};

  // Where a point (x, y, 1) in front of the camera is in the picture, in edge coordinates. Beyond
  // FoldRadius() it means nothing.
  Eigen::Vector2d Project(double x, double y) const;
  // The least distance from the axis, x^2 + y^2 = r^2, at which it folds back; infinite if nowhere.
  double FoldRadius() const;

  // Throws Error(kInvalidArgument) unless all is finite and the camera is one.
  void Check() const;

  bool operator==(const Lens& other) const;
  bool operator!=(const Lens& other) const { return !(*this == other); }
};

// Where a picture of the pinhole `camera` finds its pixels in the picture of a lens: the map with
// which a PictureRemap makes straight what the lens bends. Throws Error(kInvalidArgument) for a
// lens or camera that is none.
PositionMap StraightenMap(const Lens& lens, const Camera& camera);

}  // namespace mdvt
