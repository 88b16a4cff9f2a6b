// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/similarity.h"

#include <gtest/gtest.h>

#include "mdvt/core/error.h"
#include "support/test_env.h"
#include "synthetic.h"

namespace mdvt {
namespace {

TEST(AlignPoints, RecoversASimilarity) {
  auto rng = test::Rng();
  const auto source = test::RandomPoints(rng, 20);
  const Pose motion = test::MakePose({0.5, -1.2, 2}, {3, -4, 5});
  std::vector<Eigen::Vector3d> target;
  for (const auto& p : source) target.push_back(motion * (2.5 * p));
  const Similarity found = AlignPoints(source, target);
  ASSERT_TRUE(found.ok);
  EXPECT_NEAR(found.scale, 2.5, 1e-12);
  EXPECT_LT((found.rotation - motion.linear()).norm(), 1e-12);
  EXPECT_LT((found.translation - motion.translation()).norm(), 1e-11);
  EXPECT_LT(found.rms, 1e-11);
}

TEST(AlignPoints, GivesARotationForMirroredPoints) {
  auto rng = test::Rng();
  const auto source = test::RandomPoints(rng, 20);
  std::vector<Eigen::Vector3d> target;
  for (const auto& p : source) target.emplace_back(-p.x(), p.y(), p.z());
  const Similarity found = AlignPoints(source, target);
  ASSERT_TRUE(found.ok);
  EXPECT_NEAR(found.rotation.determinant(), 1, 1e-12);
  EXPECT_GT(found.rms, 0.1);
}

TEST(AlignPoints, ThreePointsOfAPlaneAreEnoughButNotOfALine) {
  const std::vector<Eigen::Vector3d> plane = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}};
  EXPECT_LT(AlignPoints(plane, plane).rms, 1e-12);
  EXPECT_TRUE(AlignPoints(plane, plane).ok);
  const std::vector<Eigen::Vector3d> line = {{0, 0, 0}, {1, 1, 1}, {2, 2, 2}};
  EXPECT_FALSE(AlignPoints(line, line).ok);
  EXPECT_FALSE(AlignPoints({{0, 0, 0}, {1, 0, 0}}, {{0, 0, 0}, {1, 0, 0}}).ok);
  EXPECT_FALSE(AlignPoints({}, {}).ok);
}

TEST(AlignPoints, HoldsTheScaleOnRequest) {
  auto rng = test::Rng();
  const auto source = test::RandomPoints(rng, 20);
  std::vector<Eigen::Vector3d> target;
  for (const auto& p : source) target.push_back(3 * p);
  EXPECT_EQ(AlignPoints(source, target, false).scale, 1);
  EXPECT_NEAR(AlignPoints(source, target, true).scale, 3, 1e-12);
}

TEST(AlignPoints, LengthsMustAgree) { EXPECT_THROW(AlignPoints({{0, 0, 0}}, {}), Error); }

}  // namespace
}  // namespace mdvt
