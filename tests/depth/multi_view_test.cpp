// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/multi_view.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/raycast.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

constexpr int kWidth = 96, kHeight = 64;

struct Pair {
  test::View a, b;
  Pose b_from_a;
  Image depth;  // of a
};

Pair MakePair(const test::Clip& clip, double frame) {
  Pair pair;
  pair.a = clip.At(0);
  pair.b = clip.At(frame);
  pair.b_from_a = pair.b.world_from_cam.inverse() * pair.a.world_from_cam;
  pair.depth = test::RayCaster(clip.scene).Depth(pair.a);
  return pair;
}

TEST(ReprojectInverseDepth, GivesTheDepthOfTheOtherView) {
  const test::Clip clip = test::Scenes::Room(kWidth, kHeight);
  const Pair pair = MakePair(clip, 3);
  InverseDepthMap map, moved;
  map.Reset(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      map.value[static_cast<size_t>(y * kWidth + x)] = 1 / pair.depth.Plane<float>().At(x, y);
      map.sigma[static_cast<size_t>(y * kWidth + x)] = 0.001f;
    }
  ReprojectInverseDepth(map, pair.a.camera, pair.b.camera, pair.b_from_a, 0.02f, &moved);
  const Image truth = test::RayCaster(clip.scene).Depth(pair.b);
  int known = 0, close = 0;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      const float rho = moved.value[static_cast<size_t>(y * kWidth + x)];
      if (!(rho > 0)) continue;
      ++known;
      close += std::abs(rho * truth.Plane<float>().At(x, y) - 1) < 0.05f;
      EXPECT_GT(moved.sigma[static_cast<size_t>(y * kWidth + x)], 0.001f * 0.5f);
    }
  EXPECT_GT(known, kWidth * kHeight * 85 / 100);
  EXPECT_GT(close, known * 95 / 100);
}

TEST(ReprojectInverseDepth, StandingStillChangesNothing) {
  const Pair pair = MakePair(test::Scenes::Room(kWidth, kHeight), 0);
  InverseDepthMap map, same;
  map.Reset(kWidth, kHeight);
  for (size_t i = 0; i < map.value.size(); ++i) {
    map.value[i] = i % 7 == 0 ? 0.f : 0.2f + 0.0001f * static_cast<float>(i);
    map.sigma[i] = 0.01f;
  }
  ReprojectInverseDepth(map, pair.a.camera, pair.a.camera, Pose::Identity(), 0, &same);
  for (size_t i = 0; i < map.value.size(); ++i)
    if (map.value[i] > 0) {
      EXPECT_NEAR(same.value[i], map.value[i], 1e-6f);
    }
}

}  // namespace
}  // namespace mdvt
