// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/normal_fill.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "io/expect_error.h"
#include "support/pictures.h"

namespace mdvt::test {
namespace {

// A hole of columns [10, 16) in a picture of one colour on each side.
struct Gap {
  explicit Gap(PixelFormat format, int width = 32, int height = 12)
      : holes(MakePicture(PixelFormat::Gray(8), width, height,
                          [](int, int x, int) { return x >= 10 && x < 16 ? 255 : 0; })),
        image(MakePicture(format, width, height,
                          [&](int plane, int x, int) {
                            const int at = plane > 0 ? x << format.chroma_shift_x : x;
                            return at < 10 ? 40 : at < 16 ? 0 : 200;
                          })),
        directions(static_cast<size_t>(width) * static_cast<size_t>(height),
                   Eigen::Vector2f::Zero()) {}

  void Point(float x, float y) {
    std::fill(directions.begin(), directions.end(), Eigen::Vector2f(x, y));
  }
  void Fill(const NormalFillOptions& options, ThreadPool* pool = nullptr) {
    FillAlongNormals(
        holes.Plane<uint8_t>(),
        {directions.data(), static_cast<ptrdiff_t>(sizeof(Eigen::Vector2f)) * holes.width(),
         holes.width(), holes.height()},
        options, image.mutable_view(), pool);
  }

  Image holes, image;
  std::vector<Eigen::Vector2f> directions;
};

NormalFillOptions Plain() {
  NormalFillOptions options;
  options.blend_rim = false;
  return options;
}

TEST(FillAlongNormals, TakesTheSideThatTheDirectionsName) {
  for (const PixelFormat& format : IntegerFormats()) {
    Gap gap(format);
    gap.Point(-1, 0);
    gap.Fill(Plain());
    for (int plane = 0; plane < format.num_planes(); ++plane)
      for (int x = 10 >> (plane > 0 ? format.chroma_shift_x : 0);
           x < 16 >> (plane > 0 ? format.chroma_shift_x : 0); ++x)
        ASSERT_EQ(SampleOf(gap.image, plane, x, 3), 40) << format.ToString() << " " << plane;
    gap.Point(0.3f, 0);  // of any length
    gap.Fill(Plain());
    EXPECT_EQ(SampleOf(gap.image, 0, 12, 3), 200);
  }
}

// Kernels of even size, as the original has them, shift by half a pixel: on this ramp by four
// levels.
TEST(FillAlongNormals, BlursAroundTheMiddleOfAPixel) {
  constexpr int kWidth = 40, kHeight = 24;
  const auto ramp = [](int x, int y) { return 10 + 5 * x + 2 * y; };
  const auto inside = [](int x, int y) { return x >= 14 && x < 26 && y >= 8 && y < 16; };
  for (const bool blend : {false, true})
    for (const Eigen::Vector2f& way : {Eigen::Vector2f(1, 0), Eigen::Vector2f(-1, 0),
                                       Eigen::Vector2f(0, 1), Eigen::Vector2f(0, -1)}) {
      const auto filled = [&](int turn) {  // 0: as it is, 1: mirrored, 2: upside down
        const auto mx = [&](int x) { return turn == 1 ? kWidth - 1 - x : x; };
        const auto my = [&](int y) { return turn == 2 ? kHeight - 1 - y : y; };
        const Image holes =
            MakePicture(PixelFormat::Gray(8), kWidth, kHeight,
                        [&](int, int x, int y) { return inside(mx(x), my(y)) ? 255 : 0; });
        Image image = MakePicture(PixelFormat::Gray(8), kWidth, kHeight, [&](int, int x, int y) {
          return inside(mx(x), my(y)) ? 0 : ramp(mx(x), my(y));
        });
        const Eigen::Vector2f turned(turn == 1 ? -way.x() : way.x(),
                                     turn == 2 ? -way.y() : way.y());
        const std::vector<Eigen::Vector2f> ways(kWidth * kHeight, turned);
        NormalFillOptions options;
        options.blend_rim = blend;
        FillAlongNormals(
            std::as_const(holes).Plane<uint8_t>(),
            {ways.data(), static_cast<ptrdiff_t>(sizeof(ways[0])) * kWidth, kWidth, kHeight},
            options, image.mutable_view(), nullptr);
        return MakePicture(PixelFormat::Gray(8), kWidth, kHeight,
                           [&](int, int x, int y) { return SampleOf(image, 0, mx(x), my(y)); });
      };
      const Image plain = filled(0), mirrored = filled(1), upside_down = filled(2);
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < kWidth; ++x) {
          // But for the order of sums.
          EXPECT_NEAR(SampleOf(mirrored, 0, x, y), SampleOf(plain, 0, x, y), 1) << x << " " << y;
          EXPECT_NEAR(SampleOf(upside_down, 0, x, y), SampleOf(plain, 0, x, y), 1);
        }
      // The mean around a pixel of a ramp is the pixel: two beyond the rim along the way.
      if (way.y() != 0 && !blend) {
        const int source = way.y() > 0 ? 18 : 5;
        EXPECT_NEAR(SampleOf(plain, 0, 17, 11), ramp(17, source), 1);
      }
    }
}

TEST(FillAlongNormals, LeavesThePictureAsItIs) {
  Gap gap(PixelFormat::Gray(8));
  gap.Point(-1, 0);
  gap.Fill(Plain());
  for (int x = 0; x < 32; ++x)
    if (x < 10 || x >= 16) {
      ASSERT_EQ(SampleOf(gap.image, 0, x, 5), x < 10 ? 40 : 200);
    }
  // The seam is blurred on the side of the background only.
  NormalFillOptions blend;
  SetSample(gap.image, 0, 9, 5, 60);
  gap.Fill(blend);
  EXPECT_LT(SampleOf(gap.image, 0, 9, 5), 60);
  EXPECT_EQ(SampleOf(gap.image, 0, 17, 5), 200);
  EXPECT_EQ(SampleOf(gap.image, 0, 2, 5), 40);
}

TEST(FillAlongNormals, BlackIsAColor) {
  Gap gap(PixelFormat::Gray(8));
  for (int y = 0; y < 12; ++y)
    for (int x = 0; x < 10; ++x) SetSample(gap.image, 0, x, y, 0);
  for (int y = 0; y < 12; ++y)
    for (int x = 10; x < 16; ++x) SetSample(gap.image, 0, x, y, 99);
  gap.Point(-1, 0);
  gap.Fill(Plain());
  EXPECT_EQ(SampleOf(gap.image, 0, 13, 5), 0);
}

TEST(FillAlongNormals, WithoutDirectionsTheNearerSideHolds) {
  Gap gap(PixelFormat::Gray(8));
  gap.Fill(Plain());
  EXPECT_EQ(SampleOf(gap.image, 0, 10, 5), 40);
  EXPECT_EQ(SampleOf(gap.image, 0, 15, 5), 200);
}

TEST(FillAlongNormals, WalksAnyDirection) {
  // Rows of their own colour: a hole that is filled from below takes the rows below it.
  Image holes = MakePicture(PixelFormat::Gray(8), 16, 16,
                            [](int, int, int y) { return y >= 4 && y < 8 ? 255 : 0; });
  Image image = MakePicture(PixelFormat::Gray(8), 16, 16, [](int, int, int y) {
    return y < 4 ? 10 : y < 8 ? 0 : 150;
  });
  std::vector<Eigen::Vector2f> down(256, Eigen::Vector2f(0.2f, 1));
  FillAlongNormals(holes.Plane<uint8_t>(), {down.data(), 16 * sizeof(Eigen::Vector2f), 16, 16},
                   Plain(), image.mutable_view());
  EXPECT_EQ(SampleOf(image, 0, 5, 5), 150);
  EXPECT_EQ(SampleOf(image, 0, 15, 4),
            150);  // its way leaves the picture: that of its row's others
}

TEST(FillAlongNormals, GoesNoFartherThanItMay) {
  Gap gap(PixelFormat::Gray(8));
  gap.Point(-1, 0);
  NormalFillOptions options = Plain();
  options.max_steps = 2;
  gap.Fill(options);
  EXPECT_EQ(SampleOf(gap.image, 0, 15, 5), 40);  // repeated from the nearest that was reached
  for (const Gap& all : {Gap(PixelFormat::Gray(8))}) {
    Image holes = MakePicture(PixelFormat::Gray(8), 32, 12, [](int, int, int) { return 255; });
    Image image = all.image.Clone();
    FillAlongNormals(holes.Plane<uint8_t>(),
                     {gap.directions.data(), 32 * sizeof(Eigen::Vector2f), 32, 12}, Plain(),
                     image.mutable_view());
    EXPECT_EQ(SampleOf(image, 0, 12, 5), 0);  // nothing to fill from
  }
}

TEST(FillAlongNormals, IsTheSameForEveryThreadCount) {
  Gap one(PixelFormat::Yuv(420), 64, 48), three(PixelFormat::Yuv(420), 64, 48);
  one.Point(-0.8f, 0.2f);
  three.Point(-0.8f, 0.2f);
  ThreadPool pool(3);
  one.Fill({});
  three.Fill({}, &pool);
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < one.image.format().PlaneHeight(plane, 48); ++y)
      for (int x = 0; x < one.image.format().PlaneWidth(plane, 64); ++x)
        ASSERT_EQ(SampleOf(one.image, plane, x, y), SampleOf(three.image, plane, x, y));
}

TEST(FillAlongNormals, RefusesWhatDoesNotFit) {
  Gap gap(PixelFormat::Gray(8));
  NormalFillOptions options;
  options.max_steps = 0;
  ExpectError(Code::kInvalidArgument, "max_steps = 0", [&] { gap.Fill(options); });
  Image small(PixelFormat::Gray(8), 8, 8);
  ExpectError(Code::kInvalidArgument, "holes are 32x12", [&] {
    FillAlongNormals(gap.holes.Plane<uint8_t>(),
                     {gap.directions.data(), 32 * sizeof(Eigen::Vector2f), 32, 12}, {},
                     small.mutable_view());
  });
}

}  // namespace
}  // namespace mdvt::test
