// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/background_plate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "mdvt/core/error.h"
#include "support/pictures.h"
#include "support/raycast.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 48, kHeight = 32;

Image Depth(int width, int height, float z) {
  Image depth(PixelFormat::GrayF32(), width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) depth.MutablePlane<float>().At(x, y) = z;
  return depth;
}

TEST(BackgroundPlate, OfAFixedCameraIsItsPictureWithoutTheForeground) {
  const Camera camera = Camera::FromFov(kWidth, kHeight, 60, std::nullopt);
  const Image wall = MakePicture(PixelFormat::Rgb(8), kWidth, kHeight,
                                 [](int plane, int x, int y) { return 40 * plane + x + y; });
  BackgroundPlate plate({{camera, Pose::Identity()}});
  // A box moves to the right by six pixels a frame: every pixel is seen at some time.
  for (int frame = 0; frame < 6; ++frame) {
    Image color = wall.Clone();
    Image depth = Depth(kWidth, kHeight, 4);
    Image mask(PixelFormat::Gray(8), kWidth, kHeight);
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) {
        const bool box = x >= 6 * frame && x < 6 * frame + 12 && y >= 8 && y < 24;
        mask.MutablePlane<uint8_t>().At(x, y) = box;
        if (!box) continue;
        depth.MutablePlane<float>().At(x, y) = 1;
        for (int plane = 0; plane < 3; ++plane) SetSample(color, plane, x, y, 250);
      }
    plate.Add(color.view(), depth.Plane<float>(), mask.Plane<uint8_t>(), camera, Pose::Identity());
  }
  EXPECT_EQ(plate.cells(), kWidth * kHeight);
  EXPECT_EQ(plate.seen(), kWidth * kHeight);
  const std::vector<PlateSurface> surfaces = plate.Surfaces();
  ASSERT_EQ(surfaces.size(), 1u);
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      ASSERT_NEAR(surfaces[0].depth.Plane<float>().At(x, y), 4, 1e-5);
      for (int plane = 0; plane < 3; ++plane)
        ASSERT_EQ(SampleOf(surfaces[0].color, plane, x, y), SampleOf(wall, plane, x, y));
    }
}

TEST(BackgroundPlate, WhatIsSeenOnceDoesNotOutweighWhatIsSeenOften) {
  const Camera camera = Camera::FromFov(kWidth, kHeight, 60, std::nullopt);
  BackgroundPlate plate({{camera, Pose::Identity()}});
  const auto add = [&](float z, int value) {
    const Image color =
        MakePicture(PixelFormat::Rgb(8), kWidth, kHeight, [=](int, int, int) { return value; });
    plate.Add(color.view(), Depth(kWidth, kHeight, z).Plane<float>(), {}, camera, Pose::Identity());
  };
  add(9, 10);  // a wrong depth, once
  for (int i = 0; i < 20; ++i) add(4, 100);
  add(4, 255);  // and a wrong colour, once
  std::vector<PlateSurface> surfaces = plate.Surfaces();
  ASSERT_EQ(surfaces.size(), 1u);
  EXPECT_NEAR(surfaces[0].depth.Plane<float>().At(5, 5), 4, 1e-4);
  EXPECT_NEAR(SampleOf(surfaces[0].color, 0, 5, 5), 100, 4);
  // Two surfaces that are seen as often are kept both, the farther one first.
  for (int i = 0; i < 20; ++i) add(9, 10);
  surfaces = plate.Surfaces();
  ASSERT_EQ(surfaces.size(), 2u);
  EXPECT_NEAR(surfaces[0].depth.Plane<float>().At(5, 5), 9, 1e-4);
  EXPECT_NEAR(surfaces[1].depth.Plane<float>().At(5, 5), 4, 1e-4);
}

TEST(BackgroundPlate, OfAMovingCameraHoldsTheRoomInItsPlace) {
  const Clip clip = Scenes::TurningRoom(96, 64, 60);
  const RayCaster caster(clip.scene);
  std::vector<PlateView> views;
  for (int frame = 0; frame < 48; frame += 6)
    views.push_back({clip.camera, clip.At(frame).world_from_cam});
  BackgroundPlate plate(views);
  for (int frame = 0; frame < 48; frame += 6) {
    const View view = clip.At(frame);
    plate.Add(caster.Color(view, PixelFormat::Rgb(8)).view(), caster.Depth(view).Plane<float>(), {},
              clip.camera, view.world_from_cam);
  }
  int64_t compared = 0, off = 0;
  double worst_depth = 0;
  for (const PlateSurface& surface : plate.Surfaces()) {
    EXPECT_TRUE(surface.world_from_cam.translation().isZero());
    const View view{surface.camera, surface.world_from_cam, 0};
    const Image depth = caster.Depth(view);
    for (int y = 0; y < surface.camera.height; ++y)
      for (int x = 0; x < surface.camera.width; ++x) {
        const float z = surface.depth.Plane<float>().At(x, y);
        if (z == 0) continue;
        const float truth = depth.Plane<float>().At(x, y);
        const double error = std::fabs(z - truth) / truth;
        ++compared;
        off += error > 0.05;
        if (error <= 0.05) worst_depth = std::max(worst_depth, error);
      }
  }
  EXPECT_GT(compared, 96 * 64);
  EXPECT_LT(off, compared / 20);  // beside outlines
}

TEST(BackgroundPlate, HasNoMoreCellsThanAllowed) {
  BackgroundPlateOptions options;
  options.max_cells = 1000;
  const Camera camera = Camera::FromFov(640, 360, 60, std::nullopt);
  EXPECT_LE(BackgroundPlate({{camera, Pose::Identity()}}, options).cells(), 1000);
  std::vector<PlateView> views;
  for (int i = 0; i < 36; ++i) {
    Pose pose = Pose::Identity();
    pose.rotate(Eigen::AngleAxisd(i * M_PI / 18, Eigen::Vector3d::UnitY()));
    views.push_back({camera, pose});
  }
  const BackgroundPlate around(views, options);
  EXPECT_LE(around.cells(), 1000);
  EXPECT_GT(around.cells(), 500);
}

TEST(BackgroundPlate, TakesPoints) {
  const Camera camera = Camera::FromFov(kWidth, kHeight, 60, std::nullopt);
  BackgroundPlate plate({{camera, Pose::Identity()}});
  plate.AddPoint(Unproject(camera, {10.5, 20.5}, 3), {1, 2, 3});
  plate.AddPoint({0, 0, -2}, {9, 9, 9});  // behind
  EXPECT_EQ(plate.seen(), 1);
  const std::vector<PlateSurface> surfaces = plate.Surfaces();
  ASSERT_EQ(surfaces.size(), 1u);
  EXPECT_NEAR(surfaces[0].depth.Plane<float>().At(10, 20), 3, 1e-5);
  EXPECT_EQ(SampleOf(surfaces[0].color, 2, 10, 20), 3);
  EXPECT_EQ(surfaces[0].depth.Plane<float>().At(11, 20), 0);
}

TEST(BackgroundPlate, RefusesWhatDoesNotFit) {
  EXPECT_THROW(BackgroundPlate({}), Error);
  const Camera camera = Camera::FromFov(kWidth, kHeight, 60, std::nullopt);
  BackgroundPlateOptions options;
  options.same_depth = 0;
  EXPECT_THROW(BackgroundPlate({{camera, Pose::Identity()}}, options), Error);
  BackgroundPlate plate({{camera, Pose::Identity()}});
  const Image gray(PixelFormat::Gray(8), kWidth, kHeight);
  EXPECT_THROW(plate.Add(gray.view(), Depth(kWidth, kHeight, 1).Plane<float>(), {}, camera,
                         Pose::Identity()),
               Error);
}

TEST(MarkForeground, ReachesTwoPixelsBeyondTheOutline) {
  Image depth = Depth(20, 12, 5);
  depth.MutablePlane<float>().At(10, 6) = 1;
  depth.MutablePlane<float>().At(2, 2) = 0;  // no data is no foreground
  Image mask(PixelFormat::Gray(8), 20, 12);
  MarkForeground(depth.Plane<float>(), 2, mask.MutablePlane<uint8_t>());
  for (int y = 0; y < 12; ++y)
    for (int x = 0; x < 20; ++x)
      EXPECT_EQ(mask.Plane<uint8_t>().At(x, y) != 0, std::abs(x - 10) <= 2 && std::abs(y - 6) <= 2);
}

}  // namespace
}  // namespace mdvt::test
