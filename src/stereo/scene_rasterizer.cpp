// SPDX-License-Identifier: Apache-2.0
//
// Positions are snapped to 1/256 of a sample, so that whether a sample lies in a triangle is
// decided in whole numbers: neighbours leave neither gaps nor doubles, whatever the order. The
// picture is cut into bands of rows; each is drawn by one thread, in the order in which things were
// added.
#include "mdvt/stereo/scene_rasterizer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kSubBits = 8;
constexpr int kSub = 1 << kSubBits;
constexpr int kBandRows = 32;
constexpr int kBlock = 64;  // cells of a row that are looked at together
// Nearer than this nothing is drawn; metres.
constexpr double kNear = 1e-3;
// What lies farther out, in samples, is clipped first: products of positions stay in 64 bits.
constexpr double kGuard = 1 << 18;
// Triangles of up to so many samples are drawn in 32 bits.
constexpr int kSmall = 32;

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

int FirstCentre(int32_t position) { return (position + kSub / 2 - 1) >> kSubBits; }
int LastCentre(int32_t position) { return (position - kSub / 2) >> kSubBits; }

// The corner's share of a triangle is the edge function of the side opposite to it. The top and the
// left side belong to the triangle, the others to its neighbours.
template <typename Whole>
struct Edge {
  Whole value;   // at the first sample
  Whole step_x;  // to the next sample
  Whole step_y;

  Edge(const Vertex& from, const Vertex& to, Whole x, Whole y) {
    const Whole dx = Whole{to.x} - from.x;
    const Whole dy = Whole{to.y} - from.y;
    const bool own = dy < 0 || (dy == 0 && dx > 0);
    value = dx * (y - from.y) - dy * (x - from.x) - (own ? 0 : 1);
    step_x = -dy * kSub;
    step_y = dx * kSub;
    bias = own ? 0 : 1;
  }
  Whole bias;  // value + bias is the share
};

template <typename Whole>
void FillTriangle(const Band& band, const Vertex& a, const Vertex& b, const Vertex& c, int x0,
                  int x1, int y0, int y1) {
  const Whole x = Whole{x0} * kSub + kSub / 2;
  const Whole y = Whole{y0} * kSub + kSub / 2;
  Edge<Whole> ea(b, c, x, y);
  Edge<Whole> eb(c, a, x, y);
  Edge<Whole> ec(a, b, x, y);
  const Whole twice_area =
      (Whole{b.x} - a.x) * (Whole{c.y} - a.y) - (Whole{b.y} - a.y) * (Whole{c.x} - a.x);
  const float inv_area = 1.0f / static_cast<float>(twice_area);
  for (int row = y0; row <= y1; ++row) {
    Whole va = ea.value;
    Whole vb = eb.value;
    Whole vc = ec.value;
    for (int column = x0; column <= x1; ++column) {
      if ((va | vb | vc) >= 0) {
        const float wa = static_cast<float>(va + ea.bias) * a.inv_z;
        const float wb = static_cast<float>(vb + eb.bias) * b.inv_z;
        const float wc = static_cast<float>(vc + ec.bias) * c.inv_z;
        const float sum = wa + wb + wc;
        const float inv_z = sum * inv_area;
        Sample& sample = band.samples[static_cast<size_t>(row) * static_cast<size_t>(band.width) +
                                      static_cast<size_t>(column)];
        if (inv_z > sample.inv_z) {
          const float norm = 1.0f / sum;
          sample.inv_z = inv_z;
          for (size_t i = 0; i < 3; ++i)
            sample.color[i] = static_cast<uint16_t>(
                (wa * a.color[i] + wb * b.color[i] + wc * c.color[i]) * norm + 0.5f);
        }
      }
      va += ea.step_x;
      vb += eb.step_x;
      vc += ec.step_x;
    }
    ea.value += ea.step_y;
    eb.value += eb.step_y;
    ec.value += ec.step_y;
  }
}

// Corners clockwise on the screen; the other side is not drawn.
void DrawTriangle(const Band& band, const Vertex& a, const Vertex& b, const Vertex& c) {
  const auto [low_y, high_y] = std::minmax({a.y, b.y, c.y});
  const int y0 = std::max(FirstCentre(low_y), band.begin);
  const int y1 = std::min(LastCentre(high_y), band.end - 1);
  if (y0 > y1) return;
  const auto [low_x, high_x] = std::minmax({a.x, b.x, c.x});
  const int x0 = std::max(FirstCentre(low_x), 0);
  const int x1 = std::min(LastCentre(high_x), band.width - 1);
  if (x0 > x1) return;
  if (high_x - low_x < kSmall * kSub && high_y - low_y < kSmall * kSub) {
    const int32_t twice_area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
    if (twice_area > 0) FillTriangle<int32_t>(band, a, b, c, x0, x1, y0, y1);
  } else {
    const int64_t twice_area =
        (int64_t{b.x} - a.x) * (int64_t{c.y} - a.y) - (int64_t{b.y} - a.y) * (int64_t{c.x} - a.x);
    if (twice_area > 0) FillTriangle<int64_t>(band, a, b, c, x0, x1, y0, y1);
  }
}

// A square of `size` samples around the centre; at least the sample that holds it.
void DrawSquare(const Band& band, const Vertex& centre, float size) {
  const int32_t half = static_cast<int32_t>(std::min(size, 4096.0f) * (kSub / 2));
  int x0 = FirstCentre(centre.x - half), x1 = LastCentre(centre.x + half - 1);
  int y0 = FirstCentre(centre.y - half), y1 = LastCentre(centre.y + half - 1);
  if (x0 > x1) x0 = x1 = centre.x >> kSubBits;
  if (y0 > y1) y0 = y1 = centre.y >> kSubBits;
  x0 = std::max(x0, 0);
  x1 = std::min(x1, band.width - 1);
  y0 = std::max(y0, band.begin);
  y1 = std::min(y1, band.end - 1);
  for (int y = y0; y <= y1; ++y)
    for (int x = x0; x <= x1; ++x) band.Put(x, y, centre.inv_z, centre.color);
}

using Quad = std::array<ViewPoint, 4>;

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

bool Projector::ClipLine(ViewPoint* a, ViewPoint* b) const {
  for (int plane = 0; plane < 5; ++plane) {
    const double at_a = Inside(plane, a->position);
    const double at_b = Inside(plane, b->position);
    if (!(at_a >= 0) && !(at_b >= 0)) return false;
    if (at_a >= 0 && at_b >= 0) continue;
    const Eigen::Vector3d cut = a->position + at_a / (at_a - at_b) * (b->position - a->position);
    (at_a >= 0 ? b : a)->position = cut;
  }
  return true;
}

void Projector::DrawClipped(const Band& band, const std::array<ViewPoint, 3>& corners) const {
  // Each plane adds one corner at most.
  std::array<ViewPoint, 8> polygon;
  std::copy(corners.begin(), corners.end(), polygon.begin());
  size_t count = corners.size();
  for (int plane = 0; plane < 5; ++plane) {
    std::array<ViewPoint, 8> kept;
    size_t kept_count = 0;
    for (size_t i = 0; i < count; ++i) {
      const ViewPoint& p = polygon[i];
      const ViewPoint& q = polygon[(i + 1) % count];
      const double at_p = Inside(plane, p.position);
      const double at_q = Inside(plane, q.position);
      if (at_p >= 0) kept[kept_count++] = p;
      if ((at_p >= 0) == (at_q >= 0)) continue;
      const double t = at_p / (at_p - at_q);
      ViewPoint& cut = kept[kept_count++];
      cut.position = p.position + t * (q.position - p.position);
      for (size_t k = 0; k < 3; ++k)
        cut.color[k] = static_cast<uint16_t>(p.color[k] + t * (q.color[k] - p.color[k]) + 0.5);
    }
    polygon = kept;
    count = kept_count;
    if (count < 3) return;
  }
  std::array<Vertex, 8> vertices;
  for (size_t i = 0; i < count; ++i) {
    if (!OnScreen(polygon[i].position, &vertices[i])) return;  // not finite
    vertices[i].color = polygon[i].color;
  }
  for (size_t i = 2; i < count; ++i) DrawTriangle(band, vertices[0], vertices[i - 1], vertices[i]);
}

// What of a depth map is a surface: for each cell between four pixels, whether it is whole; if not,
// which of its corners there are.
enum CellBits : uint8_t {
  kWhole = 1,
  kTopLeft = 2,
  kTopRight = 4,
  kBottomLeft = 8,
  kBottomRight = 16,
};

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

}  // namespace

struct SceneRasterizer::Impl {
  // A point of a cloud, and how large it is drawn.
  struct Splat {
    Vertex vertex;
    float size = 0;
  };

  int bits = 8;
  ThreadPool* pool = nullptr;
  bool begun = false;
  Camera camera;  // of the picture, in samples
  int scale = 1;  // samples per pixel in one axis
  Pose view_from_world = Pose::Identity();
  std::vector<Sample> samples;
  Grid grid;  // kept for its memory

  int width() const { return camera.width; }
  int height() const { return camera.height; }
  int bands() const { return (height() + kBandRows - 1) / kBandRows; }

  void For(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
    if (pool != nullptr)
      pool->ParallelFor(count, grain, body);
    else if (count > 0)
      body(0, count);
  }
  // draw(band, i) for each band of rows.
  void ForBands(const std::function<void(const Band&, size_t)>& draw) {
    For(bands(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        draw(BandAt(static_cast<int>(i)), static_cast<size_t>(i));
    });
  }
  Band BandAt(int i) {
    return {samples.data(), width(), i * kBandRows, std::min((i + 1) * kBandRows, height())};
  }
  // Points in world axes; inv_z is 0 for those that cannot be put on the screen.
  std::vector<Vertex> Projected(const Projector& projector,
                                const std::vector<Eigen::Vector3f>& points,
                                const std::vector<Color>& colors) {
    std::vector<Vertex> vertices(points.size());
    For(static_cast<int64_t>(points.size()), 4096, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        if (!projector.OnScreen(projector.ToView(points[i].cast<double>()), &vertices[i]))
          vertices[i].inv_z = 0;
        vertices[i].color = colors[i];
      }
    });
    return vertices;
  }
  // Which of `count` things each band has to draw, in their order.
  std::vector<std::vector<uint32_t>> Sorted(size_t count,
                                            const std::function<Reach(size_t)>& reach_of) const {
    std::vector<std::vector<uint32_t>> result(static_cast<size_t>(bands()));
    const int32_t band_height = kBandRows * kSub;
    for (size_t i = 0; i < count; ++i) {
      const Reach reach = reach_of(i);
      if (reach.high < 0 || reach.low > reach.high || reach.low >= height() * kSub) continue;
      const int first = std::max(reach.low, 0) / band_height;
      const int last = std::min(reach.high / band_height, bands() - 1);
      for (int band = first; band <= last; ++band)
        result[static_cast<size_t>(band)].push_back(static_cast<uint32_t>(i));
    }
    return result;
  }
  void RequireBegun() const {
    Require(begun, Code::kInvalidArgument, "SceneRasterizer: call Begin() first");
  }

  void DrawGrid();
};

void SceneRasterizer::Impl::DrawGrid() {
  const bool points = grid.options.points;
  const int rows = points ? grid.depth.height : grid.cell_rows();
  const int columns = points ? grid.depth.width : grid.cell_columns();
  grid.vertices.resize(static_cast<size_t>(grid.depth.width) *
                       static_cast<size_t>(grid.depth.height));
  grid.cells.resize(static_cast<size_t>(grid.cell_rows()) *
                    static_cast<size_t>(grid.cell_columns()));
  grid.blocks = (columns + kBlock - 1) / kBlock;
  grid.reaches.resize(static_cast<size_t>(rows) * static_cast<size_t>(grid.blocks));
  For(grid.depth.height, 16, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) grid.Project(static_cast<int>(y));
  });
  For(rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) {
      if (points) {
        grid.MeasurePixels(static_cast<int>(y));
      } else {
        grid.FindCells(static_cast<int>(y));
        grid.MeasureCells(static_cast<int>(y));
      }
    }
  });
  ForBands([&](const Band& band, size_t) {
    const int64_t low = int64_t{band.begin} * kSub;
    const int64_t high = int64_t{band.end} * kSub;
    const Reach* reach = grid.reaches.data();
    for (int y = 0; y < rows; ++y)
      for (int block = 0; block < grid.blocks; ++block, ++reach) {
        if (reach->low > reach->high || reach->high < low || reach->low > high) continue;
        if (points)
          grid.DrawPixels(band, y, block);
        else
          grid.DrawCells(band, y, block);
      }
  });
}

SceneRasterizer::SceneRasterizer(int bits, ThreadPool* pool) : impl_(std::make_unique<Impl>()) {
  Require(bits >= 8 && bits <= 16, Code::kInvalidArgument,
          "SceneRasterizer: bits is " + std::to_string(bits) + ", must be in [8, 16]");
  impl_->bits = bits;
  impl_->pool = pool;
}
SceneRasterizer::~SceneRasterizer() = default;
SceneRasterizer::SceneRasterizer(SceneRasterizer&&) noexcept = default;
SceneRasterizer& SceneRasterizer::operator=(SceneRasterizer&&) noexcept = default;

void SceneRasterizer::Begin(const Camera& camera, const Pose& world_from_view, int supersampling) {
  camera.Check();
  Require(
      supersampling >= 1 && supersampling <= 4, Code::kInvalidArgument,
      "SceneRasterizer: supersampling is " + std::to_string(supersampling) + ", must be in [1, 4]");
  const int64_t count = int64_t{camera.width} * camera.height * supersampling * supersampling;
  Require(count <= int64_t{1} << 28, Code::kInvalidArgument,
          "SceneRasterizer: a picture of " + std::to_string(camera.width) + "x" +
              std::to_string(camera.height) + " pixels with " + std::to_string(supersampling) +
              " x " + std::to_string(supersampling) + " samples is too large");
  impl_->camera = camera.Scaled(camera.width * supersampling, camera.height * supersampling);
  impl_->scale = supersampling;
  impl_->view_from_world = world_from_view.inverse();
  impl_->samples.assign(static_cast<size_t>(count), Sample{});
  impl_->begun = true;
}

void SceneRasterizer::AddSurface(const ImageView& color, const DepthView& depth,
                                 const Camera& camera, const Pose& world_from_cam,
                                 const SurfaceOptions& options) {
  impl_->RequireBegun();
  camera.Check();
  Require(color.format == PixelFormat::Rgb(impl_->bits), Code::kInvalidArgument,
          "SceneRasterizer: the color is " + color.format.ToString() + ", must be " +
              PixelFormat::Rgb(impl_->bits).ToString());
  const auto has_size = [&](int width, int height) {
    return width == depth.width && height == depth.height;
  };
  Require(has_size(color.width, color.height) && has_size(camera.width, camera.height) &&
              (options.mask.data == nullptr || has_size(options.mask.width, options.mask.height)),
          Code::kInvalidArgument,
          "SceneRasterizer: color, depth, mask and camera must have one size");
  const Projector projector(impl_->camera, impl_->view_from_world * world_from_cam, &options);
  Grid& grid = impl_->grid;
  grid.color = color;
  grid.depth = depth;
  grid.camera = camera;
  grid.options = options;
  grid.projector = &projector;
  impl_->DrawGrid();
  grid.projector = nullptr;
}

void SceneRasterizer::AddPoints(const std::vector<Eigen::Vector3f>& points,
                                const std::vector<Color>& colors, double size) {
  impl_->RequireBegun();
  Require(points.size() == colors.size() && points.size() < UINT32_MAX, Code::kInvalidArgument,
          "SceneRasterizer: there must be one color per point");
  const Projector projector(impl_->camera, impl_->view_from_world);
  const float samples = static_cast<float>(size * impl_->scale);
  const int32_t half = static_cast<int32_t>(std::min(samples, 4096.0f) * (kSub / 2)) + kSub;
  const std::vector<Vertex> vertices = impl_->Projected(projector, points, colors);
  const auto lists = impl_->Sorted(points.size(), [&](size_t i) {
    Reach reach;
    if (vertices[i].inv_z <= 0) return reach;
    reach.Add(vertices[i].y - half);
    reach.Add(vertices[i].y + half);
    return reach;
  });
  impl_->ForBands([&](const Band& band, size_t index) {
    for (const uint32_t i : lists[index]) DrawSquare(band, vertices[i], samples);
  });
}

void SceneRasterizer::AddTriangles(const std::vector<Eigen::Vector3f>& points,
                                   const std::vector<Color>& colors,
                                   const std::vector<Eigen::Matrix<int32_t, 3, 1>>& triangles) {
  impl_->RequireBegun();
  Require(points.size() == colors.size() && triangles.size() < UINT32_MAX, Code::kInvalidArgument,
          "SceneRasterizer: there must be one color per point");
  const auto count = static_cast<int64_t>(points.size());
  for (const Eigen::Matrix<int32_t, 3, 1>& triangle : triangles)
    Require(triangle.minCoeff() >= 0 && triangle.maxCoeff() < count, Code::kInvalidArgument,
            "SceneRasterizer: a triangle names a point that is not there");
  const Projector projector(impl_->camera, impl_->view_from_world);
  const std::vector<Vertex> vertices = impl_->Projected(projector, points, colors);
  const auto view_point = [&](int32_t i) {
    const auto k = static_cast<size_t>(i);
    return ViewPoint{projector.ToView(points[k].cast<double>()), colors[k]};
  };
  const auto vertex_of = [&](int32_t i) -> const Vertex& {
    return vertices[static_cast<size_t>(i)];
  };
  const auto lists = impl_->Sorted(triangles.size(), [&](size_t i) {
    Reach reach;
    for (const int32_t corner : triangles[i]) {
      if (vertex_of(corner).inv_z <= 0) return Reach{0, INT32_MAX};  // to be clipped
      reach.Add(vertex_of(corner).y);
    }
    return reach;
  });
  impl_->ForBands([&](const Band& band, size_t index) {
    for (const uint32_t i : lists[index]) {
      const Eigen::Matrix<int32_t, 3, 1>& t = triangles[i];
      const Vertex& a = vertex_of(t[0]);
      const Vertex& b = vertex_of(t[1]);
      const Vertex& c = vertex_of(t[2]);
      if (a.inv_z > 0 && b.inv_z > 0 && c.inv_z > 0) {
        DrawTriangle(band, a, b, c);
        DrawTriangle(band, a, c, b);
      } else {
        const ViewPoint pa = view_point(t[0]), pb = view_point(t[1]), pc = view_point(t[2]);
        projector.DrawClipped(band, {pa, pb, pc});
        projector.DrawClipped(band, {pa, pc, pb});
      }
    }
  });
}

void SceneRasterizer::AddLine(const Eigen::Vector3d& from, const Eigen::Vector3d& to,
                              const Color& color) {
  impl_->RequireBegun();
  const Projector projector(impl_->camera, impl_->view_from_world);
  ViewPoint a{projector.ToView(from), color};
  ViewPoint b{projector.ToView(to), color};
  if (!projector.ClipLine(&a, &b)) return;
  Vertex start, end;
  if (!projector.OnScreen(a.position, &start) || !projector.OnScreen(b.position, &end)) return;
  const Band all{impl_->samples.data(), impl_->width(), 0, impl_->height()};
  const int64_t dx = int64_t{end.x} - start.x;
  const int64_t dy = int64_t{end.y} - start.y;
  const int64_t steps =
      std::max<int64_t>((std::max(std::abs(dx), std::abs(dy)) >> kSubBits) + 1, 1);
  for (int64_t i = 0; i <= steps; ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(steps);
    Vertex at;
    at.x = start.x + static_cast<int32_t>(std::floor(static_cast<double>(dx) * t + 0.5));
    at.y = start.y + static_cast<int32_t>(std::floor(static_cast<double>(dy) * t + 0.5));
    at.inv_z = static_cast<float>(start.inv_z + (end.inv_z - start.inv_z) * t);
    at.color = color;
    DrawSquare(all, at, static_cast<float>(impl_->scale));
  }
}

namespace {

// The mean of the samples of each pixel, `background` where there is nothing.
template <typename T>
void AverageRow(const Sample* samples, size_t row_length, int scale, const Color& background,
                int width, const std::array<T*, 3>& to) {
  const int count = scale * scale;
  for (int x = 0; x < width; ++x) {
    std::array<uint32_t, 3> sum = {};
    for (int dy = 0; dy < scale; ++dy) {
      const Sample* at =
          samples + static_cast<size_t>(dy) * row_length + static_cast<size_t>(x * scale);
      for (int dx = 0; dx < scale; ++dx) {
        const Color& color = at[dx].inv_z > 0 ? at[dx].color : background;
        for (size_t i = 0; i < 3; ++i) sum[i] += color[i];
      }
    }
    for (size_t i = 0; i < 3; ++i)
      to[i][x] = static_cast<T>((sum[i] + static_cast<uint32_t>(count / 2)) /
                                static_cast<uint32_t>(count));
  }
}

}  // namespace

void SceneRasterizer::Finish(const Color& background, const MutableImageView& picture,
                             const PlaneView<float>& depth) {
  impl_->RequireBegun();
  const int scale = impl_->scale;
  const int width = impl_->width() / scale;
  const int height = impl_->height() / scale;
  Require(picture.format == PixelFormat::Rgb(impl_->bits) && picture.width == width &&
              picture.height == height,
          Code::kInvalidArgument,
          "SceneRasterizer: the picture must be " + PixelFormat::Rgb(impl_->bits).ToString() +
              " and of the size of the camera");
  Require(depth.data == nullptr || (depth.width == width && depth.height == height),
          Code::kInvalidArgument, "SceneRasterizer: the depth must be of the size of the camera");
  const size_t length = static_cast<size_t>(impl_->width());
  impl_->For(height, 16, [&](int64_t begin, int64_t end) {
    for (int y = static_cast<int>(begin); y < static_cast<int>(end); ++y) {
      const Sample* samples = impl_->samples.data() + static_cast<size_t>(y * scale) * length;
      if (impl_->bits == 8)
        AverageRow<uint8_t>(samples, length, scale, background, width,
                            {picture.Plane<uint8_t>(0).Row(y), picture.Plane<uint8_t>(1).Row(y),
                             picture.Plane<uint8_t>(2).Row(y)});
      else
        AverageRow<uint16_t>(samples, length, scale, background, width,
                             {picture.Plane<uint16_t>(0).Row(y), picture.Plane<uint16_t>(1).Row(y),
                              picture.Plane<uint16_t>(2).Row(y)});
      if (depth.data == nullptr) continue;
      float* z = depth.Row(y);
      for (int x = 0; x < width; ++x) {
        float inv_z = 0;
        for (int dy = 0; dy < scale; ++dy)
          for (int dx = 0; dx < scale; ++dx)
            inv_z = std::max(
                inv_z,
                samples[static_cast<size_t>(dy) * length + static_cast<size_t>(x * scale + dx)]
                    .inv_z);
        z[x] = inv_z > 0 ? 1 / inv_z : 0;
      }
    }
  });
  impl_->begun = false;
}

}  // namespace mdvt
