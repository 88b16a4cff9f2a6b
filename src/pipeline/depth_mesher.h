// SPDX-License-Identifier: Apache-2.0
//
// Depth maps as point clouds and triangle meshes.
#pragma once

#include <cstdint>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/pose.h"
#include "mdvt/io/geometry_file.h"

namespace mdvt {

// See ExportJobOptions for the rule.
struct TearRule {
  bool enabled = false;
  double disparity = 1.0;
  double depth = 0.02;
  double baseline = 0.063;
};

// Lifts every pixel that has data through its centre, X = z ((u - cx) / fx, (v - cy) / fy, 1) with
// u = col + 0.5, v = row + 0.5, and moves it by `world_from_cam`. Points come in row-major order.
// Neighbours form two triangles per cell of four pixels, (TL, BL, BR) and (TL, BR, TR), which is
// counter-clockwise seen from the camera; a triangle needs depth at all three corners. With the
// tear rule on, points that are in no triangle are left out.
//
// Keeps its table between frames. Not thread safe.
class DepthMesher {
 public:
  explicit DepthMesher(const TearRule& rule) : rule_(rule) {}

  // Finds what of a frame is a point and a triangle. `depth` must stay as it is for what follows.
  void SetDepth(const DepthView& depth, const Camera& camera);
  GeometryCounts counts() const { return counts_; }

  // color  Rgb(8) of the size of the depth, else Error(kInvalidArgument)
  void AddPoints(const ImageView& color, const Pose& world_from_cam, GeometryWriter* writer) const;
  void AddTriangles(GeometryWriter* writer) const;

 private:
  enum Cell : uint8_t { kLower = 1, kUpper = 2, kUsed = 4 };
  bool Keeps(float a, float b, float c) const;

  TearRule rule_;
  DepthView depth_;
  Camera camera_;
  GeometryCounts counts_;
  // Per pixel: which triangles of the cell below right of it exist, and whether it is a point.
  std::vector<uint8_t> cells_;
};

}  // namespace mdvt
