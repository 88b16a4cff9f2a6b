// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/mask_steadier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "io/expect_error.h"
#include "support/pictures.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 40, kHeight = 30;

struct Field {
  explicit Field(float dx)
      : flow(size_t{kWidth} * kHeight, Eigen::Vector2f(dx, 0)),
        trip(size_t{kWidth} * kHeight, 0.1f) {}
  PlaneView<const Eigen::Vector2f> view() const {
    return {flow.data(), sizeof(Eigen::Vector2f) * kWidth, kWidth, kHeight};
  }
  PlaneView<const float> error() const {
    return {trip.data(), sizeof(float) * kWidth, kWidth, kHeight};
  }
  std::vector<Eigen::Vector2f> flow;
  std::vector<float> trip;
};

// `p` in [left, left + 10) x [10, 20), `around` elsewhere.
std::vector<float> Box(int left, float p, float around = 0.1f) {
  std::vector<float> map(size_t{kWidth} * kHeight, around);
  for (int y = 10; y < 20; ++y)
    for (int x = left; x < left + 10; ++x) map[static_cast<size_t>(y * kWidth + x)] = p;
  return map;
}

int White(const std::vector<uint8_t>& mask) {
  return static_cast<int>(std::count(mask.begin(), mask.end(), 255));
}

TEST(MaskSteadier, KeepsRegionsWithACore) {
  SteadyMaskOptions options;
  options.memory = 0;
  MaskSteadier steadier(options);
  std::vector<uint8_t> mask;
  std::vector<float> map = Box(5, 0.5f);
  steadier.Steady(kWidth, kHeight, {}, {}, &map, &mask);
  EXPECT_EQ(White(mask), 0);  // likely nowhere
  map = Box(5, 0.5f);
  for (int x = 5; x < 15; ++x) map[static_cast<size_t>(12 * kWidth + x)] = 0.9f;
  steadier.Steady(kWidth, kHeight, {}, {}, &map, &mask);
  EXPECT_EQ(White(mask), 100);
  options.core = 0.2;
  MaskSteadier strict(options);
  map[static_cast<size_t>(12 * kWidth + 5)] = 0.9f;
  strict.Steady(kWidth, kHeight, {}, {}, &map, &mask);
  EXPECT_EQ(White(mask), 0);
}

TEST(MaskSteadier, LeavesSpecksOutAndClosesHoles) {
  SteadyMaskOptions options;
  options.memory = 0;
  options.min_area = 5.0 / (kWidth * kHeight);
  MaskSteadier steadier(options);
  std::vector<float> map = Box(5, 0.9f);
  map[static_cast<size_t>(14 * kWidth + 9)] = 0;  // a hole of one pixel
  map[static_cast<size_t>(2 * kWidth + 30)] = 0.95f;
  std::vector<uint8_t> mask;
  steadier.Steady(kWidth, kHeight, {}, {}, &map, &mask);
  EXPECT_EQ(White(mask), 100);
}

TEST(MaskSteadier, RemembersAlongTheMotion) {
  MaskSteadier steadier;
  std::vector<uint8_t> mask;
  std::vector<float> map = Box(5, 0.95f);
  steadier.Steady(kWidth, kHeight, {}, {}, &map, &mask);
  EXPECT_EQ(White(mask), 100);
  // The box has moved by 8 pixels, and this frame says nothing about it.
  const Field moved(-8);
  map = Box(13, 0.45f);
  steadier.Steady(kWidth, kHeight, moved.view(), moved.error(), &map, &mask);
  EXPECT_EQ(White(mask), 100);
  EXPECT_EQ(mask[static_cast<size_t>(12 * kWidth + 20)], 255);
  // A cut: nothing is remembered.
  map = Box(13, 0.45f);
  steadier.Steady(kWidth, kHeight, {}, {}, &map, &mask);
  EXPECT_EQ(White(mask), 0);
  // Nor where the motion is wrong.
  map = Box(5, 0.95f);
  steadier.Steady(kWidth, kHeight, {}, {}, &map, &mask);
  Field wrong(-8);
  std::fill(wrong.trip.begin(), wrong.trip.end(), 9.0f);
  map = Box(13, 0.45f);
  steadier.Steady(kWidth, kHeight, wrong.view(), wrong.error(), &map, &mask);
  EXPECT_EQ(White(mask), 0);
}

TEST(MaskSteadier, TakesTheLargestAlone) {
  SteadyMaskOptions options;
  options.memory = 0;
  options.largest = true;
  MaskSteadier steadier(options);
  std::vector<float> map = Box(5, 0.9f);
  for (int y = 2; y < 6; ++y)
    for (int x = 25; x < 35; ++x) map[static_cast<size_t>(y * kWidth + x)] = 0.9f;
  std::vector<uint8_t> mask;
  steadier.Steady(kWidth, kHeight, {}, {}, &map, &mask);
  EXPECT_EQ(White(mask), 100);
}

TEST(MaskSteadier, RefusesWhatDoesNotFit) {
  MaskSteadier steadier;
  std::vector<float> map(5);
  std::vector<uint8_t> mask;
  ExpectError(Code::kInvalidArgument, "differ in size",
              [&] { steadier.Steady(kWidth, kHeight, {}, {}, &map, &mask); });
  SteadyMaskOptions options;
  options.low = 0.8;
  ExpectError(Code::kInvalidArgument, "low = 0.8", [&] { MaskSteadier other(options); });
}

TEST(DilateMask, GrowsAndShrinksBySquares) {
  Image mask = MakePicture(PixelFormat::Gray(8), 20, 12,
                           [](int, int x, int y) { return x == 10 && y == 6 ? 255 : 0; });
  const auto white = [&] {
    int count = 0;
    for (int y = 0; y < 12; ++y)
      for (int x = 0; x < 20; ++x) count += SampleOf(mask, 0, x, y) == 255;
    return count;
  };
  DilateMask(2, mask.MutablePlane<uint8_t>());
  EXPECT_EQ(white(), 25);
  EXPECT_EQ(SampleOf(mask, 0, 12, 8), 255);
  EXPECT_EQ(SampleOf(mask, 0, 13, 8), 0);
  DilateMask(-1, mask.MutablePlane<uint8_t>());
  EXPECT_EQ(white(), 9);
  DilateMask(0, mask.MutablePlane<uint8_t>());
  EXPECT_EQ(white(), 9);
  ExpectError(Code::kInvalidArgument, "2000 pixels",
              [&] { DilateMask(2000, mask.MutablePlane<uint8_t>()); });
}

}  // namespace
}  // namespace mdvt::test
