// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/line_segments.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mdvt::test {
namespace {

// White where a half plane is, its border anti-aliased.
Image HalfPlane(double angle, int width = 160, int height = 120) {
  Image image(PixelFormat::Gray(8), width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const double off =
          (x + 0.5 - width / 2.0) * std::sin(angle) - (y + 0.5 - height / 2.0) * std::cos(angle);
      image.MutablePlane<uint8_t>().At(x, y) =
          static_cast<uint8_t>(std::lround(40 + 170 * std::min(1.0, std::max(0.0, off + 0.5))));
    }
  return image;
}

TEST(FindLineSegments, FindsABorderWhereItIs) {
  for (const double angle : {0.0, 0.3, 1.2, 2.0}) {
    const Image image = HalfPlane(angle);
    const std::vector<LineSegment> lines = FindLineSegments(image.Plane<uint8_t>(), 30, 10);
    ASSERT_GE(lines.size(), 1u) << angle;
    const LineSegment& line = lines.front();
    EXPECT_GT(line.length(), 80) << angle;
    for (const Eigen::Vector2d& end : {line.a, line.b})
      EXPECT_NEAR((end.x() - 80) * std::sin(angle) - (end.y() - 60) * std::cos(angle), 0, 0.6)
          << angle;
  }
}

TEST(FindLineSegments, KeepsToItsBounds) {
  const Image image = HalfPlane(0.3);
  EXPECT_TRUE(FindLineSegments(image.Plane<uint8_t>(), 1000, 10).empty());
  EXPECT_TRUE(FindLineSegments(image.Plane<uint8_t>(), 1, 0).empty());
  const Image small(PixelFormat::Gray(8), 8, 8);
  EXPECT_TRUE(FindLineSegments(small.Plane<uint8_t>(), 1, 10).empty());
}

}  // namespace
}  // namespace mdvt::test
