// SPDX-License-Identifier: Apache-2.0
//
// Depth maps as point clouds and triangle meshes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/pose.h"
#include "mdvt/io/geometry_file.h"
#include "mdvt/stereo/tear_rule.h"

namespace mdvt {

// Lifts every pixel that has data through its centre, X = z ((u - cx) / fx, (v - cy) / fy, 1) with
// u = col + 0.5, v = row + 0.5, and moves it by `world_from_cam`. Points come in row-major order.
// Neighbours form two triangles per cell of four pixels, (TL, BL, BR) and (TL, BR, TR), which is
// counter-clockwise seen from the camera; a triangle needs depth at all three corners. With a
// tear rule, triangles whose nearest and farthest corner part are left out, and so are points that
// are in no triangle.
//
// Keeps its table between frames. Not thread safe.
class DepthMesher {
 public:
  // The rule sees the corners as two eyes would that are `baseline` metres apart.
  explicit DepthMesher(const std::optional<TearRule>& rule, double baseline = 0.063)
      : rule_(rule), baseline_(baseline) {}

  // Finds what of a frame is a point and a triangle. `depth` must stay as it is for what follows.
  void SetDepth(const DepthView& depth, const Camera& camera);
  GeometryCounts counts() const { return counts_; }

  // color  Rgb(8) of the size of the depth, else Error(kInvalidArgument)
  void AddPoints(const ImageView& color, const Pose& world_from_cam, GeometryWriter* writer) const;
  void AddTriangles(GeometryWriter* writer) const;

 private:
  enum Cell : uint8_t { kLower = 1, kUpper = 2, kUsed = 4 };
  bool Keeps(float a, float b, float c) const;

  std::optional<TearRule> rule_;
  double baseline_;
  DepthView depth_;
  Camera camera_;
  GeometryCounts counts_;
  // Per pixel: which triangles of the cell below right of it exist, and whether it is a point.
  std::vector<uint8_t> cells_;
};

}  // namespace mdvt
