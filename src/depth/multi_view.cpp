// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/multi_view.h"

#include <algorithm>
#include <cmath>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

size_t Area(int width, int height) {
  return static_cast<size_t>(width) * static_cast<size_t>(height);
}

}  // namespace

void InverseDepthMap::Reset(int new_width, int new_height) {
  width = new_width;
  height = new_height;
  value.assign(Area(width, height), 0.f);
  sigma.assign(Area(width, height), 0.f);
}

namespace {

// Where points of one camera lie in another one, in single precision.
struct Warp {
  Warp(const Camera& from, const Camera& to, const Pose& to_from_from)
      : r(to_from_from.linear().cast<float>()),
        t(to_from_from.translation().cast<float>()),
        focal(from.fx, from.fy),
        center(from.cx, from.cy),
        to_focal(to.fx, to.fy),
        to_center(to.cx, to.cy) {}

  // The point at a place in pixels, over its depth: scaled by the inverse depth `rho`.
  Eigen::Vector3f Point(float u, float v, float rho) const {
    const Eigen::Vector3f ray((u - center.x) / focal.x, (v - center.y) / focal.y, 1.f);
    return r * ray + rho * t;
  }
  Eigen::Vector2f Pixel(const Eigen::Vector3f& p) const {
    return {to_focal.x * p.x() / p.z() + to_center.x, to_focal.y * p.y() / p.z() + to_center.y};
  }

 private:
  struct Pair {
    Pair(double x_value, double y_value)
        : x(static_cast<float>(x_value)), y(static_cast<float>(y_value)) {}
    float x, y;
  };

  Eigen::Matrix3f r;
  Eigen::Vector3f t;
  Pair focal, center, to_focal, to_center;
};

}  // namespace

void ReprojectInverseDepth(const InverseDepthMap& map, const Camera& camera,
                           const Camera& other_camera, const Pose& other_from_cam, float growth,
                           InverseDepthMap* result) {
  const int w = map.width, h = map.height;
  Require(camera.width == w && camera.height == h && other_camera.width == w &&
              other_camera.height == h,
          Code::kInvalidArgument, "ReprojectInverseDepth: map and cameras differ in size");
  result->Reset(w, h);
  const Warp warp(camera, other_camera, other_from_cam);
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      const size_t i = Area(w, y) + static_cast<size_t>(x);
      const float rho = map.value[i];
      if (!(rho > 0)) continue;
      const Eigen::Vector3f p =
          warp.Point(static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f, rho);
      if (!(p.z() > 1e-6f)) continue;
      const Eigen::Vector2f pixel = warp.Pixel(p);
      const float u = pixel.x(), v = pixel.y();
      if (!(u >= 0 && v >= 0 && u < static_cast<float>(w) && v < static_cast<float>(h))) continue;
      const size_t to = Area(w, static_cast<int>(v)) + static_cast<size_t>(u);
      const float value = rho / p.z();
      if (value <= result->value[to]) continue;
      result->value[to] = value;
      const float carried = map.sigma[i] / p.z(), more = growth * value;
      result->sigma[to] = std::sqrt(carried * carried + more * more);
    }
  }
  // A surface that comes nearer spreads over more pixels than it had: close single gaps.
  const auto close = [&](size_t at, size_t before, size_t after) {
    if (result->value[at] > 0 || !(result->value[before] > 0) || !(result->value[after] > 0))
      return;
    const float a = result->value[before], b = result->value[after];
    if (std::abs(a - b) > 0.1f * std::min(a, b)) return;
    result->value[at] = 0.5f * (a + b);
    result->sigma[at] = std::max(result->sigma[before], result->sigma[after]);
  };
  const size_t step = static_cast<size_t>(w);
  for (int y = 0; y < h; ++y)
    for (int x = 1; x + 1 < w; ++x) {
      const size_t i = Area(w, y) + static_cast<size_t>(x);
      close(i, i - 1, i + 1);
    }
  for (int y = 1; y + 1 < h; ++y)
    for (int x = 0; x < w; ++x) {
      const size_t i = Area(w, y) + static_cast<size_t>(x);
      close(i, i - step, i + step);
    }
}

}  // namespace mdvt
