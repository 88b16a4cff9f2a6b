// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/image_resize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/core/error.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr ResizeFilter kFilters[] = {ResizeFilter::kNearest, ResizeFilter::kBilinear,
                                     ResizeFilter::kBicubic, ResizeFilter::kLanczos};

ResizeWindow Whole(int width, int height) {
  return {0, 0, static_cast<double>(width), static_cast<double>(height)};
}

Image Resized(const Image& from, int width, int height, ResizeFilter filter,
              ThreadPool* pool = nullptr, int chroma_location = 0) {
  Image to(from.format(), width, height);
  ImageResizer(from.format(), from.width(), from.height(), Whole(from.width(), from.height()),
               width, height, {filter, chroma_location}, pool)
      .Resize(from.view(), to.mutable_view());
  return to;
}

Image Ramp(int width, int height, float per_column, float per_row) {
  Image image(PixelFormat::GrayF32(), width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      image.MutablePlane<float>().At(x, y) =
          per_column * (static_cast<float>(x) + 0.5f) + per_row * (static_cast<float>(y) + 0.5f);
  return image;
}

TEST(ImageResizer, KeepsAUniformPictureInEveryFormat) {
  for (const PixelFormat& format : {PixelFormat::Yuv(420), PixelFormat::Yuv(422, 10),
                                    PixelFormat::Yuv(444, 16), PixelFormat::Rgb(8)}) {
    Image image(format, 37, 23);
    for (int plane = 0; plane < 3; ++plane) {
      for (int y = 0; y < format.PlaneHeight(plane, 23); ++y) {
        for (int x = 0; x < format.PlaneWidth(plane, 37); ++x) {
          const int value = format.max_value() - plane * 3;
          if (format.type == SampleType::kU8)
            image.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(value);
          else
            image.MutablePlane<uint16_t>(plane).At(x, y) = static_cast<uint16_t>(value);
        }
      }
    }
    for (const ResizeFilter filter : kFilters) {
      for (const auto& [width, height] : {std::pair(80, 61), std::pair(5, 3), std::pair(1, 1)}) {
        const Image to = Resized(image, width, height, filter);
        for (int plane = 0; plane < 3; ++plane) {
          for (int y = 0; y < format.PlaneHeight(plane, height); ++y) {
            for (int x = 0; x < format.PlaneWidth(plane, width); ++x) {
              const int value = format.type == SampleType::kU8 ? to.Plane<uint8_t>(plane).At(x, y)
                                                               : to.Plane<uint16_t>(plane).At(x, y);
              ASSERT_EQ(value, format.max_value() - plane * 3);
            }
          }
        }
      }
    }
  }
}

TEST(ImageResizer, KeepsPositionsInEdgeCoordinates) {
  // A plane in space stays where it is: the value at a centre is that of the same place before.
  const Image from = Ramp(60, 40, 2, -1);
  for (const ResizeFilter filter :
       {ResizeFilter::kBilinear, ResizeFilter::kBicubic, ResizeFilter::kLanczos}) {
    for (const auto& [width, height] : {std::pair(150, 88), std::pair(20, 10)}) {
      const Image to = Resized(from, width, height, filter);
      // Lanczos alone does not keep slopes exactly.
      const float room = filter == ResizeFilter::kLanczos ? 0.1f : 1e-3f;
      for (int y = height / 4; y < height * 3 / 4; ++y) {
        for (int x = width / 4; x < width * 3 / 4; ++x) {
          const float u = (static_cast<float>(x) + 0.5f) * 60 / static_cast<float>(width);
          const float v = (static_cast<float>(y) + 0.5f) * 40 / static_cast<float>(height);
          ASSERT_NEAR(to.Plane<float>().At(x, y), 2 * u - v, room) << x << "," << y;
        }
      }
    }
  }
}

TEST(ImageResizer, TakesAWindow) {
  const Image from = Ramp(60, 40, 1, 0);
  Image to(from.format(), 40, 40);
  ImageResizer(from.format(), 60, 40, {20.5, 0, 20, 40}, 40, 40, {ResizeFilter::kBilinear, 0})
      .Resize(from.view(), to.mutable_view());
  for (int x = 0; x < 40; ++x)
    EXPECT_NEAR(to.Plane<float>().At(x, 7), 20.5f + (static_cast<float>(x) + 0.5f) / 2, 1e-4);
}

TEST(ImageResizer, ChromaStaysWithItsLuma) {
  // Luma and chroma show the same ramp; after resizing they still agree at the chroma's own places.
  for (const int location : {0, 1, 2, 3, 6}) {
    Image from(PixelFormat::Yuv(420, 16), 64, 64);
    const double offset_x = location == 2 || location == 6 ? 1 : 0.5;
    const double offset_y = location == 3 ? 0.5 : location == 6 ? 1.5 : 1;
    const auto value = [](double x, double y) { return 300 * x + 200 * y; };
    for (int y = 0; y < 64; ++y)
      for (int x = 0; x < 64; ++x)
        from.MutablePlane<uint16_t>(0).At(x, y) = static_cast<uint16_t>(value(x + 0.5, y + 0.5));
    for (int plane = 1; plane < 3; ++plane)
      for (int y = 0; y < 32; ++y)
        for (int x = 0; x < 32; ++x)
          from.MutablePlane<uint16_t>(plane).At(x, y) =
              static_cast<uint16_t>(value(2 * x + offset_x, 2 * y + offset_y));
    const Image to = Resized(from, 96, 160, ResizeFilter::kBicubic, nullptr, location);
    for (int y = 20; y < 60; ++y)
      for (int x = 12; x < 36; ++x)
        ASSERT_NEAR(to.Plane<uint16_t>(1).At(x, y),
                    value((2 * x + offset_x) * 64 / 96, (2 * y + offset_y) * 64 / 160), 2)
            << location;
  }
}

TEST(ImageResizer, DoesNotAlias) {
  Image from(PixelFormat::Gray(8), 256, 256);
  for (int y = 0; y < 256; ++y)
    for (int x = 0; x < 256; ++x)
      from.MutablePlane<uint8_t>().At(x, y) = (x + y) % 2 == 0 ? 255 : 0;
  for (const ResizeFilter filter :
       {ResizeFilter::kBilinear, ResizeFilter::kBicubic, ResizeFilter::kLanczos}) {
    const Image to = Resized(from, 50, 50, filter);
    for (int y = 2; y < 48; ++y)
      for (int x = 2; x < 48; ++x) ASSERT_NEAR(to.Plane<uint8_t>().At(x, y), 127.5, 3);
  }
}

TEST(ImageResizer, SameSizeIsACopy) {
  std::mt19937_64 rng = Rng();
  Image from(PixelFormat::Yuv(420), 33, 17);
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < from.format().PlaneHeight(plane, 17); ++y)
      for (int x = 0; x < from.format().PlaneWidth(plane, 33); ++x)
        from.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(rng());
  for (const ResizeFilter filter : kFilters) {
    const Image to = Resized(from, 33, 17, filter);
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < from.format().PlaneHeight(plane, 17); ++y)
        ASSERT_EQ(std::memcmp(to.Plane<uint8_t>(plane).Row(y), from.Plane<uint8_t>(plane).Row(y),
                              static_cast<size_t>(from.format().PlaneWidth(plane, 33))),
                  0);
  }
}

TEST(ImageResizer, ThreadsDoNotChangeTheResult) {
  std::mt19937_64 rng = Rng();
  Image from(PixelFormat::Gray(16), 301, 203);
  for (int y = 0; y < 203; ++y)
    for (int x = 0; x < 301; ++x)
      from.MutablePlane<uint16_t>().At(x, y) = static_cast<uint16_t>(rng());
  const Image one = Resized(from, 517, 399, ResizeFilter::kLanczos);
  for (const int threads : {2, 3, 8}) {
    ThreadPool pool(threads);
    const Image many = Resized(from, 517, 399, ResizeFilter::kLanczos, &pool);
    for (int y = 0; y < 399; ++y)
      ASSERT_EQ(std::memcmp(one.Plane<uint16_t>().Row(y), many.Plane<uint16_t>().Row(y), 517 * 2),
                0);
  }
}

// The bytes that a clip was resized to stay the same from one version to the next.
TEST(ImageResizer, KeepsItsBytes) {
  std::mt19937_64 rng(7);
  const auto fill = [&](Image* image) {
    const PixelFormat& format = image->format();
    for (int plane = 0; plane < format.num_planes(); ++plane) {
      for (int y = 0; y < format.PlaneHeight(plane, image->height()); ++y) {
        for (int x = 0; x < format.PlaneWidth(plane, image->width()); ++x) {
          const uint64_t value = rng() >> (64 - std::min<int>(format.bits, 16));
          if (format.type == SampleType::kU8)
            image->MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(value);
          if (format.type == SampleType::kU16)
            image->MutablePlane<uint16_t>(plane).At(x, y) = static_cast<uint16_t>(value);
          if (format.type == SampleType::kF32)
            image->MutablePlane<float>(plane).At(x, y) = static_cast<float>(value) / 1024;
        }
      }
    }
  };
  const struct {
    PixelFormat format;
    ResizeFilter filter;
    uint64_t hash;
  } cases[] = {
      {PixelFormat::Yuv(420), ResizeFilter::kNearest, 0xc7ee226023ab6016},
      {PixelFormat::Yuv(420), ResizeFilter::kBilinear, 0x75dd5b705627242d},
      {PixelFormat::Yuv(420), ResizeFilter::kBicubic, 0xf8c92e562f4ffa2e},
      {PixelFormat::Yuv(420), ResizeFilter::kLanczos, 0x9b92ccc7a530e4f8},
      {PixelFormat::Yuv(422, 10), ResizeFilter::kLanczos, 0x818b1345af6cfd18},
      {PixelFormat::Rgb(16), ResizeFilter::kBicubic, 0xf01649c0d72fe6a2},
      {PixelFormat::GrayF32(), ResizeFilter::kNearest, 0x1e2b39f748bb9ffb},
      {PixelFormat::GrayF32(), ResizeFilter::kBilinear, 0x334b84b72eb6571c},
      {PixelFormat::GrayF32(), ResizeFilter::kLanczos, 0xb543c3fc073ab8a5},
  };
  ThreadPool pool(3);
  for (const auto& c : cases) {
    Image from(c.format, 131, 89);
    fill(&from);
    uint64_t hash = 0xcbf29ce484222325;
    for (const auto& [width, height] : {std::pair(61, 40), std::pair(131, 45), std::pair(300, 201),
                                        std::pair(1, 1), std::pair(40, 178)}) {
      Image to(c.format, width, height);
      ImageResizer(c.format, 131, 89, {0.5, 3, 121.25, 86}, width, height, {c.filter, 1}, &pool)
          .Resize(from.view(), to.mutable_view());
      for (int plane = 0; plane < c.format.num_planes(); ++plane) {
        for (int y = 0; y < c.format.PlaneHeight(plane, height); ++y) {
          const ImageView view = to.view();
          const auto* bytes =
              view.format.type == SampleType::kU8 ? view.Plane<uint8_t>(plane).Row(y)
              : view.format.type == SampleType::kU16
                  ? reinterpret_cast<const uint8_t*>(view.Plane<uint16_t>(plane).Row(y))
                  : reinterpret_cast<const uint8_t*>(view.Plane<float>(plane).Row(y));
          const size_t size = static_cast<size_t>(c.format.PlaneWidth(plane, width)) *
                              (view.format.type == SampleType::kU8    ? 1
                               : view.format.type == SampleType::kU16 ? 2
                                                                      : 4);
          for (size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3;
        }
      }
    }
    EXPECT_EQ(hash, c.hash) << c.format.ToString() << " filter " << static_cast<int>(c.filter);
  }
}

TEST(ImageResizer, RefusesWhatItWasNotMadeFor) {
  const PixelFormat gray = PixelFormat::Gray(8);
  EXPECT_EQ(test::CodeOf([&] { ImageResizer(gray, 8, 8, Whole(8, 8), 0, 8); }),
            Code::kInvalidArgument);
  EXPECT_EQ(test::CodeOf([&] {
              ImageResizer(gray, 8, 8, {1, 0, 8, 8}, 8, 8);
            }),
            Code::kInvalidArgument);
  EXPECT_EQ(test::CodeOf([&] {
              ImageResizer(gray, 8, 8, {0, 0, NAN, 8}, 8, 8);
            }),
            Code::kInvalidArgument);
  const ImageResizer resizer(gray, 8, 8, Whole(8, 8), 4, 4);
  Image from(gray, 9, 8), to(gray, 4, 4);
  EXPECT_EQ(test::CodeOf([&] { resizer.Resize(from.view(), to.mutable_view()); }),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace mdvt::test
