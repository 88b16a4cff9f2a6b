// SPDX-License-Identifier: Apache-2.0
#include "stereo/raster_screen.h"

#include <algorithm>

namespace mdvt::raster {
namespace {

// Triangles of up to so many samples are drawn in 32 bits.
constexpr int kSmall = 32;

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

}  // namespace

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

}  // namespace mdvt::raster
