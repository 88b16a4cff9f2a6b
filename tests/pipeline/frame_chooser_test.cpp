// SPDX-License-Identifier: Apache-2.0
#include "pipeline/frame_chooser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

#include "support/test_env.h"

namespace mdvt {
namespace {

std::vector<int64_t> Choose(double fps, Rational time_base, const std::vector<int64_t>& pts) {
  FrameChooser chooser(fps, time_base);
  std::vector<int64_t> chosen;
  const auto take = [&] {
    while (const std::optional<Frame> out = chooser.Pop()) chosen.push_back(out->pts);
  };
  for (const int64_t time : pts) {
    Frame frame;
    frame.pts = time;
    chooser.Push(frame);
    take();
  }
  chooser.Finish();
  take();
  return chosen;
}

std::vector<int64_t> Regular(int count, int64_t step) {
  std::vector<int64_t> pts;
  for (int i = 0; i < count; ++i) pts.push_back(1000 + i * step);
  return pts;
}

TEST(FrameChooser, KeepsEverySecondFrameAtHalfTheRate) {
  EXPECT_EQ(Choose(12, {1, 24}, Regular(6, 1)), (std::vector<int64_t>{1000, 1002, 1004}));
}

TEST(FrameChooser, KeepsAllFramesAtTheirOwnRateAndAbove) {
  for (const double fps : {24.0, 25.0, 60.0, 1000.0})
    EXPECT_EQ(Choose(fps, {1, 24}, Regular(50, 1)), Regular(50, 1)) << fps;
}

TEST(FrameChooser, KeepsOneFrame) {
  EXPECT_EQ(Choose(1, {1, 1000}, {77}), (std::vector<int64_t>{77}));
  EXPECT_EQ(Choose(1, {1, 1000}, {}), (std::vector<int64_t>{}));
}

TEST(FrameChooser, TakesTheNearestFrameOfEveryTick) {
  std::mt19937_64 rng = test::Rng();
  for (int round = 0; round < 200; ++round) {
    std::vector<int64_t> pts{static_cast<int64_t>(rng() % 1000)};
    for (size_t i = rng() % 40; i > 0; --i)
      pts.push_back(pts.back() + 1 + static_cast<int64_t>(rng() % 90));
    const double fps = 5 + static_cast<double>(rng() % 2000) / 100;
    // The definition: for each tick up to half a tick past the last frame the nearest frame.
    std::set<int64_t> expected;
    const double end = static_cast<double>(pts.back() - pts[0]) / 1000 + 0.5 / fps;
    for (double tick = 0; tick / fps <= end; ++tick) {
      int64_t nearest = pts[0];
      for (const int64_t time : pts) {
        const auto distance = [&](int64_t t) {
          return std::abs(static_cast<double>(t - pts[0]) / 1000 - tick / fps);
        };
        if (distance(time) < distance(nearest) - 1e-12) nearest = time;
      }
      expected.insert(nearest);
    }
    EXPECT_EQ(Choose(fps, {1, 1000}, pts), std::vector<int64_t>(expected.begin(), expected.end()))
        << "round " << round;
  }
}

}  // namespace
}  // namespace mdvt
