// SPDX-License-Identifier: Apache-2.0
//
// Pictures of real lenses made those of a pinhole camera, which everything else here works with.
//
//   LensWarp warp(pool);
//   warp.SetLens(lens, camera, picture.format());
//   warp.Warp(picture.view(), {16, 128, 128}, straight.mutable_view());
#pragma once

#include <Eigen/Core>
#include <array>
#include <memory>

#include "mdvt/core/camera.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"

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

// The same bytes for every thread count.
class LensWarp {
 public:
  // `pool` may be null (one thread) and must outlive this.
  explicit LensWarp(ThreadPool* pool = nullptr);
  ~LensWarp();
  LensWarp(LensWarp&&) noexcept;
  LensWarp& operator=(LensWarp&&) noexcept;

  // The lens of the pictures that follow and the camera that they are to be of. Free where nothing
  // changed since the last call. Throws Error(kInvalidArgument).
  // format           of both: planar, 8 to 16 bits
  // chroma_location  as in ColorInfo
  void SetLens(const Lens& lens, const Camera& camera, const PixelFormat& format,
               int chroma_location = 0);

  // Linear between the samples; `black` (by plane) where the lens does not look.
  // Throws Error(kInvalidArgument) if a size or format is not the one of SetLens().
  void Warp(const ImageView& picture, const std::array<int, 3>& black,
            const MutableImageView& straight) const;

  // Planar depth, which a lens does not change, of the nearest pixel; 0 where the lens does not
  // look.
  void WarpDepth(const DepthView& depth, const PlaneView<float>& straight) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
