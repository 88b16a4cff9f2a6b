// SPDX-License-Identifier: Apache-2.0
#include "pipeline/depth_mesher.h"

#include <algorithm>
#include <cstddef>

#include "mdvt/core/error.h"

namespace mdvt {

bool DepthMesher::Keeps(float a, float b, float c, const Camera& camera) const {
  if (!(a > 0 && b > 0 && c > 0)) return false;
  if (!rule_.enabled) return true;
  const double near_z = std::min({a, b, c});
  const double far_z = std::max({a, b, c});
  const double disparity = camera.fx * rule_.baseline * (1 / near_z - 1 / far_z);
  return !(disparity > rule_.disparity && far_z - near_z > rule_.depth * near_z);
}

void DepthMesher::Classify(const DepthView& depth, const Camera& camera) {
  const size_t width = static_cast<size_t>(depth.width);
  cells_.assign(width * static_cast<size_t>(depth.height), 0);
  for (int y = 0; y < depth.height; ++y) {
    const float* top = depth.Row(y);
    uint8_t* cell = cells_.data() + static_cast<size_t>(y) * width;
    if (!rule_.enabled)
      for (int x = 0; x < depth.width; ++x) cell[x] |= top[x] > 0 ? kUsed : 0;
    if (y + 1 == depth.height) break;
    const float* bottom = depth.Row(y + 1);
    uint8_t* below = cell + width;
    for (int x = 0; x + 1 < depth.width; ++x) {
      if (Keeps(top[x], bottom[x], bottom[x + 1], camera)) {
        cell[x] |= kLower | kUsed;
        below[x] |= kUsed;
        below[x + 1] |= kUsed;
      }
      if (Keeps(top[x], bottom[x + 1], top[x + 1], camera)) {
        cell[x] |= kUpper | kUsed;
        below[x + 1] |= kUsed;
        cell[x + 1] |= kUsed;
      }
    }
  }
}

template <typename Shape>
void DepthMesher::AddPoints(const DepthView& depth, const ImageView& color, const Camera& camera,
                            const Pose& world_from_cam, Shape* shape) const {
  const size_t count = static_cast<size_t>(std::count_if(
      cells_.begin(), cells_.end(), [](uint8_t cell) { return (cell & kUsed) != 0; }));
  shape->points.reserve(count);
  shape->colors.reserve(count);
  const Eigen::Matrix3d rotation = world_from_cam.linear();
  const Eigen::Vector3d translation = world_from_cam.translation();
  const uint8_t* cell = cells_.data();
  for (int y = 0; y < depth.height; ++y) {
    const float* z = depth.Row(y);
    const uint8_t* r = color.Plane<uint8_t>(0).Row(y);
    const uint8_t* g = color.Plane<uint8_t>(1).Row(y);
    const uint8_t* b = color.Plane<uint8_t>(2).Row(y);
    for (int x = 0; x < depth.width; ++x, ++cell) {
      if ((*cell & kUsed) == 0) continue;
      const Eigen::Vector3d in_cam = camera.Unproject({x + 0.5, y + 0.5}, z[x]);
      shape->points.emplace_back((rotation * in_cam + translation).template cast<float>());
      shape->colors.emplace_back(r[x], g[x], b[x]);
    }
  }
}

namespace {

void CheckSizes(const DepthView& depth, const ImageView& color) {
  Require(color.format == PixelFormat::Rgb(8) && color.width == depth.width &&
              color.height == depth.height,
          Code::kInvalidArgument, "DepthMesher: color must be rgb8 and of the size of the depth");
}

}  // namespace

PointCloud DepthMesher::Cloud(const DepthView& depth, const ImageView& color, const Camera& camera,
                              const Pose& world_from_cam) {
  CheckSizes(depth, color);
  Classify(depth, camera);
  PointCloud cloud;
  AddPoints(depth, color, camera, world_from_cam, &cloud);
  return cloud;
}

TriangleMesh DepthMesher::Mesh(const DepthView& depth, const ImageView& color, const Camera& camera,
                               const Pose& world_from_cam) {
  CheckSizes(depth, color);
  Classify(depth, camera);
  TriangleMesh mesh;
  AddPoints(depth, color, camera, world_from_cam, &mesh);

  size_t triangles = 0;
  for (const uint8_t cell : cells_)
    triangles +=
        static_cast<size_t>((cell & kLower) != 0) + static_cast<size_t>((cell & kUpper) != 0);
  mesh.triangles.reserve(triangles);
  // Numbers of the points of two rows, counted in the order in which AddPoints made them.
  const int width = depth.width;
  std::vector<int32_t> top(static_cast<size_t>(width));
  std::vector<int32_t> bottom(static_cast<size_t>(width));
  int32_t next = 0;
  const auto number_row = [&](int y, std::vector<int32_t>* row) {
    const uint8_t* cell = cells_.data() + static_cast<size_t>(y) * static_cast<size_t>(width);
    for (int x = 0; x < width; ++x)
      (*row)[static_cast<size_t>(x)] = (cell[x] & kUsed) != 0 ? next++ : -1;
  };
  number_row(0, &bottom);
  for (int y = 0; y + 1 < depth.height; ++y) {
    top.swap(bottom);
    number_row(y + 1, &bottom);
    const uint8_t* cell = cells_.data() + static_cast<size_t>(y) * static_cast<size_t>(width);
    for (size_t x = 0; x + 1 < static_cast<size_t>(width); ++x) {
      if ((cell[x] & kLower) != 0) mesh.triangles.emplace_back(top[x], bottom[x], bottom[x + 1]);
      if ((cell[x] & kUpper) != 0) mesh.triangles.emplace_back(top[x], bottom[x + 1], top[x + 1]);
    }
  }
  return mesh;
}

}  // namespace mdvt
