// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/track_lifting.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "io/expect_error.h"

namespace mdvt::test {
namespace {

constexpr int kFrames = 177;
constexpr double kRate = 30;

using Path = std::function<Eigen::Vector3d(double time)>;

LiftOptions Options() {
  LiftOptions options;
  options.camera = Camera::FromFov(512, 512, 60.0, std::nullopt);
  return options;
}

// A point seen for six seconds by a camera that moves sideways at 0.3 m/s, with white noise of a
// quarter of a pixel in disparity and half a pixel in position.
std::vector<LiftObservation> See(const Path& path, uint32_t seed,
                                 const Pose& world = Pose::Identity()) {
  const LiftOptions options = Options();
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<LiftObservation> seen;
  for (int i = 0; i < kFrames; ++i) {
    LiftObservation one;
    one.time = i / kRate;
    Pose place = Pose::Identity();
    place.translation().x() = 0.3 * (one.time - kFrames / kRate / 2);
    const Eigen::Vector3d point = place.inverse() * path(one.time);
    const Eigen::Vector2d pixel = Project(options.camera, point);
    one.world_from_cam = world * place;
    one.x = pixel.x() + 0.5 * normal(random);
    one.y = pixel.y() + 0.5 * normal(random);
    one.disparity =
        std::max(0.05, options.camera.fx * options.baseline / point.z() + 0.25 * normal(random));
    seen.push_back(one);
  }
  return seen;
}

struct Score {
  double error = 0;  // root mean square, metres
  int moving = 0;    // of all seeds
};

Score Try(const Path& path, int seeds) {
  Score score;
  for (int seed = 0; seed < seeds; ++seed) {
    const LiftedTrack lifted = LiftTrack(See(path, static_cast<uint32_t>(seed + 1)), Options());
    for (int i = 0; i < kFrames; ++i)
      score.error += (lifted.points[static_cast<size_t>(i)] - path(i / kRate)).squaredNorm();
    score.moving += lifted.motion == TrackMotion::kMoving;
  }
  score.error = std::sqrt(score.error / (kFrames * seeds));
  return score;
}

TEST(TrackLifting, APointAtRestIsFoundToMillimetres) {
  const struct { double z, most; } rows[] = {{2, 0.0012}, {5, 0.006}, {10, 0.02}, {15, 0.045}};
  for (const auto& row : rows) {
    const Score score = Try([&](double) { return Eigen::Vector3d(0.3, -0.2, row.z); }, 5);
    std::printf("at rest at %g m: off by %.4f m\n", row.z, score.error);
    EXPECT_LT(score.error, row.most) << row.z;
    EXPECT_EQ(score.moving, 0) << row.z;
  }
}

// The energy of Stereo4D, minimised as its program does it, gives 0.035, 0.121 and 0.522 m for the
// first, and 0.198, 0.217 and 0.379 m for the second.
TEST(TrackLifting, MotionAlongTheRayIsKept) {
  const struct {
    double z, away, waves;
  } rows[] = {{2, 0.032, 0.02}, {5, 0.066, 0.11}, {10, 0.154, 0.255}};
  for (const auto& row : rows) {
    const Score away =
        Try([&](double t) { return Eigen::Vector3d(0.2, 0.1, row.z + 0.5 * (t - 2.95)); }, 3);
    const Score waves = Try(
        [&](double t) { return Eigen::Vector3d(0.2, 0.1, row.z + 0.3 * std::sin(2 * M_PI * t)); },
        3);
    std::printf("at %g m: 0.5 m/s away %.4f m, 0.3 m at 1 Hz %.4f m\n", row.z, away.error,
                waves.error);
    EXPECT_LT(away.error, row.away) << row.z;
    EXPECT_LT(waves.error, row.waves) << row.z;
    EXPECT_EQ(away.moving, 3) << row.z;
    if (row.z < 10) {
      EXPECT_EQ(waves.moving, 3) << row.z;
    }
  }
}

TEST(TrackLifting, UncertaintyIsThatOfTheErrors) {
  double squares = 0;
  int count = 0;
  for (uint32_t seed = 1; seed <= 10; ++seed) {
    const auto path = [](double t) { return Eigen::Vector3d(0.2, 0.1, 4 + 0.5 * (t - 2.95)); };
    const LiftedTrack lifted = LiftTrack(See(path, seed), Options());
    for (int i = 10; i + 10 < kFrames; i += 20) {
      const double off = (lifted.points[static_cast<size_t>(i)] - path(i / kRate)).norm() /
                         lifted.sigma[static_cast<size_t>(i)];
      squares += off * off;
      ++count;
    }
  }
  EXPECT_GT(squares / count, 0.5);
  EXPECT_LT(squares / count, 2);
}

TEST(TrackLifting, TheOriginOfTheWorldDoesNotMatter) {
  Pose far = Pose::Identity();
  far.translation() = Eigen::Vector3d(30, -50, 100);
  far.linear() = Eigen::AngleAxisd(0.7, Eigen::Vector3d(1, 2, 3).normalized()).toRotationMatrix();
  for (const double speed : {0.0, 0.5}) {
    const auto path = [&](double t) { return Eigen::Vector3d(0.2, 0.1, 5 + speed * t); };
    const LiftedTrack here = LiftTrack(See(path, 3), Options());
    const LiftedTrack there = LiftTrack(See(path, 3, far), Options());
    EXPECT_EQ(here.motion, there.motion);
    for (size_t i = 0; i < here.points.size(); ++i)
      EXPECT_LT((far * here.points[i] - there.points[i]).norm(), 1e-6);
  }
}

TEST(TrackLifting, OutliersAreNamedAndDoNotPull) {
  const auto path = [](double) { return Eigen::Vector3d(0.3, -0.2, 3); };
  std::vector<LiftObservation> seen = See(path, 4);
  for (size_t i = 0; i < seen.size(); i += 9) seen[i].disparity += 6;
  const LiftedTrack lifted = LiftTrack(seen, Options());
  for (size_t i = 0; i < seen.size(); i += 9) EXPECT_TRUE(lifted.is_outlier[i]) << i;
  EXPECT_LT((lifted.points[0] - path(0)).norm(), 0.02);
}

// The decision may be made elsewhere, and where hardly anything moves more has to speak for it.
TEST(TrackLifting, DecidesByWhatIsThoughtBefore) {
  const auto path = [](double t) { return Eigen::Vector3d(0.2, 0.1, 5 + 0.03 * t); };
  const std::vector<LiftObservation> seen = See(path, 6);
  LiftOptions options = Options();
  const double half = LiftTrack(seen, options).moving_probability;
  options.moving_share = 0.1;
  const LiftedTrack few = LiftTrack(seen, options);
  EXPECT_NEAR(few.moving_probability, half / (half + 9 * (1 - half)), 1e-9);
  for (const TrackMotion motion : {TrackMotion::kStatic, TrackMotion::kMoving}) {
    options.motion = motion;
    EXPECT_EQ(LiftTrack(seen, options).motion, motion);
  }
  options.moving_share = 1;
  ExpectError(Code::kInvalidArgument, "moving_share", [&] { LiftTrack(seen, options); });
}

TEST(TrackLifting, WhatRestLeavesUnexplainedIsNoise) {
  const auto path = [](double) { return Eigen::Vector3d(0.3, -0.2, 4); };
  const LiftedTrack lifted = LiftTrack(See(path, 7), Options());
  EXPECT_NEAR(lifted.rest_disparity_rms, 0.25, 0.05);
  EXPECT_NEAR(lifted.rest_position_rms, 0.5, 0.05);
}

TEST(MostAtRest, IsExceededByOneInForty) {
  std::mt19937 random(2);
  std::normal_distribution<double> normal;
  std::vector<double> values;
  for (int i = 0; i < 4000; ++i) values.push_back(0.2 * std::exp(0.4 * normal(random)));
  EXPECT_NEAR(MostAtRest(values), 0.2 * std::exp(0.4 * 1.96), 0.02);
  // A fifth that moves far changes it a little, to the safe side.
  for (size_t i = 0; i < values.size(); i += 5) values[i] *= 100;
  const double most = MostAtRest(values);
  EXPECT_GT(most, 0.4);
  EXPECT_LT(most, 0.7);
  values.resize(29);
  EXPECT_EQ(MostAtRest(values), 0);
}

TEST(ScreenMotion, IsTheWayInTheViewOfNow) {
  const LiftOptions options = Options();
  std::vector<LiftObservation> seen(4);
  std::vector<Eigen::Vector3d> points;
  for (int i = 0; i < 4; ++i) {
    seen[static_cast<size_t>(i)].time = 0.25 * i;
    // The camera moves along; the point by 0.1 m to the right, 2 m before it.
    seen[static_cast<size_t>(i)].world_from_cam.translation().x() = 0.5 * i;
    points.push_back(Eigen::Vector3d(0.1 * i, 0, 2));
  }
  const std::vector<double> ways = ScreenMotion(points, seen, options.camera, 0.5);
  EXPECT_EQ(ways[0], 0);
  EXPECT_NEAR(ways[1], options.camera.fx * 0.05, 1e-9);
  EXPECT_NEAR(ways[3], options.camera.fx * 0.1, 1e-9);  // over two steps, three are longer ago
  points.pop_back();
  ExpectError(Code::kInvalidArgument, "for each",
              [&] { ScreenMotion(points, seen, options.camera, 0.5); });
}

TEST(TrackLifting, GapsAndShortTracks) {
  const auto path = [](double t) { return Eigen::Vector3d(0.2, 0.1, 2 + 0.5 * t); };
  std::vector<LiftObservation> seen = See(path, 5);
  seen.erase(seen.begin() + 60, seen.begin() + 120);
  const LiftedTrack lifted = LiftTrack(seen, Options());
  EXPECT_EQ(lifted.motion, TrackMotion::kMoving);
  EXPECT_LT((lifted.points[30] - path(1)).norm(), 0.1);
  EXPECT_LT((lifted.points[100] - path(seen[100].time)).norm(), 0.2);
  seen.resize(2);
  EXPECT_EQ(LiftTrack(seen, Options()).points.size(), 2u);
  seen.resize(1);
  ExpectError(Code::kInvalidArgument, "two observations", [&] { LiftTrack(seen, Options()); });
  seen = See(path, 5);
  seen[7].time = seen[6].time;
  ExpectError(Code::kInvalidArgument, "observation 7", [&] { LiftTrack(seen, Options()); });
}

}  // namespace
}  // namespace mdvt::test
