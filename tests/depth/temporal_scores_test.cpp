// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/temporal_scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "io/expect_error.h"
#include "support/pictures.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 20, kHeight = 12;

struct Map {
  std::vector<float> values = std::vector<float>(kWidth * kHeight, 1);
  PlaneView<const float> View() const {
    return {values.data(), static_cast<ptrdiff_t>(sizeof(float)) * kWidth, kWidth, kHeight};
  }
};

FlowPair Shift(float x, float y) {
  FlowPair flow;
  flow.width = kWidth;
  flow.height = kHeight;
  flow.to_before.assign(kWidth * kHeight, Eigen::Vector2f(x, y));
  flow.from_before.assign(kWidth * kHeight, Eigen::Vector2f(-x, -y));
  return flow;
}

Image Gray(int level) {
  return MakePicture(PixelFormat::Rgb(8), kWidth, kHeight, [=](int, int, int) { return level; });
}

// The formula again, with whole pixels only.
double PlainOpw(const Map& now, const Map& before, const Image& picture, const Image& past, int dx,
                int dy) {
  const auto warped = [&](auto value, int x, int y) {
    const int u = x + dx, v = y + dy;
    return u >= 0 && v >= 0 && u < kWidth && v < kHeight ? static_cast<double>(value(u, v)) : 0.0;
  };
  std::vector<double> a, b, w;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      a.push_back(warped([&](int u, int v) { return before.View().At(u, v); }, x, y));
      b.push_back(static_cast<double>(now.View().At(x, y)));
      double sum = 0;
      for (int c = 0; c < 3; ++c) {
        const double d =
            warped([&](int u, int v) { return past.Plane<uint8_t>(c).At(u, v); }, x, y) -
            picture.Plane<uint8_t>(c).At(x, y);
        sum += std::exp(-50 * d * d);
      }
      w.push_back(sum);
    }
  const auto normal = [](std::vector<double> values) {
    std::vector<double> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    const double median = sorted[(sorted.size() - 1) / 2];  // the lower one
    double deviation = 0;
    for (const double v : values)
      deviation += std::abs(v - median) / static_cast<double>(values.size());
    for (double& v : values) v = (v - median) / std::max(deviation, 1e-6);
    return values;
  };
  a = normal(a), b = normal(b);
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += w[i] * std::abs(a[i] - b[i]);
  return 10 * sum / static_cast<double>(a.size());
}

TEST(OriginalOpw, IsItsFormula) {
  std::mt19937_64 rng = Rng();
  Map now, before;
  for (float& v : now.values) v = static_cast<float>(rng() % 1000) / 100;
  for (float& v : before.values) v = static_cast<float>(rng() % 1000) / 100;
  // Levels 0 and 1: both match and miss.
  const Image picture = MakePicture(PixelFormat::Rgb(8), kWidth, kHeight,
                                    [&](int, int, int) { return static_cast<int>(rng() % 2); });
  const Image past = MakePicture(PixelFormat::Rgb(8), kWidth, kHeight,
                                 [&](int, int, int) { return static_cast<int>(rng() % 2); });
  const FlowPair flow = Shift(3, -2);
  const double expected = PlainOpw(now, before, picture, past, 3, -2);
  EXPECT_GT(expected, 1);
  EXPECT_NEAR(
      OriginalOpw(now.View(), before.View(), picture.view(), past.view(), flow.ToBefore().there),
      expected, 1e-5 * expected);
}

TEST(OriginalOpw, CountsThreeChannelsAndDoesNotSeeScale) {
  Map now, before;
  for (size_t i = 0; i < now.values.size(); ++i) {
    now.values[i] = static_cast<float>(i % 7);
    before.values[i] = 3 * static_cast<float>(i % 7) + 5;
  }
  const FlowPair flow = Shift(0, 0);
  EXPECT_NEAR(
      OriginalOpw(now.View(), before.View(), Gray(9).view(), Gray(9).view(), flow.ToBefore().there),
      0, 1e-5);
  // 0 against 1 in a fifth of the pixels, and the same everywhere else: n = 0 or 1 / 0.2 = 5.
  for (size_t i = 0; i < now.values.size(); ++i) {
    now.values[i] = i % 5 == 0 ? 1 : 0;
    before.values[i] = i % 5 == 1 ? 1 : 0;
  }
  EXPECT_NEAR(
      OriginalOpw(now.View(), before.View(), Gray(9).view(), Gray(9).view(), flow.ToBefore().there),
      10 * 3 * 0.4 * 5, 1e-4);
}

// Frame i has disparity value(i) everywhere but in the left half, where it is half of that.
template <typename Value>
TemporalResult Scores(int frames, const Value& value, double fps = 24) {
  TemporalScores scores(fps);
  const FlowPair flow = Shift(0, 0);
  const Image picture = Gray(100);
  for (int i = 0; i < frames; ++i) {
    Map map;
    for (size_t k = 0; k < map.values.size(); ++k)
      map.values[k] = static_cast<float>(value(i) * (k % kWidth < kWidth / 2 ? 0.5 : 1));
    scores.Add({map.View(), picture.view(), i > 0 ? &flow : nullptr});
  }
  return scores.Finish();
}

TEST(TemporalScores, AStillClipHasNone) {
  const TemporalResult result = Scores(40, [](int) { return 2.0; });
  EXPECT_EQ(result.pairs, 39);
  EXPECT_EQ(result.shots, 1);
  EXPECT_EQ(result.coverage, 1);
  EXPECT_EQ(result.rtc, 1);
  EXPECT_EQ(result.opw2, 0);
  EXPECT_EQ(result.tflick, 0);
  EXPECT_EQ(result.tracks, 24 * 14);
}

TEST(TemporalScores, FlickerOfWholeFramesIsSeenAndCalledGlobal) {
  const TemporalResult result = Scores(40, [](int i) { return i % 2 == 0 ? 2.0 : 2.2; });
  // Half of the pixels have 1 or 1.1, half 2 or 2.2. Over all pixels that count, which are those of
  // frames 1 to 39, 1.1 is the lower median.
  const double even = 19, odd = 20;
  const double deviation = (even * (0.1 + 0.9) / 2 + odd * (0 + 1.1) / 2) / (even + odd);
  EXPECT_NEAR(result.opw2, 0.15 / deviation, 2e-4);
  EXPECT_NEAR(result.opw2_frame, 0, 1e-6);
  const double second = 2 * std::log(1.1);
  EXPECT_NEAR(result.tflick, second, 1e-5);
  EXPECT_NEAR(result.tflick_global, second, 1e-5);
  EXPECT_NEAR(result.tflick_local, 0, 1e-4);
  EXPECT_EQ(result.rtc, 1);
  // All power is at 12 Hz, the last band, and in what the window spreads it to.
  ASSERT_EQ(result.spectrum.size(), 16u);
  EXPECT_GT(result.spectrum[14] + result.spectrum[15], 0.99);
  EXPECT_NEAR(result.spectrum_step_hz, 0.75, 1e-12);
  EXPECT_GT(result.flicker_share, 0.99);
  EXPECT_EQ(Scores(4, [](int i) { return i % 2 == 0 ? 2.0 : 2.3; }).rtc, 0);
}

TEST(TemporalScores, SlowChangeIsNoFlicker) {
  const TemporalResult result =
      Scores(64, [](int i) { return std::exp(0.1 * std::sin(2 * M_PI * i / 32)); });
  EXPECT_LT(result.flicker_share, 0.05);
}

TEST(TemporalScores, CutsAreNotCompared) {
  TemporalScores scores(24);
  const FlowPair flow = Shift(0, 0);
  for (int i = 0; i < 6; ++i) {
    Map map;
    for (size_t k = 0; k < map.values.size(); ++k)
      map.values[k] = static_cast<float>((i < 3 ? 1 : 10) * (1 + k % 3));
    scores.Add({map.View(), Gray(50).view(), i % 3 == 0 ? nullptr : &flow});
  }
  const TemporalResult result = scores.Finish();
  EXPECT_EQ(result.shots, 2);
  EXPECT_EQ(result.pairs, 4);
  EXPECT_EQ(result.opw2, 0);
  EXPECT_TRUE(std::isnan(result.opw2_of_pairs[3]));
  EXPECT_EQ(result.opw2_of_pairs[4], 0);
}

TEST(TemporalScores, PixelsWithoutDataAndOutsideDoNotCount) {
  TemporalScores scores(24);
  const FlowPair flow = Shift(4, 0);
  for (int i = 0; i < 2; ++i) {
    Map map;
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x)
        map.values[static_cast<size_t>(y * kWidth + x)] =
            y == 0 ? std::numeric_limits<float>::quiet_NaN()
                   : static_cast<float>(x + (i == 0 ? 0 : 4) + 1);
    scores.Add({map.View(), Gray(50).view(), i == 0 ? nullptr : &flow});
  }
  const TemporalResult result = scores.Finish();
  EXPECT_NEAR(result.coverage, 16.0 / kWidth, 1e-9);
  EXPECT_EQ(result.opw2, 0);
  EXPECT_EQ(result.rtc, 1);
}

TEST(TemporalScores, WrongSizesAreRefused) {
  ExpectError(Code::kInvalidArgument, "frame rate", [] { TemporalScores(0); });
  TemporalScores scores(24);
  Map map;
  ExpectError(Code::kInvalidArgument, "RGB", [&] {
    scores.Add({map.View(), Image(PixelFormat::Rgb(8), 4, 4).view(), nullptr});
  });
}

TEST(ConsistentPixels, ThereAndBack) {
  FlowPair flow = Shift(2, 0);
  std::vector<uint8_t> mask(kWidth * kHeight);
  const PlaneView<uint8_t> view{mask.data(), kWidth, kWidth, kHeight};
  EXPECT_NEAR(ConsistentPixels(flow.ToBefore(), view), 18.0 / kWidth, 1e-9);
  EXPECT_EQ(mask[17], 1);
  EXPECT_EQ(mask[18], 0);
  for (auto& v : flow.from_before) v = Eigen::Vector2f(3, 0);
  EXPECT_EQ(ConsistentPixels(flow.ToBefore(), view), 0);
}

}  // namespace
}  // namespace mdvt::test
