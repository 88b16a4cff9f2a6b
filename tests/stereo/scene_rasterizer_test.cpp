// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/scene_rasterizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/core/error.h"
#include "stereo/stereo_scenes.h"
#include "support/raycast.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using Color = SceneRasterizer::Color;
using test::ConstantDepth;
constexpr Color kWhite = {255, 255, 255};

struct Picture {
  Image color;
  Image depth;
  float Z(int x, int y) const { return depth.Plane<float>().At(x, y); }
  Color At(int x, int y) const {
    return {color.Plane<uint8_t>(0).At(x, y), color.Plane<uint8_t>(1).At(x, y),
            color.Plane<uint8_t>(2).At(x, y)};
  }
};

Picture Finish(SceneRasterizer* scene, const Camera& camera, int bits = 8) {
  Picture picture{Image(PixelFormat::Rgb(bits), camera.width, camera.height),
                  Image(PixelFormat::GrayF32(), camera.width, camera.height)};
  scene->Finish(kWhite, picture.color.mutable_view(), picture.depth.MutablePlane<float>());
  return picture;
}

Picture Draw(const Image& color, const Image& depth, const Camera& camera,
             const Pose& world_from_view, const SurfaceOptions& options = {},
             ThreadPool* pool = nullptr) {
  SceneRasterizer scene(color.format().bits, pool);
  scene.Begin(camera, world_from_view);
  scene.AddSurface(color.view(), depth.Plane<float>(),
                   Camera::FromFov(depth.width(), depth.height(), 60.0, std::nullopt),
                   Pose::Identity(), options);
  return Finish(&scene, camera, color.format().bits);
}

Image ConstantImage(int width, int height, const Color& color) {
  Image image(PixelFormat::Rgb(8), width, height);
  for (int i = 0; i < 3; ++i)
    for (int y = 0; y < height; ++y)
      std::fill_n(image.MutablePlane<uint8_t>(i).Row(y), width,
                  static_cast<uint8_t>(color[static_cast<size_t>(i)]));
  return image;
}

Pose Shift(double x, double y, double z) {
  Pose pose = Pose::Identity();
  pose.translation() = Eigen::Vector3d(x, y, z);
  return pose;
}

TEST(SceneRasterizer, StretchMovesPointsOnTheRaysOfTheHead) {
  // Twice as far from the head: the head sees the same picture, an eye beside it half the parallax.
  const int width = 64, height = 8;
  const Camera camera = Camera::FromFov(width, height, 60.0, std::nullopt);
  Image color = ConstantImage(width, height, {10, 20, 30});
  const int edge = 40;
  for (int y = 0; y < height; ++y) color.MutablePlane<uint8_t>(0).At(edge, y) = 200;
  const double z = 2;
  const Image depth = ConstantDepth(width, height, static_cast<float>(z));
  for (const bool points : {false, true}) {
    for (const double eye : {0.0, 0.25, -0.25}) {
      SurfaceOptions options;
      options.points = points;
      options.head = Eigen::Vector3d(-eye, 0, 0);
      options.stretch = [](const Eigen::Vector3d& point) { return point.z() < 1 ? 1.0 : 2.0; };
      const Picture picture = Draw(color, depth, camera, Shift(eye, 0, 0), options);
      const int moved = edge - static_cast<int>(std::lround(camera.fx * eye / (2 * z)));
      for (int x = edge - 12; x < edge + 12; ++x) {
        EXPECT_NEAR(picture.Z(x, 4), 2 * z, 1e-5);
        const int red = picture.At(x, 4)[0];
        if (std::abs(x - moved) > 1) {
          EXPECT_EQ(red, 10) << "at " << x << ", eye " << eye;
        }
        if (eye == 0) {
          EXPECT_EQ(red, x == edge ? 200 : 10) << "at " << x;
        }
      }
    }
  }
}

TEST(SceneRasterizer, FromTheCameraItselfEveryPixelIsThere) {
  std::mt19937_64 rng = test::Rng();
  for (const int bits : {8, 10, 16}) {
    for (const auto& [width, height] : {std::pair(67, 35), std::pair(1, 1), std::pair(2, 130)}) {
      const Image color = test::RandomImage(PixelFormat::Rgb(bits), width, height, rng);
      const Image depth = test::BusyDepth(width, height, rng);
      const Camera camera = Camera::FromFov(width, height, 60.0, std::nullopt);
      for (const bool tear : {false, true}) {
        for (const bool points : {false, true}) {
          SurfaceOptions options;
          if (tear) options.tear = TearRule();
          options.points = points;
          const Picture picture = Draw(color, depth, camera, Pose::Identity(), options);
          for (int y = 0; y < height; ++y) {
            for (int x = 0; x < width; ++x) {
              float z = depth.Plane<float>().At(x, y);
              if (!std::isfinite(z)) z = 0;
              ASSERT_NEAR(picture.Z(x, y), z, 1e-6 * z) << x << "," << y;
              for (int i = 0; i < 3; ++i) {
                const int want = z <= 0      ? 255
                                 : bits == 8 ? color.Plane<uint8_t>(i).At(x, y)
                                             : color.Plane<uint16_t>(i).At(x, y);
                const int got = bits == 8 ? picture.color.Plane<uint8_t>(i).At(x, y)
                                          : picture.color.Plane<uint16_t>(i).At(x, y);
                ASSERT_EQ(got, want) << bits << " bits, tear " << tear << ", points " << points
                                     << " at " << x << "," << y;
              }
            }
          }
        }
      }
    }
  }
}

TEST(SceneRasterizer, APlaneMovesByFocalLengthOverDepth) {
  std::mt19937_64 rng = test::Rng();
  const Camera camera = Camera::FromFov(64, 48, 60.0, std::nullopt);
  const Image color = test::RandomImage(PixelFormat::Rgb(8), 64, 48, rng);
  const double z = 2;
  // Three pixels to the left and two down.
  const Picture picture = Draw(color, ConstantDepth(64, 48, static_cast<float>(z)), camera,
                               Shift(3 * z / camera.fx, -2 * z / camera.fy, 0));
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 64; ++x) {
      const bool seen = x + 3 < 64 && y - 2 >= 0;
      EXPECT_FLOAT_EQ(picture.Z(x, y), seen ? 2.0f : 0.0f);
      const Color want = seen ? Color{color.Plane<uint8_t>(0).At(x + 3, y - 2),
                                      color.Plane<uint8_t>(1).At(x + 3, y - 2),
                                      color.Plane<uint8_t>(2).At(x + 3, y - 2)}
                              : kWhite;
      EXPECT_EQ(picture.At(x, y), want) << x << "," << y;
    }
  }
}

// A slanted floor and a wall seen from somewhere else, against rays cast from there.
TEST(SceneRasterizer, AgreesWithRaysFromTheNewPlace) {
  test::Scene truth;
  test::Object wall;
  wall.texture.wavelength = 0.6;
  wall.world_from_object.translation().z() = 6;
  test::Object floor;
  floor.texture.seed = 7;
  floor.texture.wavelength = 0.6;
  floor.world_from_object.linear() =
      Eigen::AngleAxisd(M_PI / 2, Eigen::Vector3d::UnitX()).toRotationMatrix();
  floor.world_from_object.translation().y() = 1.5;
  truth.objects = {wall, floor};
  const test::RayCaster caster(truth);
  const Camera camera = Camera::FromFov(160, 120, 60.0, std::nullopt);
  const test::View source{camera, Pose::Identity()};
  Pose pose = Shift(0.4, -0.5, 0.3);
  pose.linear() = (Eigen::AngleAxisd(0.1, Eigen::Vector3d::UnitY()) *
                   Eigen::AngleAxisd(-0.15, Eigen::Vector3d::UnitX()) *
                   Eigen::AngleAxisd(0.05, Eigen::Vector3d::UnitZ()))
                      .toRotationMatrix();
  const test::View view{camera, pose};
  const Picture picture =
      Draw(caster.Color(source, PixelFormat::Rgb(8)), caster.Depth(source), camera, pose);
  const Image want_z = caster.Depth(view);
  const Image want = caster.Color(view, PixelFormat::Rgb(8));
  int seen = 0;
  double color_error = 0;
  for (int y = 0; y < 120; ++y) {
    for (int x = 0; x < 160; ++x) {
      if (picture.Z(x, y) <= 0) continue;
      ++seen;
      // Where the two planes meet the surface cuts the corner by less than a pixel.
      EXPECT_NEAR(picture.Z(x, y), want_z.Plane<float>().At(x, y), 0.12) << x << "," << y;
      color_error += std::abs(picture.At(x, y)[1] - want.Plane<uint8_t>(1).At(x, y));
    }
  }
  EXPECT_GT(seen, 160 * 120 * 3 / 4);
  EXPECT_LT(color_error / seen, 1.0);
}

TEST(SceneRasterizer, TornThingsLeaveAHoleBetweenThem) {
  // The left half at 1 m, the right one at 4 m, seen from the right.
  Image depth = ConstantDepth(64, 4, 1);
  for (int y = 0; y < 4; ++y)
    for (int x = 32; x < 64; ++x) depth.MutablePlane<float>().At(x, y) = 4;
  const Camera camera = Camera::FromFov(64, 4, 60.0, std::nullopt);
  const Image color = ConstantImage(64, 4, {10, 20, 30});
  const Pose from_left = Shift(8 / camera.fx, 0, 0);  // near pixels move by 8, far ones by 2
  for (const bool tear : {false, true}) {
    SurfaceOptions options;
    if (tear) options.tear = TearRule();
    const Picture picture = Draw(color, depth, camera, from_left, options);
    for (int x = 0; x < 62; ++x) {
      const bool hole = x >= 24 && x < 30;
      EXPECT_EQ(picture.Z(x, 1) > 0, !hole || !tear) << x;
      if (x < 24 || x >= 31) {
        EXPECT_FLOAT_EQ(picture.Z(x, 1), x < 24 ? 1.0f : 4.0f) << x;
      }
    }
  }
}

TEST(SceneRasterizer, TheNearerIsInFrontWhateverTheOrder) {
  const Camera camera = Camera::FromFov(16, 16, 60.0, std::nullopt);
  const Image red = ConstantImage(16, 16, {200, 0, 0});
  const Image blue = ConstantImage(16, 16, {0, 0, 200});
  // Far things as well as near ones: 24 bits between 0.1 mm and there would tell 6 m at 100 m.
  for (const auto& [front, back] : {std::pair{1.f, 2.f}, {1.f, 1.0001f}, {100.f, 100.01f}})
    for (const bool near_first : {false, true}) {
      SceneRasterizer scene;
      scene.Begin(camera, Pose::Identity());
      for (const bool near : {near_first, !near_first})
        scene.AddSurface((near ? red : blue).view(),
                         ConstantDepth(16, 16, near ? front : back).Plane<float>(), camera,
                         Pose::Identity());
      EXPECT_EQ(Finish(&scene, camera).At(8, 8), (Color{200, 0, 0})) << front;
    }
}

TEST(SceneRasterizer, SurfacesAreSeenFromTheirCamerasSideOnly) {
  const Camera camera = Camera::FromFov(16, 16, 60.0, std::nullopt);
  Pose behind = Shift(0, 0, 4);
  behind.linear() = Eigen::AngleAxisd(M_PI, Eigen::Vector3d::UnitY()).toRotationMatrix();
  const Image color = ConstantImage(16, 16, {1, 2, 3});
  const Image depth = ConstantDepth(16, 16, 2);
  EXPECT_EQ(Draw(color, depth, camera, behind).At(8, 8), kWhite);
  SurfaceOptions points;
  points.points = true;
  EXPECT_EQ(Draw(color, depth, camera, behind, points).At(8, 8), (Color{1, 2, 3}));
}

// A wall that goes through the viewer is cut at the near plane and at the borders of what whole
// numbers hold.
TEST(SceneRasterizer, WhatReachesBehindTheViewerIsCut) {
  const Camera camera = Camera::FromFov(64, 48, 90.0, std::nullopt);
  const std::vector<Eigen::Vector3f> points = {
      {-1e4f, 1, -1e4f}, {1e4f, 1, -1e4f}, {1e4f, 1, 1e4f}, {-1e4f, 1, 1e4f}};
  SceneRasterizer scene;
  scene.Begin(camera, Pose::Identity());
  scene.AddTriangles(points, std::vector<Color>(4, {9, 9, 9}), {{0, 1, 2}, {0, 2, 3}});
  const Picture picture = Finish(&scene, camera);
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 64; x += 7) {
      if (y < 24) {
        EXPECT_EQ(picture.Z(x, y), 0) << x << "," << y;
      } else {  // the row in which a floor at that depth is seen, within the grid of positions
        EXPECT_NEAR(camera.fy / picture.Z(x, y) + camera.cy, y + 0.5, 1.0 / 256) << x << "," << y;
      }
    }
  }
}

TEST(SceneRasterizer, AMaskHidesPixels) {
  const Camera camera = Camera::FromFov(8, 8, 60.0, std::nullopt);
  Image mask(PixelFormat::Gray(8), 8, 8);
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 8; ++x)
      mask.MutablePlane<uint8_t>().At(x, y) = static_cast<uint8_t>(x == 3 ? 128 : 129);
  SurfaceOptions options;
  options.mask = mask.Plane<uint8_t>();
  const Picture picture = Draw(ConstantImage(8, 8, {5, 5, 5}), ConstantDepth(8, 8, 1), camera,
                               Pose::Identity(), options);
  for (int x = 0; x < 8; ++x) EXPECT_EQ(picture.Z(x, 4) > 0, x != 3) << x;
}

TEST(SceneRasterizer, PointsAndLinesAreWhereTheyBelong) {
  const Camera camera = Camera::FromFov(64, 48, 90.0, std::nullopt);
  SceneRasterizer scene;
  scene.Begin(camera, Pose::Identity());
  scene.AddPoints({{0.01f, 0.01f, 1}, {0.01f, 0.01f, -1}}, {{1, 2, 3}, {4, 5, 6}}, 3);
  scene.AddLine({-1, 0.5, 2}, {1, 0.5, 2}, {7, 8, 9});
  scene.AddLine({-1, -0.5, -2}, {1, -0.5, -2}, {7, 8, 9});
  const Picture picture = Finish(&scene, camera);
  int points = 0, line = 0;
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 64; ++x) {
      if (picture.At(x, y) == Color{1, 2, 3}) {
        ++points;
        EXPECT_LE(std::abs(x - 32) + std::abs(y - 24), 2);
        EXPECT_FLOAT_EQ(picture.Z(x, y), 1);
      } else if (picture.At(x, y) == Color{7, 8, 9}) {
        ++line;
        EXPECT_NEAR(y, 32, 1);
        EXPECT_FLOAT_EQ(picture.Z(x, y), 2);
      } else {
        EXPECT_EQ(picture.At(x, y), kWhite);
      }
    }
  }
  EXPECT_EQ(points, 9);
  EXPECT_NEAR(line, 33, 1);
}

TEST(SceneRasterizer, SamplesAreAveraged) {
  // An edge through the middle of pixel 8 covers half of it.
  const Camera camera = Camera::FromFov(16, 16, 60.0, std::nullopt);
  SceneRasterizer scene;
  scene.Begin(camera, Shift(0.5 / camera.fx, 0, 0), 4);
  Image depth = ConstantDepth(16, 16, 1);
  for (int y = 0; y < 16; ++y)
    for (int x = 9; x < 16; ++x) depth.MutablePlane<float>().At(x, y) = 0;
  scene.AddSurface(ConstantImage(16, 16, {55, 55, 55}).view(), depth.Plane<float>(), camera,
                   Pose::Identity());
  const Picture picture = Finish(&scene, camera);
  EXPECT_EQ(picture.At(7, 8), (Color{55, 55, 55}));
  EXPECT_EQ(picture.At(8, 8), (Color{155, 155, 155}));
  EXPECT_EQ(picture.At(9, 8), kWhite);
}

TEST(SceneRasterizer, ThreadsDoNotMatter) {
  std::mt19937_64 rng = test::Rng();
  const Image color = test::RandomImage(PixelFormat::Rgb(8), 130, 97, rng);
  const Image depth = test::BusyDepth(130, 97, rng);
  const Camera camera = Camera::FromFov(101, 140, 70.0, std::nullopt);
  Pose pose = Shift(0.2, -0.1, -0.4);
  pose.linear() = Eigen::AngleAxisd(0.7, Eigen::Vector3d(1, 2, 3).normalized()).toRotationMatrix();
  for (const bool tear : {false, true}) {
    SurfaceOptions options;
    if (tear) options.tear = TearRule();
    const Picture one = Draw(color, depth, camera, pose, options);
    for (const int threads : {2, 3, 7}) {
      ThreadPool pool(threads);
      const Picture many = Draw(color, depth, camera, pose, options, &pool);
      EXPECT_TRUE(test::SameSamples(one.color, many.color)) << threads;
      EXPECT_TRUE(test::SameSamples(one.depth, many.depth)) << threads;
    }
  }
}

TEST(SceneRasterizer, SaysWhatIsWrong) {
  const Camera camera = Camera::FromFov(8, 8, 60.0, std::nullopt);
  const Image color = ConstantImage(8, 8, {1, 1, 1});
  const Image depth = ConstantDepth(8, 8, 1);
  SceneRasterizer scene;
  test::ExpectError(Code::kInvalidArgument, "Begin", [&] {
    scene.AddSurface(color.view(), depth.Plane<float>(), camera, Pose::Identity());
  });
  test::ExpectError(Code::kInvalidArgument, "supersampling is 5",
                    [&] { scene.Begin(camera, Pose::Identity(), 5); });
  scene.Begin(camera, Pose::Identity());
  test::ExpectError(Code::kInvalidArgument, "must have one size", [&] {
    scene.AddSurface(color.view(), ConstantDepth(7, 8, 1).Plane<float>(), camera, Pose::Identity());
  });
  test::ExpectError(Code::kInvalidArgument, "not there", [&] {
    scene.AddTriangles({{0, 0, 1}}, {{1, 1, 1}}, {{0, 0, 1}});
  });
  test::ExpectError(Code::kInvalidArgument, "bits is 7", [] { SceneRasterizer(7); });
}

}  // namespace
}  // namespace mdvt
