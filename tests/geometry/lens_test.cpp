// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/lens.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <utility>

#include "io/expect_error.h"
#include "support/pictures.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 96, kHeight = 64;

Lens Bent(LensModel model, std::array<double, 8> k) {
  Lens lens;
  lens.model = model;
  lens.camera = {kWidth, kHeight, 80, 84, 50, 31};
  lens.k = k;
  return lens;
}

PictureRemap Straightener(const Lens& lens, const Camera& camera, const PixelFormat& format,
                          int chroma_location = 0, ThreadPool* pool = nullptr) {
  return PictureRemap(format, chroma_location, {lens.camera.width, lens.camera.height},
                      {camera.width, camera.height}, StraightenMap(lens, camera),
                      RemapSampling::kSingle, pool);
}

// The formulas as OpenCV's documentation writes them.
Eigen::Vector2d Documented(const Lens& lens, double x, double y) {
  const auto& [k1, k2, p1, p2, k3, k4, k5, k6] = lens.k;
  const double r2 = x * x + y * y, r4 = r2 * r2, r6 = r4 * r2;
  double u = 0, v = 0;
  if (lens.model == LensModel::kBrown) {
    const double s = (1 + k1 * r2 + k2 * r4 + k3 * r6) / (1 + k4 * r2 + k5 * r4 + k6 * r6);
    u = x * s + 2 * p1 * x * y + p2 * (r2 + 2 * x * x);
    v = y * s + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y;
  } else {
    const double r = std::sqrt(r2), t = std::atan(r);
    const double d =
        t * (1 + k1 * t * t + k2 * std::pow(t, 4) + p1 * std::pow(t, 6) + p2 * std::pow(t, 8));
    u = d / r * x;
    v = d / r * y;
  }
  return {lens.camera.fx * u + lens.camera.cx, lens.camera.fy * v + lens.camera.cy};
}

TEST(Lens, ProjectsAsDocumented) {
  for (const Lens& lens : {Bent(LensModel::kBrown, {-0.2, 0.05, 0.01, -0.005, 0.01, 0.02, 0.01, 0}),
                           Bent(LensModel::kFisheye, {0.05, -0.01, 0.002, 0.001})})
    for (const auto& [x, y] : {std::pair(0.3, -0.2), std::pair(-0.5, 0.4), std::pair(0.01, 0.0)})
      EXPECT_LT((lens.Project(x, y) - Documented(lens, x, y)).norm(), 1e-10);
  EXPECT_EQ(Bent(LensModel::kBrown, {-0.2}).Project(0, 0), Eigen::Vector2d(50, 31));
}

TEST(Lens, KnowsWhereItFoldsBack) {
  // r (1 + k r^2) has its largest value at r = sqrt(-1 / (3 k)).
  EXPECT_NEAR(Bent(LensModel::kBrown, {-0.3}).FoldRadius(), std::sqrt(1 / 0.9), 0.011);
  EXPECT_TRUE(std::isinf(Bent(LensModel::kBrown, {0.1}).FoldRadius()));
  EXPECT_TRUE(std::isinf(Bent(LensModel::kFisheye, {}).FoldRadius()));
  ExpectError(Code::kInvalidArgument, "folds", [] { Bent(LensModel::kBrown, {-400}).Check(); });
  ExpectError(Code::kInvalidArgument, "finite",
              [] { Bent(LensModel::kBrown, {std::nan("")}).Check(); });
}

TEST(StraightenMap, WithoutDistortionEveryBitStays) {
  std::mt19937_64 rng = Rng();
  for (const PixelFormat& format : IntegerFormats()) {
    const Image picture = RandomImage(format, kWidth, kHeight, rng);
    const Lens lens = Bent(LensModel::kBrown, {});
    Image straight(format, kWidth, kHeight);
    Straightener(lens, lens.camera, format, 1)
        .Draw(picture.view(), {0, 0, 0}, straight.mutable_view());
    for (int plane = 0; plane < format.num_planes(); ++plane)
      for (int y = 0; y < format.PlaneHeight(plane, kHeight); ++y)
        for (int x = 0; x < format.PlaneWidth(plane, kWidth); ++x)
          ASSERT_EQ(SampleOf(straight, plane, x, y), SampleOf(picture, plane, x, y));
  }
}

TEST(StraightenMap, EachPixelIsWhatTheLensShowsThere) {
  // A picture that is linear in its positions, so that a place between pixels is known exactly.
  const PixelFormat format = PixelFormat::Yuv(420, 16);
  const auto value = [](double x, double y) { return 5000 + 300 * x + 200 * y; };
  for (const Lens& lens : {Bent(LensModel::kBrown, {-0.25, 0.06, 0.004, -0.003}),
                           Bent(LensModel::kFisheye, {0.02, -0.005})}) {
    const Image picture = MakePicture(format, kWidth, kHeight, [&](int plane, int x, int y) {
      // Chroma lies left between two rows of luma.
      return static_cast<int>(
          std::lround(plane == 0 ? value(x + 0.5, y + 0.5) : value(2 * x + 0.5, 2 * y + 1)));
    });
    Image depth(PixelFormat::GrayF32(), kWidth, kHeight);
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x)
        depth.MutablePlane<float>().At(x, y) = static_cast<float>(1 + x + 1000 * y);
    const Camera camera = Camera::FromFov(kWidth, kHeight, 70.0, std::nullopt);
    const PictureRemap remap = Straightener(lens, camera, format, 1);
    Image straight(format, kWidth, kHeight),
        straight_depth(PixelFormat::GrayF32(), kWidth, kHeight);
    remap.Draw(picture.view(), {7, 8, 9}, straight.mutable_view());
    remap.DrawNearest(std::as_const(depth).Plane<float>(), straight_depth.MutablePlane<float>());
    int seen = 0;
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < format.PlaneHeight(plane, kHeight); ++y)
        for (int x = 0; x < format.PlaneWidth(plane, kWidth); ++x) {
          const double u = plane == 0 ? x + 0.5 : 2 * x + 0.5;
          const double v = plane == 0 ? y + 0.5 : 2 * y + 1;
          const Eigen::Vector2d at =
              Documented(lens, (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy);
          const bool inside = at.x() >= 0 && at.y() >= 0 && at.x() <= kWidth && at.y() <= kHeight;
          const int sample = SampleOf(straight, plane, x, y);
          if (!inside) {
            EXPECT_EQ(sample, 7 + plane);
            continue;
          }
          // Beyond the middle of the outermost pixels the picture goes on as it ends.
          if (at.x() < 2 || at.y() < 2 || at.x() > kWidth - 2 || at.y() > kHeight - 2) continue;
          ++seen;
          // A 512th of a pixel.
          EXPECT_NEAR(sample, value(at.x(), at.y()), 3) << plane << " " << x << " " << y;
          if (plane == 0) {
            const float z = std::as_const(straight_depth).Plane<float>().At(x, y);
            const double z_x = std::fmod(z - 1, 1000), z_y = std::floor(z / 1000);
            EXPECT_NEAR(z_x + 0.5, at.x(), 0.51);
            EXPECT_NEAR(z_y + 0.5, at.y(), 0.51);
          }
        }
    EXPECT_GT(seen, kWidth * kHeight / 2);
  }
}

TEST(StraightenMap, ThreadsDoNotMatter) {
  std::mt19937_64 rng = Rng();
  const PixelFormat format = PixelFormat::Yuv(420);
  const Image picture = RandomImage(format, kWidth, kHeight, rng);
  const Lens lens = Bent(LensModel::kFisheye, {0.05});
  Image first;
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    Image straight(format, kWidth, kHeight);
    Straightener(lens, Camera::FromFov(kWidth, kHeight, 60.0, std::nullopt), format, 0, &pool)
        .Draw(picture.view(), {16, 128, 128}, straight.mutable_view());
    if (threads == 1) first = straight.Clone();
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x)
        ASSERT_EQ(SampleOf(straight, 0, x, y), SampleOf(first, 0, x, y));
  }
}

TEST(StraightenMap, SaysWhatDoesNotFit) {
  const Lens lens = Bent(LensModel::kBrown, {});
  ExpectError(Code::kInvalidArgument, "folds",
              [&] { StraightenMap(Bent(LensModel::kBrown, {-400}), lens.camera); });
  ExpectError(Code::kInvalidArgument, "Camera size", [&] { StraightenMap(lens, Camera{}); });
  const PictureRemap remap = Straightener(lens, lens.camera, PixelFormat::Rgb(8));
  Image depth(PixelFormat::GrayF32(), kWidth, kHeight), small(PixelFormat::GrayF32(), 10, 10);
  ExpectError(Code::kInvalidArgument, "96x64", [&] {
    remap.DrawNearest(std::as_const(small).Plane<float>(), depth.MutablePlane<float>());
  });
}

}  // namespace
}  // namespace mdvt::test
