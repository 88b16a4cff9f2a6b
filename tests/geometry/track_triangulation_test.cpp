// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/track_triangulation.h"

#include <gtest/gtest.h>

#include "mdvt/core/error.h"
#include "support/test_env.h"
#include "synthetic.h"

namespace mdvt::test {
namespace {

constexpr double kFocal = 600;

// A camera that goes sideways by `step` metres from one view to the next and turns a little.
std::vector<PointView> Sideways(const Eigen::Vector3d& point, int count, double step) {
  std::vector<PointView> views;
  for (int i = 0; i < count; ++i) {
    PointView view;
    view.cam_from_world =
        MakePose({0, 0.004 * i, 0.002 * i}, {step * i, 0.1 * step * i, 0}).inverse();
    view.xy = (view.cam_from_world * point).hnormalized();
    views.push_back(view);
  }
  return views;
}

TrackTriangulationOptions Options() {
  TrackTriangulationOptions options;
  options.focal = kFocal;
  return options;
}

void AddNoise(std::vector<PointView>* views, std::mt19937_64& rng, double pixels) {
  for (PointView& view : *views)
    view.xy += pixels / kFocal * Eigen::Vector2d(Normal(rng), Normal(rng));
}

TEST(TrackTriangulation, FindsExactPointsExactly) {
  auto rng = Rng();
  for (const Eigen::Vector3d& point : RandomPoints(rng, 50)) {
    const TriangulatedTrack track = TriangulateTrack(Sideways(point, 12, 0.05), Options());
    ASSERT_EQ(track.status, TrackStatus::kOk);
    EXPECT_LT((track.point - point).norm(), 1e-6);
    EXPECT_EQ(track.inliers, 12);
    EXPECT_LT(track.rms, 1e-6);
  }
}

TEST(TrackTriangulation, LivesWithFortyPercentOfWrongSightings) {
  auto rng = Rng();
  int found = 0;
  for (const Eigen::Vector3d& point : RandomPoints(rng, 100)) {
    std::vector<PointView> views = Sideways(point, 20, 0.05);
    AddNoise(&views, rng, 0.3);
    for (int wrong = 0; wrong < 8; ++wrong)
      views[rng() % 20].xy += Eigen::Vector2d(Uniform(rng, 0.05, 0.3), Uniform(rng, -0.2, 0.2));
    TrackTriangulationOptions options = Options();
    options.min_inliers = 0.5;
    const TriangulatedTrack track = TriangulateTrack(views, options);
    if (track.ok() && (track.point - point).norm() < 0.05 * point.z()) ++found;
  }
  EXPECT_GE(found, 95);
}

TEST(TrackTriangulation, SaysHowSureItIs) {
  auto rng = Rng();
  const Eigen::Vector3d point(0.3, -0.2, 5);
  double squares = 0, sigma = 0;
  constexpr int kTrials = 200;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<PointView> views = Sideways(point, 12, 0.04);
    AddNoise(&views, rng, 0.5);
    const TriangulatedTrack track = TriangulateTrack(views, Options());
    ASSERT_TRUE(track.ok());
    const double error = (track.point.norm() - point.norm()) / point.norm();
    squares += error * error / kTrials;
    sigma += track.sigma / kTrials;
  }
  EXPECT_NEAR(sigma / std::sqrt(squares), 1, 0.4);
}

TEST(TrackTriangulation, RefusesWhatTellsNoDistance) {
  const Eigen::Vector3d point(0.3, -0.2, 5);
  EXPECT_EQ(TriangulateTrack(Sideways(point, 4, 0.05), Options()).status,
            TrackStatus::kTooFewViews);
  EXPECT_EQ(TriangulateTrack(Sideways(point, 5, 0.05), Options()).status, TrackStatus::kOk)
      << "the least number is enough";
  EXPECT_EQ(TriangulateTrack(Sideways(point, 12, 0.005), Options()).status,
            TrackStatus::kNoParallax)
      << "0.6 degrees";
  EXPECT_EQ(TriangulateTrack(Sideways(point, 12, 0), Options()).status, TrackStatus::kNoParallax);
  EXPECT_EQ(TriangulateTrack({}, Options()).status, TrackStatus::kTooFewViews);
}

TEST(TrackTriangulation, RefusesPointsBehindTheCameras) {
  EXPECT_EQ(TriangulateTrack(Sideways({0.3, -0.2, -5}, 12, 0.05), Options()).status,
            TrackStatus::kBehind);
  TrackTriangulationOptions far = Options();
  far.min_depth = 6;
  EXPECT_EQ(TriangulateTrack(Sideways({0.3, -0.2, 5}, 12, 0.05), far).status, TrackStatus::kBehind);
}

TEST(TrackTriangulation, RefusesPointsThatMove) {
  // Up, across the way of the camera: no point at rest looks like it.
  std::vector<PointView> views;
  for (int i = 0; i < 20; ++i) {
    const Eigen::Vector3d point(0.3, -0.2 + 0.0016 * i, 5);
    views.push_back(Sideways(point, 20, 0.05)[static_cast<size_t>(i)]);
  }
  EXPECT_EQ(TriangulateTrack(views, Options()).status, TrackStatus::kMoving);
  for (int i = 0; i < 20; ++i) {
    const Eigen::Vector3d point(0.3, -0.2 + 0.03 * i, 5);
    views[static_cast<size_t>(i)] = Sideways(point, 20, 0.05)[static_cast<size_t>(i)];
  }
  EXPECT_FALSE(TriangulateTrack(views, Options()).ok());
}

TEST(TrackTriangulation, RejectsOptionsOutOfRange) {
  TrackTriangulationOptions options;
  options.focal = 0;
  EXPECT_THROW(TriangulateTrack({}, options), Error);
  options = {};
  options.min_views = 1;
  EXPECT_THROW(TriangulateTrack({}, options), Error);
  options = {};
  options.max_rms = std::nan("");
  EXPECT_THROW(TriangulateTrack({}, options), Error);
}

}  // namespace
}  // namespace mdvt::test
