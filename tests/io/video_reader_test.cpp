// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/video_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/expect_error.h"
#include "mdvt/core/log.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ClipSpec;
using test::ExpectError;
using test::MakeClip;
using test::MakeFrame;
using test::ReadComponent;
using test::ReadPlane;
using test::TempDir;

std::vector<Frame> ReadAll(VideoReader* reader) {
  std::vector<Frame> frames;
  while (auto frame = reader->Read()) frames.push_back(*frame);
  return frames;
}

// --- pixels -------------------------------------------------------------------------------------

struct CodecCase {
  const char* encoder;
  const char* container;
  std::vector<std::pair<std::string, std::string>> options;
};

// Every pixel format of every lossless encoder comes back bit for bit.
TEST(VideoReader, LosslessCodecsComeBackBitForBit) {
  const std::vector<CodecCase> cases = {
      {"ffv1", "matroska", {{"level", "3"}, {"slicecrc", "1"}}},
      {"ffv1", "avi", {{"level", "1"}}},
      {"ffv1", "mov", {{"level", "3"}}},
      {"utvideo", "avi", {}},
      {"utvideo", "matroska", {}},
      {"huffyuv", "avi", {}},
      {"ffvhuff", "matroska", {}},
      {"magicyuv", "avi", {}},
      {"png", "mov", {}},
      {"rawvideo", "avi", {}},
      {"rawvideo", "mov", {}},
      {"qtrle", "mov", {}},
      {"libx264", "matroska", {{"qp", "0"}, {"preset", "ultrafast"}}},
      {"libx264rgb", "mp4", {{"qp", "0"}, {"preset", "ultrafast"}}},
  };
  int tried = 0;
  for (const CodecCase& c : cases) {
    const AVCodec* codec = avcodec_find_encoder_by_name(c.encoder);
    if (codec == nullptr) continue;
    std::vector<AVPixelFormat> formats;
    if (codec->pix_fmts != nullptr) {
      for (const AVPixelFormat* f = codec->pix_fmts; *f != AV_PIX_FMT_NONE; ++f) {
        formats.push_back(*f);
      }
    } else {
      formats = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_UYVY422, AV_PIX_FMT_BGR24};
    }
    for (const AVPixelFormat format : formats) {
      SCOPED_TRACE(std::string(c.encoder) + " " + c.container + " " + ff::FormatName(format));
      // Alpha is not kept, and the order of the alpha and gray samples is another matter.
      ClipSpec spec;
      spec.encoder = c.encoder;
      spec.container = c.container;
      spec.codec_options = c.options;
      spec.pixel_format = format;
      spec.width = 48;
      spec.height = 32;
      spec.frames = 3;
      spec.time_base = {1, 25};
      spec.pts = {0, 1, 2};
      const TempDir folder;
      const std::string path = folder / "clip.bin";
      try {
        MakeClip(path, spec);
      } catch (const std::exception&) {
        continue;  // not every container takes every format
      }
      std::unique_ptr<VideoReader> reader;
      try {
        VideoReaderOptions options;
        options.exact = true;  // else transparent pictures come over black
        reader = std::make_unique<VideoReader>(path, options);
      } catch (const Error& error) {
        // Formats without a planar equal are refused, never wrong.
        EXPECT_EQ(error.code(), Code::kUnsupported) << error.what();
        continue;
      }
      EXPECT_TRUE(reader->info().lossless);
      EXPECT_EQ(reader->info().width, 48);
      const auto frames = ReadAll(reader.get());
      ASSERT_EQ(frames.size(), 3u);
      for (int i = 0; i < 3; ++i) {
        const auto truth = MakeFrame(format, 48, 32, i);
        const Image& image = frames[static_cast<size_t>(i)].image;
        for (int plane = 0; plane < image.format().num_planes(); ++plane) {
          // H.264 decodes gray as 4:2:0 with empty chroma.
          if (plane > 0 && av_pix_fmt_desc_get(format)->nb_components < 3 &&
              format != AV_PIX_FMT_PAL8) {
            continue;
          }
          auto expected = ReadComponent(*truth, plane);
          const auto got = ReadPlane(image.view(), plane);
          const int bits =
              format == AV_PIX_FMT_PAL8 ? 8 : av_pix_fmt_desc_get(format)->comp[plane].depth;
          if (bits < 8) {  // widened; compare what was there
            ASSERT_EQ(got.size(), expected.size());
            for (size_t k = 0; k < got.size(); ++k) ASSERT_EQ(got[k] >> (8 - bits), expected[k]);
            continue;
          }
          ASSERT_EQ(got, expected) << "frame " << i << " plane " << plane;
        }
      }
      ++tried;
    }
  }
  EXPECT_GE(tried, 90);
}

TEST(VideoReader, LossyCodecsAreNotCalledLossless) {
  const TempDir folder;
  for (const char* encoder : {"libx264", "mpeg4", "mjpeg"}) {
    ClipSpec spec;
    spec.encoder = encoder;
    spec.container = "mov";
    if (spec.encoder == "mjpeg") spec.pixel_format = AV_PIX_FMT_YUVJ420P;
    if (spec.encoder == "libx264") spec.codec_options = {{"crf", "1"}};
    MakeClip(folder / "clip.mov", spec);
    EXPECT_FALSE(VideoReader(folder / "clip.mov").info().lossless) << encoder;
  }
}

TEST(VideoReader, OddAndTinySizes) {
  const TempDir folder;
  for (const auto& [w, h] : {std::pair(1, 1), std::pair(3, 1), std::pair(1, 5), std::pair(17, 9)}) {
    for (const AVPixelFormat format : {AV_PIX_FMT_YUV420P, AV_PIX_FMT_BGR0, AV_PIX_FMT_GRAY16LE}) {
      ClipSpec spec;
      spec.width = w;
      spec.height = h;
      spec.pixel_format = format;
      // FFmpeg's FFV1 level 3 loses pictures with a side of one pixel.
      if (w > 1 && h > 1) spec.codec_options = {{"level", "3"}, {"slices", "1"}};
      MakeClip(folder / "clip.mkv", spec);
      VideoReader reader(folder / "clip.mkv");
      const auto frames = ReadAll(&reader);
      ASSERT_EQ(frames.size(), 5u);
      for (int i = 0; i < 5; ++i) {
        const Image& image = frames[static_cast<size_t>(i)].image;
        for (int plane = 0; plane < image.format().num_planes(); ++plane) {
          EXPECT_EQ(ReadPlane(image.view(), plane),
                    ReadComponent(*MakeFrame(format, w, h, i), plane))
              << w << "x" << h;
        }
      }
    }
  }
}

TEST(VideoReader, ThreadsChangeNothing) {
  const TempDir folder;
  for (const char* encoder : {"libx264", "ffv1"}) {
    ClipSpec spec;
    spec.encoder = encoder;
    spec.width = 160;
    spec.height = 96;
    spec.frames = 30;
    if (spec.encoder == "ffv1") spec.codec_options = {{"level", "3"}, {"slices", "4"}};
    MakeClip(folder / "clip.mkv", spec);
    std::vector<Frame> reference;
    for (const int threads : {1, 2, 3, 4, 8}) {
      VideoReaderOptions options;
      options.num_threads = threads;
      VideoReader reader(folder / "clip.mkv", options);
      const auto frames = ReadAll(&reader);
      if (threads == 1) reference = frames;
      ASSERT_EQ(frames.size(), 30u);
      for (size_t i = 0; i < frames.size(); ++i) {
        ASSERT_EQ(frames[i].pts, reference[i].pts);
        ASSERT_TRUE(test::SamePixels(frames[i].image.view(), reference[i].image.view()))
            << encoder << " threads " << threads << " frame " << i;
      }
    }
  }
}

TEST(VideoReader, FramesOutliveTheReader) {
  const TempDir folder;
  ClipSpec spec;
  MakeClip(folder / "clip.mkv", spec);
  std::vector<Frame> frames;
  {
    VideoReader reader(folder / "clip.mkv");
    frames = ReadAll(&reader);
  }
  for (int i = 0; i < spec.frames; ++i) {
    EXPECT_EQ(ReadPlane(frames[static_cast<size_t>(i)].image.view(), 0),
              ReadComponent(*MakeFrame(spec.pixel_format, spec.width, spec.height, i), 0));
  }
}

TEST(VideoReader, ReadsFromMemory) {
  const TempDir folder;
  MakeClip(folder / "clip.mkv", ClipSpec());
  VideoReader reader(OpenMemorySource(test::ReadBytes(folder / "clip.mkv")), "memory");
  EXPECT_EQ(reader.info().path, "memory");
  EXPECT_EQ(ReadAll(&reader).size(), 5u);
  EXPECT_FALSE(reader.Read());  // and stays at the end
}

// --- time ---------------------------------------------------------------------------------------

TEST(VideoReader, VariableRateStaysVariable) {
  const TempDir folder;
  const std::vector<int64_t> pts = {0, 7, 40, 41, 1000, 1033, 60000};
  for (const char* container : {"matroska", "mp4", "mov"}) {
    ClipSpec spec;
    spec.container = container;
    spec.encoder = "mpeg4";
    spec.codec_options = {{"bf", "0"}};
    spec.pts = pts;
    MakeClip(folder / "clip", spec);
    VideoReader reader(folder / "clip");
    const auto frames = ReadAll(&reader);
    ASSERT_EQ(frames.size(), pts.size());
    for (size_t i = 0; i < pts.size(); ++i) {
      EXPECT_EQ(frames[i].index, static_cast<int64_t>(i));
      EXPECT_EQ(Rescale(frames[i].pts, reader.info().time_base, {1, 1000}), pts[i]) << container;
    }
  }
}

TEST(VideoReader, BroadcastRatesAreExact) {
  const TempDir folder;
  for (const Rational rate :
       {Rational{30000, 1001}, Rational{24000, 1001}, Rational{60000, 1001}, Rational{120000, 1001},
        Rational{50, 1}, Rational{25, 1}, Rational{120, 1}}) {
    for (const char* container : {"matroska", "mp4", "avi"}) {
      ClipSpec spec;
      spec.container = container;
      spec.encoder = "mjpeg";
      spec.pixel_format = AV_PIX_FMT_YUVJ420P;
      spec.frames = 0;
      spec.frame_rate = ff::ToAv(rate);
      spec.time_base = {spec.frame_rate.den, spec.frame_rate.num};
      for (int i = 0; i < 48; ++i) spec.pts.push_back(i);
      MakeClip(folder / "clip", spec);
      VideoReader reader(folder / "clip");
      EXPECT_EQ(reader.info().frame_rate, rate)
          << container << " " << reader.info().frame_rate.ToString();
      const auto frames = ReadAll(&reader);
      ASSERT_EQ(frames.size(), 48u);
      if (std::string(container) == "matroska") continue;  // whole milliseconds
      for (const Frame& frame : frames) {
        EXPECT_EQ(Rescale(frame.pts, reader.info().time_base, {rate.den, rate.num}), frame.index);
      }
    }
  }
}

TEST(VideoReader, FramesWithReorderingComeInOrder) {
  const TempDir folder;
  for (const char* container : {"matroska", "mp4", "avi"}) {
    ClipSpec spec;
    spec.container = container;
    spec.encoder = "libx264";
    spec.codec_options = {{"bf", "3"}, {"x264-params", "b-pyramid=normal:scenecut=0"}};
    spec.frames = 0;
    spec.width = spec.height = 64;
    spec.time_base = {1, 25};
    for (int i = 0; i < 40; ++i) spec.pts.push_back(i);
    MakeClip(folder / "clip", spec);
    VideoReader reader(folder / "clip");
    const auto frames = ReadAll(&reader);
    ASSERT_EQ(frames.size(), 40u) << container;
    for (const Frame& frame : frames) {
      const int64_t step = Rescale(frame.pts - frames[0].pts, reader.info().time_base, {1, 25});
      EXPECT_EQ(step, frame.index) << container;
    }
  }
}

TEST(VideoReader, StartNeedNotBeZero) {
  const TempDir folder;
  for (const char* container : {"matroska", "mp4"}) {
    ClipSpec spec;
    spec.container = container;
    spec.encoder = "libx264";  // with an edit list in MP4, for its reordering delay
    spec.pts = {500, 540, 580, 620, 660, 700};
    MakeClip(folder / "clip", spec);
    VideoReader reader(folder / "clip");
    EXPECT_EQ(Rescale(reader.info().start_pts, reader.info().time_base, {1, 1000}), 500);
    const auto frames = ReadAll(&reader);
    ASSERT_EQ(frames.size(), 6u);
    EXPECT_EQ(frames[0].pts, reader.info().start_pts);
    EXPECT_EQ(Rescale(frames[5].pts, reader.info().time_base, {1, 1000}), 700) << container;
  }
}

TEST(VideoReader, EqualTimesAreMovedApartWithOneWarning) {
  const TempDir folder;
  ClipSpec spec;
  spec.encoder = "mjpeg";
  spec.pixel_format = AV_PIX_FMT_YUVJ420P;
  // Tenths of milliseconds, which Matroska rounds to 0, 0, 0, 1.
  spec.time_base = {1, 10000};
  spec.pts = {0, 1, 2, 10};
  MakeClip(folder / "clip.mkv", spec);
  test::LogCatcher log;
  VideoReader reader(folder / "clip.mkv");
  const auto frames = ReadAll(&reader);
  ASSERT_EQ(frames.size(), 4u);
  for (size_t i = 1; i < 4; ++i) EXPECT_GT(frames[i].pts, frames[i - 1].pts);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_NE(log.lines[0].find("frame 1 has the timestamp 0"), std::string::npos) << log.lines[0];
}

// --- what is said about the file ----------------------------------------------------------------

TEST(VideoReader, RotationIsApplied) {
  const TempDir folder;
  struct Case {
    std::vector<int32_t> matrix;
    int degrees;
    bool mirrored;
  };
  const int32_t one = 65536;
  const std::vector<Case> cases = {
      {{0, one, 0, -one, 0, 0, 0, 0, 1 << 30}, 90, false},
      {{-one, 0, 0, 0, -one, 0, 0, 0, 1 << 30}, 180, false},
      {{0, -one, 0, one, 0, 0, 0, 0, 1 << 30}, 270, false},
      {{-one, 0, 0, 0, one, 0, 0, 0, 1 << 30}, 0, true},
  };
  for (const Case& c : cases) {
    ClipSpec spec;
    spec.container = "mov";
    spec.encoder = "ffv1";
    spec.codec_options = {{"level", "3"}};
    spec.pixel_format = AV_PIX_FMT_YUV444P;
    spec.width = 12;
    spec.height = 8;
    spec.sample_aspect = {4, 3};
    spec.display_matrix = c.matrix;
    MakeClip(folder / "clip.mov", spec);
    VideoReader reader(folder / "clip.mov");
    const VideoInfo& info = reader.info();
    const bool swapped = c.degrees % 180 == 90;
    EXPECT_EQ(info.rotation_deg, c.degrees);
    EXPECT_EQ(info.mirrored, c.mirrored);
    EXPECT_EQ(info.width, swapped ? 8 : 12);
    EXPECT_EQ(info.height, swapped ? 12 : 8);
    EXPECT_EQ(info.sample_aspect, swapped ? (Rational{3, 4}) : (Rational{4, 3}));
    const Frame frame = *reader.Read();
    const auto truth = ReadComponent(*MakeFrame(spec.pixel_format, 12, 8, 0), 0);
    // Where the top-left source pixel goes, by eye: a clockwise quarter takes it top right.
    const auto at = [&](int x, int y) { return frame.image.Plane<uint8_t>(0).At(x, y); };
    const int right = info.width - 1, bottom = info.height - 1;
    const uint32_t corner = c.mirrored         ? at(right, 0)
                            : c.degrees == 90  ? at(right, 0)
                            : c.degrees == 180 ? at(right, bottom)
                                               : at(0, bottom);
    EXPECT_EQ(corner, truth[0]) << c.degrees;

    VideoReaderOptions options;
    options.apply_rotation = false;
    VideoReader plain(folder / "clip.mov", options);
    EXPECT_EQ(plain.info().width, 12);
    EXPECT_EQ(plain.info().rotation_deg, 0);
    EXPECT_EQ(ReadPlane(plain.Read()->image.view(), 0), truth);
  }
}

TEST(VideoReader, SlantedDisplayMatrixIsIgnoredWithAWarning) {
  const TempDir folder;
  ClipSpec spec;
  spec.container = "mov";
  spec.encoder = "mpeg4";
  spec.display_matrix = std::vector<int32_t>{46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30};
  MakeClip(folder / "clip.mov", spec);
  test::LogCatcher log;
  VideoReader reader(folder / "clip.mov");
  EXPECT_EQ(reader.info().rotation_deg, 0);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_NE(log.lines[0].find("display matrix"), std::string::npos);
}

TEST(VideoReader, ColorAndAspectAreCarried) {
  const TempDir folder;
  ClipSpec spec;
  spec.encoder = "libx264";
  spec.range = AVCOL_RANGE_JPEG;
  spec.matrix = AVCOL_SPC_BT2020_NCL;
  spec.sample_aspect = {16, 11};
  spec.container = "mp4";
  MakeClip(folder / "clip.mp4", spec);
  const VideoInfo info = VideoReader(folder / "clip.mp4").info();
  EXPECT_TRUE(info.color.full_range);
  EXPECT_EQ(info.color.matrix, 9);
  EXPECT_EQ(info.sample_aspect, (Rational{16, 11}));
  EXPECT_EQ(info.codec, "h264");
  EXPECT_EQ(info.format, PixelFormat::Yuv(420));
  EXPECT_EQ(info.estimated_frames, 5);
  EXPECT_FALSE(info.has_audio);

  spec.encoder = "mjpeg";  // full range by its pixel format
  spec.pixel_format = AV_PIX_FMT_YUVJ420P;
  spec.range = AVCOL_RANGE_UNSPECIFIED;
  spec.matrix = AVCOL_SPC_UNSPECIFIED;
  spec.container = "mov";
  MakeClip(folder / "clip.mov", spec);
  EXPECT_TRUE(VideoReader(folder / "clip.mov").info().color.full_range);
}

TEST(VideoReader, TagsAreUpperCaseAndTheStreamWins) {
  const TempDir folder;
  ClipSpec spec;
  spec.tags = {{"mdvt_kind", "container"}, {"title", "A clip"}};
  spec.stream_tags = {{"MDVT_KIND", "stream"}};
  MakeClip(folder / "clip.mkv", spec);
  const auto tags = VideoReader(folder / "clip.mkv").info().tags;
  EXPECT_EQ(tags.at("MDVT_KIND"), "stream");
  EXPECT_EQ(tags.at("TITLE"), "A clip");
}

TEST(VideoReader, SoundIsSeenAndSkipped) {
  const TempDir folder;
  ClipSpec spec;
  spec.audio_encoder = "aac";
  spec.audio_seconds = 2;
  MakeClip(folder / "clip.mkv", spec);
  VideoReader reader(folder / "clip.mkv");
  EXPECT_TRUE(reader.info().has_audio);
  EXPECT_EQ(ReadAll(&reader).size(), 5u);
}

TEST(VideoReader, ConvertsOnRequest) {
  const TempDir folder;
  ClipSpec spec;
  spec.pixel_format = AV_PIX_FMT_YUV444P;
  MakeClip(folder / "clip.mkv", spec);
  VideoReaderOptions options;
  options.format = PixelFormat::Gray(8);
  VideoReader reader(folder / "clip.mkv", options);
  EXPECT_EQ(reader.info().format, PixelFormat::Gray(8));
  EXPECT_EQ(reader.info().codec_format, "yuv444p");
  const Frame frame = *reader.Read();
  EXPECT_EQ(frame.image.format(), PixelFormat::Gray(8));
  const auto luma = ReadComponent(*MakeFrame(spec.pixel_format, spec.width, spec.height, 0), 0);
  const auto gray = ReadPlane(frame.image.view(), 0);
  for (size_t i = 0; i < luma.size(); ++i) {
    const double full = (static_cast<double>(luma[i]) - 16) * 255 / 219;
    EXPECT_EQ(gray[i], static_cast<uint32_t>(std::clamp(std::floor(full + 0.5), 0.0, 255.0)));
  }
}

TEST(VideoReader, ReadsTheRealClipsCompletely) {
  MDVT_SKIP_WITHOUT_DATA();
  const std::vector<std::pair<std::string, int>> clips = {
      {"real/tokyo_walk.mp4", 195}, {"real/rollercoaster.mp4", 70},
      {"real/apple.mp4", 50},       {"real/paragliding_launch.mp4", 80},
      {"dev_dolly/color.mp4", 36},  {"dev_dolly/depth_mm.mkv", 36}};
  for (const auto& [name, count] : clips) {
    VideoReader reader((test::DataDir() / name).string());
    EXPECT_EQ(ReadAll(&reader).size(), static_cast<size_t>(count)) << name;
  }
}

TEST(VideoReader, OptionsAreChecked) {
  const TempDir folder;
  MakeClip(folder / "clip.mkv", ClipSpec());
  VideoReaderOptions options;
  options.num_threads = -1;
  ExpectError(Code::kInvalidArgument, "threads",
              [&] { VideoReader(folder / "clip.mkv", options); });
  options = {};
  options.limits.max_frames = -1;
  ExpectError(Code::kInvalidArgument, "max_frames",
              [&] { VideoReader(folder / "clip.mkv", options); });
  options = {};
  options.format = PixelFormat::RgbF32();
  ExpectError(Code::kUnsupported, "rgbf32", [&] { VideoReader(folder / "clip.mkv", options); });
  ExpectError(Code::kInvalidArgument, "no source", [] { VideoReader(nullptr, "name"); });
}

}  // namespace
}  // namespace mdvt
