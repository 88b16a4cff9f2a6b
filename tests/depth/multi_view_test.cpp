// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/multi_view.h"

#include <gtest/gtest.h>

#include <cmath>

#include "mdvt/core/error.h"
#include "support/raycast.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

constexpr int kWidth = 96, kHeight = 64;

struct Pair {
  test::View a, b;
  Pose b_from_a;
  Image depth;                        // of a
  std::vector<Eigen::Vector2f> flow;  // exact, a to b
  std::vector<float> no_error;

  PlaneView<const Eigen::Vector2f> flow_view() const {
    return {flow.data(), 8 * kWidth, kWidth, kHeight};
  }
  PlaneView<const float> trip() const { return {no_error.data(), 4 * kWidth, kWidth, kHeight}; }
};

Pair MakePair(const test::Clip& clip, double frame) {
  Pair pair;
  pair.a = clip.At(0);
  pair.b = clip.At(frame);
  pair.b_from_a = pair.b.world_from_cam.inverse() * pair.a.world_from_cam;
  const test::RayCaster caster(clip.scene);
  pair.depth = caster.Depth(pair.a);
  const auto flow = caster.FlowTo(pair.a, pair.b);
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      pair.flow.emplace_back(flow.dx.Plane<float>().At(x, y), flow.dy.Plane<float>().At(x, y));
  pair.no_error.assign(pair.flow.size(), 0.f);
  return pair;
}

TEST(DepthFromFlow, IsExactForExactFlow) {
  const Pair pair = MakePair(test::Scenes::Room(kWidth, kHeight), 6);
  InverseDepthMap map;
  FlowDepthOptions options;
  options.min_parallax = 0.05f;
  ThreadPool pool(3);
  DepthFromFlow(pair.a.camera, pair.b.camera, pair.b_from_a, pair.flow_view(), pair.trip(), options,
                &pool, &map);
  int known = 0;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      const float rho = map.value[static_cast<size_t>(y * kWidth + x)];
      if (!(rho > 0)) continue;
      ++known;
      EXPECT_NEAR(rho * pair.depth.Plane<float>().At(x, y), 1, 2e-3) << x << " " << y;
    }
  EXPECT_GT(known, kWidth * kHeight * 95 / 100);

  InverseDepthMap alone;
  DepthFromFlow(pair.a.camera, pair.b.camera, pair.b_from_a, pair.flow_view(), pair.trip(), options,
                nullptr, &alone);
  EXPECT_TRUE(alone.value == map.value);
  EXPECT_TRUE(alone.sigma == map.sigma);
}

TEST(DepthFromFlow, SigmaPredictsTheEffectOfAPixelError) {
  Pair pair = MakePair(test::Scenes::Plane(4, kWidth, kHeight), 0);
  pair.b_from_a.translation().x() = -0.5;
  const float shift = static_cast<float>(pair.a.camera.fx * 0.5 / 4);
  for (auto& v : pair.flow) v = {-shift, 0.f};
  InverseDepthMap exact, off;
  DepthFromFlow(pair.a.camera, pair.b.camera, pair.b_from_a, pair.flow_view(), pair.trip(), {},
                nullptr, &exact);
  for (auto& v : pair.flow) v.x() -= 0.35f;  // one flow_sigma
  DepthFromFlow(pair.a.camera, pair.b.camera, pair.b_from_a, pair.flow_view(), pair.trip(), {},
                nullptr, &off);
  for (size_t i = 0; i < exact.value.size(); ++i) {
    EXPECT_NEAR(exact.value[i], 0.25f, 1e-5f);
    EXPECT_NEAR(off.value[i] - exact.value[i], exact.sigma[i], 1e-3f * exact.sigma[i]);
  }
}

TEST(DepthFromFlow, RefusesOcclusionMotionAndTooLittleParallax) {
  Pair pair = MakePair(test::Scenes::Plane(4, kWidth, kHeight), 0);
  pair.b_from_a.translation().x() = -0.5;
  const float shift = static_cast<float>(pair.a.camera.fx * 0.5 / 4);
  for (auto& v : pair.flow) v = {-shift, 0.f};
  pair.flow[0].y() = 3;         // leaves the epipolar line
  pair.flow[1] = {shift, 0.f};  // behind the camera
  pair.flow[2] = {-0.2f, 0.f};  // hardly any parallax
  pair.no_error[3] = 5;         // does not come back
  pair.no_error[4] = std::nanf("");
  pair.flow[5] = {std::nanf(""), 0};
  InverseDepthMap map;
  DepthFromFlow(pair.a.camera, pair.b.camera, pair.b_from_a, pair.flow_view(), pair.trip(), {},
                nullptr, &map);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(map.value[i], 0) << i;
  EXPECT_GT(map.value[6], 0);
}

TEST(DepthFromFlow, ACameraAtRestMeasuresNothing) {
  const Pair pair = MakePair(test::Scenes::TurningRoom(kWidth, kHeight), 5);
  InverseDepthMap map;
  DepthFromFlow(pair.a.camera, pair.b.camera, pair.b_from_a, pair.flow_view(), pair.trip(), {},
                nullptr, &map);
  for (const float rho : map.value) EXPECT_EQ(rho, 0);
}

TEST(DepthFromFlow, RejectsBadArguments) {
  const Pair pair = MakePair(test::Scenes::Plane(4, kWidth, kHeight), 0);
  InverseDepthMap map;
  Camera other = pair.b.camera;
  other.width = 10;
  EXPECT_THROW(DepthFromFlow(pair.a.camera, other, pair.b_from_a, pair.flow_view(), pair.trip(), {},
                             nullptr, &map),
               Error);
  FlowDepthOptions options;
  options.flow_sigma = 0;
  EXPECT_THROW(options.Check(), Error);
  options = {};
  options.max_round_trip = std::nanf("");
  EXPECT_THROW(options.Check(), Error);
  options = {};
  options.max_epipolar = -1;
  EXPECT_THROW(options.Check(), Error);
  options = {};
  options.min_parallax = -1;
  EXPECT_THROW(options.Check(), Error);
}

InverseDepthMap One(float value, float sigma) {
  InverseDepthMap map;
  map.Reset(1, 1);
  map.value[0] = value;
  map.sigma[0] = sigma;
  return map;
}

TEST(PackInverseDepth, KeepsValuesToTheStatedPrecision) {
  InverseDepthMap map;
  map.Reset(64, 1);
  for (int i = 0; i < 60; ++i) {
    map.value[static_cast<size_t>(i)] = 1.2345f * std::pow(2.f, static_cast<float>(i - 38));
    map.sigma[static_cast<size_t>(i)] = 0.03f * map.value[static_cast<size_t>(i)];
  }
  map.value[61] = 1e-30f;
  map.value[62] = 1e30f;
  InverseDepthMap back;
  PackedInverseDepth packed;
  PackInverseDepth(map, &packed);
  UnpackInverseDepth(packed, &back);
  for (size_t i = 6; i < 60; ++i) {
    EXPECT_NEAR(back.value[i] / map.value[i], 1, 5e-4);
    EXPECT_NEAR(back.sigma[i] / map.sigma[i], 1, 0.13);
  }
  EXPECT_EQ(back.value[60], 0);
  EXPECT_GT(back.value[61], 0);
  EXPECT_LT(back.value[61], 1e-11f);
  EXPECT_GT(back.value[62], 8e6f);
}

TEST(FuseInverseDepth, WeighsByVarianceAndOutvotesOutliers) {
  const InverseDepthMap a = One(0.50f, 0.02f), b = One(0.53f, 0.01f), out = One(1.2f, 0.02f),
                        none = One(0, 0);
  InverseDepthMap fused;
  std::vector<uint8_t> support;
  FuseInverseDepth({&a, &out, &b, &none}, nullptr, &fused, &support);
  EXPECT_EQ(support[0], 2);
  EXPECT_NEAR(fused.value[0], (0.50 / 4 + 0.53) / (1.0 / 4 + 1), 1e-5);
  InverseDepthMap without;
  FuseInverseDepth({&a, &b}, nullptr, &without, nullptr);
  EXPECT_GT(fused.sigma[0], without.sigma[0]);  // contradiction is doubt
  EXPECT_GE(without.sigma[0], 0.01f);
}

TEST(FuseInverseDepth, OneMapPassesThroughAndNoneStaysUnknown) {
  const InverseDepthMap a = One(0.5f, 0.02f), none = One(0, 0);
  InverseDepthMap fused;
  FuseInverseDepth({&a}, nullptr, &fused, nullptr);
  EXPECT_FLOAT_EQ(fused.value[0], 0.5f);
  EXPECT_FLOAT_EQ(fused.sigma[0], 0.02f);
  FuseInverseDepth({&none, &none}, nullptr, &fused, nullptr);
  EXPECT_EQ(fused.value[0], 0);
}

TEST(FuseInverseDepth, RejectsBadArguments) {
  InverseDepthMap fused, a = One(1, 1), b;
  b.Reset(2, 1);
  EXPECT_THROW(FuseInverseDepth({}, nullptr, &fused, nullptr), Error);
  EXPECT_THROW(FuseInverseDepth({&a, &b}, nullptr, &fused, nullptr), Error);
  EXPECT_THROW(
      FuseInverseDepth(std::vector<const InverseDepthMap*>(17, &a), nullptr, &fused, nullptr),
      Error);
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

TEST(RigidFlow, AgreesWithTheRayCaster) {
  const Pair pair = MakePair(test::Scenes::Room(kWidth, kHeight), 5);
  InverseDepthMap map;
  map.Reset(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      map.value[static_cast<size_t>(y * kWidth + x)] = 1 / pair.depth.Plane<float>().At(x, y);
  std::vector<Eigen::Vector2f> flow(pair.flow.size());
  RigidFlow(map, pair.a.camera, pair.b.camera, pair.b_from_a, nullptr,
            {flow.data(), 8 * kWidth, kWidth, kHeight});
  for (size_t i = 0; i < flow.size(); ++i) EXPECT_LT((flow[i] - pair.flow[i]).norm(), 2e-3f);
}

}  // namespace
}  // namespace mdvt
