// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/bundle.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "geometry/bundle_check.h"
#include "mdvt/core/error.h"
#include "mdvt/geometry/similarity.h"
#include "support/test_env.h"
#include "synthetic.h"

namespace mdvt {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Camera MakeCamera(double focal = 500) {
  Camera camera;
  camera.width = 640, camera.height = 480;
  camera.fx = focal, camera.fy = 1.1 * focal;
  camera.cx = 310, camera.cy = 250;
  return camera;
}

BundlePose Held(const Pose& pose) { return {pose, true, true}; }

Pose WorldFromCam(const BundleProblem& p, const BundleCamera& camera) {
  const Pose pose = p.poses[camera.pose].pose;
  return camera.mount < 0 ? pose : pose * p.mounts[camera.mount].pose;
}
Eigen::Vector3d InCamera(const BundleProblem& p, int camera, int point) {
  return WorldFromCam(p, p.cameras[camera]).inverse() * p.points[point].in_world;
}

// Every point seen by every picture, exactly.
void SeeAll(BundleProblem* p) {
  for (int c = 0; c < static_cast<int>(p->cameras.size()); ++c)
    for (int i = 0; i < static_cast<int>(p->points.size()); ++i)
      p->sights.push_back(
          {c, i, Project(p->lenses[p->cameras[c].lens].camera, InCamera(*p, c, i)), 1});
}

// A path of cameras, one lens; the first two poses are held.
BundleProblem Exact(std::mt19937_64& rng, int frames, int points) {
  BundleProblem p;
  p.lenses.push_back({MakeCamera(), true});
  for (int c = 0; c < frames; ++c) {
    p.poses.push_back(
        {test::MakePose(0.05 * test::RandomVector(rng), {0.15 * c, 0.03 * std::sin(c), 0.04 * c}),
         c < 2, c < 2});
    p.cameras.push_back({c, 0, -1});
  }
  for (const Eigen::Vector3d& x : test::RandomPoints(rng, points)) p.points.push_back({x, false});
  for (BundlePoint& point : p.points) point.in_world.z() += 1;
  SeeAll(&p);
  return p;
}

void DisturbPose(std::mt19937_64& rng, double turn, double move, BundlePose* pose) {
  if (!pose->rotation_held)
    pose->pose.linear() =
        pose->pose.linear() * test::MakePose(turn * test::RandomVector(rng), {0, 0, 0}).linear();
  if (!pose->position_held) pose->pose.translation() += move * test::RandomVector(rng);
}
void Disturb(std::mt19937_64& rng, BundleProblem* p) {
  for (BundlePose& pose : p->poses) DisturbPose(rng, 0.01, 0.05, &pose);
  for (BundlePoint& point : p->points)
    if (!point.held) point.in_world += 0.1 * test::RandomVector(rng);
}

BundleOptions Exactly() {
  BundleOptions options;
  options.max_iterations = 100;
  options.tolerance = 0;
  return options;
}

void ExpectPose(const Pose& got, const Pose& truth, double tolerance) {
  EXPECT_LT(test::AngleBetween(got.linear(), truth.linear()), tolerance);
  EXPECT_LT((got.translation() - truth.translation()).norm(), tolerance);
}
void ExpectScene(const BundleProblem& got, const BundleProblem& truth, double tolerance) {
  for (size_t i = 0; i < truth.poses.size(); ++i)
    ExpectPose(got.poses[i].pose, truth.poses[i].pose, tolerance);
  for (size_t i = 0; i < truth.points.size(); ++i)
    EXPECT_LT((got.points[i].in_world - truth.points[i].in_world).norm(), tolerance);
}

bool SameBits(const BundleProblem& a, const BundleProblem& b) {
  const auto same = [](const double* x, const double* y, size_t count) {
    return std::memcmp(x, y, count * sizeof(double)) == 0;
  };
  for (size_t i = 0; i < a.poses.size(); ++i)
    if (!same(a.poses[i].pose.data(), b.poses[i].pose.data(), 16)) return false;
  for (size_t i = 0; i < a.mounts.size(); ++i)
    if (!same(a.mounts[i].pose.data(), b.mounts[i].pose.data(), 16)) return false;
  for (size_t i = 0; i < a.points.size(); ++i)
    if (!same(a.points[i].in_world.data(), b.points[i].in_world.data(), 3)) return false;
  for (size_t i = 0; i < a.lenses.size(); ++i)
    if (!same(&a.lenses[i].camera.fx, &b.lenses[i].camera.fx, 1) ||
        !same(&a.lenses[i].camera.fy, &b.lenses[i].camera.fy, 1))
      return false;
  for (size_t i = 0; i < a.depth_maps.size(); ++i)
    if (!same(&a.depth_maps[i].scale, &b.depth_maps[i].scale, 1) ||
        !same(&a.depth_maps[i].shift, &b.depth_maps[i].shift, 1))
      return false;
  return true;
}

// --- What is recovered ---

TEST(SolveBundle, RecoversPosesAndPoints) {
  auto rng = test::Rng();
  const BundleProblem truth = Exact(rng, 8, 80);
  BundleProblem problem = truth;
  Disturb(rng, &problem);
  const BundleResult result = SolveBundle(&problem, Exactly());
  EXPECT_TRUE(result.converged()) << result.reason;
  EXPECT_GT(result.initial_rms, 1);
  EXPECT_LT(result.final_rms, 1e-8);
  EXPECT_LT(result.final_cost, 1e-16 * result.initial_cost);
  EXPECT_EQ(result.sights_used, 8 * 80);
  EXPECT_EQ(result.sights_left_out, 0);
  EXPECT_TRUE(result.anchors.empty());
  EXPECT_FALSE(result.scale_is_free);
  ExpectScene(problem, truth, 1e-6);
}

TEST(SolveBundle, TellsCostAndRmsInTheirUnits) {
  BundleProblem p;
  p.lenses.push_back({MakeCamera(), true});
  p.poses.push_back(Held(Pose::Identity()));
  p.cameras.push_back({0, 0, -1});
  p.points = {{{0, 0, 2}, true}, {{0, 0, 4}, true}};
  p.sights = {{0, 0, {313, 254}, 0.5}, {0, 1, {310, 250}, 0.5}};
  BundleOptions options;
  options.want_residuals = true;
  const BundleResult result = SolveBundle(&p, options);
  EXPECT_EQ(result.end, BundleEnd::kNothingFree);
  EXPECT_TRUE(result.converged());
  EXPECT_NEAR(result.initial_cost, 0.5 * 100, 1e-9);  // (5 px / 0.5 px)^2 / 2
  EXPECT_NEAR(result.final_cost, 0.5 * 100, 1e-9);
  EXPECT_NEAR(result.final_rms, std::sqrt(25.0 / 2), 1e-12);
  ASSERT_EQ(result.sight_residuals.size(), 2u);
  EXPECT_TRUE(result.sight_residuals[0].isApprox(Eigen::Vector2d(-3, -4), 1e-12));
  EXPECT_LT(result.sight_residuals[1].norm(), 1e-12);
}

TEST(SolveBundle, LossesAreWhatTheyAreCalled) {
  BundleProblem p;
  p.lenses.push_back({MakeCamera(), true});
  p.poses.push_back(Held(Pose::Identity()));
  p.cameras.push_back({0, 0, -1});
  p.points = {{{0, 0, 2}, true}};
  p.sights = {{0, 0, {313, 254}, 1}};
  p.sight_loss = {BundleLoss::Kind::kHuber, 2};
  EXPECT_NEAR(SolveBundle(&p).initial_cost, 2 * 5 - 0.5 * 2 * 2, 1e-9);
  p.sight_loss = {BundleLoss::Kind::kCauchy, 2};
  EXPECT_NEAR(SolveBundle(&p).initial_cost, 0.5 * 4 * std::log(1 + 25.0 / 4), 1e-9);
}

TEST(SolveBundle, RecoversASharedFocalLength) {
  auto rng = test::Rng();
  const BundleProblem truth = Exact(rng, 8, 80);
  BundleProblem problem = truth;
  Disturb(rng, &problem);
  problem.lenses[0].focal_held = false;
  problem.lenses[0].camera.fx *= 1.12;
  problem.lenses[0].camera.fy *= 1.12;
  EXPECT_TRUE(SolveBundle(&problem, Exactly()).converged());
  EXPECT_NEAR(problem.lenses[0].camera.fx / 500, 1, 1e-6);
  EXPECT_NEAR(problem.lenses[0].camera.fy / 550, 1, 1e-6);
  ExpectScene(problem, truth, 1e-5);
}

TEST(SolveBundle, RecoversAFocalLengthPerFrame) {
  auto rng = test::Rng();
  BundleProblem truth = Exact(rng, 6, 100);
  truth.sights.clear(), truth.lenses.clear();
  for (int c = 0; c < 6; ++c) {
    truth.lenses.push_back({MakeCamera(400 + 30 * c), c == 0});
    truth.cameras[c].lens = c;
  }
  SeeAll(&truth);
  BundleProblem problem = truth;
  Disturb(rng, &problem);
  for (int c = 1; c < 6; ++c) problem.lenses[c].camera = MakeCamera(420);
  EXPECT_TRUE(SolveBundle(&problem, Exactly()).converged());
  for (int c = 0; c < 6; ++c) EXPECT_NEAR(problem.lenses[c].camera.fx / (400 + 30 * c), 1, 1e-6);
  ExpectScene(problem, truth, 1e-5);
}

TEST(SolveBundle, AllSolversAgree) {
  auto rng = test::Rng();
  BundleProblem noisy = Exact(rng, 8, 60);
  for (BundleSight& s : noisy.sights)
    s.xy += 0.5 * Eigen::Vector2d(test::Normal(rng), test::Normal(rng));
  Disturb(rng, &noisy);
  BundleProblem dense = noisy, sparse = noisy, iterative = noisy;
  BundleOptions options;
  options.tolerance = 1e-14;
  options.max_iterations = 200;
  options.solver = BundleSolver::kDense;
  const double cost = SolveBundle(&dense, options).final_cost;
  options.solver = BundleSolver::kSparse;
  EXPECT_NEAR(SolveBundle(&sparse, options).final_cost / cost, 1, 1e-9);
  options.solver = BundleSolver::kIterative;
  EXPECT_NEAR(SolveBundle(&iterative, options).final_cost / cost, 1, 1e-6);
  ExpectScene(sparse, dense, 1e-6);
  ExpectScene(iterative, dense, 1e-3);
}

// Where points, poses or both have nothing to solve, Ceres must not end the program.
TEST(SolveBundle, EverySolverTakesEveryShape) {
  auto rng = test::Rng();
  const BundleProblem all = Exact(rng, 5, 20);
  BundleProblem points = all, poses = all, relations, focal = all, turns = all;
  for (BundlePose& pose : points.poses) pose.rotation_held = pose.position_held = true;
  for (BundlePoint& point : poses.points) point.held = true;
  relations.poses = all.poses;
  for (int i = 0; i < 4; ++i)
    relations.relations.push_back(
        {i, i + 1, all.poses[i].pose.inverse() * all.poses[i + 1].pose, 0.1, 0.1});
  focal.lenses[0].focal_held = false;
  for (BundlePose& pose : focal.poses) pose.rotation_held = pose.position_held = true;
  for (BundlePoint& point : focal.points) point.held = true;
  for (BundlePose& pose : turns.poses) pose.position_held = true;
  for (const BundleProblem& truth : {points, poses, relations, focal, turns}) {
    for (const BundleSolver solver :
         {BundleSolver::kDense, BundleSolver::kSparse, BundleSolver::kIterative}) {
      BundleProblem problem = truth;
      Disturb(rng, &problem);
      for (BundleLens& lens : problem.lenses)
        if (!lens.focal_held) lens.camera.fx *= 1.1, lens.camera.fy *= 1.1;
      BundleOptions options = Exactly();
      options.solver = solver;
      const BundleResult result = SolveBundle(&problem, options);
      EXPECT_GT(result.initial_cost, 1e-3);
      EXPECT_LT(result.final_cost, 1e-12 * result.initial_cost) << static_cast<int>(solver);
      ExpectScene(problem, truth, 1e-5);
    }
  }
}

TEST(SolveBundle, RobustLossesResistOutliers) {
  auto rng = test::Rng();
  const BundleProblem truth = Exact(rng, 8, 120);
  BundleProblem problem = truth;
  Disturb(rng, &problem);
  // A fifth of all sights, spread over pictures and points.
  const auto is_outlier = [](size_t i) { return (i + i / 120) % 5 == 0; };
  for (size_t i = 0; i < problem.sights.size(); ++i)
    if (is_outlier(i)) problem.sights[i].xy += 60 * Eigen::Vector2d(test::Normal(rng), 1);
  BundleProblem squared = problem;
  SolveBundle(&squared, Exactly());
  problem.sight_loss = {BundleLoss::Kind::kCauchy, 1};
  BundleOptions options = Exactly();
  options.tolerance = 1e-12;
  options.want_residuals = true;
  const BundleResult result = SolveBundle(&problem, options);
  EXPECT_TRUE(result.converged()) << result.reason;
  double robust_error = 0, squared_error = 0;
  for (size_t c = 2; c < 8; ++c) {
    const Eigen::Vector3d t = truth.poses[c].pose.translation();
    robust_error = std::max(robust_error, (problem.poses[c].pose.translation() - t).norm());
    squared_error = std::max(squared_error, (squared.poses[c].pose.translation() - t).norm());
  }
  EXPECT_LT(robust_error, 2e-3);
  EXPECT_GT(squared_error, 20 * robust_error);
  // The residuals tell the outliers from the rest.
  for (size_t i = 0; i < problem.sights.size(); ++i)
    EXPECT_EQ(result.sight_residuals[i].norm() > 10, is_outlier(i)) << i;
}

TEST(SolveBundle, HuberPullsLessThanSquares) {
  // One point, held cameras: nine sights agree and one is off; x in pixels is what is averaged.
  const auto mean = [](BundleLoss loss) {
    BundleProblem p;
    p.lenses.push_back({MakeCamera(), true});
    p.poses.push_back(Held(Pose::Identity()));
    p.cameras.push_back({0, 0, -1});
    p.points = {{{0, 0, 1}, false}};
    p.point_priors = {{0, {0, 0, 1}, 1e6}};
    for (int i = 0; i < 10; ++i) p.sights.push_back({0, 0, {i == 0 ? 410.0 : 310.0, 250}, 1});
    p.sight_loss = loss;
    BundleOptions options;
    options.tolerance = 1e-14;
    SolveBundle(&p, options);
    return Project(p.lenses[0].camera, p.points[0].in_world).x() - 310;
  };
  EXPECT_NEAR(mean({}), 10, 1e-4);
  // Nine times x = scale in balance.
  EXPECT_NEAR(mean({BundleLoss::Kind::kHuber, 3}), 3.0 / 9, 1e-4);
}

TEST(SolveBundle, RecoversScaleAndShiftOfDepthMaps) {
  auto rng = test::Rng();
  BundleProblem truth = Exact(rng, 6, 60);
  for (int c = 0; c < 6; ++c) {
    truth.depth_maps.push_back({1 + 0.1 * c, 0.02 * c, false, false});
    for (int i = 0; i < 60; ++i) {
      const double z = InCamera(truth, c, i).z();
      // 1 / z = scale / depth + shift
      const double depth = truth.depth_maps[c].scale / (1 / z - truth.depth_maps[c].shift);
      if (depth > 0) truth.depths.push_back({c, i, c, depth, 0.1});
    }
  }
  BundleProblem problem = truth;
  Disturb(rng, &problem);
  for (BundleDepthMap& map : problem.depth_maps) map.scale = 1, map.shift = 0;
  BundleOptions options = Exactly();
  options.want_residuals = true;
  const BundleResult result = SolveBundle(&problem, options);
  EXPECT_TRUE(result.converged()) << result.reason;
  for (int c = 0; c < 6; ++c) {
    EXPECT_NEAR(problem.depth_maps[c].scale, truth.depth_maps[c].scale, 1e-6);
    EXPECT_NEAR(problem.depth_maps[c].shift, truth.depth_maps[c].shift, 1e-6);
  }
  ExpectScene(problem, truth, 1e-6);
  ASSERT_EQ(result.depth_residuals.size(), problem.depths.size());
  for (const double r : result.depth_residuals) EXPECT_NEAR(r, 0, 1e-8);
}

TEST(SolveBundle, MetricDepthGivesTheScale) {
  auto rng = test::Rng();
  BundleProblem truth = Exact(rng, 5, 60);
  truth.poses[1].rotation_held = truth.poses[1].position_held = false;
  truth.depth_maps.push_back({1, 0, true, true});
  for (int i = 0; i < 60; ++i) truth.depths.push_back({0, i, 0, InCamera(truth, 0, i).z(), 0.1});
  BundleProblem problem = truth;
  // Half the size: all sights fit exactly, the depths do not.
  for (BundlePose& pose : problem.poses) pose.pose.translation() *= 0.5;
  for (BundlePoint& point : problem.points) point.in_world *= 0.5;
  const BundleResult result = SolveBundle(&problem, Exactly());
  EXPECT_FALSE(result.scale_is_free);
  EXPECT_LT(result.initial_rms, 1e-9);
  ExpectScene(problem, truth, 1e-6);
}

BundleProblem StereoRig(std::mt19937_64& rng) {
  BundleProblem p;
  p.lenses = {{MakeCamera(), true}, {MakeCamera(520), true}};
  p.mounts = {{test::MakePose({0, 0.02, 0}, {-0.1, 0, 0})},
              {test::MakePose({0.01, -0.03, 0.02}, {0.1, 0.01, 0})}};
  p.mounts[0].rotation_held = p.mounts[0].position_held = true;
  p.mounts[1].rotation_held = p.mounts[1].position_held = true;
  for (int f = 0; f < 6; ++f) {
    p.poses.push_back({test::MakePose(0.05 * test::RandomVector(rng), {0.1 * f, 0, 0.05 * f})});
    p.cameras.push_back({f, 0, 0});
    p.cameras.push_back({f, 1, 1});
  }
  p.poses[0].rotation_held = p.poses[0].position_held = true;
  for (const Eigen::Vector3d& x : test::RandomPoints(rng, 60))
    p.points.push_back({x + Eigen::Vector3d(0, 0, 1), false});
  SeeAll(&p);
  return p;
}

TEST(SolveBundle, AHeldRigStaysRigidAndGivesTheScale) {
  auto rng = test::Rng();
  const BundleProblem truth = StereoRig(rng);
  BundleProblem problem = truth;
  Disturb(rng, &problem);
  const BundleResult result = SolveBundle(&problem, Exactly());
  EXPECT_TRUE(result.converged()) << result.reason;
  EXPECT_FALSE(result.scale_is_free);
  ExpectScene(problem, truth, 1e-6);
  for (int m = 0; m < 2; ++m)
    EXPECT_TRUE(problem.mounts[m].pose.matrix() == truth.mounts[m].pose.matrix());
}

TEST(SolveBundle, CalibratesARig) {
  auto rng = test::Rng();
  BundleProblem truth = StereoRig(rng);
  truth.mounts[1].rotation_held = truth.mounts[1].position_held = false;
  truth.poses[5].position_held = true;  // the scale
  BundleProblem problem = truth;
  Disturb(rng, &problem);
  DisturbPose(rng, 0.02, 0.05, &problem.mounts[1]);
  EXPECT_TRUE(SolveBundle(&problem, Exactly()).converged());
  ExpectPose(problem.mounts[1].pose, truth.mounts[1].pose, 1e-6);
  ExpectScene(problem, truth, 1e-6);
}

TEST(SolveBundle, MountPriorsPull) {
  auto rng = test::Rng();
  BundleProblem problem = StereoRig(rng);
  problem.sights.resize(10);  // of the first camera, which does not concern the second mount
  problem.mounts[1].rotation_held = problem.mounts[1].position_held = false;
  const Pose goal = test::MakePose({0.3, 0, 0}, {0.2, 0, 0});
  problem.mount_priors.push_back({1, goal, 0.1, 0.1});
  SolveBundle(&problem, Exactly());
  ExpectPose(problem.mounts[1].pose, goal, 1e-6);
}

TEST(SolveBundle, RelationsCloseALoop) {
  // Six poses on a circle, known by their differences alone.
  const auto truth = [](int i) {
    const double angle = i * M_PI / 3;
    return test::MakePose({0, angle, 0}, {std::sin(angle), 0.1 * i, std::cos(angle)});
  };
  auto rng = test::Rng();
  BundleProblem p;
  for (int i = 0; i < 6; ++i) p.poses.push_back({truth(i)});
  p.poses[0] = Held(truth(0));
  for (int i = 0; i < 6; ++i) {
    const int j = (i + 1) % 6;
    p.relations.push_back({i, j, truth(i).inverse() * truth(j), 0.01, 0.01});
  }
  for (BundlePose& pose : p.poses) DisturbPose(rng, 0.3, 0.3, &pose);
  // One wrong edge, which a robust loss sees through.
  p.relations.push_back({1, 4, Pose::Identity(), 0.01, 0.01});
  p.relation_loss = {BundleLoss::Kind::kCauchy, 1};
  BundleOptions options = Exactly();
  options.max_iterations = 500;
  options.tolerance = 1e-15;
  EXPECT_TRUE(SolveBundle(&p, options).converged());
  for (int i = 0; i < 6; ++i) ExpectPose(p.poses[i].pose, truth(i), 1e-2);
  p.relations.pop_back();
  SolveBundle(&p, options);
  for (int i = 0; i < 6; ++i) ExpectPose(p.poses[i].pose, truth(i), 1e-6);
}

TEST(SolveBundle, SteadyMotionFillsAGapAndDampsJitter) {
  BundleProblem p;
  for (int i = 0; i < 5; ++i)
    p.poses.push_back(Held(test::MakePose({0, 0.1 * i, 0}, {1.0 * i, 0, 0})));
  const Pose truth = p.poses[2].pose;
  p.poses[2] = {test::MakePose({0.2, 0, 0.1}, {1, 1, 1})};
  p.steady.push_back({1, 2, 3, 0.5, 0.01, 0.01});
  SolveBundle(&p, Exactly());
  ExpectPose(p.poses[2].pose, truth, 1e-6);

  // A quarter of the way.
  p.steady[0].fraction = 0.25;
  SolveBundle(&p, Exactly());
  ExpectPose(p.poses[2].pose, test::MakePose({0, 0.15, 0}, {1.5, 0, 0}), 1e-6);

  // Measured 0.3 m off with the same certainty as the smoothness: between the two.
  p.steady[0].fraction = 0.5;
  p.pose_priors.push_back({2, truth, 0.01, 0.01});
  p.pose_priors[0].value.translation().y() += 0.3;
  SolveBundle(&p, Exactly());
  EXPECT_NEAR(p.poses[2].pose.translation().y(), 0.15, 1e-6);
}

TEST(SolveBundle, PriorsWeighByTheirSigmas) {
  BundleProblem p;
  p.poses.push_back({});
  p.pose_priors = {{0, test::MakePose({0.1, 0, 0}, {1, 0, 0}), 0.1, 0.1},
                   {0, test::MakePose({0.4, 0, 0}, {4, 0, 0}), 0.1, 0.2},
                   {0, test::MakePose({0, 2, 0}, {9, 9, 9}), kInfinity, 1e9}};
  p.points = {{{9, 9, 9}, false}};
  p.point_priors = {{0, {1, 2, 3}, 0.5}, {0, {2, 2, 3}, 0.5}};
  p.lenses = {{MakeCamera(300), false}, {MakeCamera(500), false}};
  p.focal_priors = {{0, 400, 0.3}, {1, 400, 0.3}};
  p.focal_changes = {{0, 1, 1e-3}};
  p.depth_maps = {{1, 0, false, false}, {3, 1, false, true}};
  p.depth_map_priors = {{0, 2, 0.5, 0.1, 0.1}};
  p.depth_map_changes = {{0, 1, 0.1, kInfinity}};
  const BundleResult result = SolveBundle(&p, Exactly());
  EXPECT_TRUE(result.converged()) << result.reason;
  ExpectPose(p.poses[0].pose, test::MakePose({0.25, 0, 0}, {(4 * 1 + 4) / 5.0, 0, 0}), 1e-6);
  EXPECT_LT((p.points[0].in_world - Eigen::Vector3d(1.5, 2, 3)).norm(), 1e-6);
  EXPECT_NEAR(p.lenses[0].camera.fx, 400, 1e-3);
  EXPECT_NEAR(p.lenses[1].camera.fx, 400, 1e-3);
  EXPECT_NEAR(p.lenses[1].camera.fy, 440, 1e-3);
  EXPECT_NEAR(p.depth_maps[0].scale, 2, 1e-6);
  EXPECT_NEAR(p.depth_maps[0].shift, 0.5, 1e-6);
  EXPECT_NEAR(p.depth_maps[1].scale, 2, 1e-6);
  EXPECT_EQ(p.depth_maps[1].shift, 1);
}

TEST(SolveBundle, ShiftsOfNeighbouringMapsPullTogether) {
  BundleProblem p;
  p.depth_maps = {{1, 0, true, false}, {1, 0, true, false}};
  p.depth_map_priors = {{0, 1, 0.2, kInfinity, 0.1}, {1, 1, 0.4, kInfinity, 0.1}};
  p.depth_map_changes = {{0, 1, kInfinity, 0.1}};
  SolveBundle(&p, Exactly());
  // Three springs of one strength in a row between 0.2 and 0.4.
  EXPECT_NEAR(p.depth_maps[0].shift, 0.2 + 0.2 / 3, 1e-9);
  EXPECT_NEAR(p.depth_maps[1].shift, 0.4 - 0.2 / 3, 1e-9);
}

TEST(SolveBundle, TurningAloneIsFoundWithHeldPositions) {
  auto rng = test::Rng();
  BundleProblem truth;
  truth.lenses.push_back({MakeCamera(), false});
  for (int c = 0; c < 6; ++c) {
    truth.poses.push_back(
        {test::MakePose({0.03 * c, 0.06 * c, 0.01 * c}, {0, 0, 0}), c == 0, true});
    truth.cameras.push_back({c, 0, -1});
  }
  for (const Eigen::Vector3d& x : test::RandomPoints(rng, 60)) truth.points.push_back({x, false});
  SeeAll(&truth);
  BundleProblem problem = truth;
  for (BundlePose& pose : problem.poses) DisturbPose(rng, 0.02, 0, &pose);
  problem.lenses[0].camera.fx *= 1.05, problem.lenses[0].camera.fy *= 1.05;
  EXPECT_TRUE(SolveBundle(&problem, Exactly()).converged());
  for (size_t c = 0; c < 6; ++c) ExpectPose(problem.poses[c].pose, truth.poses[c].pose, 1e-6);
  EXPECT_NEAR(problem.lenses[0].camera.fx / 500, 1, 1e-6);
}

// A noisy walk as a tracker sees it: half a pixel of noise, depths of 10 % with a scale per frame
// that wanders, some tracks on moving things, a focal length 12 % off.
TEST(SolveBundle, FindsPathScaleAndFocalLengthOfANoisyWalk) {
  auto rng = test::Rng();
  const int frames = 60, length = 30, tracks = 300;
  BundleProblem truth;
  Camera camera = MakeCamera(1400);
  camera.width = 1920, camera.height = 1080, camera.cx = 960, camera.cy = 540;
  camera.fy = camera.fx;
  truth.lenses.push_back({camera, false});
  for (int f = 0; f < frames; ++f) {
    const double t = static_cast<double>(f) / frames;
    truth.poses.push_back(
        {test::MakePose({0.03 * std::sin(9 * t), 0.15 * std::sin(3 * t), 0.02 * std::sin(5 * t)},
                        {0.8 * std::sin(2 * t), 0.1 * std::sin(6 * t), t})});
    truth.cameras.push_back({f, 0, -1});
  }
  truth.poses[0].rotation_held = truth.poses[0].position_held = true;
  BundleProblem problem = truth;
  double wander = 0;
  for (int f = 0; f < frames; ++f) {
    wander = 0.9 * wander + 0.02 * test::Normal(rng);
    problem.depth_maps.push_back({1, 0, false, true});
    problem.depth_map_priors.push_back({f, 1, 0, 0.1, kInfinity});
    if (f > 0) problem.depth_map_changes.push_back({f - 1, f, 0.03, kInfinity});
    truth.depth_maps.push_back({std::exp(wander), 0, false, true});
  }
  for (int i = 0; i < tracks; ++i) {
    const int first = i % (frames - length + 1);
    const bool moves = i % 7 == 0;
    const double z = 2.5 * std::exp(test::Uniform(rng, 0, 1.6));
    const Eigen::Vector2d pixel(test::Uniform(rng, 300, 1620), test::Uniform(rng, 200, 880));
    Eigen::Vector3d x = truth.poses[first].pose * Unproject(camera, pixel, z);
    for (int k = 0; k < length; ++k) {
      if (moves) x += Eigen::Vector3d(0.02, 0, 0);
      const Eigen::Vector3d seen = truth.poses[first + k].pose.inverse() * x;
      problem.sights.push_back(
          {first + k, i,
           Project(camera, seen) + 0.5 * Eigen::Vector2d(test::Normal(rng), test::Normal(rng)),
           0.6});
      if (k % 4 == 0)
        problem.depths.push_back(
            {first + k, i, first + k,
             seen.z() * truth.depth_maps[first + k].scale * std::exp(0.1 * test::Normal(rng)),
             0.15});
      if (k == length / 2)
        problem.points.push_back(
            {truth.poses[first].pose * Unproject(camera, pixel, 1.1 * z), false});
    }
  }
  problem.lenses[0].camera.fx *= 1.12, problem.lenses[0].camera.fy *= 1.12;
  problem.focal_priors.push_back({0, 1400 * 1.12, 0.3});
  for (BundlePose& pose : problem.poses) DisturbPose(rng, 0.005, 0.05, &pose);
  problem.sight_loss = {BundleLoss::Kind::kCauchy, 2};
  problem.depth_loss = {BundleLoss::Kind::kCauchy, 1};
  BundleOptions options;
  options.max_iterations = 200;
  options.tolerance = 1e-5;
  const BundleResult result = SolveBundle(&problem, options);
  EXPECT_TRUE(result.converged()) << result.reason;
  EXPECT_FALSE(result.scale_is_free);
  EXPECT_NEAR(problem.lenses[0].camera.fx / 1400, 1, 0.01);
  std::vector<Eigen::Vector3d> got, want;
  for (int f = 0; f < frames; ++f) {
    got.push_back(problem.poses[f].pose.translation());
    want.push_back(truth.poses[f].pose.translation());
  }
  // The path is 2 m long. The depths alone tell its size, as well as their wandering lets them.
  EXPECT_LT(AlignPoints(got, want, false).rms, 0.03);
  const Similarity fit = AlignPoints(got, want);
  EXPECT_NEAR(fit.scale, 1, 0.06);
  EXPECT_LT(fit.rms, 0.003);
}

// --- What stays ---

TEST(SolveBundle, HeldParametersKeepTheirBits) {
  auto rng = test::Rng();
  BundleProblem problem = Exact(rng, 6, 40);
  for (size_t i = 0; i < 40; i += 3) problem.points[i].held = true;
  problem.poses[3].rotation_held = true;
  problem.poses[4].position_held = true;
  for (int c = 0; c < 6; ++c) problem.depth_maps.push_back({1.3, 0.1, c % 2 == 0, c % 3 != 0});
  for (int i = 0; i < 40; ++i)
    for (int c = 0; c < 6; ++c) problem.depths.push_back({c, i, c, 3 + 0.1 * c, 0.5});
  for (BundleSight& s : problem.sights)
    s.xy += 2 * Eigen::Vector2d(test::Normal(rng), test::Normal(rng));
  const BundleProblem before = problem;
  const BundleResult result = SolveBundle(&problem);
  EXPECT_GT(result.iterations, 1);
  EXPECT_LT(result.final_cost, result.initial_cost);
  for (size_t c = 0; c < 6; ++c) {
    const BundlePose &now = problem.poses[c], &then = before.poses[c];
    EXPECT_EQ(now.pose.linear() == then.pose.linear(), then.rotation_held) << c;
    EXPECT_EQ(now.pose.translation() == then.pose.translation(), then.position_held) << c;
    EXPECT_EQ(problem.depth_maps[c].scale == 1.3, before.depth_maps[c].scale_held) << c;
    EXPECT_EQ(problem.depth_maps[c].shift == 0.1, before.depth_maps[c].shift_held) << c;
  }
  for (size_t i = 0; i < 40; ++i)
    EXPECT_EQ(problem.points[i].in_world == before.points[i].in_world, before.points[i].held) << i;
  EXPECT_EQ(problem.lenses[0].camera.fx, 500);
}

TEST(SolveBundle, WhatNoResidualConcernsKeepsItsBits) {
  auto rng = test::Rng();
  BundleProblem problem = Exact(rng, 4, 30);
  Disturb(rng, &problem);
  const Pose unseen = test::MakePose({0.1, 0.2, 0.3}, {1, 2, 3});
  problem.poses.push_back({unseen});
  problem.points.push_back({{0.1, 0.2, 0.3}, false});
  problem.lenses.push_back({MakeCamera(333.3), false});
  problem.depth_maps.push_back({1.7, 0.3, false, false});
  SolveBundle(&problem);
  EXPECT_TRUE(problem.poses.back().pose.matrix() == unseen.matrix());
  EXPECT_TRUE(problem.points.back().in_world == Eigen::Vector3d(0.1, 0.2, 0.3));
  EXPECT_EQ(problem.lenses.back().camera.fx, 333.3);
  EXPECT_EQ(problem.depth_maps.back().scale, 1.7);
}

TEST(SolveBundle, GivesTheSameBitsAgain) {
  auto rng = test::Rng();
  BundleProblem start = StereoRig(rng);
  start.lenses[1].focal_held = false;
  for (BundleSight& s : start.sights)
    s.xy += 0.5 * Eigen::Vector2d(test::Normal(rng), test::Normal(rng));
  start.sight_loss = {BundleLoss::Kind::kCauchy, 2};
  Disturb(rng, &start);
  for (const BundleSolver solver :
       {BundleSolver::kDense, BundleSolver::kSparse, BundleSolver::kIterative}) {
    BundleOptions options;
    options.solver = solver;
    BundleProblem first = start;
    const BundleResult a = SolveBundle(&first, options);
    EXPECT_FALSE(SameBits(first, start));
    // Wherever the numbers lie in memory.
    std::vector<std::unique_ptr<char[]>> holes;
    for (int run = 0; run < 20; ++run) {
      std::vector<std::unique_ptr<char[]>> freed;
      for (int i = 0; i < 400; ++i)
        (i % 2 ? holes : freed).emplace_back(new char[16 + rng() % (i % 5 ? 500 : 5000)]);
      freed.clear();
      BundleProblem again = start;
      const BundleResult b = SolveBundle(&again, options);
      EXPECT_TRUE(SameBits(first, again));
      EXPECT_EQ(a.final_cost, b.final_cost);
      EXPECT_EQ(a.iterations, b.iterations);
    }
  }
}

TEST(SolveBundle, SolvesRunSideBySide) {
  auto rng = test::Rng();
  BundleProblem start = Exact(rng, 6, 60);
  Disturb(rng, &start);
  BundleProblem alone = start;
  SolveBundle(&alone);
  std::vector<BundleProblem> problems(8, start);
  std::vector<std::thread> threads;
  for (BundleProblem& problem : problems) threads.emplace_back([&] { SolveBundle(&problem); });
  for (std::thread& thread : threads) thread.join();
  for (const BundleProblem& problem : problems) EXPECT_TRUE(SameBits(problem, alone));
}

TEST(SolveBundle, RotationsStayRigid) {
  auto rng = test::Rng();
  BundleProblem problem = Exact(rng, 5, 40);
  for (BundleSight& s : problem.sights)
    s.xy += 10 * Eigen::Vector2d(test::Normal(rng), test::Normal(rng));
  SolveBundle(&problem);
  for (const BundlePose& pose : problem.poses) {
    EXPECT_NEAR(pose.pose.linear().determinant(), 1, 1e-12);
    EXPECT_TRUE((pose.pose.linear() * pose.pose.linear().transpose()).isIdentity(1e-12));
  }
}

// --- Place and size of the world ---

TEST(SolveBundle, AnchorsWhatNothingTies) {
  auto rng = test::Rng();
  BundleProblem truth = Exact(rng, 6, 60);
  for (BundlePose& pose : truth.poses) pose.rotation_held = pose.position_held = false;
  // A second part that shares nothing with the first.
  const int frames = 6, points = 60;
  BundleProblem problem = truth;
  for (int c = 0; c < frames; ++c) {
    problem.poses.push_back(truth.poses[c]);
    problem.cameras.push_back({frames + c, 0, -1});
  }
  for (const BundlePoint& point : truth.points) problem.points.push_back(point);
  for (const BundleSight& s : truth.sights)
    problem.sights.push_back({s.camera + frames, s.point + points, s.xy, 1});
  Disturb(rng, &problem);
  const BundleProblem before = problem;
  const BundleResult result = SolveBundle(&problem, Exactly());
  EXPECT_TRUE(result.converged()) << result.reason;
  EXPECT_LT(result.final_rms, 1e-8);
  EXPECT_EQ(result.anchors, (std::vector<int>{0, 6}));
  EXPECT_TRUE(result.scale_is_free);
  for (const int i : {0, 6})
    EXPECT_TRUE(problem.poses[i].pose.matrix() == before.poses[i].pose.matrix());
  // The size hardly changes: the last pose is about as far from the first as before.
  const auto far = [](const BundleProblem& p) {
    return (p.poses[5].pose.translation() - p.poses[0].pose.translation()).norm();
  };
  EXPECT_NEAR(far(problem) / far(before), 1, 0.2);
  EXPECT_FALSE(problem.poses[0].rotation_held);
}

TEST(SolveBundle, KnowsWhatTiesTheScale) {
  auto rng = test::Rng();
  BundleProblem base = Exact(rng, 4, 30);
  base.poses[1].rotation_held = base.poses[1].position_held = false;
  const auto free = [](BundleProblem p, const std::function<void(BundleProblem*)>& change) {
    change(&p);
    BundleOptions options;
    options.max_iterations = 0;
    return SolveBundle(&p, options).scale_is_free;
  };
  EXPECT_TRUE(free(base, [](BundleProblem*) {}));
  EXPECT_TRUE(free(base, [](BundleProblem* p) { p->poses[2].rotation_held = true; }));
  EXPECT_FALSE(free(base, [](BundleProblem* p) { p->poses[2].position_held = true; }));
  EXPECT_FALSE(free(base, [](BundleProblem* p) { p->points[7].held = true; }));
  EXPECT_FALSE(free(base, [](BundleProblem* p) { p->point_priors.push_back({3, {0, 0, 1}, 1}); }));
  EXPECT_FALSE(free(base, [](BundleProblem* p) {
    p->pose_priors.push_back({2, p->poses[2].pose, kInfinity, 1});
  }));
  EXPECT_TRUE(free(base, [](BundleProblem* p) {
    p->pose_priors.push_back({2, p->poses[2].pose, 1, kInfinity});
  }));
  EXPECT_FALSE(free(base, [](BundleProblem* p) {
    p->relations.push_back({0, 3, test::MakePose({0, 0, 0}, {1, 0, 0}), kInfinity, 0.1});
  }));
  const auto with_map = [](bool scale_held, bool shift_held, double shift) {
    return [=](BundleProblem* p) {
      p->depth_maps.push_back({1, shift, scale_held, shift_held});
      p->depths.push_back({0, 0, 0, 3, 0.1});
    };
  };
  EXPECT_TRUE(free(base, with_map(false, true, 0)));
  EXPECT_TRUE(free(base, with_map(false, false, 0.1)));
  EXPECT_FALSE(free(base, with_map(true, true, 0)));
  EXPECT_FALSE(free(base, with_map(false, true, 0.1)));
  EXPECT_FALSE(free(base, [&](BundleProblem* p) {
    with_map(false, true, 0)(p);
    p->depth_map_priors.push_back({0, 1, 0, 0.1, kInfinity});
  }));
  // A map of nothing seen says nothing.
  EXPECT_TRUE(free(base, [](BundleProblem* p) { p->depth_maps.push_back({1, 0, true, true}); }));
}

void ExpectError(BundleProblem problem, Code code, const std::string& text) {
  const BundleProblem before = problem;
  try {
    SolveBundle(&problem);
    ADD_FAILURE() << "no error; expected " << text;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    EXPECT_NE(std::string(e.what()).find(text), std::string::npos)
        << e.what() << "\nexpected: " << text;
  }
  EXPECT_TRUE(SameBits(problem, before));
}

TEST(SolveBundle, RefusesResidualsThatWouldShrinkTheWorld) {
  auto rng = test::Rng();
  BundleProblem base = Exact(rng, 4, 30);
  base.poses[1].rotation_held = base.poses[1].position_held = false;
  BundleProblem p = base;
  p.steady.push_back({0, 1, 2, 0.5, 0.1, 0.1});
  ExpectError(p, Code::kRefused, "how large the world is, and steady");
  p.steady[0].sigma_position = kInfinity;  // turning evenly has no size
  EXPECT_NO_THROW(SolveBundle(&p));
  p = base;
  p.depth_maps.assign(2, {1, 0, false, false});
  p.depths = {{0, 0, 0, 3, 0.1}, {1, 0, 1, 3, 0.1}};
  p.depth_map_changes.push_back({0, 1, 0.1, 0.1});
  ExpectError(p, Code::kRefused, "depth_map_changes");
  p.depth_map_changes.clear();
  p.depth_map_priors.push_back({0, 1, 0, kInfinity, 0.1});
  ExpectError(p, Code::kRefused, "depth_map_priors");
  p = base;
  p.relations.push_back({0, 1, Pose::Identity(), 0.1, 0.1});
  ExpectError(p, Code::kRefused, "relations");
}

// --- What goes wrong ---

TEST(SolveBundle, LeavesOutWhatLiesBehindTheCamera) {
  auto rng = test::Rng();
  const BundleProblem truth = Exact(rng, 5, 40);
  BundleProblem problem = truth;
  problem.points.push_back({{0, 0, -3}, false});
  problem.depth_maps.push_back({});
  problem.sights.insert(problem.sights.begin() + 7, {0, 40, {320, 240}, 1});
  problem.depths.push_back({0, 40, 0, 3, 0.1});
  for (size_t c = 2; c < 5; ++c) DisturbPose(rng, 0.01, 0.02, &problem.poses[c]);
  BundleOptions options = Exactly();
  options.want_residuals = true;
  const BundleResult result = SolveBundle(&problem, options);
  EXPECT_EQ(result.sights_left_out, 1);
  EXPECT_EQ(result.depths_left_out, 1);
  EXPECT_EQ(result.sights_used, 5 * 40);
  EXPECT_TRUE(problem.points[40].in_world == Eigen::Vector3d(0, 0, -3));
  EXPECT_TRUE(std::isnan(result.sight_residuals[7].x()));
  EXPECT_LT(result.sight_residuals[8].norm(), 1e-8);
  EXPECT_TRUE(std::isnan(result.depth_residuals[0]));
  for (size_t c = 0; c < 5; ++c) ExpectPose(problem.poses[c].pose, truth.poses[c].pose, 1e-6);
}

TEST(SolveBundle, OnePointThatGetsBehindHoldsUpNothing) {
  auto rng = test::Rng();
  const BundleProblem truth = Exact(rng, 6, 60);
  BundleProblem problem = truth;
  Disturb(rng, &problem);
  // Rays that meet behind the cameras: the first point would fit best there.
  for (BundleSight& s : problem.sights)
    if (s.point == 0) s.xy = {310 + 30.0 * s.camera, 250};
  problem.points[0].in_world = {0.3, 0, 0.6};
  problem.sight_loss = {BundleLoss::Kind::kCauchy, 1};
  BundleOptions options = Exactly();
  options.tolerance = 1e-10;
  SolveBundle(&problem, options);
  for (size_t c = 0; c < 6; ++c) ExpectPose(problem.poses[c].pose, truth.poses[c].pose, 0.01);
  EXPECT_TRUE(problem.points[0].in_world.allFinite());
}

TEST(SolveBundle, SaysWhenItHasNotSettled) {
  auto rng = test::Rng();
  BundleProblem problem = Exact(rng, 6, 40);
  Disturb(rng, &problem);
  BundleProblem none = problem;
  BundleOptions options = Exactly();
  options.max_iterations = 1;
  const BundleResult result = SolveBundle(&problem, options);
  EXPECT_EQ(result.end, BundleEnd::kTooManySteps);
  EXPECT_FALSE(result.converged());
  EXPECT_EQ(result.iterations, 1);
  EXPECT_NE(result.reason.find("1 iteration"), std::string::npos) << result.reason;
  EXPECT_LT(result.final_cost, result.initial_cost);
  EXPECT_FALSE(SameBits(problem, none));  // the best that was found

  options.max_iterations = 0;
  const BundleProblem before = none;
  const BundleResult nothing = SolveBundle(&none, options);
  EXPECT_EQ(nothing.end, BundleEnd::kTooManySteps);
  EXPECT_EQ(nothing.initial_cost, nothing.final_cost);
  EXPECT_EQ(nothing.initial_cost, result.initial_cost);
  EXPECT_TRUE(SameBits(none, before));
}

// Of the sum of the squares, and of a residual, about which Ceres would print a page.
TEST(SolveBundle, AnOverflowIsAFailureWithoutAWord) {
  for (const double off : {1.0, 1e200}) {
    auto rng = test::Rng();
    BundleProblem problem = Exact(rng, 4, 30);
    problem.sights[5].sigma = 1e-200;
    problem.sights[5].xy.x() += off;
    const BundleProblem before = problem;
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    const BundleResult result = SolveBundle(&problem);
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_EQ(result.end, BundleEnd::kFailed);
    EXPECT_FALSE(result.converged());
    EXPECT_FALSE(result.reason.empty());
    EXPECT_TRUE(SameBits(problem, before));
  }
}

TEST(SolveBundle, CanBeCancelled) {
  auto rng = test::Rng();
  BundleProblem problem = Exact(rng, 6, 40);
  Disturb(rng, &problem);
  const BundleProblem before = problem;
  const auto expect_cancelled = [&](const RunControl& control) {
    try {
      SolveBundle(&problem, Exactly(), control);
      ADD_FAILURE() << "ran to its end";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::kCancelled);
    }
    EXPECT_TRUE(SameBits(problem, before));
  };
  RunControl by_flag;
  const std::atomic<bool> flag{true};
  by_flag.cancelled = &flag;
  expect_cancelled(by_flag);
  RunControl by_callback;
  by_callback.on_progress = [](const Progress&) { return false; };
  expect_cancelled(by_callback);
}

TEST(SolveBundle, TellsItsProgress) {
  auto rng = test::Rng();
  BundleProblem problem = Exact(rng, 6, 40);
  Disturb(rng, &problem);
  int64_t last = -1;
  RunControl control;
  control.on_progress = [&](const Progress& progress) {
    EXPECT_GE(progress.frames_done, last);
    last = progress.frames_done;
    return true;
  };
  const BundleResult result = SolveBundle(&problem, Exactly(), control);
  EXPECT_EQ(last, result.iterations);
}

TEST(SolveBundle, RejectsBadOptions) {
  auto rng = test::Rng();
  BundleProblem problem = Exact(rng, 3, 10);
  const auto rejects = [&](const std::function<void(BundleOptions*)>& change, const char* field) {
    BundleOptions options;
    change(&options);
    try {
      SolveBundle(&problem, options);
      ADD_FAILURE() << field;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::kInvalidArgument);
      EXPECT_NE(std::string(e.what()).find(field), std::string::npos) << e.what();
    }
  };
  rejects([](BundleOptions* o) { o->max_iterations = -1; }, "max_iterations");
  rejects([](BundleOptions* o) { o->max_iterations = 10001; }, "max_iterations");
  rejects([](BundleOptions* o) { o->tolerance = -1e-9; }, "tolerance");
  rejects([](BundleOptions* o) { o->tolerance = 1; }, "tolerance");
  rejects([](BundleOptions* o) { o->tolerance = std::nan(""); }, "tolerance");
  rejects([](BundleOptions* o) { o->solver = static_cast<BundleSolver>(9); }, "solver");
}

TEST(SolveBundle, NamesTheEntryThatIsWrong) {
  auto rng = test::Rng();
  BundleProblem base = Exact(rng, 3, 10);
  base.mounts.push_back({});
  base.depth_maps.push_back({});
  base.depth_maps.push_back({});
  base.lenses.push_back({MakeCamera(), true});
  base.depths.push_back({0, 0, 0, 3, 0.1});
  base.relations.push_back({0, 1, test::MakePose({0, 0, 0}, {1, 0, 0}), 0.1, 0.1});
  base.steady.push_back({0, 1, 2, 0.5, 0.1, 0.1});
  base.pose_priors.push_back({0, Pose::Identity(), 0.1, 0.1});
  base.mount_priors.push_back({0, Pose::Identity(), 0.1, 0.1});
  base.point_priors.push_back({0, {0, 0, 3}, 0.1});
  base.focal_priors.push_back({0, 500, 0.1});
  base.focal_changes.push_back({0, 1, 0.1});
  base.depth_map_priors.push_back({0, 1, 0, 0.1, 0.1});
  base.depth_map_changes.push_back({0, 1, 0.1, 0.1});
  {
    BundleProblem fine = base;
    EXPECT_NO_THROW(SolveBundle(&fine));
  }
  const double nan = std::nan("");
  const auto bad = [&](const char* text, const std::function<void(BundleProblem*)>& change) {
    BundleProblem problem = base;
    change(&problem);
    ExpectError(problem, Code::kInvalidArgument, text);
  };
#define BAD(text, change) bad(text, [&](BundleProblem* p) { change; })
  BAD("poses[1].pose", p->poses[1].pose.translation().x() = nan);
  BAD("poses[2].pose", p->poses[2].pose.linear() *= 1.01);
  BAD("poses[2].pose", p->poses[2].pose.linear().col(0) *= -1);
  BAD("mounts[0].pose", p->mounts[0].pose.linear()(0, 0) = nan);
  BAD("lenses[1].camera.fx", p->lenses[1].camera.fx = 0);
  BAD("lenses[1].camera.fy", p->lenses[1].camera.fy = kInfinity);
  BAD("lenses[0].camera.cx", p->lenses[0].camera.cx = nan);
  BAD("lenses[0].camera.cy", p->lenses[0].camera.cy = nan);
  BAD("cameras[2].pose = 3, must be in [0, 3)", p->cameras[2].pose = 3);
  BAD("cameras[0].lens = -1, must be in [0, 2)", p->cameras[0].lens = -1);
  BAD("cameras[1].mount = 1", p->cameras[1].mount = 1);
  BAD("cameras[1].mount = -2", p->cameras[1].mount = -2);
  BAD("points[4].in_world", p->points[4].in_world.y() = kInfinity);
  BAD("depth_maps[0].scale", p->depth_maps[0].scale = 0);
  BAD("depth_maps[0].shift", p->depth_maps[0].shift = nan);
  BAD("sights[3].camera = 3", p->sights[3].camera = 3);
  BAD("sights[3].point = -1", p->sights[3].point = -1);
  BAD("sights[3].xy", p->sights[3].xy.x() = nan);
  BAD("sights[3].sigma = 0.000000", p->sights[3].sigma = 0);
  BAD("sights[3].sigma", p->sights[3].sigma = nan);
  BAD("sights[3].sigma", p->sights[3].sigma = kInfinity);
  BAD("depths[0].camera", p->depths[0].camera = -1);
  BAD("depths[0].point = 10", p->depths[0].point = 10);
  BAD("depths[0].map = 2", p->depths[0].map = 2);
  BAD("depths[0].depth", p->depths[0].depth = 0);
  BAD("depths[0].sigma", p->depths[0].sigma = -1);
  BAD("depths[0].depth lies behind infinity", p->depth_maps[0].shift = -1);
  BAD("relations[0].a = 3", p->relations[0].a = 3);
  BAD("relations[0].b = -1", p->relations[0].b = -1);
  BAD("relations[0]: a and b must differ", p->relations[0].b = 0);
  BAD("relations[0].a_from_b", p->relations[0].a_from_b.linear().setZero());
  BAD("relations[0].sigma_rotation", p->relations[0].sigma_rotation = 0);
  BAD("relations[0].sigma_position", p->relations[0].sigma_position = nan);
  BAD("are both infinite",
      p->relations[0].sigma_rotation = p->relations[0].sigma_position = kInfinity);
  BAD("steady[0].before", p->steady[0].before = 3);
  BAD("steady[0].at", p->steady[0].at = -1);
  BAD("steady[0].after", p->steady[0].after = 4);
  BAD("steady[0]: before, at and after must differ", p->steady[0].after = 0);
  BAD("steady[0].fraction", p->steady[0].fraction = 1);
  BAD("steady[0].fraction", p->steady[0].fraction = nan);
  BAD("steady[0].sigma_rotation", p->steady[0].sigma_rotation = -1);
  BAD("pose_priors[0].pose", p->pose_priors[0].pose = 3);
  BAD("pose_priors[0].value", p->pose_priors[0].value.translation().z() = nan);
  BAD("pose_priors[0].sigma_position", p->pose_priors[0].sigma_position = 0);
  BAD("mount_priors[0].pose", p->mount_priors[0].pose = 1);
  BAD("mount_priors[0].sigma_rotation", p->mount_priors[0].sigma_rotation = 0);
  BAD("point_priors[0].point", p->point_priors[0].point = 10);
  BAD("point_priors[0].in_world", p->point_priors[0].in_world.x() = nan);
  BAD("point_priors[0].sigma", p->point_priors[0].sigma = 0);
  BAD("focal_priors[0].lens", p->focal_priors[0].lens = 2);
  BAD("focal_priors[0].fx", p->focal_priors[0].fx = -500);
  BAD("focal_priors[0].sigma", p->focal_priors[0].sigma = kInfinity);
  BAD("focal_changes[0].a", p->focal_changes[0].a = 2);
  BAD("focal_changes[0].b", p->focal_changes[0].b = -1);
  BAD("focal_changes[0]: a and b", p->focal_changes[0].b = 0);
  BAD("focal_changes[0].sigma", p->focal_changes[0].sigma = 0);
  BAD("depth_map_priors[0].map", p->depth_map_priors[0].map = 2);
  BAD("depth_map_priors[0].scale", p->depth_map_priors[0].scale = 0);
  BAD("depth_map_priors[0].shift", p->depth_map_priors[0].shift = nan);
  BAD("depth_map_priors[0].sigma_scale", p->depth_map_priors[0].sigma_scale = 0);
  BAD("depth_map_changes[0].a", p->depth_map_changes[0].a = 2);
  BAD("depth_map_changes[0].b", p->depth_map_changes[0].b = 2);
  BAD("depth_map_changes[0]: a and b", p->depth_map_changes[0].b = 0);
  BAD("depth_map_changes[0].sigma_shift", p->depth_map_changes[0].sigma_shift = nan);
  BAD("sight_loss.scale", p->sight_loss.scale = 0);
  BAD("depth_loss.scale", p->depth_loss.scale = nan);
  BAD("relation_loss.kind", p->relation_loss.kind = static_cast<BundleLoss::Kind>(7));
#undef BAD
}

TEST(SolveBundle, RejectsEmptyProblemsAndPointsAllBehind) {
  ExpectError({}, Code::kInvalidArgument, "empty");
  BundleProblem p;
  p.lenses.push_back({MakeCamera(), true});
  p.poses = {{}, {}};
  p.cameras = {{0, 0, -1}, {1, 0, -1}};
  p.points = {{{0, 0, -1}, false}};
  ExpectError(p, Code::kInvalidArgument, "empty");
  p.sights = {{0, 0, {0, 0}, 1}, {1, 0, {0, 0}, 1}};
  ExpectError(p, Code::kRefused, "behind the cameras");
}

// --- What solves it ---

// `points` points, each seen by `length` of `frames` poses: in a row, or anywhere.
BundleSolver Chosen(int frames, int points, int length, bool anywhere, std::mt19937_64& rng) {
  BundleProblem p;
  p.lenses.push_back({MakeCamera(), true});
  for (int f = 0; f < frames; ++f) {
    p.poses.push_back({});
    p.cameras.push_back({f, 0, -1});
  }
  p.points.assign(points, {{0, 0, 5}, false});
  for (int i = 0; i < points; ++i) {
    const int first = static_cast<int>(static_cast<int64_t>(i) * (frames - length + 1) / points);
    for (int k = 0; k < length; ++k)
      p.sights.push_back(
          {anywhere ? static_cast<int>(rng() % static_cast<uint64_t>(frames)) : first + k,
           i,
           {310, 250},
           1});
  }
  return ChooseBundleSolver(p, FindBundleUse(p));
}

TEST(ChooseBundleSolver, FollowsSizeAndLinks) {
  auto rng = test::Rng();
  EXPECT_EQ(Chosen(12, 300, 8, false, rng), BundleSolver::kDense);
  EXPECT_EQ(Chosen(12, 300, 8, true, rng), BundleSolver::kDense);
  EXPECT_EQ(Chosen(300, 3000, 8, false, rng), BundleSolver::kSparse);
  EXPECT_EQ(Chosen(2000, 20000, 8, false, rng), BundleSolver::kSparse);
  EXPECT_EQ(Chosen(300, 6000, 8, true, rng), BundleSolver::kDense);
  EXPECT_EQ(Chosen(1500, 30000, 8, true, rng), BundleSolver::kIterative);
}

TEST(ChooseBundleSolver, HeldPosesAndPointsLinkNothing) {
  auto rng = test::Rng();
  BundleProblem p = Exact(rng, 4, 10);
  for (BundlePose& pose : p.poses) pose.rotation_held = pose.position_held = true;
  EXPECT_EQ(ChooseBundleSolver(p, FindBundleUse(p)), BundleSolver::kDense);
  EXPECT_EQ(SolveBundle(&p).end, BundleEnd::kSettled);  // each point by itself
}

}  // namespace
}  // namespace mdvt
