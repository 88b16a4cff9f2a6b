// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/motion_score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "io/expect_error.h"
#include "support/raycast.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

// True motion between frames of a clip, with the noise that real flow has.
struct TrueMotion {
  std::vector<Eigen::Vector2f> flow;
  std::vector<float> trip;
  int width, height;

  TrueMotion(const RayCaster& caster, const View& from, const View& to, std::mt19937_64* rng)
      : width(from.camera.width), height(from.camera.height) {
    const RayCaster::Flow truth = caster.FlowTo(from, to);
    std::normal_distribution<float> noise(0, 0.2f);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        flow.emplace_back(truth.dx.Plane<float>().At(x, y) + noise(*rng),
                          truth.dy.Plane<float>().At(x, y) + noise(*rng));
        trip.push_back(truth.visible.Plane<uint8_t>().At(x, y) != 0 ? 0.3f : 30.0f);
      }
    }
  }
  ObservedMotion view() const {
    return {{flow.data(), static_cast<ptrdiff_t>(sizeof(Eigen::Vector2f)) * width, width, height},
            {trip.data(), static_cast<ptrdiff_t>(sizeof(float)) * width, width, height}};
  }
};

// What moves on its own by the scene, against what scores above 1/2, of the pixels with a weight.
struct Overlap {
  int64_t both = 0, either = 0, wrong = 0, all = 0;
  std::vector<CameraMotion> cameras;

  Overlap(const Clip& clip, double now, std::mt19937_64* rng) {
    const RayCaster caster(clip.scene);
    const View view = clip.At(now);
    const TrueMotion after(caster, view, clip.At(now + 4), rng);
    const TrueMotion before(caster, view, clip.At(now - 4), rng);
    MotionScores scores;
    ScoreMotion({after.view(), before.view()}, {}, nullptr, &scores);
    cameras = scores.cameras;
    const Image objects = caster.Objects(view);
    for (int y = 0; y < scores.height; ++y) {
      for (int x = 0; x < scores.width; ++x) {
        const size_t i = static_cast<size_t>(y * scores.width + x);
        if (scores.weight[i] == 0) continue;
        const uint8_t object = objects.Plane<uint8_t>().At(x, y);
        const bool moves = object != 255 && (clip.scene.objects[object].velocity.norm() > 0 ||
                                             clip.scene.objects[object].spin.norm() > 0);
        const bool said = scores.probability[i] > 0.5f;
        both += moves && said;
        either += moves || said;
        wrong += said && !moves;
        ++all;
      }
    }
  }
};

TEST(ScoreMotion, FindsWhatMovesBeforeAMovingCamera) {
  std::mt19937_64 rng = Rng();
  const Overlap overlap(Scenes::MovingRoom(640, 360), 12, &rng);
  ASSERT_GT(overlap.either, 200);
  EXPECT_EQ(overlap.cameras[0], CameraMotion::kMoving);
  // Raw scores: parts of the things move along their epipolar lines, and show nothing.
  EXPECT_GT(static_cast<double>(overlap.both) / static_cast<double>(overlap.either), 0.4);
  EXPECT_LT(static_cast<double>(overlap.wrong) / static_cast<double>(overlap.all), 0.01);
}

TEST(ScoreMotion, NothingMovesInAStillWorld) {
  std::mt19937_64 rng = Rng();
  for (const Clip& clip : {Scenes::Room(), Scenes::TurningRoom()}) {
    const Overlap overlap(clip, 12, &rng);
    EXPECT_LT(static_cast<double>(overlap.wrong) / static_cast<double>(overlap.all), 0.005);
  }
  EXPECT_EQ(Overlap(Scenes::TurningRoom(), 12, &rng).cameras[0], CameraMotion::kTurning);
}

TEST(ScoreMotion, KnowsNothingWithoutMotion) {
  std::vector<Eigen::Vector2f> flow(32 * 16, Eigen::Vector2f(1, 0));
  std::vector<float> trip(32 * 16, 50.0f);
  const ObservedMotion motion{{flow.data(), 32 * sizeof(Eigen::Vector2f), 32, 16},
                              {trip.data(), 32 * sizeof(float), 32, 16}};
  MotionScores scores;
  ScoreMotion({motion}, {}, nullptr, &scores);
  EXPECT_EQ(scores.cameras[0], CameraMotion::kUnknown);
  EXPECT_EQ(scores.weight[100], 0);
  ExpectError(Code::kInvalidArgument, "no motion", [&] { ScoreMotion({}, {}, nullptr, &scores); });
  MotionScoreOptions options;
  options.threshold = 0;
  ExpectError(Code::kInvalidArgument, "threshold = 0",
              [&] { ScoreMotion({motion}, options, nullptr, &scores); });
}

TEST(ScoreMotion, IsTheSameForEveryThreadCount) {
  std::mt19937_64 rng = Rng();
  const Clip clip = Scenes::MovingRoom(160, 90);
  const RayCaster caster(clip.scene);
  const TrueMotion motion(caster, clip.At(6), clip.At(9), &rng);
  MotionScores alone, three;
  ThreadPool pool(3);
  ScoreMotion({motion.view()}, {}, nullptr, &alone);
  ScoreMotion({motion.view()}, {}, &pool, &three);
  EXPECT_EQ(alone.probability, three.probability);
}

}  // namespace
}  // namespace mdvt::test
