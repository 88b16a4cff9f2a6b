// SPDX-License-Identifier: Apache-2.0
//
// Layouts whose views share pixels: every sample of them has a known value.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "mdvt/core/parallel.h"
#include "mdvt/stereo/view_layout.h"
#include "stereo/stereo_scenes.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

// The tiles that a layout makes of two views, one after another in a single picture.
Image Mix(const std::string& name, const Image& left, const Image& right,
          ThreadPool* pool = nullptr) {
  const ViewLayout& layout = ViewLayoutOf(name);
  Image mixed(left.format(), left.width(), left.height());
  MixInput input;
  input.views = {left.view(), right.view()};
  layout.mix(input, {mixed.mutable_view()}, pool);
  return mixed;
}

TEST(ViewMixers, RowsAndColumnsAlternate) {
  std::mt19937_64 rng = Rng();
  ThreadPool pool(3);
  for (const PixelFormat& format :
       {PixelFormat::Gray(8), PixelFormat::Yuv(444, 10), PixelFormat::Rgb(16)}) {
    const Image left = RandomImage(format, 37, 41, rng), right = RandomImage(format, 37, 41, rng);
    const Image rows = Mix("rows", left, right, &pool);
    const Image columns = Mix("columns", left, right, &pool);
    for (int plane = 0; plane < format.num_planes(); ++plane)
      for (int y = 0; y < 41; ++y)
        for (int x = 0; x < 37; ++x) {
          ASSERT_EQ(SampleOf(rows, plane, x, y), SampleOf(y % 2 == 0 ? left : right, plane, x, y));
          ASSERT_EQ(SampleOf(columns, plane, x, y),
                    SampleOf(x % 2 == 0 ? left : right, plane, x, y));
        }
    EXPECT_TRUE(SameSamples(rows, Mix("rows", left, right)));
    EXPECT_TRUE(SameSamples(columns, Mix("columns", left, right)));
  }
}

struct Expected {
  const char* layout;
  std::array<int, 3> mixed[4];
};

// Worked out by hand from the published thousandths, for pixels of both eyes that are
//   white, white; red, black; black, blue; (200, 100, 50), (10, 60, 240).
constexpr Expected kExpected[] = {
    {"anaglyph", {{255, 255, 255}, {116, 0, 0}, {0, 0, 255}, {144, 31, 255}}},
    {"anaglyph-half-color", {{255, 255, 255}, {76, 0, 0}, {0, 0, 255}, {124, 60, 240}}},
    {"anaglyph-color", {{255, 255, 255}, {255, 0, 0}, {0, 0, 255}, {200, 60, 240}}},
    {"anaglyph-grey", {{255, 255, 255}, {76, 0, 0}, {0, 29, 29}, {124, 66, 66}}},
    {"anaglyph-green-magenta", {{255, 255, 255}, {0, 72, 0}, {6, 0, 239}, {23, 114, 225}}},
    {"anaglyph-amber-blue", {{255, 255, 255}, {255, 0, 0}, {0, 0, 232}, {195, 89, 207}}},
};

TEST(ViewMixers, AnaglyphsHaveThePublishedColors) {
  const int eyes[4][6] = {{255, 255, 255, 255, 255, 255},
                          {255, 0, 0, 0, 0, 0},
                          {0, 0, 0, 0, 0, 255},
                          {200, 100, 50, 10, 60, 240}};
  for (const Expected& expected : kExpected) {
    Image left(PixelFormat::Rgb(8), 4, 1), right(PixelFormat::Rgb(8), 4, 1);
    for (int x = 0; x < 4; ++x)
      for (int plane = 0; plane < 3; ++plane) {
        SetSample(left, plane, x, 0, eyes[x][plane]);
        SetSample(right, plane, x, 0, eyes[x][plane + 3]);
      }
    const Image mixed = Mix(expected.layout, left, right);
    for (int x = 0; x < 4; ++x)
      for (int plane = 0; plane < 3; ++plane)
        EXPECT_EQ(SampleOf(mixed, plane, x, 0), expected.mixed[x][static_cast<size_t>(plane)])
            << expected.layout << ", pixel " << x << ", channel " << plane;
  }
}

TEST(ViewMixers, DuboisIsExactAtEveryDepth) {
  constexpr double kWeights[3][6] = {{456, 500, 176, -43, -88, -2},
                                     {-40, -38, -16, 378, 734, -18},
                                     {-15, -21, -5, -72, -113, 1226}};
  std::mt19937_64 rng = Rng();
  ThreadPool pool(2);
  for (const int bits : {8, 10, 12, 16}) {
    const PixelFormat format = PixelFormat::Rgb(bits);
    const Image left = RandomImage(format, 67, 33, rng), right = RandomImage(format, 67, 33, rng);
    const Image mixed = Mix("anaglyph", left, right, &pool);
    EXPECT_TRUE(SameSamples(mixed, Mix("anaglyph", left, right)));
    for (int channel = 0; channel < 3; ++channel)
      for (int y = 0; y < 33; ++y)
        for (int x = 0; x < 67; ++x) {
          double sum = 0;  // whole numbers: exact
          for (int i = 0; i < 6; ++i)
            sum += kWeights[channel][i] * SampleOf(i < 3 ? left : right, i % 3, x, y);
          const double rounded = std::floor((sum + 500) / 1000);
          ASSERT_EQ(SampleOf(mixed, channel, x, y),
                    static_cast<int>(std::clamp<double>(rounded, 0, format.max_value())));
        }
  }
}

TEST(ViewMixers, DepthIsGreyInTheRangeOfThePicture) {
  std::mt19937_64 rng = Rng();
  const ViewLayout& layout = ViewLayoutOf("rgbd");
  Image nearness(PixelFormat::GrayF32(), 6, 2);
  const float values[6] = {0, 0.5f, 1, 2, -1, NAN};
  for (int y = 0; y < 2; ++y)
    for (int x = 0; x < 6; ++x) nearness.MutablePlane<float>().At(x, y) = values[x];
  const struct {
    PixelFormat format;
    bool full_range;
    int black, middle, white, neutral;
  } cases[] = {{PixelFormat::Yuv(420), false, 16, 126, 235, 128},
               {PixelFormat::Yuv(444, 10), false, 64, 502, 940, 512},
               {PixelFormat::Yuv(422), true, 0, 128, 255, 128},
               {PixelFormat::Gray(8), false, 0, 128, 255, 0},
               {PixelFormat::Rgb(16), true, 0, 32768, 65535, 0}};
  for (const auto& expected : cases) {
    const Image picture = RandomImage(expected.format, 6, 2, rng);
    Image color(expected.format, 6, 2), grey(expected.format, 6, 2);
    MixInput input;
    input.views = {picture.view()};
    input.nearness = nearness.Plane<float>();
    input.full_range = expected.full_range;
    layout.mix(input, {color.mutable_view(), grey.mutable_view()}, nullptr);
    EXPECT_TRUE(SameSamples(color, picture));
    const int row[6] = {expected.black, expected.middle, expected.white,
                        expected.white, expected.black,  expected.black};
    for (int plane = 0; plane < expected.format.num_planes(); ++plane) {
      const bool chroma = plane > 0 && expected.format.model == ColorModel::kYuv;
      for (int y = 0; y < expected.format.PlaneHeight(plane, 2); ++y)
        for (int x = 0; x < expected.format.PlaneWidth(plane, 6); ++x)
          EXPECT_EQ(SampleOf(grey, plane, x, y), chroma ? expected.neutral : row[x])
              << expected.format.ToString() << " " << plane << " " << x;
    }
  }
}

}  // namespace
}  // namespace mdvt::test
