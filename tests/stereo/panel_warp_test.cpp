// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/panel_warp.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>
#include <random>

#include "mdvt/core/error.h"
#include "mdvt/core/pose.h"
#include "mdvt/stereo/depth_holes.h"
#include "support/pictures.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr double kDegree = M_PI / 180;

PanelOptions Panel(int size, double fov_deg = 180,
                   PanelProjection projection = PanelProjection::kEquirectangular) {
  PanelOptions panel;
  panel.size = size;
  panel.fov_deg = fov_deg;
  panel.projection = projection;
  return panel;
}

TEST(PanelRay, IsLongitudeAndLatitude) {
  const PanelOptions panel = Panel(180);
  const auto expect = [&](double x, double y, double longitude, double latitude) {
    const Eigen::Vector3d ray = PanelRay(panel, x, y);
    EXPECT_NEAR(ray.norm(), 1, 1e-12);
    EXPECT_NEAR(std::atan2(ray.x(), ray.z()), longitude * kDegree, 1e-12);
    EXPECT_NEAR(std::asin(ray.y()), latitude * kDegree, 1e-12);
    // True longitude and latitude: y / z = tan(latitude) / cos(longitude).
    if (std::abs(longitude) < 89) {
      EXPECT_NEAR(ray.y() / ray.z(), std::tan(latitude * kDegree) / std::cos(longitude * kDegree),
                  1e-9);
    }
  };
  expect(90, 90, 0, 0);
  expect(0, 90, -90, 0);   // the left border
  expect(180, 90, 90, 0);  // the right one
  expect(90, 150, 0, 60);  // down is positive
  expect(135, 120, 45, 30);
}

TEST(PanelRay, OfAFisheyeGrowsWithTheRadius) {
  const PanelOptions panel = Panel(180, 180, PanelProjection::kFisheye);
  const auto angle = [&](double x, double y) {
    return std::acos(PanelRay(panel, x, y).z()) / kDegree;
  };
  EXPECT_NEAR(angle(120, 90), 30, 1e-9);
  EXPECT_NEAR(angle(90, 45), 45, 1e-9);
  EXPECT_NEAR(angle(90 + 30, 90 + 40), 50, 1e-9);
  EXPECT_LT(PanelRay(panel, 90, 45).y(), 0);
  EXPECT_EQ(PanelRay(panel, 1, 1).norm(), 0);  // in a corner
}

// A picture whose samples tell where they are: ten steps a pixel.
Image RampAcross(int width, int height) {
  return MakePicture(PixelFormat::Gray(16), width, height, [](int, int x, int) { return 10 * x; });
}
Image RampDown(int width, int height) {
  return MakePicture(PixelFormat::Gray(16), width, height, [](int, int, int y) { return 10 * y; });
}

// Returns how many samples the camera sees.
int ExpectEachRayInItsPlace(const PanelOptions& options, const Camera& camera,
                            const Eigen::Matrix3d& view_from_panel) {
  ThreadPool pool(2);
  PanelWarp warp(options, &pool);
  warp.SetView(camera, view_from_panel, PixelFormat::Gray(16));
  Image across(PixelFormat::Gray(16), options.size, options.size);
  Image down(PixelFormat::Gray(16), options.size, options.size);
  const int kBlack = 60000;
  warp.Warp(RampAcross(camera.width, camera.height).view(), {kBlack, 0, 0}, across.mutable_view());
  warp.Warp(RampDown(camera.width, camera.height).view(), {kBlack, 0, 0}, down.mutable_view());
  int seen = 0;
  for (int y = 0; y < options.size; ++y)
    for (int x = 0; x < options.size; ++x) {
      const Eigen::Vector3d ray = view_from_panel * PanelRay(options, x + 0.5, y + 0.5);
      Eigen::Vector2d at(-1, -1);
      if (ray.z() > 1e-9) at = Project(camera, ray);
      const bool inside =
          at.x() >= 0 && at.x() <= camera.width && at.y() >= 0 && at.y() <= camera.height;
      if (!inside) {
        EXPECT_EQ(SampleOf(across, 0, x, y), kBlack) << x << ", " << y;
        continue;
      }
      ++seen;
      const auto expected = [](double position, int size) {
        return 10 * std::min(std::max(position - 0.5, 0.0), size - 1.0);
      };
      EXPECT_NEAR(SampleOf(across, 0, x, y), expected(at.x(), camera.width), 0.55);
      EXPECT_NEAR(SampleOf(down, 0, x, y), expected(at.y(), camera.height), 0.55);
    }
  return seen;
}

TEST(PanelWarp, PutsEachRayInItsPlace) {
  // As coarse as the panel or coarser: nothing is averaged.
  const Camera camera = Camera::FromFov(60, 40, 70, std::nullopt);
  const Eigen::Matrix3d ahead = Eigen::Matrix3d::Identity();
  EXPECT_GT(ExpectEachRayInItsPlace(Panel(160), camera, ahead), 1280);
  const PanelOptions disc = Panel(160, 180, PanelProjection::kFisheye);
  EXPECT_GT(ExpectEachRayInItsPlace(disc, camera, ahead), 1280);
  EXPECT_GT(ExpectEachRayInItsPlace(Panel(120, 110), camera, ahead), 720);
  const Eigen::Matrix3d turned = (Eigen::AngleAxisd(0.5, Eigen::Vector3d::UnitY()) *
                                  Eigen::AngleAxisd(-0.3, Eigen::Vector3d::UnitX()) *
                                  Eigen::AngleAxisd(0.2, Eigen::Vector3d::UnitZ()))
                                     .toRotationMatrix();
  EXPECT_GT(ExpectEachRayInItsPlace(Panel(160), camera, turned), 1280);
  Camera off_centre = camera;
  off_centre.cx = 20;
  off_centre.fy = 35;
  EXPECT_GT(ExpectEachRayInItsPlace(Panel(160), off_centre, turned), 1280);
}

TEST(PanelWarp, SeesWhatTurnedCamerasSeeWhereverTheyLook) {
  const Camera camera = Camera::FromFov(40, 30, 100, std::nullopt);
  std::mt19937_64 random = Rng();
  std::normal_distribution<double> number;
  int seen = 0, empty = 0;
  for (int round = 0; round < 60; ++round) {
    Eigen::Quaterniond turn(number(random), number(random), number(random), number(random));
    if (round < 4) turn = Eigen::AngleAxisd(round * M_PI / 2, Eigen::Vector3d::UnitX());
    const int count =
        ExpectEachRayInItsPlace(Panel(70), camera, turn.normalized().toRotationMatrix());
    seen += count;
    empty += count == 0;
  }
  EXPECT_GT(seen, 10000);
  EXPECT_GT(empty, 0) << "none looked away";
}

TEST(PanelWarp, FinePicturesAreAveragedDown) {
  // Four pixels to a panel's: stripes of one pixel become grey, and a ramp stays one.
  const Camera camera = Camera::FromFov(320, 160, 70, std::nullopt);
  PanelWarp warp(Panel(160), nullptr);
  warp.SetView(camera, Eigen::Matrix3d::Identity(), PixelFormat::Gray(8));
  const Image stripes = MakePicture(PixelFormat::Gray(8), 320, 160,
                                    [](int, int x, int) { return x % 2 == 0 ? 0 : 200; });
  Image panel(PixelFormat::Gray(8), 160, 160);
  warp.Warp(stripes.view(), {0, 0, 0}, panel.mutable_view());
  for (int x = 60; x < 100; ++x) EXPECT_NEAR(SampleOf(panel, 0, x, 80), 100, 8) << x;
}

TEST(PanelWarp, ChromaFollowsLuma) {
  // Both planes hold the same ramp over the picture; they must agree in the panel.
  const Camera camera = Camera::FromFov(64, 48, 80, std::nullopt);
  for (const int location : {0, 2, 3}) {
    const PixelFormat format = PixelFormat::Yuv(420, 10);
    const double offset_x = location == 2 ? 0.5 : 0;
    const double offset_y = location == 3 ? 0 : 0.5;
    const Image picture = MakePicture(format, 64, 48, [&](int plane, int x, int y) {
      return plane == 0   ? 8 * x
             : plane == 1 ? int(8 * (2 * x + offset_x))
                          : int(8 * (2 * y + offset_y));
    });
    PanelWarp warp(Panel(160), nullptr);
    warp.SetView(camera, Eigen::Matrix3d::Identity(), format, location);
    Image panel(format, 160, 160);
    warp.Warp(picture.view(), {64, 512, 512}, panel.mutable_view());
    EXPECT_EQ(SampleOf(panel, 0, 3, 3), 64);
    EXPECT_EQ(SampleOf(panel, 1, 1, 1), 512);
    for (int y = 36; y < 44; ++y)
      for (int x = 30; x < 50; ++x) {
        // Where this sample of chroma lies in the panel.
        const Eigen::Vector3d ray =
            PanelRay(Panel(160), 2 * x + 0.5 + offset_x, 2 * y + 0.5 + offset_y);
        const Eigen::Vector2d at = Project(camera, ray);
        EXPECT_NEAR(SampleOf(panel, 1, x, y), 8 * (at.x() - 0.5), 1) << location;
        EXPECT_NEAR(SampleOf(panel, 2, x, y), 8 * (at.y() - 0.5), 1) << location;
      }
  }
}

TEST(PanelWarp, DepthIsTheDistanceAlongTheRay) {
  const Camera camera = Camera::FromFov(60, 40, 80, std::nullopt);
  PanelWarp warp(Panel(120), nullptr);
  warp.SetView(camera, Eigen::Matrix3d::Identity(), PixelFormat::Gray(8));
  Image depth(PixelFormat::GrayF32(), 60, 40);
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 60; ++x) depth.MutablePlane<float>().At(x, y) = x < 5 ? 0.0f : 3.0f;
  Image range(PixelFormat::GrayF32(), 120, 120);
  warp.WarpDepth(depth.Plane<float>(), range.MutablePlane<float>());
  const PlaneView<const float> result = range.Plane<float>();
  for (int x = 55; x < 80; ++x) {
    // The wall is 3 m away along the axis.
    const double cosine = PanelRay(Panel(120), x + 0.5, 70.5).z();
    EXPECT_NEAR(result.At(x, 70), 3 / cosine, 1e-5);
  }
  EXPECT_EQ(result.At(5, 60), 0);  // beside the picture
  const Eigen::Vector3d ray = Unproject(camera, {2.5, 20}, 1);
  EXPECT_EQ(result.At(static_cast<int>(60 + std::atan2(ray.x(), ray.z()) / M_PI * 120), 60), 0);
}

TEST(PanelWarp, HolesGoWithTheirPixels) {
  const Camera camera = Camera::FromFov(60, 40, 80, std::nullopt);
  PanelWarp warp(Panel(200), nullptr);
  const PixelFormat format = PixelFormat::Yuv(420);
  warp.SetView(camera, Eigen::Matrix3d::Identity(), format);
  HoleMap holes;
  holes.Reset(60, 40);
  for (int y = 10; y < 30; ++y) {
    HoleSpan span;
    span.begin = 20;
    span.end = 40;
    span.background = y < 20 ? HoleSide::kLeft : HoleSide::kRight;
    span.far_depth = 4;
    holes.rows[static_cast<size_t>(y)].push_back(span);
  }
  HoleMap panel;
  warp.WarpHoles(holes, &panel);
  ASSERT_EQ(panel.width, 200);
  int pixels = 0;
  Image truth(PixelFormat::Gray(8), 200, 200);
  for (int y = 0; y < 200; ++y) {
    for (int x = 0; x < 200; ++x) {
      const Eigen::Vector3d ray = PanelRay(Panel(200), x + 0.5, y + 0.5);
      const Eigen::Vector2d at = ray.z() > 0.1 ? Project(camera, ray) : Eigen::Vector2d(-1, -1);
      const bool hole = at.x() >= 20 && at.x() < 40 && at.y() >= 10 && at.y() < 30;
      truth.MutablePlane<uint8_t>().At(x, y) = hole;
      pixels += hole;
    }
    std::vector<bool> row(200, false);
    for (const HoleSpan& span : panel.rows[static_cast<size_t>(y)]) {
      EXPECT_EQ(span.background, y < 100 ? HoleSide::kLeft : HoleSide::kRight);
      EXPECT_EQ(span.far_depth, 4);
      for (int x = span.begin; x < span.end; ++x) row[static_cast<size_t>(x)] = true;
    }
    for (int x = 0; x < 200; ++x)
      EXPECT_EQ(row[static_cast<size_t>(x)], truth.Plane<uint8_t>().At(x, y) != 0) << x << "," << y;
  }
  EXPECT_GT(pixels, 500);

  Image image = MakePicture(format, 200, 200, [](int, int, int) { return 90; });
  PanelWarp::Blacken(panel, {16, 128, 128}, image.mutable_view());
  for (int y = 0; y < 200; ++y)
    for (int x = 0; x < 200; ++x) {
      EXPECT_EQ(SampleOf(image, 0, x, y), truth.Plane<uint8_t>().At(x, y) != 0 ? 16 : 90);
      if (x % 2 != 0 || y % 2 != 0) continue;
      const auto& t = truth.Plane<uint8_t>();
      const bool all = t.At(x, y) && t.At(x + 1, y) && t.At(x, y + 1) && t.At(x + 1, y + 1);
      EXPECT_EQ(SampleOf(image, 1, x / 2, y / 2), all ? 128 : 90);
    }
}

TEST(PanelWarp, GivesTheSameForEveryNumberOfThreads) {
  std::mt19937_64 rng = Rng();
  const Camera camera = Camera::FromFov(90, 60, 100, std::nullopt);
  const PixelFormat format = PixelFormat::Yuv(420, 8);
  const Image picture = RandomImage(format, 90, 60, rng);
  std::vector<Image> panels;
  for (const int threads : {1, 4}) {
    ThreadPool pool(threads);
    PanelWarp warp(Panel(64), &pool);
    warp.SetView(camera, Eigen::Matrix3d::Identity(), format);
    panels.emplace_back(format, 64, 64);
    warp.Warp(picture.view(), {16, 128, 128}, panels.back().mutable_view());
  }
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < format.PlaneHeight(plane, 64); ++y)
      for (int x = 0; x < format.PlaneWidth(plane, 64); ++x)
        ASSERT_EQ(SampleOf(panels[0], plane, x, y), SampleOf(panels[1], plane, x, y));
}

TEST(PanelWarp, RefusesWhatDoesNotFit) {
  EXPECT_THROW(PanelWarp(Panel(1)), Error);
  EXPECT_THROW(PanelWarp(Panel(64, 181)), Error);
  EXPECT_THROW(PanelWarp(Panel(64, NAN)), Error);
  PanelWarp warp(Panel(64));
  Image panel(PixelFormat::Gray(8), 64, 64), picture(PixelFormat::Gray(8), 30, 20);
  EXPECT_THROW(warp.Warp(picture.view(), {}, panel.mutable_view()), Error);
  const Camera camera = Camera::FromFov(30, 20, 60, std::nullopt);
  EXPECT_THROW(warp.SetView(camera, Eigen::Matrix3d::Identity(), PixelFormat::GrayF32()), Error);
  warp.SetView(camera, Eigen::Matrix3d::Identity(), PixelFormat::Gray(8));
  Image other(PixelFormat::Gray(8), 31, 20);
  EXPECT_THROW(warp.Warp(other.view(), {}, panel.mutable_view()), Error);
}

TEST(DepthHoles, BackgroundIsTheFartherSide) {
  Image depth(PixelFormat::GrayF32(), 12, 2);
  const float row[12] = {0, 5, 5, 0, 0, 2, 2, 0, 7, 7, 0, 7};
  for (int x = 0; x < 12; ++x) {
    depth.MutablePlane<float>().At(x, 0) = row[x];
    depth.MutablePlane<float>().At(x, 1) = 0;
  }
  HoleMap holes;
  FindDepthHoles(depth.Plane<float>(), HoleSide::kRight, &holes);
  ASSERT_EQ(holes.rows[0].size(), 4u);
  const struct {
    int begin, end;
    HoleSide side;
    bool at_border;
    float near, far;
  } expected[] = {{0, 1, HoleSide::kRight, true, 0, 5},
                  {3, 5, HoleSide::kLeft, false, 2, 5},
                  {7, 8, HoleSide::kRight, false, 2, 7},
                  {10, 11, HoleSide::kRight, false, 7, 7}};
  for (size_t i = 0; i < 4; ++i) {
    const HoleSpan& span = holes.rows[0][i];
    EXPECT_EQ(span.begin, expected[i].begin);
    EXPECT_EQ(span.end, expected[i].end);
    EXPECT_EQ(span.background, expected[i].side) << i;
    EXPECT_EQ(span.at_border, expected[i].at_border);
    EXPECT_EQ(span.near_depth, expected[i].near);
    EXPECT_EQ(span.far_depth, expected[i].far);
  }
  ASSERT_EQ(holes.rows[1].size(), 1u);
  EXPECT_EQ(holes.rows[1][0].background, HoleSide::kBoth);
  EXPECT_EQ(holes.rows[1][0].rows_with_data, -1);
  // Empty rows between two that are not: the nearer one counts.
  Image gap(PixelFormat::GrayF32(), 2, 6);
  for (int y = 0; y < 6; ++y)
    for (int x = 0; x < 2; ++x) gap.MutablePlane<float>().At(x, y) = y == 1 || y == 5 ? 1.0f : 0.0f;
  FindDepthHoles(gap.Plane<float>(), HoleSide::kLeft, &holes);
  EXPECT_EQ(holes.rows[0][0].rows_with_data, 1);
  EXPECT_EQ(holes.rows[2][0].rows_with_data, -1);
  EXPECT_EQ(holes.rows[3][0].rows_with_data, 0);
  EXPECT_EQ(holes.rows[4][0].rows_with_data, 1);
}

}  // namespace
}  // namespace mdvt::test
