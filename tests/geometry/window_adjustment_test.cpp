// SPDX-License-Identifier: Apache-2.0
#include "geometry/window_adjustment.h"

#include <gtest/gtest.h>

#include "mdvt/core/error.h"
#include "support/test_env.h"
#include "synthetic.h"

namespace mdvt {
namespace {

WindowProblem Exact(std::mt19937_64& rng, int cameras, int points) {
  WindowProblem problem;
  for (int c = 0; c < cameras; ++c) {
    problem.cam_from_world.push_back(
        test::MakePose(0.03 * test::RandomVector(rng), {-0.1 * c, 0.02 * c, -0.03 * c}));
    problem.camera_fixed.push_back(c < 2);
  }
  problem.points = test::RandomPoints(rng, points);
  for (int c = 0; c < cameras; ++c)
    for (int p = 0; p < points; ++p)
      problem.observations.push_back(
          {c, p, (problem.cam_from_world[c] * problem.points[p]).hnormalized()});
  return problem;
}

TEST(AdjustWindow, UndoesADisturbance) {
  auto rng = test::Rng();
  const WindowProblem truth = Exact(rng, 8, 80);
  WindowProblem problem = truth;
  for (size_t c = 2; c < 8; ++c)
    problem.cam_from_world[c] =
        test::MakePose(0.01 * test::RandomVector(rng), 0.05 * test::RandomVector(rng)) *
        problem.cam_from_world[c];
  for (auto& point : problem.points) point += 0.1 * test::RandomVector(rng);
  WindowOptions options;
  options.max_iterations = 100;
  options.loss_scale = 0.05;
  options.tolerance = 0;
  const WindowResult result = AdjustWindow(&problem, options);
  EXPECT_LT(result.final_cost, 1e-12 * result.initial_cost);
  for (size_t c = 0; c < 8; ++c) {
    EXPECT_LT(
        test::AngleBetween(problem.cam_from_world[c].linear(), truth.cam_from_world[c].linear()),
        1e-6);
    EXPECT_LT(
        (problem.cam_from_world[c].translation() - truth.cam_from_world[c].translation()).norm(),
        1e-6);
  }
  for (size_t p = 0; p < truth.points.size(); ++p)
    EXPECT_LT((problem.points[p] - truth.points[p]).norm(), 1e-5);
}

TEST(AdjustWindow, FixedCamerasDoNotMove) {
  auto rng = test::Rng();
  WindowProblem problem = Exact(rng, 4, 30);
  const auto before = problem.cam_from_world;
  for (auto& point : problem.points) point += 0.1 * test::RandomVector(rng);
  AdjustWindow(&problem);
  EXPECT_TRUE(problem.cam_from_world[0].matrix() == before[0].matrix());
  EXPECT_TRUE(problem.cam_from_world[1].matrix() == before[1].matrix());
}

TEST(AdjustWindow, NeverRaisesTheCostAndKeepsRotationsRigid) {
  auto rng = test::Rng();
  WindowProblem problem = Exact(rng, 5, 40);
  for (auto& o : problem.observations)
    o.xy += 0.02 * Eigen::Vector2d(test::Normal(rng), test::Normal(rng));
  const WindowResult result = AdjustWindow(&problem);
  EXPECT_LE(result.final_cost, result.initial_cost);
  for (const Pose& pose : problem.cam_from_world) {
    EXPECT_NEAR(pose.linear().determinant(), 1, 1e-12);
    EXPECT_TRUE((pose.linear() * pose.linear().transpose()).isIdentity(1e-12));
  }
}

TEST(AdjustWindow, OutliersHardlyPull) {
  auto rng = test::Rng();
  const WindowProblem truth = Exact(rng, 6, 100);
  WindowProblem problem = truth;
  // Spread over cameras and points.
  for (size_t i = 0; i < problem.observations.size(); i += 11)
    problem.observations[i].xy += Eigen::Vector2d(0.2, 0.1);
  WindowOptions options;
  options.max_iterations = 50;
  AdjustWindow(&problem, options);
  for (size_t c = 2; c < 6; ++c)
    EXPECT_LT(
        (problem.cam_from_world[c].translation() - truth.cam_from_world[c].translation()).norm(),
        2e-3);
}

TEST(AdjustWindow, EmptyProblemsAndPointsBehindAreHarmless) {
  WindowProblem empty;
  EXPECT_EQ(AdjustWindow(&empty).final_cost, 0);
  WindowProblem behind;
  behind.cam_from_world = {Pose::Identity(), Pose::Identity()};
  behind.camera_fixed = {1, 0};
  behind.points = {{0, 0, -1}};
  behind.observations = {{0, 0, {0, 0}}, {1, 0, {0, 0}}};
  AdjustWindow(&behind);
  EXPECT_TRUE(behind.cam_from_world[1].matrix().allFinite());
  EXPECT_TRUE(behind.points[0].allFinite());
}

TEST(AdjustWindow, RejectsContradictions) {
  auto rng = test::Rng();
  WindowProblem problem = Exact(rng, 3, 5);
  problem.camera_fixed.pop_back();
  EXPECT_THROW(AdjustWindow(&problem), Error);
  problem.camera_fixed = {0, 0, 0};
  EXPECT_THROW(AdjustWindow(&problem), Error);
  problem.camera_fixed = {1, 0, 0};
  problem.observations[0].point = 5;
  EXPECT_THROW(AdjustWindow(&problem), Error);
  problem.observations[0].point = -1;
  EXPECT_THROW(AdjustWindow(&problem), Error);
  WindowOptions options;
  options.loss_scale = std::nan("");
  EXPECT_THROW(AdjustWindow(&problem, options), Error);
}

}  // namespace
}  // namespace mdvt
