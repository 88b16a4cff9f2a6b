// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/edge_aware.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

// Left half dark, right half bright.
Image Halves(int width, int height) {
  Image image(PixelFormat::Gray(8), width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      image.MutablePlane<uint8_t>().At(x, y) = 2 * x < width ? 40 : 200;
  return image;
}

TEST(EdgeAwareSmoother, FillsFromTheRightSideOfAnEdge) {
  const int w = 80, h = 40;
  EdgeAwareSmoother smoother;
  smoother.SetGuide(Halves(w, h).Plane<uint8_t>(), 4, nullptr);
  std::vector<float> values(w * h, 0.f), weights(w * h, 0.f);
  values[10 * w + 5] = 1, weights[10 * w + 5] = 1;
  values[30 * w + 70] = 3, weights[30 * w + 70] = 1;
  smoother.Smooth(1000, 3, nullptr, &values, &weights);
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x)
      EXPECT_NEAR(values[static_cast<size_t>(y * w + x)], 2 * x < w ? 1 : 3, 1e-3) << x << " " << y;
}

TEST(EdgeAwareSmoother, KeepsConstantsAndTheMean) {
  const int w = 33, h = 21;
  EdgeAwareSmoother smoother;
  smoother.SetGuide(Halves(w, h).Plane<uint8_t>(), 10, nullptr);
  std::vector<float> values(w * h, 2.5f), weights(w * h);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 5) / 4;
  smoother.Smooth(300, 3, nullptr, &values, &weights);
  for (const float v : values) EXPECT_NEAR(v, 2.5f, 1e-5f);
  // Full weights: a linear smoother that moves value but creates none.
  double before = 0, after = 0;
  weights.assign(weights.size(), 1.f);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>((i * 37) % 11);
    before += static_cast<double>(values[i]);
  }
  smoother.Smooth(50, 2, nullptr, &values, &weights);
  for (const float v : values) after += static_cast<double>(v);
  EXPECT_NEAR(after / before, 1, 1e-4);
}

TEST(EdgeAwareSmoother, NeverLeavesTheRangeOfItsInput) {
  const int w = 50, h = 30;
  EdgeAwareSmoother smoother;
  smoother.SetGuide(Halves(w, h).Plane<uint8_t>(), 6, nullptr);
  std::vector<float> values(w * h), weights(w * h);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = 1 + static_cast<float>((i * 7919) % 100) / 100;
    weights[i] = (i * 31) % 3 == 0 ? 1.f : 0.f;
  }
  smoother.Smooth(2500, 3, nullptr, &values, &weights);
  EXPECT_GE(*std::min_element(values.begin(), values.end()), 1 - 1e-5f);
  EXPECT_LE(*std::max_element(values.begin(), values.end()), 2 + 1e-5f);
}

TEST(EdgeAwareSmoother, SameResultForEveryThreadCountAndSize) {
  for (const auto& [w, h] :
       {std::pair(1, 1), std::pair(1, 9), std::pair(7, 1), std::pair(131, 67)}) {
    std::vector<float> reference;
    for (const int threads : {0, 1, 2, 5}) {
      ThreadPool pool(std::max(1, threads));
      ThreadPool* use = threads == 0 ? nullptr : &pool;
      EdgeAwareSmoother smoother;
      smoother.SetGuide(Halves(w, h).Plane<uint8_t>(), 6, use);
      std::vector<float> values(static_cast<size_t>(w * h)), weights(values.size(), 0.5f);
      for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>((i * 13) % 17);
      smoother.Smooth(400, 3, use, &values, &weights);
      if (reference.empty()) reference = values;
      EXPECT_TRUE(values == reference) << w << "x" << h << " threads " << threads;
      for (const float v : values) EXPECT_TRUE(std::isfinite(v));
    }
  }
}

TEST(EdgeAwareSmoother, NoWeightAnywhereLeavesTheValues) {
  EdgeAwareSmoother smoother;
  smoother.SetGuide(Halves(8, 8).Plane<uint8_t>(), 6, nullptr);
  std::vector<float> values(64, 7.f), weights(64, 0.f);
  smoother.Smooth(400, 3, nullptr, &values, &weights);
  for (const float v : values) EXPECT_EQ(v, 7.f);
}

TEST(EdgeAwareSmoother, RejectsBadArguments) {
  EdgeAwareSmoother smoother;
  EXPECT_THROW(smoother.SetGuide({}, 6, nullptr), Error);
  EXPECT_THROW(smoother.SetGuide(Halves(8, 8).Plane<uint8_t>(), 0, nullptr), Error);
  smoother.SetGuide(Halves(8, 8).Plane<uint8_t>(), 6, nullptr);
  std::vector<float> values(64), weights(63);
  EXPECT_THROW(smoother.Smooth(400, 3, nullptr, &values, &weights), Error);
  weights.resize(64);
  EXPECT_THROW(smoother.Smooth(0, 3, nullptr, &values, &weights), Error);
  EXPECT_THROW(smoother.Smooth(std::nanf(""), 3, nullptr, &values, &weights), Error);
  EXPECT_THROW(smoother.Smooth(400, 0, nullptr, &values, &weights), Error);
}

TEST(UpsampleAlongEdges, FollowsTheEdgeOfTheLargePicture) {
  // Columns 0..5 of 12 belong to the left surface; in the small picture that is one and a half.
  const int w = 12, h = 8;
  Image guide(PixelFormat::Gray(8), w, h), small_guide(PixelFormat::Gray(8), 3, 2);
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) guide.MutablePlane<uint8_t>().At(x, y) = x < 6 ? 10 : 250;
  for (int y = 0; y < 2; ++y) {
    small_guide.MutablePlane<uint8_t>().At(0, y) = 10;
    small_guide.MutablePlane<uint8_t>().At(1, y) = 10;
    small_guide.MutablePlane<uint8_t>().At(2, y) = 250;
  }
  const std::vector<float> small = {1, 1, 5, 1, 1, 5};
  Image result(PixelFormat::GrayF32(), w, h);
  UpsampleAlongEdges(small, small_guide.Plane<uint8_t>(), guide.Plane<uint8_t>(), 8, nullptr,
                     result.MutablePlane<float>());
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < 6; ++x) EXPECT_NEAR(result.Plane<float>().At(x, y), 1, 0.01);
    for (int x = 7; x < w; ++x) EXPECT_NEAR(result.Plane<float>().At(x, y), 5, 0.05);
  }
}

TEST(UpsampleAlongEdges, SameSizeIsACopyAndFlatIsBilinear) {
  const Image flat3 = [] {
    Image image(PixelFormat::Gray(8), 2, 1);
    image.MutablePlane<uint8_t>().At(0, 0) = image.MutablePlane<uint8_t>().At(1, 0) = 9;
    return image;
  }();
  Image guide(PixelFormat::Gray(8), 4, 1), result(PixelFormat::GrayF32(), 4, 1);
  for (int x = 0; x < 4; ++x) guide.MutablePlane<uint8_t>().At(x, 0) = 9;
  UpsampleAlongEdges({1, 3}, flat3.Plane<uint8_t>(), guide.Plane<uint8_t>(), 8, nullptr,
                     result.MutablePlane<float>());
  const float expected[] = {1, 1.5f, 2.5f, 3};
  for (int x = 0; x < 4; ++x) EXPECT_NEAR(result.Plane<float>().At(x, 0), expected[x], 1e-6f);
  Image copy(PixelFormat::GrayF32(), 2, 1);
  UpsampleAlongEdges({1, 3}, flat3.Plane<uint8_t>(), flat3.Plane<uint8_t>(), 8, nullptr,
                     copy.MutablePlane<float>());
  EXPECT_EQ(copy.Plane<float>().At(0, 0), 1);
  EXPECT_EQ(copy.Plane<float>().At(1, 0), 3);
  EXPECT_THROW(UpsampleAlongEdges({1}, flat3.Plane<uint8_t>(), guide.Plane<uint8_t>(), 8, nullptr,
                                  result.MutablePlane<float>()),
               Error);
  EXPECT_THROW(UpsampleAlongEdges({1, 3}, flat3.Plane<uint8_t>(), guide.Plane<uint8_t>(), 8,
                                  nullptr, copy.MutablePlane<float>()),
               Error);
}

}  // namespace
}  // namespace mdvt
