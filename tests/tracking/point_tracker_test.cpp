// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/point_tracker.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "mdvt/core/error.h"
#include "pictures.h"

namespace mdvt {
namespace {

TEST(PointTracker, FollowsASteadyShiftWithoutDrift) {
  PointTracker tracker;
  std::map<int64_t, Eigen::Vector2d> born;
  std::map<int64_t, int> born_in;
  size_t compared = 0;
  for (int frame = 0; frame < 20; ++frame) {
    const Image image = test::Waves(320, 180, 1.3 * frame, -0.4 * frame);
    const TrackingStep step = tracker.Track(image.Plane<uint8_t>());
    for (const TrackedPoint& p : step.points) {
      if (born.emplace(p.id, p.position).second) {
        born_in[p.id] = frame;
        continue;
      }
      const int age = frame - born_in[p.id];
      const Eigen::Vector2d expected = born[p.id] + age * Eigen::Vector2d(1.3, -0.4);
      // Close to the border the window reaches outside.
      if (expected.x() < 40 || expected.y() < 40 || expected.x() > 280 || expected.y() > 140)
        continue;
      EXPECT_LT((p.position - expected).norm(), 0.15) << "age " << age;
      ++compared;
    }
  }
  EXPECT_GT(compared, 1000u);
}

TEST(PointTracker, CountsAndNeverReusesIds) {
  PointTracker tracker;
  const Image image = test::Waves(320, 180, 0, 0);
  const TrackingStep first = tracker.Track(image.Plane<uint8_t>());
  EXPECT_EQ(first.alive_before, 0);
  EXPECT_GT(first.points.size(), 50u);
  const TrackingStep second = tracker.Track(image.Plane<uint8_t>());
  EXPECT_EQ(second.alive_before, static_cast<int>(first.points.size()));
  EXPECT_EQ(second.followed, second.alive_before);
  tracker.Restart();
  const TrackingStep third = tracker.Track(image.Plane<uint8_t>());
  EXPECT_EQ(third.alive_before, 0);
  std::set<int64_t> old;
  for (const auto& p : second.points) old.insert(p.id);
  for (const auto& p : third.points) EXPECT_EQ(old.count(p.id), 0u);
}

TEST(PointTracker, KeepsItsDistanceAndItsNumber) {
  PointTrackerOptions options;
  options.max_points = 40;
  options.min_distance = 15;
  PointTracker tracker(options);
  const TrackingStep step = tracker.Track(test::Waves(320, 180, 0, 0).Plane<uint8_t>());
  EXPECT_LE(step.points.size(), 40u);
  for (size_t i = 0; i < step.points.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      EXPECT_GE((step.points[i].position - step.points[j].position).norm(), 15);
}

TEST(PointTracker, LosesEverythingAtACut) {
  PointTracker tracker;
  tracker.Track(test::Waves(320, 180, 0, 0).Plane<uint8_t>());
  const TrackingStep step = tracker.Track(test::Waves(320, 180, 1000, 777).Plane<uint8_t>());
  EXPECT_LT(step.followed, step.alive_before / 4);
}

TEST(PointTracker, SmallAndFlatPicturesHaveNoPoints) {
  for (const auto& [w, h] :
       {std::pair(1, 1), std::pair(8, 8), std::pair(15, 300), std::pair(64, 64)}) {
    PointTracker tracker;
    for (int i = 0; i < 3; ++i)
      EXPECT_TRUE(tracker.Track(test::Flat(w, h, 7).Plane<uint8_t>()).points.empty());
  }
  PointTracker tiny;
  for (int i = 0; i < 3; ++i) tiny.Track(test::Waves(17, 16, i, 0).Plane<uint8_t>());
}

TEST(PointTracker, RejectsBadArguments) {
  PointTracker tracker;
  EXPECT_THROW(tracker.Track({}), Error);
  tracker.Track(test::Flat(32, 32, 0).Plane<uint8_t>());
  EXPECT_THROW(tracker.Track(test::Flat(32, 33, 0).Plane<uint8_t>()), Error);
  for (const int field : {0, 1, 2, 3}) {
    PointTrackerOptions options;
    if (field == 0) options.max_points = 0;
    if (field == 1) options.min_distance = 0.5;
    if (field == 2) options.max_round_trip = std::nan("");
    if (field == 3) options.quality = 1;
    EXPECT_THROW(PointTracker{options}, Error);
  }
}

}  // namespace
}  // namespace mdvt
