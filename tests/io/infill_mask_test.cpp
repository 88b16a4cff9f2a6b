// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/infill_mask.h"

#include <array>
#include <cmath>
#include <cstring>

#include "io/expect_error.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ExpectError;
using Pixel = std::array<int, 3>;

Image Black(int width, int height) {
  Image image(PixelFormat::Rgb(8), width, height);
  for (int plane = 0; plane < 3; ++plane) {
    for (int y = 0; y < height; ++y) {
      std::memset(image.MutablePlane<uint8_t>(plane).Row(y), 0, static_cast<size_t>(width));
    }
  }
  return image;
}
Pixel At(const Image& image, int x, int y) {
  return {image.Plane<uint8_t>(0).At(x, y), image.Plane<uint8_t>(1).At(x, y),
          image.Plane<uint8_t>(2).At(x, y)};
}
void Set(Image* image, int x, int y, const Pixel& pixel) {
  for (int plane = 0; plane < 3; ++plane) {
    image->MutablePlane<uint8_t>(plane).At(x, y) =
        static_cast<uint8_t>(pixel[static_cast<size_t>(plane)]);
  }
}
HoleMap OneRow(int width, const std::vector<HoleSpan>& spans) {
  HoleMap holes;
  holes.Reset(width, 1);
  holes.rows[0] = spans;
  return holes;
}
HoleSpan Span(int begin, int end, HoleSide side, float near_depth = 0, float far_depth = 0) {
  HoleSpan span;
  span.begin = begin;
  span.end = end;
  span.background = side;
  span.near_depth = near_depth;
  span.far_depth = far_depth;
  return span;
}

TEST(PaintInfillMask, ColoursOfDirections) {
  Image mask(PixelFormat::Rgb(8), 12, 1);
  for (int plane = 0; plane < 3; ++plane) {
    std::memset(mask.MutablePlane<uint8_t>(plane).Row(0), 99, 12);  // must be overwritten
  }
  PaintInfillMask(OneRow(12, {Span(2, 4, HoleSide::kRight), Span(5, 6, HoleSide::kLeft)}),
                  InfillMaskStyle::kDirections, mask.mutable_view());
  EXPECT_EQ(At(mask, 0, 0), (Pixel{0, 0, 0}));
  EXPECT_EQ(At(mask, 2, 0), (Pixel{255, 127, 127}));
  EXPECT_EQ(At(mask, 3, 0), (Pixel{255, 127, 127}));
  EXPECT_EQ(At(mask, 4, 0), (Pixel{0, 0, 0}));
  EXPECT_EQ(At(mask, 5, 0), (Pixel{1, 127, 127}));
  EXPECT_EQ(At(mask, 11, 0), (Pixel{0, 0, 0}));
}

TEST(PaintInfillMask, NormalFollowsTheSlopeOfTheTear) {
  Image mask(PixelFormat::Rgb(8), 10, 1);
  const double focal = 10;
  // One pixel at 3 m is 0.3 m wide, the tear 1 m deep.
  PaintInfillMask(OneRow(10, {Span(3, 6, HoleSide::kLeft, 2, 3)}), InfillMaskStyle::kDirections,
                  mask.mutable_view(), focal);
  const double nx = -1 / std::hypot(1, 0.3), nz = -0.3 / std::hypot(1, 0.3);
  EXPECT_NEAR(At(mask, 4, 0)[0], 255 * (nx + 1) / 2, 0.5);
  EXPECT_EQ(At(mask, 4, 0)[1], 127);
  EXPECT_NEAR(At(mask, 4, 0)[2], 255 * (nz + 1) / 2, 0.5);
  EXPECT_LT(At(mask, 4, 0)[2], 127);
}

TEST(PaintInfillMask, BordersPointInward) {
  HoleSpan left = Span(0, 2, HoleSide::kRight), right = Span(8, 10, HoleSide::kLeft);
  left.at_border = right.at_border = true;
  Image mask(PixelFormat::Rgb(8), 10, 1);
  PaintInfillMask(OneRow(10, {left, right}), InfillMaskStyle::kDirections, mask.mutable_view());
  EXPECT_EQ(At(mask, 0, 0), (Pixel{255, 127, 127}));
  EXPECT_EQ(At(mask, 9, 0), (Pixel{1, 127, 127}));
  HoleSpan all = Span(0, 10, HoleSide::kBoth);
  all.at_border = true;
  PaintInfillMask(OneRow(10, {all}), InfillMaskStyle::kDirections, mask.mutable_view());
  EXPECT_EQ(At(mask, 5, 0), (Pixel{127, 127, 127}));
}

TEST(PaintInfillMask, EveryChannelOfADirectedHoleIsSet) {
  std::mt19937_64 rng = test::Rng();
  std::uniform_real_distribution<float> depth(0.01f, 100);
  Image mask(PixelFormat::Rgb(8), 3, 1);
  for (int i = 0; i < 1000; ++i) {
    const auto side = i % 3 == 0   ? HoleSide::kLeft
                      : i % 3 == 1 ? HoleSide::kRight
                                   : HoleSide::kBoth;
    PaintInfillMask(OneRow(3, {Span(1, 2, side, depth(rng), depth(rng))}),
                    InfillMaskStyle::kDirections, mask.mutable_view(), i);
    for (const int channel : At(mask, 1, 0)) EXPECT_GE(channel, 1);
  }
}

TEST(PaintInfillMask, RowsWithoutDataPointUpOrDown) {
  HoleMap holes;
  holes.Reset(4, 3);
  for (int y = 0; y < 3; ++y) {
    HoleSpan span = Span(0, 4, HoleSide::kBoth);
    span.at_border = true;
    span.rows_with_data = static_cast<int8_t>(1 - y);
    holes.rows[static_cast<size_t>(y)].push_back(span);
  }
  Image mask = Black(4, 3);
  PaintInfillMask(holes, InfillMaskStyle::kDirections, mask.mutable_view());
  EXPECT_EQ(At(mask, 1, 0), (Pixel{127, 255, 127}));
  EXPECT_EQ(At(mask, 1, 1), (Pixel{127, 127, 127}));
  EXPECT_EQ(At(mask, 1, 2), (Pixel{127, 1, 127}));
}

TEST(PaintInfillMask, Green) {
  Image mask(PixelFormat::Rgb(8), 4, 1);
  PaintInfillMask(OneRow(4, {Span(1, 3, HoleSide::kRight)}), InfillMaskStyle::kGreen,
                  mask.mutable_view());
  EXPECT_EQ(At(mask, 1, 0), (Pixel{0, 255, 0}));
  EXPECT_EQ(At(mask, 3, 0), (Pixel{0, 0, 0}));
}

TEST(PaintInfillMask, OlderGenerationsAreReadBack) {
  HoleMap holes = OneRow(20, {Span(0, 3, HoleSide::kRight), Span(5, 9, HoleSide::kLeft),
                              Span(11, 14, HoleSide::kRight), Span(17, 20, HoleSide::kLeft)});
  holes.rows[0].front().at_border = holes.rows[0].back().at_border = true;
  Image mask = Black(20, 1);
  PaintInfillMask(holes, InfillMaskStyle::kEnds, mask.mutable_view());
  const Pixel red{255, 0, 0}, green{0, 255, 0}, blue{0, 0, 255};
  EXPECT_EQ(At(mask, 0, 0), green);  // no near end at the border
  EXPECT_EQ(At(mask, 2, 0), blue);
  EXPECT_EQ(At(mask, 5, 0), blue);
  EXPECT_EQ(At(mask, 6, 0), green);
  EXPECT_EQ(At(mask, 8, 0), red);
  EXPECT_EQ(At(mask, 11, 0), red);
  EXPECT_EQ(At(mask, 13, 0), blue);
  EXPECT_EQ(At(mask, 17, 0), blue);
  EXPECT_EQ(At(mask, 19, 0), green);
  EXPECT_EQ(DetectInfillMaskCode(mask.view()), InfillMaskCode::kEnds);
  const HoleMap back = ReadInfillMask(mask.view());
  ASSERT_EQ(back.rows[0].size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(back.rows[0][i].begin, holes.rows[0][i].begin);
    EXPECT_EQ(back.rows[0][i].end, holes.rows[0][i].end);
    EXPECT_EQ(back.rows[0][i].background, holes.rows[0][i].background) << i;
  }
  PaintInfillMask(holes, InfillMaskStyle::kWhite, mask.mutable_view());
  EXPECT_EQ(DetectInfillMaskCode(mask.view()), InfillMaskCode::kWhite);
  EXPECT_EQ(At(mask, 12, 0), (Pixel{255, 255, 255}));
  EXPECT_EQ(At(mask, 10, 0), (Pixel{0, 0, 0}));
}

TEST(PaintInfillMask, WritesOneEyeOfASideBySideMask) {
  Image both = Black(8, 1);
  Set(&both, 0, 0, {9, 9, 9});
  PaintInfillMask(OneRow(4, {Span(0, 4, HoleSide::kBoth)}), InfillMaskStyle::kDirections,
                  both.mutable_view().Crop(4, 0, 4, 1));
  EXPECT_EQ(At(both, 0, 0), (Pixel{9, 9, 9}));
  EXPECT_EQ(At(both, 3, 0), (Pixel{0, 0, 0}));
  EXPECT_EQ(At(both, 4, 0), (Pixel{127, 127, 127}));
}

TEST(PaintInfillMask, RefusesWhatDoesNotFit) {
  Image mask(PixelFormat::Rgb(8), 4, 1), gray(PixelFormat::Gray(8), 4, 1);
  const auto paint = [](const HoleMap& holes, Image* image, double focal = 0) {
    PaintInfillMask(holes, InfillMaskStyle::kDirections, image->mutable_view(), focal);
  };
  ExpectError(Code::kInvalidArgument, "must be rgb8", [&] { paint(OneRow(4, {}), &gray); });
  ExpectError(Code::kInvalidArgument, "holes are 5x1", [&] { paint(OneRow(5, {}), &mask); });
  for (const HoleSpan& span :
       {Span(-1, 2, HoleSide::kLeft), Span(2, 5, HoleSide::kLeft), Span(3, 2, HoleSide::kLeft)}) {
    ExpectError(Code::kInvalidArgument, "leaves the row", [&] { paint(OneRow(4, {span}), &mask); });
  }
  for (const double focal : {-1.0, std::nan(""), HUGE_VAL}) {
    ExpectError(Code::kInvalidArgument, "focal_px", [&] { paint(OneRow(4, {}), &mask, focal); });
  }
}

void ExpectSameHoles(const HoleMap& a, const HoleMap& b) {
  ASSERT_EQ(a.width, b.width);
  ASSERT_EQ(a.height, b.height);
  ASSERT_EQ(a.rows.size(), b.rows.size());
  for (size_t y = 0; y < a.rows.size(); ++y) {
    ASSERT_EQ(a.rows[y].size(), b.rows[y].size()) << "row " << y;
    for (size_t i = 0; i < a.rows[y].size(); ++i) {
      EXPECT_EQ(a.rows[y][i].begin, b.rows[y][i].begin) << "row " << y;
      EXPECT_EQ(a.rows[y][i].end, b.rows[y][i].end) << "row " << y;
      EXPECT_EQ(a.rows[y][i].background, b.rows[y][i].background) << "row " << y;
      EXPECT_EQ(a.rows[y][i].at_border, b.rows[y][i].at_border) << "row " << y;
    }
  }
}

// Random spans, also touching ones of different sides, as the view synthesis makes them.
HoleMap RandomHoles(int width, int height, std::mt19937_64& rng) {
  HoleMap holes;
  holes.Reset(width, height);
  std::uniform_int_distribution<int> length(1, 12);
  std::uniform_real_distribution<float> near_depth(0.5f, 5), extra(0.1f, 20);
  for (auto& row : holes.rows) {
    if (rng() % 8 == 0) {
      HoleSpan all = Span(0, width, HoleSide::kBoth);
      all.at_border = true;
      row.push_back(all);
      continue;
    }
    int x = static_cast<int>(rng() % 4);
    while (x < width) {
      const int end = std::min(width, x + length(rng));
      HoleSpan span = Span(x, end, rng() % 2 ? HoleSide::kLeft : HoleSide::kRight, near_depth(rng));
      span.far_depth = span.near_depth + extra(rng);
      if (x == 0) span.background = HoleSide::kRight;
      if (end == width) span.background = HoleSide::kLeft;
      if (x == 0 && end == width) span.background = HoleSide::kBoth;
      span.at_border = x == 0 || end == width;
      const bool touches = !row.empty() && row.back().end == x;
      if (touches && row.back().background == span.background) {
        ++x;
        continue;
      }
      row.push_back(span);
      x = end + static_cast<int>(rng() % 3) * length(rng);
    }
  }
  return holes;
}

TEST(ReadInfillMask, ReturnsWhatWasPainted) {
  std::mt19937_64 rng = test::Rng();
  for (const int width : {2, 3, 7, 8, 9, 31, 100, 640}) {
    const HoleMap holes = RandomHoles(width, 40, rng);
    Image mask(PixelFormat::Rgb(8), width, 40);
    for (const double focal : {0.0, 30.0, 1000.0}) {
      PaintInfillMask(holes, InfillMaskStyle::kDirections, mask.mutable_view(), focal);
      ExpectSameHoles(ReadInfillMask(mask.view()), holes);
    }
  }
}

TEST(ReadInfillMask, GreenHasNoSides) {
  HoleMap holes;
  holes.Reset(50, 2);
  holes.rows[0] = {Span(3, 5, HoleSide::kLeft), Span(9, 10, HoleSide::kRight)};
  Image mask(PixelFormat::Rgb(8), 50, 2);
  PaintInfillMask(holes, InfillMaskStyle::kGreen, mask.mutable_view());
  for (HoleSpan& span : holes.rows[0]) span.background = HoleSide::kBoth;
  ExpectSameHoles(ReadInfillMask(mask.view()), holes);
}

TEST(ReadInfillMask, WhiteOfTheOldestFiles) {
  Image mask = Black(20, 2);
  for (int x = 5; x < 9; ++x) Set(&mask, x, 1, {255, 255, 255});
  EXPECT_EQ(DetectInfillMaskCode(mask.view()), InfillMaskCode::kWhite);
  const HoleMap holes = ReadInfillMask(mask.view());
  ASSERT_EQ(holes.rows[1].size(), 1u);
  EXPECT_TRUE(holes.rows[0].empty());
  EXPECT_EQ(holes.rows[1][0].begin, 5);
  EXPECT_EQ(holes.rows[1][0].end, 9);
  EXPECT_EQ(holes.rows[1][0].background, HoleSide::kBoth);
}

TEST(ReadInfillMask, EndsOfTheSecondGeneration) {
  Image mask = Black(30, 1);
  const Pixel red = {255, 0, 0}, green = {0, 255, 0}, blue = {0, 0, 255};
  Set(&mask, 2, 0, red);
  Set(&mask, 3, 0, green);
  Set(&mask, 4, 0, blue);
  Set(&mask, 10, 0, blue);
  Set(&mask, 11, 0, green);
  Set(&mask, 12, 0, green);
  Set(&mask, 13, 0, red);
  Set(&mask, 20, 0, green);
  Set(&mask, 28, 0, red);
  Set(&mask, 29, 0, green);
  EXPECT_EQ(DetectInfillMaskCode(mask.view()), InfillMaskCode::kEnds);
  const HoleMap holes = ReadInfillMask(mask.view());
  ASSERT_EQ(holes.rows[0].size(), 4u);
  EXPECT_EQ(holes.rows[0][0].background, HoleSide::kRight);
  EXPECT_EQ(holes.rows[0][0].end, 5);
  EXPECT_EQ(holes.rows[0][1].background, HoleSide::kLeft);
  EXPECT_EQ(holes.rows[0][2].background, HoleSide::kBoth);
  EXPECT_EQ(holes.rows[0][3].background, HoleSide::kRight);
  EXPECT_TRUE(holes.rows[0][3].at_border);
  EXPECT_FALSE(holes.rows[0][0].at_border);
}

TEST(ReadInfillMask, BlurredVectorsOfTheOriginals) {
  // A smooth turn from "background right" to "background left" inside one hole.
  Image mask = Black(40, 1);
  for (int x = 10; x < 30; ++x) {
    const double nx = std::cos(3.14159265 * (x - 10) / 19.0);
    Set(&mask, x, 0, {static_cast<int>(255 * (nx + 1) / 2), 127, 100});
  }
  const HoleMap holes = ReadInfillMask(mask.view());
  ASSERT_EQ(holes.rows[0].size(), 2u);
  EXPECT_EQ(holes.rows[0][0].background, HoleSide::kRight);
  EXPECT_EQ(holes.rows[0][1].background, HoleSide::kLeft);
  EXPECT_EQ(holes.rows[0][0].end, holes.rows[0][1].begin);
  EXPECT_NEAR(holes.rows[0][0].end, 20, 3);
  // Top and bottom borders of the originals carry no image direction.
  Image flat = Black(8, 2);
  for (int x = 0; x < 8; ++x) {
    Set(&flat, x, 0, {127, 127, 0});
    Set(&flat, x, 1, {127, 127, 255});
  }
  for (const auto& row : ReadInfillMask(flat.view()).rows) {
    ASSERT_EQ(row.size(), 1u);
    EXPECT_EQ(row[0].background, HoleSide::kBoth);
  }
}

TEST(ReadInfillMask, AnyChannelMakesAHole) {
  for (int channel = 0; channel < 3; ++channel) {
    for (const int x : {0, 7, 8, 15, 16, 18}) {
      Image mask = Black(19, 1);
      Pixel pixel = {0, 0, 0};
      pixel[static_cast<size_t>(channel)] = 1;
      Set(&mask, x, 0, pixel);
      const HoleMap holes = ReadInfillMask(mask.view());
      ASSERT_EQ(holes.rows[0].size(), 1u);
      EXPECT_EQ(holes.rows[0][0].begin, x);
      EXPECT_EQ(holes.rows[0][0].end, x + 1);
    }
  }
}

TEST(ReadInfillMask, ThresholdKeepsNoiseOut) {
  Image mask = Black(10, 1);
  Set(&mask, 1, 0, {16, 3, 0});
  Set(&mask, 5, 0, {17, 0, 0});
  InfillMaskReadOptions options;
  options.threshold = 16;
  const HoleMap holes = ReadInfillMask(mask.view(), options);
  ASSERT_EQ(holes.rows[0].size(), 1u);
  EXPECT_EQ(holes.rows[0][0].begin, 5);
  for (const int bad : {-1, 255}) {
    options.threshold = bad;
    ExpectError(Code::kInvalidArgument, "threshold", [&] { ReadInfillMask(mask.view(), options); });
  }
}

TEST(ReadInfillMask, CodeCanBeForced) {
  Image mask = Black(10, 1);
  Set(&mask, 4, 0, {0, 0, 255});
  InfillMaskReadOptions options;
  options.code = InfillMaskCode::kDirections;
  EXPECT_EQ(ReadInfillMask(mask.view(), options).rows[0][0].background, HoleSide::kLeft);
  options.code = InfillMaskCode::kWhite;
  EXPECT_EQ(ReadInfillMask(mask.view(), options).rows[0][0].background, HoleSide::kBoth);
}

TEST(ReadInfillMask, EmptyMask) {
  Image mask = Black(5, 3);
  EXPECT_EQ(DetectInfillMaskCode(mask.view()), std::nullopt);
  const HoleMap holes = ReadInfillMask(mask.view());
  EXPECT_EQ(holes.width, 5);
  EXPECT_EQ(holes.height, 3);
  for (const auto& row : holes.rows) EXPECT_TRUE(row.empty());
  Image gray(PixelFormat::Gray(8), 4, 1);
  ExpectError(Code::kInvalidArgument, "must be rgb8", [&] { ReadInfillMask(gray.view()); });
  ExpectError(Code::kInvalidArgument, "must be rgb8", [&] { DetectInfillMaskCode(gray.view()); });
}

}  // namespace
}  // namespace mdvt
