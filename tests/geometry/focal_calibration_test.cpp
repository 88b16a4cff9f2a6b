// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/focal_calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "alignment_simulation.h"
#include "io/expect_error.h"

namespace mdvt::test {
namespace {

constexpr double kDegree = M_PI / 180;

// The bundle problem of points seen by cameras on a path, started at the truth but for a focal
// length that is 12 % off; or with another one in each frame.
BundleProblem MakeProblem(const std::function<Pose(double)>& path, bool turning,
                          const std::function<double(double)>& zoom = nullptr) {
  constexpr int kFrames = 30, kPoints = 300;
  const Camera truth{1920, 1080, 1400, 1400, 960, 540};
  std::mt19937_64 rng(17);
  BundleProblem problem;
  Camera start = truth;
  start.fx *= 1.12;
  start.fy *= 1.12;
  problem.lenses.push_back({start, true});
  for (int f = 0; f < kFrames; ++f) {
    const bool held = f == 0;
    problem.poses.push_back({path(f / (kFrames - 1.0)), held, held || turning});
    problem.cameras.push_back({f, 0, -1});
  }
  // Where the camera of a frame sees a point.
  const auto see = [&](int f, const Eigen::Vector3d& point, Eigen::Vector2d* xy) {
    Camera lens = truth;
    if (zoom) lens.fx = lens.fy = 1400 * zoom(f / (kFrames - 1.0));
    const Eigen::Vector3d at = problem.poses[static_cast<size_t>(f)].pose.inverse() * point;
    if (!(at.z() > 0.2)) return false;
    *xy = Project(lens, at);
    return xy->x() > 0 && xy->y() > 0 && xy->x() < 1920 && xy->y() < 1080;
  };
  while (problem.points.size() < kPoints) {
    const double z = std::exp(Uniform(rng, std::log(2.5), std::log(12.5)));
    const Eigen::Vector3d point =
        Unproject(truth, {Uniform(rng, 0, 1920), Uniform(rng, 0, 1080)}, z);
    Eigen::Vector2d xy;
    bool throughout = true;
    for (int f = 0; f < kFrames; ++f) throughout &= see(f, point, &xy);
    if (!throughout) continue;
    const auto number = static_cast<int>(problem.points.size());
    problem.points.push_back({point, false});
    for (int f = 0; f < kFrames; ++f) {
      see(f, point, &xy);
      problem.sights.push_back(
          {f, number, xy + 0.5 * Eigen::Vector2d(Normal(rng), Normal(rng)), 0.6});
    }
  }
  problem.sight_loss = {BundleLoss::Kind::kCauchy, 2};
  return problem;
}

void ExpectFound(const char* what, const std::function<Pose(double)>& path, bool turning,
                 FocalStatus status = FocalStatus::kObservable) {
  SCOPED_TRACE(what);
  BundleProblem problem = MakeProblem(path, turning);
  const FocalCalibration found = CalibrateFocal(&problem);
  EXPECT_EQ(found.status, status) << found.reason << ", " << found.fx << " in " << found.low_fx
                                  << ".." << found.high_fx << ", sigma " << found.sigma_log
                                  << ", correlation " << found.distortion_correlation;
  EXPECT_LT(found.low_fx, 1400);
  EXPECT_GT(found.high_fx, 1400);
  EXPECT_NEAR(found.fx / 1400, 1, 0.02);
  EXPECT_LT(std::fabs(std::log(found.fx / 1400)), 2 * found.sigma_log + 0.002);
  EXPECT_GE(found.profile.size(), 6u);
  EXPECT_NEAR(problem.lenses[0].camera.fx, found.fx, 1e-6 * found.fx);
}

void ExpectRefused(const char* what, const std::function<Pose(double)>& path) {
  SCOPED_TRACE(what);
  BundleProblem problem = MakeProblem(path, false);
  const FocalCalibration found = CalibrateFocal(&problem);
  EXPECT_EQ(found.status, FocalStatus::kNotObservable);
  EXPECT_FALSE(found.reason.empty());
  EXPECT_FALSE(found.accepted(true));
  EXPECT_NEAR(found.start_fx, 1568, 1e-9);
}

TEST(CalibrateFocal, IsRefusedWithoutPanOrTilt) {
  ExpectRefused("at rest", [](double) { return Pose::Identity(); });
  ExpectRefused("roll", [](double t) { return MakePose({0, 0, 20 * kDegree * t}, {0, 0, 0}); });
  ExpectRefused("sideways", [](double t) { return MakePose({0, 0, 0}, {t, 0, 0}); });
  ExpectRefused("sideways, curved", [](double t) {
    return MakePose({0, 0, 0}, {t, 0.3 * t * t, 0});
  });
  ExpectRefused("forward", [](double t) { return MakePose({0, 0, 0}, {0, 0, t}); });
  ExpectRefused("sideways and forward in an arc", [](double t) {
    return MakePose({0, 0, 0}, {std::sin(t), 0, 1 - std::cos(t)});
  });
  ExpectRefused("sideways with roll", [](double t) {
    return MakePose({0, 0, 10 * kDegree * t}, {t, 0, 0});
  });
}

TEST(CalibrateFocal, IsFoundByPanAlone) {
  ExpectFound(
      "pan 20",
      [](double t) {
        return MakePose({0, 20 * kDegree * t, 0}, {0, 0, 0});
      },
      true);
  ExpectFound(
      "pan 2",
      [](double t) {
        return MakePose({0, 2 * kDegree * t, 0}, {0, 0, 0});
      },
      true, FocalStatus::kWeak);
  ExpectFound(
      "pan 5",
      [](double t) {
        return MakePose({0, 5 * kDegree * t, 0}, {0, 0, 0});
      },
      true);
}

TEST(CalibrateFocal, IsFoundByPanAndTranslation) {
  ExpectFound(
      "forward with pan",
      [](double t) {
        return MakePose({0, 10 * kDegree * t, 0}, {0, 0, t});
      },
      false);
  ExpectFound(
      "orbit",
      [](double t) {
        return MakePose({0, -11 * kDegree * t, 0}, {t, 0, 0});
      },
      false);
  ExpectFound(
      "sideways with little shake",
      [](double t) {
        return MakePose({0.28 * kDegree * std::sin(40 * t),
                         0.28 * kDegree * std::cos(31 * t) - 0.28 * kDegree, 0},
                        {0.3 * t, 0, 0});
      },
      false);
  ExpectFound(
      "sideways with shake",
      [](double t) {
        return MakePose(
            {1.4 * kDegree * std::sin(40 * t), 1.4 * kDegree * std::cos(31 * t) - 1.4 * kDegree, 0},
            {0.3 * t, 0, 0});
      },
      false);
}

TEST(CalibrateFocal, AZoomIsFlagged) {
  BundleProblem problem = MakeProblem(
      [](double t) {
        return MakePose({0, 15 * kDegree * t, 0}, {0.3 * t, 0, 0});
      },
      false, [](double t) { return 1 + 0.25 * t; });
  const FocalCalibration found = CalibrateFocal(&problem);
  EXPECT_EQ(found.status, FocalStatus::kZoom) << found.reason;
  EXPECT_GT(found.zoom_log, 0.08);
  EXPECT_FALSE(found.accepted(true));
}

TEST(CalibrateFocal, RefusesProblemsOfAnotherShape) {
  BundleProblem problem;
  ExpectError(Code::kInvalidArgument, "one lens", [&] { CalibrateFocal(&problem); });
  FocalCalibrationOptions options;
  options.low = 2;
  ExpectError(Code::kInvalidArgument, "low", [&] { CalibrateFocal(&problem, options); });
}

}  // namespace
}  // namespace mdvt::test
