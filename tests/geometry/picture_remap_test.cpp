// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/picture_remap.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>
#include <cstring>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/core/pose.h"
#include "mdvt/geometry/equirect.h"

namespace mdvt::test {
namespace {

const std::array<int, 3> kBlack = {16, 128, 128};

bool SamePixels(const ImageView& a, const ImageView& b) {
  for (int plane = 0; plane < a.format.num_planes(); ++plane)
    for (int y = 0; y < a.format.PlaneHeight(plane, a.height); ++y)
      if (std::memcmp(a.Plane<uint8_t>(plane).Row(y), b.Plane<uint8_t>(plane).Row(y),
                      static_cast<size_t>(a.format.PlaneWidth(plane, a.width)) *
                          static_cast<size_t>(a.format.bytes_per_sample())) != 0)
        return false;
  return true;
}

Image Random(const PixelFormat& format, int width, int height) {
  Image image(format, width, height);
  uint32_t state = 7;
  for (int plane = 0; plane < format.num_planes(); ++plane)
    for (int y = 0; y < format.PlaneHeight(plane, height); ++y)
      for (int x = 0; x < format.PlaneWidth(plane, width); ++x) {
        state = state * 1664525 + 1013904223;
        const auto value = static_cast<uint16_t>((state >> 8) % (1u << format.bits));
        if (format.type == SampleType::kU8)
          image.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(value);
        else
          image.MutablePlane<uint16_t>(plane).At(x, y) = value;
      }
  return image;
}

TEST(PictureRemap, IdentityGivesTheSamePicture) {
  for (const PixelFormat& format : {PixelFormat::Gray(), PixelFormat::Yuv(420),
                                    PixelFormat::Yuv(422, 10), PixelFormat::Rgb(16)})
    for (int location = 0; location <= 3; ++location) {
      const Image from = Random(format, 45, 31);
      const PictureRemap remap(format, location, {45, 31}, {45, 31},
                               [](const Eigen::Vector2d& at) { return std::optional(at); });
      Image to(format, 45, 31);
      remap.Draw(from.view(), kBlack, to.mutable_view());
      EXPECT_TRUE(SamePixels(from.view(), to.view())) << format.ToString() << ", " << location;
      EXPECT_EQ(remap.samples(), (std::array<int, 2>{1, 1}));
    }
}

// Halves of a picture are the means of four pixels.
TEST(PictureRemap, SmallerPicturesAreMeans) {
  const Image from = Random(PixelFormat::Gray(), 40, 40);
  const PictureRemap remap(
      PixelFormat::Gray(), 0, {40, 40}, {20, 20},
      [](const Eigen::Vector2d& at) { return std::optional<Eigen::Vector2d>(2.0 * at); });
  EXPECT_EQ(remap.samples(), (std::array<int, 2>{2, 2}));
  Image to(PixelFormat::Gray(), 20, 20);
  remap.Draw(from.view(), kBlack, to.mutable_view());
  const auto source = from.Plane<uint8_t>();
  for (int y = 0; y < 20; ++y)
    for (int x = 0; x < 20; ++x) {
      const int sum = source.At(2 * x, 2 * y) + source.At(2 * x + 1, 2 * y) +
                      source.At(2 * x, 2 * y + 1) + source.At(2 * x + 1, 2 * y + 1);
      EXPECT_EQ(to.Plane<uint8_t>().At(x, y), (sum + 2) / 4) << x << ", " << y;
    }
}

// Brightness as a smooth function of the direction.
double Light(const Eigen::Vector3d& ray) {
  return 32768 + 9000 * std::sin(9 * ray.x()) + 8000 * std::cos(11 * ray.y() + 3 * ray.z());
}

struct Sphere {
  Sphere() {
    layout.width = 1500;
    layout.height = 1500;
    for (int y = 0; y < 1500; ++y)
      for (int x = 0; x < 1500; ++x)
        picture.MutablePlane<uint16_t>().At(x, y) = static_cast<uint16_t>(
            std::lround(Light(turn * EquirectRay(layout, {x + 0.5, y + 0.5}))));
  }
  std::optional<Eigen::Vector2d> Where(const Eigen::Vector2d& at) const {
    return EquirectPosition(layout, turn.transpose() * Unproject(camera, at, 1));
  }
  // Root mean square of what is off, in codes of 65536.
  double Off(const Image& view) const {
    double sum = 0;
    for (int y = 0; y < view.height(); ++y)
      for (int x = 0; x < view.width(); ++x) {
        const Eigen::Vector3d ray = Unproject(camera, {x + 0.5, y + 0.5}, 1).normalized();
        const double off = view.Plane<uint16_t>().At(x, y) - Light(ray);
        sum += off * off;
      }
    return std::sqrt(sum / (view.width() * view.height()));
  }
  EquirectLayout layout;
  // Of the picture's axes against those of the light.
  const Eigen::Matrix3d turn =
      Eigen::AngleAxisd(0.15, Eigen::Vector3d(0.2, 1, -0.1).normalized()).toRotationMatrix();
  const Camera camera = Camera::FromFov(320, 240, 60.0, std::nullopt);
  Image picture = Image(PixelFormat::Gray(16), 1500, 1500);
};

TEST(PictureRemap, ShowsWhatAPinholeCameraWouldSee) {
  const Sphere sphere;
  const PictureRemap remap(PixelFormat::Gray(16), 0, {1500, 1500}, {320, 240},
                           [&](const Eigen::Vector2d& at) { return sphere.Where(at); });
  Image view(PixelFormat::Gray(16), 320, 240);
  remap.Draw(sphere.picture.view(), kBlack, view.mutable_view());
  EXPECT_LT(sphere.Off(view), 6);  // the mean over a pixel is not the value at its centre
  const Image shown = remap.Shown();
  for (int y = 0; y < 240; ++y)
    for (int x = 0; x < 320; ++x) ASSERT_EQ(shown.Plane<uint8_t>().At(x, y), 255);
}

TEST(PictureRemap, TheSameForEveryNumberOfThreads) {
  const Sphere sphere;
  std::vector<Image> views;
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    const PictureRemap remap(
        PixelFormat::Gray(16), 0, {1500, 1500}, {320, 240},
        [&](const Eigen::Vector2d& at) { return sphere.Where(at); }, RemapSampling::kMean, &pool);
    views.emplace_back(PixelFormat::Gray(16), 320, 240);
    remap.Draw(sphere.picture.view(), kBlack, views.back().mutable_view());
    EXPECT_TRUE(SamePixels(views.back().view(), views.front().view())) << threads;
  }
}

// Stripes finer than the pixels of the view: their mean is gray, a single sample is not.
TEST(PictureRemap, NothingAliases) {
  Image stripes(PixelFormat::Gray(), 300, 30);
  for (int y = 0; y < 30; ++y)
    for (int x = 0; x < 300; ++x) stripes.MutablePlane<uint8_t>().At(x, y) = x % 3 == 0 ? 255 : 0;
  const auto spread = [&](RemapSampling sampling) {
    const PictureRemap remap(
        PixelFormat::Gray(), 0, {300, 30}, {107, 30},
        [](const Eigen::Vector2d& at) {
          return std::optional<Eigen::Vector2d>({at.x() * 300 / 107, at.y()});
        },
        sampling);
    Image view(PixelFormat::Gray(), 107, 30);
    remap.Draw(stripes.view(), kBlack, view.mutable_view());
    int least = 255, most = 0;
    for (int x = 2; x < 105; ++x) {
      least = std::min<int>(least, view.Plane<uint8_t>().At(x, 15));
      most = std::max<int>(most, view.Plane<uint8_t>().At(x, 15));
    }
    return most - least;
  };
  EXPECT_GT(spread(RemapSampling::kSingle), 200);
  EXPECT_LT(spread(RemapSampling::kMean), 45);
}

TEST(PictureRemap, BlackWhereTheSourceShowsNothing) {
  const PixelFormat format = PixelFormat::Yuv(420);
  const Image from = Random(format, 64, 64);
  const PictureRemap remap(format, 0, {64, 64}, {64, 64},
                           [](const Eigen::Vector2d& at) -> std::optional<Eigen::Vector2d> {
                             if (at.x() > 32) return std::nullopt;
                             return at;
                           });
  Image to(format, 64, 64);
  remap.Draw(from.view(), kBlack, to.mutable_view());
  const Image shown = remap.Shown();
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x) {
      EXPECT_EQ(shown.Plane<uint8_t>().At(x, y), x < 32 ? 255 : 0);
      EXPECT_EQ(to.Plane<uint8_t>().At(x, y), x < 32 ? from.Plane<uint8_t>().At(x, y) : 16);
    }
  EXPECT_EQ(to.Plane<uint8_t>(1).At(20, 3), 128);
}

TEST(PictureRemap, RefusesOtherPictures) {
  const auto same = [](const Eigen::Vector2d& at) { return std::optional(at); };
  ExpectError(Code::kInvalidArgument, "8 to 16 bits", [&] {
    PictureRemap(PixelFormat::GrayF32(), 0, {8, 8}, {8, 8}, same);
  });
  ExpectError(Code::kInvalidArgument, "40000x8", [&] {
    PictureRemap(PixelFormat::Gray(), 0, {40000, 8}, {8, 8}, same);
  });
  const PictureRemap remap(PixelFormat::Gray(), 0, {8, 8}, {8, 8}, same);
  Image other(PixelFormat::Gray(), 9, 8);
  ExpectError(Code::kInvalidArgument, "8x8",
              [&] { remap.Draw(other.view(), kBlack, other.mutable_view()); });
}

}  // namespace
}  // namespace mdvt::test
