// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/vanishing_points.h"

#include <gtest/gtest.h>

#include <cmath>

#include "synthetic.h"

namespace mdvt::test {
namespace {

// Edges of boxes along three axes, seen by a camera that is turned so, with noise, and some that
// point anywhere.
std::vector<ImageSegment> Edges(double focal, const Eigen::Vector3d& turn, double noise, int strays,
                                uint64_t seed) {
  std::mt19937_64 rng(seed);
  const Eigen::Matrix3d axes = MakePose(turn, {0, 0, 0}).linear();
  std::vector<ImageSegment> edges;
  const auto project = [&](const Eigen::Vector3d& p) -> Eigen::Vector2d {
    return focal * p.hnormalized() + noise * Eigen::Vector2d(Normal(rng), Normal(rng));
  };
  for (int i = 0; i < 60; ++i) {
    const Eigen::Vector3d from = RandomPoints(rng, 1)[0];
    const Eigen::Vector3d to = from + 0.8 * axes.col(i % 3);
    if (to.z() > 0.5) edges.emplace_back(project(from), project(to));
  }
  for (int i = 0; i < strays; ++i) {
    const Eigen::Vector3d from = RandomPoints(rng, 1)[0];
    const Eigen::Vector3d to = from + 0.6 * RandomVector(rng);
    if (to.z() > 0.5) edges.emplace_back(project(from), project(to));
  }
  return edges;
}

TEST(FitManhattan, FindsTheFocalLength) {
  for (const double focal : {0.8, 1.5, 2.5}) {
    const ManhattanFit fit = FitManhattan(Edges(focal, {0.3, 0.6, 0.1}, 0.001, 20, 3));
    ASSERT_TRUE(fit.ok) << fit.reason;
    EXPECT_NEAR(fit.focal / focal, 1, 0.03) << focal;
    EXPECT_GT(fit.support, 0.6);
  }
}

TEST(FitManhattan, HasNoAnswerStraightOn) {
  // One vanishing point is finite only.
  EXPECT_FALSE(FitManhattan(Edges(1.5, {0, 0, 0}, 0, 0, 4)).ok);
  EXPECT_FALSE(FitManhattan({}).ok);
  std::mt19937_64 rng(5);
  std::vector<ImageSegment> anywhere;
  for (int i = 0; i < 80; ++i)
    anywhere.push_back({RandomVector(rng).head<2>(), RandomVector(rng).head<2>()});
  EXPECT_FALSE(FitManhattan(anywhere).ok);
}

TEST(JoinManhattan, SaysHowFarPicturesScatter) {
  std::vector<ManhattanFit> fits(5);
  for (size_t i = 0; i < 5; ++i) {
    fits[i].ok = true;
    fits[i].focal = 1.5 * std::exp(0.1 * (static_cast<double>(i) - 2));
  }
  ManhattanFocal joined = JoinManhattan(fits);
  EXPECT_TRUE(joined.ok);
  EXPECT_NEAR(joined.focal, 1.5, 1e-9);
  EXPECT_NEAR(joined.sigma_log, 0.14826, 1e-6);
  fits.resize(2);
  EXPECT_FALSE(JoinManhattan(fits).ok);
  fits.resize(1);
  joined = JoinManhattan(fits);
  EXPECT_TRUE(joined.ok);
  EXPECT_DOUBLE_EQ(joined.sigma_log, 0.03);
}

}  // namespace
}  // namespace mdvt::test
