// SPDX-License-Identifier: Apache-2.0
//
// Pictures and depth maps that the tests of the view synthesis share.
#pragma once

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/image.h"
#include "mdvt/stereo/renderer.h"
#include "support/pictures.h"

namespace mdvt::test {

inline Image ConstantDepth(int width, int height, float z) {
  Image depth(PixelFormat::GrayF32(), width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) depth.MutablePlane<float>().At(x, y) = z;
  }
  return depth;
}

// Near discs before a slanted wall, with noise, pixels without data and a saturated corner.
inline Image BusyDepth(int width, int height, std::mt19937_64& rng, double noise = 0.002) {
  Image depth = ConstantDepth(width, height, 0);
  const auto uniform = [&](double a, double b) {
    return std::uniform_real_distribution<double>(a, b)(rng);
  };
  struct Disc {
    double x, y, r, z;
  };
  std::vector<Disc> discs;
  for (int i = 0; i < 6; ++i) {
    discs.push_back(
        {uniform(0, width), uniform(0, height), uniform(0.02, 0.15) * width, uniform(0.8, 3)});
  }
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      double z = 4 + 8.0 * x / width + 2.0 * y / height;
      for (const Disc& disc : discs) {
        if (std::hypot(x - disc.x, y - disc.y) < disc.r) z = std::min(z, disc.z + 0.1 * x / width);
      }
      z *= 1 + noise * uniform(-1, 1);
      const double dice = uniform(0, 1);
      if (dice < 0.001) z = 0;
      if (dice > 0.999) z = 100;
      if (dice > 0.9998) z = INFINITY;
      if (dice > 0.9999) z = NAN;
      depth.MutablePlane<float>().At(x, y) = static_cast<float>(z);
    }
  }
  return depth;
}

// 1 / depth, NaN without data.
inline void Invert(Image* depth) {
  const PlaneView<float> map = depth->MutablePlane<float>();
  for (int y = 0; y < map.height; ++y)
    for (int x = 0; x < map.width; ++x) map.At(x, y) = map.At(x, y) > 0 ? 1 / map.At(x, y) : NAN;
}

struct StereoPair {
  Image left, right;
  Image left_depth, right_depth;
  HoleMap left_holes, right_holes;

  StereoPair(PixelFormat format, int width, int height)
      : left(format, width, height),
        right(format, width, height),
        left_depth(PixelFormat::GrayF32(), width, height),
        right_depth(PixelFormat::GrayF32(), width, height) {}
  EyeView LeftView() {
    return {left.mutable_view(), left_depth.MutablePlane<float>(), &left_holes};
  }
  EyeView RightView() {
    return {right.mutable_view(), right_depth.MutablePlane<float>(), &right_holes};
  }
};

// A camera whose disparity constant fx * baseline / 2 is k pixels * metres at a baseline of 0.063.
inline Camera CameraWithK(int width, int height, double k) {
  Camera camera;
  camera.width = width;
  camera.height = height;
  camera.fx = camera.fy = k * 2 / 0.063;
  camera.cx = width / 2.0;
  camera.cy = height / 2.0;
  return camera;
}

inline bool SameSamples(const Image& a, const Image& b) {
  if (a.format() != b.format() || a.width() != b.width() || a.height() != b.height()) return false;
  for (int plane = 0; plane < a.format().num_planes(); ++plane) {
    const size_t bytes = static_cast<size_t>(a.format().PlaneWidth(plane, a.width())) *
                         static_cast<size_t>(a.format().bytes_per_sample());
    for (int y = 0; y < a.format().PlaneHeight(plane, a.height()); ++y) {
      const auto p = static_cast<size_t>(plane);
      if (std::memcmp(a.view().data[p] + y * a.view().stride[p],
                      b.view().data[p] + y * b.view().stride[p], bytes) != 0) {
        return false;
      }
    }
  }
  return true;
}

inline bool SameHoles(const HoleMap& a, const HoleMap& b) {
  if (a.width != b.width || a.height != b.height || a.rows.size() != b.rows.size()) return false;
  for (size_t y = 0; y < a.rows.size(); ++y) {
    if (a.rows[y].size() != b.rows[y].size()) return false;
    for (size_t i = 0; i < a.rows[y].size(); ++i) {
      const HoleSpan &p = a.rows[y][i], &q = b.rows[y][i];
      if (p.begin != q.begin || p.end != q.end || p.background != q.background ||
          p.at_border != q.at_border || p.near_depth != q.near_depth ||
          p.far_depth != q.far_depth) {
        return false;
      }
    }
  }
  return true;
}

inline bool SamePair(const StereoPair& a, const StereoPair& b) {
  return SameSamples(a.left, b.left) && SameSamples(a.right, b.right) &&
         SameSamples(a.left_depth, b.left_depth) && SameSamples(a.right_depth, b.right_depth) &&
         SameHoles(a.left_holes, b.left_holes) && SameHoles(a.right_holes, b.right_holes);
}

}  // namespace mdvt::test
