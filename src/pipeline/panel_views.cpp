// SPDX-License-Identifier: Apache-2.0
#include "pipeline/panel_views.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <utility>

namespace mdvt {

PanelViews::PanelViews(const PanelOptions& options, size_t views, int chroma_location,
                       const std::array<int, 3>& black, ThreadPool* pool)
    : options_(options), chroma_location_(chroma_location), black_(black), pool_(pool) {
  warps_.reserve(views);
}

void PanelViews::Show(const std::vector<View>& views, bool blacken) {
  const bool turned = std::any_of(views.begin(), views.end(),
                                  [&](const View& view) { return view.yaw != views[0].yaw; });
  for (size_t i = 0; i < views.size(); ++i) {
    const View& view = views[i];
    const size_t mine = turned ? i : 0;
    while (warps_.size() <= mine) warps_.emplace_back(options_, pool_);
    PanelWarp& warp = warps_[mine];
    const Eigen::Matrix3d head_from_panel =
        Eigen::AngleAxisd(view.yaw, Eigen::Vector3d::UnitY()).toRotationMatrix();
    warp.SetView(view.camera, view.head_from_view.transpose() * head_from_panel,
                 view.picture.format, chroma_location_);
    warp.Warp(view.picture, black_, view.panel);
    if (view.range.data != nullptr) warp.WarpDepth(view.depth, view.range);
    if (view.holes == nullptr) continue;
    warp.WarpHoles(*view.holes, &holes_);
    std::swap(holes_, *view.holes);
    if (blacken) PanelWarp::Blacken(*view.holes, black_, view.panel);
  }
}

Camera WideCamera(const Camera& camera, double pixels_per_radian) {
  constexpr double kLeastDeg = 75, kMostDeg = 150;
  const double fov =
      std::min(std::max({kLeastDeg, camera.xfov_deg(), camera.yfov_deg()}), kMostDeg);
  const double focal = std::min(camera.fx, pixels_per_radian);
  const double half = std::ceil(focal * std::tan(fov * M_PI / 360));
  Camera wide;
  wide.width = wide.height = 2 * static_cast<int>(half);
  wide.fx = wide.fy = focal;
  wide.cx = wide.cy = half;
  return wide;
}

}  // namespace mdvt
