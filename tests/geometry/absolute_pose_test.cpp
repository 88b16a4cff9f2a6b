// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/absolute_pose.h"

#include <gtest/gtest.h>

#include "mdvt/core/error.h"
#include "support/test_env.h"
#include "synthetic.h"

namespace mdvt {
namespace {

using test::MakePose;

TEST(RefineAbsolutePose, ConvergesToTheTruthFromNearby) {
  auto rng = test::Rng();
  for (int trial = 0; trial < 20; ++trial) {
    const auto points = test::RandomPoints(rng, 60);
    const Pose truth = MakePose(0.2 * test::RandomVector(rng), 0.5 * test::RandomVector(rng));
    const Pose start =
        MakePose(0.03 * test::RandomVector(rng), 0.1 * test::RandomVector(rng)) * truth;
    AbsolutePoseOptions options;
    options.max_iterations = 100;
    const AbsolutePose pose = RefineAbsolutePose(points, test::See(points, truth), start, options);
    EXPECT_LT(test::AngleBetween(pose.cam_from_world.linear(), truth.linear()), 1e-7);
    EXPECT_LT((pose.cam_from_world.translation() - truth.translation()).norm(), 1e-7);
    EXPECT_EQ(pose.num_inliers, 60);
    EXPECT_LT(pose.rms, 1e-7);
  }
}

TEST(RefineAbsolutePose, MarksOutliersAndWithstandsThem) {
  auto rng = test::Rng();
  const auto points = test::RandomPoints(rng, 100);
  const Pose truth = MakePose({0.1, 0, 0.05}, {0.2, -0.1, 0.3});
  Points2 seen = test::See(points, truth);
  for (size_t i = 0; i < 30; ++i) seen[i] += Eigen::Vector2d(0.1, -0.08);
  AbsolutePoseOptions options;
  options.max_iterations = 100;
  const AbsolutePose pose = RefineAbsolutePose(points, seen, truth, options);
  EXPECT_EQ(pose.num_inliers, 70);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(pose.inliers[i], i >= 30);
  EXPECT_LT(test::AngleBetween(pose.cam_from_world.linear(), truth.linear()), 1e-3);
}

TEST(RefineAbsolutePose, RotationOnlyKeepsTheCentre) {
  auto rng = test::Rng();
  const auto points = test::RandomPoints(rng, 60);
  const Pose truth = MakePose({0.1, -0.1, 0.05}, {0.2, -0.1, 0.3});
  const Eigen::Vector3d centre = truth.inverse().translation();
  Pose start = MakePose({0.05, 0.05, 0.02}, Eigen::Vector3d::Zero()) * truth;
  start.translation() = -(start.linear() * centre);
  AbsolutePoseOptions options;
  options.rotation_only = true;
  options.max_iterations = 100;
  const AbsolutePose pose = RefineAbsolutePose(points, test::See(points, truth), start, options);
  EXPECT_LT((pose.cam_from_world.inverse().translation() - centre).norm(), 1e-12);
  EXPECT_LT(test::AngleBetween(pose.cam_from_world.linear(), truth.linear()), 1e-7);
}

TEST(RefineAbsolutePose, TooFewPointsLeaveThePose) {
  const Pose start = MakePose({0.1, 0, 0}, {1, 2, 3});
  const AbsolutePose pose = RefineAbsolutePose({{0, 0, 5}, {1, 0, 5}}, {{0, 0}, {0.2, 0}}, start);
  EXPECT_TRUE(pose.cam_from_world.isApprox(start));
}

TEST(EstimateAbsolutePose, NeedsNoStart) {
  auto rng = test::Rng();
  const auto points = test::RandomPoints(rng, 120);
  const Pose truth = MakePose({0.3, -0.4, 0.2}, {1, 0.5, -0.3});
  Points2 seen = test::See(points, truth);
  for (size_t i = 0; i < 40; ++i) seen[i] = test::RandomVector(rng).head<2>();
  const AbsolutePose pose = EstimateAbsolutePose(points, seen);
  EXPECT_LT(test::AngleBetween(pose.cam_from_world.linear(), truth.linear()), 1e-3);
  EXPECT_GE(pose.num_inliers, 80);
  EXPECT_EQ(EstimateAbsolutePose({}, {}).num_inliers, 0);
}

TEST(AbsolutePose, RejectsBadArguments) {
  EXPECT_THROW(RefineAbsolutePose({{0, 0, 1}}, {}, Pose::Identity()), Error);
  EXPECT_THROW(EstimateAbsolutePose({{0, 0, 1}}, {}), Error);
  AbsolutePoseOptions options;
  options.loss_scale = 0;
  EXPECT_THROW(RefineAbsolutePose({}, {}, Pose::Identity(), options), Error);
  options = {};
  options.threshold = std::nan("");
  EXPECT_THROW(EstimateAbsolutePose({}, {}, options), Error);
  options = {};
  options.max_iterations = -1;
  EXPECT_THROW(EstimateAbsolutePose({}, {}, options), Error);
}

}  // namespace
}  // namespace mdvt
