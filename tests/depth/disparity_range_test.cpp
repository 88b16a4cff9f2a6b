// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/disparity_range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "mdvt/core/error.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Image Map(int width, int height, float value = 0) {
  Image map(PixelFormat::GrayF32(), width, height);
  for (int y = 0; y < height; ++y) std::fill_n(map.MutablePlane<float>().Row(y), width, value);
  return map;
}

// lo, ..., hi in equal steps, shuffled over the picture.
Image Steps(int width, int height, double lo, double hi) {
  Image map = Map(width, height);
  std::vector<float> values;
  const int count = width * height;
  for (int i = 0; i < count; ++i)
    values.push_back(static_cast<float>(lo + (hi - lo) * i / (count - 1)));
  std::mt19937_64 rng = Rng();
  std::shuffle(values.begin(), values.end(), rng);
  for (int y = 0; y < height; ++y)
    std::copy_n(values.data() + y * width, width, map.MutablePlane<float>().Row(y));
  return map;
}

TEST(DepthToDisparity, InvertsAndMarksMissingData) {
  Image map = Map(5, 1);
  const float depth[5] = {2, 0, -1, kNan, std::numeric_limits<float>::infinity()};
  std::copy_n(depth, 5, map.MutablePlane<float>().Row(0));
  DepthToDisparity(map.MutablePlane<float>());
  const float* row = map.Plane<float>().Row(0);
  EXPECT_EQ(row[0], 0.5f);
  EXPECT_TRUE(std::isnan(row[1]) && std::isnan(row[2]) && std::isnan(row[3]));
  EXPECT_EQ(row[4], 0.0f);
}

TEST(MeasureDisparityRange, PercentilesOfAUniformDistribution) {
  const Image map = Steps(200, 150, 3, 8);
  for (const auto& [p_lo, p_hi] :
       {std::pair(1.0, 99.0), std::pair(5.0, 50.0), std::pair(0.0, 100.0), std::pair(0.0, 98.0)}) {
    const auto range = MeasureDisparityRange(map.Plane<float>(), p_lo, p_hi);
    ASSERT_TRUE(range);
    EXPECT_NEAR(range->lo, 3 + 5 * p_lo / 100, 5.0 / 4096);
    EXPECT_NEAR(range->hi, 3 + 5 * p_hi / 100, 5.0 / 4096);
  }
}

TEST(MeasureDisparityRange, OutliersDoNotMoveThePercentiles) {
  Image map = Steps(200, 150, 3, 8);
  const auto clean = MeasureDisparityRange(map.Plane<float>(), 1, 99);
  // A tenth of a percent is wildly wrong, in a way that leaves the rest a sliver of the extremes.
  for (int i = 0; i < 15; ++i) {
    map.MutablePlane<float>().At(13 * i, 7 * i) = 1e9f;
    map.MutablePlane<float>().At(11 * i, 149 - 5 * i) = -1e9f;
  }
  const auto range = MeasureDisparityRange(map.Plane<float>(), 1, 99);
  EXPECT_NEAR(range->lo, clean->lo, 5 * 0.002);
  EXPECT_NEAR(range->hi, clean->hi, 5 * 0.002);
  const auto extremes = MeasureDisparityRange(map.Plane<float>(), 0, 100);
  EXPECT_EQ(extremes->hi, 1e9);
}

TEST(MeasureDisparityRange, SkipsMissingDataAndKnowsNoRangeWithoutAny) {
  Image map = Map(10, 10, kNan);
  EXPECT_FALSE(MeasureDisparityRange(map.Plane<float>(), 1, 99));
  map.MutablePlane<float>().At(0, 0) = -std::numeric_limits<float>::infinity();
  map.MutablePlane<float>().At(1, 0) = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(MeasureDisparityRange(map.Plane<float>(), 1, 99));
  map.MutablePlane<float>().At(3, 4) = 7;
  const auto range = MeasureDisparityRange(map.Plane<float>(), 1, 99);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->lo, 7);
  EXPECT_EQ(range->hi, 7);
  // Half of the samples infinite: the rest has the percentiles that it has alone.
  Image steps = Steps(100, 100, 3, 8),
        more = Map(200, 100, -std::numeric_limits<float>::infinity());
  for (int y = 0; y < 100; ++y)
    std::copy_n(steps.Plane<float>().Row(y), 100, more.MutablePlane<float>().Row(y));
  const auto alone = MeasureDisparityRange(steps.Plane<float>(), 10, 60);
  const auto mixed = MeasureDisparityRange(more.Plane<float>(), 10, 60);
  EXPECT_EQ(alone->lo, mixed->lo);
  EXPECT_EQ(alone->hi, mixed->hi);
}

TEST(MeasureDisparityRange, ThreadsDoNotChangeTheResult) {
  const Image map = Steps(333, 257, -2, 1);
  const auto one = MeasureDisparityRange(map.Plane<float>(), 2, 97);
  for (const int threads : {2, 5}) {
    ThreadPool pool(threads);
    const auto many = MeasureDisparityRange(map.Plane<float>(), 2, 97, &pool);
    EXPECT_EQ(one->lo, many->lo);
    EXPECT_EQ(one->hi, many->hi);
  }
}

TEST(MeasureDisparityRange, RefusesPercentilesOutOfOrder) {
  const Image map = Map(4, 4);
  EXPECT_THROW(MeasureDisparityRange(map.Plane<float>(), 60, 40), Error);
  EXPECT_THROW(MeasureDisparityRange(map.Plane<float>(), -1, 40), Error);
  EXPECT_THROW(MeasureDisparityRange(map.Plane<float>(), 1, NAN), Error);
}

std::vector<NormalRange> Ranges(const NormalizerOptions& options, const std::vector<Image>& maps,
                                const std::vector<int>& new_scenes = {}) {
  DisparityNormalizer normalizer(options);
  std::vector<NormalRange> ranges;
  for (size_t i = 0; i < maps.size(); ++i) {
    const bool cut =
        std::find(new_scenes.begin(), new_scenes.end(), static_cast<int>(i)) != new_scenes.end();
    normalizer.Push(maps[i].Plane<float>(), cut);
    while (const auto range = normalizer.Pop()) ranges.push_back(*range);
    EXPECT_GE(ranges.size() + static_cast<size_t>(options.lookahead), i + 1);
  }
  normalizer.Finish();
  while (const auto range = normalizer.Pop()) ranges.push_back(*range);
  EXPECT_EQ(ranges.size(), maps.size());
  return ranges;
}

// The extremes serve as percentiles where a test wants exact numbers.
NormalizerOptions Exact(NormMode mode) {
  NormalizerOptions options;
  options.mode = mode;
  options.p_lo = 0;
  options.p_hi = 100;
  return options;
}

TEST(DisparityNormalizer, EmaFollowsAStepAsItsFormulaSays) {
  std::vector<Image> maps(10, Steps(20, 20, 0, 1));
  maps.resize(40, Steps(20, 20, 1, 3));
  NormalizerOptions options = Exact(NormMode::kEma);
  options.beta = 0.8;
  const std::vector<NormalRange> ranges = Ranges(options, maps);
  for (int i = 0; i < 40; ++i) {
    const double past = i < 10 ? 1 : std::pow(0.8, i - 9);
    EXPECT_NEAR(ranges[static_cast<size_t>(i)].lo, 1 - past, 1e-6);
    EXPECT_NEAR(ranges[static_cast<size_t>(i)].hi, 3 - 2 * past, 1e-6);
    EXPECT_FALSE(ranges[static_cast<size_t>(i)].flat);
  }
}

TEST(DisparityNormalizer, ANewSceneForgetsThePast) {
  std::vector<Image> maps(10, Steps(20, 20, 0, 1));
  maps.resize(12, Steps(20, 20, 1, 3));
  const std::vector<NormalRange> ranges = Ranges(Exact(NormMode::kEma), maps, {10});
  EXPECT_EQ(ranges[9].hi, 1);
  EXPECT_EQ(ranges[10].lo, 1);
  EXPECT_EQ(ranges[10].hi, 3);
}

TEST(DisparityNormalizer, LookaheadAveragesLaterFramesUpToTheCut) {
  std::vector<Image> maps;
  for (int i = 0; i < 6; ++i) maps.push_back(Steps(10, 10, 0, 1 + i));
  NormalizerOptions options = Exact(NormMode::kEma);
  options.lookahead = 2;
  options.beta = 0;
  const std::vector<NormalRange> ranges = Ranges(options, maps, {4});
  const double expected[6] = {2, 3, 3.5, 4, 5.5, 6};  // frames 4 and 5 are the next scene
  for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(ranges[i].hi, expected[i], 1e-6) << i;
}

TEST(DisparityNormalizer, PercentilesDoNotFlickerWhereExtremesDo) {
  std::vector<Image> maps;
  std::mt19937_64 rng = Rng();
  for (int i = 0; i < 30; ++i) {
    maps.push_back(Steps(100, 80, 1, 2));
    for (int k = 0; k < 8; ++k)  // a tenth of a percent
      maps.back().MutablePlane<float>().At(static_cast<int>(rng() % 100),
                                           static_cast<int>(rng() % 80)) =
          static_cast<float>(2 + 3.0 * static_cast<double>(rng() % 1000) / 1000);
  }
  const auto spread = [&](NormMode mode) {
    NormalizerOptions options;
    options.mode = mode;
    double lo = 1e9, hi = -1e9;
    for (const NormalRange& range : Ranges(options, maps)) {
      lo = std::min(lo, range.hi);
      hi = std::max(hi, range.hi);
    }
    return hi - lo;
  };
  EXPECT_GT(spread(NormMode::kMinMax), 0.1);
  EXPECT_LT(spread(NormMode::kPercentile), 0.005);
  EXPECT_LT(spread(NormMode::kEma), 0.005);
}

TEST(DisparityNormalizer, DegenerateRangesAreFlat) {
  const std::vector<Image> constant = {Map(8, 8, 0.25f)};
  for (const NormMode mode : {NormMode::kPercentile, NormMode::kEma, NormMode::kFixed})
    EXPECT_TRUE(Ranges(Exact(mode), constant)[0].flat);
  // The original's own formula has no such case: everything is farthest.
  const NormalRange parity = Ranges(Exact(NormMode::kMinMax), constant)[0];
  EXPECT_FALSE(parity.flat);
  EXPECT_EQ(parity.slack, 1e-6);
  Image map = Map(8, 8, 0.25f);
  NormalizeDisparity(parity, map.MutablePlane<float>());
  EXPECT_EQ(map.Plane<float>().At(3, 3), 0);
  for (const NormMode mode : {NormMode::kMinMax, NormMode::kEma})
    EXPECT_TRUE(Ranges(Exact(mode), {Map(8, 8, kNan)})[0].flat);
}

TEST(DisparityNormalizer, AFrameWithoutDataKeepsTheRange) {
  const std::vector<Image> maps = {Steps(8, 8, 1, 2), Map(8, 8, kNan), Steps(8, 8, 1, 2)};
  for (const NormalRange& range : Ranges(Exact(NormMode::kEma), maps)) EXPECT_EQ(range.hi, 2);
}

TEST(DisparityNormalizer, FixedHoldsTheFirstFrameOfAScene) {
  const std::vector<Image> maps = {Steps(8, 8, 1, 2), Steps(8, 8, 0, 9), Steps(8, 8, 3, 4),
                                   Steps(8, 8, 0, 9)};
  NormalizerOptions options = Exact(NormMode::kFixed);
  const std::vector<NormalRange> ranges = Ranges(options, maps, {2});
  EXPECT_EQ(ranges[1].hi, 2);
  EXPECT_EQ(ranges[2].lo, 3);
  EXPECT_EQ(ranges[3].hi, 4);
  options.fixed = DisparityRange{-1, 5};
  for (const NormalRange& range : Ranges(options, maps, {2})) {
    EXPECT_EQ(range.lo, -1);
    EXPECT_EQ(range.hi, 5);
  }
}

TEST(DisparityNormalizer, MetricIsTrueProportions) {
  NormalizerOptions options;
  options.mode = NormMode::kMetric;
  options.metric_near = 0.5;
  Image map = Map(4, 1, 4);
  map.MutablePlane<float>().At(0, 0) = 0.5f;
  map.MutablePlane<float>().At(1, 0) = 1;
  map.MutablePlane<float>().At(2, 0) = 0.1f;
  DepthToDisparity(map.MutablePlane<float>());
  NormalizeDisparity(Ranges(options, {map})[0], map.MutablePlane<float>());
  const float* row = map.Plane<float>().Row(0);
  EXPECT_FLOAT_EQ(row[0], 1);
  EXPECT_FLOAT_EQ(row[1], 0.5f);
  EXPECT_FLOAT_EQ(row[2], 1);  // nearer than the nearest
  EXPECT_FLOAT_EQ(row[3], 0.125f);
}

TEST(NormalizeDisparity, ClampsAndMakesMissingDataTheFarthest) {
  Image map = Map(5, 1);
  const float values[5] = {1, 2, 1.5f, 9, kNan};
  std::copy_n(values, 5, map.MutablePlane<float>().Row(0));
  NormalRange range;
  range.lo = 1;
  range.hi = 2;
  NormalizeDisparity(range, map.MutablePlane<float>());
  const float expected[5] = {0, 1, 0.5f, 1, 0};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(map.Plane<float>().At(i, 0), expected[i]);
  range.flat = true;
  NormalizeDisparity(range, map.MutablePlane<float>());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(map.Plane<float>().At(i, 0), 0);
}

TEST(NormalizerOptions, NamesWhatIsWrong) {
  const auto text = [](const auto& change) {
    NormalizerOptions options;
    change(options);
    try {
      options.Check();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
      return std::string(error.what());
    }
    return std::string();
  };
  using O = NormalizerOptions;
  EXPECT_EQ(text([](O&) {}), "");
  EXPECT_NE(text([](O& o) { o.p_lo = 99; }).find("percentiles"), std::string::npos);
  EXPECT_NE(text([](O& o) { o.beta = 1; }).find("beta"), std::string::npos);
  EXPECT_NE(text([](O& o) { o.lookahead = 65; }).find("lookahead"), std::string::npos);
  EXPECT_NE(text([](O& o) {
              o.lookahead = 1;
              o.mode = NormMode::kMinMax;
            }).find("lookahead"),
            std::string::npos);
  EXPECT_NE(text([](O& o) { o.fixed = DisparityRange{0, 1}; }).find("fixed"), std::string::npos);
  EXPECT_NE(text([](O& o) { o.metric_near = NAN; }).find("metric_near"), std::string::npos);
}

TEST(DisparityNormalizer, MinMaxDoesNotStretchRounding) {
  NormalizerOptions options;
  options.mode = NormMode::kMinMax;
  for (const float value : {0.33333334f, 3.0f, 1000.0f}) {
    Image map = Map(8, 1);
    for (int x = 0; x < 8; ++x)
      map.MutablePlane<float>().At(x, 0) = x % 2 ? std::nextafter(value, 2 * value) : value;
    DisparityNormalizer normalizer(options);
    normalizer.Push(map.Plane<float>(), true);
    normalizer.Finish();
    const std::optional<NormalRange> range = normalizer.Pop();
    ASSERT_TRUE(range);
    EXPECT_FALSE(range->flat);
    NormalizeDisparity(*range, map.MutablePlane<float>());
    for (int x = 0; x < 8; ++x) EXPECT_EQ(map.Plane<float>().At(x, 0), 0) << value;
  }
}

}  // namespace
}  // namespace mdvt::test
