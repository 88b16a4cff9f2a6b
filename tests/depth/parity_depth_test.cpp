// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/parity_depth.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>
#include <vector>

#include "io/expect_error.h"

namespace mdvt::test {
namespace {

// Disparity 0.5 + x / 10, whatever it sees, of frames of 24 x 16.
class Ramp : public DepthEstimator {
 public:
  PixelFormat input_format() const override { return PixelFormat::Rgb(8); }
  void Push(Frame frame) override {
    EXPECT_EQ(frame.image.width(), 24);
    EXPECT_EQ(frame.image.height(), 16);
    DepthEstimate estimate;
    estimate.index = frame.index;
    estimate.quantity = DepthQuantity::kRelativeDisparity;
    estimate.depth = Image(PixelFormat::GrayF32(), 24, 16);
    for (int y = 0; y < 16; ++y)
      for (int x = 0; x < 24; ++x)
        estimate.depth.MutablePlane<float>().At(x, y) = 0.5f + 0.1f * static_cast<float>(x);
    ready_.push_back(std::move(estimate));
  }
  void Finish() override {}
  std::optional<DepthEstimate> Pop() override {
    if (ready_.empty()) return std::nullopt;
    DepthEstimate estimate = std::move(ready_.front());
    ready_.pop_front();
    return estimate;
  }

 private:
  std::deque<DepthEstimate> ready_;
};

// 1 / metric depth at column x: bends, so that a plain line differs from a robust one.
double Inverse(int x) { return x < 20 ? 0.1 * (0.5 + 0.1 * x) - 0.06 : 0.5; }

TEST(ParityDepth, IsAPlainLineThroughAllPixelsOfTheFirstFrames) {
  ParityDepthOptions options;
  options.size = {48, 32};
  options.decoded = {24, 16};
  options.max_depth = 50;
  int asked = 0;
  ParityDepth parity(
      std::make_unique<Ramp>(),
      [&](const Frame&, bool wanted) {
        asked += wanted;
        Image metric(PixelFormat::GrayF32(), 24, 16);
        for (int y = 0; y < 16; ++y)
          for (int x = 0; x < 24; ++x)  // 0: not known, it is taken as far
            metric.MutablePlane<float>().At(x, y) =
                Inverse(x) > 0 ? static_cast<float>(1 / Inverse(x)) : 0;
        return metric;
      },
      options, nullptr);
  std::vector<DepthEstimate> all;
  for (int i = 0; i < 40; ++i) {
    Frame frame;
    frame.index = i;
    frame.image = Image(PixelFormat::Rgb(8), 48, 32);
    parity.Push(std::move(frame));
    while (auto estimate = parity.Pop()) all.push_back(std::move(*estimate));
    EXPECT_EQ(all.size(), i < 31 ? 0u : static_cast<size_t>(i) + 1);
  }
  parity.Finish();
  EXPECT_EQ(asked, 32);
  ASSERT_EQ(all.size(), 40u);
  // The same by the closed form of a regression: covariance over variance.
  double mean_p = 0, mean_t = 0, pp = 0, pt = 0;
  const auto target = [](int x) { return Inverse(x) > 0 ? Inverse(x) : 1 / 50.0; };
  for (int x = 0; x < 24; ++x) mean_p += (0.5 + 0.1 * x) / 24, mean_t += target(x) / 24;
  for (int x = 0; x < 24; ++x) {
    pp += std::pow(0.5 + 0.1 * x - mean_p, 2);
    pt += (0.5 + 0.1 * x - mean_p) * (target(x) - mean_t);
  }
  const double scale = pt / pp, shift = mean_t - scale * mean_p;
  EXPECT_NEAR(parity.calibration()->scale, scale, 1e-6);
  EXPECT_NEAR(parity.calibration()->shift, shift, 1e-6);
  EXPECT_LT(scale * 0.5 + shift, 0);  // the first column is behind the camera
  const auto depth_at = [&](int x) {
    const double inverse = scale * (0.5 + 0.1 * x) + shift;
    return inverse > 0 ? 1 / inverse : 50;
  };
  // Enlarged as depth: pixel 2 x + 1 lies a quarter from column x to x + 1.
  for (const int x : {0, 5, 12, 20})
    EXPECT_NEAR(static_cast<double>(all[33].depth.Plane<float>().At(2 * x + 1, 9)),
                0.75 * depth_at(x) + 0.25 * depth_at(x + 1), 1e-3)
        << x;
}

TEST(ParityDepth, WithoutMetricDepthThereIsNothingToFitTo) {
  EXPECT_EQ(DecodedSize({1920, 1080}, 518), (PixelSize{922, 518}));
  ParityDepthOptions options;
  options.size = options.decoded = {24, 16};
  ParityDepth parity(
      std::make_unique<Ramp>(), [](const Frame&, bool) { return Image(); }, options, nullptr);
  Frame frame;
  frame.image = Image(PixelFormat::Rgb(8), 24, 16);
  parity.Push(std::move(frame));
  ExpectError(Code::kNotConverged, "no frame has metric depth", [&] { parity.Finish(); });
}

}  // namespace
}  // namespace mdvt::test
