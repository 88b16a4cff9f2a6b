// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/camera_path.h"

#include <gtest/gtest.h>

#include <cmath>

#include "mdvt/core/error.h"
#include "mdvt/geometry/path_uncertainty.h"
#include "mdvt/geometry/similarity.h"
#include "support/test_env.h"
#include "synthetic.h"

namespace mdvt {
namespace {

constexpr double kFocal = 500;

struct World {
  std::vector<Eigen::Vector3d> points;
  std::vector<Eigen::Vector3d> speeds;  // per frame

  explicit World(std::mt19937_64& rng, int count = 400) {
    for (int i = 0; i < count; ++i) {
      const double z = test::Uniform(rng, 3, 10);
      points.emplace_back(test::Uniform(rng, -1.2, 1.2) * z, test::Uniform(rng, -0.4, 0.4) * z, z);
      speeds.emplace_back(Eigen::Vector3d::Zero());
    }
  }

  std::vector<TrackSight> See(std::mt19937_64& rng, const Pose& world_from_cam, int frame,
                              double noise_px) const {
    std::vector<TrackSight> sights;
    for (size_t i = 0; i < points.size(); ++i) {
      const Eigen::Vector3d p = world_from_cam.inverse() * (points[i] + frame * speeds[i]);
      if (p.z() < 0.5 || std::abs(p.x() / p.z()) > 0.6 || std::abs(p.y() / p.z()) > 0.35) continue;
      sights.push_back(
          {static_cast<int64_t>(i),
           p.hnormalized() +
               noise_px / kFocal * Eigen::Vector2d(test::Normal(rng), test::Normal(rng))});
    }
    return sights;
  }
};

Pose Walk(int frame) {
  return test::MakePose({0.002 * frame, 0.01 * std::sin(0.2 * frame), 0},
                        {0.04 * frame, 0.03 * std::sin(0.3 * frame), 0.02 * frame});
}

CameraPathOptions Options(int window = 40) {
  CameraPathOptions options;
  options.noise = 0.35 / kFocal;
  options.window = window;
  return options;
}

// RMS distance of the path from the truth after one similarity, and the largest angle of rotations.
std::pair<double, double> PathError(const std::vector<PathFrame>& frames,
                                    const std::vector<Pose>& truth) {
  std::vector<Eigen::Vector3d> estimated, actual;
  for (size_t i = 0; i < frames.size(); ++i) {
    estimated.push_back(frames[i].world_from_cam.translation());
    actual.push_back(truth[i].translation());
  }
  const Similarity s = AlignPoints(estimated, actual);
  double angle = 0;
  for (size_t i = 0; i < frames.size(); ++i)
    angle = std::max(angle, test::AngleBetween(s.rotation * frames[i].world_from_cam.linear(),
                                               truth[i].linear()));
  return {s.rms, angle};
}

std::vector<PathFrame> Follow(CameraPath* path, const World& world, const std::vector<Pose>& truth,
                              std::mt19937_64& rng, double noise_px, int delay = 20) {
  std::vector<PathFrame> frames;
  const int n = static_cast<int>(truth.size());
  for (int i = 0; i < n + delay; ++i) {
    if (i < n) path->AddFrame(i, world.See(rng, truth[i], i, noise_px));
    if (i >= delay) frames.push_back(*path->Get(i - delay));
  }
  return frames;
}

TEST(CameraPath, FollowsAWalkInOneScale) {
  auto rng = test::Rng();
  const World world(rng);
  std::vector<Pose> truth;
  for (int i = 0; i < 80; ++i) truth.push_back(Walk(i));
  CameraPath path(Options());
  const auto frames = Follow(&path, world, truth, rng, 0.2);
  for (const PathFrame& frame : frames) ASSERT_EQ(frame.state, PathState::kTranslating);
  const auto [rms, angle] = PathError(frames, truth);
  // The walk is 3.6 units long.
  EXPECT_LT(rms, 0.012);
  EXPECT_LT(angle, 0.012);
}

TEST(CameraPath, LeavesMovingPointsOut) {
  auto rng = test::Rng();
  World world(rng);
  for (size_t i = 0; i < world.speeds.size(); i += 4)
    world.speeds[i] = {-0.03, 0.02 * static_cast<double>(i % 3), 0.03};
  std::vector<Pose> truth;
  for (int i = 0; i < 50; ++i) truth.push_back(Walk(i));
  CameraPath path(Options());
  const auto frames = Follow(&path, world, truth, rng, 0.2);
  const auto [rms, angle] = PathError(frames, truth);
  EXPECT_LT(rms, 0.03);
  EXPECT_LT(angle, 0.01);
}

TEST(CameraPath, SaysThatATurningCameraDoesNotTranslate) {
  auto rng = test::Rng();
  const World world(rng);
  CameraPath path(Options());
  for (int i = 0; i < 60; ++i) {
    const Pose pose = test::MakePose({0, 0.008 * i, 0}, Eigen::Vector3d::Zero());
    path.AddFrame(i, world.See(rng, pose, i, 0.2));
  }
  for (int i = 20; i < 60; ++i) {
    const PathFrame frame = *path.Get(i);
    EXPECT_EQ(frame.state, PathState::kTurning);
    EXPECT_EQ(frame.world_from_cam.translation().norm(), 0);
    EXPECT_LT(test::AngleBetween(
                  frame.world_from_cam.linear(),
                  Eigen::AngleAxisd(0.008 * i, Eigen::Vector3d::UnitY()).toRotationMatrix()),
              0.005);
  }
}

TEST(CameraPath, PlacesTheFramesBeforeALateStart) {
  auto rng = test::Rng();
  const World world(rng);
  std::vector<Pose> truth;
  // Twelve frames at rest, then a walk: the resting ones have a place all the same.
  for (int i = 0; i < 40; ++i) truth.push_back(Walk(std::max(0, i - 12)));
  CameraPath path(Options());
  const auto frames = Follow(&path, world, truth, rng, 0.1, 24);
  for (const PathFrame& frame : frames) EXPECT_EQ(frame.state, PathState::kTranslating);
  EXPECT_LT(PathError(frames, truth).first, 0.012);
}

// A dozen frames with little parallax: no start while more frames may come, one once none does.
TEST(CameraPath, AShortClipStartsWhenItEnds) {
  auto rng = test::Rng();
  const World world(rng);
  std::vector<Pose> truth;
  for (int i = 0; i < 9; ++i)
    truth.push_back(test::MakePose({0.002 * i, 0, 0}, {0.016 * i, 0.01 * std::sin(0.7 * i), 0}));
  CameraPath path(Options());
  for (int i = 0; i < 9; ++i)
    path.AddFrame(i, world.See(rng, truth[static_cast<size_t>(i)], i, 0.1));
  EXPECT_EQ(path.Get(8)->state, PathState::kTurning);
  EXPECT_EQ(path.Uncertainty(8), 0);
  path.Finish();
  std::vector<PathFrame> frames;
  for (int i = 0; i < 9; ++i) frames.push_back(*path.Get(i));
  for (const PathFrame& frame : frames) EXPECT_EQ(frame.state, PathState::kTranslating);
  const auto [rms, angle] = PathError(frames, truth);
  EXPECT_LT(rms, path.Uncertainty(4) * 0.15);
  EXPECT_LT(angle, 0.006);
  // A turn stays one.
  CameraPath turn(Options());
  for (int i = 0; i < 9; ++i)
    turn.AddFrame(i, world.See(rng, test::MakePose({0, 0.01 * i, 0}, {0, 0, 0}), i, 0.1));
  turn.Finish();
  EXPECT_EQ(turn.Get(8)->state, PathState::kTurning);
  CameraPath nothing(Options());
  nothing.Finish();
  EXPECT_FALSE(nothing.Get(0).has_value());
}

// What is told is as large as the errors that come: for long and short ways. Noise that is
// independent from frame to frame weighs a third of what is allowed for.
TEST(CameraPath, TellsHowWellItIsKnown) {
  double last = 0;
  for (const double shrink : {1.0, 0.1}) {
    double told = 0, square = 0;
    constexpr int kSeeds = 8, kFrames = 24;
    for (int seed = 1; seed <= kSeeds; ++seed) {
      std::mt19937_64 rng(static_cast<uint64_t>(seed));
      const World world(rng);
      std::vector<Pose> truth;
      double length = 0;
      for (int i = 0; i < kFrames; ++i) {
        Pose pose = Walk(i);
        pose.translation() *= shrink;
        if (i > 0) length += (pose.translation() - truth.back().translation()).norm();
        truth.push_back(pose);
      }
      CameraPath path(Options());
      const auto frames = Follow(&path, world, truth, rng, 0.3, 0);
      path.Finish();
      std::vector<PathFrame> last_known;
      for (int i = 0; i < kFrames; ++i) last_known.push_back(*path.Get(i));
      square += std::pow(PathError(last_known, truth).first / length, 2) / kSeeds;
      told += path.Uncertainty(kFrames / 2) / kSeeds;
    }
    const double error = std::sqrt(square);
    EXPECT_GT(told, error) << shrink;
    EXPECT_LT(told, 2 * kCorrelatedTrackErrors * error) << shrink;
    EXPECT_GT(told, 4 * last);
    last = told;
  }
}

TEST(CameraPath, NothingToFollowIsLost) {
  CameraPath path(Options(12));
  for (int i = 0; i < 30; ++i) path.AddFrame(i, {});
  EXPECT_EQ(path.Get(29)->state, PathState::kLost);
  EXPECT_TRUE(path.PointsIn(29).empty());
  EXPECT_FALSE(path.Get(10).has_value());  // has left the window
  EXPECT_FALSE(path.Get(30).has_value());
}

TEST(CameraPath, PointsLieWhereTheyAre) {
  auto rng = test::Rng();
  const World world(rng);
  CameraPath path(Options());
  for (int i = 0; i < 30; ++i) path.AddFrame(i, world.See(rng, Walk(i), i, 0.05));
  const PathFrame now = *path.Get(25);
  const auto points = path.PointsIn(25);
  ASSERT_GT(points.size(), 100u);
  int good = 0;
  for (const PathPoint& point : points)
    good += ((now.world_from_cam.inverse() * point.in_world).hnormalized() - point.xy).norm() <
            1 / kFocal;
  EXPECT_GT(good, static_cast<int>(0.95 * static_cast<double>(points.size())));
}

TEST(CameraPath, GivesTheSameResultAgain) {
  std::vector<Eigen::Matrix4d> first;
  for (int run = 0; run < 2; ++run) {
    auto rng = test::Rng();
    const World world(rng);
    CameraPath path(Options());
    for (int i = 0; i < 30; ++i) path.AddFrame(i, world.See(rng, Walk(i), i, 0.3));
    for (int i = 0; i < 30; ++i) {
      if (run == 0)
        first.push_back(path.Get(i)->world_from_cam.matrix());
      else
        EXPECT_TRUE(first[static_cast<size_t>(i)] == path.Get(i)->world_from_cam.matrix());
    }
  }
}

TEST(CameraPath, RejectsBadArguments) {
  CameraPathOptions options;
  options.noise = 0;
  EXPECT_THROW(CameraPath{options}, Error);
  options = {};
  options.window = 3;
  EXPECT_THROW(CameraPath{options}, Error);
  options = {};
  options.patience = 0;
  EXPECT_THROW(CameraPath{options}, Error);
  CameraPath path({});
  path.AddFrame(0, {});
  EXPECT_THROW(path.AddFrame(2, {}), Error);
}

}  // namespace
}  // namespace mdvt
