// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/focal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "mdvt/core/error.h"
#include "mdvt/core/pose.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

// The points that `camera` sees on a wavy surface.
Image PointMap(const Camera& camera) {
  Image points(PixelFormat::RgbF32(), camera.width, camera.height);
  for (int row = 0; row < camera.height; ++row) {
    for (int col = 0; col < camera.width; ++col) {
      const double z = 4 + std::sin(col * 0.13) + std::cos(row * 0.21);
      const Eigen::Vector3d p = Unproject(camera, {col + 0.5, row + 0.5}, z);
      for (int i = 0; i < 3; ++i)
        points.MutablePlane<float>(i).At(col, row) = static_cast<float>(p[i]);
    }
  }
  return points;
}

FocalEstimate Fit(const Image& points) {
  return FocalFromPoints(points.Plane<float>(0), points.Plane<float>(1), points.Plane<float>(2));
}

TEST(FocalFromPoints, IsExactOnExactPoints) {
  for (const double fov : {20.0, 48.0, 60.0, 120.0}) {
    const Camera camera = Camera::FromFov(97, 55, fov, std::nullopt);
    const FocalEstimate estimate = Fit(PointMap(camera));
    EXPECT_NEAR(estimate.camera.xfov_deg(), fov, 1e-4);
    EXPECT_NEAR(estimate.camera.fy / camera.fy, 1, 1e-6);
  }
}

TEST(FocalFromPoints, KnowsPixelsThatAreNotSquare) {
  const Camera camera = Camera::FromFov(64, 64, 60, 40);
  const FocalEstimate estimate = Fit(PointMap(camera));
  EXPECT_NEAR(estimate.camera.fx / camera.fx, 1, 1e-6);
  EXPECT_NEAR(estimate.camera.fy / camera.fy, 1, 1e-6);
}

TEST(FocalFromPoints, StandsNoiseAndOutliers) {
  const Camera camera = Camera::FromFov(160, 90, 55, std::nullopt);
  Image points = PointMap(camera);
  std::mt19937_64 rng = test::Rng();
  std::normal_distribution<float> noise(0, 0.01f);
  std::uniform_real_distribution<float> anywhere(-3, 3);
  std::uniform_int_distribution<int> percent(0, 99);
  for (int row = 0; row < 90; ++row) {
    for (int col = 0; col < 160; ++col) {
      const bool outlier = percent(rng) < 20;
      for (int i = 0; i < 2; ++i)
        points.MutablePlane<float>(i).At(col, row) += outlier ? anywhere(rng) : noise(rng);
    }
  }
  const FocalEstimate estimate = Fit(points);
  EXPECT_NEAR(estimate.camera.xfov_deg(), 55, 0.25);
  EXPECT_LT(estimate.share, 0.9);
  EXPECT_GT(estimate.share, 0.7);
}

TEST(FocalFromPoints, SkipsPixelsWithoutData) {
  const Camera camera = Camera::FromFov(40, 30, 50, std::nullopt);
  Image points = PointMap(camera);
  for (int col = 0; col < 40; ++col) {
    points.MutablePlane<float>(2).At(col, 3) = 0;
    points.MutablePlane<float>(2).At(col, 4) = -1;
    points.MutablePlane<float>(0).At(col, 5) = NAN;
    points.MutablePlane<float>(2).At(col, 6) = INFINITY;
  }
  EXPECT_NEAR(Fit(points).camera.xfov_deg(), 50, 1e-4);
}

TEST(FocalFromPoints, RefusesWhatCannotBeKnown) {
  Image points = PointMap(Camera::FromFov(5, 3, 50, std::nullopt));
  EXPECT_THROW(Fit(points), Error);  // 15 pixels
  Image axis(PixelFormat::RgbF32(), 8, 8);
  for (int i = 0; i < 3; ++i)
    for (int row = 0; row < 8; ++row)
      for (int col = 0; col < 8; ++col)
        axis.MutablePlane<float>(i).At(col, row) = i == 2 ? 1.f : 0.f;
  EXPECT_THROW(Fit(axis), Error);
  EXPECT_THROW(FocalFromPoints(axis.Plane<float>(0), axis.Plane<float>(1), points.Plane<float>(2)),
               Error);
}

}  // namespace
}  // namespace mdvt
