// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/directional_fill.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/core/error.h"
#include "support/pictures.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

HoleMap NoHoles(int width, int height) {
  HoleMap holes;
  holes.Reset(width, height);
  return holes;
}

HoleSpan Hole(int begin, int end, HoleSide side, int width) {
  HoleSpan span;
  span.begin = begin;
  span.end = end;
  span.background = side;
  span.at_border = begin == 0 || end == width;
  return span;
}

// Is the luma pixel a hole?
bool Covers(const HoleMap& holes, int x, int y) {
  const auto& row = holes.rows[static_cast<size_t>(y)];
  return std::any_of(row.begin(), row.end(),
                     [x](const HoleSpan& span) { return x >= span.begin && x < span.end; });
}

// Is sample (x, y) of a plane to be filled? By definition: all its luma pixels are holes.
bool IsFilled(const HoleMap& holes, const PixelFormat& format, int plane, int x, int y) {
  const int sx = plane > 0 ? format.chroma_shift_x : 0, sy = plane > 0 ? format.chroma_shift_y : 0;
  for (int v = y << sy; v < std::min((y + 1) << sy, holes.height); ++v) {
    for (int u = x << sx; u < std::min((x + 1) << sx, holes.width); ++u) {
      if (!Covers(holes, u, v)) return false;
    }
  }
  return true;
}

HoleMap RandomHoles(int width, int height, std::mt19937_64& rng, bool touching) {
  HoleMap holes = NoHoles(width, height);
  for (auto& row : holes.rows) {
    int x = static_cast<int>(rng() % 4);
    while (x < width && rng() % 8 != 0) {
      const int end = std::min<int>(width, x + 1 + static_cast<int>(rng() % 12));
      const HoleSide sides[] = {HoleSide::kLeft, HoleSide::kRight, HoleSide::kBoth};
      row.push_back(Hole(x, end, sides[rng() % 3], width));
      x = end + static_cast<int>(rng() % 5) + (touching ? 0 : 1);
    }
  }
  return holes;
}

TEST(FillHoles, UniformBackgroundIsContinuedExactly) {
  const int width = 61, height = 14;
  for (const PixelFormat& format : test::IntegerFormats()) {
    const auto background = [&](int plane) { return format.max_value() * (plane + 2) / 5; };
    HoleMap holes = NoHoles(width, height);
    for (int y = 0; y < height; ++y) {
      auto& row = holes.rows[static_cast<size_t>(y)];
      row.push_back(Hole(0, 4, HoleSide::kRight, width));
      row.push_back(Hole(20, 32, HoleSide::kLeft, width));
      row.push_back(Hole(56, width, HoleSide::kLeft, width));
    }
    // Foreground of another colour right of the inner hole.
    const auto scene = [&](int plane, int x, int) {
      const int sx = plane > 0 ? format.chroma_shift_x : 0;
      return (x << sx) >= 32 && (x << sx) < 44 ? format.max_value() : background(plane);
    };
    Image image = test::MakePicture(format, width, height, [&](int plane, int x, int y) {
      return IsFilled(holes, format, plane, x, y) ? 0 : scene(plane, x, y);
    });
    FillHoles(holes, {}, image.mutable_view());
    for (int plane = 0; plane < format.num_planes(); ++plane) {
      for (int y = 0; y < format.PlaneHeight(plane, height); ++y) {
        for (int x = 0; x < format.PlaneWidth(plane, width); ++x) {
          ASSERT_EQ(test::SampleOf(image, plane, x, y), scene(plane, x, y))
              << format.ToString() << " plane " << plane << " " << x << "," << y;
        }
      }
    }
  }
}

TEST(FillHoles, TakesTheBackgroundSideOfEachHole) {
  const int width = 40, height = 3;
  for (const bool from_left : {true, false}) {
    HoleMap holes = NoHoles(width, height);
    for (auto& row : holes.rows) {
      row.push_back(Hole(15, 25, from_left ? HoleSide::kLeft : HoleSide::kRight, width));
    }
    Image image = test::MakePicture(PixelFormat::Gray(8), width, height, [](int, int x, int) {
      return x < 15 ? 60 : x >= 25 ? 200 : 0;
    });
    FillHoles(holes, {}, image.mutable_view());
    for (int x = 15; x < 25; ++x) EXPECT_EQ(test::SampleOf(image, 0, x, 1), from_left ? 60 : 200);
  }
}

TEST(FillHoles, VerticalGradientIsKept) {
  // Every row continues its own value; the blend of rows is symmetric, so a ramp stays a ramp.
  const int width = 50, height = 60;
  HoleMap holes = NoHoles(width, height);
  for (auto& row : holes.rows) row.push_back(Hole(20, 40, HoleSide::kLeft, width));
  Image image = test::MakePicture(PixelFormat::Gray(8), width, height, [](int, int x, int y) {
    return x >= 20 && x < 40 ? 0 : 20 + 3 * y;
  });
  FillHoles(holes, {}, image.mutable_view());
  for (int y = 8; y < height - 8; ++y) {
    for (int x = 20; x < 40; ++x)
      ASSERT_EQ(test::SampleOf(image, 0, x, y), 20 + 3 * y) << x << "," << y;
  }
}

TEST(FillHoles, HorizontalGradientGivesTheMeanBesideTheRim) {
  const int width = 60, height = 1;
  HoleMap holes = NoHoles(width, height);
  holes.rows[0].push_back(Hole(30, 50, HoleSide::kLeft, width));
  Image image = test::MakePicture(PixelFormat::Gray(16), width, height, [](int, int x, int) {
    return x >= 30 && x < 50 ? 0 : 1000 + 10 * x;
  });
  DirectionalFillOptions options;
  options.rim = 0;
  FillHoles(holes, options, image.mutable_view());
  for (int x = 30; x < 50; ++x) {
    const int samples = 2 + (x - 30) / 8;  // the documented widening: two, then more
    double mean = 0;
    for (int i = 0; i < samples; ++i) mean += (1000.0 + 10 * (29 - i)) / samples;
    EXPECT_NEAR(test::SampleOf(image, 0, x, 0), mean, 0.5) << x;
  }
}

TEST(FillHoles, PassesOverForegroundAtTheRim) {
  const int width = 40, height = 9;
  HoleMap holes = NoHoles(width, height);
  for (auto& row : holes.rows) row.push_back(Hole(20, 28, HoleSide::kLeft, width));
  const auto scene = [](int, int x, int) {
    return x >= 28 ? 220 : x == 19 ? 200 : x == 18 ? 150 : x < 18 ? 40 : 0;
  };
  Image image = test::MakePicture(PixelFormat::Gray(8), width, height, scene);
  FillHoles(holes, {}, image.mutable_view());
  for (int x = 20; x < 28; ++x) EXPECT_EQ(test::SampleOf(image, 0, x, 4), 40);
  EXPECT_EQ(test::SampleOf(image, 0, 19, 4), 200);  // only holes change

  DirectionalFillOptions options;
  options.rim = 0;
  image = test::MakePicture(PixelFormat::Gray(8), width, height, scene);
  FillHoles(holes, options, image.mutable_view());
  EXPECT_EQ(test::SampleOf(image, 0, 20, 4), 175);
}

TEST(FillHoles, RowsWithoutDataRepeatTheNearest) {
  const int width = 12, height = 8;
  const std::vector<int> empty = {0, 1, 3, 4, 5, 7};  // rows with data: 2 and 6
  for (const PixelFormat& format : {PixelFormat::Gray(8), PixelFormat::Yuv(444, 10)}) {
    HoleMap holes = NoHoles(width, height);
    for (const int y : empty) {
      holes.rows[static_cast<size_t>(y)].push_back(Hole(0, width, HoleSide::kBoth, width));
    }
    Image image = test::MakePicture(format, width, height, [&](int plane, int x, int y) {
      return std::count(empty.begin(), empty.end(), y) ? 0 : 10 * y + x + 100 * plane % 128;
    });
    const Image before = image.Clone();
    FillHoles(holes, {}, image.mutable_view());
    const int source[] = {2, 2, 2, 2, 2, 6, 6, 6};
    for (int plane = 0; plane < format.num_planes(); ++plane) {
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          ASSERT_EQ(test::SampleOf(image, plane, x, y), test::SampleOf(before, plane, x, source[y]))
              << y;
        }
      }
    }
  }
}

TEST(FillHoles, PictureWithoutAnyDataStaysAsItIs) {
  HoleMap holes = NoHoles(9, 5);
  for (auto& row : holes.rows) row.push_back(Hole(0, 9, HoleSide::kBoth, 9));
  Image image = test::MakePicture(PixelFormat::Yuv(420, 8), 9, 5,
                                  [](int plane, int, int) { return plane == 0 ? 16 : 128; });
  FillHoles(holes, {}, image.mutable_view());
  EXPECT_EQ(test::SampleOf(image, 0, 4, 2), 16);
  EXPECT_EQ(test::SampleOf(image, 1, 2, 1), 128);
}

// Whatever the holes: nothing else changes, filled values lie between those of the picture, and
// every thread count gives the same bytes.
TEST(FillHoles, PropertiesHoldForRandomHoles) {
  std::mt19937_64 rng = test::Rng();
  const std::vector<std::pair<int, int>> sizes = {{1, 1},  {1, 7},   {2, 2},   {3, 1},
                                                  {17, 5}, {64, 33}, {301, 20}};
  for (const auto& [width, height] : sizes) {
    for (const PixelFormat& format : test::IntegerFormats()) {
      for (const bool touching : {false, true}) {
        const HoleMap holes = RandomHoles(width, height, rng, touching);
        const int low = format.max_value() / 4, high = format.max_value() / 2;
        const Image before = test::MakePicture(format, width, height, [&](int plane, int x, int y) {
          return IsFilled(holes, format, plane, x, y)
                     ? format.max_value()
                     : low + static_cast<int>(rng() % static_cast<uint64_t>(high - low));
        });
        Image image = before.Clone();
        FillHoles(holes, {}, image.mutable_view());
        for (int plane = 0; plane < format.num_planes(); ++plane) {
          bool any_data = false;
          for (int y = 0; y < format.PlaneHeight(plane, height); ++y) {
            for (int x = 0; x < format.PlaneWidth(plane, width); ++x) {
              any_data = any_data || !IsFilled(holes, format, plane, x, y);
            }
          }
          for (int y = 0; y < format.PlaneHeight(plane, height); ++y) {
            for (int x = 0; x < format.PlaneWidth(plane, width); ++x) {
              if (!IsFilled(holes, format, plane, x, y)) {
                ASSERT_EQ(test::SampleOf(image, plane, x, y), test::SampleOf(before, plane, x, y));
              } else if (any_data) {
                ASSERT_GE(test::SampleOf(image, plane, x, y), low)
                    << format.ToString() << " " << width << "x" << height << " plane " << plane
                    << " " << x << "," << y << (touching ? " touching" : "");
                ASSERT_LT(test::SampleOf(image, plane, x, y), high)
                    << format.ToString() << " " << width << "x" << height << " plane " << plane
                    << " " << x << "," << y << (touching ? " touching" : "");
              }
            }
          }
        }
        for (const int threads : {1, 2, 3, 8}) {
          ThreadPool pool(threads);
          Image other = before.Clone();
          FillHoles(holes, {}, other.mutable_view(), &pool);
          for (int plane = 0; plane < format.num_planes(); ++plane) {
            for (int y = 0; y < format.PlaneHeight(plane, height); ++y) {
              for (int x = 0; x < format.PlaneWidth(plane, width); ++x) {
                ASSERT_EQ(test::SampleOf(image, plane, x, y), test::SampleOf(other, plane, x, y))
                    << threads;
              }
            }
          }
        }
      }
    }
  }
}

TEST(DirectionalFill, KeepsNothingFromTheFrameBefore) {
  std::mt19937_64 rng = test::Rng();
  DirectionalFill fill({});
  for (const auto& [width, height] :
       std::vector<std::pair<int, int>>{{120, 40}, {33, 9}, {200, 64}, {1, 1}, {120, 40}}) {
    const HoleMap holes = RandomHoles(width, height, rng, true);
    const Image before =
        test::MakePicture(PixelFormat::Yuv(420, 8), width, height,
                          [&](int, int, int) { return static_cast<int>(rng() & 255); });
    Image reused = before.Clone(), fresh = before.Clone();
    fill.Fill(holes, reused.mutable_view());
    FillHoles(holes, {}, fresh.mutable_view());
    for (int plane = 0; plane < 3; ++plane) {
      for (int y = 0; y < fresh.format().PlaneHeight(plane, height); ++y) {
        for (int x = 0; x < fresh.format().PlaneWidth(plane, width); ++x) {
          ASSERT_EQ(test::SampleOf(reused, plane, x, y), test::SampleOf(fresh, plane, x, y));
        }
      }
    }
  }
}

TEST(FillHoles, RefusesWhatDoesNotFit) {
  Image image(PixelFormat::Gray(8), 8, 4), floats(PixelFormat::GrayF32(), 8, 4);
  const auto fill = [&](const HoleMap& holes, Image& target) {
    return test::CodeOf([&] { FillHoles(holes, {}, target.mutable_view()); });
  };
  EXPECT_EQ(fill(NoHoles(7, 4), image), Code::kInvalidArgument);
  EXPECT_EQ(fill(NoHoles(8, 5), image), Code::kInvalidArgument);
  EXPECT_EQ(fill(NoHoles(8, 4), floats), Code::kInvalidArgument);
  HoleMap rowless = NoHoles(8, 4);
  rowless.rows.pop_back();
  EXPECT_EQ(fill(rowless, image), Code::kInvalidArgument);
  for (const auto& [begin, end] :
       std::vector<std::pair<int, int>>{{-1, 2}, {6, 9}, {3, 3}, {5, 2}}) {
    HoleMap holes = NoHoles(8, 4);
    holes.rows[2].push_back(Hole(begin, end, HoleSide::kLeft, 8));
    EXPECT_EQ(fill(holes, image), Code::kInvalidArgument) << begin << " " << end;
  }
  HoleMap overlapping = NoHoles(8, 4);
  overlapping.rows[0].push_back(Hole(1, 4, HoleSide::kLeft, 8));
  overlapping.rows[0].push_back(Hole(3, 5, HoleSide::kLeft, 8));
  EXPECT_EQ(fill(overlapping, image), Code::kInvalidArgument);
  for (const int rim : {-1, 17}) {
    DirectionalFillOptions options;
    options.rim = rim;
    EXPECT_EQ(test::CodeOf([&] { options.Check(); }), Code::kInvalidArgument);
    EXPECT_EQ(test::CodeOf([&] { FillHoles(NoHoles(8, 4), options, image.mutable_view()); }),
              Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace mdvt
