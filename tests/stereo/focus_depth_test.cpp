// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/focus_depth.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "mdvt/core/error.h"
#include "stereo/stereo_scenes.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

FocusOptions Everywhere() {
  FocusOptions options;
  options.center = false;
  return options;
}

Image Row(const std::vector<float>& values) {
  Image depth(PixelFormat::GrayF32(), static_cast<int>(values.size()), 1);
  std::copy(values.begin(), values.end(), depth.MutablePlane<float>().Row(0));
  return depth;
}

FocusDepth Measure(const Image& depth, const FocusOptions& options) {
  return MeasureFocus(depth.Plane<float>(), {}, options);
}

TEST(FocusDepth, QuantilesAreDepthsThatOccur) {
  std::mt19937_64 rng = Rng();
  Image depth(PixelFormat::GrayF32(), 101, 7);
  std::vector<float> sorted;
  for (int y = 0; y < 7; ++y)
    for (int x = 0; x < 101; ++x) {
      const float z = std::uniform_real_distribution<float>(0.1f, 90)(rng);
      depth.MutablePlane<float>().At(x, y) = z;
      sorted.push_back(z);
    }
  std::sort(sorted.begin(), sorted.end());
  FocusOptions options = Everywhere();
  for (const double quantile : {0.0, 0.25, 0.5, 0.9, 1.0}) {
    options.quantile = quantile;
    const double rank = std::max(1.0, std::ceil((1 - quantile) * 707));
    EXPECT_EQ(Measure(depth, options).distance, sorted[static_cast<size_t>(rank) - 1]) << quantile;
  }
  const FocusDepth focus = Measure(depth, options);
  EXPECT_EQ(focus.nearest, sorted[7]);  // of 707 pixels 1 % are 8
  EXPECT_EQ(focus.farthest, sorted[699]);
}

TEST(FocusDepth, WhatSaysNothingDoesNotCount) {
  FocusOptions options = Everywhere();
  options.saturated = 100;
  const Image depth = Row({0, 0, 0, NAN, -1, 100, 120, INFINITY, 3, 4, 5});
  EXPECT_EQ(Measure(depth, options).distance, 4);
  EXPECT_EQ(Measure(depth, options).nearest, 3);
  options.min_share = 0.3;  // 3 of 11
  EXPECT_TRUE(std::isnan(Measure(depth, options).distance));
  EXPECT_EQ(Measure(depth, options).confidence, 0);
  EXPECT_TRUE(std::isnan(Measure(Row({0, 0}), Everywhere()).distance));
}

TEST(FocusDepth, MeansAreOfInverseDepthUnlessAsUpstream) {
  FocusOptions options = Everywhere();
  options.statistic = FocusStatistic::kMean;
  EXPECT_DOUBLE_EQ(Measure(Row({1, 4, 0}), options).distance, 2 / (1 + 0.25));
  options.statistic = FocusStatistic::kUpstream;
  EXPECT_DOUBLE_EQ(Measure(Row({1, 4, 0}), options).distance, 5.0 / 3);
}

TEST(FocusDepth, TheMiddleCountsMore) {
  // A box of a ninth of the picture in its middle.
  Image depth = ConstantDepth(90, 90, 10);
  for (int y = 30; y < 60; ++y)
    for (int x = 30; x < 60; ++x) depth.MutablePlane<float>().At(x, y) = 2;
  FocusOptions options;
  options.quantile = 0.8;
  EXPECT_EQ(Measure(depth, options).distance, 2);
  EXPECT_LT(Measure(depth, options).confidence, 0.5);
  options.center = false;
  EXPECT_EQ(Measure(depth, options).distance, 10);
  EXPECT_NEAR(Measure(depth, options).confidence, 8.0 / 9, 1e-9);
}

TEST(FocusDepth, AMaskChooses) {
  const Image depth = Row({1, 2, 3, 4, 5, 6, 7, 8});
  Image mask(PixelFormat::Gray(8), 8, 1);
  const int values[8] = {0, 255, 241, 240, 250, 0, 128, 0};
  for (int x = 0; x < 8; ++x) SetSample(mask, 0, x, 0, values[x]);
  FocusOptions options;
  const FocusDepth focus = MeasureFocus(depth.Plane<float>(), mask.Plane<uint8_t>(), options);
  EXPECT_EQ(focus.distance, 3);  // of 2, 3, 5
  EXPECT_NEAR(focus.confidence, 1.0 / 3, 1e-12);
  options.mask_threshold = 255;
  EXPECT_TRUE(
      std::isnan(MeasureFocus(depth.Plane<float>(), mask.Plane<uint8_t>(), options).distance));
  options.statistic = FocusStatistic::kUpstream;
  EXPECT_TRUE(
      std::isnan(MeasureFocus(depth.Plane<float>(), mask.Plane<uint8_t>(), options).distance));
  Image other(PixelFormat::Gray(8), 7, 1);
  EXPECT_THROW(MeasureFocus(depth.Plane<float>(), other.Plane<uint8_t>(), options), Error);
}

TEST(FocusDepth, TheBudgetMovesTheScreen) {
  ParallaxBudget budget;
  budget.focal_baseline = 0.06;
  budget.max_in_front = 0.01;
  budget.max_behind = 0.02;
  // Within: nothing to do.
  EXPECT_DOUBLE_EQ(WithinBudget(3, 2.5, 5, budget), 3);
  // 0.06 (1 / 1 - 1 / d) = 0.01
  EXPECT_DOUBLE_EQ(WithinBudget(10, 1, 1.5, budget), 1 / (1 - 0.01 / 0.06));
  // 0.06 (1 / d - 1 / 10) = 0.02
  EXPECT_DOUBLE_EQ(WithinBudget(1, 0.9, 10, budget), 1 / (0.1 + 0.02 / 0.06));
  EXPECT_TRUE(std::isnan(WithinBudget(NAN, 1, 2, budget)));
  EXPECT_EQ(WithinBudget(0, 100, 1000, budget), 0);
}

TEST(FocusDepth, RefusesWhatCannotBe) {
  const Image depth = Row({1});
  for (const auto& spoil :
       {+[](FocusOptions* o) { o->quantile = 1.1; }, +[](FocusOptions* o) { o->quantile = NAN; },
        +[](FocusOptions* o) { o->mask_threshold = 256; },
        +[](FocusOptions* o) { o->min_share = -1; }, +[](FocusOptions* o) { o->outliers = 0.5; }}) {
    FocusOptions options;
    spoil(&options);
    EXPECT_THROW(Measure(depth, options), Error);
  }
}

}  // namespace
}  // namespace mdvt::test
