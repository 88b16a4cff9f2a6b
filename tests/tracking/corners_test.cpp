// SPDX-License-Identifier: Apache-2.0
#include "tracking/corners.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "support/test_env.h"

namespace mdvt::tracking {
namespace {

struct Picture {
  int width, height;
  std::vector<uint8_t> pixels;
  Picture(int w, int h)
      : width(w), height(h), pixels(static_cast<size_t>(w) * static_cast<size_t>(h), 30) {}
  PlaneView<const uint8_t> view() const { return {pixels.data(), width, width, height}; }
  uint8_t& At(int x, int y) { return pixels[static_cast<size_t>(y * width + x)]; }
  std::vector<uint8_t> Everywhere() const { return std::vector<uint8_t>(pixels.size(), 255); }
};

// Patches of several sizes and brightnesses, blurred as a video is.
Picture Patches(int width, int height) {
  Picture picture(width, height);
  std::mt19937_64 random = test::Rng();
  for (int i = 0; i < 150; ++i) {
    const int x = static_cast<int>(random() % static_cast<unsigned>(width));
    const int y = static_cast<int>(random() % static_cast<unsigned>(height));
    const int w = 3 + static_cast<int>(random() % 30), h = 3 + static_cast<int>(random() % 30);
    const auto value = static_cast<uint8_t>(random());
    for (int v = y; v < std::min(height, y + h); ++v)
      for (int u = x; u < std::min(width, x + w); ++u) picture.At(u, v) = value;
  }
  cv::Mat raw(height, width, CV_8UC1, picture.pixels.data());
  cv::GaussianBlur(raw, raw, cv::Size(5, 5), 1);
  return picture;
}

TEST(FindCorners, FindsTheCornersOfASquare) {
  Picture picture(64, 48);
  for (int y = 16; y < 32; ++y)
    for (int x = 20; x < 44; ++x) picture.At(x, y) = 200;
  const auto corners = FindCorners(picture.view(), picture.Everywhere(), {10, 0.1, 5});
  ASSERT_EQ(corners.size(), 4u);
  for (const auto& [x, y] : {std::pair(20, 16), {43, 16}, {20, 31}, {43, 31}}) {
    const bool found =
        std::any_of(corners.begin(), corners.end(), [&, u = x, v = y](const auto& c) {
          return std::abs(c.x() - u) <= 1 && std::abs(c.y() - v) <= 1;
        });
    EXPECT_TRUE(found) << x << ", " << y;
  }
}

// OpenCV rounds its sums, on every processor in another way: nearly the same corners.
TEST(FindCorners, AgreesWithOpenCv) {
  Picture picture = Patches(320, 200);
  const cv::Mat raw(picture.height, picture.width, CV_8UC1, picture.pixels.data());
  std::vector<cv::Point2f> expected;
  cv::goodFeaturesToTrack(raw, expected, 200, 0.005, 8, cv::noArray(), 5);
  const auto corners = FindCorners(picture.view(), picture.Everywhere(), {200, 0.005, 8});
  std::set<std::pair<int, int>> found;
  for (const Eigen::Vector2i& corner : corners) found.emplace(corner.x(), corner.y());
  int same = 0;
  for (const cv::Point2f& corner : expected)
    same += static_cast<int>(found.count({static_cast<int>(corner.x), static_cast<int>(corner.y)}));
  EXPECT_GT(expected.size(), 100u);
  EXPECT_NEAR(static_cast<double>(corners.size()), static_cast<double>(expected.size()), 4);
  EXPECT_GE(same, static_cast<int>(expected.size()) * 95 / 100) << corners.size();
}

TEST(FindCorners, KeepsTheDistanceTheNumberAndWhatIsAllowed) {
  const Picture picture = Patches(200, 120);
  std::vector<uint8_t> allowed = picture.Everywhere();
  for (int y = 0; y < 120; ++y)
    std::fill_n(&allowed[static_cast<size_t>(y * 200)], 100, uint8_t{0});
  const auto corners = FindCorners(picture.view(), allowed, {25, 0.001, 7.5});
  ASSERT_EQ(corners.size(), 25u);
  for (size_t i = 0; i < corners.size(); ++i) {
    EXPECT_GE(corners[i].x(), 100);
    for (size_t j = 0; j < i; ++j) EXPECT_GE((corners[i] - corners[j]).cast<double>().norm(), 7.5);
  }
  // Fewer are the first of more.
  const auto fewer = FindCorners(picture.view(), allowed, {10, 0.001, 7.5});
  ASSERT_EQ(fewer.size(), 10u);
  EXPECT_TRUE(std::equal(fewer.begin(), fewer.end(), corners.begin()));
}

TEST(FindCorners, HasNoneWhereNothingIs) {
  EXPECT_TRUE(FindCorners(Picture(40, 30).view(), Picture(40, 30).Everywhere(), {}).empty());
  for (const auto& [width, height] : {std::pair(1, 1), {2, 9}, {3, 3}, {4, 3}}) {
    Picture tiny(width, height);
    tiny.At(width - 1, height - 1) = 255;
    EXPECT_LE(FindCorners(tiny.view(), tiny.Everywhere(), {}).size(), 1u);
  }
  Picture picture = Patches(40, 30);
  EXPECT_TRUE(FindCorners(picture.view(), std::vector<uint8_t>(1200, 0), {}).empty());
  EXPECT_TRUE(FindCorners(picture.view(), picture.Everywhere(), {0, 0.1, 5}).empty());
}

}  // namespace
}  // namespace mdvt::tracking
