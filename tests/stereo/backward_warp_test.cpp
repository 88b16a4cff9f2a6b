// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/backward_warp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "mdvt/core/error.h"
#include "stereo/stereo_scenes.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

TEST(BackwardWarp, ConstantDisparityIsAUniformShift) {
  std::mt19937_64 rng = Rng();
  Image color(PixelFormat::Yuv(420), 128, 6);
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < color.format().PlaneHeight(plane, 6); ++y)
      for (int x = 0; x < color.format().PlaneWidth(plane, 128); ++x)
        SetSample(color, plane, x, y, static_cast<int>(rng() % 256));
  Image left(color.format(), 128, 6), right(color.format(), 128, 6);
  // (1 - 0.5) * 16 = 8 pixels of parallax, 4 for each eye, 2 chroma samples.
  const Image map = ConstantDepth(128, 6, 0.5f);
  BackwardWarp(color.view(), map.Plane<float>(), 16, 1, left.mutable_view(), right.mutable_view());
  for (int plane = 0; plane < 3; ++plane) {
    const int move = plane == 0 ? 4 : 2, width = color.format().PlaneWidth(plane, 128);
    for (int y = 0; y < color.format().PlaneHeight(plane, 6); ++y) {
      for (int x = 0; x < width; ++x) {
        ASSERT_EQ(SampleOf(left, plane, x, y),
                  SampleOf(color, plane, std::min(x + move, width - 1), y));
        ASSERT_EQ(SampleOf(right, plane, x, y), SampleOf(color, plane, std::max(x - move, 0), y));
      }
    }
  }
}

TEST(BackwardWarp, PositionsAreExactToAThousandthAtFullWidth) {
  // A saw of 30 samples with 2000 steps a pixel: a step is a 2000th of a pixel. A half-precision
  // grid would be off by 0.2 pixels at the far end.
  constexpr int kWidth = 3840, kPeriod = 30, kSlope = 2000;
  Image color(PixelFormat::Gray(16), kWidth, 1);
  for (int x = 0; x < kWidth; ++x) SetSample(color, 0, x, 0, 1000 + kSlope * (x % kPeriod));
  Image left(color.format(), kWidth, 1), right(color.format(), kWidth, 1);
  double worst = 0;
  int compared = 0;
  for (int step = 0; step < 40; ++step) {
    const double disparity = step / 40.0 + 0.0061;
    const double shift = 23.7;
    const Image map = ConstantDepth(kWidth, 1, static_cast<float>(disparity));
    BackwardWarp(color.view(), map.Plane<float>(), shift, 1, left.mutable_view(),
                 right.mutable_view());
    const double move = (1 - static_cast<double>(static_cast<float>(disparity))) * shift / 2;
    for (int x = 20; x < kWidth - 20; ++x) {
      for (const int sign : {1, -1}) {
        const double place = std::fmod(x + sign * move, kPeriod);
        if (place > kPeriod - 1.5 || place < 0.5) continue;  // the saw's own step
        const double seen = (SampleOf(sign > 0 ? left : right, 0, x, 0) - 1000.0) / kSlope;
        worst = std::max(worst, std::fabs(seen - place));
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 200000);
  EXPECT_LT(worst, 1e-3);
}

TEST(BackwardWarp, ConvergenceMovesTheScreen) {
  Image color(PixelFormat::Gray(8), 64, 1);
  for (int x = 0; x < 64; ++x) SetSample(color, 0, x, 0, 4 * x);
  Image left(color.format(), 64, 1), right(color.format(), 64, 1);
  const Image map = ConstantDepth(64, 1, 0.25f);
  for (const auto& [convergence, move] :
       {std::pair(0.25, 0), std::pair(0.0, -2), std::pair(1.0, 6)}) {
    BackwardWarp(color.view(), map.Plane<float>(), 16, convergence, left.mutable_view(),
                 right.mutable_view());
    EXPECT_EQ(SampleOf(left, 0, 30, 0), 4 * (30 + move));
    EXPECT_EQ(SampleOf(right, 0, 30, 0), 4 * (30 - move));
  }
}

TEST(BackwardWarp, ThreadsDoNotChangeTheResult) {
  std::mt19937_64 rng = Rng();
  Image color(PixelFormat::Yuv(420, 10), 131, 75);
  Image map = ConstantDepth(131, 75, 0);
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < color.format().PlaneHeight(plane, 75); ++y)
      for (int x = 0; x < color.format().PlaneWidth(plane, 131); ++x)
        SetSample(color, plane, x, y, static_cast<int>(rng() % 1024));
  for (int y = 0; y < 75; ++y)
    for (int x = 0; x < 131; ++x)
      map.MutablePlane<float>().At(x, y) = static_cast<float>(rng() % 1000) / 999;
  const auto run = [&](ThreadPool* pool, Image* left, Image* right) {
    BackwardWarp(color.view(), map.Plane<float>(), 40, 0.4, left->mutable_view(),
                 right->mutable_view(), 2, pool);
  };
  Image left(color.format(), 131, 75), right(color.format(), 131, 75);
  run(nullptr, &left, &right);
  ThreadPool pool(4);
  Image left4(color.format(), 131, 75), right4(color.format(), 131, 75);
  run(&pool, &left4, &right4);
  EXPECT_TRUE(SameSamples(left, left4));
  EXPECT_TRUE(SameSamples(right, right4));
}

TEST(BackwardWarp, RefusesWhatDoesNotFit) {
  const PixelFormat format = PixelFormat::Gray(8);
  Image color(format, 16, 4), other(format, 15, 4), left(format, 16, 4), right(format, 16, 4);
  const Image map = ConstantDepth(16, 4, 1), small = ConstantDepth(8, 4, 1);
  const auto warp = [&](const Image& from, const Image& disparity, Image* eye, double shift) {
    BackwardWarp(from.view(), disparity.Plane<float>(), shift, 1, eye->mutable_view(),
                 right.mutable_view());
  };
  EXPECT_NO_THROW(warp(color, map, &left, 1));
  EXPECT_THROW(warp(color, map, &other, 1), Error);
  EXPECT_THROW(warp(color, small, &left, 1), Error);
  EXPECT_THROW(warp(color, map, &left, NAN), Error);
  EXPECT_THROW(warp(Image(PixelFormat::GrayF32(), 16, 4), map, &left, 1), Error);
}

}  // namespace
}  // namespace mdvt::test
