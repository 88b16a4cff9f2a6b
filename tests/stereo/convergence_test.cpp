// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/convergence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "io/expect_error.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

const Rational kRate{24, 1};

ConvergenceSmoothing Sigma(double seconds) {
  ConvergenceSmoothing options;
  options.sigma_seconds = seconds;
  return options;
}

TEST(SmoothConvergence, KeepsConstantsExactly) {
  for (const size_t count : {1, 2, 3, 50, 500}) {
    for (const double distance : {0.0, 0.3, 1.7, 1e6}) {
      const std::vector<double> input(count, distance);
      EXPECT_EQ(SmoothConvergence(input, kRate), input) << count << " x " << distance;
    }
  }
}

TEST(SmoothConvergence, StepStaysBetweenItsEnds) {
  std::vector<double> step(60, 0.3);
  std::fill(step.begin() + 30, step.end(), 20.0);
  const std::vector<double> smooth = SmoothConvergence(step, kRate);
  ASSERT_EQ(smooth.size(), step.size());
  for (size_t i = 0; i < smooth.size(); ++i) {
    EXPECT_GE(smooth[i], 0.3 * (1 - 1e-12));
    EXPECT_LE(smooth[i], 20 * (1 + 1e-12));
    if (i > 0) {
      EXPECT_GE(smooth[i], smooth[i - 1] * (1 - 1e-12));
    }
  }
  // Mirrored ends: more than four sigma (48 frames) would be exact, 30 frames are 2.5 sigma.
  EXPECT_NEAR(1 / smooth.front(), 1 / 0.3, 0.02 / 0.3);
  EXPECT_NEAR(1 / smooth.back(), 1 / 20.0, 0.02 / 0.3);
}

TEST(SmoothConvergence, EndsAreExactFarFromAStep) {
  std::vector<double> step(400, 1.0);
  std::fill(step.begin() + 200, step.end(), 10.0);
  const std::vector<double> smooth = SmoothConvergence(step, kRate);
  EXPECT_EQ(smooth.front(), 1.0);
  EXPECT_EQ(smooth.back(), 10.0);
}

TEST(SmoothConvergence, IsZeroPhase) {
  // A symmetric bump stays symmetric, and its reverse gives the reverse.
  std::vector<double> bump(101, 4.0);
  bump[50] = 0.5;
  const std::vector<double> smooth = SmoothConvergence(bump, kRate);
  for (size_t i = 0; i < smooth.size(); ++i) {
    EXPECT_NEAR(smooth[i], smooth[smooth.size() - 1 - i], 1e-12);
  }
  EXPECT_LT(smooth[50], 4.0);
  EXPECT_LT(smooth[50], smooth[49]);
}

TEST(SmoothConvergence, MatchesTheGaussianSum) {
  std::vector<double> input = {1, 2, 4, 0, 5, 2.5};
  const double sigma = 0.05 * 24;
  const std::vector<double> smooth = SmoothConvergence(input, kRate, Sigma(0.05));
  const int n = static_cast<int>(input.size());
  for (int i = 0; i < n; ++i) {
    double sum = 0, total = 0;
    for (int d = -static_cast<int>(std::ceil(4 * sigma)); d <= std::ceil(4 * sigma); ++d) {
      int j = ((i + d) % (2 * n) + 2 * n) % (2 * n);
      if (j >= n) j = 2 * n - 1 - j;
      const double w = std::exp(-0.5 * d * d / (sigma * sigma));
      const double z = input[static_cast<size_t>(j)];
      sum += w * (z > 0 ? 1 / z : 0);
      total += w;
    }
    EXPECT_NEAR(1 / smooth[static_cast<size_t>(i)], sum / total, 1e-12) << i;
  }
}

TEST(SmoothConvergence, FillsGapsFromTheNearestFrame) {
  // Without smoothing the filled list shows itself: ties take the earlier frame.
  const std::vector<double> input = {NAN, NAN, 2, NAN, 3, NAN, NAN, NAN, 4, NAN};
  const std::vector<double> expected = {2, 2, 2, 2, 3, 3, 3, 4, 4, 4};
  EXPECT_EQ(SmoothConvergence(input, kRate, Sigma(0)), expected);
}

TEST(SmoothConvergence, NanAloneBecomesParallel) {
  EXPECT_EQ(SmoothConvergence(std::vector<double>(7, NAN), kRate), std::vector<double>(7, 0.0));
}

TEST(SmoothConvergence, ZeroCountsAsInfinity) {
  std::vector<double> input(20, 2.0);
  input[10] = 0;
  const std::vector<double> smooth = SmoothConvergence(input, kRate);
  for (const double z : smooth) {
    EXPECT_GE(z, 2.0 * (1 - 1e-12));
    EXPECT_TRUE(std::isfinite(z));
  }
  EXPECT_GT(smooth[10], 2.0);
}

TEST(SmoothConvergence, TakesEmptyAndSingleLists) {
  EXPECT_TRUE(SmoothConvergence({}, kRate).empty());
  EXPECT_EQ(SmoothConvergence({1.25}, kRate), std::vector<double>{1.25});
}

TEST(SmoothConvergence, SurvivesExtremeValues) {
  const std::vector<double> smooth =
      SmoothConvergence({5e-324, 1e-300, INFINITY, 1e300, 0, 1}, kRate);
  for (const double z : smooth) {
    EXPECT_FALSE(std::isnan(z));
    EXPECT_GE(z, 0);
  }
}

TEST(SmoothConvergence, RefusesBadArguments) {
  EXPECT_EQ(test::CodeOf([] { SmoothConvergence({1}, Rational{0, 1}); }), Code::kInvalidArgument);
  EXPECT_EQ(test::CodeOf([] { SmoothConvergence({1}, kRate, Sigma(-1)); }), Code::kInvalidArgument);
  EXPECT_EQ(test::CodeOf([] { SmoothConvergence({1}, kRate, Sigma(NAN)); }),
            Code::kInvalidArgument);
  EXPECT_EQ(test::CodeOf([] { SmoothConvergence({1, -2}, kRate); }), Code::kInvalidArgument);
}

TEST(SmoothConvergence, NothingOfAShotReachesTheNext) {
  std::vector<double> two(60, 1.0);
  std::fill(two.begin() + 30, two.end(), 8.0);
  EXPECT_EQ(SmoothConvergence(two, kRate, {}, {30}), two);
  EXPECT_EQ(SmoothConvergence(two, kRate, {}, {0, 30, 500}), two);
  EXPECT_NE(SmoothConvergence(two, kRate), two);
  // Each shot is what it is alone.
  std::vector<double> wild;
  for (int i = 0; i < 50; ++i) wild.push_back(1 + i % 7);
  const std::vector<double> parts = SmoothConvergence(wild, kRate, {}, {20});
  const auto middle = wild.begin() + 20;
  const std::vector<double> one = SmoothConvergence({wild.begin(), middle}, kRate);
  const std::vector<double> other = SmoothConvergence({middle, wild.end()}, kRate);
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ(parts[i], i < 20 ? one[i] : other[i - 20]) << i;
}

TEST(SmoothConvergence, GapsAreFilledInsideTheShot) {
  const std::vector<double> input = {2, NAN, NAN, 5, NAN, NAN};
  EXPECT_EQ(SmoothConvergence(input, kRate, Sigma(0), {2}),
            (std::vector<double>{2, 2, 5, 5, 5, 5}));
  // A shot without any takes the nearest of the clip.
  EXPECT_EQ(SmoothConvergence(input, kRate, Sigma(0), {1, 3, 4}),
            (std::vector<double>{2, 2, 5, 5, 5, 5}));
}

TEST(SmoothConvergence, KeepsToItsBoundsAndItsRate) {
  ConvergenceSmoothing options = Sigma(0);
  options.nearest = 1;
  options.farthest = 10;
  EXPECT_EQ(SmoothConvergence({0.5, 3, 50, 0}, kRate, options),
            (std::vector<double>{1, 3, 10, 10}));
  options = Sigma(0);
  options.rate = 2.4;  // a tenth of a dioptre a frame
  const std::vector<double> slow = SmoothConvergence({1, 2, 2, 2, 2, 2, 2}, kRate, options);
  for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(1 / slow[i], 1 - 0.1 * static_cast<double>(i), 1e-12);
  EXPECT_NEAR(slow[6], 2, 1e-12);
  options.farthest = 0.5;
  options.nearest = 1;
  EXPECT_EQ(test::CodeOf([&] { SmoothConvergence({1}, kRate, options); }), Code::kInvalidArgument);
}

// A wall at z metres.
double PushWall(FocusTracker* tracker, float z, double seconds, bool new_scene = false) {
  const std::vector<float> wall(64, z);
  return tracker->Push({wall.data(), 8 * sizeof(float), 8, 8}, seconds, new_scene);
}

TEST(FocusTracker, FollowsAndBeginsAnewWithAScene) {
  FocusTracker tracker;
  EXPECT_EQ(PushWall(&tracker, 0, 0), 0) << "nothing is known yet";
  EXPECT_EQ(PushWall(&tracker, 2, 0.04), 2);
  // The time constant is half a second.
  EXPECT_NEAR(1 / PushWall(&tracker, 4, 0.5), 0.25 + 0.25 * std::exp(-1.0), 1e-6);
  const double before = PushWall(&tracker, 4, 0);
  EXPECT_EQ(PushWall(&tracker, 0, 1), before) << "what is not known changes nothing";
  EXPECT_EQ(PushWall(&tracker, 8, 0.04, true), 8);
  State state;
  tracker.Save(&state);
  FocusTracker other;
  other.Load(state);
  EXPECT_EQ(PushWall(&other, 2, 0.1), PushWall(&tracker, 2, 0.1));
}

TEST(FocusTracker, KeepsToItsBoundsAndItsRate) {
  ConvergenceSmoothing options = Sigma(0);
  options.nearest = 1;
  options.farthest = 10;
  options.rate = 0.1;
  FocusTracker tracker({}, options);
  EXPECT_EQ(PushWall(&tracker, 0, 0), 10);
  EXPECT_EQ(PushWall(&tracker, 0.5f, 0), 1);
  EXPECT_NEAR(1 / PushWall(&tracker, 20, 2), 1 - 0.2, 1e-9);
}

}  // namespace
}  // namespace mdvt
