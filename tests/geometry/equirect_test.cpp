// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/equirect.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>

#include "io/expect_error.h"

namespace mdvt::test {
namespace {

EquirectLayout Half(int width = 768, int height = 512) {
  EquirectLayout layout;
  layout.width = width;
  layout.height = height;
  return layout;
}

TEST(Equirect, BoundsLieAtTheCentersOfTheFirstAndLastPixels) {
  const EquirectLayout layout = Half();
  EXPECT_TRUE(EquirectRay(layout, {0.5, 256}).isApprox(Eigen::Vector3d(-1, 0, 0), 1e-12));
  EXPECT_TRUE(EquirectRay(layout, {767.5, 256}).isApprox(Eigen::Vector3d(1, 0, 0), 1e-12));
  EXPECT_TRUE(EquirectRay(layout, {384, 0.5}).isApprox(Eigen::Vector3d(0, -1, 0), 1e-12));
  EXPECT_TRUE(EquirectRay(layout, {384, 511.5}).isApprox(Eigen::Vector3d(0, 1, 0), 1e-12));
  EXPECT_TRUE(EquirectRay(layout, {384, 256}).isApprox(Eigen::Vector3d(0, 0, 1), 1e-12));
}

TEST(Equirect, OrAtTheBorders) {
  EquirectLayout layout = Half();
  layout.bounds_at_centers = false;
  EXPECT_TRUE(EquirectRay(layout, {0, 256}).isApprox(Eigen::Vector3d(-1, 0, 0), 1e-12));
  EXPECT_TRUE(EquirectRay(layout, {768, 256}).isApprox(Eigen::Vector3d(1, 0, 0), 1e-12));
  EXPECT_TRUE(EquirectRay(layout, {384, 512}).isApprox(Eigen::Vector3d(0, 1, 0), 1e-12));
}

TEST(Equirect, PositionsComeBack) {
  EquirectLayout layout = Half();
  layout.start_yaw_deg = -70;
  layout.end_yaw_deg = 95;
  layout.start_tilt_deg = -60;
  layout.end_tilt_deg = 50;
  for (const bool at_centers : {false, true}) {
    layout.bounds_at_centers = at_centers;
    for (double y = 0.25; y < 512; y += 37)
      for (double x = 0.25; x < 768; x += 41) {
        const auto back = EquirectPosition(layout, 3.5 * EquirectRay(layout, {x, y}));
        ASSERT_TRUE(back) << x << ", " << y;
        EXPECT_NEAR(back->x(), x, 1e-9);
        EXPECT_NEAR(back->y(), y, 1e-9);
      }
  }
}

TEST(Equirect, NothingOutside) {
  const EquirectLayout layout = Half();
  EXPECT_FALSE(EquirectPosition(layout, {0, 0, -1}));
  EXPECT_FALSE(EquirectPosition(layout, {0, 0, 0}));
  EXPECT_FALSE(EquirectPosition(layout, {0, NAN, 1}));
  EXPECT_FALSE(EquirectPosition(layout, {-1, 0, -0.01}));
  EXPECT_TRUE(EquirectPosition(layout, {-1, 0, 0.01}));
}

TEST(Equirect, AWholeSphereShowsEveryDirection) {
  EquirectLayout layout = Half(720, 360);
  layout.start_yaw_deg = 0;  // the middle is behind
  layout.end_yaw_deg = 360;
  layout.bounds_at_centers = false;
  const auto behind = EquirectPosition(layout, {0, 0, -1});
  ASSERT_TRUE(behind);
  EXPECT_NEAR(behind->x(), 360, 1e-9);
  const auto left = EquirectPosition(layout, {-1, 0, 0});
  ASSERT_TRUE(left);
  EXPECT_NEAR(left->x(), 540, 1e-9);
}

TEST(Equirect, RefusesWhatIsNoPartOfASphere) {
  EquirectLayout layout = Half();
  layout.end_yaw_deg = -100;
  ExpectError(Code::kInvalidArgument, "yaw", [&] { layout.Check(); });
  layout = Half();
  layout.start_tilt_deg = -91;
  ExpectError(Code::kInvalidArgument, "tilt", [&] { layout.Check(); });
  layout = Half(1, 512);
  ExpectError(Code::kInvalidArgument, "1x512", [&] { layout.Check(); });
}

}  // namespace
}  // namespace mdvt::test
