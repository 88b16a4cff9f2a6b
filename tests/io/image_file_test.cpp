// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/image_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/expect_error.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::RandomImage;
using test::ReadComponent;
using test::ReadPlane;
using test::SamePixels;
using test::TempDir;

// A still picture by FFmpeg's encoder of that name.
std::vector<std::byte> Encode(const char* encoder_name, const AVFrame& frame) {
  const AVCodec* codec = avcodec_find_encoder_by_name(encoder_name);
  const ff::CodecPtr encoder = ff::NewCodec(codec);
  encoder->width = frame.width;
  encoder->height = frame.height;
  encoder->pix_fmt = static_cast<AVPixelFormat>(frame.format);
  encoder->time_base = {1, 25};
  encoder->flags |= AV_CODEC_FLAG_QSCALE;
  encoder->global_quality = FF_QP2LAMBDA;
  EXPECT_GE(avcodec_open2(encoder.get(), codec, nullptr), 0);
  EXPECT_GE(avcodec_send_frame(encoder.get(), &frame), 0);
  const ff::PacketPtr packet = ff::NewPacket();
  EXPECT_GE(avcodec_receive_packet(encoder.get(), packet.get()), 0);
  std::vector<std::byte> bytes(static_cast<size_t>(packet->size));
  std::memcpy(bytes.data(), packet->data, bytes.size());
  return bytes;
}

TEST(WritePng, KeepsEveryBit) {
  const TempDir folder;
  for (const PixelFormat& format :
       {PixelFormat::Gray(8), PixelFormat::Gray(16), PixelFormat::Rgb(8), PixelFormat::Rgb(16)}) {
    for (const auto& [w, h] : {std::pair(1, 1), std::pair(7, 3), std::pair(200, 113)}) {
      const Image image = RandomImage(format, w, h, 1);
      WritePng(folder / "a.png", image.view());
      EXPECT_TRUE(SamePixels(ReadImageFile(folder / "a.png").view(), image.view()))
          << format.ToString() << " " << w << "x" << h;
    }
  }
  EXPECT_EQ(test::ListFolder(folder.path()), std::vector<std::string>{"a.png"});
}

TEST(WritePng, RefusesOtherFormats) {
  const TempDir folder;
  for (const PixelFormat& format :
       {PixelFormat::Yuv(420), PixelFormat::Gray(10), PixelFormat::Rgb(12)}) {
    test::ExpectError(Code::kInvalidArgument, format.ToString(),
                      [&] { WritePng(folder / "a.png", RandomImage(format, 8, 8, 1).view()); });
  }
  test::ExpectError(Code::kInvalidArgument, "no pixels",
                    [&] { WritePng(folder / "a.png", ImageView()); });
  test::ExpectError(Code::kIo, "does not exist", [&] {
    WritePng(folder / "no/a.png", RandomImage(PixelFormat::Gray(8), 8, 8, 1).view());
  });
  EXPECT_TRUE(test::ListFolder(folder.path()).empty());
}

TEST(ReadImageFile, ReadsEveryKindOfPng) {
  const TempDir folder;
  for (const AVPixelFormat format :
       {AV_PIX_FMT_RGB24, AV_PIX_FMT_RGBA, AV_PIX_FMT_RGB48BE, AV_PIX_FMT_RGBA64BE,
        AV_PIX_FMT_GRAY8, AV_PIX_FMT_YA8, AV_PIX_FMT_GRAY16BE, AV_PIX_FMT_YA16BE, AV_PIX_FMT_PAL8,
        AV_PIX_FMT_MONOBLACK}) {
    const auto frame = test::MakeFrame(format, 37, 11, 5);
    test::WriteBytes(folder / "a", Encode("png", *frame));
    const Image image = ReadImageFile(folder / "a");
    for (int plane = 0; plane < image.format().num_planes(); ++plane) {
      auto expected = ReadComponent(*frame, plane);
      if (format == AV_PIX_FMT_MONOBLACK) {
        for (uint32_t& value : expected) value *= 255;
      }
      EXPECT_EQ(ReadPlane(image.view(), plane), expected) << ff::FormatName(format);
    }
  }
}

// JPEG of one colour: the picture is that colour to within the rounding of its steps.
TEST(ReadImageFile, ColorJpegIsRgbByJfif) {
  const TempDir folder;
  for (const AVPixelFormat format :
       {AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUVJ444P}) {
    const auto frame = test::MakeFrame(format, 32, 16, 0);
    const int y = 120, cb = 90, cr = 170;
    for (int plane = 0; plane < 3; ++plane) {
      const int rows =
          plane == 0 ? 16 : AV_CEIL_RSHIFT(16, av_pix_fmt_desc_get(format)->log2_chroma_h);
      std::memset(frame->data[plane],
                  plane == 0   ? y
                  : plane == 1 ? cb
                               : cr,
                  static_cast<size_t>(frame->linesize[plane]) * static_cast<size_t>(rows));
    }
    test::WriteBytes(folder / "a.jpg", Encode("mjpeg", *frame));
    const Image image = ReadImageFile(folder / "a.jpg");
    ASSERT_EQ(image.format(), PixelFormat::Rgb(8));
    EXPECT_NEAR(image.Plane<uint8_t>(0).At(5, 5), y + 1.402 * (cr - 128), 2);
    EXPECT_NEAR(image.Plane<uint8_t>(1).At(5, 5), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128),
                2);
    EXPECT_NEAR(image.Plane<uint8_t>(2).At(5, 5), y + 1.772 * (cb - 128), 2);
  }
}

// An APP1 segment with one EXIF entry, the orientation.
std::vector<std::byte> WithOrientation(const std::vector<std::byte>& jpeg, int orientation) {
  const unsigned char exif[] = {
      0xFF, 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0, 0,
      'M',  'M',  0, 42, 0,   0,   0,   8,   0, 1,
      1,    0x12, 0, 3,  0,   0,   0,   1,   0, static_cast<unsigned char>(orientation),
      0,    0,    0, 0,  0,   0};
  std::vector<std::byte> result(jpeg.begin(), jpeg.begin() + 2);
  for (const unsigned char byte : exif) result.push_back(static_cast<std::byte>(byte));
  result.insert(result.end(), jpeg.begin() + 2, jpeg.end());
  return result;
}

TEST(ReadImageFile, PhotosAreTurnedUpright) {
  const TempDir folder;
  const auto frame = test::MakeFrame(AV_PIX_FMT_YUVJ444P, 32, 16, 0);
  // Dark, but for the top left quarter.
  for (int plane = 0; plane < 3; ++plane) {
    for (int y = 0; y < 16; ++y) {
      for (int x = 0; x < 32; ++x) {
        frame->data[plane][y * frame->linesize[plane] + x] = plane > 0         ? 128
                                                             : x < 16 && y < 8 ? 220
                                                                               : 30;
      }
    }
  }
  const auto jpeg = Encode("mjpeg", *frame);
  // Where the bright quarter is to be seen, by EXIF's table: 0 = left or top, 1 = right or bottom.
  const int right[9] = {0, 0, 1, 1, 0, 0, 1, 1, 0}, below[9] = {0, 0, 0, 1, 1, 0, 0, 1, 1};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    test::WriteBytes(folder / "a.jpg", WithOrientation(jpeg, orientation));
    const Image image = ReadImageFile(folder / "a.jpg");
    EXPECT_EQ(image.width(), orientation >= 5 ? 16 : 32);
    EXPECT_EQ(image.height(), orientation >= 5 ? 32 : 16);
    for (const int qx : {0, 1}) {
      for (const int qy : {0, 1}) {
        const int value = image.Plane<uint8_t>(1).At(image.width() * (1 + 2 * qx) / 4,
                                                     image.height() * (1 + 2 * qy) / 4);
        const bool bright = qx == right[orientation] && qy == below[orientation];
        EXPECT_EQ(value > 125, bright) << orientation << " " << qx << qy << " " << value;
      }
    }
  }
}

TEST(ReadImageFile, ReadsFromMemory) {
  const TempDir folder;
  const Image image = RandomImage(PixelFormat::Rgb(8), 9, 9, 1);
  WritePng(folder / "a.png", image.view());
  EXPECT_TRUE(SamePixels(
      ReadImageFile(OpenMemorySource(test::ReadBytes(folder / "a.png")), "memory").view(),
      image.view()));
}

TEST(ReadImageFile, LimitsHoldBeforeDecoding) {
  const TempDir folder;
  WritePng(folder / "a.png", RandomImage(PixelFormat::Rgb(8), 100, 50, 1).view());
  Limits limits;
  limits.max_pixels_per_frame = 4999;
  test::ExpectError(Code::kLimit, "100x50", [&] { ReadImageFile(folder / "a.png", limits); });
  limits = {};
  limits.max_side = 99;
  test::ExpectError(Code::kLimit, "100x50", [&] { ReadImageFile(folder / "a.png", limits); });
  limits.max_side = -1;
  test::ExpectError(Code::kInvalidArgument, "max_side",
                    [&] { ReadImageFile(folder / "a.png", limits); });
}

}  // namespace
}  // namespace mdvt
