// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/pose.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

void ExpectInvalid(const std::function<void()>& body, const std::string& field) {
  try {
    body();
    ADD_FAILURE() << "nothing thrown for " << field;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find(field), std::string::npos) << error.what();
  }
}

TEST(Camera, FromFovFollowsItsFormula) {
  const Camera camera = Camera::FromFov(640, 360, 90, {});
  EXPECT_DOUBLE_EQ(camera.fx, 320);
  EXPECT_DOUBLE_EQ(camera.fy, 320);
  EXPECT_EQ(camera.cx, 320);
  EXPECT_EQ(camera.cy, 180);
  EXPECT_NEAR(camera.xfov_deg(), 90, 1e-12);
  EXPECT_NEAR(camera.yfov_deg(), 2 * std::atan(180.0 / 320) * 180 / M_PI, 1e-12);
}

TEST(Camera, FromFovTakesEitherOrBoth) {
  const Camera vertical = Camera::FromFov(640, 360, {}, 60);
  EXPECT_NEAR(vertical.fy, 180 / std::tan(M_PI / 6), 1e-9);
  EXPECT_EQ(vertical.fx, vertical.fy);
  const Camera both = Camera::FromFov(640, 360, 90, 60);
  EXPECT_DOUBLE_EQ(both.fx, 320);
  EXPECT_NEAR(both.fy, 180 / std::tan(M_PI / 6), 1e-9);
}

TEST(Camera, FromFovOfOddSizesCentresBetweenPixels) {
  const Camera camera = Camera::FromFov(1, 3, 60, {});
  EXPECT_EQ(camera.cx, 0.5);
  EXPECT_EQ(camera.cy, 1.5);
}

TEST(Camera, FromFovRefusesBadInput) {
  const double nan = std::nan("");
  ExpectInvalid([] { Camera::FromFov(640, 360, {}, {}); }, "fov");
  for (const double fov : {0.0, -1.0, 180.0, 400.0, nan, std::numeric_limits<double>::infinity()}) {
    ExpectInvalid([=] { Camera::FromFov(640, 360, fov, {}); }, "xfov");
    ExpectInvalid([=] { Camera::FromFov(640, 360, {}, fov); }, "yfov");
  }
  ExpectInvalid([] { Camera::FromFov(0, 360, 60, {}); }, "0x360");
  ExpectInvalid([] { Camera::FromFov(640, -1, 60, {}); }, "640x-1");
}

TEST(Camera, FovSurvivesTheRoundTrip) {
  for (const double fov : {1e-3, 1.0, 48.25, 90.0, 179.0}) {
    EXPECT_NEAR(Camera::FromFov(1920, 1080, fov, {}).xfov_deg(), fov, 1e-9 * fov);
    EXPECT_NEAR(Camera::FromFov(1920, 1080, {}, fov).yfov_deg(), fov, 1e-9 * fov);
  }
}

TEST(Camera, ScaledMultipliesAllIntrinsics) {
  const Camera camera{640, 360, 500, 510, 300, 190};
  const Camera half = camera.Scaled(320, 90);
  EXPECT_EQ(half.width, 320);
  EXPECT_EQ(half.height, 90);
  EXPECT_DOUBLE_EQ(half.fx, 250);
  EXPECT_DOUBLE_EQ(half.fy, 127.5);
  EXPECT_DOUBLE_EQ(half.cx, 150);
  EXPECT_DOUBLE_EQ(half.cy, 47.5);
  EXPECT_NEAR(half.xfov_deg(), camera.xfov_deg(), 1e-12);
  EXPECT_NEAR(half.yfov_deg(), camera.yfov_deg(), 1e-12);
}

TEST(Camera, ScalingCommutesWithProjection) {
  const Camera camera{640, 360, 500, 510, 300, 190};
  const Eigen::Vector3d point(0.3, -0.2, 2.5);
  const Eigen::Vector2d full = Project(camera, point),
                        half = Project(camera.Scaled(320, 180), point);
  EXPECT_NEAR((full / 2 - half).norm(), 0, 1e-12);
}

TEST(Camera, ProjectAndUnprojectAreInverse) {
  const Camera camera{640, 360, 500, 510, 300, 190};
  const Eigen::Vector2d centre = Project(camera, {0, 0, 7});
  EXPECT_EQ(centre.x(), 300);
  EXPECT_EQ(centre.y(), 190);
  const Eigen::Vector2d pixel = Project(camera, {1, 2, 4});
  EXPECT_DOUBLE_EQ(pixel.x(), 425);
  EXPECT_DOUBLE_EQ(pixel.y(), 445);
  const Eigen::Vector3d back = Unproject(camera, pixel, 4);
  EXPECT_NEAR((back - Eigen::Vector3d(1, 2, 4)).norm(), 0, 1e-12);
}

TEST(Camera, CheckNamesWhatIsWrong) {
  const Camera good = Camera::FromFov(4, 3, 60, {});
  EXPECT_NO_THROW(good.Check());
  const auto broken = [&](auto change) {
    Camera camera = good;
    change(camera);
    return [camera] { camera.Check(); };
  };
  ExpectInvalid(broken([](Camera& c) { c.width = 0; }), "0x3");
  ExpectInvalid(broken([](Camera& c) { c.height = -3; }), "4x-3");
  ExpectInvalid(broken([](Camera& c) { c.fx = 0; }), "fx = 0");
  ExpectInvalid(broken([](Camera& c) { c.fy = -1; }), "fy = -1");
  ExpectInvalid(broken([](Camera& c) { c.fx = std::nan(""); }), "fx = nan");
  ExpectInvalid(broken([](Camera& c) { c.fy = INFINITY; }), "fy = inf");
  ExpectInvalid(broken([](Camera& c) { c.cx = std::nan(""); }), "cx = nan");
  ExpectInvalid(broken([](Camera& c) { c.cy = -INFINITY; }), "cy = -inf");
}

}  // namespace
}  // namespace mdvt
