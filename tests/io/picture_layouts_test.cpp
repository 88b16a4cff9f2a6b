// SPDX-License-Identifier: Apache-2.0
//
// What decoders give and encoders do not take: coarse chroma, transparency.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/unpack.h"
#include "mdvt/io/video_reader.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ClipSpec;
using test::LogCatcher;
using test::MakeClip;
using test::MakeFrame;
using test::ReadComponent;
using test::ReadPlane;
using test::TempDir;

// Every format of every decoder that gives planar YUV, RGB or gray has a format that is handed on.
TEST(PictureLayouts, EverythingButFloatsAndSensorsIsCarried) {
  int carried = 0;
  const AVPixFmtDescriptor* d = nullptr;
  while ((d = av_pix_fmt_desc_next(d)) != nullptr) {
    const AVPixelFormat id = av_pix_fmt_desc_get_id(d);
    const std::string name = d->name;
    constexpr uint64_t kForeign = AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BAYER |
                                  AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_BITSTREAM;
    if ((d->flags & kForeign) != 0 || name.substr(0, 3) == "xyz") continue;
    // Packed RGB of 8 bits or fewer a pixel and chroma of sizes that follow no rule: no decoder on
    // the list gives these.
    if (name == "bgr8" || name == "rgb8" || name == "bgr4_byte" || name == "rgb4_byte" ||
        name == "uyyvyy411")
      continue;
    EXPECT_TRUE(ff::PlanarFormat(id) || ff::UnpackedFormat(id)) << name;
    ++carried;
  }
  EXPECT_GE(carried, 150);
}

Frame FirstFrame(const std::string& path, const VideoReaderOptions& options = {}) {
  VideoReader reader(path, options);
  const PixelFormat stated = reader.info().format;
  Frame frame = *reader.Read();
  EXPECT_EQ(frame.image.format(), stated);
  return frame;
}

// Coarse chroma is widened: luma bit for bit, chroma between its neighbours.
TEST(PictureLayouts, CoarseChromaIsWidened) {
  struct Case {
    AVPixelFormat format;
    PixelFormat carried;
    int step_x, step_y;  // chroma samples of the result per one of the file
  };
  const std::vector<Case> cases = {{AV_PIX_FMT_YUV410P, PixelFormat::Yuv(420), 2, 2}};
  for (const Case& c : cases) {
    SCOPED_TRACE(ff::FormatName(c.format));
    const TempDir folder;
    ClipSpec spec;
    spec.pixel_format = c.format;
    spec.width = 48;
    spec.height = 32;
    MakeClip(folder / "clip.mkv", spec);
    const Frame frame = FirstFrame(folder / "clip.mkv");
    EXPECT_EQ(frame.image.format(), c.carried);
    const auto truth = MakeFrame(c.format, 48, 32, 0);
    EXPECT_EQ(ReadPlane(frame.image.view(), 0), ReadComponent(*truth, 0));
    for (int plane = 1; plane < 3; ++plane) {
      const auto coarse = ReadComponent(*truth, plane);
      const auto fine = frame.image.Plane<uint8_t>(plane);
      const int width = fine.width / c.step_x, height = fine.height / c.step_y;
      for (int y = 0; y < fine.height; ++y) {
        for (int x = 0; x < fine.width; ++x) {
          // Within the range of the samples around it.
          uint32_t low = 255, high = 0;
          for (int v = y / c.step_y - 1; v <= y / c.step_y + 1; ++v)
            for (int u = x / c.step_x - 1; u <= x / c.step_x + 1; ++u) {
              const uint32_t sample = coarse[static_cast<size_t>(
                  std::clamp(v, 0, height - 1) * width + std::clamp(u, 0, width - 1))];
              low = std::min(low, sample);
              high = std::max(high, sample);
            }
          ASSERT_GE(fine.At(x, y), low) << x << "," << y;
          ASSERT_LE(fine.At(x, y), high) << x << "," << y;
        }
      }
    }
  }
}

TEST(PictureLayouts, FormatsThatEncodersTakeStay) {
  for (const AVPixelFormat format :
       {AV_PIX_FMT_YUV411P, AV_PIX_FMT_YUV440P, AV_PIX_FMT_YUV420P9, AV_PIX_FMT_YUV422P10,
        AV_PIX_FMT_YUV444P12, AV_PIX_FMT_YUV420P14, AV_PIX_FMT_YUV422P16, AV_PIX_FMT_GRAY9,
        AV_PIX_FMT_GBRP14}) {
    SCOPED_TRACE(ff::FormatName(format));
    const TempDir folder;
    ClipSpec spec;
    spec.pixel_format = format;
    MakeClip(folder / "clip.mkv", spec);
    const Frame frame = FirstFrame(folder / "clip.mkv");
    const auto truth = MakeFrame(format, spec.width, spec.height, 0);
    for (int plane = 0; plane < frame.image.format().num_planes(); ++plane)
      EXPECT_EQ(ReadPlane(frame.image.view(), plane), ReadComponent(*truth, plane));
  }
}

// --- transparency -------------------------------------------------------------------------------

// colour * alpha, over black of the format.
void ExpectOverBlack(AVPixelFormat format, const Image& image) {
  const auto truth = MakeFrame(format, image.width(), image.height(), 0);
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(format);
  const auto alpha = ReadComponent(*truth, d.nb_components - 1);
  const double max = (1 << d.comp[d.nb_components - 1].depth) - 1;
  const PixelFormat carried = image.format();
  for (int plane = 0; plane < carried.num_planes(); ++plane) {
    const auto color = ReadComponent(*truth, plane);
    const auto got = ReadPlane(image.view(), plane);
    const bool chroma = plane > 0 && carried.model == ColorModel::kYuv;
    const int step_x = chroma ? 1 << carried.chroma_shift_x : 1;
    const int step_y = chroma ? 1 << carried.chroma_shift_y : 1;
    const double black = chroma                              ? 1 << (carried.bits - 1)
                         : carried.model == ColorModel::kYuv ? 16 << (carried.bits - 8)
                                                             : 0;
    const int width = carried.PlaneWidth(plane, image.width());
    for (size_t i = 0; i < got.size(); ++i) {
      const int x = static_cast<int>(i) % width, y = static_cast<int>(i) / width;
      double sum = 0;
      int count = 0;
      for (int v = y * step_y; v < std::min(image.height(), (y + 1) * step_y); ++v)
        for (int u = x * step_x; u < std::min(image.width(), (x + 1) * step_x); ++u, ++count)
          sum += alpha[static_cast<size_t>(v * image.width() + u)];
      const double share = sum / (max * count);
      ASSERT_NEAR(got[i], black + (color[i] - black) * share, 0.5001) << "plane " << plane;
    }
  }
}

TEST(PictureLayouts, TransparencyIsShownOverBlack) {
  struct Case {
    const char* encoder;
    const char* container;
    AVPixelFormat format;
  };
  for (const Case& c :
       {Case{"ffv1", "matroska", AV_PIX_FMT_YUVA420P},
        Case{"ffv1", "matroska", AV_PIX_FMT_YUVA444P10},
        Case{"ffv1", "matroska", AV_PIX_FMT_GBRAP12}, Case{"ffv1", "matroska", AV_PIX_FMT_BGRA},
        Case{"png", "mov", AV_PIX_FMT_RGBA64BE}, Case{"png", "mov", AV_PIX_FMT_YA8},
        Case{"utvideo", "matroska", AV_PIX_FMT_GBRAP}}) {
    SCOPED_TRACE(ff::FormatName(c.format));
    const TempDir folder;
    ClipSpec spec;
    spec.encoder = c.encoder;
    spec.container = c.container;
    spec.pixel_format = c.format;
    spec.width = 34;
    spec.height = 18;
    MakeClip(folder / "clip", spec);
    LogCatcher log;
    {
      VideoReader reader(folder / "clip");
      ExpectOverBlack(c.format, reader.Read()->image);
      while (reader.Read()) {
      }
    }
    ASSERT_EQ(log.lines.size(), 1u);
    EXPECT_TRUE(log.Says("transparent")) << log.lines[0];
    // Rows come the same way.
    VideoReader rows(folder / "clip");
    Image whole;
    rows.Read([&whole](int y, const ImageView& band) {
      if (y == 0 && whole.empty()) whole = Image(band.format, band.width, band.height);
      ASSERT_EQ(band.height, 18);
      CopyPixels(band, whole.mutable_view());
    });
    ExpectOverBlack(c.format, whole);
  }
}

// OpenCV writes 255 into every alpha: nothing to tell, nothing to compute.
TEST(PictureLayouts, OpaquePicturesAreNotTouched) {
  const TempDir folder;
  ClipSpec spec;
  spec.pixel_format = AV_PIX_FMT_BGRA;
  spec.picture = [&spec](int index) {
    ff::FramePtr frame = MakeFrame(spec.pixel_format, spec.width, spec.height, index);
    for (int y = 0; y < spec.height; ++y)
      for (int x = 0; x < spec.width; ++x) frame->data[0][y * frame->linesize[0] + 4 * x + 3] = 255;
    return frame;
  };
  MakeClip(folder / "clip.mkv", spec);
  const LogCatcher log;
  const Frame frame = FirstFrame(folder / "clip.mkv");
  const auto truth = MakeFrame(spec.pixel_format, spec.width, spec.height, 0);
  for (int plane = 0; plane < 3; ++plane)
    EXPECT_EQ(ReadPlane(frame.image.view(), plane), ReadComponent(*truth, plane));
  EXPECT_TRUE(log.lines.empty());
}

}  // namespace
}  // namespace mdvt
