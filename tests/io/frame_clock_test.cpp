// SPDX-License-Identifier: Apache-2.0
#include "io/frame_clock.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "support/log_catcher.h"

namespace mdvt::ff {
namespace {

std::vector<int64_t> Times(FrameClock* clock, const std::vector<std::optional<int64_t>>& stated,
                           int64_t duration = 40) {
  std::vector<int64_t> times;
  for (const auto& time : stated) times.push_back(clock->Next(time, duration, "clip: frame"));
  return times;
}

FrameClock Clock(bool is_constant = false) { return {{1, 1000}, {25, 1}, is_constant}; }

using Stated = std::vector<std::optional<int64_t>>;
using Result = std::vector<int64_t>;

TEST(FrameClock, KeepsTimesThatIncrease) {
  FrameClock clock = Clock();
  EXPECT_EQ(Times(&clock, {500, 507, 540, 99999}), (Result{500, 507, 540, 99999}));
}

TEST(FrameClock, FramesWithoutATimeFollow) {
  FrameClock clock = Clock();
  EXPECT_EQ(Times(&clock, {std::nullopt, std::nullopt, 100, std::nullopt}),
            (Result{0, 40, 100, 140}));
  FrameClock by_rate = Clock();
  EXPECT_EQ(Times(&by_rate, Stated(3), 0), (Result{0, 40, 80}));
  FrameClock by_nothing({1, 1000}, {0, 1}, false);
  EXPECT_EQ(Times(&by_nothing, {0, 30, std::nullopt}, 0), (Result{0, 30, 60}));
}

TEST(FrameClock, SmallDisorderIsMovedByTheLeast) {
  const test::LogCatcher log;
  FrameClock clock = Clock();
  EXPECT_EQ(Times(&clock, {0, 40, 40, 39, 120}), (Result{0, 40, 41, 42, 120}));
  EXPECT_EQ(log.lines.size(), 1u);
}

TEST(FrameClock, GoesOnWhereTheFileGoesBack) {
  test::LogCatcher log;
  FrameClock clock = Clock();
  EXPECT_EQ(Times(&clock, {1000, 1040, 1080, 0, 40, 80, 0, 40}),
            (Result{1000, 1040, 1080, 1120, 1160, 1200, 1201, 1280}));
  ASSERT_EQ(log.lines.size(), 2u);  // the second time it might be disorder
  EXPECT_TRUE(log.Says("goes back in time, from 1.080 s to 0.000 s")) << log.lines[0];
}

// A counter of 33 bits at 90 kHz that runs over.
TEST(FrameClock, GoesOnWhereACounterRunsOver) {
  const test::LogCatcher log;
  FrameClock clock({1, 90000}, {25, 1}, false);
  constexpr int64_t kEnd = int64_t{1} << 33;
  EXPECT_EQ(Times(&clock, {kEnd - 3600, 0, 3600}, 3600), (Result{kEnd - 3600, kEnd, kEnd + 3600}));
}

TEST(FrameClock, OneWrongTimeDoesNotMoveTheRest) {
  const test::LogCatcher log;
  FrameClock clock = Clock();
  EXPECT_EQ(Times(&clock, {10000, 10040, 7, 10120, 10160}),
            (Result{10000, 10040, 10080, 10120, 10160}));
}

// A decoder that misses a reference gives a picture too late.
TEST(FrameClock, OneLatePictureDoesNotMoveTheRest) {
  const test::LogCatcher log;
  FrameClock clock = Clock();
  EXPECT_EQ(Times(&clock, {1240, 1280, 1200, 1320, 1360}), (Result{1240, 1280, 1281, 1320, 1360}));
  EXPECT_EQ(log.lines.size(), 1u);
}

// Shorter than what a decoder may hold back: it takes a frame to tell.
TEST(FrameClock, ShortRecordingsMayBeJoinedToo) {
  const test::LogCatcher log;
  FrameClock clock = Clock();
  EXPECT_EQ(Times(&clock, {0, 40, 80, 0, 40, 80}), (Result{0, 40, 80, 81, 160, 200}));
}

TEST(FrameClock, CountsHolesOfAConstantRateOnly) {
  FrameClock constant = Clock(true);
  int64_t missing = 0;
  for (const int64_t time : {0, 40, 80, 120, 240, 280, 320, 360, 401, 439, 480, 560, 600, 640}) {
    constant.Next(time, 40, "");
    missing += constant.missing();
  }
  EXPECT_EQ(missing, 3);
  FrameClock varying = Clock(false);
  Times(&varying, {0, 40, 400});
  EXPECT_EQ(varying.missing(), 0);
}

TEST(FrameClock, SteadyOnlyIfNearlyAllFramesAre) {
  FrameClock steady = Clock(true);
  for (int i = 0; i < 20; ++i) steady.Next(40 * i, 40, "");
  steady.Next(2000, 40, "");
  EXPECT_TRUE(steady.is_steady());
  FrameClock restless = Clock(true);
  Times(&restless, {0, 40, 120, 160, 400, 440});
  EXPECT_FALSE(restless.is_steady());
}

TEST(FrameClock, ExtremesDoNotOverflow) {
  const test::LogCatcher log;
  FrameClock clock = Clock();
  EXPECT_EQ(Times(&clock, {INT64_MAX - 1, INT64_MIN + 1, 0}).front(), INT64_MAX - 1);
}

}  // namespace
}  // namespace mdvt::ff
