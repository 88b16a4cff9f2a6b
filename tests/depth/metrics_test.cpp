// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

DepthView Row(const std::vector<float>& values) {
  return {values.data(), static_cast<ptrdiff_t>(4 * values.size()), static_cast<int>(values.size()),
          1};
}

TEST(DepthMetrics, HandComputedValues) {
  const std::vector<float> truth = {1, 2, 4, 5}, estimate = {1, 2.5f, 3, 5.5f};
  DepthMetricsAccumulator metrics;
  metrics.Add(Row(estimate), Row(truth), 1);
  const DepthMetrics result = metrics.Result();
  EXPECT_EQ(result.pixels, 4);
  EXPECT_NEAR(result.abs_rel, (0 + 0.25 + 0.25 + 0.1) / 4, 1e-12);
  EXPECT_NEAR(result.rmse, std::sqrt((0 + 0.25 + 1 + 0.25) / 4), 1e-12);
  // 2.5 / 2 is not below 1.25, 4 / 3 neither.
  EXPECT_EQ(result.delta1, 0.5);
  EXPECT_EQ(result.scale, 1);
}

TEST(DepthMetrics, SkipsPixelsWithoutData) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> truth = {0, 2, nan, 4, inf, 3}, estimate = {1, 0, 1, 4, 1, -1};
  DepthMetricsAccumulator metrics;
  metrics.AddForScale(Row(estimate), Row(truth));
  EXPECT_NEAR(metrics.MedianScale(), 1, 1e-4);
  metrics.Add(Row(estimate), Row(truth), 1);
  EXPECT_EQ(metrics.Result().pixels, 1);
  EXPECT_EQ(metrics.Result().abs_rel, 0);
}

TEST(DepthMetrics, MedianScaleIsExactToItsBins) {
  for (const double factor : {1.0, 0.001, 1234.5, 1e-7}) {
    std::vector<float> truth, estimate;
    for (int i = 1; i <= 1001; ++i) {
      estimate.push_back(1.f);
      truth.push_back(static_cast<float>(factor * (0.5 + 0.001 * i)));
    }
    DepthMetricsAccumulator metrics;
    // In two parts: the median is over the clip, not a mean of medians.
    metrics.AddForScale(Row({estimate.begin(), estimate.begin() + 300}),
                        Row({truth.begin(), truth.begin() + 300}));
    metrics.AddForScale(Row({estimate.begin() + 300, estimate.end()}),
                        Row({truth.begin() + 300, truth.end()}));
    EXPECT_NEAR(metrics.MedianScale() / (factor * 1.001), 1, 2e-3) << factor;
  }
}

TEST(DepthMetrics, ScaleIsAppliedAndReported) {
  const std::vector<float> truth = {2, 4}, estimate = {1, 2};
  DepthMetricsAccumulator metrics;
  metrics.Add(Row(estimate), Row(truth), 2);
  EXPECT_EQ(metrics.Result().abs_rel, 0);
  EXPECT_EQ(metrics.Result().delta1, 1);
  EXPECT_EQ(metrics.Result().scale, 2);
}

TEST(DepthMetrics, NothingToCompare) {
  DepthMetricsAccumulator metrics;
  EXPECT_EQ(metrics.MedianScale(), 1);
  EXPECT_EQ(metrics.Result().pixels, 0);
  EXPECT_EQ(metrics.Result().abs_rel, 0);
}

TEST(DepthMetrics, RejectsBadArguments) {
  const std::vector<float> a = {1, 2}, b = {1};
  DepthMetricsAccumulator metrics;
  EXPECT_THROW(metrics.Add(Row(a), Row(b), 1), Error);
  EXPECT_THROW(metrics.AddForScale(Row(a), Row(b)), Error);
  EXPECT_THROW(metrics.Add(Row(a), Row(a), 0), Error);
  EXPECT_THROW(metrics.Add(Row(a), Row(a), std::nan("")), Error);
}

}  // namespace
}  // namespace mdvt
