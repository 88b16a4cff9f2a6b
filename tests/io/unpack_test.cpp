// SPDX-License-Identifier: Apache-2.0
#include "io/unpack.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "io/clip_maker.h"
#include "io/deinterleave.h"

namespace mdvt::ff {
namespace {

using test::MakeFrame;
using test::RandomImage;
using test::ReadComponent;
using test::ReadPlane;

// Samples of fewer than 8 bits are widened by repeating their bits.
uint32_t Widen(uint32_t value, int bits) {
  if (bits >= 8) return value;
  if (bits == 1) return value != 0 ? 255 : 0;
  value <<= 8 - bits;
  return value | value >> bits | value >> (2 * bits);
}

TEST(Unpack, EveryPixelFormatOfFfmpegKeepsEveryBit) {
  int planar_count = 0, unpacked_count = 0;
  const AVPixFmtDescriptor* d = nullptr;
  while ((d = av_pix_fmt_desc_next(d)) != nullptr) {
    const AVPixelFormat id = av_pix_fmt_desc_get_id(d);
    const auto planar = PlanarFormat(id), unpacked = UnpackedFormat(id);
    EXPECT_FALSE(planar && unpacked) << d->name;
    if (!planar && !unpacked) continue;
    for (const auto& [width, height] : {std::pair(37, 5), std::pair(1, 1), std::pair(64, 2)}) {
      SCOPED_TRACE(std::string(d->name) + " " + std::to_string(width));
      FramePtr frame = MakeFrame(id, width, height, 3);
      const FramePtr copy(av_frame_clone(frame.get()));
      const Image image =
          planar ? WrapFrame(std::move(frame), *planar) : UnpackFrame(*frame, *unpacked);
      ASSERT_EQ(image.width(), width);
      ASSERT_EQ(image.height(), height);
      for (int plane = 0; plane < image.format().num_planes(); ++plane) {
        auto expected = ReadComponent(*copy, plane);
        const int bits = id == AV_PIX_FMT_PAL8 ? 8 : d->comp[plane].depth;
        for (uint32_t& value : expected) {
          if (id == AV_PIX_FMT_MONOWHITE) value ^= 1;
          value = Widen(value, bits);
        }
        ASSERT_EQ(ReadPlane(image.view(), plane), expected) << "plane " << plane;
      }
    }
    ++(planar ? planar_count : unpacked_count);
  }
  EXPECT_GE(planar_count, 50);
  EXPECT_GE(unpacked_count, 50);
}

TEST(Unpack, FormatsOfEveryFamilyHaveTheirPlanarEqual) {
  const auto name = [](AVPixelFormat format) {
    const auto planar = PlanarFormat(format), unpacked = UnpackedFormat(format);
    return planar ? "=" + planar->ToString() : unpacked ? unpacked->ToString() : "none";
  };
  EXPECT_EQ(name(AV_PIX_FMT_YUV420P), "=yuv420p8");
  EXPECT_EQ(name(AV_PIX_FMT_YUVJ422P), "=yuv422p8");
  EXPECT_EQ(name(AV_PIX_FMT_YUVA444P10LE), "=yuv444p10");
  EXPECT_EQ(name(AV_PIX_FMT_GBRP16LE), "=rgb16");
  EXPECT_EQ(name(AV_PIX_FMT_GRAY16LE), "=gray16");
  EXPECT_EQ(name(AV_PIX_FMT_BGR0), "rgb8");
  EXPECT_EQ(name(AV_PIX_FMT_BGRA), "rgb8");
  EXPECT_EQ(name(AV_PIX_FMT_ARGB), "rgb8");
  EXPECT_EQ(name(AV_PIX_FMT_RGB24), "rgb8");
  EXPECT_EQ(name(AV_PIX_FMT_PAL8), "rgb8");
  EXPECT_EQ(name(AV_PIX_FMT_RGB565LE), "rgb8");
  EXPECT_EQ(name(AV_PIX_FMT_RGB48BE), "rgb16");
  EXPECT_EQ(name(AV_PIX_FMT_NV12), "yuv420p8");
  EXPECT_EQ(name(AV_PIX_FMT_NV21), "yuv420p8");
  EXPECT_EQ(name(AV_PIX_FMT_P010LE), "yuv420p10");
  EXPECT_EQ(name(AV_PIX_FMT_YUYV422), "yuv422p8");
  EXPECT_EQ(name(AV_PIX_FMT_UYVY422), "yuv422p8");
  EXPECT_EQ(name(AV_PIX_FMT_YA8), "gray8");
  EXPECT_EQ(name(AV_PIX_FMT_GRAY16BE), "gray16");
  EXPECT_EQ(name(AV_PIX_FMT_MONOBLACK), "gray8");
  EXPECT_EQ(name(AV_PIX_FMT_GBRPF32LE), "none");
  EXPECT_EQ(name(AV_PIX_FMT_YUV410P), "=yuv410p8");
  EXPECT_EQ(name(AV_PIX_FMT_BAYER_RGGB8), "none");
  EXPECT_EQ(name(AV_PIX_FMT_XYZ12LE), "none");
  EXPECT_EQ(name(AV_PIX_FMT_VAAPI), "none");
  EXPECT_EQ(name(AV_PIX_FMT_NONE), "none");
}

TEST(ToAvFormat, NamesTheFormatWithTheSamePlanes) {
  for (const int bits : {8, 9, 10, 12, 14, 16}) {
    for (const PixelFormat& format :
         {PixelFormat::Gray(bits), PixelFormat::Rgb(bits), PixelFormat::Yuv(420, bits),
          PixelFormat::Yuv(422, bits), PixelFormat::Yuv(444, bits)}) {
      const AVPixelFormat id = ToAvFormat(format);
      ASSERT_NE(id, AV_PIX_FMT_NONE) << format.ToString();
      EXPECT_EQ(*PlanarFormat(id), format) << FormatName(id);
      EXPECT_FALSE(IsFullRangeYuvj(id));
      EXPECT_EQ(av_pix_fmt_desc_get(id)->flags & AV_PIX_FMT_FLAG_ALPHA, 0u) << FormatName(id);
    }
  }
  EXPECT_EQ(ToAvFormat(PixelFormat::GrayF32()), AV_PIX_FMT_NONE);
}

TEST(Interleave, IsUndoneByDeinterleave) {
  for (const int width : {1, 2, 15, 16, 17, 31, 64, 65, 200}) {
    for (const int step : {3, 4}) {
      std::vector<uint8_t> packed(static_cast<size_t>(width * step));
      for (size_t i = 0; i < packed.size(); ++i) packed[i] = static_cast<uint8_t>(i * 37 + 11);
      const auto n = static_cast<size_t>(width);
      std::vector<uint8_t> planes[4] = {std::vector<uint8_t>(n), std::vector<uint8_t>(n),
                                        std::vector<uint8_t>(n), std::vector<uint8_t>(n)};
      uint8_t* const rows[4] = {planes[0].data(), planes[1].data(), planes[2].data(),
                                step == 4 ? planes[3].data() : nullptr};
      DeinterleaveRow(packed.data(), step, width, rows);
      for (int x = 0; x < width; ++x) {
        for (int i = 0; i < step; ++i) {
          ASSERT_EQ(planes[i][static_cast<size_t>(x)], packed[static_cast<size_t>(x * step + i)]);
        }
      }
      if (step == 4) {
        const uint8_t* const inputs[4] = {rows[0], rows[1], rows[2], rows[3]};
        std::vector<uint8_t> again(packed.size());
        InterleaveRow(inputs, width, again.data());
        EXPECT_EQ(again, packed);
        const uint8_t* const without[4] = {rows[0], rows[1], rows[2], nullptr};
        InterleaveRow(without, width, again.data());
        for (size_t i = 3; i < again.size(); i += 4) ASSERT_EQ(again[i], 255);
      }
    }
  }
}

// --- turning ------------------------------------------------------------------------------------

constexpr Orientation kAllTurns[8] = {{0, false}, {90, false}, {180, false}, {270, false},
                                      {0, true},  {90, true},  {180, true},  {270, true}};

// The matrix of a turn by definition: x' = a x + c y, y' = b x + d y, y down.
std::vector<int32_t> MatrixOf(const Orientation& turn) {
  int a = turn.mirrored ? -1 : 1, b = 0, c = 0, d = 1;
  for (int i = 0; i < turn.clockwise_deg; i += 90) {  // (x, y) -> (-y, x)
    const int old_a = a, old_c = c;
    a = -b;
    b = old_a;
    c = -d;
    d = old_c;
  }
  return {a * 65536, b * 65536, 0, c * 65536, d * 65536, 0, 0, 0, 1 << 30};
}

TEST(Orientation, IsReadFromEveryRightAngledMatrix) {
  for (const Orientation& turn : kAllTurns) {
    const auto matrix = MatrixOf(turn);
    const auto read = OrientationOf(matrix.data());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->clockwise_deg, turn.clockwise_deg);
    EXPECT_EQ(read->mirrored, turn.mirrored);
  }
}

TEST(Orientation, OfOtherMatricesIsNone) {
  const std::vector<int32_t> slanted = {46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30};
  const std::vector<int32_t> zero(9, 0);
  const std::vector<int32_t> sheared = {65536, 0, 0, 65536, 65536, 0, 0, 0, 1 << 30};
  EXPECT_FALSE(OrientationOf(slanted.data()));
  EXPECT_FALSE(OrientationOf(zero.data()));
  EXPECT_FALSE(OrientationOf(sheared.data()));
}

TEST(TurnImage, MovesEverySampleWhereTheMatrixSays) {
  for (const PixelFormat& format : {PixelFormat::Gray(8), PixelFormat::Rgb(16)}) {
    for (const auto& [w, h] : {std::pair(5, 3), std::pair(1, 1), std::pair(70, 33)}) {
      const Image image = RandomImage(format, w, h, 1);
      for (const Orientation& turn : kAllTurns) {
        const auto m = MatrixOf(turn);
        const Image turned = TurnImage(image.view(), turn);
        ASSERT_EQ(turned.width(), turn.SwapsAxes() ? h : w);
        const auto before = ReadPlane(image.view(), 0), after = ReadPlane(turned.view(), 0);
        for (int y = 0; y < h; ++y) {
          for (int x = 0; x < w; ++x) {
            int tx = (m[0] * x + m[3] * y) / 65536, ty = (m[1] * x + m[4] * y) / 65536;
            if (m[0] + m[3] < 0) tx += turned.width() - 1;
            if (m[1] + m[4] < 0) ty += turned.height() - 1;
            ASSERT_EQ(after[static_cast<size_t>(ty * turned.width() + tx)],
                      before[static_cast<size_t>(y * w + x)])
                << turn.clockwise_deg << turn.mirrored << " at " << x << "," << y;
          }
        }
      }
    }
  }
}

TEST(TurnImage, FourQuartersAreNothing) {
  for (const int subsampling : {420, 422, 444}) {
    const Image image = RandomImage(PixelFormat::Yuv(subsampling, 10), 6, 4, 2);
    Image turned = image;
    for (int i = 0; i < 4; ++i) turned = TurnImage(turned.view(), {90, false});
    EXPECT_TRUE(test::SamePixels(turned.view(), image.view())) << subsampling;
  }
}

TEST(TurnImage, TurnsChromaStepsAndPositions) {
  const PixelFormat turned = TurnedFormat(PixelFormat::Yuv(422), {90, false});
  EXPECT_EQ(turned.ToString(), "yuv440p8");
  EXPECT_EQ(TurnedFormat(PixelFormat::Yuv(420), {270, true}), PixelFormat::Yuv(420));
  EXPECT_EQ(TurnedChromaLocation(AVCHROMA_LOC_CENTER, {90, false}), AVCHROMA_LOC_CENTER);
  EXPECT_EQ(TurnedChromaLocation(AVCHROMA_LOC_LEFT, {90, false}), AVCHROMA_LOC_TOP);
  EXPECT_EQ(TurnedChromaLocation(AVCHROMA_LOC_LEFT, {270, false}), AVCHROMA_LOC_BOTTOM);
  EXPECT_EQ(TurnedChromaLocation(AVCHROMA_LOC_LEFT, {180, false}), 0);
  EXPECT_EQ(TurnedChromaLocation(AVCHROMA_LOC_TOPLEFT, {270, false}), AVCHROMA_LOC_BOTTOMLEFT);
  EXPECT_EQ(TurnedChromaLocation(0, {90, false}), 0);
}

}  // namespace
}  // namespace mdvt::ff
