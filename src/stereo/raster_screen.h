// SPDX-License-Identifier: Apache-2.0
//
// Triangles and squares on a screen, and the way of points to it.
//
// Positions are snapped to 1/256 of a sample, so that whether a sample lies in a triangle is
// decided in whole numbers: neighbours leave neither gaps nor doubles, whatever the order.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "mdvt/core/camera.h"
#include "mdvt/stereo/scene_rasterizer.h"

namespace mdvt::raster {

constexpr int kSubBits = 8;
constexpr int kSub = 1 << kSubBits;
// Nearer than this nothing is drawn; metres.
constexpr double kNear = 1e-3;
// What lies farther out, in samples, is clipped first: products of positions stay in 64 bits.
constexpr double kGuard = 1 << 18;

using Color = SceneRasterizer::Color;

// What has been drawn at one sample. Zero is nothing.
struct Sample {
  float inv_z = 0;
  Color color = {};
};

// A corner on the screen. Not drawable ones have inv_z 0.
struct Vertex {
  int32_t x = 0;  // in 1/256 of a sample
  int32_t y = 0;
  float inv_z = 0;
  Color color = {};
};

// A corner before the viewer.
struct ViewPoint {
  Eigen::Vector3d position;
  Color color = {};
};

// The rows [begin, end) of a picture that is `width` samples wide.
struct Band {
  Sample* samples = nullptr;  // of row 0
  int width = 0;
  int begin = 0;
  int end = 0;

  void Put(int x, int y, float inv_z, const Color& color) const {
    Sample& sample =
        samples[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
    if (inv_z > sample.inv_z) sample = {inv_z, color};
  }
};
// Corners clockwise on the screen; the other side is not drawn.
void DrawTriangle(const Band& band, const Vertex& a, const Vertex& b, const Vertex& c);
// A square of `size` samples around the centre; at least the sample that holds it.
void DrawSquare(const Band& band, const Vertex& centre, float size);

// From world or camera axes to the screen.
class Projector {
 public:
  // camera  in samples
  // surface  which is on the way there, if it is one; has to outlive this
  Projector(const Camera& camera, const Pose& view_from_other,
            const SurfaceOptions* surface = nullptr)
      : camera_(camera), pose_(view_from_other) {
    if (surface != nullptr && surface->stretch) surface_ = surface;
  }

  const Pose& pose() const { return pose_; }
  Eigen::Vector3d ToView(const Eigen::Vector3d& point) const { return Stretched(pose_ * point); }
  // See SurfaceOptions.stretch.
  Eigen::Vector3d Stretched(const Eigen::Vector3d& in_view) const {
    if (surface_ == nullptr) return in_view;
    const Eigen::Vector3d from_head = in_view - surface_->head;
    if (!(from_head.z() >= kNear)) return in_view;
    return surface_->head + surface_->stretch(from_head) * from_head;
  }

  // False: too near or too far out to be drawn without clipping.
  bool OnScreen(const Eigen::Vector3d& p, Vertex* vertex) const {
    if (!(p.z() >= kNear)) return false;
    const double inv_z = 1 / p.z();
    const double x = camera_.fx * p.x() * inv_z + camera_.cx;
    const double y = camera_.fy * p.y() * inv_z + camera_.cy;
    if (!(std::abs(x) < kGuard && std::abs(y) < kGuard)) return false;
    vertex->x = static_cast<int32_t>(std::floor(x * kSub + 0.5));
    vertex->y = static_cast<int32_t>(std::floor(y * kSub + 0.5));
    vertex->inv_z = static_cast<float>(inv_z);
    return true;
  }
  double focal() const { return camera_.fx; }

  // The part of a line that can be put on the screen; false if there is none.
  bool ClipLine(ViewPoint* a, ViewPoint* b) const;
  // Draws a triangle of which some corners cannot be put on the screen.
  void DrawClipped(const Band& band, const std::array<ViewPoint, 3>& corners) const;

 private:
  // Distance to plane i of those that bound what can be drawn, negative outside.
  double Inside(int plane, const Eigen::Vector3d& p) const {
    // A little within the guard band, so that rounding keeps the corners in it.
    const double reach = kGuard * 0.99;
    switch (plane) {
      case 0:
        return p.z() - kNear * 1.001;
      case 1:
        return (reach - camera_.cx) * p.z() - camera_.fx * p.x();
      case 2:
        return (reach + camera_.cx) * p.z() + camera_.fx * p.x();
      case 3:
        return (reach - camera_.cy) * p.z() - camera_.fy * p.y();
      default:
        return (reach + camera_.cy) * p.z() + camera_.fy * p.y();
    }
  }

  Camera camera_;
  Pose pose_;
  const SurfaceOptions* surface_ = nullptr;
};

}  // namespace mdvt::raster
