// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/classical_fill.h"

#include <gtest/gtest.h>

#include <vector>

#include "io/expect_error.h"
#include "support/pictures.h"

namespace mdvt::test {
namespace {

Image Disc(int width, int height) {
  return MakePicture(PixelFormat::Gray(8), width, height, [=](int, int x, int y) {
    const int dx = x - width / 2, dy = y - height / 2;
    return dx * dx + dy * dy <= 30 ? 255 : 0;
  });
}

TEST(InpaintClassical, KeepsAUniformPictureInEveryFormat) {
  const Image mask = Disc(32, 24);
  for (const PixelFormat& format : IntegerFormats()) {
    const int value = format.max_value() / 3;
    Image image = MakePicture(format, 32, 24, [&](int plane, int x, int y) {
      const int shift_x = plane > 0 ? format.chroma_shift_x : 0;
      const int shift_y = plane > 0 ? format.chroma_shift_y : 0;
      return SampleOf(mask, 0, x << shift_x, y << shift_y) != 0 ? 0 : value;
    });
    InpaintClassical(mask.Plane<uint8_t>(), 4, image.mutable_view());
    for (int plane = 0; plane < format.num_planes(); ++plane)
      for (int y = 0; y < format.PlaneHeight(plane, 24); ++y)
        for (int x = 0; x < format.PlaneWidth(plane, 32); ++x)
          ASSERT_EQ(SampleOf(image, plane, x, y), value) << format.ToString();
  }
}

TEST(InpaintClassical, ContinuesARamp) {
  const Image mask = Disc(40, 40);
  Image image = MakePicture(PixelFormat::Gray(8), 40, 40, [&](int, int x, int y) {
    return SampleOf(mask, 0, x, y) != 0 ? 255 : 20 + 4 * x;
  });
  InpaintClassical(mask.Plane<uint8_t>(), 5, image.mutable_view());
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 40; ++x) {
      ASSERT_NEAR(SampleOf(image, 0, x, y), 20 + 4 * x, SampleOf(mask, 0, x, y) != 0 ? 10 : 0);
    }
}

TEST(InpaintClassical, IsTheSameForEveryThreadCountAndChecksItsInput) {
  const Image mask = Disc(64, 48);
  std::mt19937_64 rng(5);
  const Image noise = RandomImage(PixelFormat::Yuv(420), 64, 48, rng);
  Image one = noise.Clone(), three = noise.Clone();
  ThreadPool pool(3);
  InpaintClassical(mask.Plane<uint8_t>(), 6, one.mutable_view());
  InpaintClassical(mask.Plane<uint8_t>(), 6, three.mutable_view(), &pool);
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < one.format().PlaneHeight(plane, 48); ++y)
      for (int x = 0; x < one.format().PlaneWidth(plane, 64); ++x)
        ASSERT_EQ(SampleOf(one, plane, x, y), SampleOf(three, plane, x, y));
  ExpectError(Code::kInvalidArgument, "radius = 0",
              [&] { InpaintClassical(mask.Plane<uint8_t>(), 0, one.mutable_view()); });
  Image small(PixelFormat::Gray(8), 8, 8);
  ExpectError(Code::kInvalidArgument, "mask is 64x48",
              [&] { InpaintClassical(mask.Plane<uint8_t>(), 4, small.mutable_view()); });
}

TEST(InpaintClassical, LeavesAPictureThatIsAllMaskedAsItIs) {
  Image mask = MakePicture(PixelFormat::Gray(8), 8, 8, [](int, int, int) { return 255; });
  Image image = MakePicture(PixelFormat::Gray(8), 8, 8, [](int, int x, int y) { return x + y; });
  InpaintClassical(mask.Plane<uint8_t>(), 4, image.mutable_view());
  EXPECT_EQ(SampleOf(image, 0, 3, 4), 7);
}

TEST(InterpolateFlow, BlendsTheMotionAround) {
  Image mask = MakePicture(PixelFormat::Gray(8), 21, 21, [](int, int x, int y) {
    return x >= 8 && x < 13 && y >= 8 && y < 13 ? 255 : 0;
  });
  std::vector<Eigen::Vector2f> flow;
  for (int y = 0; y < 21; ++y)
    for (int x = 0; x < 21; ++x) flow.emplace_back(x < 8 ? 2.0f : x >= 13 ? 4.0f : 3.0f, 1.0f);
  flow[10 * 21 + 10] = {99, 99};
  InterpolateFlow(mask.Plane<uint8_t>(), 1, {flow.data(), 21 * sizeof(Eigen::Vector2f), 21, 21});
  EXPECT_NEAR(flow[10 * 21 + 10].x(), 3, 1e-5);
  EXPECT_NEAR(flow[10 * 21 + 10].y(), 1, 1e-5);
  EXPECT_LT(flow[10 * 21 + 8].x(), 3);
  std::vector<Eigen::Vector2f> small(4);
  ExpectError(Code::kInvalidArgument, "mask is 21x21", [&] {
    InterpolateFlow(mask.Plane<uint8_t>(), 1, {small.data(), 2 * sizeof(Eigen::Vector2f), 2, 2});
  });
}

}  // namespace
}  // namespace mdvt::test
