// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/two_view.h"

#include <gtest/gtest.h>

#include "mdvt/core/error.h"
#include "support/test_env.h"
#include "synthetic.h"

namespace mdvt {
namespace {

using test::MakePose;

TEST(FitRotation, RecoversAnExactTurn) {
  auto rng = test::Rng();
  const auto points = test::RandomPoints(rng, 100);
  const Pose turn = MakePose({0.05, -0.2, 0.1}, Eigen::Vector3d::Zero());
  const RotationFit fit = FitRotation(test::See(points, Pose::Identity()), test::See(points, turn));
  EXPECT_LT(test::AngleBetween(fit.cam2_from_cam1, turn.linear()), 1e-9);
  EXPECT_LT(fit.median_residual, 1e-9);
}

TEST(FitRotation, IgnoresFourTenthsOfOutliers) {
  auto rng = test::Rng();
  const auto points = test::RandomPoints(rng, 200);
  const Pose turn = MakePose({0.02, 0.1, 0}, Eigen::Vector3d::Zero());
  const Points2 a = test::See(points, Pose::Identity());
  Points2 b = test::See(points, turn);
  for (size_t i = 0; i < 80; ++i) b[i] = 0.5 * test::RandomVector(rng).head<2>();
  EXPECT_LT(test::AngleBetween(FitRotation(a, b).cam2_from_cam1, turn.linear()), 2e-3);
}

TEST(FitRotation, LeavesParallaxOver) {
  auto rng = test::Rng();
  const auto points = test::RandomPoints(rng, 200);
  const Pose move = MakePose({0, 0.02, 0}, {0.3, 0, 0});
  EXPECT_GT(
      FitRotation(test::See(points, Pose::Identity()), test::See(points, move)).median_residual,
      0.01);
}

TEST(FitRotation, EmptyInputIsTheIdentityAndLengthsMustAgree) {
  EXPECT_TRUE(FitRotation({}, {}).cam2_from_cam1.isIdentity());
  EXPECT_THROW(FitRotation({{0, 0}}, {}), Error);
}

TEST(TurnAndZoomResidual, VanishesForATurnUnderAWrongFocalLength) {
  auto rng = test::Rng();
  const auto points = test::RandomPoints(rng, 200);
  Points2 a = test::See(points, Pose::Identity());
  Points2 b = test::See(points, MakePose({0.02, 0.25, 0.01}, Eigen::Vector3d::Zero()));
  // A camera of twice the focal length that is taken for one of focal length 1.
  for (auto& p : a) p *= 2;
  for (auto& p : b) p *= 2 * 1.1;
  EXPECT_GT(FitRotation(a, b).median_residual, 0.02);
  EXPECT_LT(TurnAndZoomResidual(a, b), 1e-3);
}

TEST(TurnAndZoomResidual, StaysWhereTheCameraTranslates) {
  auto rng = test::Rng();
  const auto points = test::RandomPoints(rng, 200);
  const Points2 a = test::See(points, Pose::Identity());
  EXPECT_GT(TurnAndZoomResidual(a, test::See(points, MakePose({0, 0.05, 0}, {0.4, 0, 0}))), 0.01);
  EXPECT_EQ(TurnAndZoomResidual({}, {}), 0);
}

TEST(EstimateRelativePose, RecoversExactMotion) {
  auto rng = test::Rng();
  for (int trial = 0; trial < 20; ++trial) {
    const auto points = test::RandomPoints(rng, 120);
    const Pose truth = MakePose(0.2 * test::RandomVector(rng), test::RandomVector(rng));
    const RelativePose pose =
        EstimateRelativePose(test::See(points, Pose::Identity()), test::See(points, truth));
    ASSERT_TRUE(pose.ok) << pose.reason;
    EXPECT_LT(test::AngleBetween(pose.cam2_from_cam1.linear(), truth.linear()), 1e-6);
    EXPECT_LT((pose.cam2_from_cam1.translation() - truth.translation().normalized()).norm(), 1e-5);
    EXPECT_GE(pose.num_inliers, 118);
    const double unit = truth.translation().norm();
    for (size_t i = 0; i < points.size(); ++i) {
      if (!pose.inliers[i]) continue;
      EXPECT_LT((pose.points[i] * unit - points[i]).norm(), 1e-4);
    }
  }
}

TEST(EstimateRelativePose, SurvivesNoiseAndFourTenthsOfOutliers) {
  auto rng = test::Rng();
  int good = 0;
  for (int trial = 0; trial < 30; ++trial) {
    const auto points = test::RandomPoints(rng, 250);
    const Pose truth = MakePose(0.1 * test::RandomVector(rng),
                                Eigen::Vector3d(0.5, 0, 0) + 0.2 * test::RandomVector(rng));
    Points2 a = test::See(points, Pose::Identity()), b = test::See(points, truth);
    for (size_t i = 0; i < points.size(); ++i) {
      a[i] += Eigen::Vector2d(test::Normal(rng), test::Normal(rng)) * 0.3 / 500;
      b[i] += Eigen::Vector2d(test::Normal(rng), test::Normal(rng)) * 0.3 / 500;
      if (i < 100) b[i] = 0.5 * test::RandomVector(rng).head<2>();
    }
    const RelativePose pose = EstimateRelativePose(a, b);
    good += pose.ok && test::AngleBetween(pose.cam2_from_cam1.linear(), truth.linear()) < 0.01 &&
            pose.cam2_from_cam1.translation().dot(truth.translation().normalized()) > 0.995;
  }
  EXPECT_GE(good, 29);
}

TEST(EstimateRelativePose, SaysWhyNot) {
  const RelativePose few = EstimateRelativePose({{0, 0}}, {{0, 0}});
  EXPECT_FALSE(few.ok);
  EXPECT_STREQ(few.reason, "too few pairs");
  auto rng = test::Rng();
  Points2 a, b;
  for (int i = 0; i < 60; ++i) {
    a.push_back(test::RandomVector(rng).head<2>());
    b.push_back(test::RandomVector(rng).head<2>());
  }
  EXPECT_FALSE(EstimateRelativePose(a, b, {1e-4, 30}).ok);
  a[3].x() = std::nan("");
  EXPECT_STREQ(EstimateRelativePose(a, b).reason, "a point is not finite");
}

TEST(EstimateRelativePose, RejectsBadArguments) {
  EXPECT_THROW(EstimateRelativePose({{0, 0}}, {}), Error);
  EXPECT_THROW(EstimateRelativePose({}, {}, {0.0, 16}), Error);
  EXPECT_THROW(EstimateRelativePose({}, {}, {std::nan(""), 16}), Error);
  EXPECT_THROW(EstimateRelativePose({}, {}, {0.01, 4}), Error);
}

}  // namespace
}  // namespace mdvt
