// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/disparity_smoother.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>

#include "mdvt/core/error.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 64, kHeight = 40;
const NormalRange kUnit{{0, 1}};

Image Map(float value) {
  Image map(PixelFormat::GrayF32(), kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) std::fill_n(map.MutablePlane<float>().Row(y), kWidth, value);
  return map;
}

Image Picture(int left, int right, const PixelFormat& format = PixelFormat::Gray(8)) {
  Image image(format, kWidth, kHeight);
  for (int plane = 0; plane < format.num_planes(); ++plane)
    for (int y = 0; y < format.PlaneHeight(plane, kHeight); ++y)
      for (int x = 0; x < format.PlaneWidth(plane, kWidth); ++x) {
        const int value = (x < kWidth / 2 ? left : right) << (format.bits - 8);
        if (format.type == SampleType::kU8)
          image.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(value);
        else
          image.MutablePlane<uint16_t>(plane).At(x, y) = static_cast<uint16_t>(value);
      }
  return image;
}

float Smooth(DisparitySmoother* smoother, const Image& picture, float value, double seconds = 0.04,
             bool restart = false, int x = 5) {
  Image map = Map(value);
  smoother->Smooth(picture, seconds, restart, kUnit, &map);
  return map.Plane<float>().At(x, 20);
}

TEST(DisparitySmoother, IsTheEmaOfAlpha) {
  SmootherOptions options;
  options.alpha = 0.9;
  DisparitySmoother smoother(options);
  const Image still = Picture(100, 100);
  EXPECT_EQ(Smooth(&smoother, still, 0), 0);
  for (int t = 1; t < 20; ++t) EXPECT_NEAR(Smooth(&smoother, still, 1), 1 - std::pow(0.9, t), 1e-5);
}

TEST(DisparitySmoother, TauDoesNotDependOnTheFrameRate) {
  SmootherOptions options;
  options.tau_seconds = 0.5;
  const Image still = Picture(100, 100);
  for (const double fps : {10.0, 25.0, 60.0}) {
    DisparitySmoother smoother(options);
    Smooth(&smoother, still, 0);
    float value = 0;
    for (int t = 0; t < static_cast<int>(fps); ++t) value = Smooth(&smoother, still, 1, 1 / fps);
    EXPECT_NEAR(value, 1 - std::exp(-1 / 0.5), 1e-4) << fps;
  }
}

TEST(DisparitySmoother, RestartForgetsThePast) {
  DisparitySmoother smoother({});
  const Image still = Picture(100, 100);
  Smooth(&smoother, still, 0);
  EXPECT_EQ(Smooth(&smoother, still, 1, 0.04, true), 1);
  EXPECT_NEAR(Smooth(&smoother, still, 0), 0.9, 1e-6);
}

TEST(DisparitySmoother, FollowsAtOnceWhereThePictureMoves) {
  for (const PixelFormat& format :
       {PixelFormat::Gray(8), PixelFormat::Yuv(420, 10), PixelFormat::Rgb(16)}) {
    DisparitySmoother smoother({});
    Smooth(&smoother, Picture(100, 100, format), 0);
    Image map = Map(1);
    smoother.Smooth(Picture(100, 105, format), 0.04, false, kUnit, &map);
    const auto plane = map.Plane<float>();
    EXPECT_NEAR(plane.At(10, 20), 0.1, 1e-6) << "still";
    // Five of 8 - 2 levels beyond `still`: half way.
    EXPECT_NEAR(plane.At(50, 20), 1 - 0.9 * 0.5, 1e-6);
    Image moved = Map(1);
    smoother.Smooth(Picture(100, 150, format), 0.04, false, kUnit, &moved);
    EXPECT_EQ(moved.Plane<float>().At(50, 20), 1);
  }
}

// Against the definition: every sample, at the borders of windows and of blocks of rows too.
TEST(DisparitySmoother, NormalisesAndWeighsByTheMeanOfEachWindow) {
  constexpr int kW = 71, kH = 150;
  std::mt19937_64 rng(3);
  const NormalRange range{{0.5, 2.5}};
  std::array<Image, 2> pictures, maps, raw;
  for (size_t t = 0; t < 2; ++t) {
    pictures[t] = Image(PixelFormat::Gray(8), kW, kH);
    maps[t] = Image(PixelFormat::GrayF32(), kW, kH);
    for (int y = 0; y < kH; ++y)
      for (int x = 0; x < kW; ++x) {
        pictures[t].MutablePlane<uint8_t>().At(x, y) = static_cast<uint8_t>(100 + rng() % 16);
        maps[t].MutablePlane<float>().At(x, y) = static_cast<float>(rng() % 3000) / 1000;
      }
    raw[t] = maps[t].Clone();
  }
  ThreadPool pool(2);
  DisparitySmoother smoother({}, &pool);
  for (size_t t = 0; t < 2; ++t) smoother.Smooth(pictures[t], 0.04, false, range, &maps[t]);
  const auto normal = [&](size_t t, int x, int y) {
    return std::clamp((raw[t].Plane<float>().At(x, y) - 0.5) / 2, 0.0, 1.0);
  };
  for (int y = 0; y < kH; ++y) {
    for (int x = 0; x < kW; ++x) {
      int sum = 0;
      for (int dy = -3; dy <= 3; ++dy)
        for (int dx = -3; dx <= 3; ++dx) {
          const int i = std::clamp(x + dx, 0, kW - 1), j = std::clamp(y + dy, 0, kH - 1);
          sum += std::abs(pictures[0].Plane<uint8_t>().At(i, j) -
                          pictures[1].Plane<uint8_t>().At(i, j));
        }
      const double a = 0.9 * (1 - std::clamp((sum / 49.0 - 2) / 6, 0.0, 1.0));
      ASSERT_NEAR(maps[1].Plane<float>().At(x, y), a * normal(0, x, y) + (1 - a) * normal(1, x, y),
                  2e-6)
          << x << " " << y;
    }
  }
}

TEST(DisparitySmoother, WithoutMotionAdaptionThePictureDoesNotMatter) {
  SmootherOptions options;
  options.motion_adaptive = false;
  DisparitySmoother smoother(options);
  Smooth(&smoother, Picture(0, 0), 0);
  EXPECT_NEAR(Smooth(&smoother, Picture(255, 255), 1), 0.1, 1e-6);
}

TEST(DisparitySmoother, AlphaZeroChangesNothing) {
  SmootherOptions options;
  options.alpha = 0;
  DisparitySmoother smoother(options);
  Smooth(&smoother, Picture(1, 1), 0.25f);
  EXPECT_EQ(Smooth(&smoother, Picture(1, 1), 0.75f), 0.75f);
}

TEST(DisparitySmoother, ThreadsDoNotChangeTheResult) {
  const auto run = [](ThreadPool* pool) {
    std::mt19937_64 rng(7);
    DisparitySmoother smoother({}, pool);
    Image map;
    for (int t = 0; t < 4; ++t) {
      map = Map(0);
      Image picture = Picture(100, 100);
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < kWidth; ++x) {
          picture.MutablePlane<uint8_t>().At(x, y) = static_cast<uint8_t>(100 + rng() % 20);
          map.MutablePlane<float>().At(x, y) = static_cast<float>(rng() % 1000) / 1000;
        }
      smoother.Smooth(picture, 0.04, false, kUnit, &map);
    }
    return map;
  };
  const Image one = run(nullptr);
  ThreadPool pool(3);
  const Image many = run(&pool);
  for (int y = 0; y < kHeight; ++y)
    ASSERT_EQ(std::memcmp(one.Plane<float>().Row(y), many.Plane<float>().Row(y), kWidth * 4), 0);
}

TEST(DisparitySmoother, RefusesWhatDoesNotFit) {
  for (const auto& spoil : {+[](SmootherOptions* o) { o->alpha = 1; },
                            +[](SmootherOptions* o) { o->tau_seconds = NAN; },
                            +[](SmootherOptions* o) { o->still = o->moving; }}) {
    SmootherOptions options;
    spoil(&options);
    EXPECT_THROW(DisparitySmoother smoother(options), Error);
  }
  DisparitySmoother smoother({});
  Image map = Map(0);
  EXPECT_THROW(smoother.Smooth(Image(PixelFormat::Gray(8), 8, 8), 0, true, kUnit, &map), Error);
  smoother.Smooth(Picture(1, 1), 0, true, kUnit, &map);
  EXPECT_THROW(smoother.Smooth(Picture(1, 1), 0, false, kUnit, &map), Error) << "kept as the past";
  map = Map(0);
  EXPECT_THROW(smoother.Smooth(Picture(1, 1, PixelFormat::Rgb(8)), 0, false, kUnit, &map), Error);
}

}  // namespace
}  // namespace mdvt::test
