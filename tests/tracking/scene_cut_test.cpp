// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/scene_cut.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/tracking/point_tracker.h"
#include "pictures.h"
#include "support/edited_clip.h"

namespace mdvt {
namespace {

TEST(SceneCutDetector, TellsACutFromMotion) {
  SceneCutDetector detector;
  EXPECT_FALSE(detector.IsCut(test::Waves(160, 90, 0, 0).Plane<uint8_t>(), 0, 0));
  EXPECT_FALSE(detector.IsCut(test::Waves(160, 90, 2, 0).Plane<uint8_t>(), 300, 280));
  EXPECT_TRUE(detector.IsCut(test::Waves(160, 90, 900, 500).Plane<uint8_t>(), 300, 20));
  EXPECT_FALSE(detector.IsCut(test::Waves(160, 90, 902, 500).Plane<uint8_t>(), 300, 290));
}

TEST(SceneCutDetector, NeedsBothTheTracksAndThePicture) {
  SceneCutDetector detector;
  detector.IsCut(test::Waves(160, 90, 0, 0).Plane<uint8_t>(), 0, 0);
  // Tracks lost, same picture (blur, for example); tracks kept, other thumbnail.
  EXPECT_FALSE(detector.IsCut(test::Waves(160, 90, 0, 0).Plane<uint8_t>(), 300, 0));
  EXPECT_FALSE(detector.IsCut(test::Waves(160, 90, 900, 500).Plane<uint8_t>(), 300, 200));
}

TEST(SceneCutDetector, AChangeOfBrightnessIsNoCut) {
  SceneCutDetector detector;
  detector.IsCut(test::Flat(160, 90, 20).Plane<uint8_t>(), 0, 0);
  EXPECT_FALSE(detector.IsCut(test::Flat(160, 90, 220).Plane<uint8_t>(), 300, 0));
}

TEST(SceneCutDetector, WithoutTracksThePictureDecides) {
  SceneCutDetector detector;
  detector.IsCut(test::Waves(160, 90, 0, 0).Plane<uint8_t>(), 0, 0);
  EXPECT_TRUE(detector.IsCut(test::Waves(160, 90, 900, 500).Plane<uint8_t>(), 3, 3));
}

TEST(SceneCutDetector, TakesAnySizeAndRejectsBadOptions) {
  SceneCutDetector detector;
  EXPECT_FALSE(detector.IsCut(test::Flat(1, 1, 0).Plane<uint8_t>(), 0, 0));
  EXPECT_FALSE(detector.IsCut(test::Flat(1, 1, 255).Plane<uint8_t>(), 0, 0));
  EXPECT_THROW(detector.IsCut({}, 0, 0), Error);
  SceneCutOptions options;
  options.max_survival = 1.5;
  EXPECT_THROW(SceneCutDetector{options}, Error);
  options = {};
  options.min_change = -1;
  EXPECT_THROW(SceneCutDetector{options}, Error);
  options = {};
  options.min_tracks = 0;
  EXPECT_THROW(SceneCutDetector{options}, Error);
}

// With the tracker, as the programs that follow points use it.
TEST(SceneCutDetector, TellsCutsFromFadesDissolvesAndFlashes) {
  test::CutScore score;
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    const test::EditedClip clip(seed, 128, 72, 6);
    PointTrackerOptions options;
    options.max_points = 150;
    options.min_distance = 6;
    PointTracker tracker(options);
    SceneCutDetector detector;
    std::vector<int> cuts;
    for (size_t i = 0; i < clip.frames.size(); ++i) {
      const PlaneView<const uint8_t> green = clip.frames[i].Plane<uint8_t>(1);
      const TrackingStep step = tracker.Track(green);
      if (!detector.IsCut(green, step.alive_before, step.followed)) continue;
      cuts.push_back(static_cast<int>(i));
      tracker.Restart();
      tracker.Track(green);
    }
    score.Add(cuts, clip.cuts);
  }
  ASSERT_GT(score.there, 8);
  std::printf("cuts by tracks: precision %.3f, recall %.3f, F1 %.3f (%d cuts)\n", score.precision(),
              score.recall(), score.f1(), score.there);
  EXPECT_GE(score.f1(), 0.95);
}

TEST(SceneCutDetector, PassesOverBurntOutFrames) {
  SceneCutDetector detector;
  const auto cut = [&](const Image& image, int alive) {
    return detector.IsCut(image.Plane<uint8_t>(), alive, 0);
  };
  const auto white = test::Flat(160, 90, 255);
  EXPECT_FALSE(cut(test::Waves(160, 90, 0, 0), 0));
  EXPECT_FALSE(cut(white, 300));
  EXPECT_FALSE(cut(white, 0));
  EXPECT_FALSE(cut(test::Waves(160, 90, 4, 0), 0));  // the same scene
  EXPECT_FALSE(cut(white, 300));
  EXPECT_TRUE(cut(test::Waves(160, 90, 900, 500), 0));  // another one
  // After five of them, any picture is new.
  for (int i = 0; i < 5; ++i) cut(white, 0);
  EXPECT_TRUE(cut(test::Waves(160, 90, 900, 500), 300));
}

}  // namespace
}  // namespace mdvt
