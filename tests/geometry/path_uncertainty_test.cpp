// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/path_uncertainty.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "alignment_simulation.h"
#include "io/expect_error.h"
#include "mdvt/geometry/similarity.h"

namespace mdvt::test {
namespace {

AlignmentSimulation Sideways(double metres, uint64_t seed) {
  AlignmentSimulation world;
  world.frames = 12;
  world.tracks = 150;
  world.moving_share = 0;
  world.path = [metres](double t) {
    return MakePose({0.01 * std::sin(5 * t), 0.05 * t, 0}, {metres * t, 0.1 * metres * t * t, 0});
  };
  world.Make(seed);
  return world;
}

CameraAlignment WithoutDepth(const AlignmentSimulation& world) {
  AlignmentOptions options = world.Options();
  options.motion = CameraMotion::kFree;
  options.start = world.truth;
  return AlignCameras(world.table, std::vector<float>(world.depths.size(), 0), options);
}

// What is expected is what comes, over many clips: for long and for short ways.
TEST(PathUncertainty, IsTheErrorThatComes) {
  PathUncertaintyOptions options;
  options.noise_px = 0.5;
  double last = 0;
  for (const double metres : {1.0, 0.1}) {
    double expected = 0, square = 0;
    for (uint64_t seed = 1; seed <= 6; ++seed) {
      const AlignmentSimulation world = Sideways(metres, seed);
      const CameraAlignment found = WithoutDepth(world);
      const double error = AlignPoints(CentresOf(found), CentresOf(world.truth), true).rms;
      square += std::pow(error / metres, 2) / 6;
      expected += PathUncertainty(world.table, found, 0, options) / 6;
    }
    EXPECT_LT(expected, 2 * std::sqrt(square)) << metres;
    EXPECT_GT(expected, 0.5 * std::sqrt(square)) << metres;
    EXPECT_GT(expected, 4 * last);
    last = expected;
  }
}

TEST(PathUncertainty, FollowsTheNoiseAndFallsWithDepth) {
  const AlignmentSimulation world = Sideways(0.2, 7);
  const CameraAlignment found = WithoutDepth(world);
  PathUncertaintyOptions options;
  options.noise_px = 0.5;
  const double once = PathUncertainty(world.table, found, 0, options);
  options.noise_px = 1;
  EXPECT_NEAR(PathUncertainty(world.table, found, 0, options), 2 * once, 0.02 * once);
  options.depth_sigma = 0.05;
  EXPECT_LT(PathUncertainty(world.table, found, 0, options), 2 * once);
}

// A camera at rest that is said to move goes to and fro by its errors: that is no path, however
// long it is.
TEST(PathUncertainty, ErrorsAreNoPath) {
  AlignmentSimulation world;
  world.frames = 12;
  world.tracks = 150;
  world.moving_share = 0;
  world.path = [](double t) { return MakePose({0.01 * t, 0.05 * t, 0}, {0, 0, 0}); };
  world.Make(9);
  AlignmentOptions options = world.Options();
  options.motion = CameraMotion::kFree;
  PathUncertaintyOptions noise;
  noise.depth_sigma = options.depth_sigma;
  const CameraAlignment found = AlignCameras(world.table, world.depths, options);
  noise.noise_px = kCorrelatedTrackErrors * found.rms_px;
  ASSERT_GT(found.shots[0].path_length, 0);
  EXPECT_GT(PathUncertainty(world.table, found, 0, noise), kUnusablePath);
}

TEST(PathUncertainty, OtherShotsAndBadOptions) {
  const AlignmentSimulation world = Sideways(0.2, 8);
  CameraAlignment found = WithoutDepth(world);
  PathUncertaintyOptions options;
  const auto expect_refused = [&](const char* text) {
    ExpectError(Code::kInvalidArgument, text,
                [&] { PathUncertainty(world.table, found, 0, options); });
  };
  options.noise_px = 0;
  expect_refused("noise_px");
  options = {};
  options.depth_sigma = std::nan("");
  expect_refused("depth_sigma");
  options = {};
  options.most_frames = 1;
  expect_refused("most_frames");
  options = {};
  ExpectError(Code::kInvalidArgument, "no such shot",
              [&] { PathUncertainty(world.table, found, 1, options); });
  // No points: nothing holds the cameras.
  CameraAlignment empty = found;
  empty.tracks.clear();
  EXPECT_TRUE(std::isinf(PathUncertainty(world.table, empty, 0, options)));
  found.shots[0].motion = CameraMotion::kRotation;
  EXPECT_EQ(PathUncertainty(world.table, found, 0, options), 0);
}

}  // namespace
}  // namespace mdvt::test
