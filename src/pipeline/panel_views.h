// SPDX-License-Identifier: Apache-2.0
//
// The last step of eyes that are shown as panels: from the plane picture of each view to its panel,
// with depth and holes in the same mapping.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/stereo/panel_warp.h"

namespace mdvt {

class PanelViews {
 public:
  struct View {
    ImageView picture;
    Camera camera;
    Eigen::Matrix3d head_from_view = Eigen::Matrix3d::Identity();
    double yaw = 0;        // radians by which the eye turns to the right from where the head looks
    DepthView depth = {};  // optional; becomes the distance along the ray
    HoleMap* holes = nullptr;  // optional; becomes that of the panel
    MutableImageView panel;
    PlaneView<float> range = {};  // where the depth goes
  };

  // The number of views may not change.
  PanelViews(const PanelOptions& options, size_t views, int chroma_location,
             const std::array<int, 3>& black, ThreadPool* pool);

  double pixels_per_radian() const { return options_.pixels_per_radian(); }

  // blacken  leave the holes black; else they show what was filled in
  void Show(const std::vector<View>& views, bool blacken);

 private:
  const PanelOptions options_;
  const int chroma_location_;
  const std::array<int, 3> black_;
  // Views that look in the same direction share one: its tables are large.
  std::vector<PanelWarp> warps_;
  ThreadPool* pool_;
  HoleMap holes_;
};

// The camera of the pictures that panels are made of, where the camera of the clip moves: as fine
// as the panel, and at least as wide as the camera's own picture, so that what a moved camera sees
// at its borders is there.
Camera WideCamera(const Camera& camera, double pixels_per_radian);

}  // namespace mdvt
