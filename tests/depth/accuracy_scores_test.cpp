// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/accuracy_scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "io/expect_error.h"
#include "support/raycast.h"

namespace mdvt::test {
namespace {

struct Map {
  Map(int w, int h, std::vector<float> v) : width(w), height(h), values(std::move(v)) {}
  template <typename At>
  Map(int w, int h, const At& at) : width(w), height(h) {
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x) values.push_back(static_cast<float>(at(x, y)));
  }
  operator DepthView() const {
    return {values.data(), static_cast<ptrdiff_t>(sizeof(float)) * width, width, height};
  }
  int width, height;
  std::vector<float> values;
};

TEST(AccuracyScores, AreTheirFormulas) {
  AccuracyScores scores;
  // Ratios 1, 1.1, 1.5, 0.5; one without data, one beyond the range.
  scores.Add(Map(6, 1, std::vector<float>{2, 2.2f, 6, 1, 0, 3}),
             Map(6, 1, std::vector<float>{2, 2, 4, 2, 3, 200}));
  const AccuracyResult result = scores.Result();
  EXPECT_EQ(result.pixels, 4);
  EXPECT_NEAR(result.abs_rel, (0 + 0.1 + 0.5 + 0.5) / 4, 1e-6);
  EXPECT_NEAR(result.sq_rel, (0.04 / 2 + 4.0 / 4 + 1.0 / 2) / 4, 1e-6);
  EXPECT_NEAR(result.rmse, std::sqrt((0.04 + 4 + 1) / 4), 1e-6);
  const double a = std::log(1.1), b = std::log(1.5), c = std::log(0.5);
  const double squares = (a * a + b * b + c * c) / 4, mean = (a + b + c) / 4;
  EXPECT_NEAR(result.rmse_log, std::sqrt(squares), 1e-6);
  EXPECT_NEAR(result.si_log, std::sqrt(squares - mean * mean), 1e-6);
  EXPECT_NEAR(result.delta1, 0.5, 1e-9);
  EXPECT_NEAR(result.delta2, 0.75, 1e-9);
  EXPECT_NEAR(result.delta3, 0.75, 1e-9);
  EXPECT_EQ(AccuracyScores().Result().pixels, 0);
  ExpectError(Code::kInvalidArgument, "differ in size", [] {
    AccuracyScores().Add(Map(2, 1, std::vector<float>{1, 1}), Map(1, 1, std::vector<float>{1}));
  });
}

TEST(AlignmentFit, FindsWhatWasApplied) {
  const auto truth_at = [](int x, int y) { return 1 + 0.1 * x + 0.05 * y; };
  const Map truth(40, 30, truth_at);
  AlignmentFit scale(DepthAlignment::kScale), depth(DepthAlignment::kDepth),
      disparity(DepthAlignment::kDisparity), none(DepthAlignment::kNone);
  scale.Add(Map(40, 30, [&](int x, int y) { return truth_at(x, y) / 3; }), truth);
  EXPECT_NEAR(scale.Solve().scale, 3, 3e-4);
  depth.Add(Map(40, 30, [&](int x, int y) { return (truth_at(x, y) - 0.5) / 2; }), truth);
  EXPECT_NEAR(depth.Solve().scale, 2, 1e-4);
  EXPECT_NEAR(depth.Solve().shift, 0.5, 1e-4);
  disparity.Add(Map(40, 30, [&](int x, int y) { return 1 / (0.5 / truth_at(x, y) + 0.02); }),
                truth);
  const DepthTransform line = disparity.Solve();
  EXPECT_NEAR(line.scale, 2, 1e-4);
  EXPECT_NEAR(line.shift, -0.04, 1e-5);
  EXPECT_NEAR(line.Apply(1 / (0.5 / 4 + 0.02)), 4, 1e-3);
  EXPECT_EQ(line.Apply(0), 0);
  EXPECT_EQ(none.Solve().Apply(3), 3);
  ExpectError(Code::kNotConverged, "no pixel",
              [] { AlignmentFit(DepthAlignment::kScale).Solve(); });
  AlignmentFit inverted(DepthAlignment::kDepth);
  inverted.Add(Map(40, 30, [&](int x, int y) { return 10 - truth_at(x, y); }), truth);
  ExpectError(Code::kNotConverged, "positive scale", [&] { inverted.Solve(); });
}

TEST(EdgeScores, CountWhatIsFound) {
  const auto step_at = [](int column) {
    return Map(20, 10, [=](int x, int) { return x < column ? 2 : 4; });
  };
  EdgeScores same, near, far, none;
  same.Add(step_at(8), step_at(8));
  EXPECT_EQ(same.Result().f1, 1);
  EXPECT_EQ(same.Result().true_edges, 10);
  near.Add(step_at(9), step_at(8));
  EXPECT_EQ(near.Result().f1, 1);
  far.Add(step_at(12), step_at(8));
  EXPECT_EQ(far.Result().f1, 0);
  none.Add(Map(20, 10, [](int, int) { return 3; }), step_at(8));
  EXPECT_EQ(none.Result().recall, 0);
  EXPECT_EQ(none.Result().f1, 0);
  // Twice the edges, half of them true.
  EdgeScores half;
  half.Add(Map(20, 10, [](int x, int) { return x < 8 || x >= 15 ? 2 : 4; }), step_at(8));
  EXPECT_NEAR(half.Result().precision, 0.5, 1e-9);
  EXPECT_EQ(half.Result().recall, 1);
}

class Tae : public ::testing::TestWithParam<TaeVariant> {};

TEST_P(Tae, TrueDepthHasNoneAndFlickerItsSize) {
  const Clip clip = Scenes::Room(96, 54);
  const RayCaster caster(clip.scene);
  TaeScores still(GetParam()), flickers(GetParam());
  for (int i = 0; i < 4; ++i) {
    const View view = clip.At(2 * i);
    const Image truth = caster.Depth(view);
    const float factor = i % 2 == 0 ? 1.0f : 1.04f;
    Map noisy(96, 54, [&](int x, int y) { return factor * truth.Plane<float>().At(x, y); });
    const DepthView of_truth =
        GetParam() == TaeVariant::kFixed ? truth.Plane<float>() : DepthView();
    still.Add(truth.Plane<float>(), of_truth, view.camera, view.world_from_cam);
    flickers.Add(noisy, of_truth, view.camera, view.world_from_cam);
  }
  EXPECT_EQ(still.of_pairs().size(), 4u);
  EXPECT_TRUE(std::isnan(still.of_pairs()[0]));
  // Nearest pixels do not lie where the points do.
  const double floor = GetParam() == TaeVariant::kFixed ? 0.05 : 3;
  EXPECT_LT(still.Result(), floor);
  // 4 % one way, 4 / 1.04 % the other.
  if (GetParam() == TaeVariant::kFixed) {
    EXPECT_NEAR(flickers.Result(), (4 + 4 / 1.04) / 2, 0.4);
  }
  EXPECT_GT(flickers.Result(), still.Result() + 1);
}

INSTANTIATE_TEST_SUITE_P(Variants, Tae, ::testing::Values(TaeVariant::kFixed, TaeVariant::kSplat));

TEST(TaeScores, WithoutPairsSayNothing) {
  TaeScores scores;
  EXPECT_TRUE(std::isnan(scores.Result()));
  const Camera camera = Camera::FromFov(4, 4, 60, std::nullopt);
  ExpectError(Code::kInvalidArgument, "differ in size", [&] {
    scores.Add(Map(3, 3, [](int, int) { return 1; }), DepthView(), camera, Pose::Identity());
  });
}

}  // namespace
}  // namespace mdvt::test
