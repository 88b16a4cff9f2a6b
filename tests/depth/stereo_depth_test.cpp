// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/stereo_depth.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include "io/expect_error.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 120, kHeight = 80;

// Displacements of both views, and what is made of them.
struct Fields {
  using Field = std::vector<Eigen::Vector2f>;
  Field there = Field(kWidth * kHeight), back = there;
  std::vector<float> depth = std::vector<float>(kWidth * kHeight), sigma = depth;
  StereoDepthOptions options;
  StereoDepthCounts counts;

  Fields() {
    options.focal_px = 443.405;
    options.baseline = 0.063;
  }
  // The disparity of each pixel of the left view; the right one has the same at the place it shows.
  void Set(const std::function<float(int x, int y)>& disparity) {
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) {
        At(&there, x, y) = {-disparity(x, y), 0};
        At(&back, x, y) = {disparity(x, y), 0};
      }
  }
  static Eigen::Vector2f& At(Field* field, int x, int y) {
    return (*field)[static_cast<size_t>(y * kWidth + x)];
  }
  float Depth(int x, int y) const { return depth[static_cast<size_t>(y * kWidth + x)]; }
  void Run(ThreadPool* pool = nullptr) {
    const auto view = [](auto* data) {
      using T = std::remove_pointer_t<decltype(data)>;
      return PlaneView<T>{data, static_cast<ptrdiff_t>(sizeof(T) * kWidth), kWidth, kHeight};
    };
    const PlaneView<float> to_sigma = view(sigma.data());
    counts = DepthFromStereo(view(std::as_const(there).data()), view(std::as_const(back).data()),
                             options, view(depth.data()), &to_sigma, pool);
  }
};

TEST(StereoDepth, DepthIsFocalLengthTimesBaselineOverDisparity) {
  Fields fields;
  fields.Set([](int, int) { return 5.5868f; });
  fields.Run();
  EXPECT_NEAR(fields.Depth(60, 40), 5, 0.001);
  // sigma_z = z^2 / (f B) sigma_d, a quarter of a pixel where nothing else is off: 0.22 m at 5 m.
  EXPECT_NEAR(fields.sigma[40 * kWidth + 60], 25 / 27.9345 * 0.25, 0.001);
  // What lies left of the right view's border was not found again.
  EXPECT_EQ(fields.Depth(5, 40), 0);
  EXPECT_GT(fields.Depth(6, 40), 0);
  EXPECT_EQ(fields.counts.valid + fields.counts.not_found_again, kWidth * kHeight);
  EXPECT_EQ(fields.counts.not_found_again, 6 * kHeight);
}

TEST(StereoDepth, EachTestLeavesOutItsOwn) {
  Fields fields;
  fields.Set([](int, int) { return 4.0f; });
  Fields::At(&fields.back, 46, 20) = {9, 0};       // seen from (50, 20)
  Fields::At(&fields.there, 70, 20) = {-4, 1.5f};  // another row ...
  Fields::At(&fields.back, 66, 21) = {4, -1.5f};   // ... and back again
  Fields::At(&fields.back, 66, 22) = {4, -1.5f};
  Fields::At(&fields.there, 90, 20) = {1, 0};  // behind infinity
  Fields::At(&fields.back, 91, 20) = {-1, 0};
  Fields::At(&fields.there, 100, 20) = {NAN, 0};
  fields.options.edges = StereoEdgeTest::kNone;
  fields.Run();
  for (const int x : {50, 70, 90, 100}) EXPECT_EQ(fields.Depth(x, 20), 0) << x;
  EXPECT_EQ(fields.counts.off_the_row, 1);
  EXPECT_EQ(fields.counts.too_far, 1);
  EXPECT_GT(fields.Depth(51, 20), 0);
}

TEST(StereoDepth, TheRoundTripIsJudgedByTheWayOrByPixels) {
  Fields fields;
  fields.options.edges = StereoEdgeTest::kNone;
  fields.Set([](int, int) { return 20.0f; });
  for (Eigen::Vector2f& vector : fields.back) vector.x() -= 1.5f;
  fields.Run();
  EXPECT_GT(fields.Depth(60, 40), 0);  // 2.25 <= 0.01 (400 + 342) + 0.5
  fields.options.max_round_trip = 1;
  fields.Run();
  EXPECT_EQ(fields.Depth(60, 40), 0);
}

// Noise of a third of a pixel on a floor and, 5 pixels nearer, a wall on it: smoothing takes most
// of it away, keeps both slopes, and neither pulls at the other beside their edge.
TEST(StereoDepth, SmoothingFollowsPlanesAndKeepsEdges) {
  const auto truth = [](int x, int y) {
    return 6 + 0.05f * static_cast<float>(y) + (x < 60 ? 0 : 5.0f);
  };
  const auto rms = [&](int smoothing, int first, int last) {
    Fields fields;
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0, 0.3f);
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) {
        const float d = truth(x, y) + normal(random);
        Fields::At(&fields.there, x, y) = {-d, 0};
        Fields::At(&fields.back, x, y) = {8, 0};
      }
    fields.options.max_round_trip = 50;
    fields.options.edges = StereoEdgeTest::kNone;
    fields.options.smoothing = smoothing;
    fields.Run();
    double sum = 0;
    int count = 0;
    for (int y = 0; y < kHeight; ++y)
      for (int x = first; x <= last; ++x) {
        EXPECT_GT(fields.Depth(x, y), 0);
        const double off =
            27.9345 / static_cast<double>(fields.Depth(x, y)) - static_cast<double>(truth(x, y));
        sum += off * off;
        ++count;
      }
    return std::sqrt(sum / count);
  };
  EXPECT_NEAR(rms(0, 20, 110), 0.3, 0.02);
  EXPECT_LT(rms(6, 20, 110), 0.1);
  EXPECT_LT(rms(6, 58, 61), 0.15);  // beside the edge
}

TEST(StereoDepth, SlantedPlanesStayAndBendsGo) {
  Fields fields;
  // A floor: disparity grows by 0.3 pixels a row. A step of 5 pixels at x = 60.
  const auto floor = [](int x, int y) {
    return 2 + 0.3f * static_cast<float>(y) + (x < 60 ? 0 : 5.0f);
  };
  fields.Set(floor);
  // The right view agrees everywhere: only edges are looked at here.
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      Fields::At(&fields.back, x, y) = {2 + 0.3f * static_cast<float>(y) + 2.5f, 0};
  fields.options.max_round_trip = 50;
  fields.Run();
  EXPECT_GT(fields.Depth(40, 40), 0);
  EXPECT_GT(fields.Depth(80, 40), 0);
  for (const int x : {58, 59, 60, 61}) EXPECT_EQ(fields.Depth(x, 40), 0) << x;
  for (const int x : {57, 62}) EXPECT_GT(fields.Depth(x, 40), 0) << x;
  EXPECT_NEAR(fields.Depth(80, 40), 27.9345 / floor(80, 40), 1e-3);
  // The original's test takes the floor away: 0.6 of 14 pixels over two rows are 4 %.
  fields.options.edges = StereoEdgeTest::kGradient;
  fields.Run();
  EXPECT_EQ(fields.Depth(40, 40), 0);
  EXPECT_GT(fields.Depth(40, 75), 0);
}

TEST(StereoDepth, FarThingsAreLeftOutWhereParallaxNoLongerTells) {
  Fields fields;
  fields.Set([](int, int) { return 0.4f; });  // 70 m, off by a quarter of a pixel: 62 %
  fields.Run();
  EXPECT_EQ(fields.counts.valid, 0);
  EXPECT_GT(fields.counts.too_far, 0);
  fields.options.max_relative_sigma = 0.7;
  fields.Run();
  EXPECT_NEAR(fields.Depth(60, 40), 69.84, 0.01);
  fields.options.max_depth = 20;
  fields.Run();
  EXPECT_EQ(fields.counts.valid, 0);
}

TEST(StereoDepth, TheSameForEveryNumberOfThreads) {
  Fields one, three;
  const auto wavy = [](int x, int y) {
    return 6 + 2 * std::sin(0.2f * static_cast<float>(x)) + 0.05f * static_cast<float>(y);
  };
  ThreadPool pool(3);
  for (const StereoEdgeTest edges : {StereoEdgeTest::kPlane, StereoEdgeTest::kGradient}) {
    for (Fields* fields : {&one, &three}) {
      fields->Set(wavy);
      fields->options.edges = edges;
    }
    one.Run();
    three.Run(&pool);
    EXPECT_EQ(one.depth, three.depth);
    EXPECT_EQ(one.sigma, three.sigma);
    EXPECT_EQ(one.counts.valid, three.counts.valid);
  }
}

TEST(StereoDepth, RefusesWhatMakesNoSense) {
  Fields fields;
  fields.options.baseline = 0;
  ExpectError(Code::kInvalidArgument, "baseline", [&] { fields.Run(); });
  fields.options.baseline = 0.063;
  fields.options.max_relative_sigma = 2;
  ExpectError(Code::kInvalidArgument, "max_relative_sigma", [&] { fields.Run(); });
}

}  // namespace
}  // namespace mdvt::test
