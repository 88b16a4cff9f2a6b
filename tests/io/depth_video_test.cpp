// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/depth_video.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "io/expect_error.h"
#include "mdvt/core/log.h"
#include "support/log_catcher.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt {
namespace {

using test::ExpectError;
namespace fs = std::filesystem;

// Depth with every kind of pixel: far, near, no data, past the range.
Image Scene(int width, int height, int frame) {
  Image depth(PixelFormat::GrayF32(), width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      float z = 1 + 0.37f * static_cast<float>(x) + 0.11f * static_cast<float>(y) +
                0.01f * static_cast<float>(frame);
      if ((x + y + frame) % 7 == 0) z = 0;
      if ((x + y + frame) % 11 == 0) z = 1e6f;
      depth.MutablePlane<float>().At(x, y) = z;
    }
  }
  return depth;
}

DepthVideoWriterOptions Options(DepthEncoding encoding = DepthEncoding::kRgb16,
                                double max_depth = 100) {
  DepthVideoWriterOptions options;
  options.codec.encoding = encoding;
  options.codec.max_depth = max_depth;
  options.video.time_base = {1, 1000};
  options.video.frame_rate = {30000, 1001};
  return options;
}

void WriteClip(const std::string& path, const DepthVideoWriterOptions& options, int width = 32,
               int height = 18, int frames = 5) {
  DepthVideoWriter writer(path, width, height, options);
  for (int i = 0; i < frames; ++i) {
    writer.Write(Scene(width, height, i).Plane<float>(), i * 33 + (i % 2), 33);
  }
  EXPECT_EQ(writer.frames_written(), frames);
  writer.Finish();
}

// An 8-bit RGB or gray file without any tags, as other tools write it. `value` gives the sample of
// (plane, x, y, frame).
template <typename Value>
void WriteForeign(const std::string& path, const PixelFormat& format, int frames,
                  const Value& value, int width = 32, int height = 18) {
  VideoWriterOptions options;
  options.frame_rate = {25, 1};
  options.color.full_range = true;
  VideoWriter writer(path, format, width, height, options);
  for (int i = 0; i < frames; ++i) {
    Image image(format, width, height);
    for (int plane = 0; plane < format.num_planes(); ++plane) {
      for (int y = 0; y < format.PlaneHeight(plane, height); ++y) {
        for (int x = 0; x < format.PlaneWidth(plane, width); ++x) {
          const int sample = value(plane, x, y, i);
          if (format.type == SampleType::kU16) {
            image.MutablePlane<uint16_t>(plane).At(x, y) = static_cast<uint16_t>(sample);
          } else {
            image.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(sample);
          }
        }
      }
    }
    writer.Write(image, i * 40, 40);
  }
  writer.Finish();
}

int CodeAt(int x, int y, int frame) { return (x * 701 + y * 1301 + frame * 17) % 64518; }
int Rgb16Sample(int plane, int x, int y, int frame) {
  const int code = CodeAt(x, y, frame);
  return plane == 2 ? code & 0xFF : code >> 8;
}

TEST(DepthVideo, RoundTripsEveryEncodingAndSize) {
  const test::TempDir dir;
  const std::string path = dir / "depth.mkv";
  ThreadPool pool(2);
  for (const DepthEncoding encoding :
       {DepthEncoding::kRgb16, DepthEncoding::kGray16, DepthEncoding::kRgb24Log,
        DepthEncoding::kGray16Legacy, DepthEncoding::kGray8}) {
    for (const auto& [width, height] : {std::pair{32, 18}, {1, 1}, {17, 9}, {640, 1}}) {
      SCOPED_TRACE(std::string(DepthEncodingName(encoding)) + " " + std::to_string(width));
      DepthVideoWriterOptions options = Options(encoding, 12.5);
      options.codec.log_offset = 0.7;
      WriteClip(path, options, width, height);
      test::LogCatcher log;
      DepthVideoReader reader(path);
      EXPECT_EQ(reader.codec().encoding, encoding);
      EXPECT_EQ(reader.codec().max_depth, 12.5);
      EXPECT_EQ(reader.info().width, width);
      EXPECT_EQ(reader.info().height, height);
      EXPECT_EQ(reader.info().frame_rate, (Rational{30000, 1001}));
      for (int i = 0; i < 5; ++i) {
        const auto frame = reader.Read(&pool);
        ASSERT_TRUE(frame);
        EXPECT_EQ(frame->index, i);
        EXPECT_EQ(Rescale(frame->pts, reader.info().time_base, {1, 1000}), i * 33 + (i % 2));
        const Image scene = Scene(width, height, i);
        for (int y = 0; y < height; ++y) {
          for (int x = 0; x < width; ++x) {
            const float expected = DecodeDepth(
                EncodeDepth(scene.Plane<float>().At(x, y), options.codec), options.codec);
            ASSERT_EQ(frame->depth.Plane<float>().At(x, y), expected) << x << "," << y;
          }
        }
      }
      EXPECT_FALSE(reader.Read(&pool));
      EXPECT_TRUE(log.lines.empty()) << log.lines[0];
    }
  }
}

TEST(DepthVideo, CarriesItsTags) {
  const test::TempDir dir;
  DepthVideoWriterOptions options = Options(DepthEncoding::kRgb24Log, 40);
  options.codec.log_offset = 1.25;
  options.tags.xfov_deg = 61.5;
  options.tags.k = {500, 501, 16, 9};
  options.tags.source = "clip \xC3\xA9.mp4";
  options.tags.source_frames = 5;
  options.video.sample_aspect = {4, 3};
  WriteClip(dir / "d.mkv", options);
  EXPECT_FALSE(fs::exists(DepthSidecarPath(dir / "d.mkv")));
  const DepthVideoReader reader(dir / "d.mkv");
  const DepthTags& tags = reader.tags();
  EXPECT_EQ(tags.kind, "depth");
  EXPECT_EQ(tags.encoding, DepthEncoding::kRgb24Log);
  EXPECT_EQ(tags.max_depth, 40);
  EXPECT_EQ(tags.log_offset, 1.25);
  EXPECT_EQ(tags.geometry, DepthGeometry::kZ);
  EXPECT_EQ(tags.xfov_deg, 61.5);
  EXPECT_FALSE(tags.yfov_deg);
  EXPECT_EQ(tags.k, (std::array<double, 4>{500, 501, 16, 9}));
  EXPECT_EQ(tags.source, "clip \xC3\xA9.mp4");
  EXPECT_EQ(tags.source_frames, 5);
  EXPECT_EQ(tags.frame_rate, (Rational{30000, 1001}));
  EXPECT_EQ(tags.sample_aspect, (Rational{4, 3}));
  EXPECT_EQ(reader.info().sample_aspect, (Rational{4, 3}));
  EXPECT_EQ(reader.codec().log_offset, 1.25);
}

TEST(DepthVideo, TruncatedCodesOfTheOriginalsAreReadBitForBit) {
  const test::TempDir dir;
  WriteForeign(dir / "d.mkv", PixelFormat::Rgb(8), 2, Rgb16Sample);
  for (const double max_depth : {100.0, 20.0}) {
    DepthVideoReaderOptions options;
    options.max_depth = max_depth;
    test::LogCatcher log;
    DepthVideoReader reader(dir / "d.mkv", options);
    EXPECT_EQ(reader.codec().encoding, DepthEncoding::kRgb16);
    EXPECT_TRUE(log.lines.empty()) << log.lines[0];
    for (int i = 0; i < 2; ++i) {
      const auto frame = reader.Read();
      ASSERT_TRUE(frame);
      for (int y = 0; y < 18; ++y) {
        for (int x = 0; x < 32; ++x) {
          const auto word = static_cast<float>(static_cast<uint32_t>(CodeAt(x, y, i)) << 16);
          ASSERT_EQ(frame->depth.Plane<float>().At(x, y),
                    word * static_cast<float>(max_depth / 4228250625.0));
        }
      }
    }
  }
}

TEST(DepthVideo, OrderOfSources) {
  const test::TempDir dir;
  const std::string path = dir / "d.mkv";
  WriteForeign(path, PixelFormat::Rgb(8), 1, Rgb16Sample);
  {
    test::LogCatcher log;
    EXPECT_EQ(DepthVideoReader(path).codec().max_depth, 100);
    ASSERT_EQ(log.lines.size(), 1u);
    EXPECT_TRUE(log.Says("--max_depth 20")) << log.lines[0];
  }
  {
    test::LogCatcher log;
    DepthVideoReaderOptions named;
    named.max_depth_name = "--truth_max_depth";
    EXPECT_EQ(DepthVideoReader(path, named).codec().max_depth, 100);
    EXPECT_TRUE(log.Says("need --truth_max_depth 20"));
  }
  std::ofstream(DepthSidecarPath(path)) << "{\"MDVT_MAX_DEPTH\": 20, \"MDVT_XFOV\": 50}";
  {
    test::LogCatcher log;
    const DepthVideoReader reader(path);
    EXPECT_EQ(reader.codec().max_depth, 20) << "the sidecar, where tags lack it";
    EXPECT_EQ(reader.tags().xfov_deg, 50);
    EXPECT_TRUE(log.lines.empty());
  }
  DepthVideoReaderOptions options;
  options.max_depth = 7;
  EXPECT_EQ(DepthVideoReader(path, options).codec().max_depth, 7) << "the caller";

  WriteClip(path, Options(DepthEncoding::kRgb16, 33));
  EXPECT_EQ(DepthVideoReader(path).codec().max_depth, 33) << "tags before the stale sidecar";
  EXPECT_EQ(DepthVideoReader(path, options).codec().max_depth, 7) << "the caller before tags";
}

TEST(DepthVideo, ReadsFromMemoryWithoutASidecar) {
  const test::TempDir dir;
  WriteClip(dir / "d.mkv", Options(DepthEncoding::kGray16, 12.5));
  const std::string bytes = test::ReadText(dir / "d.mkv");
  DepthVideoReader reader(OpenMemorySource(bytes.data(), bytes.size()), "upload");
  EXPECT_EQ(reader.codec().max_depth, 12.5);
  DepthVideoReader from_file(dir / "d.mkv");
  for (int i = 0; i < 5; ++i) {
    const auto a = reader.Read(), b = from_file.Read();
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->pts, b->pts);
    for (int y = 0; y < 18; ++y) {
      EXPECT_EQ(std::memcmp(a->depth.Plane<float>().Row(y), b->depth.Plane<float>().Row(y), 128),
                0);
    }
  }
  ExpectError(Code::kCorrupt, "upload",
              [] { DepthVideoReader text(OpenMemorySource("not a video", 11), "upload"); });
}

TEST(DepthVideo, BadSidecarsAreNamed) {
  const test::TempDir dir;
  const std::string path = dir / "d.mkv";
  WriteForeign(path, PixelFormat::Rgb(8), 1, Rgb16Sample);
  std::ofstream(DepthSidecarPath(path)) << "{\"MDVT_MAX_DEPTH\": -1}";
  ExpectError(Code::kCorrupt, "d.mkv.mdvt.json: depth sidecar: MDVT_MAX_DEPTH",
              [&] { DepthVideoReader reader(path); });
  std::ofstream(DepthSidecarPath(path)) << "{\"MDVT_ENCODING\": \"gray16-linear-65535\"}";
  ExpectError(Code::kCorrupt, "tagged as gray16-linear-65535, which needs gray16",
              [&] { DepthVideoReader reader(path); });
  std::ofstream(DepthSidecarPath(path))
      << "{\"MDVT_ENCODING\": \"rgb24-log\", \"MDVT_LOG_OFFSET\": 1e9}";
  ExpectError(Code::kCorrupt, "log_offset", [&] { DepthVideoReader reader(path); });
}

TEST(DepthVideo, LooksOfUntaggedFiles) {
  const test::TempDir dir;
  const std::string path = dir / "d.mkv";
  const auto encoding_of = [&](const std::string& warning) {
    test::LogCatcher log;
    const DepthEncoding encoding = DepthVideoReader(path).codec().encoding;
    EXPECT_TRUE(log.Says(warning)) << warning;
    return encoding;
  };
  WriteForeign(path, PixelFormat::Gray(16), 1, [](int, int x, int, int) { return x * 2000; });
  EXPECT_EQ(encoding_of("gray16-linear-65025"), DepthEncoding::kGray16Legacy);
  WriteForeign(path, PixelFormat::Gray(8), 1, [](int, int x, int, int) { return x; });
  EXPECT_EQ(encoding_of("gray8-linear-255"), DepthEncoding::kGray8);
  WriteForeign(path, PixelFormat::Rgb(8), 1, [](int, int x, int y, int) { return x * 3 + y; });
  EXPECT_EQ(encoding_of("gray8-linear-255"), DepthEncoding::kGray8);
  {
    DepthVideoReaderOptions options;
    options.max_depth = 255;
    DepthVideoReader reader(path, options);
    const auto frame = reader.Read();
    EXPECT_EQ(frame->depth.Plane<float>().At(4, 5), 17) << "three equal channels as one";
  }
  // All zero, then one colour that could be both, then the truth; no frame may be lost.
  WriteForeign(path, PixelFormat::Rgb(8), 4, [](int plane, int x, int y, int frame) {
    if (frame == 0) return 0;
    if (frame == 1) return 9;
    return Rgb16Sample(plane, x, y, frame);
  });
  EXPECT_EQ(encoding_of("rgb16-linear-255p4"), DepthEncoding::kRgb16);
  DepthVideoReader reader(path);
  for (int i = 0; i < 4; ++i) {
    const auto frame = reader.Read();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->index, i);
    if (i == 0) {
      EXPECT_EQ(frame->depth.Plane<float>().At(3, 3), 0);
    }
  }
  EXPECT_FALSE(reader.Read());
  WriteForeign(path, PixelFormat::Rgb(8), 12, [](int, int, int, int) { return 0; });
  EXPECT_EQ(encoding_of("rgb16-linear-255p4"), DepthEncoding::kRgb16);
  WriteForeign(path, PixelFormat::Rgb(8), 1,
               [](int plane, int x, int, int) { return plane == 2 ? x : 253; });
  EXPECT_EQ(encoding_of("codes past 64517"), DepthEncoding::kRgb16);
}

TEST(DepthVideo, RefusesWhatWasCodedWithLoss) {
  const test::TempDir dir;
  const std::string path = dir / "d.mkv";
  WriteForeign(path, PixelFormat::Rgb(8), 1, [](int plane, int x, int y, int frame) {
    return Rgb16Sample(plane, x, y, frame) + (plane == 1 && x == 3 && y == 3);
  });
  ExpectError(Code::kRefused, "R and G differ in 0.17 %", [&] { DepthVideoReader reader(path); });
  DepthVideoReaderOptions options;
  options.allow_damaged = true;
  test::LogCatcher log;
  DepthVideoReader reader(path, options);
  EXPECT_TRUE(reader.Read());
  EXPECT_TRUE(log.Says("frame 0: channels that must agree differ in 0.17 %"));
}

TEST(DepthVideo, ToleratesASinglePixelAndNamesIt) {
  const test::TempDir dir;
  const std::string path = dir / "d.mkv";
  const auto sample = [](int plane, int x, int y, int frame) {
    return Rgb16Sample(plane, x, y, frame) + (plane == 1 && x == 3 && y == 3);
  };
  WriteForeign(path, PixelFormat::Rgb(8), 2, sample, 64, 64);
  DepthVideoReaderOptions options;
  options.max_depth = 100;
  test::LogCatcher log;
  DepthVideoReader reader(path, options);
  EXPECT_TRUE(reader.Read());
  EXPECT_TRUE(reader.Read());
  ASSERT_EQ(log.lines.size(), 1u) << "once for a file";
  EXPECT_TRUE(log.Says("frame 0")) << log.lines[0];
}

TEST(DepthVideo, DamageFurtherOnIsFoundWhereItIs) {
  const test::TempDir dir;
  const std::string path = dir / "d.mkv";
  WriteForeign(path, PixelFormat::Rgb(8), 4, [](int plane, int x, int y, int frame) {
    return (Rgb16Sample(plane, x, y, frame) + (plane == 1 && frame == 2 ? x % 3 : 0)) & 0xFF;
  });
  DepthVideoReaderOptions options;
  options.max_depth = 100;
  DepthVideoReader reader(path, options);
  EXPECT_TRUE(reader.Read());
  EXPECT_TRUE(reader.Read());
  ExpectError(Code::kCorrupt, "frame 2: channels that must agree differ", [&] { reader.Read(); });
}

TEST(DepthVideo, RefusesOtherVideos) {
  const test::TempDir dir;
  const auto open = [](const std::string& path, const DepthVideoReaderOptions& options = {}) {
    DepthVideoReader reader(path, options);
  };
  DepthVideoReaderOptions damaged;
  damaged.allow_damaged = true;
  const auto ramp = [](int plane, int x, int y, int) { return plane ? 128 : x + y; };
  WriteForeign(dir / "yuv.mkv", PixelFormat::Yuv(420), 1, ramp);
  ExpectError(Code::kRefused, "depth does not survive in YUV", [&] { open(dir / "yuv.mkv"); });
  ExpectError(Code::kRefused, "YUV", [&] { open(dir / "yuv.mkv", damaged); });
  WriteForeign(dir / "g10.mkv", PixelFormat::Gray(10), 1, ramp);
  ExpectError(Code::kRefused, "8-bit RGB or 8- or 16-bit gray", [&] { open(dir / "g10.mkv"); });
  WriteForeign(dir / "colour.mkv", PixelFormat::Rgb(8), 1,
               [](int plane, int x, int y, int) { return 20 * plane + x + y; });
  ExpectError(Code::kRefused, "differ in 100.00 %", [&] { open(dir / "colour.mkv"); });

  VideoWriterOptions h264;
  h264.codec = VideoCodec::kH264;
  h264.frame_rate = {25, 1};
  {
    VideoWriter writer(dir / "color.mp4", PixelFormat::Yuv(420), 32, 18, h264);
    Image image(PixelFormat::Yuv(420), 32, 18);
    for (int plane = 0; plane < 3; ++plane) {
      const auto pixels = image.MutablePlane<uint8_t>(plane);
      for (int y = 0; y < pixels.height; ++y) std::memset(pixels.Row(y), 100, pixels.width);
    }
    writer.Write(image, 0, 40);
    writer.Finish();
  }
  ExpectError(Code::kRefused, "color.mp4: h264 with yuv420p samples",
              [&] { open(dir / "color.mp4"); });
  ExpectError(Code::kNotFound, "none.mkv", [&] { open(dir / "none.mkv"); });
  std::ofstream(dir / "text.mkv") << "not a video";
  ExpectError(Code::kCorrupt, "text.mkv", [&] { open(dir / "text.mkv"); });
}

TEST(DepthVideo, RefusesOtherKindsByTheirTags) {
  const test::TempDir dir;
  DepthVideoWriterOptions options = Options();
  options.tags.kind = "infillmask";
  WriteClip(dir / "m.mkv", options);
  ExpectError(Code::kRefused, "MDVT_KIND says \"infillmask\"",
              [&] { DepthVideoReader reader(dir / "m.mkv"); });
  options.tags.kind = "sbs_depth";
  WriteClip(dir / "s.mkv", options);
  EXPECT_NO_THROW(DepthVideoReader(dir / "s.mkv"));
  options = Options();
  options.tags.geometry = DepthGeometry::kRange;
  WriteClip(dir / "r.mkv", options);
  ExpectError(Code::kRefused, "distances along the ray",
              [&] { DepthVideoReader reader(dir / "r.mkv"); });
  DepthVideoReaderOptions range;
  range.allow_range = true;
  EXPECT_EQ(DepthVideoReader(dir / "r.mkv", range).tags().geometry, DepthGeometry::kRange);
}

TEST(DepthVideo, BadTagsNameTheFileAndTheKey) {
  const test::TempDir dir;
  const auto write = [&](const std::string& key, const std::string& value) {
    VideoWriterOptions options;
    options.frame_rate = {25, 1};
    options.tags[key] = value;
    VideoWriter writer(dir / "d.mkv", PixelFormat::Rgb(8), 8, 8, options);
    Image image(PixelFormat::Rgb(8), 8, 8);
    for (int plane = 0; plane < 3; ++plane) {
      for (int y = 0; y < 8; ++y) std::memset(image.MutablePlane<uint8_t>(plane).Row(y), 5, 8);
    }
    writer.Write(image, 0, 40);
    writer.Finish();
  };
  write("MDVT_MAX_DEPTH", "deep");
  ExpectError(Code::kCorrupt, "d.mkv: tag MDVT_MAX_DEPTH = \"deep\"",
              [&] { DepthVideoReader reader(dir / "d.mkv"); });
  write("MDVT_ENCODING", "rgb99");
  ExpectError(Code::kUnsupported, "d.mkv: tag MDVT_ENCODING = \"rgb99\"",
              [&] { DepthVideoReader reader(dir / "d.mkv"); });
  write("MDVT_VERSION", "9");
  ExpectError(Code::kUnsupported, "MDVT_VERSION = 9",
              [&] { DepthVideoReader reader(dir / "d.mkv"); });
}

TEST(DepthVideo, AskedForEncodingMustFitTheSamples) {
  const test::TempDir dir;
  WriteClip(dir / "d.mkv", Options());
  DepthVideoReaderOptions options;
  options.encoding = DepthEncoding::kGray16;
  ExpectError(Code::kInvalidArgument, "asked to read gray16-linear-65535",
              [&] { DepthVideoReader reader(dir / "d.mkv", options); });
  options.encoding = DepthEncoding::kRgb24Log;
  EXPECT_EQ(DepthVideoReader(dir / "d.mkv", options).codec().encoding, DepthEncoding::kRgb24Log);
  options = {};
  options.max_depth = -3;
  ExpectError(Code::kInvalidArgument, "max_depth = -3",
              [&] { DepthVideoReader reader(dir / "d.mkv", options); });
}

TEST(DepthVideo, LosslessH264KeepsEveryBitAndGetsASidecar) {
  const test::TempDir dir;
  DepthVideoWriterOptions options = Options();
  options.video.codec = VideoCodec::kH264Rgb;
  for (const char* name : {"d.mkv", "d.mp4"}) {
    WriteClip(dir / name, options, 32, 18);
    EXPECT_EQ(fs::exists(DepthSidecarPath(dir / name)), std::string(name) == "d.mp4");
    test::LogCatcher log;
    DepthVideoReader reader(dir / name);
    EXPECT_TRUE(log.lines.empty());
    EXPECT_EQ(reader.codec().max_depth, 100);
    for (int i = 0; i < 5; ++i) {
      const auto frame = reader.Read();
      ASSERT_TRUE(frame);
      const float z = Scene(32, 18, i).Plane<float>().At(7, 5);
      EXPECT_EQ(frame->depth.Plane<float>().At(7, 5),
                DecodeDepth(EncodeDepth(z, options.codec), options.codec));
    }
  }
}

TEST(DepthVideo, WriterRefusesLossyAndUnfitCodecs) {
  const test::TempDir dir;
  DepthVideoWriterOptions options = Options();
  options.video.codec = VideoCodec::kH264;
  ExpectError(Code::kInvalidArgument, "must be kFfv1 or kH264Rgb",
              [&] { DepthVideoWriter writer(dir / "d.mkv", 8, 8, options); });
  options = Options(DepthEncoding::kGray16);
  options.video.codec = VideoCodec::kH264Rgb;
  ExpectError(Code::kInvalidArgument, "cannot hold gray16-linear-65535",
              [&] { DepthVideoWriter writer(dir / "d.mkv", 8, 8, options); });
  options = Options(DepthEncoding::kRgb16, -1);
  ExpectError(Code::kInvalidArgument, "max_depth",
              [&] { DepthVideoWriter writer(dir / "d.mkv", 8, 8, options); });
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(DepthVideo, WrongSizeLeavesTheWriterUsable) {
  const test::TempDir dir;
  DepthVideoWriter writer(dir / "d.mkv", 32, 18, Options());
  ExpectError(Code::kInvalidArgument, "",
              [&] { writer.Write(Scene(31, 18, 0).Plane<float>(), 0, 33); });
  writer.Write(Scene(32, 18, 0).Plane<float>(), 0, 33);
  writer.Finish();
  EXPECT_EQ(writer.frames_written(), 1);
  DepthVideoReader reader(dir / "d.mkv");
  EXPECT_TRUE(reader.Read());
  EXPECT_FALSE(reader.Read());
}

TEST(DepthVideo, AnImageIsLetGoOnlyWhenAllOfItIsPacked) {
  const test::TempDir dir;
  constexpr int kWidth = 640, kHeight = 900;  // packed in several bands
  DepthVideoWriter writer(dir / "d.mkv", kWidth, kHeight, Options());
  writer.Write(Scene(kWidth, kHeight, 0), 0, 33);
  writer.Write(Scene(kWidth, kHeight, 1).Plane<float>(), 33, 33);
  ExpectError(Code::kInvalidArgument, "grayf32",
              [&] { writer.Write(Image(PixelFormat::Gray(8), kWidth, kHeight), 66, 33); });
  writer.Finish();
  DepthVideoReader reader(dir / "d.mkv");
  for (int i = 0; i < 2; ++i) {
    const auto frame = reader.Read();
    ASSERT_TRUE(frame);
    const Image scene = Scene(kWidth, kHeight, i);
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x)
        ASSERT_EQ(frame->depth.Plane<float>().At(x, y),
                  DecodeDepth(EncodeDepth(scene.Plane<float>().At(x, y), {}), {}));
  }
}

TEST(DepthVideo, WithoutFinishNothingAppears) {
  const test::TempDir dir;
  WriteClip(dir / "old.mkv", Options(DepthEncoding::kRgb16, 50));
  {
    DepthVideoWriter writer(dir / "old.mkv", 32, 18, Options());
    writer.Write(Scene(32, 18, 0).Plane<float>(), 0, 33);
  }
  EXPECT_EQ(DepthVideoReader(dir / "old.mkv").codec().max_depth, 50);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1);
}

TEST(DepthVideo, FramesReuseTheirMemory) {
  const test::TempDir dir;
  WriteClip(dir / "d.mkv", Options(), 64, 64, 6);
  DepthVideoReader reader(dir / "d.mkv");
  auto first = reader.Read();
  const float* memory = first->depth.Plane<float>().data;
  const auto second = reader.Read();
  EXPECT_NE(second->depth.Plane<float>().data, memory) << "a frame in use is left alone";
  first.reset();
  EXPECT_EQ(reader.Read()->depth.Plane<float>().data, memory);
}

TEST(DepthVideo, ReadsTheTrueDepthOfTheClips) {
  MDVT_SKIP_WITHOUT_DATA();
  const std::string path = (test::DataDir() / "dev_dolly" / "depth_mm.mkv").string();
  DepthVideoReaderOptions options;
  options.encoding = DepthEncoding::kGray16;
  options.max_depth = 65.535;
  DepthVideoReader reader(path, options);
  VideoReader raw(path);
  int frames = 0;
  while (auto frame = reader.Read()) {
    const auto millimetres = raw.Read();
    ASSERT_TRUE(millimetres);
    for (int y = 0; y < reader.info().height; y += 7) {
      for (int x = 0; x < reader.info().width; x += 5) {
        ASSERT_FLOAT_EQ(frame->depth.Plane<float>().At(x, y),
                        0.001f * millimetres->image.Plane<uint16_t>().At(x, y));
      }
    }
    ++frames;
  }
  EXPECT_EQ(frames, 36);
}

}  // namespace
}  // namespace mdvt
