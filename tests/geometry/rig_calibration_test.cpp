// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/rig_calibration.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>
#include <random>

#include "io/expect_error.h"

namespace mdvt::test {
namespace {

using Eigen::AngleAxisd;
using Eigen::Matrix3d;
using Eigen::Vector3d;

constexpr double kDegree = M_PI / 180;
constexpr double kBaseline = 0.063;

struct Rig {
  Vector3d turn_deg{0.12, -0.3, 0.2};     // of the right eye against the left one
  double yaw_deg = 1.5, roll_deg = -0.8;  // of the baseline
  double scale = 1;                       // of angles, that the pictures are taken to have less of

  // From the rectified axes to those of an eye.
  Matrix3d Eye(int side) const {
    const Vector3d half = 0.5 * side * kDegree * turn_deg;
    const Vector3d common = kDegree * Vector3d(0, yaw_deg, roll_deg);
    return AngleAxisd(common.norm(), common.normalized()).toRotationMatrix() *
           AngleAxisd(half.norm(), half.normalized()).toRotationMatrix();
  }
};

Vector3d Shrunk(const Vector3d& ray, double scale) {
  const double t = std::atan2(ray.x(), ray.z()) / scale, p = std::asin(ray.y()) / scale;
  return {std::cos(p) * std::sin(t), std::sin(p), std::cos(p) * std::cos(t)};
}

// Points in front of the rig at distances in [near, far], seen with noise, a share of them wrong.
std::vector<RayPair> See(const Rig& rig, double near, double far, double noise = 3e-4,
                         double wrong = 0.1) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> uniform;
  std::normal_distribution<double> normal;
  std::vector<RayPair> pairs;
  for (int i = 0; i < 4000; ++i) {
    const double t = 1.4 * (uniform(random) - 0.5), p = 1.4 * (uniform(random) - 0.5);
    const double distance = near * std::pow(far / near, uniform(random));
    const Vector3d point =
        distance * Vector3d(std::cos(p) * std::sin(t), std::sin(p), std::cos(p) * std::cos(t));
    const auto see = [&](int side) {
      const Vector3d ray = (point - Vector3d(0.5 * side * kBaseline, 0, 0)).normalized();
      Vector3d seen = rig.Eye(side) * ray;
      for (int k = 0; k < 3; ++k) seen(k) += noise * normal(random);
      if (uniform(random) < wrong / 2) seen += 0.05 * Vector3d(normal(random), normal(random), 0);
      return Shrunk(seen.normalized(), rig.scale);
    };
    RayPair pair{see(-1), see(1), i % 64};
    pairs.push_back(pair);
  }
  return pairs;
}

double AngleDeg(const Matrix3d& a, const Matrix3d& b) {
  return AngleAxisd(a.transpose() * b).angle() / kDegree;
}

TEST(RigCalibration, FindsTheTurnsOfTheEyes) {
  const Rig rig;
  const RigCalibration found = CalibrateRig(See(rig, 0.5, 20));
  ASSERT_TRUE(found.turn_known);
  ASSERT_TRUE(found.axis_known);
  EXPECT_FALSE(found.scale_known);
  std::printf("turn %.4f %.4f %.4f, sigma %.4f %.4f %.4f, axis %.3f %.3f, sigma %.3f %.3f\n",
              found.turn_deg.x(), found.turn_deg.y(), found.turn_deg.z(), found.turn_sigma_deg.x(),
              found.turn_sigma_deg.y(), found.turn_sigma_deg.z(), found.axis_deg.x(),
              found.axis_deg.y(), found.axis_sigma_deg.x(), found.axis_sigma_deg.y());
  for (int k = 0; k < 3; ++k) {
    EXPECT_NEAR(found.turn_deg(k), rig.turn_deg(k), 4 * found.turn_sigma_deg(k)) << k;
    EXPECT_LT(found.turn_sigma_deg(k), 0.02) << k;
  }
  EXPECT_NEAR(found.axis_deg.x(), rig.yaw_deg, 4 * found.axis_sigma_deg.x());
  EXPECT_NEAR(found.axis_deg.y(), rig.roll_deg, 4 * found.axis_sigma_deg.y());
  for (const int side : {-1, 1})
    EXPECT_LT(AngleDeg(found.rig_from_rectified[side < 0 ? 0 : 1], rig.Eye(side)), 0.1) << side;
  EXPECT_GT(found.miss_before, 5 * found.miss_after);
  EXPECT_LT(found.miss_after, 5e-4);
}

// Its deviations are those of the errors: 20 rigs, seen with noise of their own.
TEST(RigCalibration, UncertaintyIsThatOfTheErrors) {
  RigCalibrationOptions options;
  options.least_noise = 1e-6;
  double squares = 0;
  for (int i = 0; i < 20; ++i) {
    Rig rig;
    rig.turn_deg = Vector3d(0.03 * i - 0.3, 0.2 - 0.02 * i, 0.01 * i);
    rig.roll_deg = 0.1 * i;
    const RigCalibration found = CalibrateRig(See(rig, 0.6, 10, 1e-3), options);
    for (int k = 0; k < 3; ++k)
      squares += std::pow((found.turn_deg(k) - rig.turn_deg(k)) / found.turn_sigma_deg(k), 2) / 60;
  }
  EXPECT_LT(squares, 2.5);
  EXPECT_GT(squares, 0.05);
}

TEST(RigCalibration, DistantThingsTellTheTurnAlone) {
  const Rig rig;
  const RigCalibration found = CalibrateRig(See(rig, 300, 2000));
  ASSERT_TRUE(found.turn_known);
  EXPECT_FALSE(found.axis_known);
  EXPECT_EQ(found.axis_deg.norm(), 0);
  EXPECT_GT(found.axis_sigma_deg.maxCoeff(), 0.5);
  EXPECT_LT(found.miss_after, 5e-4);
}

TEST(RigCalibration, FindsTheScaleOfAngles) {
  Rig rig;
  rig.scale = 1.04;
  RigCalibrationOptions options;
  options.find_scale = true;
  const RigCalibration found = CalibrateRig(See(rig, 0.4, 5, 3e-4, 0.02), options);
  std::printf("scale %.5f +- %.5f\n", found.scale, found.scale_sigma);
  ASSERT_TRUE(found.scale_known);
  EXPECT_NEAR(found.scale, 1.04, 4 * found.scale_sigma);
  // Nothing near: the scale cannot be seen, and is not guessed.
  const RigCalibration distant = CalibrateRig(See(rig, 300, 2000), options);
  EXPECT_FALSE(distant.scale_known);
  EXPECT_EQ(distant.scale, 1);
}

TEST(RigCalibration, SaysWhatCannotBeKnown) {
  EXPECT_FALSE(CalibrateRig({}).turn_known);
  const Rig rig;
  std::vector<RayPair> pairs = See(rig, 0.5, 20);
  pairs.resize(100);
  EXPECT_FALSE(CalibrateRig(pairs).turn_known);
  // All in one place of the picture.
  pairs = See(rig, 0.5, 20);
  std::vector<RayPair> some;
  for (const RayPair& pair : pairs)
    if ((pair.left - Vector3d(0, 0, 1)).norm() < 0.12) some.push_back(pair);
  ASSERT_GT(some.size(), 30u);
  while (some.size() < 300) some.push_back(some[some.size() % 30]);
  EXPECT_FALSE(CalibrateRig(some).turn_known);
  // Nothing matches.
  EXPECT_FALSE(CalibrateRig(See(rig, 0.5, 20, 0.2, 1)).turn_known);
  pairs[0].left *= 2;
  ExpectError(Code::kInvalidArgument, "length 1", [&] { CalibrateRig(pairs); });
  RigCalibrationOptions options;
  options.least_noise = 0;
  ExpectError(Code::kInvalidArgument, "above 0", [&] { CalibrateRig(See(rig, 1, 2), options); });
}

}  // namespace
}  // namespace mdvt::test
