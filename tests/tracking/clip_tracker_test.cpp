// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/clip_tracker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "mdvt/core/error.h"
#include "pictures.h"

namespace mdvt {
namespace {

PointTrackerOptions Options() {
  PointTrackerOptions options;
  options.max_points = 80;
  options.min_distance = 12;
  options.min_similarity = 0.8;
  options.border = 2;
  options.seed_after_loss = true;
  return options;
}

std::vector<FramePoints> Track(const std::vector<Image>& pictures, int min_length,
                               const PointTrackerOptions& options = Options(),
                               const Image& allowed = {}) {
  SteadyTracker tracker(options, min_length);
  std::vector<FramePoints> all;
  const auto pop = [&] {
    while (auto points = tracker.Pop()) all.push_back(std::move(*points));
  };
  for (const Image& picture : pictures) {
    TrackingFrame frame;
    frame.luma = picture;
    frame.allowed = allowed;
    tracker.Push(std::move(frame));
    pop();
  }
  tracker.Finish();
  pop();
  EXPECT_EQ(all.size(), pictures.size());
  return all;
}

std::vector<Image> Moving(int frames, double step) {
  std::vector<Image> pictures;
  for (int i = 0; i < frames; ++i) pictures.push_back(test::Waves(160, 96, step * i, 0));
  return pictures;
}

TEST(SteadyTracker, ShowsOnlyTracksThatLast) {
  const std::vector<FramePoints> all = Track(Moving(12, 2.5), 6);
  std::map<int64_t, int> lengths;
  for (const FramePoints& points : all) {
    EXPECT_GT(points.size(), 20u);
    for (const TrackedPoint& p : points) ++lengths[p.id];
  }
  for (const auto& [id, length] : lengths) EXPECT_GE(length, 6) << id;
}

TEST(SteadyTracker, ShowsWholeTracksOfShortClips) {
  for (const int frames : {1, 2, 4}) {
    const std::vector<FramePoints> all = Track(Moving(frames, 1), 5);
    for (const FramePoints& points : all) EXPECT_GT(points.size(), 20u) << frames;
  }
}

TEST(SteadyTracker, KeepsOutOfTheMaskAndOffTheBorder) {
  Image allowed = test::Flat(160, 96, 255);
  for (int y = 0; y < 96; ++y)
    for (int x = 0; x < 60; ++x) allowed.MutablePlane<uint8_t>().At(x, y) = 0;
  const std::vector<FramePoints> all = Track(Moving(8, -3), 2, Options(), allowed);
  size_t count = 0;
  for (const FramePoints& points : all) {
    for (const TrackedPoint& p : points) {
      EXPECT_GE(p.position.x(), 59.9);
      EXPECT_LE(p.position.x(), 157.5);
      EXPECT_GE(p.position.y(), 2.5);
      EXPECT_LE(p.position.y(), 93.5);
    }
    count += points.size();
  }
  EXPECT_GT(count, 100u);
}

TEST(SteadyTracker, LooksForNewPointsWhenItIsTime) {
  PointTrackerOptions options = Options();
  options.seed_every = 4;
  options.seed_below = 0;
  const std::vector<FramePoints> all = Track(Moving(12, 6), 1, options);
  std::set<int64_t> known;
  for (size_t frame = 0; frame < all.size(); ++frame) {
    bool any_new = false;
    for (const TrackedPoint& p : all[frame]) any_new = known.insert(p.id).second || any_new;
    EXPECT_EQ(any_new, frame % 4 == 0) << frame;
  }
}

TEST(SteadyTracker, StartsOnAGridWhereThereIsTexture) {
  PointTrackerOptions options = Options();
  options.seeding = PointSeeding::kGrid;
  options.min_distance = 16;
  std::vector<Image> pictures(3, test::Waves(160, 96, 0, 0).Clone());
  for (Image& picture : pictures) {
    picture = picture.Clone();
    for (int y = 0; y < 96; ++y)
      for (int x = 0; x < 48; ++x) picture.MutablePlane<uint8_t>().At(x, y) = 90;
  }
  const FramePoints points = Track(pictures, 1, options).front();
  // Cells of 16: 3 of 10 columns are flat, but for what shows at the edge of the third.
  EXPECT_GE(points.size(), 35u);
  EXPECT_LE(points.size(), 48u);
  for (const TrackedPoint& p : points) {
    EXPECT_GT(p.position.x(), 32);
    EXPECT_EQ(static_cast<int>(p.position.x()) % 16, 8);
    EXPECT_EQ(static_cast<int>(p.position.y()) % 16, 8);
  }
}

TEST(SteadyTracker, EndsAllTracksAtACut) {
  std::vector<Image> pictures = Moving(6, 1);
  for (int i = 0; i < 6; ++i) {
    Image other = test::Waves(160, 96, 1000 + i, 777);
    // Bright on the left, dark on the right: another scene.
    for (int y = 0; y < 96; ++y)
      for (int x = 0; x < 160; ++x) {
        uint8_t& value = other.MutablePlane<uint8_t>().At(x, y);
        value = static_cast<uint8_t>(x < 80 ? 128 + value / 2 : value / 2);
      }
    pictures.push_back(other);
  }
  const std::vector<FramePoints> all = Track(pictures, 3);
  std::set<int64_t> before;
  for (const TrackedPoint& p : all[5]) before.insert(p.id);
  EXPECT_GT(all[6].size(), 10u);
  for (const TrackedPoint& p : all[6]) EXPECT_EQ(before.count(p.id), 0u);
}

TEST(SteadyTracker, FollowsNothingInFlatPictures) {
  for (const FramePoints& points : Track(std::vector<Image>(4, test::Flat(64, 48, 100)), 2))
    EXPECT_TRUE(points.empty());
}

TEST(SteadyTracker, EndsTracksWhoseLookChanges) {
  PointTrackerOptions strict = Options();
  strict.seed_below = 0;
  std::vector<Image> pictures = Moving(2, 0);
  Image faded = pictures[1].Clone();
  // A new pattern lies over the lower half, which moves along: the flow is found, the look is gone.
  for (int y = 48; y < 96; ++y)
    for (int x = 0; x < 160; ++x)
      faded.MutablePlane<uint8_t>().At(x, y) =
          static_cast<uint8_t>(255 - pictures[0].Plane<uint8_t>().At(x, y));
  pictures[1] = faded;
  const std::vector<FramePoints> all = Track(pictures, 1, strict);
  // One or the other finds a place that looks alike by chance.
  const auto below = std::count_if(all[1].begin(), all[1].end(),
                                   [](const TrackedPoint& p) { return p.position.y() > 60; });
  EXPECT_LE(below, 3);
  EXPECT_GT(all[1].size(), 15u);
  for (const TrackedPoint& p : all[1]) EXPECT_GE(p.confidence, 0.8);
}

TEST(SteadyTracker, RejectsOptionsOutOfRange) {
  EXPECT_THROW(SteadyTracker(Options(), 0), Error);
  const auto bad = [](auto change) {
    PointTrackerOptions options = Options();
    change(&options);
    EXPECT_THROW(SteadyTracker(options, 5), Error);
  };
  bad([](PointTrackerOptions* o) { o->window = 20; });
  bad([](PointTrackerOptions* o) { o->min_similarity = 1; });
  bad([](PointTrackerOptions* o) { o->renew_after = 0; });
  bad([](PointTrackerOptions* o) { o->border = -1; });
  bad([](PointTrackerOptions* o) { o->seed_every = -1; });
  bad([](PointTrackerOptions* o) { o->seed_below = 2; });
  SteadyTracker tracker(Options(), 5);
  TrackingFrame frame;
  frame.luma = test::Flat(64, 48, 0);
  frame.allowed = test::Flat(64, 47, 0);
  EXPECT_THROW(tracker.Push(frame), Error);
}

}  // namespace
}  // namespace mdvt
