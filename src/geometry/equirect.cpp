// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/equirect.h"

#include <algorithm>
#include <cmath>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr double kDegree = M_PI / 180;

// One axis: from an angle at 0 on, so many degrees for each pixel.
struct Axis {
  double start = 0;
  double step = 0;

  Axis(double start_deg, double end_deg, int pixels, bool at_centers) {
    step = (end_deg - start_deg) / (at_centers ? pixels - 1 : pixels);
    start = at_centers ? start_deg - step / 2 : start_deg;
  }
};

Axis YawOf(const EquirectLayout& layout) {
  return {layout.start_yaw_deg, layout.end_yaw_deg, layout.width, layout.bounds_at_centers};
}
Axis TiltOf(const EquirectLayout& layout) {
  return {layout.start_tilt_deg, layout.end_tilt_deg, layout.height, layout.bounds_at_centers};
}

}  // namespace

void EquirectLayout::Check() const {
  Require(width >= 2 && width <= 30000 && height >= 2 && height <= 30000, Code::kInvalidArgument,
          "an equirectangular picture of " + FormatSize(width, height) +
              ": both sides must be in [2, 30000]");
  Require(end_yaw_deg > start_yaw_deg && end_yaw_deg - start_yaw_deg <= 360 + 1e-6 &&
              start_yaw_deg >= -360 && end_yaw_deg <= 720,
          Code::kInvalidArgument,
          "yaw from " + FormatDouble(start_yaw_deg) + " to " + FormatDouble(end_yaw_deg) +
              " degrees: must grow, by at most 360");
  Require(
      end_tilt_deg > start_tilt_deg && start_tilt_deg >= -90 - 1e-6 && end_tilt_deg <= 90 + 1e-6,
      Code::kInvalidArgument,
      "tilt from " + FormatDouble(start_tilt_deg) + " to " + FormatDouble(end_tilt_deg) +
          " degrees: must grow, within [-90, 90]");
}

Eigen::Vector3d EquirectRay(const EquirectLayout& layout, const Eigen::Vector2d& position) {
  const Axis yaw = YawOf(layout), tilt = TiltOf(layout);
  const double t = (yaw.start + yaw.step * position.x()) * kDegree;
  const double p = (tilt.start + tilt.step * position.y()) * kDegree;
  return {std::cos(p) * std::sin(t), std::sin(p), std::cos(p) * std::cos(t)};
}

std::optional<Eigen::Vector2d> EquirectPosition(const EquirectLayout& layout,
                                                const Eigen::Vector3d& ray) {
  const double length = ray.norm();
  if (!(length > 0)) return std::nullopt;
  const Axis yaw = YawOf(layout), tilt = TiltOf(layout);
  const double latitude = std::asin(std::clamp(ray.y() / length, -1.0, 1.0)) / kDegree;
  double longitude = std::atan2(ray.x(), ray.z()) / kDegree;
  // The turn that is nearest to what the picture shows.
  const double middle = (layout.start_yaw_deg + layout.end_yaw_deg) / 2;
  longitude -= 360 * std::round((longitude - middle) / 360);
  const Eigen::Vector2d position((longitude - yaw.start) / yaw.step,
                                 (latitude - tilt.start) / tilt.step);
  const double slack = layout.bounds_at_centers ? 0 : 0.5;
  if (position.x() < -slack || position.x() > layout.width + slack || position.y() < -slack ||
      position.y() > layout.height + slack)
    return std::nullopt;
  return position;
}

}  // namespace mdvt
