// SPDX-License-Identifier: Apache-2.0
//
// A depth map as a surface on the screen of a rasteriser.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "mdvt/core/pose.h"
#include "stereo/raster_screen.h"

namespace mdvt::raster {

constexpr int kBlock = 64;  // cells of a row that are looked at together

// Rows on the screen that a block of cells may reach.
struct Reach {
  int32_t low = INT32_MAX;
  int32_t high = INT32_MIN;
  void Add(int32_t y) {
    low = std::min(low, y);
    high = std::max(high, y);
  }
  // What cannot be put on the screen without clipping may be anywhere.
  void Add(const Vertex& vertex) {
    Add(vertex.inv_z > 0 ? vertex.y : INT32_MIN);
    Add(vertex.inv_z > 0 ? vertex.y : INT32_MAX);
  }
};

using Quad = std::array<ViewPoint, 4>;

// One depth map on its way to the screen.
struct Grid {
  ImageView color;
  DepthView depth;
  Camera camera;
  SurfaceOptions options;
  const Projector* projector = nullptr;

  // W x H vertices, and (W + 1) x (H + 1) cells: cell (x, y) lies between the pixels (x - 1, y - 1)
  // and (x, y), those at the borders having two corners or one.
  std::vector<Vertex> vertices;
  std::vector<uint8_t> cells;
  std::vector<Reach> reaches;  // of blocks of kBlock cells
  int blocks = 0;              // in a row of cells

  int cell_columns() const { return depth.width + 1; }
  int cell_rows() const { return depth.height + 1; }

  float At(int x, int y) const {
    if (x < 0 || y < 0 || x >= depth.width || y >= depth.height) return 0;
    const float z = depth.Row(y)[x];
    if (!(z > 0) || !std::isfinite(z)) return 0;
    if (options.mask.data != nullptr && options.mask.Row(y)[x] <= 128) return 0;
    return z;
  }
  // Whether a surface goes through these depths.
  bool Joins(float a, float b, float c) const {
    if (!options.tear) return true;
    const double near_z = std::min({a, b, c});
    const double far_z = std::max({a, b, c});
    return !options.tear->Parts(camera.fx * options.tear_baseline * (1 / near_z - 1 / far_z),
                                near_z, far_z);
  }
  bool Joins(float a, float b) const { return Joins(a, b, b); }

  Color ColorAt(int x, int y) const {
    Color result;
    for (int i = 0; i < 3; ++i)
      result[static_cast<size_t>(i)] = color.format.bits == 8 ? color.Plane<uint8_t>(i).Row(y)[x]
                                                              : color.Plane<uint16_t>(i).Row(y)[x];
    return result;
  }
  // The point at depth z on the ray through a place in the picture.
  ViewPoint PointAt(double u, double v, double z, const Color& c) const {
    return {projector->ToView(Unproject(camera, {u, v}, z)), c};
  }
  const Vertex& VertexAt(int x, int y) const {
    return vertices[static_cast<size_t>(y) * static_cast<size_t>(depth.width) +
                    static_cast<size_t>(x)];
  }
  ViewPoint ViewPointAt(int x, int y) const {
    return PointAt(x + 0.5, y + 0.5, depth.Row(y)[x], ColorAt(x, y));
  }

  uint8_t* CellRow(int y) {
    return cells.data() + static_cast<size_t>(y) * static_cast<size_t>(cell_columns());
  }
  const uint8_t* CellRow(int y) const {
    return cells.data() + static_cast<size_t>(y) * static_cast<size_t>(cell_columns());
  }
  Reach& ReachOf(int y, int block) {
    return reaches[static_cast<size_t>(y) * static_cast<size_t>(blocks) +
                   static_cast<size_t>(block)];
  }
  // Samples that the pixel (x, y) is wide on the screen, seen from its front. What stretches
  // distances leaves angles.
  float SizeOf(int x, int y, const Vertex& vertex) const {
    const float z = depth.Row(y)[x];
    float inv_z = vertex.inv_z;
    if (options.stretch)
      inv_z = static_cast<float>(
          1 / (projector->pose() * Unproject(camera, {x + 0.5, y + 0.5}, z)).z());
    return static_cast<float>(z / camera.fx * projector->focal()) * inv_z;
  }

  void Project(int y);
  void FindCells(int y);
  void MeasureCells(int y);
  void MeasurePixels(int y);
  void DrawCells(const Band& band, int y, int block) const;
  void DrawPixels(const Band& band, int y, int block) const;
  void DrawWhole(const Band& band, int x, int y) const;
  Quad Quarter(int x, int y, int to_x, int to_y) const;
  template <typename Take>
  void ForQuarters(int x, int y, uint8_t cell, const Take& take) const;
  double HalfWay(float own, int x, int y) const;
  void DrawAny(const Band& band, const ViewPoint& a, const ViewPoint& b, const ViewPoint& c) const;
};

}  // namespace mdvt::raster
