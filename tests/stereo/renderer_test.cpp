// SPDX-License-Identifier: Apache-2.0
//
// Conformance tests of the view synthesis and its properties over sizes and formats.
#include "mdvt/stereo/renderer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "io/expect_error.h"
#include "mdvt/core/error.h"
#include "stereo/stereo_scenes.h"
#include "support/raycast.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::BusyDepth;
using test::CameraWithK;
using test::ConstantDepth;
using test::RandomImage;
using test::SampleOf;
using test::StereoPair;

StereoPair Render(const Image& color, const Image& depth, double k, double convergence = 0,
                  StereoOptions options = {}, ThreadPool* pool = nullptr) {
  StereoPair pair(color.format(), color.width(), color.height());
  StereoRenderer renderer(options, pool);
  renderer.Render(color.view(), depth.Plane<float>(), CameraWithK(color.width(), color.height(), k),
                  convergence, pair.LeftView(), pair.RightView());
  return pair;
}

size_t HolePixels(const HoleMap& holes) {
  size_t count = 0;
  for (const auto& row : holes.rows) {
    for (const HoleSpan& span : row) count += static_cast<size_t>(span.end - span.begin);
  }
  return count;
}

TEST(StereoRenderer, ZeroBaselineIsTheSource) {
  std::mt19937_64 rng = test::Rng();
  for (const PixelFormat& format : test::IntegerFormats()) {
    const Image color = RandomImage(format, 67, 35, rng);
    const Image depth = BusyDepth(67, 35, rng);
    StereoOptions options;
    options.baseline = 0;
    const StereoPair pair = Render(color, depth, 30, 2.0, options);
    EXPECT_TRUE(test::SameSamples(pair.left, color)) << format.ToString();
    EXPECT_TRUE(test::SameSamples(pair.right, color)) << format.ToString();
    EXPECT_EQ(HolePixels(pair.left_holes) + HolePixels(pair.right_holes), 0u);
    for (int y = 0; y < 35; ++y) {
      for (int x = 0; x < 67; ++x) {
        const float z = depth.Plane<float>().At(x, y);
        EXPECT_EQ(pair.left_depth.Plane<float>().At(x, y), z > 0 ? z : 0);
      }
    }
  }
}

TEST(StereoRenderer, PlaneAtConvergenceIsTheSource) {
  std::mt19937_64 rng = test::Rng();
  for (const PixelFormat& format : test::IntegerFormats()) {
    const Image color = RandomImage(format, 131, 22, rng);
    const Image depth = ConstantDepth(131, 22, 3.7f);
    const StereoPair pair = Render(color, depth, 40, 3.7f);
    EXPECT_TRUE(test::SameSamples(pair.left, color)) << format.ToString();
    EXPECT_TRUE(test::SameSamples(pair.right, color)) << format.ToString();
    EXPECT_EQ(HolePixels(pair.left_holes) + HolePixels(pair.right_holes), 0u);
    EXPECT_TRUE(test::SameSamples(pair.left_depth, depth));
  }
}

// A plane moves as a whole; on a picture that is linear along x every sample is exact.
TEST(StereoRenderer, PlaneShiftsByItsDisparity) {
  const int width = 301, height = 4;
  for (const int bits : {8, 16}) {
    const PixelFormat format = PixelFormat::Gray(bits);
    const double slope = format.max_value() / 400.0;
    Image color(format, width, height);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        test::SetSample(color, 0, x, y, static_cast<int>(std::lround(slope * x)));
      }
    }
    for (const double shift : {0.25, 1.0, 3.5, 7.875, 20.1}) {
      const double z = 2.0;
      const StereoPair pair =
          Render(color, ConstantDepth(width, height, static_cast<float>(z)), shift * z);
      const int margin = static_cast<int>(std::ceil(shift)) + 2;
      for (int x = margin; x < width - margin; ++x) {
        // Half a step for the rounding of the output, up to 0.65 for the rounded samples behind it.
        EXPECT_NEAR(SampleOf(pair.left, 0, x, 1), slope * (x - shift), 1.2) << shift;
        EXPECT_NEAR(SampleOf(pair.right, 0, x, 1), slope * (x + shift), 1.2) << shift;
        EXPECT_NEAR(pair.left_depth.Plane<float>().At(x, 1), z, 1e-6);
      }
      // What the plane leaves free lies at the border, and the way to walk is inward. Of the outer
      // half pixels one is covered if its centre is.
      const auto expect_border = [&](const HoleMap& holes, bool at_left) {
        for (const auto& row : holes.rows) {
          if (std::lround(shift) == 0) {
            EXPECT_TRUE(row.empty());
            continue;
          }
          ASSERT_EQ(row.size(), 1u);
          EXPECT_TRUE(row[0].at_border);
          EXPECT_EQ(row[0].background, at_left ? HoleSide::kRight : HoleSide::kLeft);
          EXPECT_EQ(row[0].far_depth, static_cast<float>(z));
          EXPECT_EQ(row[0].near_depth, 0);
          EXPECT_NEAR(row[0].end - row[0].begin, shift, 0.5 + 1e-6);
          EXPECT_EQ(at_left ? row[0].begin : row[0].end, at_left ? 0 : width);
        }
      };
      expect_border(pair.left_holes, true);
      expect_border(pair.right_holes, false);
    }
  }
}

// On a smooth picture the error of resampling stays under 1/255 of the range.
TEST(StereoRenderer, ResamplesSmoothPicturesTo255thOfTheRange) {
  const int width = 600, height = 1;
  const auto scene = [](double x) { return 32768 + 30000 * std::sin(2 * M_PI * x / 20); };
  Image color(PixelFormat::Gray(16), width, height);
  for (int x = 0; x < width; ++x) {
    test::SetSample(color, 0, x, 0, static_cast<int>(std::lround(scene(x))));
  }
  for (const double shift : {0.1, 0.5, 2.3, 17.77}) {
    const StereoPair pair = Render(color, ConstantDepth(width, height, 2), 2 * shift);
    for (int x = 25; x < width - 25; ++x) {
      EXPECT_NEAR(SampleOf(pair.left, 0, x, 0), scene(x - shift), 65535.0 / 255);
      EXPECT_NEAR(SampleOf(pair.right, 0, x, 0), scene(x + shift), 65535.0 / 255);
    }
  }
}

TEST(StereoRenderer, WholePixelShiftsAreExactForEveryFormat) {
  std::mt19937_64 rng = test::Rng();
  const int width = 90, height = 10, shift = 6;
  for (const PixelFormat& format : test::IntegerFormats()) {
    const Image color = RandomImage(format, width, height, rng);
    const StereoPair pair = Render(color, ConstantDepth(width, height, 2), shift * 2);
    for (int plane = 0; plane < format.num_planes(); ++plane) {
      const int step = plane > 0 ? shift >> format.chroma_shift_x : shift;
      const int w = format.PlaneWidth(plane, width);
      for (int y = 0; y < format.PlaneHeight(plane, height); ++y) {
        for (int x = step; x < w; ++x) {
          ASSERT_EQ(SampleOf(pair.left, plane, x, y), SampleOf(color, plane, x - step, y))
              << format.ToString() << " plane " << plane << " " << x << "," << y;
          ASSERT_EQ(SampleOf(pair.right, plane, x - step, y), SampleOf(color, plane, x, y))
              << format.ToString() << " plane " << plane << " " << x << "," << y;
        }
      }
    }
  }
}

// A near box before a far wall: holes on the left of it in the left eye and on the right of it in
// the right eye, as wide as the difference of the shifts, pointing to the wall.
TEST(StereoRenderer, StepEdgesLeaveHolesOfTheRightWidthAndSide) {
  const int width = 320, height = 6, from = 140, to = 200;
  std::mt19937_64 rng = test::Rng();
  const Image color = RandomImage(PixelFormat::Yuv(420, 8), width, height, rng);
  for (const auto& [near, far, k] :
       std::vector<std::array<double, 3>>{{1, 4, 20}, {0.7, 2, 8.3}, {2, 50, 31.7}, {1, 1e6, 12}}) {
    Image depth = ConstantDepth(width, height, static_cast<float>(far));
    for (int y = 0; y < height; ++y) {
      for (int x = from; x < to; ++x) {
        depth.MutablePlane<float>().At(x, y) = static_cast<float>(near);
      }
    }
    const StereoPair pair = Render(color, depth, k);
    const double gap = k * (1 / near - 1 / far);
    for (const bool is_left : {true, false}) {
      for (const auto& row : (is_left ? pair.left_holes : pair.right_holes).rows) {
        std::vector<HoleSpan> inner;
        std::copy_if(row.begin(), row.end(), std::back_inserter(inner),
                     [](const HoleSpan& span) { return !span.at_border; });
        ASSERT_EQ(inner.size(), 1u) << "gap " << gap;
        const HoleSpan& hole = inner[0];
        EXPECT_NEAR(hole.end - hole.begin, gap, 1.0);
        EXPECT_EQ(hole.background, is_left ? HoleSide::kLeft : HoleSide::kRight);
        EXPECT_EQ(hole.near_depth, static_cast<float>(near));
        EXPECT_EQ(hole.far_depth, static_cast<float>(far));
        if (is_left) {
          EXPECT_NEAR(hole.end, from + k / near, 1.0);
        } else {
          EXPECT_NEAR(hole.begin, to - k / near, 1.0);
        }
      }
    }
  }
}

// What tears is what the eyes see apart, not what is steep: the angle at which a slope is seen
// depends on resolution and distance. Each column is 8 % farther than the one before.
TEST(StereoRenderer, FarSlopesStayWholeAndNearOnesTear) {
  const int width = 64, height = 4;
  const double k = 31.5;  // 1000 pixels, 63 mm
  std::mt19937_64 rng = test::Rng();
  const Image color = RandomImage(PixelFormat::Yuv(420, 8), width, height, rng);
  const auto inner_holes = [&](double nearest) {
    Image depth = ConstantDepth(width, height, 1);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        depth.MutablePlane<float>().At(x, y) = static_cast<float>(nearest * std::pow(1.08, x));
    const StereoPair pair = Render(color, depth, k);
    int64_t count = 0;
    for (const HoleMap* map : {&pair.left_holes, &pair.right_holes})
      for (const auto& row : map->rows)
        count += std::count_if(row.begin(), row.end(),
                               [](const HoleSpan& span) { return !span.at_border; });
    return count;
  };
  EXPECT_EQ(inner_holes(20), 0);
  EXPECT_GT(inner_holes(0.5), 0);
}

TEST(StereoRenderer, NearestSurfaceWins) {
  // The box lands on the wall: where it does, its colour shows.
  const int width = 200, height = 2;
  Image color(PixelFormat::Gray(8), width, height);
  Image depth = ConstantDepth(width, height, 10);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool box = x >= 80 && x < 100;
      test::SetSample(color, 0, x, y, box ? 200 : 50);
      if (box) depth.MutablePlane<float>().At(x, y) = 1;
    }
  }
  const StereoPair pair = Render(color, depth, 10);  // box by 10, wall by 1
  for (int x = 20; x < 180; ++x) {
    const int left = SampleOf(pair.left, 0, x, 0), right = SampleOf(pair.right, 0, x, 0);
    EXPECT_EQ(left == 200, x >= 90 && x < 110) << x;
    EXPECT_EQ(right == 200, x >= 70 && x < 90) << x;
    EXPECT_EQ(pair.left_depth.Plane<float>().At(x, 0) == 1, x >= 90 && x < 110) << x;
    EXPECT_EQ(left == 0, x >= 81 && x < 90) << x;
    EXPECT_EQ(right == 0, x >= 90 && x < 99) << x;
  }
}

// What is seen past a thin object belongs into the hole beside it.
TEST(StereoRenderer, ThinObjectLeavesOnlyWhatItReallyHides) {
  const int width = 160, height = 2;
  Image color(PixelFormat::Gray(8), width, height);
  Image depth = ConstantDepth(width, height, 20);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) test::SetSample(color, 0, x, y, x == 80 ? 255 : 100);
    depth.MutablePlane<float>().At(80, y) = 1;
  }
  const StereoPair pair = Render(color, depth, 20);  // thin object by 20, wall by 1
  for (const HoleMap* holes : {&pair.left_holes, &pair.right_holes}) {
    for (const auto& row : holes->rows) {
      int inner = 0;
      for (const HoleSpan& span : row) {
        if (!span.at_border) inner += span.end - span.begin;
      }
      EXPECT_EQ(inner, 1);  // as wide as the object itself
    }
  }
  EXPECT_EQ(SampleOf(pair.left, 0, 100, 0), 255);
  EXPECT_EQ(SampleOf(pair.right, 0, 60, 0), 255);
}

TEST(StereoRenderer, OutlinesLeaveNoGhostOnTheBackground) {
  // The picture mixes box and wall on the two samples beside the box, the depth calls them wall.
  const int width = 120, height = 2;
  Image color(PixelFormat::Gray(8), width, height);
  Image depth = ConstantDepth(width, height, 10);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool box = x >= 50 && x < 70;
      const int beside = x < 50 ? 49 - x : x - 70;
      test::SetSample(color, 0, x, y, box ? 200 : beside == 0 ? 150 : beside == 1 ? 110 : 40);
      if (box) depth.MutablePlane<float>().At(x, y) = 1;
    }
  }
  for (const int clean_rim : {2, 0}) {
    StereoOptions options;
    options.clean_rim = clean_rim;
    const StereoPair pair = Render(color, depth, 10, 10, options);  // box by 9, wall stays
    const int at0 = clean_rim > 0 ? 40 : 150, at1 = clean_rim > 0 ? 40 : 110;
    EXPECT_EQ(SampleOf(pair.left, 0, 49, 0), at0);
    EXPECT_EQ(SampleOf(pair.left, 0, 48, 0), at1);
    EXPECT_EQ(SampleOf(pair.left, 0, 47, 0), 40);
    EXPECT_EQ(SampleOf(pair.right, 0, 70, 0), at0);
    EXPECT_EQ(SampleOf(pair.right, 0, 71, 0), at1);
    EXPECT_EQ(SampleOf(pair.right, 0, 72, 0), 40);
    EXPECT_EQ(SampleOf(pair.left, 0, 60, 0), 200);
  }
}

TEST(StereoRenderer, SilhouettesLieWhereThePictureHasThem) {
  // Of the two samples at a rim of the box the outer one, which the depth calls wall, and the inner
  // one show these shares of the box.
  struct Case {
    double shift, outer, inner;
    bool box_at_rim;  // is the target sample before its last one still box?
  };
  const int width = 120, height = 2;
  for (const Case& c : {Case{9.7, 0, 1, false}, Case{9.7, 0.45, 1, true}, Case{9.3, 0, 1, true},
                        Case{9.3, 0, 0.6, false}}) {
    Image color(PixelFormat::Gray(8), width, height);
    Image depth = ConstantDepth(width, height, 10);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const int inside = std::min(x - 50, 69 - x);
        const double share = inside > 0 ? 1 : inside == 0 ? c.inner : inside == -1 ? c.outer : 0;
        test::SetSample(color, 0, x, y, 40 + static_cast<int>(std::lround(160 * share)));
        if (inside >= 0)
          depth.MutablePlane<float>().At(x, y) = static_cast<float>(10 / (c.shift + 1));
      }
    }
    const StereoPair pair = Render(color, depth, 10, 10);  // the wall stays
    SCOPED_TRACE(std::to_string(c.shift) + " " + std::to_string(c.outer));
    ASSERT_EQ(pair.left_holes.rows[0].size(), 1U);
    EXPECT_EQ(pair.left_holes.rows[0][0].begin, 50);
    EXPECT_EQ(pair.left_holes.rows[0][0].end, c.box_at_rim ? 59 : 60);
    ASSERT_EQ(pair.right_holes.rows[0].size(), 1U);
    EXPECT_EQ(pair.right_holes.rows[0][0].begin, c.box_at_rim ? 61 : 60);
    EXPECT_EQ(pair.right_holes.rows[0][0].end, 70);
    // What of the sample at the rim the box covers.
    const double cover = 59.5 - (50 + c.shift - (c.outer + c.inner - 0.5));
    if (c.box_at_rim) {
      EXPECT_NEAR(SampleOf(pair.left, 0, 59, 0), 40 + 160 * cover, 2);
      EXPECT_NEAR(SampleOf(pair.right, 0, 60, 0), 40 + 160 * cover, 2);
    }
    // Beside it, all is box.
    EXPECT_EQ(SampleOf(pair.left, 0, c.box_at_rim ? 60 : 61, 0), 200);
    EXPECT_EQ(SampleOf(pair.right, 0, c.box_at_rim ? 59 : 58, 0), 200);
  }
}

// A tilted strip of one colour before a wall of another, photographed with 64 rays a pixel: each
// sample that a silhouette runs through shows both by the share that it covers, in the picture and
// in what rays of the eyes would show. That share is what the eyes' pictures have to have, whether
// background appears there or is covered.
TEST(StereoRenderer, SilhouettesAreMixedByWhatTheyCover) {
  const int width = 80, height = 48;
  const double baseline = 0.2, near = 2, far = 7;
  // Of the contrast. Chroma of half the size is read from samples that are mixed themselves.
  struct Case {
    PixelFormat format;
    double mean, worst;
  };
  for (const Case& c :
       {Case{PixelFormat::Rgb(8), 0.04, 0.13}, Case{PixelFormat::Gray(16), 0.04, 0.13},
        Case{PixelFormat::Yuv(420, 10), 0.06, 0.3}}) {
    const PixelFormat& format = c.format;
    for (const double tilt : {0.12, -0.5}) {
      test::Clip clip = test::Scenes::Step(near, far, width, height);
      clip.scene.objects[0].texture.color = {0.1, 0.25, 0.5};
      clip.scene.objects[1].texture.color = {0.9, 0.6, 0.3};
      for (test::Object& object : clip.scene.objects) object.texture.contrast = 0;
      clip.scene.objects[1].world_from_object.translate(Eigen::Vector3d(0.0137, 0, 0));
      clip.scene.objects[1].world_from_object.rotate(
          Eigen::AngleAxisd(tilt, Eigen::Vector3d::UnitZ()));
      const test::View view = clip.At(0);
      const test::RayCaster caster(clip.scene);
      const Image color = caster.Color(view, format, 8), depth = caster.Depth(view);
      std::array<Image, 2> truths;
      for (const int side : {0, 1})
        truths[static_cast<size_t>(side)] =
            caster.Color(test::EyeOf(view, 2 * side - 1, baseline), format, 8);
      std::array<double, 2> off = {};  // mixed, hard
      double worst = 0;
      std::array<int, 2> mixed = {};
      for (const size_t hard : {size_t{0}, size_t{1}}) {
        StereoOptions options;
        options.clean_rim = hard != 0 ? 0 : 2;
        options.baseline = baseline;
        options.color.chroma_location = 2;  // as the caster has it
        StereoPair pair(format, width, height);
        StereoRenderer(options).Render(color.view(), depth.Plane<float>(), view.camera, 0,
                                       pair.LeftView(), pair.RightView());
        for (const size_t side : {size_t{0}, size_t{1}}) {
          const Image& made = side == 0 ? pair.left : pair.right;
          const HoleMap& holes = side == 0 ? pair.left_holes : pair.right_holes;
          for (int plane = 0; plane < format.num_planes(); ++plane) {
            const int across = plane > 0 ? format.chroma_shift_x : 0;
            const int down = plane > 0 ? format.chroma_shift_y : 0;
            // Both colours, in the middle of the strip and of the wall.
            const int strip = SampleOf(color, plane, width / 2 >> across, height / 2 >> down);
            const int wall = SampleOf(color, plane, 2 >> across, height / 2 >> down);
            const double contrast = std::abs(strip - wall);
            if (contrast < 0.1 * format.max_value()) continue;
            for (int y = 2; y < (height >> down) - 2; ++y)
              for (int x = 0; x < width >> across; ++x) {
                bool hole = false;
                for (int row = y << down; row < (y + 1) << down; ++row)
                  for (const HoleSpan& span : holes.rows[static_cast<size_t>(row)])
                    hole = hole || ((x + 1) << across > span.begin && x << across < span.end);
                const int want = SampleOf(truths[side], plane, x, y);
                const double share = std::abs(want - wall) / contrast;
                if (hole || share < 0.02 || share > 0.98) continue;
                const double error = std::abs(SampleOf(made, plane, x, y) - want) / contrast;
                off[hard] += error;
                ++mixed[hard];
                if (hard == 0) worst = std::max(worst, error);
              }
          }
        }
      }
      SCOPED_TRACE(format.ToString() + " tilted by " + std::to_string(tilt));
      EXPECT_GT(mixed[0], 60);
      EXPECT_LT(off[0] / mixed[0], c.mean);
      EXPECT_LT(worst, c.worst);
      // Hard silhouettes are several times farther off, so that the test can tell.
      EXPECT_GT(off[1] / mixed[1], 2.5 * off[0] / mixed[0]);
    }
  }
}

TEST(StereoRenderer, DepthZeroNeverMakesGeometry) {
  const int width = 100, height = 8;
  std::mt19937_64 rng = test::Rng();
  const Image color = RandomImage(PixelFormat::Yuv(420, 8), width, height, rng);
  for (const float none : {0.0f, -1.0f, NAN}) {
    const StereoPair empty = Render(color, ConstantDepth(width, height, none), 20, 2);
    EXPECT_EQ(HolePixels(empty.left_holes), static_cast<size_t>(width) * height);
    EXPECT_EQ(HolePixels(empty.right_holes), static_cast<size_t>(width) * height);
    EXPECT_EQ(empty.left_holes.rows[3][0].background, HoleSide::kBoth);
    EXPECT_EQ(SampleOf(empty.left, 0, 50, 3), 16);
    EXPECT_EQ(SampleOf(empty.left, 1, 25, 1), 128);
    EXPECT_EQ(empty.left_depth.Plane<float>().At(50, 3), 0);

    Image depth = ConstantDepth(width, height, 2);  // no shift at convergence 2
    for (int y = 0; y < height; ++y) {
      for (int x = 40; x < 47; ++x) depth.MutablePlane<float>().At(x, y) = none;
    }
    const StereoPair pair = Render(color, depth, 20, 2);
    for (const HoleMap* holes : {&pair.left_holes, &pair.right_holes}) {
      for (const auto& row : holes->rows) {
        ASSERT_EQ(row.size(), 1u);
        EXPECT_EQ(row[0].begin, 40);
        EXPECT_EQ(row[0].end, 47);
      }
    }
  }
}

TEST(StereoRenderer, SaturatedAndInfiniteDepthAreFarPlanes) {
  const int width = 80, height = 2;
  std::mt19937_64 rng = test::Rng();
  const Image color = RandomImage(PixelFormat::Gray(8), width, height, rng);
  const StereoPair infinite = Render(color, ConstantDepth(width, height, INFINITY), 50);
  EXPECT_TRUE(test::SameSamples(infinite.left, color));
  EXPECT_TRUE(test::SameSamples(infinite.right, color));
  EXPECT_TRUE(std::isinf(infinite.left_depth.Plane<float>().At(40, 1)));
  const StereoPair saturated = Render(color, ConstantDepth(width, height, 100), 100);
  for (int x = 1; x < width; ++x) {
    EXPECT_EQ(SampleOf(saturated.left, 0, x, 0), SampleOf(color, 0, x - 1, 0));
  }
}

TEST(StereoRenderer, InverseDepthIsTheSameScene) {
  // Depths that are powers of two have exact inverses: the same bytes.
  std::mt19937_64 rng = test::Rng();
  const Image color = RandomImage(PixelFormat::Yuv(420), 131, 24, rng);
  Image depth(PixelFormat::GrayF32(), 131, 24);
  for (int y = 0; y < 24; ++y)
    for (int x = 0; x < 131; ++x)
      depth.MutablePlane<float>().At(x, y) =
          x % 37 == 5 ? 0 : std::ldexp(1.0f, static_cast<int>((x / 9 + y / 4) % 5) - 1);
  Image inverse = depth.Clone();
  test::Invert(&inverse);
  StereoOptions options;
  for (const double baseline : {0.063, 0.0}) {
    options.baseline = baseline;
    options.inverse_depth = false;
    const StereoPair expected = Render(color, depth, 16, 2, options);
    options.inverse_depth = true;
    EXPECT_TRUE(test::SamePair(expected, Render(color, inverse, 16, 2, options))) << baseline;
  }
}

TEST(StereoRenderer, InverseDepthOfZeroIsInfinitelyFar) {
  std::mt19937_64 rng = test::Rng();
  const Image color = RandomImage(PixelFormat::Yuv(420), 67, 8, rng);
  StereoOptions options;
  options.inverse_depth = true;
  for (const float value : {0.0f, -0.5f}) {
    // Convergence at 2 m and k = 8: infinity lies 4 pixels behind the screen.
    const StereoPair pair = Render(color, ConstantDepth(67, 8, value), 8, 2, options);
    EXPECT_EQ(SampleOf(pair.left, 0, 20, 3), SampleOf(color, 0, 24, 3));
    EXPECT_EQ(SampleOf(pair.right, 0, 20, 3), SampleOf(color, 0, 16, 3));
    EXPECT_NEAR(pair.left_depth.Plane<float>().At(20, 3), 1e6, 1);
  }
}

// The mirror image with swapped eyes is the mirrored result: coverage and holes exactly, samples up
// to the rounding of one step.
TEST(StereoRenderer, MirroredInputGivesMirroredOutput) {
  std::mt19937_64 rng = test::Rng();
  for (const auto& [width, height] :
       std::vector<std::pair<int, int>>{{1, 1}, {64, 8}, {333, 9}, {1000, 4}}) {
    const Image color = RandomImage(PixelFormat::Rgb(8), width, height, rng);
    const Image depth = BusyDepth(width, height, rng, 0.01);
    Image mirrored_color = color.Clone(), mirrored_depth = depth.Clone();
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        for (int p = 0; p < 3; ++p) {
          test::SetSample(mirrored_color, p, x, y, SampleOf(color, p, width - 1 - x, y));
        }
        mirrored_depth.MutablePlane<float>().At(x, y) = depth.Plane<float>().At(width - 1 - x, y);
      }
    }
    const double k = 5 + 0.02 * width;
    const StereoPair pair = Render(color, depth, k, 3);
    const StereoPair other = Render(mirrored_color, mirrored_depth, k, 3);
    for (int y = 0; y < height; ++y) {
      const auto row = static_cast<size_t>(y);
      const auto& spans = pair.left_holes.rows[row];
      const auto& mirrored = other.right_holes.rows[row];
      ASSERT_EQ(spans.size(), mirrored.size());
      for (size_t i = 0; i < spans.size(); ++i) {
        const HoleSpan &a = spans[i], &b = mirrored[mirrored.size() - 1 - i];
        EXPECT_EQ(a.begin, width - b.end);
        EXPECT_EQ(a.end, width - b.begin);
        EXPECT_EQ(static_cast<int>(a.background), -static_cast<int>(b.background));
        EXPECT_EQ(a.near_depth, b.near_depth);
        EXPECT_EQ(a.far_depth, b.far_depth);
      }
      for (int x = 0; x < width; ++x) {
        for (int p = 0; p < 3; ++p) {
          ASSERT_NEAR(SampleOf(pair.left, p, x, y), SampleOf(other.right, p, width - 1 - x, y), 1);
          ASSERT_NEAR(SampleOf(pair.right, p, x, y), SampleOf(other.left, p, width - 1 - x, y), 1);
        }
      }
    }
  }
}

TEST(StereoRenderer, StretchLeavesNothingOpenInside) {
  std::mt19937_64 rng = test::Rng();
  const int width = 400, height = 20;
  const Image color = RandomImage(PixelFormat::Yuv(420, 8), width, height, rng);
  Image depth = ConstantDepth(width, height, 8);
  for (int y = 5; y < 15; ++y) {
    for (int x = 150; x < 230; ++x) depth.MutablePlane<float>().At(x, y) = 1;
  }
  StereoOptions options;
  options.edges = EdgeMode::kStretch;
  const StereoPair pair = Render(color, depth, 30, 0, options);
  for (const HoleMap* holes : {&pair.left_holes, &pair.right_holes}) {
    for (const auto& row : holes->rows) {
      for (const HoleSpan& span : row) EXPECT_TRUE(span.at_border);
    }
  }
}

TEST(StereoRenderer, TakesEverySizeAndFormat) {
  std::mt19937_64 rng = test::Rng();
  const std::vector<std::pair<int, int>> sizes = {{1, 1}, {1, 9},  {2, 2},   {3, 3},
                                                  {5, 1}, {63, 2}, {129, 7}, {16384, 3}};
  for (const auto& [width, height] : sizes) {
    for (const PixelFormat& format : test::IntegerFormats()) {
      const Image color = RandomImage(format, width, height, rng);
      const Image depth = BusyDepth(width, height, rng);
      const StereoPair pair = Render(color, depth, 0.02 * width, 2);
      for (const HoleMap* holes : {&pair.left_holes, &pair.right_holes}) {
        ASSERT_EQ(holes->rows.size(), static_cast<size_t>(height));
        const Image& depth_out = holes == &pair.left_holes ? pair.left_depth : pair.right_depth;
        for (int y = 0; y < height; ++y) {
          std::vector<bool> hole(static_cast<size_t>(width));
          int last = -1;
          for (const HoleSpan& span : holes->rows[static_cast<size_t>(y)]) {
            ASSERT_GT(span.begin, last);
            ASSERT_GT(span.end, span.begin);
            ASSERT_LE(span.end, width);
            EXPECT_EQ(span.at_border, span.begin == 0 || span.end == width);
            last = span.end;
            std::fill(hole.begin() + span.begin, hole.begin() + span.end, true);
          }
          for (int x = 0; x < width; ++x) {
            ASSERT_EQ(depth_out.Plane<float>().At(x, y) == 0, hole[static_cast<size_t>(x)]);
          }
        }
      }
    }
  }
}

// The two eyes may be halves of one picture: nothing beside them is touched.
TEST(StereoRenderer, WritesOnlyItsOwnHalf) {
  std::mt19937_64 rng = test::Rng();
  for (const int width : {30, 130, 254}) {
    const int height = 12;
    const Image color = RandomImage(PixelFormat::Yuv(420, 8), width, height, rng);
    const Image depth = BusyDepth(width, height, rng);
    const StereoPair pair = Render(color, depth, 12);
    ThreadPool pool(2);
    StereoRenderer renderer({}, &pool);
    Image both(color.format(), 2 * width, height);
    renderer.Render(color.view(), depth.Plane<float>(), CameraWithK(width, height, 12), 0,
                    {both.mutable_view().Crop(0, 0, width, height)},
                    {both.mutable_view().Crop(width, 0, width, height)});
    for (int plane = 0; plane < 3; ++plane) {
      const int w = color.format().PlaneWidth(plane, width);
      for (int y = 0; y < color.format().PlaneHeight(plane, height); ++y) {
        for (int x = 0; x < w; ++x) {
          ASSERT_EQ(SampleOf(both, plane, x, y), SampleOf(pair.left, plane, x, y));
          ASSERT_EQ(SampleOf(both, plane, w + x, y), SampleOf(pair.right, plane, x, y));
        }
      }
    }
  }
}

TEST(StereoRenderer, IsTheSameForEveryThreadCount) {
  std::mt19937_64 rng = test::Rng();
  int cases = 0, same = 0;
  for (const PixelFormat& format : test::IntegerFormats()) {
    const int width = 322, height = 181;
    const Image color = RandomImage(format, width, height, rng);
    const Image depth = BusyDepth(width, height, rng, 0.01);
    const StereoPair alone = Render(color, depth, 14, 2.5);
    for (const int threads : {1, 2, 3, 4, 8}) {
      ThreadPool pool(threads);
      const StereoPair pair = Render(color, depth, 14, 2.5, {}, &pool);
      ++cases;
      if (test::SamePair(alone, pair)) ++same;
    }
  }
  EXPECT_EQ(same, cases);
  std::printf("{\"id\":\"F2\",\"value\":%d,\"target\":%d,\"pass\":%s}\n", same, cases,
              same == cases ? "true" : "false");
}

TEST(StereoRenderer, AnEyeThatIsNotWantedCostsTheOtherNothing) {
  std::mt19937_64 rng = test::Rng();
  const Camera camera = CameraWithK(96, 20, 14);
  for (const PixelFormat& format : {PixelFormat::Yuv(420), PixelFormat::Rgb(8)}) {
    const Image color = RandomImage(format, 96, 20, rng);
    const Image depth = BusyDepth(96, 20, rng, 0.01);
    for (const double baseline : {0.063, 0.0}) {
      StereoOptions options;
      options.baseline = baseline;
      StereoRenderer renderer(options);
      StereoPair both(format, 96, 20), alone(format, 96, 20);
      renderer.Render(color.view(), depth.Plane<float>(), camera, 2.5, both.LeftView(),
                      both.RightView());
      renderer.Render(color.view(), depth.Plane<float>(), camera, 2.5, alone.LeftView(), {});
      renderer.Render(color.view(), depth.Plane<float>(), camera, 2.5, {}, alone.RightView());
      EXPECT_TRUE(test::SamePair(both, alone));
    }
  }
}

TEST(StereoRenderer, RefusesWhatDoesNotFit) {
  std::mt19937_64 rng = test::Rng();
  const Image color = RandomImage(PixelFormat::Gray(8), 8, 4, rng);
  const Image depth = ConstantDepth(8, 4, 1);
  StereoPair pair(color.format(), 8, 4);
  StereoRenderer renderer({});
  const Camera camera = CameraWithK(8, 4, 1);
  const auto render = [&](const ImageView& c, const DepthView& d, const Camera& cam, double conv,
                          const EyeView& l, const EyeView& r) {
    return test::CodeOf([&] { renderer.Render(c, d, cam, conv, l, r); });
  };
  const Image small_depth = ConstantDepth(7, 4, 1);
  const Image other = RandomImage(PixelFormat::Gray(10), 8, 4, rng);
  StereoPair wrong(PixelFormat::Gray(8), 8, 5);
  const auto l = pair.LeftView(), r = pair.RightView();
  const DepthView d = depth.Plane<float>();
  EXPECT_EQ(render(color.view(), small_depth.Plane<float>(), camera, 0, l, r),
            Code::kInvalidArgument);
  EXPECT_EQ(render(other.view(), d, camera, 0, l, r), Code::kInvalidArgument);
  EXPECT_EQ(render(depth.view(), d, camera, 0, l, r), Code::kInvalidArgument);
  EXPECT_EQ(render(color.view(), d, CameraWithK(9, 4, 1), 0, l, r), Code::kInvalidArgument);
  for (double Camera::*field : {&Camera::fx, &Camera::fy, &Camera::cx}) {
    for (const double bad : {double{NAN}, double{INFINITY}}) {
      Camera broken = camera;
      broken.*field = bad;
      EXPECT_EQ(render(color.view(), d, broken, 0, l, r), Code::kInvalidArgument);
    }
  }
  EXPECT_EQ(render(color.view(), d, camera, NAN, l, r), Code::kInvalidArgument);
  EXPECT_EQ(render(color.view(), d, camera, -1, l, r), Code::kInvalidArgument);
  EXPECT_EQ(render(color.view(), d, camera, 0, wrong.LeftView(), r), Code::kInvalidArgument);
  EXPECT_EQ(render(color.view(), d, camera, 0, l, wrong.RightView()), Code::kInvalidArgument);
  EXPECT_EQ(render({}, d, camera, 0, l, r), Code::kInvalidArgument);
  EyeView blind = l;  // holes of an eye without an image
  blind.image = {};
  EXPECT_EQ(render(color.view(), d, camera, 0, blind, r), Code::kInvalidArgument);
  renderer.Render(color.view(), d, camera, INFINITY, l, r);  // parallel
}

TEST(StereoOptions, NamesTheFieldThatIsWrong) {
  const auto message = [](const StereoOptions& options) -> std::string {
    try {
      options.Check();
    } catch (const Error& e) {
      return e.code() == Code::kInvalidArgument ? e.what() : "wrong code";
    }
    return "";
  };
  EXPECT_EQ(message({}), "");
  StereoOptions options;
  options.baseline = -0.1;
  EXPECT_NE(message(options).find("baseline"), std::string::npos);
  options = {};
  options.baseline = NAN;
  EXPECT_NE(message(options).find("baseline"), std::string::npos);
  options = {};
  options.tear.disparity = -1;
  EXPECT_NE(message(options).find("tear_disparity"), std::string::npos);
  options = {};
  options.clean_rim = 17;
  EXPECT_NE(message(options).find("clean_rim"), std::string::npos);
  options = {};
  options.tear.depth = 11;
  EXPECT_NE(message(options).find("tear_depth"), std::string::npos);
  EXPECT_THROW(StereoRenderer{options}, Error);
}

}  // namespace
}  // namespace mdvt
