// SPDX-License-Identifier: Apache-2.0
#include "pipeline/depth_mesher.h"

#include <algorithm>
#include <cstddef>

#include "mdvt/core/error.h"

namespace mdvt {

bool DepthMesher::Keeps(float a, float b, float c) const {
  if (!(a > 0 && b > 0 && c > 0)) return false;
  if (!rule_) return true;
  const double near_z = std::min({a, b, c});
  const double far_z = std::max({a, b, c});
  const double disparity = camera_.fx * baseline_ * (1 / near_z - 1 / far_z);
  return !rule_->Parts(disparity, near_z, far_z);
}

void DepthMesher::SetDepth(const DepthView& depth, const Camera& camera) {
  depth_ = depth;
  camera_ = camera;
  counts_ = {};
  const size_t width = static_cast<size_t>(depth.width);
  cells_.assign(width * static_cast<size_t>(depth.height), 0);
  for (int y = 0; y < depth.height; ++y) {
    const float* top = depth.Row(y);
    uint8_t* cell = cells_.data() + static_cast<size_t>(y) * width;
    if (!rule_)
      for (int x = 0; x < depth.width; ++x) cell[x] |= top[x] > 0 ? kUsed : 0;
    if (y + 1 == depth.height) break;
    const float* bottom = depth.Row(y + 1);
    uint8_t* below = cell + width;
    for (int x = 0; x + 1 < depth.width; ++x) {
      if (Keeps(top[x], bottom[x], bottom[x + 1])) {
        cell[x] |= kLower | kUsed;
        below[x] |= kUsed;
        below[x + 1] |= kUsed;
      }
      if (Keeps(top[x], bottom[x + 1], top[x + 1])) {
        cell[x] |= kUpper | kUsed;
        below[x + 1] |= kUsed;
        cell[x + 1] |= kUsed;
      }
    }
  }
  for (const uint8_t cell : cells_) {
    counts_.points += (cell & kUsed) != 0 ? 1 : 0;
    counts_.triangles += ((cell & kLower) != 0 ? 1 : 0) + ((cell & kUpper) != 0 ? 1 : 0);
  }
}

void DepthMesher::AddPoints(const ImageView& color, const Pose& world_from_cam,
                            GeometryWriter* writer) const {
  Require(color.format == PixelFormat::Rgb(8) && color.width == depth_.width &&
              color.height == depth_.height,
          Code::kInvalidArgument, "DepthMesher: color must be rgb8 and of the size of the depth");
  const Eigen::Matrix3d rotation = world_from_cam.linear();
  const Eigen::Vector3d translation = world_from_cam.translation();
  const uint8_t* cell = cells_.data();
  for (int y = 0; y < depth_.height; ++y) {
    const float* z = depth_.Row(y);
    const uint8_t* r = color.Plane<uint8_t>(0).Row(y);
    const uint8_t* g = color.Plane<uint8_t>(1).Row(y);
    const uint8_t* b = color.Plane<uint8_t>(2).Row(y);
    for (int x = 0; x < depth_.width; ++x, ++cell) {
      if ((*cell & kUsed) == 0) continue;
      const Eigen::Vector3d in_cam = Unproject(camera_, {x + 0.5, y + 0.5}, z[x]);
      writer->AddPoint((rotation * in_cam + translation).cast<float>(), {r[x], g[x], b[x]});
    }
  }
}

void DepthMesher::AddTriangles(GeometryWriter* writer) const {
  // Numbers of the points of two rows, counted in the order in which AddPoints made them.
  const int width = depth_.width;
  std::vector<int32_t> top(static_cast<size_t>(width));
  std::vector<int32_t> bottom(static_cast<size_t>(width));
  int32_t next = 0;
  const auto number_row = [&](int y, std::vector<int32_t>* row) {
    const uint8_t* cell = cells_.data() + static_cast<size_t>(y) * static_cast<size_t>(width);
    for (int x = 0; x < width; ++x)
      (*row)[static_cast<size_t>(x)] = (cell[x] & kUsed) != 0 ? next++ : -1;
  };
  number_row(0, &bottom);
  for (int y = 0; y + 1 < depth_.height; ++y) {
    top.swap(bottom);
    number_row(y + 1, &bottom);
    const uint8_t* cell = cells_.data() + static_cast<size_t>(y) * static_cast<size_t>(width);
    for (size_t x = 0; x + 1 < static_cast<size_t>(width); ++x) {
      if ((cell[x] & kLower) != 0) writer->AddTriangle({top[x], bottom[x], bottom[x + 1]});
      if ((cell[x] & kUpper) != 0) writer->AddTriangle({top[x], bottom[x + 1], top[x + 1]});
    }
  }
}

}  // namespace mdvt
