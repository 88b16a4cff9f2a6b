// SPDX-License-Identifier: Apache-2.0
//
// Cameras of clips of 120 frames, as long and as full of points as real ones: where frame after
// frame drifts, all frames together do not.
#include <gtest/gtest.h>

#include <Eigen/LU>
#include <cstdio>

#include "alignment_simulation.h"
#include "mdvt/core/parallel.h"
#include "mdvt/geometry/alignment.h"
#include "mdvt/geometry/similarity.h"

namespace mdvt::test {
namespace {

struct Errors {
  double similar = 0, rigid = 0;  // root mean square of the centres, metres
};

Errors ErrorsOf(const AlignmentSimulation& world, AlignmentMethod method, double noise_px) {
  ThreadPool pool;
  AlignmentOptions options = world.Options();
  options.method = method;
  options.noise_px = noise_px;
  options.pool = &pool;
  const CameraAlignment found = AlignCameras(world.table, world.depths, options);
  EXPECT_EQ(found.frames.size(), static_cast<size_t>(world.frames));
  for (const AlignedFrame& frame : found.frames) {
    const Eigen::Matrix3d r = frame.world_from_cam.linear();
    EXPECT_NEAR(r.determinant(), 1, 1e-6);
    EXPECT_LT((r * r.transpose() - Eigen::Matrix3d::Identity()).norm(), 1e-6);
  }
  const std::vector<Eigen::Vector3d> centres = CentresOf(found), truth = CentresOf(world.truth);
  return {AlignPoints(centres, truth, true).rms, AlignPoints(centres, truth, false).rms};
}

AlignmentSimulation World(double sideways, bool whole_pixels, uint64_t seed) {
  AlignmentSimulation world;
  world.frames = 120;
  world.tracks = 900;
  world.whole_pixels = whole_pixels;
  const double phase = static_cast<double>(seed);
  world.path = [sideways, phase](double t) {
    return MakePose(
        {0.03 * std::sin(9 * t + phase), 0.15 * std::sin(3 * t), 0.02 * std::sin(5 * t)},
        {sideways * std::sin(2 * t), 0.1 * std::sin(6 * t), t});
  };
  world.Make(seed);
  return world;
}

void ExpectBundleBeatsTheChain(const char* what, double sideways, uint64_t seed) {
  const AlignmentSimulation world = World(sideways, false, seed);
  const Errors bundle = ErrorsOf(world, AlignmentMethod::kBundle, 0.5);
  const Errors chain = ErrorsOf(world, AlignmentMethod::kPairwise, 0.5);
  std::printf("%s: bundle %.4f / %.4f m, chain %.4f / %.4f m\n", what, bundle.similar, bundle.rigid,
              chain.similar, chain.rigid);
  EXPECT_LT(bundle.similar, 0.005) << what;
  EXPECT_LT(bundle.rigid, 0.02) << what;
  EXPECT_GT(chain.similar, 10 * bundle.similar) << what;
}

TEST(WholeAlignment, ForwardWithPan) {
  ExpectBundleBeatsTheChain("forward", 0, 1);
  ExpectBundleBeatsTheChain("forward", 0, 2);
}

TEST(WholeAlignment, SidewaysToo) { ExpectBundleBeatsTheChain("sideways", 0.8, 3); }

TEST(WholeAlignment, PositionsInWholePixels) {
  const AlignmentSimulation world = World(0, true, 4);
  const Errors bundle = ErrorsOf(world, AlignmentMethod::kBundle, 0.7);
  std::printf("whole pixels: bundle %.4f / %.4f m\n", bundle.similar, bundle.rigid);
  EXPECT_LT(bundle.similar, 0.01);
}

}  // namespace
}  // namespace mdvt::test
