// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/depth_pose.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/median.h"
#include "geometry/depth_pose_model.h"
#include "io/expect_error.h"
#include "synthetic.h"

namespace mdvt::test {
namespace {

struct Problem {
  Pose motion;
  double scale = 1, shift1 = 0, shift2 = 0;
  std::vector<DepthMatch> matches;
};

// True depth is depth1 + shift1 and scale (depth2 + shift2).
Problem MakeProblem(uint64_t seed, int count, bool shifted, double focal = 1) {
  std::mt19937_64 rng(seed);
  Problem p;
  p.motion = MakePose(0.1 * RandomVector(rng), 0.5 * RandomVector(rng));
  p.scale = Uniform(rng, 0.8, 1.25);
  if (shifted) {
    p.shift1 = Uniform(rng, -0.5, 0.5);
    p.shift2 = Uniform(rng, -0.5, 0.5);
  }
  for (const Eigen::Vector3d& point : RandomPoints(rng, count)) {
    const Eigen::Vector3d other = p.motion * point;
    p.matches.push_back({focal * point.hnormalized(), focal * other.hnormalized(),
                         point.z() - p.shift1, other.z() / p.scale - p.shift2});
  }
  return p;
}

double ErrorOf(const DepthPoseModel& model, const Problem& p) {
  return (model.rotation - p.motion.linear()).norm() +
         (model.translation - p.motion.translation()).norm() + std::fabs(model.scale - p.scale) +
         std::fabs(model.shift1 - p.shift1) + std::fabs(model.shift2 - p.shift2);
}

double LeastError(const std::vector<DepthPoseModel>& models, const Problem& p) {
  double least = std::numeric_limits<double>::infinity();
  for (const DepthPoseModel& model : models) least = std::min(least, ErrorOf(model, p));
  return least;
}

template <size_t kSize>
std::array<DepthMatch, kSize> First(const std::vector<DepthMatch>& matches) {
  std::array<DepthMatch, kSize> sample;
  std::copy_n(matches.begin(), kSize, sample.begin());
  return sample;
}

TEST(DepthPoseSolvers, RecoverExactProblems) {
  int shifted_found = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const Problem p = MakeProblem(seed, 20, false);
    EXPECT_LT(LeastError(SolveScaled(First<3>(p.matches)), p), 1e-6) << seed;
    EXPECT_LT(LeastError(SolveByThreePoints(First<3>(p.matches)), p), 1e-6) << seed;
    EXPECT_LT(LeastError(SolveByLines(First<5>(p.matches), p.matches), p), 1e-6) << seed;
    const Problem s = MakeProblem(seed, 3, true);
    shifted_found += LeastError(SolveShifted(First<3>(s.matches)), s) < 1e-6;
  }
  EXPECT_GE(shifted_found, 99);
}

TEST(DepthPoseSolvers, RecoverTheFocalLength) {
  int found = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const double focal = std::exp2(std::fmod(0.37 * static_cast<double>(seed), 2.0) - 1);
    const Problem p = MakeProblem(1000 + seed, 4, true, focal);
    bool hit = false;
    for (const FocalDepthPose& one : SolveShiftedWithFocal(First<4>(p.matches), 0.3, 4))
      hit |= std::fabs(one.focal / focal - 1) < 1e-6 && ErrorOf(one.model, p) < 1e-4;
    found += hit;
  }
  EXPECT_GE(found, 95);
}

// Half a pixel at a focal length of 1000.
void AddNoise(std::mt19937_64* rng, double depth_noise, double outliers, Problem* p) {
  for (DepthMatch& match : p->matches) {
    match.xy1 += 0.5e-3 * Eigen::Vector2d(Normal(*rng), Normal(*rng));
    match.xy2 += 0.5e-3 * Eigen::Vector2d(Normal(*rng), Normal(*rng));
    match.depth1 *= std::exp(depth_noise * Normal(*rng));
    match.depth2 *= std::exp(depth_noise * Normal(*rng));
    if (Uniform(*rng, 0, 1) < outliers)
      match.xy2 = {Uniform(*rng, -0.6, 0.6), Uniform(*rng, -0.4, 0.4)};
  }
}

TEST(EstimateDepthPose, IsExactUnderNoise) {
  std::vector<double> errors;
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    std::mt19937_64 rng(seed);
    Problem p = MakeProblem(seed, 150, false);
    AddNoise(&rng, 0.05, 0, &p);
    const DepthPose found = EstimateDepthPose(p.matches);
    ASSERT_TRUE(found.ok()) << seed;
    EXPECT_NEAR(found.scale / p.scale, 1, 0.03) << seed;
    EXPECT_FALSE(found.turn_only);
    errors.push_back(AngleBetween(found.cam2_from_cam1.linear(), p.motion.linear()));
  }
  EXPECT_LT(Median(&errors), 0.2 * M_PI / 180);
}

TEST(EstimateDepthPose, SurvivesOutliers) {
  int good = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    std::mt19937_64 rng(seed);
    Problem p = MakeProblem(100 + seed, 150, false);
    AddNoise(&rng, 0.10, 0.4, &p);
    const DepthPose found = EstimateDepthPose(p.matches);
    good += found.ok() && AngleBetween(found.cam2_from_cam1.linear(), p.motion.linear()) < 0.02 &&
            (found.cam2_from_cam1.translation() - p.motion.translation()).norm() < 0.1;
  }
  EXPECT_GE(good, 99);
}

TEST(EstimateDepthPose, WithShifts) {
  std::mt19937_64 rng(5);
  Problem p = MakeProblem(205, 200, true);
  AddNoise(&rng, 0.01, 0.2, &p);
  DepthPoseOptions options;
  options.with_shift = true;
  const DepthPose found = EstimateDepthPose(p.matches, options);
  ASSERT_TRUE(found.ok());
  EXPECT_NEAR(found.shift1, p.shift1, 0.15);
  EXPECT_LT(AngleBetween(found.cam2_from_cam1.linear(), p.motion.linear()), 0.005);
}

TEST(EstimateDepthPose, SaysThatATurnIsEnough) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    std::mt19937_64 rng(seed);
    Problem p = MakeProblem(300 + seed, 150, false);
    const Pose turn = MakePose(0.1 * RandomVector(rng), {0, 0, 0});
    for (DepthMatch& match : p.matches) {
      const Eigen::Vector3d at = turn * (match.depth1 * match.xy1.homogeneous());
      match.xy2 = at.hnormalized();
      match.depth2 = at.z();
    }
    AddNoise(&rng, 0.05, 0.1, &p);
    const DepthPose found = EstimateDepthPose(p.matches);
    EXPECT_TRUE(found.turn_only) << seed;
    EXPECT_LT(AngleBetween(found.turn, turn.linear()), 0.001) << seed;
  }
}

TEST(EstimateDepthPose, FailureIsAStatus) {
  std::mt19937_64 rng(9);
  std::vector<DepthMatch> noise;
  for (int i = 0; i < 200; ++i) {
    noise.push_back({{Uniform(rng, -0.6, 0.6), Uniform(rng, -0.4, 0.4)},
                     {Uniform(rng, -0.6, 0.6), Uniform(rng, -0.4, 0.4)},
                     Uniform(rng, 1, 20),
                     Uniform(rng, 1, 20)});
  }
  const DepthPose none = EstimateDepthPose(noise);
  EXPECT_FALSE(none.ok());
  EXPECT_TRUE(none.cam2_from_cam1.isApprox(Pose::Identity()));
  EXPECT_EQ(EstimateDepthPose({}).status, DepthPoseStatus::kTooFewMatches);
  Problem p = MakeProblem(400, 100, false);
  for (DepthMatch& match : p.matches) match.depth2 *= 3;
  EXPECT_EQ(EstimateDepthPose(p.matches).status, DepthPoseStatus::kScaleOff);
  p.matches[7].xy1.x() = std::nan("");
  ExpectError(Code::kInvalidArgument, "match 7", [&] { EstimateDepthPose(p.matches); });
  DepthPoseOptions options;
  options.min_inliers = 2;
  ExpectError(Code::kInvalidArgument, "min_inliers", [&] { EstimateDepthPose({}, options); });
}

}  // namespace
}  // namespace mdvt::test
