// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/depth_rescale.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mdvt/core/error.h"
#include "support/test_env.h"
#include "synthetic.h"

namespace mdvt::test {
namespace {

// Maps that are `1 / z = scale / depth + shift` of the truth, seen at `count` points a frame.
std::vector<DepthPair> Pairs(std::mt19937_64& rng, const std::vector<double>& scales, double shift,
                             int count, double noise) {
  std::vector<DepthPair> pairs;
  for (size_t frame = 0; frame < scales.size(); ++frame) {
    for (int i = 0; i < count; ++i) {
      DepthPair pair;
      pair.frame = static_cast<int64_t>(frame);
      pair.z = Uniform(rng, 1, 6);
      pair.sigma = 0.01;
      pair.depth = scales[frame] / (1 / pair.z - shift) * std::exp(noise * Normal(rng));
      pairs.push_back(pair);
    }
  }
  return pairs;
}

std::vector<double> Jittered(std::mt19937_64& rng, int frames, double sigma) {
  std::vector<double> scales;
  for (int i = 0; i < frames; ++i) scales.push_back(std::exp(sigma * Normal(rng)));
  return scales;
}

TEST(DepthRescale, UndoesTheJitterOfFrames) {
  auto rng = Rng();
  const std::vector<double> scales = Jittered(rng, 40, 0.05);
  const std::vector<DepthPair> pairs = Pairs(rng, scales, 0, 200, 0.02);
  const DepthRescale fit = FitDepthRescale(pairs, 40);
  for (size_t k = 0; k < 40; ++k) EXPECT_NEAR(fit.scales[k] / scales[k], 1, 0.01) << k;
  EXPECT_FALSE(fit.has_shift);
  EXPECT_EQ(fit.frames_with_points, 40);
  EXPECT_LT(fit.error_after, 0.45 * fit.error_before);
}

TEST(DepthRescale, LivesWithAThirdOfWrongPoints) {
  auto rng = Rng();
  const std::vector<double> scales = Jittered(rng, 20, 0.05);
  std::vector<DepthPair> pairs = Pairs(rng, scales, 0, 150, 0.02);
  for (size_t i = 0; i < pairs.size(); i += 3) pairs[i].z *= Uniform(rng, 2, 5);
  const DepthRescale fit = FitDepthRescale(pairs, 20);
  for (size_t k = 0; k < 20; ++k) EXPECT_NEAR(fit.scales[k] / scales[k], 1, 0.02) << k;
}

TEST(DepthRescale, FindsTheShiftOfTheWholeClip) {
  auto rng = Rng();
  std::vector<double> scales = Jittered(rng, 30, 0.03);
  for (double& scale : scales) scale *= 1.3;
  const std::vector<DepthPair> pairs = Pairs(rng, scales, 0.06, 200, 0.01);
  DepthRescaleOptions options;
  options.fit_shift = true;
  options.noise = 0.01;
  const DepthRescale fit = FitDepthRescale(pairs, 30, options);
  ASSERT_TRUE(fit.has_shift);
  EXPECT_NEAR(fit.shift, 0.06, 0.003);
  for (const DepthPair& pair : pairs)
    ASSERT_NEAR(fit.At(pair.frame, pair.depth) / pair.z, 1, 0.1) << pair.z;
  // Without the noise of the single pixel, what is left of jitter and shift is less than 1 %.
  for (const DepthPair& pair : Pairs(rng, scales, 0.06, 50, 0))
    ASSERT_NEAR(fit.At(pair.frame, pair.depth) / pair.z, 1, 0.01) << pair.z;
  EXPECT_LT(fit.error_after, 0.01);
}

TEST(DepthRescale, FindsNoShiftWhereThereIsNone) {
  auto rng = Rng();
  const std::vector<double> scales = Jittered(rng, 30, 0.03);
  DepthRescaleOptions options;
  options.fit_shift = true;
  const DepthRescale fit = FitDepthRescale(Pairs(rng, scales, 0, 200, 0.05), 30, options);
  EXPECT_LT(std::abs(fit.shift), 0.01);
  // All at one distance: nothing tells a shift from a scale.
  std::vector<DepthPair> flat = Pairs(rng, scales, 0, 50, 0.001);
  for (DepthPair& pair : flat) {
    pair.depth *= 3 / pair.z;
    pair.z = 3;
  }
  EXPECT_FALSE(FitDepthRescale(flat, 30, options).has_shift);
}

TEST(DepthRescale, CarriesScalesOverFramesWithoutPoints) {
  auto rng = Rng();
  std::vector<DepthPair> pairs = Pairs(rng, std::vector<double>(30, 1.25), 0, 100, 0.01);
  pairs.erase(std::remove_if(pairs.begin(), pairs.end(),
                             [](const DepthPair& p) { return p.frame >= 10 && p.frame < 20; }),
              pairs.end());
  const DepthRescale fit = FitDepthRescale(pairs, 30);
  for (const double scale : fit.scales) EXPECT_NEAR(scale, 1.25, 0.005);
  EXPECT_EQ(fit.frames_with_points, 20);
}

TEST(DepthRescale, ChangesNothingTheSecondTime) {
  auto rng = Rng();
  std::vector<DepthPair> pairs = Pairs(rng, Jittered(rng, 30, 0.05), 0, 300, 0.02);
  const DepthRescale first = FitDepthRescale(pairs, 30);
  for (DepthPair& pair : pairs) pair.depth = first.At(pair.frame, pair.depth);
  const DepthRescale second = FitDepthRescale(pairs, 30);
  for (const double scale : second.scales) EXPECT_NEAR(scale, 1, 0.001);
}

TEST(DepthRescale, KeepsWhatIsMissingAndNeverTurnsDepthAround) {
  DepthRescale rescale;
  rescale.scales = {0.5};
  rescale.shift = -0.1;
  EXPECT_EQ(rescale.At(0, 0), 0);
  EXPECT_EQ(rescale.At(0, std::nan("")), 0);
  EXPECT_DOUBLE_EQ(rescale.At(0, 2.5), 10);
  EXPECT_TRUE(std::isinf(rescale.At(0, 50)));
}

TEST(DepthRescale, RefusesWhatItCannotUse) {
  EXPECT_THROW(FitDepthRescale({}, 5), Error);
  EXPECT_THROW(FitDepthRescale({{5, 1, 1, 0}}, 5), Error);
  EXPECT_THROW(FitDepthRescale({{0, 0, 1, 0}}, 5), Error);
  EXPECT_THROW(FitDepthRescale({{0, 1, std::nan(""), 0}}, 5), Error);
  DepthRescaleOptions options;
  options.walk = 0;
  EXPECT_THROW(FitDepthRescale({{0, 1, 1, 0}}, 5, options), Error);
}

}  // namespace
}  // namespace mdvt::test
