// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/alignment.h"

#include <gtest/gtest.h>

#include <Eigen/LU>

#include "alignment_simulation.h"
#include "io/expect_error.h"
#include "mdvt/geometry/similarity.h"

namespace mdvt::test {
namespace {

double PathError(const CameraAlignment& found, const std::vector<Pose>& truth, bool with_scale) {
  return AlignPoints(CentresOf(found), CentresOf(truth), with_scale).rms;
}

double LargestTurnError(const CameraAlignment& found, const std::vector<Pose>& truth) {
  double largest = 0;
  for (size_t f = 0; f < truth.size(); ++f)
    largest =
        std::max(largest, AngleBetween(found.frames[f].world_from_cam.linear(), truth[f].linear()));
  return largest;
}

void ExpectRigid(const CameraAlignment& found) {
  for (const AlignedFrame& frame : found.frames) {
    const Eigen::Matrix3d r = frame.world_from_cam.linear();
    EXPECT_NEAR(r.determinant(), 1, 1e-6);
    EXPECT_LT((r * r.transpose() - Eigen::Matrix3d::Identity()).norm(), 1e-6);
    EXPECT_TRUE(frame.world_from_cam.matrix().allFinite());
  }
}

TEST(AlignCameras, BundleBeatsTheChain) {
  AlignmentSimulation world;
  world.Make(1);
  AlignmentOptions options = world.Options();
  const CameraAlignment bundle = AlignCameras(world.table, world.depths, options);
  ASSERT_EQ(bundle.frames.size(), 40u);
  ASSERT_EQ(bundle.shots.size(), 1u);
  EXPECT_EQ(bundle.shots[0].motion, CameraMotion::kFree);
  ExpectRigid(bundle);
  const double with_bundle = PathError(bundle, world.truth, true);
  EXPECT_LT(with_bundle, 0.005);
  EXPECT_LT(PathError(bundle, world.truth, false), 0.02);
  EXPECT_LT(bundle.rms_px, 1);
  EXPECT_GT(bundle.rms_px, 0.3);
  EXPECT_LT(bundle.held_out_rms_px, 1.5);
  EXPECT_NEAR(bundle.static_share, 0.85, 0.08);

  options.method = AlignmentMethod::kPairwise;
  const CameraAlignment chain = AlignCameras(world.table, world.depths, options);
  ExpectRigid(chain);
  EXPECT_GT(PathError(chain, world.truth, true), 4 * with_bundle);
  EXPECT_LT(PathError(chain, world.truth, true), 0.3);

  options.method = AlignmentMethod::kLegacy;
  const CameraAlignment legacy = AlignCameras(world.table, world.depths, options);
  ExpectRigid(legacy);
  EXPECT_GT(PathError(legacy, world.truth, true), 10 * with_bundle);
}

TEST(AlignCameras, PositionsInWholePixels) {
  AlignmentSimulation world;
  world.whole_pixels = true;
  world.Make(2);
  AlignmentOptions options = world.Options();
  options.noise_px = 0.7;
  EXPECT_LT(PathError(AlignCameras(world.table, world.depths, options), world.truth, true), 0.01);
}

TEST(AlignCameras, SidewaysToo) {
  AlignmentSimulation world;
  world.path = [](double t) {
    return MakePose({0.03 * std::sin(9 * t), 0.15 * std::sin(3 * t), 0.02 * std::sin(5 * t)},
                    {0.8 * std::sin(2 * t), 0.1 * std::sin(6 * t), t});
  };
  world.Make(3);
  const CameraAlignment found = AlignCameras(world.table, world.depths, world.Options());
  EXPECT_LT(PathError(found, world.truth, true), 0.005);
  EXPECT_NEAR(found.shots[0].path_length, 1.6, 0.2);
  EXPECT_EQ(found.shots[0].reliability, "good");
}

// From frame 37 on the camera stands elsewhere: the step is there, and not at 36 or 38. One frame
// that stands elsewhere alone is found there, and no other.
TEST(AlignCameras, AJumpIsFoundInItsFrame) {
  for (const bool stays : {true, false}) {
    AlignmentSimulation world;
    world.frames = 60;
    world.moving_share = 0;
    world.path = [stays](double t) {
      const int64_t frame = std::lround(t * 59);
      const bool jumped = stays ? frame >= 37 : frame == 37;
      return MakePose({0, 0.1 * t, 0}, Eigen::Vector3d(0.3 * t, 0, 0.5 * t) +
                                           Eigen::Vector3d(jumped ? 0.2 : 0, 0, 0));
    };
    world.Make(4);
    const CameraAlignment found = AlignCameras(world.table, world.depths, world.Options());
    for (size_t f = 1; f < 60; ++f) {
      const double step = (found.frames[f].world_from_cam.translation() -
                           found.frames[f - 1].world_from_cam.translation())
                              .norm();
      if (f == 37 || (f == 38 && !stays))
        EXPECT_GT(step, 0.15) << f;
      else
        EXPECT_LT(step, 0.05) << f;
    }
  }
}

TEST(AlignCameras, ATurnIsNoTranslation) {
  AlignmentSimulation world;
  world.path = [](double t) { return MakePose({0.1 * t, 0.4 * std::sin(2 * t), 0}, {0, 0, 0}); };
  world.Make(5);
  AlignmentOptions options = world.Options();
  const CameraAlignment found = AlignCameras(world.table, world.depths, options);
  EXPECT_EQ(found.shots[0].motion, CameraMotion::kRotation);
  EXPECT_EQ(found.shots[0].path_length, 0);
  EXPECT_EQ(found.shots[0].reliability, "rotation_only");
  EXPECT_LT(LargestTurnError(found, world.truth), 0.001);
  // Asked for, whatever the pictures say.
  AlignmentSimulation moving;
  moving.Make(6);
  options.motion = CameraMotion::kRotation;
  const CameraAlignment forced = AlignCameras(moving.table, moving.depths, options);
  EXPECT_EQ(forced.shots[0].path_length, 0);
  EXPECT_GT(forced.shots[0].near_px, 1.2 * forced.shots[0].far_px);
  options.motion = CameraMotion::kStatic;
  for (const AlignedFrame& frame : AlignCameras(moving.table, moving.depths, options).frames)
    EXPECT_TRUE(frame.world_from_cam.isApprox(Pose::Identity()));
}

TEST(AlignCameras, ACameraAtRest) {
  AlignmentSimulation world;
  world.noise_px = 0.1;
  world.path = [](double) { return Pose::Identity(); };
  world.Make(7);
  const CameraAlignment found = AlignCameras(world.table, world.depths, world.Options());
  EXPECT_EQ(found.shots[0].motion, CameraMotion::kStatic);
  EXPECT_EQ(found.shots[0].path_length, 0);
}

TEST(AlignCameras, TheFieldOfViewIsFoundWherePanTellsIt) {
  AlignmentSimulation world;
  world.Make(8);
  AlignmentOptions options = world.Options();
  options.camera.fx *= 1.12;
  options.camera.fy *= 1.12;
  options.optimize_focal = true;
  options.accept_weak_focal = true;  // 40 frames with short tracks
  const CameraAlignment found = AlignCameras(world.table, world.depths, options);
  ASSERT_TRUE(found.focal.has_value());
  EXPECT_TRUE(found.focal->accepted(true))
      << found.focal->reason << ", " << found.focal->fx << " in " << found.focal->low_fx << ".."
      << found.focal->high_fx << ", sigma " << found.focal->sigma_log;
  EXPECT_NEAR(found.camera.fx / 1400, 1, 0.01);
  EXPECT_LT(found.focal->low_fx, 1400);
  EXPECT_GT(found.focal->high_fx, 1400);
  EXPECT_LT(PathError(found, world.truth, true), 0.005);
}

TEST(AlignCameras, AndRefusedWhereNothingDoes) {
  AlignmentSimulation world;
  world.path = [](double t) { return MakePose({0, 0, 0}, {0.8 * t, 0.2 * t * t, 0.2 * t}); };
  world.Make(9);
  AlignmentOptions options = world.Options();
  options.optimize_focal = true;
  const CameraAlignment found = AlignCameras(world.table, world.depths, options);
  ASSERT_TRUE(found.focal.has_value());
  EXPECT_EQ(found.focal->status, FocalStatus::kNotObservable);
  EXPECT_EQ(found.focal->reason, "no_pan_tilt");
  EXPECT_EQ(found.camera.fx, 1400);
}

TEST(AlignCameras, ShotsHaveWorldsOfTheirOwn) {
  AlignmentSimulation a;
  a.frames = 15;
  a.Make(10);
  AlignmentSimulation b = a;
  b.Make(11);
  TrackTableBuilder builder;
  std::vector<float> depths = a.depths;
  depths.insert(depths.end(), b.depths.begin(), b.depths.end());
  for (const AlignmentSimulation* world : {&a, &b})
    for (int f = 0; f < 15; ++f) {
      builder.BeginFrame();
      for (const TrackSighting& s : world->table.Frame(f))
        builder.Add(s.track + (world == &b ? 1000 : 0), s.x, s.y, 1);
    }
  const TrackTable table = builder.Finish();
  const CameraAlignment found = AlignCameras(table, depths, a.Options());
  ASSERT_EQ(found.shots.size(), 2u);
  EXPECT_EQ(found.shots[1].first, 15);
  EXPECT_TRUE(found.frames[15].world_from_cam.isApprox(Pose::Identity()));
  for (const AlignmentSimulation* world : {&a, &b}) {
    std::vector<Eigen::Vector3d> centres;
    for (size_t f = 0; f < 15; ++f)
      centres.push_back(found.frames[f + (world == &b ? 15 : 0)].world_from_cam.translation());
    EXPECT_LT(AlignPoints(centres, CentresOf(world->truth)).rms, 0.005);
  }
}

TEST(AlignCameras, FramesWithoutPointsAreInterpolated) {
  AlignmentSimulation world;
  world.Make(12);
  TrackTableBuilder builder;
  std::vector<float> depths;
  size_t at = 0;
  for (int f = 0; f < 40; ++f) {
    builder.BeginFrame();
    for (const TrackSighting& s : world.table.Frame(f)) {
      const float depth = world.depths[at++];
      if (f == 20 || f >= 38) continue;
      builder.Add(s.track, s.x, s.y, 1);
      depths.push_back(depth);
    }
  }
  const CameraAlignment found = AlignCameras(builder.Finish(), depths, world.Options());
  ASSERT_EQ(found.frames.size(), 40u);
  for (size_t f = 0; f < 40; ++f) EXPECT_EQ(found.frames[f].interpolated, f == 20 || f >= 38) << f;
  EXPECT_LT((found.frames[20].world_from_cam.translation() -
             0.5 * (found.frames[19].world_from_cam.translation() +
                    found.frames[21].world_from_cam.translation()))
                .norm(),
            1e-9);
  EXPECT_TRUE(found.frames[39].world_from_cam.isApprox(found.frames[37].world_from_cam));
}

TEST(AlignCameras, TheSameForEveryNumberOfThreads) {
  AlignmentSimulation world;
  world.frames = 12;
  world.Make(13);
  AlignmentOptions options = world.Options();
  const CameraAlignment one = AlignCameras(world.table, world.depths, options);
  ThreadPool pool(3);
  options.pool = &pool;
  const CameraAlignment three = AlignCameras(world.table, world.depths, options);
  for (size_t f = 0; f < one.frames.size(); ++f)
    EXPECT_EQ(one.frames[f].world_from_cam.matrix(), three.frames[f].world_from_cam.matrix());
}

TEST(AlignCameras, OneFrameIsTheOrigin) {
  AlignmentSimulation world;
  world.frames = 1;
  world.Make(14);
  const CameraAlignment found = AlignCameras(world.table, world.depths, world.Options());
  ASSERT_EQ(found.frames.size(), 1u);
  EXPECT_TRUE(found.frames[0].world_from_cam.isApprox(Pose::Identity()));
}

TEST(AlignCameras, WhatCannotBeAlignedIsRefused) {
  AlignmentSimulation world;
  world.frames = 4;
  TrackTableBuilder builder;
  for (int f = 0; f < 4; ++f) builder.BeginFrame();
  const TrackTable nothing = builder.Finish();
  ExpectError(Code::kRefused, "no camera could be placed",
              [&] { AlignCameras(nothing, {}, world.Options()); });
  world.Make(15);
  ExpectError(Code::kInvalidArgument, "one depth per sighting",
              [&] { AlignCameras(world.table, {1}, world.Options()); });
  AlignmentOptions options = world.Options();
  options.noise_px = 0;
  ExpectError(Code::kInvalidArgument, "noise_px",
              [&] { AlignCameras(world.table, world.depths, options); });
}

}  // namespace
}  // namespace mdvt::test
