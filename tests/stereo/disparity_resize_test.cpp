// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/disparity_resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/core/error.h"
#include "stereo/stereo_scenes.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ConstantDepth;

Image Made(int width, int height, const std::function<float(int, int)>& value) {
  Image map(PixelFormat::GrayF32(), width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) map.MutablePlane<float>().At(x, y) = value(x, y);
  return map;
}

Image Resized(const Image& map, int width, int height, double pixels = 100,
              ThreadPool* pool = nullptr) {
  Image to(PixelFormat::GrayF32(), width, height);
  const ResizeWindow all{0, 0, static_cast<double>(map.width()), static_cast<double>(map.height())};
  DisparityResizer(map.width(), map.height(), all, width, height, pool)
      .Resize(map.Plane<float>(), TearRule(), pixels, to.MutablePlane<float>());
  return to;
}

const std::vector<std::pair<int, int>> kSizes = {
    {97, 61}, {73, 96}, {192, 120}, {250, 31}, {24, 15}, {48, 60}, {13, 177}, {1, 1}, {480, 300}};

// Two planes that meet at a slanted line, resized to all kinds of sizes: no value between them.
// The line runs where the filter, a tent, has half of both sides: within its width.
TEST(DisparityResizer, LeavesNothingBetweenTwoSurfaces) {
  const int width = 96, height = 60;
  const float near = 1.0f, far = 0.1f;
  const auto beyond = [&](double u, double v, double slope) { return u - 48 - slope * (v - 30); };
  for (const double slope : {0.0, 0.3, -0.7, 2.0}) {
    const Image map = Made(width, height, [&](int x, int y) {
      return beyond(x + 0.5, y + 0.5, slope) < 0 ? near : far;
    });
    for (const auto& [w, h] : kSizes) {
      const Image to = Resized(map, w, h);
      const double reach_x = std::max(1.0, static_cast<double>(width) / w);
      const double reach_y = std::max(1.0, static_cast<double>(height) / h);
      for (int y = 0; y < h; ++y) {
        for (int x = 0; x < w; ++x) {
          const float value = to.Plane<float>().At(x, y);
          ASSERT_TRUE(std::fabs(value - near) < 1e-5f || std::fabs(value - far) < 1e-5f)
              << value << " at " << x << "," << y << " of " << w << "x" << h;
          const double from_line = beyond((x + 0.5) * width / w, (y + 0.5) * height / h, slope);
          if (std::fabs(from_line) < reach_x + std::fabs(slope) * reach_y) continue;
          ASSERT_EQ(value<0.5f, from_line> 0) << x << "," << y << " of " << w << "x" << h;
        }
      }
    }
  }
}

// The silhouette is where the tent has half of both: at twice the size, half a new pixel at most
// from the slanted line, not in the steps of the old pixels.
TEST(DisparityResizer, SlantedSilhouettesAreNoStairs) {
  const int width = 64, height = 64, times = 4;
  const auto beyond = [](double u, double v) { return (u - 32) - 0.5 * (v - 32); };
  const Image map =
      Made(width, height, [&](int x, int y) { return beyond(x + 0.5, y + 0.5) < 0 ? 1.0f : 0.1f; });
  const Image to = Resized(map, width * times, height * times);
  double worst = 0;
  for (int y = 20 * times; y < 44 * times; ++y) {
    int count = 0;
    for (int x = 0; x < width * times; ++x) count += to.Plane<float>().At(x, y) > 0.5f;
    const double edge = static_cast<double>(count) / times;
    worst = std::max(worst, std::fabs(beyond(edge, (y + 0.5) / times)));
  }
  // Of the old pixels the nearest would be off by up to one.
  EXPECT_LT(worst, 0.65);
}

TEST(DisparityResizer, SurfacesAreLinear) {
  const double a = 0.004, b = 0.003;  // the eyes see neighbours 0.4 and 0.3 pixels apart
  const Image map = Made(80, 50, [&](int x, int y) {
    return static_cast<float>(0.2 + a * (x + 0.5) + b * (y + 0.5));
  });
  for (const auto& [w, h] : kSizes) {
    if (w == 1 || h == 1) continue;
    const Image to = Resized(map, w, h);
    const double reach_x = std::max(1.0, 80.0 / w), reach_y = std::max(1.0, 50.0 / h);
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x) {
        const double u = (x + 0.5) * 80 / w, v = (y + 0.5) * 50 / h;
        if (u < reach_x || u > 80 - reach_x || v < reach_y || v > 50 - reach_y) continue;
        // A tent that is not a whole number of samples wide is off by a part of one.
        const double room = w < 80 || h < 50 ? 0.1 * a : 1e-5;
        ASSERT_NEAR(to.Plane<float>().At(x, y), 0.2 + a * u + b * v, room) << w << "x" << h;
      }
  }
}

// A surface that slants beside another one is continued; of equal shares the nearest is seen.
TEST(DisparityResizer, TiesGoToTheNearestAndMissingDataStaysAlone) {
  const Image map = Made(8, 2, [](int x, int) {
    return x == 2 || x == 3 ? 1.0f : x < 6 ? 0.1f : NAN;
  });
  const Image half = Resized(map, 4, 1);
  // Weights 1/8, 3/8, 3/8, 1/8.
  EXPECT_FLOAT_EQ(half.Plane<float>().At(0, 0), 0.1f);
  EXPECT_FLOAT_EQ(half.Plane<float>().At(1, 0), 1.0f);
  EXPECT_FLOAT_EQ(half.Plane<float>().At(2, 0), 0.1f);
  EXPECT_TRUE(std::isnan(half.Plane<float>().At(3, 0)));
  const Image shared = Resized(Made(2, 1, [](int x, int) { return x == 0 ? 0.1f : 1.0f; }), 1, 1);
  EXPECT_FLOAT_EQ(shared.Plane<float>().At(0, 0), 1.0f);
  const Image known = Resized(Made(2, 1, [](int x, int) { return x == 0 ? NAN : 0.1f; }), 1, 1);
  EXPECT_FLOAT_EQ(known.Plane<float>().At(0, 0), 0.1f);
  // No pixel of data is lost beside a gap, none is made in it.
  const Image wide = Resized(map, 16, 4);
  for (int x = 0; x < 16; ++x) EXPECT_EQ(std::isnan(wide.Plane<float>().At(x, 2)), x >= 12) << x;
}

TEST(DisparityResizer, WhatEyesDoNotSeeApartIsOneSurface) {
  const Image map = Made(4, 1, [](int x, int) { return x < 2 ? 0.10f : 0.05f; });
  const Image blended = Resized(map, 8, 1, 10);   // half a pixel apart
  const Image parted = Resized(map, 8, 1, 1000);  // 50
  EXPECT_FLOAT_EQ(blended.Plane<float>().At(3, 0), 0.0875f);
  EXPECT_FLOAT_EQ(blended.Plane<float>().At(4, 0), 0.0625f);
  EXPECT_FLOAT_EQ(parted.Plane<float>().At(3, 0), 0.10f);
  EXPECT_FLOAT_EQ(parted.Plane<float>().At(4, 0), 0.05f);
}

TEST(DisparityResizer, AWindowIsAPartOfTheMap) {
  const Image map = Made(20, 10, [](int x, int) { return x < 9 ? 1.0f : 0.1f; });
  Image to(PixelFormat::GrayF32(), 12, 6);
  DisparityResizer(20, 10, {6, 2, 6, 3}, 12, 6)
      .Resize(map.Plane<float>(), TearRule(), 100, to.MutablePlane<float>());
  for (int x = 0; x < 12; ++x) EXPECT_FLOAT_EQ(to.Plane<float>().At(x, 3), x < 6 ? 1.0f : 0.1f);
}

TEST(DisparityResizer, MirrorsAndThreadsDoNotMatter) {
  std::mt19937_64 rng = test::Rng();
  Image map = test::BusyDepth(133, 70, rng);
  test::Invert(&map);
  const Image mirrored =
      Made(133, 70, [&](int x, int y) { return map.Plane<float>().At(132 - x, y); });
  for (const auto& [w, h] : kSizes) {
    const Image one = Resized(map, w, h);
    const Image other = Resized(mirrored, w, h);
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x) {
        const float a = one.Plane<float>().At(x, y), b = other.Plane<float>().At(w - 1 - x, y);
        ASSERT_TRUE((std::isnan(a) && std::isnan(b)) || std::fabs(a - b) < 1e-5f)
            << a << " " << b << " at " << x << "," << y << " of " << w << "x" << h;
      }
    for (const int threads : {2, 3, 7}) {
      ThreadPool pool(threads);
      EXPECT_TRUE(test::SameSamples(one, Resized(map, w, h, 100, &pool))) << threads;
    }
  }
}

TEST(DisparityResizer, SaysWhatIsWrong) {
  const ResizeWindow all{0, 0, 8, 8};
  test::ExpectError(Code::kInvalidArgument, "a side of 0",
                    [&] { DisparityResizer(0, 8, all, 4, 4); });
  test::ExpectError(Code::kInvalidArgument, "inside the map", [&] {
    DisparityResizer(8, 8, {1, 0, 8, 8}, 4, 4);
  });
  const Image map = ConstantDepth(8, 7, 1);
  Image to(PixelFormat::GrayF32(), 4, 4);
  test::ExpectError(Code::kInvalidArgument, "the map is 8x7, must be 8x8", [&] {
    DisparityResizer(8, 8, all, 4, 4)
        .Resize(map.Plane<float>(), TearRule(), 1, to.MutablePlane<float>());
  });
}

}  // namespace
}  // namespace mdvt
