// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/nvds.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "io/expect_error.h"

namespace mdvt::test {
namespace {

using Window = std::array<int64_t, 4>;

TEST(NvdsWindow, IsThatOfTheOriginal) {
  for (const int64_t step : {1, 2, 3})
    for (const int64_t frames : {1, 2, 3, 4, 10, 15})
      for (int64_t i = 0; i < frames; ++i) {
        const Window window = NvdsWindow(i, step, NvdsStartup::kRepeat);
        const int64_t s = i < 3 ? 0 : i < 4 * step ? 1 : step;
        EXPECT_EQ(window, (Window{i - 3 * s, i - 2 * s, i - s, i})) << step << " " << i;
        EXPECT_GE(window[0], 0);
      }
  EXPECT_EQ(NvdsWindow(2, 1, NvdsStartup::kReplicate), (Window{0, 0, 1, 2}));
  EXPECT_EQ(NvdsWindow(1, 1, NvdsStartup::kReplicate), (Window{0, 0, 0, 1}));
  EXPECT_EQ(NvdsWindow(0, 3, NvdsStartup::kReplicate), (Window{0, 0, 0, 0}));
  EXPECT_EQ(NvdsWindow(7, 2, NvdsStartup::kReplicate), (Window{4, 5, 6, 7}));
  EXPECT_EQ(NvdsWindow(8, 2, NvdsStartup::kReplicate), (Window{2, 4, 6, 8}));
}

TEST(NvdsSize, KeepsTheProportions) {
  EXPECT_EQ(NvdsSize(1920, 1080), (PixelSize{672, 384}));
  EXPECT_EQ(NvdsSize(1080, 1920), (PixelSize{384, 672}));
  EXPECT_EQ(NvdsSize(1880, 800), (PixelSize{896, 384}));
  EXPECT_EQ(NvdsSize(10000, 1).height, 384);
  EXPECT_EQ(NvdsSize(1, 1, 64, 32), (PixelSize{64, 64}));
  ExpectError(Code::kInvalidArgument, "NvdsSize", [] { NvdsSize(0, 10); });
}

TEST(NormalizeByRange, ConstantMapsAreZero) {
  std::vector<float> map = {2, 4, 3, std::numeric_limits<float>::quiet_NaN()};
  NormalizeByRange(&map);
  EXPECT_EQ(map, (std::vector<float>{0, 1, 0.5f, 0}));
  map = {5, 5};
  NormalizeByRange(&map);
  EXPECT_EQ(map, (std::vector<float>{0, 0}));
}

TEST(MixPasses, FitsBackwardToForwardAndWeightsTheSteadyOne) {
  constexpr int kWidth = 16, kHeight = 12;
  constexpr size_t kPixels = kWidth * kHeight;
  FlowPair flow;
  flow.width = kWidth;
  flow.height = kHeight;
  flow.to_before.assign(kPixels, Eigen::Vector2f::Zero());
  flow.from_before = flow.to_before;
  std::vector<float> forward(kPixels), backward(kPixels);
  for (size_t i = 0; i < kPixels; ++i) {
    forward[i] = 1 + static_cast<float>(i % 9);
    backward[i] = (forward[i] - 0.5f) / 2;  // forward = 2 backward + 0.5
  }
  // Both say the same once they are aligned.
  std::vector<float> mixed =
      MixPasses(forward, backward, &forward, &backward, &flow, kWidth, kHeight, 5, 11);
  for (size_t i = 0; i < kPixels; ++i) EXPECT_NEAR(mixed[i], forward[i], 1e-4);

  // Where they differ: 0.8 of the other pass at the ends, half without flow, 0.8 of the steady one.
  std::vector<float> other = backward;
  other[50] += 1;
  const auto share = [&](const std::vector<float>& result) {
    return (result[50] - forward[50]) / 2;  // of the backward pass, that is 2 off there
  };
  const auto at = [&](int64_t frame, const std::vector<float>& f, const std::vector<float>& b) {
    return share(MixPasses(forward, other, &f, &b, &flow, kWidth, kHeight, frame, 11));
  };
  EXPECT_NEAR(at(1, forward, other), 0.8, 0.02);
  EXPECT_NEAR(at(9, forward, other), 0.2, 0.02);
  EXPECT_NEAR(share(MixPasses(forward, other, nullptr, nullptr, nullptr, kWidth, kHeight, 5, 11)),
              0.5, 0.02);
  std::vector<float> restless = forward;
  for (float& v : restless) v += 1;
  EXPECT_NEAR(at(5, restless, other), 0.8, 0.02);  // forward moves, backward stands
  std::vector<float> restless_back = other;
  for (float& v : restless_back) v += 1;
  EXPECT_NEAR(at(5, forward, restless_back), 0.2, 0.02);
}

}  // namespace
}  // namespace mdvt::test
