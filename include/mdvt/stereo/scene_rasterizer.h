// SPDX-License-Identifier: Apache-2.0
//
// Pictures of depth maps, point clouds and lines from any place: a z-buffer rasteriser. For two
// parallel eyes beside the camera StereoRenderer is faster and keeps the pixel format.
//
//   SceneRasterizer scene(8, pool);
//   scene.Begin(view_camera, world_from_view);
//   scene.AddSurface(color, depth, camera, world_from_cam, {});
//   scene.Finish({255, 255, 255}, picture.mutable_view());
#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/pose.h"
#include "mdvt/stereo/tear_rule.h"

namespace mdvt {

struct SurfaceOptions {
  // Each pixel is a square of its own size that faces the viewer, in place of a surface.
  bool points = false;
  // Where neighbouring pixels are no surface, as two eyes `tear_baseline` metres apart in the place
  // of the camera would see them; empty: nowhere. A pixel whose neighbour is torn off, has no data
  // or is masked reaches half way to it, at its own depth.
  std::optional<TearRule> tear;
  double tear_baseline = 0.063;
  // Of the size of the depth; where it is 128 or less nothing is shown. Empty: all is.
  PlaneView<const uint8_t> mask;
  // Optional: moves each point on its ray from a head at `head`, in the axes of the viewer and in
  // metres, to so many times its distance. Gets the point seen from the head, before it (z > 0);
  // has to be continuous, and positive.
  std::function<double(const Eigen::Vector3d&)> stretch;
  Eigen::Vector3d head = Eigen::Vector3d::Zero();
};

// Draws what is added between Begin() and Finish(), the nearest in front. Results are the same
// bytes for every thread count. Surfaces are seen from the side of their camera only. Seen from the
// camera itself, a surface gives its own pixels back, bit for bit.
class SceneRasterizer {
 public:
  using Color = std::array<uint16_t, 3>;  // R, G, B in the scene's bits

  // bits   of all colours, 8 to 16
  // pool   may be null (one thread) and must outlive this
  // Throws Error(kInvalidArgument).
  explicit SceneRasterizer(int bits = 8, ThreadPool* pool = nullptr);
  ~SceneRasterizer();
  SceneRasterizer(SceneRasterizer&&) noexcept;
  SceneRasterizer& operator=(SceneRasterizer&&) noexcept;

  // camera         of the picture to be made
  // supersampling  samples per pixel in x and in y, [1, 4]
  // Throws Error(kInvalidArgument), also for more than 2^28 samples.
  void Begin(const Camera& camera, const Pose& world_from_view, int supersampling = 1);

  // color   Rgb(bits), W x H
  // depth   W x H, metres; 0, negative and not finite = no data
  // camera  of the depth map, W x H
  // Throws Error(kInvalidArgument) if sizes or formats disagree.
  void AddSurface(const ImageView& color, const DepthView& depth, const Camera& camera,
                  const Pose& world_from_cam, const SurfaceOptions& options = {});

  // Squares of `size` pixels of the picture, in world axes.
  void AddPoints(const std::vector<Eigen::Vector3f>& points, const std::vector<Color>& colors,
                 double size);
  // Seen from both sides. `triangles` holds three indices each.
  void AddTriangles(const std::vector<Eigen::Vector3f>& points, const std::vector<Color>& colors,
                    const std::vector<Eigen::Matrix<int32_t, 3, 1>>& triangles);
  // A pixel wide, in world axes.
  void AddLine(const Eigen::Vector3d& from, const Eigen::Vector3d& to, const Color& color);

  // picture  Rgb(bits) of the size of the camera; `background` where nothing is
  // depth    optional: metres along the viewer's axis of the nearest sample, 0 where nothing is
  void Finish(const Color& background, const MutableImageView& picture,
              const PlaneView<float>& depth = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
