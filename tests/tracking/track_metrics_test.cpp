// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/track_metrics.h"

#include <gtest/gtest.h>

#include <vector>

#include "mdvt/core/error.h"

namespace mdvt::test {
namespace {

struct Row {
  int frame;
  int id;
  float x;
  float y;
};

TrackTable Table(const std::vector<Row>& rows, int frames) {
  TrackTableBuilder builder;
  for (int frame = 0; frame < frames; ++frame) {
    builder.BeginFrame();
    for (const Row& row : rows)
      if (row.frame == frame) builder.Add(row.id, row.x, row.y, 1);
  }
  return builder.Finish();
}

// One track: asked for in frame 0, visible in 1 to 4, hidden in 5.
std::vector<Row> Known() {
  return {{0, 3, 10, 10}, {1, 3, 10, 10}, {2, 3, 10, 10}, {3, 3, 10, 10}, {4, 3, 10, 10}};
}

TEST(TrackMetrics, CountsByHand) {
  // Errors of 0.5, 3, 20; not seen in 4, and claimed in 5 where it is hidden.
  const TrackTable said =
      Table({{0, 3, 10, 10}, {1, 3, 10.5f, 10}, {2, 3, 13, 10}, {3, 3, 10, 30}, {5, 3, 10, 10}}, 6);
  const TrackMetrics m = EvaluateTracks(Table(Known(), 6), said, 256, 256);
  EXPECT_EQ(m.points, 5);
  EXPECT_EQ(m.visible, 4);
  EXPECT_DOUBLE_EQ(m.occlusion_accuracy, 3.0 / 5);
  const std::array<double, 5> delta = {0.25, 0.25, 0.5, 0.5, 0.5};
  for (size_t t = 0; t < 5; ++t) EXPECT_DOUBLE_EQ(m.delta[t], delta[t]) << t;
  EXPECT_DOUBLE_EQ(m.delta_average, 2.0 / 5);
  // Right / (4 visible + those claimed that are hidden or too far).
  const std::array<double, 5> jaccard = {1.0 / 7, 1.0 / 7, 2.0 / 6, 2.0 / 6, 2.0 / 6};
  for (size_t t = 0; t < 5; ++t) EXPECT_DOUBLE_EQ(m.jaccard[t], jaccard[t]) << t;
  EXPECT_DOUBLE_EQ(m.average_jaccard, (2.0 / 7 + 1) / 5);
  EXPECT_DOUBLE_EQ(m.median_error, 3);
  EXPECT_DOUBLE_EQ(m.survival, 1);
  EXPECT_EQ(m.tracks, 1);
  EXPECT_EQ(m.missing, 0);
}

TEST(TrackMetrics, ArePerfectForTheTruth) {
  const TrackTable truth = Table(Known(), 6);
  for (const TrackQuery query : {TrackQuery::kFirst, TrackQuery::kStrided}) {
    const TrackMetrics m = EvaluateTracks(truth, truth, 640, 360, query);
    EXPECT_EQ(m.average_jaccard, 1);
    EXPECT_EQ(m.delta_average, 1);
    EXPECT_EQ(m.occlusion_accuracy, 1);
    EXPECT_EQ(m.survival, 1);
    EXPECT_EQ(m.points, 5);
  }
}

TEST(TrackMetrics, ShrinkPicturesTo256BothWays) {
  std::vector<Row> rows = Known();
  for (Row& row : rows) row.x += 3;  // 1.5 of 256 in a picture of 512
  EXPECT_EQ(EvaluateTracks(Table(Known(), 6), Table(rows, 6), 512, 256).delta[0], 0);
  EXPECT_EQ(EvaluateTracks(Table(Known(), 6), Table(rows, 6), 512, 256).delta[1], 1);
  EXPECT_EQ(EvaluateTracks(Table(Known(), 6), Table(rows, 6), 1024, 256).delta[0], 1);
}

TEST(TrackMetrics, CountMissingTracksAgainst) {
  const TrackMetrics m = EvaluateTracks(Table(Known(), 6), Table({}, 6), 256, 256);
  EXPECT_EQ(m.missing, 1);
  EXPECT_EQ(m.delta_average, 0);
  EXPECT_DOUBLE_EQ(m.occlusion_accuracy, 1.0 / 5);
}

TEST(TrackMetrics, TellHowLongTracksLast) {
  std::vector<Row> rows = Known();
  rows[3].x = rows[4].x = 100;  // lost from frame 3 on: 2 of 5 frames
  const TrackMetrics m = EvaluateTracks(Table(Known(), 6), Table(rows, 6), 256, 256);
  EXPECT_DOUBLE_EQ(m.survival, 2.0 / 5);
}

TEST(TrackMetrics, HaveNothingToSayOfNothing) {
  const TrackMetrics m = EvaluateTracks(Table({}, 0), Table({}, 0), 256, 256);
  EXPECT_EQ(m.points, 0);
  EXPECT_EQ(m.average_jaccard, 0);
  EXPECT_THROW(EvaluateTracks(Table({}, 0), Table({}, 0), 0, 256), Error);
}

}  // namespace
}  // namespace mdvt::test
