// SPDX-License-Identifier: Apache-2.0
#include "stereo/raster_grid.h"

namespace mdvt::raster {
namespace {

// What of a depth map is a surface: for each cell between four pixels, whether it is whole; if not,
// which of its corners there are.
enum CellBits : uint8_t {
  kWhole = 1,
  kTopLeft = 2,
  kTopRight = 4,
  kBottomLeft = 8,
  kBottomRight = 16,
};

}  // namespace

void Grid::Project(int y) {
  // The point of pixel x is z (start + x step) + offset.
  const Pose& pose = projector->pose();
  const Eigen::Vector3d step = pose.linear().col(0) / camera.fx;
  const Eigen::Vector3d start =
      pose.linear() *
      Eigen::Vector3d((0.5 - camera.cx) / camera.fx, (y + 0.5 - camera.cy) / camera.fy, 1);
  const Eigen::Vector3d offset = pose.translation();
  Vertex* row = vertices.data() + static_cast<size_t>(y) * static_cast<size_t>(depth.width);
  for (int x = 0; x < depth.width; ++x) {
    Vertex& vertex = row[x];
    vertex.inv_z = 0;
    const float z = At(x, y);
    if (z <= 0) continue;
    if (projector->OnScreen(projector->Stretched(z * (start + x * step) + offset), &vertex))
      vertex.color = ColorAt(x, y);
    else
      vertex.inv_z = 0;
  }
}

void Grid::FindCells(int y) {
  uint8_t* row = CellRow(y);
  float top_left = 0;
  float bottom_left = 0;
  for (int x = 0; x < cell_columns(); ++x) {
    const float top_right = At(x, y - 1);
    const float bottom_right = At(x, y);
    uint8_t cell = 0;
    if (top_left > 0 && top_right > 0 && bottom_left > 0 && bottom_right > 0 &&
        Joins(top_left, bottom_left, bottom_right) && Joins(top_left, bottom_right, top_right)) {
      cell = kWhole;
    } else {
      if (top_left > 0) cell |= kTopLeft;
      if (top_right > 0) cell |= kTopRight;
      if (bottom_left > 0) cell |= kBottomLeft;
      if (bottom_right > 0) cell |= kBottomRight;
    }
    row[x] = cell;
    top_left = top_right;
    bottom_left = bottom_right;
  }
}

void Grid::MeasureCells(int y) {
  const uint8_t* row = CellRow(y);
  for (int block = 0; block < blocks; ++block) {
    Reach reach;
    const int end = std::min((block + 1) * kBlock, cell_columns());
    for (int x = block * kBlock; x < end; ++x) {
      if (row[x] == kWhole) {
        for (const Vertex* vertex :
             {&VertexAt(x - 1, y - 1), &VertexAt(x, y - 1), &VertexAt(x - 1, y), &VertexAt(x, y)})
          reach.Add(*vertex);
      } else if (row[x] != 0) {
        ForQuarters(x, y, row[x], [&](const Quad& quad) {
          for (const ViewPoint& point : quad) {
            Vertex vertex;
            if (!projector->OnScreen(point.position, &vertex)) vertex.inv_z = 0;
            reach.Add(vertex);
          }
        });
      }
    }
    ReachOf(y, block) = reach;
  }
}

void Grid::MeasurePixels(int y) {
  for (int block = 0; block < blocks; ++block) {
    Reach reach;
    const int end = std::min((block + 1) * kBlock, depth.width);
    for (int x = block * kBlock; x < end; ++x) {
      const Vertex& vertex = VertexAt(x, y);
      if (vertex.inv_z <= 0) continue;
      const auto half = static_cast<int32_t>(std::min(SizeOf(x, y, vertex), 4096.0f) * (kSub / 2));
      reach.Add(vertex.y - half - kSub);
      reach.Add(vertex.y + half + kSub);
    }
    ReachOf(y, block) = reach;
  }
}

void Grid::DrawAny(const Band& band, const ViewPoint& a, const ViewPoint& b,
                   const ViewPoint& c) const {
  std::array<Vertex, 3> v;
  const std::array<const ViewPoint*, 3> points = {&a, &b, &c};
  for (size_t i = 0; i < 3; ++i) {
    if (!projector->OnScreen(points[i]->position, &v[i]))
      return projector->DrawClipped(band, {a, b, c});
    v[i].color = points[i]->color;
  }
  DrawTriangle(band, v[0], v[1], v[2]);
}

void Grid::DrawWhole(const Band& band, int x, int y) const {
  const Vertex& top_left = VertexAt(x - 1, y - 1);
  const Vertex& top_right = VertexAt(x, y - 1);
  const Vertex& bottom_left = VertexAt(x - 1, y);
  const Vertex& bottom_right = VertexAt(x, y);
  if (top_left.inv_z > 0 && top_right.inv_z > 0 && bottom_left.inv_z > 0 &&
      bottom_right.inv_z > 0) {
    DrawTriangle(band, top_left, bottom_right, bottom_left);
    DrawTriangle(band, top_left, top_right, bottom_right);
    return;
  }
  const ViewPoint tl = ViewPointAt(x - 1, y - 1);
  const ViewPoint tr = ViewPointAt(x, y - 1);
  const ViewPoint bl = ViewPointAt(x - 1, y);
  const ViewPoint br = ViewPointAt(x, y);
  DrawAny(band, tl, br, bl);
  DrawAny(band, tl, tr, br);
}

// The depth half way from a pixel to a neighbour: on the line between the two, which is straight in
// 1 / z, where a surface joins them, so that whole cells beside this one leave no gap.
double Grid::HalfWay(float own, int x, int y) const {
  const float other = At(x, y);
  return other > 0 && Joins(own, other) ? 2 / (1 / double{own} + 1 / double{other}) : own;
}

// The quarter of a cell that belongs to pixel (x, y) and lies towards (x + to_x, y + to_y),
// clockwise in the picture.
Quad Grid::Quarter(int x, int y, int to_x, int to_y) const {
  const float z = At(x, y);
  const Color c = ColorAt(x, y);
  const double u = x + 0.5;
  const double v = y + 0.5;
  const ViewPoint own = PointAt(u, v, z, c);
  const ViewPoint beside = PointAt(u + 0.5 * to_x, v, HalfWay(z, x + to_x, y), c);
  const ViewPoint middle = PointAt(u + 0.5 * to_x, v + 0.5 * to_y, z, c);
  const ViewPoint above = PointAt(u, v + 0.5 * to_y, HalfWay(z, x, y + to_y), c);
  if (to_x == to_y) return {own, beside, middle, above};
  return {own, above, middle, beside};
}

template <typename Take>
void Grid::ForQuarters(int x, int y, uint8_t cell, const Take& take) const {
  if ((cell & kTopLeft) != 0) take(Quarter(x - 1, y - 1, 1, 1));
  if ((cell & kTopRight) != 0) take(Quarter(x, y - 1, -1, 1));
  if ((cell & kBottomLeft) != 0) take(Quarter(x - 1, y, 1, -1));
  if ((cell & kBottomRight) != 0) take(Quarter(x, y, -1, -1));
}

void Grid::DrawCells(const Band& band, int y, int block) const {
  const int end = std::min((block + 1) * kBlock, cell_columns());
  const uint8_t* row = CellRow(y);
  for (int x = block * kBlock; x < end; ++x) {
    if (row[x] == kWhole) {
      DrawWhole(band, x, y);
    } else if (row[x] != 0) {
      ForQuarters(x, y, row[x], [&](const Quad& quad) {
        DrawAny(band, quad[0], quad[1], quad[2]);
        DrawAny(band, quad[0], quad[2], quad[3]);
      });
    }
  }
}

void Grid::DrawPixels(const Band& band, int y, int block) const {
  const int end = std::min((block + 1) * kBlock, depth.width);
  for (int x = block * kBlock; x < end; ++x) {
    const Vertex& vertex = VertexAt(x, y);
    if (vertex.inv_z > 0) DrawSquare(band, vertex, SizeOf(x, y, vertex));
  }
}

}  // namespace mdvt::raster
