// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/trajectory_error.h"

#include <gtest/gtest.h>

#include <cmath>

#include "io/expect_error.h"
#include "synthetic.h"

namespace mdvt::test {
namespace {

std::vector<Pose> Path(int frames) {
  std::vector<Pose> poses;
  for (int i = 0; i < frames; ++i)
    poses.push_back(MakePose({0, 0.02 * i, 0.01 * i}, {0.1 * i, 0.01 * i * i, 0.05 * std::sin(i)}));
  return poses;
}

TEST(CompareTrajectories, TheSamePathInAnotherWorldHasNoError) {
  const std::vector<Pose> truth = Path(20);
  std::vector<Pose> estimate;
  const Pose world = MakePose({0.3, -0.5, 0.2}, {4, 5, 6});
  for (Pose pose : truth) {
    pose.translation() *= 2;
    estimate.push_back(world * pose);
  }
  const TrajectoryError error = CompareTrajectories(estimate, truth, {1, 5, 50});
  EXPECT_FALSE(error.degenerate);
  EXPECT_NEAR(error.similarity.scale, 0.5, 1e-9);
  EXPECT_NEAR(error.ate, 0, 1e-9);
  EXPECT_GT(error.ate_rigid, 0.1);
  EXPECT_NEAR(error.rotation_deg, 0, 1e-6);
  ASSERT_EQ(error.relative.size(), 2u);
  EXPECT_EQ(error.relative[1].pairs, 15);
  EXPECT_NEAR(error.relative[0].translation_rmse, 0, 1e-9);
  for (const double auc : error.auc) EXPECT_NEAR(auc, 1, 1e-6);
}

// By hand: centres on a square, one of them a metre off.
TEST(CompareTrajectories, ErrorsByHand) {
  std::vector<Pose> truth(4, Pose::Identity());
  truth[1].translation() = Eigen::Vector3d(1, 0, 0);
  truth[2].translation() = Eigen::Vector3d(1, 0, 1);
  truth[3].translation() = Eigen::Vector3d(0, 0, 1);
  std::vector<Pose> estimate = truth;
  // Offsets of sum zero and without a moment: no alignment takes them away.
  estimate[0].translation().y() = 0.1;
  estimate[1].translation().y() = -0.1;
  estimate[2].translation().y() = 0.1;
  estimate[3].translation().y() = -0.1;
  const TrajectoryError error = CompareTrajectories(estimate, truth, {1});
  EXPECT_NEAR(error.rigid.rotation.trace(), 3, 1e-9);
  EXPECT_NEAR(error.ate_rigid, 0.1, 1e-9);
  // With a scale of 0.5 / (0.5 + 0.01), the best one.
  const double scale = 0.5 / 0.51;
  EXPECT_NEAR(error.similarity.scale, scale, 1e-9);
  EXPECT_NEAR(error.ate, std::sqrt((1 - scale) * (1 - scale) * 0.5 + scale * scale * 0.01), 1e-9);
  // Each step is off by 0.2 up or down, and by what the scale leaves of the metre.
  EXPECT_NEAR(error.relative[0].translation_rmse, std::hypot(1 - scale, 0.2 * scale), 1e-9);
  EXPECT_NEAR(error.path_length, 3, 1e-9);
}

TEST(CompareTrajectories, AnglesByHand) {
  std::vector<Pose> truth(3, Pose::Identity());
  std::vector<Pose> estimate = truth;
  estimate[1] = MakePose({0, 3 * M_PI / 180, 0}, {0, 0, 0});
  const TrajectoryError error = CompareTrajectories(estimate, truth, {1});
  EXPECT_TRUE(error.degenerate);
  EXPECT_NEAR(error.ate, 0, 1e-12);
  EXPECT_NEAR(error.relative[0].rotation_rmse_deg, 3, 1e-9);
  // Of three pairs two are off by 3 degrees.
  EXPECT_NEAR(error.auc[0], (1 + 2 * 0.4) / 3, 1e-9);
  EXPECT_NEAR(error.auc[2], (1 + 2 * 0.85) / 3, 1e-9);
}

TEST(CompareTrajectories, ALineIsAlignedByItsRotations) {
  std::vector<Pose> truth, estimate;
  const Pose world = MakePose({0.4, 0.1, -0.3}, {1, 2, 3});
  for (int i = 0; i < 10; ++i) {
    truth.push_back(MakePose({0, 0.05 * i, 0}, {0, 0, 0.1 * i}));
    estimate.push_back(world * truth.back());
  }
  const TrajectoryError error = CompareTrajectories(estimate, truth, {});
  EXPECT_TRUE(error.degenerate);
  EXPECT_NEAR(error.ate, 0, 1e-9);
  EXPECT_NEAR(error.rotation_deg, 0, 1e-6);
}

TEST(CompareTrajectories, NumbersOfPosesMustAgree) {
  ExpectError(Code::kInvalidArgument, "3 and 2 poses",
              [] { CompareTrajectories(Path(3), Path(2), {}); });
  ExpectError(Code::kInvalidArgument, "0 and 0", [] { CompareTrajectories({}, {}, {}); });
}

}  // namespace
}  // namespace mdvt::test
