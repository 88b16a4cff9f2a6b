// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/disparity_fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "io/expect_error.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ExpectError;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// A relative disparity without edges, between 1 and 9, and the depth that it stands for.
double Disparity(double u, double v) { return 5 + 2 * std::sin(5 * u) + 2 * std::cos(4 * v + u); }

struct Maps {
  Maps(int width, int height)
      : disparity(PixelFormat::GrayF32(), width, height),
        reference(PixelFormat::GrayF32(), width, height) {}
  // scale and shift are those of the truth.
  Maps(int width, int height, double scale, double shift) : Maps(width, height) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const double d = Disparity((x + 0.5) / width, (y + 0.5) / height);
        D(x, y) = static_cast<float>(d);
        Z(x, y) = static_cast<float>(1 / (scale * d + shift));
      }
    }
  }
  float& D(int x, int y) { return disparity.MutablePlane<float>().At(x, y); }
  float& Z(int x, int y) { return reference.MutablePlane<float>().At(x, y); }
  int64_t AddTo(DisparityFit* fit) const {
    return fit->Add(disparity.Plane<float>(), reference.Plane<float>());
  }

  Image disparity, reference;
};

DisparityFitOptions AllPixels() {
  DisparityFitOptions options;
  options.samples_per_frame = 10'000'000;
  options.max_step = 10;
  return options;
}

void ExpectNear(const DisparityFitResult& result, double scale, double shift, double share) {
  EXPECT_NEAR(result.calibration.scale, scale, share * scale);
  EXPECT_NEAR(result.calibration.shift, shift, share * std::abs(shift));
  EXPECT_FALSE(result.by_median);
}

TEST(DisparityFit, FindsScaleAndShift) {
  const Maps maps(64, 48, 0.04, 0.02);
  DisparityFit fit(AllPixels());
  EXPECT_EQ(maps.AddTo(&fit), 64 * 48);
  const DisparityFitResult result = fit.Solve();
  ExpectNear(result, 0.04, 0.02, 1e-4);
  EXPECT_EQ(result.samples, 64 * 48);
  EXPECT_GT(result.inlier_share, 0.9);
  EXPECT_GT(result.r_squared, 0.99999);
}

TEST(DisparityFit, SurvivesAFifthOfOutliersAndASaturatedReference) {
  // Blocks, as a reference is wrong in regions: whole ones that are nearer or farther by any factor
  // up to 1000. A depth that is cut off at 12 m says "12" for all that is farther.
  std::mt19937_64 rng = test::Rng();
  Maps maps(160, 120, 0.04, 0.02);
  for (int y = 0; y < 120; ++y)
    for (int x = 0; x < 160; ++x) maps.Z(x, y) = std::min(maps.Z(x, y), 12.0f);
  for (int block = 0; block < 48; ++block) {  // of 12 x 16 blocks: with noise a fifth and more
    if (block % 5 != 0) continue;
    const float factor = std::pow(10.0f, std::uniform_real_distribution<float>(-3, 3)(rng));
    for (int y = 0; y < 20; ++y)
      for (int x = 0; x < 20; ++x) maps.Z(block % 8 * 20 + x, block / 8 * 20 + y) *= factor;
  }
  for (int i = 0; i < 1920; ++i) {  // and single pixels of the network's map
    const int x = static_cast<int>(rng() % 160), y = static_cast<int>(rng() % 120);
    maps.D(x, y) = std::uniform_real_distribution<float>(-20, 50)(rng);
  }
  DisparityFitOptions options;
  options.samples_per_frame = 10'000'000;
  options.saturated_depth = 12;
  DisparityFit fit(options);
  EXPECT_GT(maps.AddTo(&fit), 160 * 120 / 2);
  const DisparityFitResult result = fit.Solve();
  ExpectNear(result, 0.04, 0.02, 0.01);
  EXPECT_GT(result.inlier_share, 0.6);
  EXPECT_LT(result.inlier_share, 0.95);
  EXPECT_GT(result.r_squared, 0.99);
}

TEST(DisparityFit, WildDisparityDoesNotPullTheLine) {
  // By any amount: a network that has gone astray in a fifth of the picture.
  for (const float wild : {-1e6f, 300.0f, 1e6f, 1e12f}) {
    Maps maps(64, 50, 0.04, 0.02);
    for (int y = 0; y < 10; ++y)
      for (int x = 0; x < 64; ++x) maps.D(x, y) = wild * (1 + 0.01f * static_cast<float>(x));
    DisparityFit fit(AllPixels());
    maps.AddTo(&fit);
    const DisparityFitResult result = fit.Solve();
    ExpectNear(result, 0.04, 0.02, 0.01);
    EXPECT_NEAR(result.inlier_share, 0.8, 0.05) << wild;
  }
}

TEST(DisparityFit, WildReferenceDoesNotPullTheLine) {
  for (const float wild : {1e-6f, 1e-3f, 1e5f}) {
    Maps maps(64, 50, 0.04, 0.02);
    for (int y = 0; y < 10; ++y)
      for (int x = 0; x < 64; ++x) maps.Z(x, y) = wild;
    DisparityFit fit(AllPixels());
    maps.AddTo(&fit);
    const DisparityFitResult result = fit.Solve();
    ExpectNear(result, 0.04, 0.02, 0.01);
    EXPECT_NEAR(result.inlier_share, 0.8, 0.05) << wild;
  }
}

// Disparity 995 .. 1005 of a far, flat scene: normal equations in float return a shift of 0.035.
TEST(DisparityFit, FlatFarSceneKeepsItsDigits) {
  constexpr double kScale = 1e-5, kShift = 0.020;
  Maps maps(100, 80);
  for (int y = 0; y < 80; ++y) {
    for (int x = 0; x < 100; ++x) {
      const float d = 995 + static_cast<float>(x) / 10 + static_cast<float>(y) / 1000;
      maps.D(x, y) = d;
      maps.Z(x, y) = static_cast<float>(1 / (kScale * static_cast<double>(d) + kShift));
    }
  }
  DisparityFit fit(AllPixels());
  maps.AddTo(&fit);
  ExpectNear(fit.Solve(), kScale, kShift, 0.01);
}

TEST(DisparityFit, NoiseIsAveraged) {
  std::mt19937_64 rng = test::Rng();
  std::normal_distribution<double> noise(0, 0.004);
  Maps maps(160, 120, 0.04, 0.02);
  for (int y = 0; y < 120; ++y)
    for (int x = 0; x < 160; ++x)
      maps.Z(x, y) = static_cast<float>(1 / (1 / static_cast<double>(maps.Z(x, y)) + noise(rng)));
  DisparityFit fit(AllPixels());
  maps.AddTo(&fit);
  const DisparityFitResult result = fit.Solve();
  ExpectNear(result, 0.04, 0.02, 0.03);
  EXPECT_GT(result.inlier_share, 0.98);
  EXPECT_LT(result.r_squared, 0.9999);
}

TEST(DisparityFit, ReferenceOfAnotherSize) {
  for (const auto& [width, height] : {std::pair{32, 24}, {128, 96}, {200, 50}}) {
    const Maps network(64, 48, 0.04, 0.02), other(width, height, 0.04, 0.02);
    DisparityFit fit(AllPixels());
    EXPECT_EQ(fit.Add(network.disparity.Plane<float>(), other.reference.Plane<float>()),
              int64_t{width} * height);
    // The nearest pixel stands for a place between pixels.
    ExpectNear(fit.Solve(), 0.04, 0.02, 0.05);
  }
}

TEST(DisparityFit, SeveralFramesAreOneFit) {
  // Each alone has one disparity only, and says nothing about the scale.
  DisparityFit fit;
  for (const float d : {1.0f, 2.0f, 5.0f}) {
    Maps maps(16, 16);
    for (int y = 0; y < 16; ++y)
      for (int x = 0; x < 16; ++x) maps.D(x, y) = d, maps.Z(x, y) = 1 / (0.5f * d + 0.25f);
    maps.AddTo(&fit);
  }
  ExpectNear(fit.Solve(), 0.5, 0.25, 1e-3);
}

TEST(DisparityFit, PixelsWithoutDataAndTheirNeighboursAreLeftOut) {
  for (const float none : {0.0f, -1.0f, kNan, kInfinity, 50.0f}) {
    Maps maps(9, 9, 0.04, 0.02);
    maps.Z(4, 4) = none;
    DisparityFitOptions options = AllPixels();
    options.saturated_depth = 50;
    DisparityFit fit(options);
    EXPECT_EQ(maps.AddTo(&fit), 81 - 5) << none;  // a cross of five
    ExpectNear(fit.Solve(), 0.04, 0.02, 1e-3);
  }
  for (const float none : {kNan, kInfinity, -kInfinity}) {
    Maps maps(9, 9, 0.04, 0.02);
    maps.D(4, 4) = none;
    DisparityFit fit(AllPixels());
    EXPECT_EQ(maps.AddTo(&fit), 80) << none;
    ExpectNear(fit.Solve(), 0.04, 0.02, 1e-3);
  }
}

TEST(DisparityFit, EdgesAreLeftOut) {
  Maps maps(20, 10);
  for (int y = 0; y < 10; ++y)
    for (int x = 0; x < 20; ++x) maps.D(x, y) = 1, maps.Z(x, y) = x < 10 ? 2.0f : 2.3f;
  DisparityFit fit;
  EXPECT_EQ(maps.AddTo(&fit), 180);  // a column on each side
  DisparityFitOptions lenient;
  lenient.max_step = 0.2;
  DisparityFit all(lenient);
  EXPECT_EQ(maps.AddTo(&all), 200);
}

TEST(DisparityFit, LooksAtSoManyPixels) {
  const Maps maps(64, 64, 0.04, 0.02);
  for (const int64_t wanted : {16, 64, 256, 4096}) {
    DisparityFitOptions options;
    options.samples_per_frame = wanted;
    options.max_step = 10;
    DisparityFit fit(options);
    EXPECT_EQ(maps.AddTo(&fit), wanted);
    ExpectNear(fit.Solve(), 0.04, 0.02, 1e-3);
  }
}

TEST(DisparityFit, NegativeSlopeFallsBackToTheMedianRatio) {
  Maps maps(16, 16);  // depth where disparity was meant: larger is farther
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 16; ++x)
      maps.D(x, y) = 2 + 0.1f * static_cast<float>(x), maps.Z(x, y) = maps.D(x, y);
  DisparityFit fit(AllPixels());
  maps.AddTo(&fit);
  const DisparityFitResult result = fit.Solve();
  EXPECT_TRUE(result.by_median);
  EXPECT_EQ(result.calibration.shift, 0);
  EXPECT_FLOAT_EQ(static_cast<float>(result.calibration.scale),
                  1 / (2.7f * 2.7f));  // of 1 / d^2, d = 2 .. 3.5, the upper of the middle two
}

TEST(DisparityFit, ConstantDisparityFallsBackToo) {
  Maps maps(16, 16);
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 16; ++x) maps.D(x, y) = 4, maps.Z(x, y) = 2 + 0.01f * static_cast<float>(x);
  DisparityFit fit(AllPixels());
  maps.AddTo(&fit);
  const DisparityFitResult result = fit.Solve();
  EXPECT_TRUE(result.by_median);
  EXPECT_NEAR(result.calibration.scale, 1 / (4 * 2.075), 0.001);
}

TEST(DisparityFit, TooLittleIsAnError) {
  DisparityFit none;
  ExpectError(Code::kNotConverged, "only 0 pixels", [&] { none.Solve(); });
  DisparityFit few(AllPixels());
  const Maps maps(5, 3, 0.04, 0.02);
  EXPECT_EQ(maps.AddTo(&few), 15);
  ExpectError(Code::kNotConverged, "only 15 pixels", [&] { few.Solve(); });
  EXPECT_EQ(few.Add({}, {}), 0);
  DisparityFit negative(AllPixels());
  Maps below(16, 16);
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 16; ++x)
      below.D(x, y) = -1 - static_cast<float>(x), below.Z(x, y) = 3 - 0.05f * static_cast<float>(x);
  below.AddTo(&negative);
  ExpectError(Code::kNotConverged, "not positive", [&] { negative.Solve(); });
}

TEST(DisparityFit, OptionsAreChecked) {
  const auto check = [](const std::string& field, const auto& change) {
    DisparityFitOptions options;
    change(&options);
    ExpectError(Code::kInvalidArgument, field, [&] { DisparityFit{options}; });
  };
  const double nan = std::nan("");
  for (const double bad : {0.0, -1.0, nan})
    check("saturated_depth", [&](DisparityFitOptions* o) { o->saturated_depth = bad; });
  for (const double bad : {0.0, 10.1, nan})
    check("max_step", [&](DisparityFitOptions* o) { o->max_step = bad; });
  for (const int64_t bad : {15, 10'000'001})
    check("samples_per_frame", [&](DisparityFitOptions* o) { o->samples_per_frame = bad; });
  DisparityFitOptions widest;
  widest.saturated_depth = std::numeric_limits<double>::infinity();
  widest.max_step = 10;
  widest.samples_per_frame = 16;
  EXPECT_NO_THROW(DisparityFit{widest});
}

TEST(CalibrateByMedian, PutsTheMedianAtTheDepth) {
  Maps maps(5, 2);
  const float values[] = {0, -3, kNan, kInfinity, -kInfinity, 1, 2, 4, 8, 16};
  for (int i = 0; i < 10; ++i) maps.D(i % 5, i / 5) = values[i];
  const DisparityCalibration found = CalibrateByMedian(maps.disparity.Plane<float>(), 2.5);
  EXPECT_EQ(found.shift, 0);
  EXPECT_DOUBLE_EQ(found.scale * 4, 1 / 2.5);
}

TEST(CalibrateByMedian, Errors) {
  Maps maps(2, 2);
  for (int i = 0; i < 4; ++i) maps.D(i % 2, i / 2) = i % 2 ? kNan : -1.0f;
  const auto calibrate = [&](double depth) {
    CalibrateByMedian(maps.disparity.Plane<float>(), depth);
  };
  ExpectError(Code::kNotConverged, "no scale", [&] { calibrate(3); });
  for (const double bad : {0.0, -1.0, 10001.0, std::nan("")})
    ExpectError(Code::kInvalidArgument, "median_depth", [&] { calibrate(bad); });
}

}  // namespace
}  // namespace mdvt
