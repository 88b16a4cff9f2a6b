// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/stereo_match.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kWidth = 160, kHeight = 96;

// Waves of several lengths, moved by (dx, dy).
std::vector<uint8_t> Pattern(double dx, double dy, int w = kWidth, int h = kHeight) {
  std::vector<uint8_t> pixels;
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      const double u = x - dx, v = y - dy;
      const double value = std::sin(0.35 * u + 0.1 * v) + std::sin(0.21 * v - 0.05 * u) +
                           std::sin(0.13 * u + 0.17 * v) + std::sin(0.031 * u - 0.027 * v);
      pixels.push_back(static_cast<uint8_t>(128 + 30 * value));
    }
  return pixels;
}
PlaneView<const uint8_t> ViewOf(const std::vector<uint8_t>& pixels, int w = kWidth,
                                int h = kHeight) {
  return {pixels.data(), w, w, h};
}

TEST(StereoMatcher, FindsShiftsInBothDirections) {
  StereoMatcher matcher;
  for (const double dx : {-9.0, 0.0, 5.5})
    for (const double dy : {0.0, 2.0}) {
      const std::vector<uint8_t> left = Pattern(0, 0), right = Pattern(dx, dy);
      const StereoMatch& match = matcher.Match(ViewOf(left), ViewOf(right));
      int sure = 0;
      double x = 0, y = 0, back = 0;
      for (int row = 0; row < kHeight; ++row)
        for (int column = 0; column < kWidth; ++column) {
          if (match.left_quality.Plane<uint8_t>().At(column, row) !=
              static_cast<uint8_t>(MatchQuality::kSure))
            continue;
          ++sure;
          x += match.left_to_right.view().At(column, row).x();
          y += match.left_to_right.view().At(column, row).y();
          back += match.right_to_left.view().At(column, row).x();
        }
      ASSERT_GT(sure, kWidth * kHeight / 2);
      EXPECT_NEAR(x / sure, dx, 0.2);
      EXPECT_NEAR(y / sure, dy, 0.2);
      EXPECT_NEAR(back / sure, -dx, 0.4);
    }
}

TEST(StereoMatcher, TrustsNoPlainWall) {
  const std::vector<uint8_t> flat(kWidth * kHeight, 90);
  StereoMatcher matcher;
  const StereoMatch& match = matcher.Match(ViewOf(flat), ViewOf(flat));
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      ASSERT_EQ(match.left_quality.Plane<uint8_t>().At(x, y),
                static_cast<uint8_t>(MatchQuality::kSmooth));
}

TEST(StereoMatcher, GivesTheSameWhateverCameBefore) {
  const std::vector<uint8_t> left = Pattern(0, 0), right = Pattern(4, 0), other = Pattern(-7, 3);
  StereoMatcher fresh, used;
  used.Match(ViewOf(other), ViewOf(left));
  const FlowField once = used.Match(ViewOf(left), ViewOf(right)).left_to_right;
  EXPECT_EQ(once.vectors, fresh.Match(ViewOf(left), ViewOf(right)).left_to_right.vectors);
}

TEST(StereoMatcher, TakesAnySize) {
  StereoMatcher matcher;
  for (const auto& [w, h] : {std::pair(1, 1), std::pair(15, 40), std::pair(40, 15)}) {
    const std::vector<uint8_t> picture = Pattern(0, 0, w, h);
    const StereoMatch& match = matcher.Match(ViewOf(picture, w, h), ViewOf(picture, w, h));
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x) ASSERT_EQ(match.left_quality.Plane<uint8_t>().At(x, y), 0);
  }
  const std::vector<uint8_t> picture = Pattern(0, 0);
  EXPECT_EQ(test::CodeOf([&] { matcher.Match(ViewOf(picture), ViewOf(picture, 80, 96)); }),
            Code::kInvalidArgument);
  StereoMatchOptions options;
  options.max_round_trip = 0;
  EXPECT_EQ(test::CodeOf([&] { StereoMatcher bad(options); }), Code::kInvalidArgument);
}

}  // namespace
}  // namespace mdvt
