// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/scene_cut.h"

#include <gtest/gtest.h>

#include "mdvt/core/error.h"
#include "pictures.h"

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

}  // namespace
}  // namespace mdvt
