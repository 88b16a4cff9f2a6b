// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/flow_picture.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

FlowField Row(const std::vector<Eigen::Vector2f>& vectors) {
  FlowField flow;
  flow.Resize(static_cast<int>(vectors.size()), 1);
  flow.vectors = vectors;
  return flow;
}

std::array<int, 3> ColorOf(const Eigen::Vector2f& v) {
  const FlowField flow = Row({v});
  Image picture(PixelFormat::Rgb(8), 1, 1);
  DrawFlow(flow, 10, picture.mutable_view());
  return {picture.Plane<uint8_t>(0).At(0, 0), picture.Plane<uint8_t>(1).At(0, 0),
          picture.Plane<uint8_t>(2).At(0, 0)};
}

TEST(FlowPicture, HasTheUsualColors) {
  EXPECT_EQ(ColorOf({0, 0}), (std::array<int, 3>{255, 255, 255}));
  EXPECT_EQ(ColorOf({10, 0}), (std::array<int, 3>{255, 0, 0}));
  EXPECT_EQ(ColorOf({5, 0}), (std::array<int, 3>{255, 128, 128}));
  EXPECT_EQ(ColorOf({20, 0}), (std::array<int, 3>{191, 0, 0})) << "longer: darker";
  const auto down = ColorOf({0, 10}), left = ColorOf({-10, 0}), up = ColorOf({0, -10});
  EXPECT_EQ(down[0], 255);
  EXPECT_GT(down[1], 200);
  EXPECT_EQ(down[2], 0);
  EXPECT_EQ(left[0], 0);
  EXPECT_GT(left[2], 200);
  EXPECT_EQ(up[2], 255);
  EXPECT_LT(up[1], 60);
}

TEST(FlowPicture, EncodesWhatKittiReads) {
  const FlowField flow = Row({{0, 0}, {1.5f, -2.25f}, {600, 0}, {1, 1}});
  const std::vector<float> error = {0, 0.5f, 0, 3};
  Image picture(PixelFormat::Rgb(16), 4, 1);
  EncodeFlow(flow, {error.data(), 16, 4, 1}, 1, picture.mutable_view());
  const auto at = [&](int plane, int x) { return picture.Plane<uint16_t>(plane).At(x, 0); };
  EXPECT_EQ(at(0, 0), 32768);
  EXPECT_EQ(at(2, 0), 1);
  EXPECT_EQ(at(0, 1), 32768 + 96);
  EXPECT_EQ(at(1, 1), 32768 - 144);
  EXPECT_EQ(at(2, 1), 1);
  for (int plane = 0; plane < 3; ++plane) {
    EXPECT_EQ(at(plane, 2), 0) << "does not fit";
    EXPECT_EQ(at(plane, 3), 0) << "does not lead back";
  }
  EncodeFlow(flow, {}, 1, picture.mutable_view());
  EXPECT_EQ(at(2, 3), 1) << "nothing is known against it";
}

TEST(FlowPicture, RejectsWhatDoesNotFit) {
  const FlowField flow = Row({{0, 0}});
  Image wide(PixelFormat::Rgb(8), 2, 1), right(PixelFormat::Rgb(8), 1, 1);
  Image numbers(PixelFormat::Rgb(16), 1, 1);
  const float error[2] = {};
  EXPECT_THROW(DrawFlow(flow, 1, wide.mutable_view()), Error);
  EXPECT_THROW(DrawFlow(flow, 0, right.mutable_view()), Error);
  EXPECT_THROW(EncodeFlow(flow, {}, 1, right.mutable_view()), Error);
  EXPECT_THROW(EncodeFlow(flow, {error, 8, 2, 1}, 1, numbers.mutable_view()), Error);
}

}  // namespace
}  // namespace mdvt
