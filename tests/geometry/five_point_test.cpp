// SPDX-License-Identifier: Apache-2.0
#include "geometry/five_point.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <random>

#include "geometry/samples.h"
#include "mdvt/core/pose.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using Pairs = std::array<Eigen::Vector2d, 5>;

TEST(EssentialFromFivePairs, TheTrueOneIsAmongThem) {
  std::mt19937_64 random = test::Rng();
  std::uniform_real_distribution<double> unit(-1, 1);
  int found = 0, solutions = 0;
  constexpr int kTrials = 500;
  for (int trial = 0; trial < kTrials; ++trial) {
    Pose cam2_from_cam1 = Pose::Identity();
    const Eigen::Vector3d axis(unit(random), unit(random), unit(random));
    cam2_from_cam1.linear() = Eigen::AngleAxisd(0.4 * unit(random), axis.normalized()).matrix();
    cam2_from_cam1.translation() << unit(random), unit(random), unit(random);
    Pairs a, b;
    for (size_t i = 0; i < 5; ++i) {
      const Eigen::Vector3d point(3 * unit(random), 3 * unit(random), 6 + 2 * unit(random));
      a[i] = point.hnormalized();
      b[i] = (cam2_from_cam1 * point).hnormalized();
    }
    const Eigen::Vector3d& t = cam2_from_cam1.translation();
    Eigen::Matrix3d cross;
    cross << 0, -t.z(), t.y(), t.z(), 0, -t.x(), -t.y(), t.x(), 0;
    const Eigen::Matrix3d truth = (cross * cam2_from_cam1.linear()).normalized();
    double nearest = 2;
    for (const Eigen::Matrix3d& one : EssentialFromFivePairs(a, b)) {
      ++solutions;
      nearest = std::min({nearest, (one - truth).norm(), (one + truth).norm()});
      EXPECT_NEAR(one.norm(), 1, 1e-12);
      EXPECT_NEAR(one.determinant(), 0, 1e-6);
      for (size_t i = 0; i < 5; ++i)
        EXPECT_NEAR(b[i].homogeneous().dot(one * a[i].homogeneous()), 0, 1e-9);
    }
    found += nearest < 1e-6;
  }
  // A few samples are degenerate up to the last digits.
  EXPECT_GE(found, kTrials * 99 / 100);
  EXPECT_LE(solutions, kTrials * 10);
}

TEST(EssentialFromFivePairs, DegeneratePairsAreNoTrouble) {
  Pairs same;
  same.fill({0.1, 0.2});
  for (const Eigen::Matrix3d& one : EssentialFromFivePairs(same, same))
    EXPECT_TRUE(one.allFinite());
  Pairs line;
  for (size_t i = 0; i < 5; ++i) line[i] = {0.1 * static_cast<double>(i), 0};
  for (const Eigen::Matrix3d& one : EssentialFromFivePairs(line, line))
    EXPECT_TRUE(one.allFinite());
}

TEST(Samples, AreDifferentNumbersInTheSameOrder) {
  Samples<5> first(7), second(7);
  for (int i = 0; i < 100; ++i) {
    auto sample = first.Next();
    EXPECT_EQ(sample, second.Next());
    std::sort(sample.begin(), sample.end());
    EXPECT_EQ(std::unique(sample.begin(), sample.end()), sample.end());
    EXPECT_LT(sample.back(), 7u);
  }
}

TEST(Samples, AsManyAsTheConfidenceAsksFor) {
  for (const double good : {0.3, 0.5, 0.9})
    for (const int size : {3, 5}) {
      const double exact = std::log(1 - 0.999) / std::log(1 - std::pow(good, size));
      EXPECT_NEAR(SamplesNeeded(good, size, 0.999, 100000), exact, 1.0);
    }
  EXPECT_EQ(SamplesNeeded(1, 5, 0.999, 1000), 1);
  EXPECT_EQ(SamplesNeeded(0, 5, 0.999, 1000), 1000);
}

}  // namespace
}  // namespace mdvt
