// SPDX-License-Identifier: Apache-2.0
//
// What holds for every encoder that is offered.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/expect_error.h"
#include "io/ffmpeg.h"
#include "io/semi_planar.h"
#include "mdvt/io/codecs.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "support/log_catcher.h"
#include "support/pictures.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ExpectError;
using test::ListFolder;
using test::LogCatcher;
using test::RandomImage;
using test::ReadBytes;
using test::SamePixels;
using test::TempDir;

// A picture with shapes and some noise, wide enough to be moved inside of.
Image Scene(const PixelFormat& format, int width, int height) {
  Image image(format, width, height);
  uint32_t noise = 1;
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    for (int y = 0; y < format.PlaneHeight(plane, height); ++y) {
      for (int x = 0; x < format.PlaneWidth(plane, width); ++x) {
        noise = noise * 1664525 + 1013904223;
        const double value = 0.5 + 0.3 * std::sin(0.001 * x * y + plane) + 0.02 * (noise >> 31);
        const auto code = static_cast<uint32_t>(value * format.max_value());
        if (format.type == SampleType::kU8) {
          image.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(code);
        } else {
          image.MutablePlane<uint16_t>(plane).At(x, y) = static_cast<uint16_t>(code);
        }
      }
    }
  }
  return image;
}

// Writes `frames` pictures of `scene` that move to the right, 16 pixels less wide.
void WriteScene(const std::string& path, const Image& scene, int frames,
                const VideoWriterOptions& options) {
  const ImageView view = scene.view();
  const int width = view.width - 16;
  VideoWriter writer(path, view.format, width, view.height, options);
  for (int i = 0; i < frames; ++i)
    writer.Write(Crop(view, i % 8 * 2, 0, width, view.height), 40 * i, 40);
  writer.Finish();
}

// The encoders that work here, of software.
std::vector<VideoEncoderInfo> SoftwareEncoders() {
  std::vector<VideoEncoderInfo> found;
  for (const VideoEncoderInfo& entry : VideoEncoders())
    if (!entry.hardware() && VideoEncoderOpens(entry.codec)) found.push_back(entry);
  return found;
}

PixelFormat FormatFor(const VideoEncoderInfo& entry) {
  return entry.codec == VideoCodec::kH264Rgb ? PixelFormat::Rgb(8) : PixelFormat::Yuv(420);
}

TEST(Encoders, EachCodecHasOneEntryThatIsThere) {
  for (int i = 0; i <= static_cast<int>(VideoCodec::kHevcV4l2); ++i)
    EXPECT_EQ(VideoEncoderOf(static_cast<VideoCodec>(i)).codec, static_cast<VideoCodec>(i));
  ExpectError(Code::kInvalidArgument, "not one of them",
              [] { VideoEncoderOf(static_cast<VideoCodec>(99)); });
  EXPECT_GE(SoftwareEncoders().size(), 3u);
}

TEST(Encoders, ThreadsDoNotChangeFiles) {
  const TempDir folder;
  for (const VideoEncoderInfo& entry : SoftwareEncoders()) {
    // 512 K pixels are a slice of x264; this is more than one.
    const Image scene = Scene(FormatFor(entry), 1232, 880);
    std::vector<std::byte> reference;
    for (const int threads : {1, 2, 3, 7}) {
      VideoWriterOptions options;
      options.codec = entry.codec;
      options.num_threads = threads;
      options.preset = "ultrafast";
      WriteScene(folder / "clip.mkv", scene, 5, options);
      const auto bytes = ReadBytes(folder / "clip.mkv");
      if (threads == 1) reference = bytes;
      EXPECT_TRUE(bytes == reference) << entry.name << ", " << threads << " threads";
    }
  }
}

TEST(Encoders, FilesAreReadBackInEveryContainer) {
  const TempDir folder;
  for (const VideoEncoderInfo& entry : SoftwareEncoders()) {
    const Image scene = Scene(FormatFor(entry), 208, 128);
    for (const char* name : {"clip.mkv", "clip.mp4", "clip.mov"}) {
      VideoWriterOptions options;
      options.codec = entry.codec;
      options.frame_rate = {25, 1};
      const std::string path = folder / name;
      const bool held = name == std::string("clip.mkv") ||
                        (name == std::string("clip.mp4") ? entry.in_mp4 : entry.in_mov);
      if (!held) {
        ExpectError(Code::kInvalidArgument, "Matroska",
                    [&] { WriteScene(path, scene, 1, options); });
        continue;
      }
      WriteScene(path, scene, 12, options);
      VideoReader reader(path);
      EXPECT_EQ(reader.info().frame_rate, (Rational{25, 1})) << path;
      EXPECT_EQ(reader.info().lossless, entry.lossless) << entry.name;
      int frames = 0;
      while (const auto frame = reader.Read()) {
        const ImageView view = Crop(scene.view(), frames % 8 * 2, 0, 192, 128);
        EXPECT_TRUE(!entry.lossless || SamePixels(frame->image.view(), view)) << entry.name;
        EXPECT_DOUBLE_EQ(static_cast<double>(frame->pts) * reader.info().time_base.ToDouble(),
                         0.04 * frames)
            << entry.name;
        double error = 0;
        for (int y = 0; y < 128; ++y)
          for (int x = 0; x < 192; ++x)
            error +=
                std::abs(frame->image.Plane<uint8_t>(0).At(x, y) - view.Plane<uint8_t>(0).At(x, y));
        EXPECT_LT(error / (192 * 128), 3) << entry.name << " frame " << frames;
        ++frames;
      }
      EXPECT_EQ(frames, 12) << entry.name << " " << name;
    }
  }
}

TEST(Encoders, UtVideoAndX265KeepEveryBit) {
  const TempDir folder;
  VideoWriterOptions options;
  options.crf = 0;
  const auto expect = [&](VideoCodec codec, const PixelFormat& format) {
    if (!VideoEncoderOpens(codec)) return;
    options.codec = codec;
    VideoWriter writer(folder / "clip.mkv", format, 96, 64, options);
    for (int i = 0; i < 3; ++i) writer.Write(RandomImage(format, 96, 64, i), 40 * i);
    writer.Finish();
    VideoReader reader(folder / "clip.mkv");
    for (int i = 0; i < 3; ++i) {
      const auto frame = reader.Read();
      ASSERT_TRUE(frame);
      EXPECT_TRUE(SamePixels(frame->image.view(), RandomImage(format, 96, 64, i).view()))
          << format.ToString();
    }
  };
  for (const int subsampling : {420, 422, 444}) {
    expect(VideoCodec::kUtVideo, PixelFormat::Yuv(subsampling));
    expect(VideoCodec::kHevc, PixelFormat::Yuv(subsampling));
    expect(VideoCodec::kHevc, PixelFormat::Yuv(subsampling, 10));
  }
  expect(VideoCodec::kUtVideo, PixelFormat::Rgb(8));
}

TEST(Encoders, LimitsAreToldByName) {
  const TempDir folder;
  const auto open = [&](VideoCodec codec, int width, int height, int crf = 18) {
    VideoWriterOptions options;
    options.codec = codec;
    options.crf = crf;
    VideoWriter(folder / "a.mkv", PixelFormat::Yuv(420), width, height, options);
  };
  ExpectError(Code::kUnsupported, "20000x64 pixels are too wide for x264, which takes 16384x16384",
              [&] { open(VideoCodec::kH264, 20000, 64); });
  ExpectError(Code::kUnsupported, "64x9000 pixels are too high for svtav1",
              [&] { open(VideoCodec::kAv1, 64, 9000); });
  ExpectError(Code::kInvalidArgument, "crf 0 is lossless, which svtav1 cannot",
              [&] { open(VideoCodec::kAv1, 128, 128, 0); });
  EXPECT_TRUE(ListFolder(folder.path()).empty());
}

// The encoders of devices: those that do not open here.
TEST(Encoders, OfDevicesThatAreNotThereAreRefusedByName) {
  const TempDir folder;
  int refused = 0;
  for (const VideoEncoderInfo& entry : VideoEncoders()) {
    if (!entry.hardware()) continue;
    const auto open = [&](int crf, const PixelFormat& format) {
      VideoWriterOptions options;
      options.codec = entry.codec;
      options.crf = crf;
      VideoWriter(folder / "a.mp4", format, 256, 256, options);
    };
    EXPECT_STREQ(entry.ffmpeg, entry.name);
    if (VideoEncoderOpens(entry.codec)) continue;
    ++refused;
    const std::string name = entry.name, other = entry.without_device();
    const bool compiled = avcodec_find_encoder_by_name(entry.ffmpeg) != nullptr;
    if (!compiled) {
      ExpectError(Code::kUnsupported, "has no encoder '" + name + "': take " + other,
                  [&] { open(18, PixelFormat::Yuv(420)); });
      continue;
    }
    ExpectError(Code::kUnsupported, "the encoder '" + name + "' cannot be started for 256x256",
                [&] { open(18, PixelFormat::Yuv(420)); });
    ExpectError(Code::kUnsupported,
                std::string("it needs ") + DeviceText(entry.device) + ": take " + other,
                [&] { open(18, PixelFormat::Yuv(420)); });
    ExpectError(Code::kInvalidArgument, "crf 0 is lossless, which " + name + " cannot",
                [&] { open(0, PixelFormat::Yuv(420)); });
    // Pictures that it does not take are refused before a device is looked for.
    ExpectError(Code::kInvalidArgument, name + " does not take yuv444p",
                [&] { open(18, PixelFormat::Yuv(444)); });
    ExpectError(entry.max_bits > 8 ? Code::kUnsupported : Code::kInvalidArgument, name,
                [&] { open(18, PixelFormat::Yuv(420, 10)); });
    if (!entry.in_mkv()) {
      ExpectError(Code::kInvalidArgument, "goes into MP4 or MOV", [&] {
        VideoWriterOptions options;
        options.codec = entry.codec;
        VideoWriter(folder / "a.mkv", PixelFormat::Yuv(420), 256, 256, options);
      });
    }
  }
  EXPECT_TRUE(ListFolder(folder.path()).empty()) << "no file, not even a partial one";
  if (refused == 0) GTEST_SKIP() << "every device is here";
}

// Where there is a device, its files are read back.
TEST(Encoders, OfDevicesKeepPicturesAndColors) {
  const TempDir folder;
  int made = 0;
  for (const VideoEncoderInfo& entry : VideoEncoders()) {
    if (!entry.hardware() || !VideoEncoderOpens(entry.codec)) continue;
    VideoWriterOptions options;
    options.codec = entry.codec;
    options.frame_rate = {25, 1};
    options.color = {9, 9, 16, false, 1};
    const Image scene = Scene(PixelFormat::Yuv(420), 336, 256);
    WriteScene(folder / "clip.mp4", scene, 12, options);
    VideoReader reader(folder / "clip.mp4");
    EXPECT_EQ(reader.info().color.transfer, 16) << entry.name;
    int frames = 0;
    while (const auto frame = reader.Read()) {
      const ImageView view = Crop(scene.view(), frames % 8 * 2, 0, 320, 256);
      double error = 0;
      for (int y = 0; y < 256; ++y)
        for (int x = 0; x < 320; ++x)
          error +=
              std::abs(frame->image.Plane<uint8_t>(0).At(x, y) - view.Plane<uint8_t>(0).At(x, y));
      EXPECT_LT(error / (320 * 256), 3) << entry.name << " frame " << frames;
      ++frames;
    }
    EXPECT_EQ(frames, 12) << entry.name;
    ++made;
  }
  if (made == 0) GTEST_SKIP() << "no encoder of a device opens here";
}

// NV12 and P010, the layouts in which pictures go to devices, against FFmpeg's description of them:
// what is written is where a reader of that layout looks.
TEST(Encoders, PicturesOfDevicesAreExact) {
  for (const int bits : {8, 10}) {
    const PixelFormat format = PixelFormat::Yuv(420, bits);
    const Image picture = RandomImage(format, 38, 22, 3);
    ff::FramePtr frame = ff::NewFrame();
    frame->width = 38;
    frame->height = 22;
    frame->format = bits == 8 ? AV_PIX_FMT_NV12 : AV_PIX_FMT_P010;
    ASSERT_GE(av_frame_get_buffer(frame.get(), 0), 0);
    // In bands, as rows are made.
    for (int y = 0; y < 22; y += 6)
      ff::ToSemiPlanar(Crop(picture.view(), 0, y, 38, std::min(6, 22 - y)), y, frame.get());
    const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame->format));
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < format.PlaneHeight(plane, 22); ++y) {
        std::vector<uint16_t> row(38);
        const uint8_t* data[4] = {frame->data[0], frame->data[1], nullptr, nullptr};
        av_read_image_line(row.data(), data, frame->linesize, d, 0, y, plane,
                           format.PlaneWidth(plane, 38), 0);
        for (int x = 0; x < format.PlaneWidth(plane, 38); ++x)
          ASSERT_EQ(row[static_cast<size_t>(x)], test::SampleOf(picture, plane, x, y))
              << bits << " bits, plane " << plane << " " << x << ", " << y;
      }
  }
}

HdrMetadata Hdr10() {
  HdrMetadata hdr;
  MasteringDisplay display;
  MasteringDisplay::Colors colors;
  colors.primaries = {{{{34000, 50000}, {16000, 50000}},
                       {{13250, 50000}, {34500, 50000}},
                       {{7500, 50000}, {3000, 50000}}}};
  colors.white = {{15635, 50000}, {16450, 50000}};
  display.colors = colors;
  display.luminance = MasteringDisplay::Luminance{{50, 10000}, {10000000, 10000}};
  hdr.mastering = display;
  hdr.content_light = ContentLight{1000, 400};
  return hdr;
}

void ExpectHdr10(const HdrMetadata& hdr, const std::string& where) {
  const HdrMetadata wanted = Hdr10();
  ASSERT_TRUE(hdr.mastering && hdr.mastering->colors && hdr.mastering->luminance) << where;
  const auto near = [&](const Rational& a, const Rational& b) {
    EXPECT_NEAR(a.ToDouble(), b.ToDouble(), 2e-5 * std::max(1.0, b.ToDouble())) << where;
  };
  for (size_t i = 0; i < 3; ++i) {
    near(hdr.mastering->colors->primaries[i].x, wanted.mastering->colors->primaries[i].x);
    near(hdr.mastering->colors->primaries[i].y, wanted.mastering->colors->primaries[i].y);
  }
  near(hdr.mastering->colors->white.x, wanted.mastering->colors->white.x);
  near(hdr.mastering->luminance->max, wanted.mastering->luminance->max);
  near(hdr.mastering->luminance->min, wanted.mastering->luminance->min);
  ASSERT_TRUE(hdr.content_light) << where;
  EXPECT_EQ(hdr.content_light->max_content, 1000) << where;
  EXPECT_EQ(hdr.content_light->max_frame_average, 400) << where;
}

// What ffprobe prints; empty where it is not installed.
std::string Probe(const std::string& arguments) {
  std::string text;
  FILE* pipe = popen(("ffprobe -v error " + arguments + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return text;
  char buffer[4096];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) text.append(buffer, n);
  pclose(pipe);
  return text;
}

TEST(Encoders, StereoIsStatedByContainersAndReadBack) {
  const TempDir folder;
  const Image scene = Scene(PixelFormat::Yuv(420), 208, 128);
  for (const VideoCodec codec : {VideoCodec::kFfv1, VideoCodec::kH264}) {
    const VideoEncoderInfo& entry = VideoEncoderOf(codec);
    for (const char* name : {"clip.mkv", "clip.mp4", "clip.mov"}) {
      const bool mkv = name == std::string("clip.mkv");
      if (name == std::string("clip.mp4") && !entry.in_mp4) continue;
      if (name == std::string("clip.mov") && !entry.in_mov) continue;
      for (const bool below : {false, true})
        for (const bool swapped : {false, true}) {
          const std::string where = std::string(entry.name) + " in " + name +
                                    (below ? ", top-bottom" : "") + (swapped ? ", swapped" : "");
          VideoWriterOptions options;
          options.codec = codec;
          options.stereo = below ? StereoLayout::kTopBottom : StereoLayout::kSideBySide;
          options.right_eye_first = swapped;
          const std::string path = folder / name;
          WriteScene(path, scene, 2, options);
          // MOV has no mark, MP4 none for swapped eyes; H.264 says it in its stream as well, but
          // for swapped eyes.
          const bool told =
              mkv || (!swapped && (name == std::string("clip.mp4") || codec == VideoCodec::kH264));
          const VideoInfo info = VideoReader(path).info();
          EXPECT_EQ(info.stereo, !told   ? StereoMark::kNone
                                 : below ? StereoMark::kTopBottom
                                         : StereoMark::kSideBySide)
              << where;
          EXPECT_EQ(info.right_eye_first, told && swapped) << where;
          // What the stream says is seen by ffprobe in a frame, without the words.
          const std::string probed =
              Probe("-show_entries stream_side_data:stream=codec_name '" + path + "'");
          if (probed.empty()) continue;
          EXPECT_EQ(probed.find(below ? "top and bottom" : "side by side") != std::string::npos,
                    mkv || (!swapped && name == std::string("clip.mp4")))
              << where << probed;
          if (mkv) {
            EXPECT_EQ(probed.find("inverted=1") != std::string::npos, swapped) << where << probed;
          }
        }
    }
  }
}

TEST(Encoders, HalfSpheresAreStatedByContainers) {
  const TempDir folder;
  const Image scene = Scene(PixelFormat::Yuv(420), 128, 64);
  for (const double fov : {180.0, 90.0})
    for (const char* name : {"clip.mkv", "clip.mp4"}) {
      VideoWriterOptions options;
      options.codec = VideoCodec::kH264;
      options.stereo = StereoLayout::kSideBySide;
      options.equirectangular_deg = fov;
      const std::string path = folder / name;
      WriteScene(path, scene, 3, options);
      const VideoInfo info = VideoReader(path).info();
      EXPECT_EQ(info.projection, "a part of an equirectangular picture") << name;
      EXPECT_EQ(info.stereo, StereoMark::kSideBySide) << name;
      const std::string probed = Probe("-show_streams '" + path + "'");
      if (probed.empty()) continue;
      EXPECT_NE(probed.find("projection=tiled equirectangular"), std::string::npos) << probed;
      // What is missing at the left and at the top, in pixels of the whole sphere's picture.
      const auto bound = [&probed](const std::string& key) {
        const size_t at = probed.find(key);
        return at == std::string::npos ? -1 : std::stoi(probed.substr(at + key.size()));
      };
      const double across = (360 / fov - 1) / 2 * info.width;
      EXPECT_NEAR(bound("bound_left="), across, 2) << name;
      EXPECT_NEAR(bound("bound_right="), across, 2) << name;
      EXPECT_NEAR(bound("bound_top="), (180 / fov - 1) / 2 * info.height, 2) << name;
    }
  VideoWriterOptions bad;
  bad.equirectangular_deg = 181;
  EXPECT_THROW(WriteScene(folder / "bad.mkv", scene, 1, bad), Error);
}

TEST(Encoders, Hdr10IsStatedByContainersAndStreams) {
  const TempDir folder;
  const PixelFormat format = PixelFormat::Yuv(420, 10);
  const Image scene = Scene(format, 208, 128);
  for (const VideoCodec codec :
       {VideoCodec::kFfv1, VideoCodec::kH264, VideoCodec::kHevc, VideoCodec::kAv1}) {
    if (!VideoEncoderOpens(codec)) continue;
    const VideoEncoderInfo& entry = VideoEncoderOf(codec);
    for (const char* name : {"clip.mkv", "clip.mp4", "clip.mov"}) {
      if (name == std::string("clip.mp4") && !entry.in_mp4) continue;
      if (name == std::string("clip.mov") && !entry.in_mov) continue;
      const std::string where = std::string(entry.name) + " in " + name;
      VideoWriterOptions options;
      options.codec = codec;
      options.color = {9, 9, 16, false, 1};
      options.hdr = Hdr10();
      const std::string path = folder / name;
      WriteScene(path, scene, 4, options);
      const VideoInfo info = VideoReader(path).info();
      ExpectHdr10(info.hdr, where);
      EXPECT_EQ(info.color.transfer, 16) << where;
      EXPECT_EQ(info.color.primaries, 9) << where;
      EXPECT_EQ(info.color.matrix, 9) << where;
      EXPECT_EQ(info.format, format) << where;
      const std::string probed =
          Probe("-show_entries stream_side_data:stream=color_transfer '" + path + "'");
      if (probed.empty()) continue;
      EXPECT_NE(probed.find("smpte2084"), std::string::npos) << where;
      EXPECT_NE(probed.find("max_content=1000"), std::string::npos) << where << probed;
      EXPECT_NE(probed.find("max_average=400"), std::string::npos) << where << probed;
      EXPECT_NE(probed.find("red_x="), std::string::npos) << where << probed;
      if (codec == VideoCodec::kFfv1) continue;
      // The stream alone. Decoders of H.264 tell what it says since FFmpeg 6: its bytes are looked
      // for, green's 13250 and 34500 in ITU-T H.264, D.2.29.
      if (codec == VideoCodec::kH264) {
        const auto bytes = ReadBytes(path);
        const std::byte green[] = {std::byte{0x33}, std::byte{0xC2}, std::byte{0x86},
                                   std::byte{0xC4}};
        EXPECT_NE(std::search(bytes.begin(), bytes.end(), std::begin(green), std::end(green)),
                  bytes.end())
            << where;
        continue;
      }
      const std::string frames =
          Probe("-select_streams v -read_intervals %+#1 -show_frames '" + path + "'");
      EXPECT_NE(frames.find("Mastering display metadata"), std::string::npos) << where;
      EXPECT_NE(frames.find("Content light level metadata"), std::string::npos) << where;
    }
  }
}

// FFmpeg passes no failure of a slice on; ours is seen by what codes the slices.
TEST(Encoders, AFailedSliceIsNotSwallowed) {
  ThreadPool pool(2);
  int arguments[4] = {0, 1, 2, 3};
  const auto fail = [](AVCodecContext*, void* argument) {
    return *static_cast<int*>(argument) == 2 ? AVERROR(ENOMEM) : 0;
  };
  EXPECT_EQ(ff::RunSlices(&pool, nullptr, fail, arguments, nullptr, 4, sizeof(int)),
            AVERROR(ENOMEM));
  EXPECT_EQ(ff::RunSlices(&pool, nullptr, fail, arguments, nullptr, 2, sizeof(int)), 0);
  const auto out_of_memory = [](AVCodecContext*, void*) -> int { throw std::bad_alloc(); };
  EXPECT_EQ(ff::RunSlices(&pool, nullptr, out_of_memory, arguments, nullptr, 2, sizeof(int)),
            AVERROR(ENOMEM));
}

}  // namespace
}  // namespace mdvt
