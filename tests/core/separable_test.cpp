// SPDX-License-Identifier: Apache-2.0
#include "core/separable.h"

#include <gtest/gtest.h>

#include <cmath>
#include <mutex>
#include <set>
#include <vector>

namespace mdvt::resample {
namespace {

using Floats = std::vector<float>;
using Indices = std::vector<int32_t>;

TEST(AxisBuilder, RepeatsTheLastSampleBeyondTheBorder) {
  AxisBuilder builder(4, {0, 4}, true);
  builder.Add(-2, {1, 2, 3, 4}, 10);  // 0 0 0 1
  builder.Add(2, {1, 1, 1, 1}, 4);    // 2 3 3 3
  const Axis axis = builder.Build();
  EXPECT_EQ(axis.from, 4);
  EXPECT_EQ(axis.count, 2);
  EXPECT_EQ(axis.taps, 2);
  EXPECT_EQ(axis.begin, (Indices{0, 2}));
  EXPECT_EQ(axis.weights, (Floats{0.6f, 0.25f, 0.4f, 0.75f})) << "by tap";
  EXPECT_TRUE(axis.covered.empty());
}

TEST(AxisBuilder, ReadsNothingPastTheEnd) {
  AxisBuilder builder(3, {0, 3}, true);
  builder.Add(0, {1, 1, 1});
  builder.Add(2, {1});
  builder.Add(0, {0, 1, 0});  // zeros at the ends are no taps
  const Axis axis = builder.Build();
  EXPECT_EQ(axis.taps, 3);
  EXPECT_EQ(axis.begin, (Indices{0, 0, 0}));
  EXPECT_EQ(axis.weights, (Floats{1, 0, 0, 1, 0, 1, 1, 1, 0}));
}

TEST(AxisBuilder, CountsWhatIsNotCovered) {
  // Samples 2 to 4 of ten are there.
  AxisBuilder builder(10, {2, 3}, false);
  builder.Add(1, {0.25, 0.75});
  builder.Add(3, {0.5, 0.5});
  builder.Add(6, {1});
  const Axis axis = builder.Build();
  EXPECT_EQ(axis.taps, 2);
  EXPECT_EQ(axis.begin, (Indices{0, 1, 0}));
  EXPECT_EQ(axis.weights, (Floats{0.75f, 0.5f, 0, 0, 0.5f, 0}));
  EXPECT_EQ(axis.covered, (Floats{0.75f, 1, 0}));
}

// Three columns to two, two rows to three: means of neighbours and a copy in between.
Separable SmallOne(bool across_first) {
  AxisBuilder x(3, {0, 3}, true), y(2, {0, 2}, true);
  x.Add(0, {1, 1}, 2);
  x.Add(1, {1, 1}, 2);
  y.Add(0, {1});
  y.Add(0, {1, 1}, 2);
  y.Add(1, {1});
  return {x.Build(), y.Build(), across_first};
}

TEST(Separable, AddsUpBothWays) {
  const uint8_t from[] = {10, 20, 40, 100, 120, 160};
  const PlaneView<const uint8_t> source = {from, 3, 3, 2};
  for (const bool across_first : {false, true}) {
    Floats made(6);
    std::vector<int> rows;
    SmallOne(across_first)
        .Rows(source, 2.0f, 0, 3, PlaneView<float>{made.data(), 8, 2, 3},
              [&](int row, float* samples) {
                EXPECT_EQ(samples, made.data() + 2 * row);
                rows.push_back(row);
              });
    EXPECT_EQ(made, (Floats{30, 60, 125, 170, 220, 280}));
    EXPECT_EQ(rows, (std::vector<int>{0, 1, 2}));
    made.clear();
    SmallOne(across_first).Rows(source, 1.0f, 1, 3, {}, [&](int, const float* samples) {
      made.insert(made.end(), samples, samples + 2);
    });
    EXPECT_EQ(made, (Floats{62.5f, 85, 110, 140})) << "into memory of its own";
  }
}

TEST(Separable, LeavesRowsWithoutWeightAlone) {
  const float from[] = {1, 2, 3, NAN, NAN, NAN};
  Floats made(2);
  for (const bool across_first : {false, true}) {
    SmallOne(across_first).Rows<float>({from, 12, 3, 2}, 1.0f, 0, 1, {made.data(), 8, 2, 1}, {});
    EXPECT_EQ(made, (Floats{1.5f, 2.5f}));
  }
}

TEST(ForRowBlocks, VisitsEveryRowOfEveryPlaneOnce) {
  ThreadPool pool(3);
  for (ThreadPool* threads : {static_cast<ThreadPool*>(nullptr), &pool}) {
    std::mutex mutex;
    std::multiset<std::pair<int, int>> seen;
    ForRowBlocks(3, 37, threads, [&](int plane, int begin, int end) {
      const std::lock_guard<std::mutex> lock(mutex);
      for (int row = begin; row < end; ++row) seen.emplace(plane, row);
    });
    std::multiset<std::pair<int, int>> all;
    for (int plane = 0; plane < 3; ++plane)
      for (int row = 0; row < 37; ++row) all.emplace(plane, row);
    EXPECT_EQ(seen, all);
  }
}

}  // namespace
}  // namespace mdvt::resample
