// SPDX-License-Identifier: Apache-2.0
#include "pipeline/viewpoint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace mdvt {
namespace {

using Eigen::Vector3d;

TEST(Viewpoint, LooksAtItsTarget) {
  for (const Vector3d& position : {Vector3d(2, -2, -4), Vector3d(-3, 0.5, 7), Vector3d(0, -5, 1)}) {
    const Vector3d target(0.3, 0.1, 1);
    const Pose pose = LookAt(position, target);
    const Vector3d seen = pose.inverse() * target;
    EXPECT_NEAR(seen.x(), 0, 1e-12);
    EXPECT_NEAR(seen.y(), 0, 1e-12);
    EXPECT_NEAR(seen.z(), (target - position).norm(), 1e-12);
    EXPECT_NEAR(pose.linear().determinant(), 1, 1e-12);
    EXPECT_GE(pose.linear()(1, 1), 0) << "down is down";
    EXPECT_EQ(pose.translation(), position);
  }
  // Straight down, and at nothing: something with axes all the same.
  EXPECT_NEAR(LookAt({0, -1, 0}, {0, 1, 0}).linear().determinant(), 1, 1e-12);
  EXPECT_NEAR(LookAt({1, 1, 1}, {1, 1, 1}).linear().determinant(), 1, 1e-12);
}

// The figures of the original program: from (2, 0, -4) the eye lands at (-3.58, 0, -2.68), and the
// target in the origin is 26.6 degrees off its axis.
TEST(Viewpoint, TheUpstreamMatrixLooksPastIt) {
  const Pose pose = UpstreamLookAt({2, 0, -4}, Vector3d::Zero());
  EXPECT_NEAR(pose.translation().x(), -3.58, 0.005);
  EXPECT_NEAR(pose.translation().y(), 0, 1e-12);
  EXPECT_NEAR(pose.translation().z(), -2.68, 0.005);
  const Vector3d seen = pose.inverse() * Vector3d::Zero();
  EXPECT_NEAR(std::atan2(std::abs(seen.x()), seen.z()) * 180 / M_PI, 26.6, 0.05);
}

TEST(Viewpoint, ADollyGoesItsShareOfTheWay) {
  ViewpointOptions options;
  options.path = "dolly";
  options.approach = 0.75;
  options.position = {0, 0, -4};
  ViewPath path(options, Limits());
  EXPECT_TRUE(path.NeedsMeasure());
  SceneMeasure measure;
  measure.frames = 11;
  measure.centre_in_world = Vector3d(0, 0, 4);
  path.SetMeasure(measure);
  EXPECT_NEAR(path.At(0, Pose::Identity()).world_from_view.translation().z(), -4, 1e-12);
  EXPECT_NEAR(path.At(5, Pose::Identity()).world_from_view.translation().z(), -1, 1e-12);
  EXPECT_NEAR(path.At(10, Pose::Identity()).world_from_view.translation().z(), 2, 1e-12);
}

TEST(Viewpoint, KeyframesAreGoneThroughSmoothly) {
  const std::string text =
      R"([{"frame": 0, "position": [0, 0, 0], "target": [0, 0, 5], "xfov": 40},
          {"frame": 10, "position": [1, 0, 0], "target": [0, 0, 5], "xfov": 50},
          {"frame": 30, "position": [3, 0, 0], "target": [0, 0, 5], "xfov": 70}])";
  const std::vector<ViewKeyframe> keys = ParseViewKeyframes(text.data(), text.size());
  ASSERT_EQ(keys.size(), 3u);
  EXPECT_EQ(keys[1].frame, 10);
  EXPECT_EQ(keys[2].position, Vector3d(3, 0, 0));
  EXPECT_EQ(*keys[2].xfov_deg, 70);
}

}  // namespace
}  // namespace mdvt
