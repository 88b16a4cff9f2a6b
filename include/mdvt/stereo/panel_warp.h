// SPDX-License-Identifier: Apache-2.0
//
// Pictures of pinhole cameras put into panels for headsets, which show angles in place of a plane:
// half a sphere as a rectangle of longitude and latitude (VR180), or as a disc.
//
//   PanelWarp warp({}, pool);
//   warp.SetView(camera, Eigen::Matrix3d::Identity(), picture.format());
//   warp.Warp(picture.view(), {16, 128, 128}, panel.mutable_view());
#pragma once

#include <Eigen/Core>
#include <array>
#include <memory>

#include "mdvt/core/camera.h"
#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"

namespace mdvt {

enum class PanelProjection {
  kEquirectangular,  // longitude and latitude grow evenly with x and y
  kFisheye,          // equidistant: the angle to the axis grows evenly with the radius
};

struct PanelOptions {
  PanelProjection projection = PanelProjection::kEquirectangular;
  int size = 1920;       // width and height in pixels. Valid: [2, 16384].
  double fov_deg = 180;  // angle from border to border, on both axes. Valid: [1, 180].

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
  double pixels_per_radian() const;
};

// The direction that a position in the panel shows, in the panel's axes (x right, y down, z
// forward), of length 1; (0, 0, 0) outside the disc of a fisheye. Positions are edge coordinates,
// so that the left border of the picture is at x = 0 and shows -fov / 2. With longitude t and
// latitude p, both from the middle of the panel:
//
//   equirectangular  (cos p sin t, sin p, cos p cos t), so that y / z = tan p / cos t
Eigen::Vector3d PanelRay(const PanelOptions& options, double x, double y);

// Where the rays lie in the picture is worked out once per view and kept, for every sample of the
// panel at 1/256 of a sample. Of pictures that are finer than the panel the means of boxes are
// taken, each about as large as a pixel of the panel, so that nothing aliases. The same bytes for
// every thread count.
class PanelWarp {
 public:
  // `pool` may be null (one thread) and must outlive this. Throws Error(kInvalidArgument).
  explicit PanelWarp(const PanelOptions& options, ThreadPool* pool = nullptr);
  ~PanelWarp();
  PanelWarp(PanelWarp&&) noexcept;
  PanelWarp& operator=(PanelWarp&&) noexcept;

  // The camera of the pictures that follow, and its axes seen from those of the panel, which has
  // the same place. Free where nothing changed since the last call.
  // format           of picture and panel: planar, 8 to 16 bits
  // chroma_location  as in ColorInfo
  void SetView(const Camera& camera, const Eigen::Matrix3d& view_from_panel,
               const PixelFormat& format, int chroma_location = 0);

  // Linear between the samples; `black` (by plane) where the camera does not look.
  // Throws Error(kInvalidArgument) if a size or format is not the one of SetView().
  void Warp(const ImageView& picture, const std::array<int, 3>& black,
            const MutableImageView& panel);

  // Depth of the nearest pixel as the distance along the ray, in the units of the planar depth; 0
  // where there is none.
  void WarpDepth(const DepthView& depth, const PlaneView<float>& range);

  // The holes of the picture, as the nearest pixel tells; what the camera does not look at is none.
  void WarpHoles(const HoleMap& holes, HoleMap* panel);

  // Makes the holes black in all planes: chroma samples where all their pixels are holes.
  static void Blacken(const HoleMap& holes, const std::array<int, 3>& black,
                      const MutableImageView& panel);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
