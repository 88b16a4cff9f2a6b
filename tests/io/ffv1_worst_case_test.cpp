// SPDX-License-Identifier: Apache-2.0
//
// Pictures that FFV1 cannot compress need the most of the encoder's packet buffer, which is kept
// small: they must come back bit for bit all the same.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

enum class Content { kNoise, kExtremes, kSteps };

void Paint(Content content, std::mt19937_64* rng, Image* image) {
  const PixelFormat format = image->format();
  const uint64_t top = static_cast<uint64_t>(format.max_value());
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    for (int y = 0; y < format.PlaneHeight(plane, image->height()); ++y) {
      for (int x = 0; x < format.PlaneWidth(plane, image->width()); ++x) {
        const uint64_t random = (*rng)();
        // Noise; the two ends of the range at random; calm rows that teach the coder to expect
        // nothing between rows of wild ones.
        const uint64_t value = content == Content::kNoise      ? random % (top + 1)
                               : content == Content::kExtremes ? random % 2 * top
                               : y % 2 == 0                    ? top / 2
                                                               : random % 2 * top;
        if (format.type == SampleType::kU8) {
          image->MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(value);
        } else {
          image->MutablePlane<uint16_t>(plane).At(x, y) = static_cast<uint16_t>(value);
        }
      }
    }
  }
}

bool SamePixels(const ImageView& a, const ImageView& b) {
  for (int plane = 0; plane < a.format.num_planes(); ++plane) {
    const size_t row = static_cast<size_t>(a.format.PlaneWidth(plane, a.width)) *
                       static_cast<size_t>(a.format.bytes_per_sample());
    for (int y = 0; y < a.format.PlaneHeight(plane, a.height); ++y)
      if (std::memcmp(a.Plane<std::byte>(plane).Row(y), b.Plane<std::byte>(plane).Row(y), row) != 0)
        return false;
  }
  return true;
}

TEST(Ffv1WorstCase, ComesBackBitForBit) {
  std::mt19937_64 rng = test::Rng();
  const test::TempDir dir;
  const PixelFormat formats[] = {PixelFormat::Yuv(420),     PixelFormat::Yuv(444),
                                 PixelFormat::Rgb(8),       PixelFormat::Gray(8),
                                 PixelFormat::Gray(16),     PixelFormat::Yuv(420, 10),
                                 PixelFormat::Yuv(444, 16), PixelFormat::Rgb(16)};
  const int sizes[][2] = {{960, 300}, {353, 289}, {2000, 64}};
  for (const PixelFormat& format : formats) {
    for (const auto& [width, height] : sizes) {
      for (const Content content : {Content::kNoise, Content::kExtremes, Content::kSteps}) {
        SCOPED_TRACE(format.ToString() + " " + std::to_string(width) + "x" +
                     std::to_string(height) + " content " +
                     std::to_string(static_cast<int>(content)));
        Image image(format, width, height);
        Paint(content, &rng, &image);
        VideoWriterOptions options;
        options.num_threads = 2;
        VideoWriter writer(dir / "noise.mkv", format, width, height, options);
        for (int i = 0; i < 2; ++i) writer.Write(image, i);
        writer.Finish();
        VideoReader reader(dir / "noise.mkv");
        for (int i = 0; i < 2; ++i) {
          const std::optional<Frame> frame = reader.Read();
          ASSERT_TRUE(frame.has_value());
          ASSERT_EQ(frame->image.format(), format);
          EXPECT_TRUE(SamePixels(frame->image.view(), image.view())) << "frame " << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace mdvt
