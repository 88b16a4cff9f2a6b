// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/depth_upscaler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>

#include "io/expect_error.h"

namespace mdvt::test {
namespace {

constexpr int kFactor = 8, kW = 32, kH = 18, kWidth = kFactor * kW, kHeight = kFactor * kH;

// A wavy edge between two things; it does not lie on pixels of the small map.
bool Near(int x, int y) { return x < kWidth / 2 + 3 + 9 * std::sin(0.07 * y); }

// Mean 1 / depth of the pixels of a small one.
Image Shrunk(const Image& large) {
  Image small(PixelFormat::GrayF32(), kW, kH);
  for (int y = 0; y < kH; ++y)
    for (int x = 0; x < kW; ++x) {
      double sum = 0;
      for (int v = 0; v < kFactor; ++v)
        for (int u = 0; u < kFactor; ++u)
          sum += 1 / static_cast<double>(large.Plane<float>().At(x * kFactor + u, y * kFactor + v));
      small.MutablePlane<float>().At(x, y) = static_cast<float>(kFactor * kFactor / sum);
    }
  return small;
}

struct Scene {
  Image depth{PixelFormat::GrayF32(), kWidth, kHeight}, luma{PixelFormat::Gray(8), kWidth, kHeight};
};
Scene Make() {
  Scene scene;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      scene.depth.MutablePlane<float>().At(x, y) = Near(x, y) ? 2.f : 6.f;
      scene.luma.MutablePlane<uint8_t>().At(x, y) = Near(x, y) ? 60 : 170;
    }
  return scene;
}

TEST(GuidedUpscaler, EdgesAreWhereThePictureHasThem) {
  const Scene scene = Make();
  const Image small = Shrunk(scene.depth);
  GuidedUpscaler upscaler;
  const Image result = upscaler.Upscale(small.Plane<float>(), scene.luma.Plane<uint8_t>(), nullptr);
  int wrong = 0, plain_wrong = 0;
  Image plain(PixelFormat::GrayF32(), kWidth, kHeight);
  ResizeBilinear(small.Plane<float>(), nullptr, plain.MutablePlane<float>());
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      const float truth = scene.depth.Plane<float>().At(x, y);
      wrong += std::abs(result.Plane<float>().At(x, y) - truth) > 0.05f * truth;
      plain_wrong += std::abs(plain.Plane<float>().At(x, y) - truth) > 0.05f * truth;
    }
  EXPECT_GT(plain_wrong, 6 * kHeight);
  EXPECT_LT(wrong, kHeight / 8);
  ThreadPool pool(3);
  const Image again = upscaler.Upscale(small.Plane<float>(), scene.luma.Plane<uint8_t>(), &pool);
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      ASSERT_EQ(again.Plane<float>().At(x, y), result.Plane<float>().At(x, y));
}

TEST(GuidedUpscaler, SlopesStayAndNothingIsMadeUp) {
  const Scene scene = Make();
  Image slope(PixelFormat::GrayF32(), kW, kH);
  for (int y = 0; y < kH; ++y)
    for (int x = 0; x < kW; ++x)
      slope.MutablePlane<float>().At(x, y) = 1 / (0.2f + 0.005f * static_cast<float>(x));
  slope.MutablePlane<float>().At(5, 5) = 0;
  slope.MutablePlane<float>().At(20, 10) = std::numeric_limits<float>::infinity();
  GuidedUpscaler upscaler;
  const Image result = upscaler.Upscale(slope.Plane<float>(), scene.luma.Plane<uint8_t>(), nullptr);
  for (const int x : {40 * 1 + 100, 200, 230}) {
    const float u = (static_cast<float>(x) + 0.5f) / kFactor - 0.5f;
    EXPECT_NEAR(1 / result.Plane<float>().At(x, 8), 0.2f + 0.005f * u, 1e-4f) << x;
  }
  EXPECT_EQ(result.Plane<float>().At(5 * kFactor + 4, 5 * kFactor + 4), 0);
  EXPECT_GT(result.Plane<float>().At(4 * kFactor + 4, 5 * kFactor + 4), 0);
  // The same size: nothing is enlarged, and a map without edges comes back as it was.
  Image luma(PixelFormat::Gray(8), kW, kH);
  Image flat(PixelFormat::GrayF32(), kW, kH);
  for (int y = 0; y < kH; ++y)
    for (int x = 0; x < kW; ++x)
      flat.MutablePlane<float>().At(x, y) = 3 + 0.01f * static_cast<float>(y);
  const Image same = upscaler.Upscale(flat.Plane<float>(), luma.Plane<uint8_t>(), nullptr);
  for (int y = 0; y < kH; ++y)
    EXPECT_NEAR(same.Plane<float>().At(3, y), flat.Plane<float>().At(3, y), 1e-5f);
  ExpectError(Code::kInvalidArgument, "smaller than the depth", [&] {
    upscaler.Upscale(scene.depth.Plane<float>(), luma.Plane<uint8_t>(), nullptr);
  });
  GuidedUpscalerOptions wrong;
  wrong.doubt = 9;
  ExpectError(Code::kInvalidArgument, "doubt = 9", [&] { GuidedUpscaler{wrong}; });
}

}  // namespace
}  // namespace mdvt::test
