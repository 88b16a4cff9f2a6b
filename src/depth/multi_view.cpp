// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/multi_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "mdvt/core/error.h"
#include "rows.h"

namespace mdvt {
namespace {

constexpr int kGrain = 16;
constexpr size_t kMaxMaps = 16;

size_t Area(int width, int height) {
  return static_cast<size_t>(width) * static_cast<size_t>(height);
}

}  // namespace

void InverseDepthMap::Reset(int new_width, int new_height) {
  width = new_width;
  height = new_height;
  value.assign(Area(width, height), 0.f);
  sigma.assign(Area(width, height), 0.f);
}

namespace {

// The upper bits of a positive float, from an exponent of -40 on: a coarse logarithm. 0 stays 0.
template <int kDropped, uint32_t kLargest>
uint32_t Shorten(float value) {
  constexpr uint32_t kBase = uint32_t{127 - 40} << 23;
  if (!(value > 0)) return 0;
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (bits <= kBase) return 1;
  const uint32_t code = (bits - kBase + (1u << (kDropped - 1))) >> kDropped;
  return std::clamp(code, uint32_t{1}, kLargest);
}

template <int kDropped>
float Lengthen(uint32_t code) {
  if (code == 0) return 0;
  const uint32_t bits = (code << kDropped) + (uint32_t{127 - 40} << 23);
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

void PackInverseDepth(const InverseDepthMap& map, PackedInverseDepth* packed) {
  packed->width = map.width;
  packed->height = map.height;
  packed->value.resize(map.value.size());
  packed->sigma.resize(map.value.size());
  for (size_t i = 0; i < map.value.size(); ++i) {
    packed->value[i] = static_cast<uint16_t>(Shorten<13, 65535>(map.value[i]));
    packed->sigma[i] = static_cast<uint8_t>(Shorten<21, 255>(map.sigma[i]));
  }
}

void UnpackInverseDepth(const PackedInverseDepth& packed, InverseDepthMap* map) {
  map->Reset(packed.width, packed.height);
  for (size_t i = 0; i < map->value.size(); ++i) {
    map->value[i] = Lengthen<13>(packed.value[i]);
    map->sigma[i] = Lengthen<21>(packed.sigma[i]);
  }
}

void FlowDepthOptions::Check() const {
  Require(flow_sigma > 0 && flow_sigma <= 100, Code::kInvalidArgument,
          "FlowDepthOptions.flow_sigma must be in (0, 100] pixels");
  Require(max_round_trip > 0 && max_round_trip <= 1000, Code::kInvalidArgument,
          "FlowDepthOptions.max_round_trip must be in (0, 1000] pixels");
  Require(max_epipolar > 0 && max_epipolar <= 1000, Code::kInvalidArgument,
          "FlowDepthOptions.max_epipolar must be in (0, 1000] pixels");
  Require(min_parallax >= 0 && min_parallax <= 1000, Code::kInvalidArgument,
          "FlowDepthOptions.min_parallax must be in [0, 1000] pixels");
}

void DepthFromFlow(const Camera& camera_a, const Camera& camera_b, const Pose& cam_b_from_cam_a,
                   PlaneView<const Eigen::Vector2f> flow, PlaneView<const float> round_trip,
                   const FlowDepthOptions& options, ThreadPool* pool, InverseDepthMap* result) {
  options.Check();
  const int w = flow.width, h = flow.height;
  Require(camera_a.width == w && camera_a.height == h && camera_b.width == w &&
              camera_b.height == h && round_trip.width == w && round_trip.height == h,
          Code::kInvalidArgument, "DepthFromFlow: flow, errors and cameras differ in size");
  result->Reset(w, h);
  // Pixels of b: q = m (x + 0.5, y + 0.5, 1) + rho c, a point on the epipolar line.
  Eigen::Matrix3d k_b, k_a_inverse;
  k_b << camera_b.fx, 0, camera_b.cx, 0, camera_b.fy, camera_b.cy, 0, 0, 1;
  k_a_inverse << 1 / camera_a.fx, 0, -camera_a.cx / camera_a.fx, 0, 1 / camera_a.fy,
      -camera_a.cy / camera_a.fy, 0, 0, 1;
  const Eigen::Matrix3f m = (k_b * cam_b_from_cam_a.linear() * k_a_inverse).cast<float>();
  const Eigen::Vector3f c = (k_b * cam_b_from_cam_a.translation()).cast<float>();
  const float base = options.flow_sigma * options.flow_sigma;

  ForRows(pool, h, kGrain, [&](int begin, int end) {
    for (int y = begin; y < end; ++y) {
      const Eigen::Vector2f* f = flow.Row(y);
      const float* trip = round_trip.Row(y);
      float* value = &result->value[Area(w, y)];
      float* sigma = &result->sigma[Area(w, y)];
      const float fy = static_cast<float>(y) + 0.5f;
      for (int x = 0; x < w; ++x) {
        if (!(trip[x] <= options.max_round_trip)) continue;
        const float fx = static_cast<float>(x) + 0.5f;
        const float px = m(0, 0) * fx + m(0, 1) * fy + m(0, 2);
        const float py = m(1, 0) * fx + m(1, 1) * fy + m(1, 2);
        const float pz = m(2, 0) * fx + m(2, 1) * fy + m(2, 2);
        const float u = fx + f[x].x(), v = fy + f[x].y();
        // (px + rho cx) = u (pz + rho cz), likewise for v: two equations, one unknown.
        const float a1 = c.x() - u * c.z(), b1 = u * pz - px;
        const float a2 = c.y() - v * c.z(), b2 = v * pz - py;
        const float aa = a1 * a1 + a2 * a2;
        if (!(aa > 0)) continue;
        const float rho = (a1 * b1 + a2 * b2) / aa;
        const float z = pz + rho * c.z();
        if (!(rho > 0) || !(z > 0)) continue;
        const float per_rho = std::sqrt(aa) / z;  // pixels per unit of rho
        const float across = std::abs(a1 * b2 - a2 * b1) / (std::sqrt(aa) * z);
        if (!(across <= options.max_epipolar) || !(rho * per_rho >= options.min_parallax)) continue;
        const float variance = base + across * across + 0.25f * trip[x] * trip[x];
        value[x] = rho;
        sigma[x] = std::sqrt(variance) / per_rho;
      }
    }
  });
}

void FuseInverseDepth(const std::vector<const InverseDepthMap*>& maps, ThreadPool* pool,
                      InverseDepthMap* result, std::vector<uint8_t>* support) {
  Require(!maps.empty() && maps.size() <= kMaxMaps, Code::kInvalidArgument,
          "FuseInverseDepth: needs 1 to 16 maps");
  const int w = maps[0]->width, h = maps[0]->height;
  for (const InverseDepthMap* map : maps)
    Require(map->width == w && map->height == h, Code::kInvalidArgument,
            "FuseInverseDepth: the maps differ in size");
  result->Reset(w, h);
  if (support != nullptr) support->assign(Area(w, h), 0);
  ForRows(pool, h, kGrain, [&](int begin, int end) {
    std::array<float, kMaxMaps> rho{}, variance{};
    for (size_t i = Area(w, begin); i < Area(w, end); ++i) {
      size_t n = 0;
      for (const InverseDepthMap* map : maps) {
        if (!(map->value[i] > 0)) continue;
        rho[n] = map->value[i];
        variance[n] = map->sigma[i] * map->sigma[i];
        ++n;
      }
      if (n == 0) continue;
      float best_support = -1, total = 0;
      size_t best = 0;
      const auto agree = [&](size_t a, size_t b) {
        const float d = rho[a] - rho[b];
        const float slack = 0.01f * rho[a];
        return d * d <= 6.25f * (variance[a] + variance[b]) + slack * slack;
      };
      for (size_t a = 0; a < n; ++a) {
        float weight = 0;
        for (size_t b = 0; b < n; ++b)
          if (agree(a, b)) weight += 1 / variance[b];
        total += 1 / variance[a];
        if (weight > best_support) {
          best_support = weight;
          best = a;
        }
      }
      float sum = 0, weights = 0, spread = 0;
      int count = 0;
      for (size_t b = 0; b < n; ++b) {
        if (!agree(best, b)) continue;
        sum += rho[b] / variance[b];
        weights += 1 / variance[b];
        ++count;
      }
      const float mean = sum / weights;
      for (size_t b = 0; b < n; ++b)
        if (agree(best, b)) spread += (rho[b] - mean) * (rho[b] - mean) / variance[b];
      // Errors of flows of one frame go together, so the variance is not divided by their number;
      // scatter and contradiction enlarge it.
      const float doubt = total / weights;
      result->value[i] = mean;
      result->sigma[i] = std::sqrt((static_cast<float>(count) + spread) / weights) * doubt;
      if (support != nullptr) (*support)[i] = static_cast<uint8_t>(count);
    }
  });
}

namespace {

// Where points of one camera lie in another one, in single precision.
struct Warp {
  Warp(const Camera& from, const Camera& to, const Pose& to_from_from)
      : r(to_from_from.linear().cast<float>()),
        t(to_from_from.translation().cast<float>()),
        focal(from.fx, from.fy),
        center(from.cx, from.cy),
        to_focal(to.fx, to.fy),
        to_center(to.cx, to.cy) {}

  // The point at a place in pixels, over its depth: scaled by the inverse depth `rho`.
  Eigen::Vector3f Point(float u, float v, float rho) const {
    const Eigen::Vector3f ray((u - center.x) / focal.x, (v - center.y) / focal.y, 1.f);
    return r * ray + rho * t;
  }
  Eigen::Vector2f Pixel(const Eigen::Vector3f& p) const {
    return {to_focal.x * p.x() / p.z() + to_center.x, to_focal.y * p.y() / p.z() + to_center.y};
  }

 private:
  struct Pair {
    Pair(double x_value, double y_value)
        : x(static_cast<float>(x_value)), y(static_cast<float>(y_value)) {}
    float x, y;
  };

  Eigen::Matrix3f r;
  Eigen::Vector3f t;
  Pair focal, center, to_focal, to_center;
};

}  // namespace

void ReprojectInverseDepth(const InverseDepthMap& map, const Camera& camera,
                           const Camera& other_camera, const Pose& other_from_cam, float growth,
                           InverseDepthMap* result) {
  const int w = map.width, h = map.height;
  Require(camera.width == w && camera.height == h && other_camera.width == w &&
              other_camera.height == h,
          Code::kInvalidArgument, "ReprojectInverseDepth: map and cameras differ in size");
  result->Reset(w, h);
  const Warp warp(camera, other_camera, other_from_cam);
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      const size_t i = Area(w, y) + static_cast<size_t>(x);
      const float rho = map.value[i];
      if (!(rho > 0)) continue;
      const Eigen::Vector3f p =
          warp.Point(static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f, rho);
      if (!(p.z() > 1e-6f)) continue;
      const Eigen::Vector2f pixel = warp.Pixel(p);
      const float u = pixel.x(), v = pixel.y();
      if (!(u >= 0 && v >= 0 && u < static_cast<float>(w) && v < static_cast<float>(h))) continue;
      const size_t to = Area(w, static_cast<int>(v)) + static_cast<size_t>(u);
      const float value = rho / p.z();
      if (value <= result->value[to]) continue;
      result->value[to] = value;
      const float carried = map.sigma[i] / p.z(), more = growth * value;
      result->sigma[to] = std::sqrt(carried * carried + more * more);
    }
  }
  // A surface that comes nearer spreads over more pixels than it had: close single gaps.
  const auto close = [&](size_t at, size_t before, size_t after) {
    if (result->value[at] > 0 || !(result->value[before] > 0) || !(result->value[after] > 0))
      return;
    const float a = result->value[before], b = result->value[after];
    if (std::abs(a - b) > 0.1f * std::min(a, b)) return;
    result->value[at] = 0.5f * (a + b);
    result->sigma[at] = std::max(result->sigma[before], result->sigma[after]);
  };
  const size_t step = static_cast<size_t>(w);
  for (int y = 0; y < h; ++y)
    for (int x = 1; x + 1 < w; ++x) {
      const size_t i = Area(w, y) + static_cast<size_t>(x);
      close(i, i - 1, i + 1);
    }
  for (int y = 1; y + 1 < h; ++y)
    for (int x = 0; x < w; ++x) {
      const size_t i = Area(w, y) + static_cast<size_t>(x);
      close(i, i - step, i + step);
    }
}

void RigidFlow(const InverseDepthMap& map, const Camera& camera_a, const Camera& camera_b,
               const Pose& cam_b_from_cam_a, ThreadPool* pool, PlaneView<Eigen::Vector2f> flow) {
  const int w = map.width, h = map.height;
  Require(flow.width == w && flow.height == h && camera_a.width == w && camera_a.height == h,
          Code::kInvalidArgument, "RigidFlow: map, camera and flow differ in size");
  const Warp warp(camera_a, camera_b, cam_b_from_cam_a);
  ForRows(pool, h, kGrain, [&](int begin, int end) {
    // A copy, as the compiler cannot know that `flow` does not overlap the other one.
    const Warp local = warp;
    for (int y = begin; y < end; ++y) {
      Eigen::Vector2f* out = flow.Row(y);
      const float* rho = &map.value[Area(w, y)];
      for (int x = 0; x < w; ++x) {
        const Eigen::Vector2f here(static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f);
        const Eigen::Vector3f p = local.Point(here.x(), here.y(), rho[x]);
        if (!(p.z() > 1e-3f)) {
          out[x].setZero();
          continue;
        }
        out[x] = local.Pixel(p) - here;
      }
    }
  });
}

}  // namespace mdvt
