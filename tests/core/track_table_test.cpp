// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/track_table.h"

#include <gtest/gtest.h>

#include <map>

#include "io/expect_error.h"
#include "mdvt/core/error.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

TrackTable ThreeFrames() {
  TrackTableBuilder builder;
  builder.BeginFrame();
  builder.Add(90, 3, 4, 1);
  builder.Add(7, 1, 2, 0.5f);
  builder.BeginFrame();
  builder.BeginFrame();
  builder.Add(7, 5, 6, 1);
  return builder.Finish();
}

TEST(TrackTable, SortsFramesAndNumbersTracksById) {
  const TrackTable table = ThreeFrames();
  EXPECT_EQ(table.num_frames(), 3);
  EXPECT_EQ(table.ids(), (std::vector<int32_t>{7, 90}));
  ASSERT_EQ(table.Frame(0).size(), 2u);
  EXPECT_EQ(table.Frame(0)[0].track, 0);
  EXPECT_EQ(table.Frame(0)[0].x, 1);
  EXPECT_EQ(table.Frame(0)[0].confidence, 0.5f);
  EXPECT_EQ(table.Frame(0)[1].track, 1);
  EXPECT_TRUE(table.Frame(1).empty());
  EXPECT_TRUE(table.Frame(3).empty()) << "frames after the end have no points";
  EXPECT_EQ(table.Find(2, 0)->y, 6);
  EXPECT_EQ(table.Find(2, 1), nullptr);
  EXPECT_EQ(table.Find(99, 0), nullptr);
}

TEST(TrackTable, NumbersFewTracksWithLargeIds) {
  TrackTableBuilder builder;
  builder.BeginFrame();
  builder.Add(2147483647, 1, 1, 1);
  builder.Add(5, 2, 2, 1);
  const TrackTable table = builder.Finish();
  EXPECT_EQ(table.ids(), (std::vector<int32_t>{5, 2147483647}));
  EXPECT_EQ(table.Frame(0)[1].x, 1);
}

TEST(TrackTable, RefusesATrackTwiceInAFrame) {
  TrackTableBuilder builder;
  builder.BeginFrame();
  builder.BeginFrame();
  builder.Add(3, 0, 0, 1);
  builder.Add(8, 0, 0, 1);
  builder.Add(3, 9, 9, 1);
  ExpectError(Code::kCorrupt, "frame 1: track 3 stands there twice", [&] { builder.Finish(); });
}

TEST(TrackTable, AddsAndTakesFramesAway) {
  TrackTable table = ThreeFrames();
  table.ResizeFrames(5);
  EXPECT_EQ(table.num_frames(), 5);
  EXPECT_TRUE(table.Frame(4).empty());
  EXPECT_EQ(table.num_sightings(), 3u);
  table.ResizeFrames(1);
  EXPECT_EQ(table.num_sightings(), 2u);
  EXPECT_EQ(table.Frame(0).size(), 2u);
  table.ResizeFrames(0);
  EXPECT_EQ(table.num_sightings(), 0u);
}

TEST(TrackTable, DropsWhatRoundingPutOutsideAndRefusesOtherPictures) {
  TrackTableBuilder builder;
  builder.BeginFrame();
  builder.Add(1, 10.5f, 3, 1);
  builder.Add(2, 9.9f, 3, 1);
  builder.Add(3, 2, 5, 1);
  builder.BeginFrame();
  builder.Add(3, 2, 4.5f, 1);
  TrackTable table = builder.Finish();
  TrackTable other = table;
  table.FitPicture(10, 5);
  ASSERT_EQ(table.Frame(0).size(), 1u);
  EXPECT_EQ(table.ids()[static_cast<size_t>(table.Frame(0)[0].track)], 2);
  EXPECT_EQ(table.Frame(1).size(), 1u);
  ExpectError(Code::kInvalidArgument, "frame 0: track 1 is at (10.0, 2.5), outside",
              [&] { other.FitPicture(9, 5); });
}

TEST(TrackOrder, ListsEachTrackInTheOrderOfFrames) {
  const TrackTable table = ThreeFrames();
  const TrackOrder order(table);
  ASSERT_EQ(order.count(0), 2u);
  EXPECT_EQ(order.FrameOf(0, 0), 0);
  EXPECT_EQ(order.FrameOf(0, 1), 2);
  EXPECT_EQ(order.At(0, 1).x, 5);
  ASSERT_EQ(order.count(1), 1u);
  EXPECT_EQ(order.At(1, 0).y, 4);
  const TrackTable none = TrackTableBuilder().Finish();
  EXPECT_EQ(none.num_frames(), 0);
  TrackOrder empty(none);
}

TEST(TrackOrder, AgreesWithAMapOfRandomTracks) {
  auto rng = Rng();
  TrackTableBuilder builder;
  std::map<int32_t, std::vector<std::pair<int64_t, float>>> truth;
  for (int64_t frame = 0; frame < 40; ++frame) {
    builder.BeginFrame();
    for (int32_t id = 0; id < 60; ++id) {
      if (rng() % 3 == 0) continue;
      const auto x = static_cast<float>(rng() % 1000);
      builder.Add(id * 3 + 1, x, 0, 1);
      truth[id * 3 + 1].emplace_back(frame, x);
    }
  }
  const TrackTable table = builder.Finish();
  const TrackOrder order(table);
  ASSERT_EQ(table.num_tracks(), truth.size());
  for (size_t t = 0; t < table.num_tracks(); ++t) {
    const auto& expected = truth[table.ids()[t]];
    const auto track = static_cast<int32_t>(t);
    ASSERT_EQ(order.count(track), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(order.FrameOf(track, i), expected[i].first);
      EXPECT_EQ(order.At(track, i).x, expected[i].second);
    }
  }
}

}  // namespace
}  // namespace mdvt::test
