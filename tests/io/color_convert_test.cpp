// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/color_convert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/expect_error.h"

namespace mdvt {
namespace {

using test::RandomImage;
using test::ReadPlane;

struct Weights {
  double kr, kb;
};

Weights WeightsOf(int matrix) {
  switch (matrix) {
    case 1:
      return {0.2126, 0.0722};
    case 4:
      return {0.30, 0.11};
    case 7:
      return {0.212, 0.087};
    case 9:
      return {0.2627, 0.0593};
    default:
      return {0.299, 0.114};
  }
}

// ITU-T H.273, equations of section 8.3, as they stand there.
struct Yuv {
  double y, cb, cr;
};
Yuv Normalised(const uint32_t* code, int bits, bool full) {
  const double step = std::pow(2.0, bits - 8), top = std::pow(2.0, bits) - 1;
  if (full) return {code[0] / top, (code[1] - 128 * step) / top, (code[2] - 128 * step) / top};
  return {(code[0] - 16 * step) / (219 * step), (code[1] - 128 * step) / (224 * step),
          (code[2] - 128 * step) / (224 * step)};
}

void ToRgb(const Yuv& v, int matrix, double rgb[3]) {
  if (matrix == 8) {  // YCgCo
    rgb[0] = v.y - v.cb + v.cr;
    rgb[1] = v.y + v.cb;
    rgb[2] = v.y - v.cb - v.cr;
    return;
  }
  const Weights w = WeightsOf(matrix);
  rgb[0] = v.y + 2 * (1 - w.kr) * v.cr;
  rgb[2] = v.y + 2 * (1 - w.kb) * v.cb;
  rgb[1] = (v.y - w.kr * rgb[0] - w.kb * rgb[2]) / (1 - w.kr - w.kb);
}

// The integer nearest to the real value; where that lies within 1e-3 of a half both are right.
void ExpectNearest(uint32_t got, double real, double top, const std::string& where) {
  real = std::clamp(real, 0.0, top);
  ASSERT_LE(std::abs(got - real), 0.5 + 2e-3 * (top > 1000 ? 10 : 1)) << where;
}

TEST(ColorConverter, YuvToRgbIsTheNearestIntegerToTheFormula) {
  for (const int matrix : {1, 4, 5, 6, 7, 8, 9}) {
    for (const bool full : {false, true}) {
      for (const int bits : {8, 10, 16}) {
        for (const int out_bits : {8, 16}) {
          const Image image = RandomImage(PixelFormat::Yuv(444, bits), 67, 9, matrix);
          ColorInfo color;
          color.matrix = matrix;
          color.full_range = full;
          const Image rgb = ColorConverter().Convert(image, color, PixelFormat::Rgb(out_bits));
          ASSERT_EQ(rgb.format(), PixelFormat::Rgb(out_bits));
          std::vector<uint32_t> in[3], out[3];
          for (int p = 0; p < 3; ++p) {
            in[p] = ReadPlane(image.view(), p);
            out[p] = ReadPlane(rgb.view(), p);
          }
          const double top = std::pow(2.0, out_bits) - 1;
          for (size_t i = 0; i < in[0].size(); ++i) {
            const uint32_t code[3] = {in[0][i], in[1][i], in[2][i]};
            double real[3];
            ToRgb(Normalised(code, bits, full), matrix, real);
            for (int p = 0; p < 3; ++p) {
              ExpectNearest(out[p][i], real[p] * top, top,
                            "matrix " + std::to_string(matrix) + " bits " + std::to_string(bits));
            }
          }
        }
      }
    }
  }
}

TEST(ColorConverter, RgbToYuvAndBackStaysWithinALevel) {
  const Image rgb = RandomImage(PixelFormat::Rgb(8), 40, 30, 1);
  for (const int matrix : {1, 6, 8, 9}) {
    ColorInfo color;
    color.matrix = matrix;
    const Image yuv = ColorConverter().Convert(rgb, color, PixelFormat::Yuv(444, 12));
    const Image again = ColorConverter().Convert(yuv, color, PixelFormat::Rgb(8));
    EXPECT_TRUE(test::SamePixels(again.view(), rgb.view())) << matrix;
  }
}

TEST(ColorConverter, IdentityMatrixMeansPlanesOfGbr) {
  const Image image = RandomImage(PixelFormat::Yuv(444), 20, 10, 1);
  ColorInfo color;
  color.matrix = 0;
  color.full_range = true;
  const Image rgb = ColorConverter().Convert(image, color, PixelFormat::Rgb(8));
  EXPECT_EQ(ReadPlane(rgb.view(), 1), ReadPlane(image.view(), 0));
  EXPECT_EQ(ReadPlane(rgb.view(), 2), ReadPlane(image.view(), 1));
  EXPECT_EQ(ReadPlane(rgb.view(), 0), ReadPlane(image.view(), 2));
}

TEST(ColorConverter, GrayIsFullRangeLuma) {
  for (const int bits : {8, 10}) {
    const Image yuv = RandomImage(PixelFormat::Yuv(420, bits), 33, 17, 1);
    ColorInfo color;
    color.matrix = 1;
    const double step = std::pow(2.0, bits - 8);
    const auto in = ReadPlane(yuv.view(), 0);
    const auto gray =
        ReadPlane(ColorConverter().Convert(yuv, color, PixelFormat::Gray(8)).view(), 0);
    for (size_t i = 0; i < in.size(); ++i) {
      ExpectNearest(gray[i], (in[i] - 16 * step) / (219 * step) * 255, 255, "gray");
    }
  }
  const Image rgb = RandomImage(PixelFormat::Rgb(8), 33, 17, 1);
  ColorInfo color;
  color.matrix = 1;
  const auto gray =
      ReadPlane(ColorConverter().Convert(rgb, color, PixelFormat::Gray(16)).view(), 0);
  const auto r = ReadPlane(rgb.view(), 0), g = ReadPlane(rgb.view(), 1),
             b = ReadPlane(rgb.view(), 2);
  for (size_t i = 0; i < gray.size(); ++i) {
    ExpectNearest(gray[i], (0.2126 * r[i] + 0.7152 * g[i] + 0.0722 * b[i]) * 257, 65535, "rgb");
  }
}

TEST(ColorConverter, BitsAndRangesScale) {
  const Image gray = RandomImage(PixelFormat::Gray(8), 50, 4, 1);
  const auto in = ReadPlane(gray.view(), 0);
  const auto wide = ReadPlane(ColorConverter().Convert(gray, {}, PixelFormat::Gray(16)).view(), 0);
  for (size_t i = 0; i < in.size(); ++i) EXPECT_EQ(wide[i], in[i] * 257);
  // Limited range: a shift.
  const Image yuv = RandomImage(PixelFormat::Yuv(420), 50, 4, 1);
  const Image ten = ColorConverter().Convert(yuv, {}, PixelFormat::Yuv(420, 10));
  for (int p = 0; p < 3; ++p) {
    auto expected = ReadPlane(yuv.view(), p);
    for (uint32_t& value : expected) value *= 4;
    EXPECT_EQ(ReadPlane(ten.view(), p), expected);
  }
}

TEST(ColorConverter, GrayBecomesNeutralColors) {
  const Image gray = RandomImage(PixelFormat::Gray(8), 21, 11, 1);
  const Image rgb = ColorConverter().Convert(gray, {}, PixelFormat::Rgb(8));
  for (int p = 0; p < 3; ++p) EXPECT_EQ(ReadPlane(rgb.view(), p), ReadPlane(gray.view(), 0));
  const Image yuv = ColorConverter().Convert(gray, {}, PixelFormat::Yuv(420));
  for (const uint32_t chroma : ReadPlane(yuv.view(), 1)) EXPECT_EQ(chroma, 128u);
  const auto in = ReadPlane(gray.view(), 0), luma = ReadPlane(yuv.view(), 0);
  for (size_t i = 0; i < in.size(); ++i) ExpectNearest(luma[i], 16 + in[i] * 219 / 255.0, 255, "y");
}

// A chroma ramp, linear in position, must come out linear between the outermost samples, for every
// place that a chroma sample may have.
TEST(ColorConverter, ChromaLiesWhereItsLocationSays) {
  constexpr int kWidth = 64, kHeight = 32;
  struct Place {
    int location;
    double x, y;  // of the first chroma sample in luma positions
  };
  for (const Place& place : {Place{0, 0, 0.5}, Place{1, 0, 0.5}, Place{2, 0.5, 0.5}, Place{3, 0, 0},
                             Place{4, 0.5, 0}, Place{5, 0, 1}, Place{6, 0.5, 1}}) {
    for (const bool vertical : {false, true}) {
      Image image(PixelFormat::Yuv(420, 16), kWidth, kHeight);
      const auto ramp = [&](double x, double y) { return 20000 + (vertical ? y : x) * 100; };
      for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) image.MutablePlane<uint16_t>(0).At(x, y) = 30000;
      }
      for (int y = 0; y < kHeight / 2; ++y) {
        for (int x = 0; x < kWidth / 2; ++x) {
          image.MutablePlane<uint16_t>(1).At(x, y) = 32768;
          image.MutablePlane<uint16_t>(2).At(x, y) =
              static_cast<uint16_t>(ramp(2 * x + place.x, 2 * y + place.y));
        }
      }
      ColorInfo color;
      color.matrix = 1;
      color.full_range = true;
      color.chroma_location = place.location;
      const Image rgb = ColorConverter().Convert(image, color, PixelFormat::Rgb(16));
      const auto red = ReadPlane(rgb.view(), 0);
      for (int y = 2; y < kHeight - 2; ++y) {
        for (int x = 2; x < kWidth - 2; ++x) {
          const double cr = (ramp(x, y) - 32768) / 65535;
          const double real = (30000 / 65535.0 + 2 * (1 - 0.2126) * cr) * 65535;
          ASSERT_NEAR(red[static_cast<size_t>(y * kWidth + x)], real, 1.1)
              << place.location << " " << x << "," << y;
        }
      }
    }
  }
}

TEST(ColorConverter, ConstantColorsSurviveEverySubsampling) {
  for (const auto& [sx, sy] :
       {std::pair(0, 0), std::pair(1, 0), std::pair(1, 1), std::pair(0, 1), std::pair(2, 0)}) {
    for (const auto& [w, h] : {std::pair(1, 1), std::pair(5, 3), std::pair(32, 18)}) {
      Image rgb(PixelFormat::Rgb(8), w, h);
      const uint8_t values[3] = {200, 30, 90};
      for (int p = 0; p < 3; ++p) {
        for (int y = 0; y < h; ++y) {
          for (int x = 0; x < w; ++x) rgb.MutablePlane<uint8_t>(p).At(x, y) = values[p];
        }
      }
      PixelFormat format = PixelFormat::Yuv(444, 10);
      format.chroma_shift_x = static_cast<uint8_t>(sx);
      format.chroma_shift_y = static_cast<uint8_t>(sy);
      const Image yuv = ColorConverter().Convert(rgb, {}, format);
      for (int p = 1; p < 3; ++p) {
        const auto plane = ReadPlane(yuv.view(), p);
        EXPECT_EQ(std::count(plane.begin(), plane.end(), plane[0]),
                  static_cast<std::ptrdiff_t>(plane.size()));
      }
      EXPECT_TRUE(test::SamePixels(ColorConverter().Convert(yuv, {}, PixelFormat::Rgb(8)).view(),
                                   rgb.view()))
          << sx << sy << " " << w << "x" << h;
    }
  }
}

TEST(ColorConverter, IsReusableForOtherSizesAndFormats) {
  ColorConverter converter;
  for (const auto& [w, h] : {std::pair(10, 10), std::pair(31, 7), std::pair(10, 10)}) {
    for (const int subsampling : {420, 444}) {
      const Image image = RandomImage(PixelFormat::Yuv(subsampling), w, h, 1);
      EXPECT_TRUE(
          test::SamePixels(converter.Convert(image, {}, PixelFormat::Rgb(8)).view(),
                           ColorConverter().Convert(image, {}, PixelFormat::Rgb(8)).view()));
    }
  }
}

TEST(ColorConverter, GivesTheImageItselfIfNothingIsToDo) {
  const Image image = RandomImage(PixelFormat::Rgb(8), 4, 4, 1);
  EXPECT_EQ(ColorConverter().Convert(image, {}, PixelFormat::Rgb(8)).view().data[0],
            image.view().data[0]);
}

TEST(ColorConverter, RefusesWhatHasNoRule) {
  const Image image = RandomImage(PixelFormat::Yuv(444), 4, 4, 1);
  test::ExpectError(Code::kUnsupported, "rgbf32",
                    [&] { ColorConverter().Convert(image, {}, PixelFormat::RgbF32()); });
  ColorInfo color;
  color.matrix = 14;
  test::ExpectError(Code::kUnsupported, "matrix coefficients 14",
                    [&] { ColorConverter().Convert(image, color, PixelFormat::Rgb(8)); });
  color.matrix = 1;
  color.chroma_location = 7;
  test::ExpectError(Code::kInvalidArgument, "chroma_location",
                    [&] { ColorConverter().Convert(image, color, PixelFormat::Rgb(8)); });
  test::ExpectError(Code::kInvalidArgument, "empty",
                    [&] { ColorConverter().Convert(Image(), {}, PixelFormat::Rgb(8)); });
}

TEST(ResolveColor, FillsInWhatIsNotSaid) {
  EXPECT_EQ(ResolveColor({}, PixelFormat::Yuv(420), 720).matrix, 1);
  EXPECT_EQ(ResolveColor({}, PixelFormat::Yuv(420), 719).matrix, 6);
  ColorInfo bt2020;
  bt2020.matrix = 9;
  EXPECT_EQ(ResolveColor(bt2020, PixelFormat::Yuv(420), 480).matrix, 9);
  EXPECT_FALSE(ResolveColor({}, PixelFormat::Yuv(420), 720).full_range);
  EXPECT_TRUE(ResolveColor({}, PixelFormat::Rgb(8), 720).full_range);
  EXPECT_TRUE(ResolveColor({}, PixelFormat::Gray(8), 720).full_range);
}

}  // namespace
}  // namespace mdvt
