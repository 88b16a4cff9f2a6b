// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/triangulation.h"

#include <gtest/gtest.h>

#include "mdvt/core/error.h"
#include "support/test_env.h"
#include "synthetic.h"

namespace mdvt {
namespace {

std::vector<PointView> Views(const Eigen::Vector3d& point, const std::vector<Pose>& cameras) {
  std::vector<PointView> views;
  for (const Pose& camera : cameras) views.push_back({camera, (camera * point).hnormalized()});
  return views;
}

const Pose kLeft = Pose::Identity();
const Pose kRight = test::MakePose({0, 0.1, 0}, {-0.5, 0.1, 0});
const Pose kUp = test::MakePose({0.1, 0, 0.2}, {0, 0.4, 0.1});

TEST(Triangulate, FindsExactPoints) {
  auto rng = test::Rng();
  for (const Eigen::Vector3d& truth : test::RandomPoints(rng, 50)) {
    for (const auto& cameras :
         {std::vector<Pose>{kLeft, kRight}, std::vector<Pose>{kLeft, kRight, kUp}}) {
      const TriangulatedPoint point = Triangulate(Views(truth, cameras));
      ASSERT_EQ(point.status, TriangulationStatus::kOk);
      EXPECT_LT((point.point - truth).norm(), 1e-7);
      EXPECT_LT(point.rms, 1e-9);
      EXPECT_GT(point.angle, 0.01);
    }
  }
}

TEST(Triangulate, MinimisesTheErrorInThePictures) {
  auto rng = test::Rng();
  for (const Eigen::Vector3d& truth : test::RandomPoints(rng, 30)) {
    auto views = Views(truth, {kLeft, kRight, kUp});
    for (PointView& view : views)
      view.xy += 0.001 * Eigen::Vector2d(test::Normal(rng), test::Normal(rng));
    TriangulationOptions options;
    options.max_error = options.max_rms = 1;
    const TriangulatedPoint point = Triangulate(views, options);
    ASSERT_TRUE(point.ok());
    const auto cost = [&](const Eigen::Vector3d& x) {
      double sum = 0;
      for (const PointView& view : views)
        sum += ((view.cam_from_world * x).hnormalized() - view.xy).squaredNorm();
      return sum;
    };
    EXPECT_NEAR(point.rms, std::sqrt(cost(point.point) / 3), 1e-12);
    for (int axis = 0; axis < 3; ++axis)
      for (const double step : {-1e-4, 1e-4})
        EXPECT_GE(cost(point.point + step * Eigen::Vector3d::Unit(axis)), cost(point.point));
  }
}

TEST(Triangulate, NamesWhatIsWrong) {
  EXPECT_EQ(Triangulate({}).status, TriangulationStatus::kTooFewViews);
  EXPECT_EQ(Triangulate(Views({0, 0, 5}, {kLeft})).status, TriangulationStatus::kTooFewViews);
  EXPECT_EQ(Triangulate(Views({0, 0, 5}, {kLeft, kLeft})).status, TriangulationStatus::kNoParallax);
  EXPECT_EQ(Triangulate(Views({0, 0, 500}, {kLeft, kRight})).status,
            TriangulationStatus::kNoParallax);
  // The pictures of a point behind both cameras: the rays meet there, but nothing is seen there.
  EXPECT_EQ(Triangulate(Views({0.1, 0.2, -4}, {kLeft, kRight})).status,
            TriangulationStatus::kBehind);
  auto crossing = Views({0, 0, 4}, {kLeft, kRight});
  crossing[1].xy.y() += 0.05;
  EXPECT_EQ(Triangulate(crossing).status, TriangulationStatus::kInconsistent);
}

TEST(Triangulate, RejectsBadOptions) {
  TriangulationOptions options;
  options.max_rms = -1;
  EXPECT_THROW(Triangulate({}, options), Error);
  options.max_rms = std::nan("");
  EXPECT_THROW(Triangulate({}, options), Error);
}

}  // namespace
}  // namespace mdvt
