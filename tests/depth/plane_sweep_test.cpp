// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/plane_sweep.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>

#include "mdvt/core/error.h"
#include "support/raycast.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

constexpr int kWidth = 160, kHeight = 96;

struct Sweep {
  test::View now;
  std::vector<test::View> others;
  SweepPicture reference;
  std::vector<SweepPicture> pictures;
  std::vector<SweepView> views;
  PlaneSweepOptions options;

  SweepResult Run(int threads = 1) const {
    ThreadPool pool(threads);
    PlaneSweep sweep;
    SweepResult result;
    sweep.Compute(reference, now.camera, views, options, &pool, &result);
    return result;
  }
};

SweepPicture Picture(const test::RayCaster& caster, const test::View& view) {
  const Image color = caster.Color(view, PixelFormat::Rgb(8));
  return {color.Plane<uint8_t>(0), color.Plane<uint8_t>(1), color.Plane<uint8_t>(2), nullptr};
}

// The frame `at` of a clip among those so many frames from it.
Sweep Among(const test::Clip& clip, double at, const std::vector<double>& offsets) {
  Sweep sweep;
  const test::RayCaster caster(clip.scene);
  sweep.now = clip.At(at);
  sweep.reference = Picture(caster, sweep.now);
  for (const double offset : offsets) {
    sweep.others.push_back(clip.At(at + offset));
    sweep.pictures.push_back(Picture(caster, sweep.others.back()));
  }
  for (size_t i = 0; i < offsets.size(); ++i)
    sweep.views.push_back({&sweep.pictures[i], sweep.others[i].camera,
                           sweep.others[i].world_from_cam.inverse() * sweep.now.world_from_cam});
  sweep.options.farthest = 0.05f;
  sweep.options.nearest = 0.8f;
  sweep.options.planes = 48;
  return sweep;
}

TEST(PlaneSweep, FindsARoom) {
  const test::Clip clip = test::Scenes::Room(kWidth, kHeight);
  const Sweep sweep = Among(clip, 12, {-12, -8, -4, 4, 8, 12});
  const SweepResult result = sweep.Run();
  const Image depth = test::RayCaster(clip.scene).Depth(sweep.now);
  double sum = 0;
  int good = 0;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      const float error = std::abs(
          1 / (result.value[static_cast<size_t>(y * kWidth + x)] * depth.Plane<float>().At(x, y)) -
          1);
      sum += static_cast<double>(error);
      good += error < 0.1f;
    }
  EXPECT_LT(sum / (kWidth * kHeight), 0.08);
  EXPECT_GT(good, kWidth * kHeight * 85 / 100);
}

TEST(PlaneSweep, IsExactOnAWallBetweenPlanes) {
  test::Clip clip = test::Scenes::Plane(4, kWidth, kHeight);
  clip.path = [](double time) {
    Pose pose = Pose::Identity();
    pose.translation().x() = 0.5 * time;
    return pose;
  };
  Sweep sweep = Among(clip, 12, {-12, 12});
  sweep.options.planes = 32;
  const SweepResult result = sweep.Run();
  const float step = (sweep.options.nearest - sweep.options.farthest) / 31;
  for (int y = 2; y < kHeight - 2; ++y)
    for (int x = 24; x < kWidth - 24; ++x) {
      EXPECT_NEAR(result.value[static_cast<size_t>(y * kWidth + x)], 0.25f, 0.35f * step);
      EXPECT_LT(result.cost[static_cast<size_t>(y * kWidth + x)], 60);
    }
}

TEST(PlaneSweep, SameBytesForEveryThreadCountAndInstructionSet) {
  const Sweep sweep = Among(test::Scenes::MovingRoom(157, 83), 9, {-9, -5, 4, 9});
  const SweepResult one = sweep.Run(1);
  for (const int threads : {2, 3, 7}) {
    const SweepResult many = sweep.Run(threads);
    EXPECT_TRUE(many.value == one.value && many.margin == one.margin && many.cost == one.cost)
        << threads;
  }
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    const SweepResult other = sweep.Run(2);
    hwy::SetSupportedTargetsForTest(0);
    EXPECT_TRUE(other.value == one.value && other.margin == one.margin && other.cost == one.cost)
        << hwy::TargetName(target);
  }
}

TEST(PlaneSweep, WhatMovesByItselfIsNotExplained) {
  const test::Clip clip = test::Scenes::MovingRoom(kWidth, kHeight);
  const Sweep sweep = Among(clip, 12, {-12, -6, 6, 12});
  const SweepResult result = sweep.Run();
  const Image objects = test::RayCaster(clip.scene).Objects(sweep.now);
  double moving = 0, still = 0;
  int moving_count = 0, still_count = 0;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      const test::Object& object =
          clip.scene.objects[static_cast<size_t>(objects.Plane<uint8_t>().At(x, y))];
      const double cost = result.cost[static_cast<size_t>(y * kWidth + x)];
      if (object.velocity.norm() > 0) {
        moving += cost;
        ++moving_count;
      } else {
        still += cost;
        ++still_count;
      }
    }
  ASSERT_GT(moving_count, 100);
  EXPECT_GT(moving / moving_count, 1.8 * still / still_count);
}

TEST(PlaneSweep, NothingToSeeHasNoMargin) {
  Sweep sweep = Among(test::Scenes::Room(kWidth, kHeight), 12, {-12, 12});
  const std::vector<uint8_t> grey(static_cast<size_t>(kWidth * kHeight), 90);
  const PlaneView<const uint8_t> plane{grey.data(), kWidth, kWidth, kHeight};
  sweep.reference = SweepPicture(plane, plane, plane, nullptr);
  for (SweepPicture& picture : sweep.pictures) picture = sweep.reference;
  const SweepResult result = sweep.Run();
  int sure = 0;
  for (int y = 8; y < kHeight - 8; ++y)
    for (int x = 24; x < kWidth - 24; ++x)
      sure += result.margin[static_cast<size_t>(y * kWidth + x)] > 60;
  EXPECT_EQ(sure, 0);
}

TEST(PlaneSweep, TakesAnySize) {
  for (const auto& [w, h] :
       {std::pair(1, 1), std::pair(2, 33), std::pair(33, 2), std::pair(65, 17)}) {
    const Sweep sweep = Among(test::Scenes::Room(w, h), 3, {-3, 3, 60});
    const SweepResult result = sweep.Run(2);
    ASSERT_EQ(result.value.size(), static_cast<size_t>(w * h));
    for (const float value : result.value) {
      EXPECT_GE(value, sweep.options.farthest);
      EXPECT_LE(value, sweep.options.nearest * 1.0001f);
    }
  }
}

TEST(PlaneSweep, RejectsBadArguments) {
  const Sweep good = Among(test::Scenes::Room(32, 16), 3, {3});
  const auto expect_bad = [&](const auto& change) {
    Sweep sweep = good;
    for (SweepView& view : sweep.views) view.picture = &sweep.pictures[0];
    change(&sweep);
    EXPECT_THROW(sweep.Run(), Error);
  };
  expect_bad([](Sweep* s) { s->views.clear(); });
  expect_bad([](Sweep* s) { s->views.resize(17, s->views[0]); });
  expect_bad([](Sweep* s) { s->views[0].picture = nullptr; });
  expect_bad([](Sweep* s) { s->views[0].camera.width = 31; });
  expect_bad([](Sweep* s) { s->now.camera.height = 15; });
  expect_bad([](Sweep* s) { s->options.nearest = s->options.farthest; });
  expect_bad([](Sweep* s) { s->options.farthest = -1; });
  expect_bad([](Sweep* s) { s->options.planes = 40; });
  expect_bad([](Sweep* s) { s->options.planes = 272; });
  expect_bad([](Sweep* s) { s->options.most_difference = 0; });
  expect_bad([](Sweep* s) { s->options.jump_cost = s->options.step_cost - 1; });
  EXPECT_THROW(SweepPicture({}, {}, {}, nullptr), Error);
}

}  // namespace
}  // namespace mdvt
