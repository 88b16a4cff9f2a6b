// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/video_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/demuxer.h"
#include "io/expect_error.h"
#include "mdvt/io/video_reader.h"
#include "support/test_env.h"

extern "C" {
#include <libavutil/stereo3d.h>
}

namespace mdvt {
namespace {

using test::ExpectError;
using test::ListFolder;
using test::RandomImage;
using test::ReadBytes;
using test::SamePixels;
using test::TempDir;

void WriteRandom(const std::string& path, const PixelFormat& format, int width, int height,
                 int frames, const VideoWriterOptions& options) {
  VideoWriter writer(path, format, width, height, options);
  for (int i = 0; i < frames; ++i) writer.Write(RandomImage(format, width, height, i), i * 40);
  writer.Finish();
}

void ExpectRandom(const std::string& path, const PixelFormat& format, int width, int height,
                  int frames) {
  VideoReader reader(path);
  EXPECT_TRUE(reader.info().lossless) << path;
  EXPECT_EQ(reader.info().format, format) << path;
  for (int i = 0; i < frames; ++i) {
    const auto frame = reader.Read();
    ASSERT_TRUE(frame);
    ASSERT_TRUE(SamePixels(frame->image.view(), RandomImage(format, width, height, i).view()))
        << format.ToString() << " " << width << "x" << height << " frame " << i;
  }
  EXPECT_FALSE(reader.Read());
}

// --- pixels -------------------------------------------------------------------------------------

TEST(VideoWriter, Ffv1KeepsEveryBitOfEveryFormat) {
  const TempDir folder;
  std::vector<PixelFormat> formats = {
      PixelFormat::Gray(8),  PixelFormat::Gray(9), PixelFormat::Gray(10), PixelFormat::Gray(12),
      PixelFormat::Gray(16), PixelFormat::Rgb(8),  PixelFormat::Rgb(9),   PixelFormat::Rgb(10),
      PixelFormat::Rgb(12),  PixelFormat::Rgb(14), PixelFormat::Rgb(16)};
  for (const int subsampling : {420, 422, 444}) {
    for (const int bits : {8, 9, 10, 12, 14, 16}) {
      formats.push_back(PixelFormat::Yuv(subsampling, bits));
    }
  }
  formats.push_back({ColorModel::kYuv, SampleType::kU8, 8, 0, 1});    // 4:4:0
  formats.push_back({ColorModel::kYuv, SampleType::kU16, 10, 0, 1});  // turned 4:2:2
  formats.push_back({ColorModel::kYuv, SampleType::kU8, 8, 2, 0});    // 4:1:1
  for (const PixelFormat& format : formats) {
    for (const int width : {70, 73}) {
      WriteRandom(folder / "clip.mkv", format, width, 66, 3, {});
      ExpectRandom(folder / "clip.mkv", format, width, 66, 3);
    }
  }
  EXPECT_EQ(ListFolder(folder.path()), std::vector<std::string>{"clip.mkv"});
}

TEST(VideoWriter, Ffv1KeepsEverySize) {
  const TempDir folder;
  for (const PixelFormat& format :
       {PixelFormat::Rgb(8), PixelFormat::Yuv(420), PixelFormat::Gray(16)}) {
    for (const auto& [w, h] :
         {std::pair(1, 1), std::pair(1, 9), std::pair(9, 1), std::pair(2, 2), std::pair(3, 3),
          std::pair(63, 64), std::pair(64, 64), std::pair(65, 67), std::pair(129, 131),
          std::pair(641, 481), std::pair(643, 481), std::pair(853, 479)}) {
      WriteRandom(folder / "clip.mkv", format, w, h, 2, {});
      ExpectRandom(folder / "clip.mkv", format, w, h, 2);
    }
  }
}

TEST(VideoWriter, H264RgbIsLossless) {
  const TempDir folder;
  VideoWriterOptions options;
  options.codec = VideoCodec::kH264Rgb;
  for (const char* name : {"clip.mkv", "clip.mp4", "clip.mov"}) {
    WriteRandom(folder / name, PixelFormat::Rgb(8), 33, 17, 4, options);
    ExpectRandom(folder / name, PixelFormat::Rgb(8), 33, 17, 4);
  }
}

TEST(VideoWriter, H264CrfZeroOfEightBitsIsLossless) {
  const TempDir folder;
  VideoWriterOptions options;
  options.codec = VideoCodec::kH264;
  options.crf = 0;
  for (const int subsampling : {420, 422, 444}) {
    WriteRandom(folder / "clip.mp4", PixelFormat::Yuv(subsampling), 32, 16, 4, options);
    ExpectRandom(folder / "clip.mp4", PixelFormat::Yuv(subsampling), 32, 16, 4);
  }
}

// A smooth picture, so that a lossy codec keeps it closely.
Image SmoothImage(const PixelFormat& format, int width, int height, int index) {
  Image image(format, width, height);
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const int w = format.PlaneWidth(plane, width), h = format.PlaneHeight(plane, height);
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x) {
        const double value =
            0.5 + 0.3 * std::sin(0.1 * x + 0.2 * index + plane) * std::cos(0.07 * y);
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

TEST(VideoWriter, H264KeepsDepthAndSubsampling) {
  const TempDir folder;
  for (const int bits : {8, 10}) {
    for (const int subsampling : {420, 422, 444}) {
      const PixelFormat format = PixelFormat::Yuv(subsampling, bits);
      VideoWriterOptions options;
      options.codec = VideoCodec::kH264;
      options.crf = 10;
      const std::string path = folder / "clip.mkv";
      VideoWriter writer(path, format, 64, 48, options);
      for (int i = 0; i < 10; ++i) writer.Write(SmoothImage(format, 64, 48, i), i * 40);
      writer.Finish();
      VideoReader reader(path);
      EXPECT_FALSE(reader.info().lossless);
      ASSERT_EQ(reader.info().format, format);
      for (int i = 0; i < 10; ++i) {
        const auto frame = reader.Read();
        ASSERT_TRUE(frame);
        double squares = 0;
        const auto truth = test::ReadPlane(SmoothImage(format, 64, 48, i).view(), 0);
        const auto got = test::ReadPlane(frame->image.view(), 0);
        for (size_t k = 0; k < truth.size(); ++k) {
          const double d = (static_cast<double>(truth[k]) - got[k]) / format.max_value();
          squares += d * d / static_cast<double>(truth.size());
        }
        EXPECT_GT(-10 * std::log10(squares), 40) << format.ToString() << " frame " << i;
      }
    }
  }
}

TEST(VideoWriter, ViewsAndImagesGiveTheSameFile) {
  const TempDir folder;
  for (const PixelFormat& format :
       {PixelFormat::Yuv(420), PixelFormat::Rgb(8), PixelFormat::Rgb(16)}) {
    VideoWriter a(folder / "a.mkv", format, 40, 30), b(folder / "b.mkv", format, 40, 30);
    for (int i = 0; i < 3; ++i) {
      Image image = RandomImage(format, 40, 30, i);
      a.Write(image, i * 40);
      b.Write(image.view(), i * 40);
      // A view is copied at once: what happens to the pixels afterwards does not matter.
      if (i == 2) std::fill_n(image.mutable_view().data[0], 40, std::byte{0});
    }
    b.Finish();
    ExpectRandom(folder / "b.mkv", format, 40, 30, 3);
  }
}

// The same in bands: the file, and the pictures that are read back in bands.
TEST(VideoWriter, BandsGiveTheSameFileAndPictures) {
  const TempDir folder;
  struct Case {
    PixelFormat format;
    VideoCodec codec;
    int width, height;
  };
  const Case cases[] = {{PixelFormat::Rgb(8), VideoCodec::kFfv1, 2000, 399},
                        {PixelFormat::Rgb(8), VideoCodec::kH264Rgb, 2000, 398},
                        {PixelFormat::Rgb(8), VideoCodec::kFfv1, 3, 5},
                        {PixelFormat::Yuv(420), VideoCodec::kFfv1, 1999, 399},
                        {PixelFormat::Yuv(422, 10), VideoCodec::kFfv1, 2000, 300},
                        {PixelFormat::Gray(16), VideoCodec::kFfv1, 1, 1}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.format.ToString() + " " + std::to_string(c.width));
    VideoWriterOptions options;
    options.codec = c.codec;
    VideoWriter whole(folder / "whole.mkv", c.format, c.width, c.height, options);
    VideoWriter banded(folder / "bands.mkv", c.format, c.width, c.height, options);
    for (int i = 0; i < 3; ++i) {
      Image image = RandomImage(c.format, c.width, c.height, i);
      whole.Write(image, i * 40);
      int next = 0;
      banded.Write(
          [&](int y, const MutableImageView& band) {
            EXPECT_EQ(y, next);
            next = y + band.height;
            CopyPixels(image.mutable_view().Crop(0, y, c.width, band.height), band);
          },
          i * 40);
      EXPECT_EQ(next, c.height);
    }
    whole.Finish();
    banded.Finish();
    EXPECT_EQ(ReadBytes(folder / "whole.mkv"), ReadBytes(folder / "bands.mkv"));

    VideoReader reader(folder / "bands.mkv");
    for (int i = 0; i < 3; ++i) {
      Image image(c.format, c.width, c.height);
      int next = 0;
      const auto frame = reader.Read([&](int y, const ImageView& band) {
        EXPECT_EQ(y, next);
        next = y + band.height;
        CopyPixels(band, image.mutable_view().Crop(0, y, c.width, band.height));
      });
      ASSERT_TRUE(frame);
      EXPECT_TRUE(frame->image.empty());
      EXPECT_EQ(frame->index, i);
      EXPECT_EQ(next, c.height);
      EXPECT_TRUE(SamePixels(image.view(), RandomImage(c.format, c.width, c.height, i).view()));
    }
    EXPECT_FALSE(reader.Read([](int, const ImageView&) {}));
  }
}

TEST(VideoWriter, CroppedViewsCanBeWritten) {
  const TempDir folder;
  const Image image = RandomImage(PixelFormat::Yuv(420), 64, 32, 1);
  const ImageView half = Crop(image.view(), 32, 0, 32, 32);
  VideoWriter writer(folder / "clip.mkv", half.format, 32, 32);
  writer.Write(half, 0);
  writer.Finish();
  EXPECT_TRUE(SamePixels(VideoReader(folder / "clip.mkv").Read()->image.view(), half));
}

TEST(VideoWriter, ThreadsDoNotChangeX264Files) {
  const TempDir folder;
  VideoWriterOptions options;
  for (const VideoCodec codec : {VideoCodec::kH264, VideoCodec::kH264Rgb}) {
    const PixelFormat format =
        codec == VideoCodec::kH264 ? PixelFormat::Yuv(420) : PixelFormat::Rgb(8);
    const Image image = SmoothImage(format, 1664, 1200, 0);
    std::vector<std::byte> reference;
    for (const int threads : {1, 2, 3, 7}) {
      options.codec = codec;
      options.num_threads = threads;
      VideoWriter writer(folder / "clip.mkv", format, 1600, 1200, options);
      for (int i = 0; i < 4; ++i) writer.Write(Crop(image.view(), 16 * i, 0, 1600, 1200), 40 * i);
      writer.Finish();
      const auto bytes = ReadBytes(folder / "clip.mkv");
      if (threads == 1) reference = bytes;
      EXPECT_TRUE(bytes == reference) << threads << " threads";
    }
  }
}

// What x264's own threads take counts as well.
TEST(VideoWriter, OneThreadIsOneCore) {
  const TempDir folder;
  const PixelFormat format = PixelFormat::Yuv(420);
  VideoWriterOptions options;
  options.codec = VideoCodec::kH264;
  options.num_threads = 1;
  options.preset = "medium";
  VideoWriter writer(folder / "clip.mkv", format, 1600, 1200, options);
  const Image image = RandomImage(format, 1600, 1200, 0);
  const auto seconds = [](clockid_t clock) {
    timespec time;
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
  for (int i = 0; i < 6; ++i) writer.Write(image, 40 * i);
  EXPECT_LE(seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu,
            1.15 * (seconds(CLOCK_MONOTONIC) - wall) + 0.02);
  writer.Finish();
}

TEST(VideoWriter, ThreadsDoNotChangeFfv1Files) {
  const TempDir folder;
  for (const PixelFormat& format : {PixelFormat::Rgb(8), PixelFormat::Yuv(420, 10)}) {
    std::vector<std::byte> reference;
    for (const int threads : {1, 2, 3, 4, 8}) {
      VideoWriterOptions options;
      options.num_threads = threads;
      WriteRandom(folder / "clip.mkv", format, 320, 200, 3, options);
      const auto bytes = ReadBytes(folder / "clip.mkv");
      if (threads == 1) reference = bytes;
      EXPECT_TRUE(bytes == reference) << threads << " threads";
    }
  }
}

// --- time ---------------------------------------------------------------------------------------

TEST(VideoWriter, Mp4KeepsTimesExactly) {
  const TempDir folder;
  const std::vector<std::pair<Rational, std::vector<int64_t>>> cases = {
      {{1, 90000}, {0, 3003, 6006, 9009, 9010, 900000}},
      {{1001, 30000}, {0, 1, 2, 3, 10, 11}},
      {{1, 1000}, {0, 33, 67, 100, 133, 5000}},
      {{1, 12288}, {512, 1024, 1536, 2048, 2560, 3072}},
  };
  for (const auto& [time_base, pts] : cases) {
    VideoWriterOptions options;
    options.codec = VideoCodec::kH264;
    options.time_base = time_base;
    const std::string path = folder / "clip.mp4";
    VideoWriter writer(path, PixelFormat::Yuv(420), 32, 32, options);
    for (size_t i = 0; i < pts.size(); ++i) {
      writer.Write(SmoothImage(PixelFormat::Yuv(420), 32, 32, static_cast<int>(i)), pts[i]);
    }
    writer.Finish();
    EXPECT_EQ(writer.frames_written(), static_cast<int64_t>(pts.size()));
    VideoReader reader(path);
    for (const int64_t time : pts) {
      const auto frame = reader.Read();
      ASSERT_TRUE(frame);
      // Exact, not rounded: pts * time base as fractions.
      const Rational tb = reader.info().time_base;
      EXPECT_EQ(frame->pts * tb.num * time_base.den, time * time_base.num * tb.den)
          << time_base.ToString() << " " << time;
    }
  }
}

TEST(VideoWriter, MatroskaKeepsTimesToTheMillisecondAndTheRateExactly) {
  const TempDir folder;
  VideoWriterOptions options;
  options.time_base = {1001, 30000};
  options.frame_rate = {30000, 1001};
  VideoWriter writer(folder / "clip.mkv", PixelFormat::Gray(8), 8, 8, options);
  for (int i = 0; i < 100; ++i) writer.Write(RandomImage(PixelFormat::Gray(8), 8, 8, i), i);
  writer.Finish();
  VideoReader reader(folder / "clip.mkv");
  EXPECT_EQ(reader.info().frame_rate, (Rational{30000, 1001}));
  while (const auto frame = reader.Read()) {
    EXPECT_EQ(frame->pts, Rescale(frame->index, options.time_base, {1, 1000}));
  }
}

TEST(VideoWriter, VariableRateAndLastDurationPassThrough) {
  const TempDir folder;
  for (const char* name : {"clip.mkv", "clip.mp4"}) {
    VideoWriterOptions options;
    options.codec = VideoCodec::kH264;
    const std::vector<int64_t> pts = {40, 50, 300, 301, 2000};
    VideoWriter writer(folder / name, PixelFormat::Yuv(420), 32, 32, options);
    for (size_t i = 0; i < pts.size(); ++i) {
      writer.Write(SmoothImage(PixelFormat::Yuv(420), 32, 32, static_cast<int>(i)), pts[i],
                   i == 4 ? 500 : 0);
    }
    writer.Finish();
    VideoReader reader(folder / name);
    for (const int64_t time : pts) {
      const auto frame = reader.Read();
      ASSERT_TRUE(frame);
      EXPECT_EQ(Rescale(frame->pts, reader.info().time_base, {1, 1000}), time) << name;
    }
    ff::Demuxer file(OpenFileSource(folder / name), name, Limits());
    file.FindStreamInfo(Limits());
    // Of MP4, FFmpeg 7 counts the duration from the first picture, older versions from 0.
    const auto& context = *file.context();
    const bool from_picture =
        std::string(name) == "clip.mp4" && avformat_version() >= AV_VERSION_INT(61, 0, 0);
    const int64_t end = context.duration + (from_picture ? context.start_time : 0);
    EXPECT_NEAR(static_cast<double>(end) / 1e6, 2.5, 0.002) << name;
  }
}

// A longer frame is no missing one where no rate is stated.
TEST(VideoWriter, MatroskaStatesTheRateOfEvenFramesOnly) {
  const TempDir folder;
  test::ClipSpec spec;
  spec.container = "mp4";
  spec.encoder = "libx264";
  for (int i = 0; i < 40; ++i) spec.pts.push_back(40 * (i + (i > 17 ? 1 : 0)));
  test::MakeClip(folder / "gap.mp4", spec);
  VideoReader source(folder / "gap.mp4");
  EXPECT_FALSE(source.info().rate_is_even);
  spec.pts.clear();
  spec.frames = 40;
  test::MakeClip(folder / "even.mp4", spec);
  EXPECT_TRUE(VideoReader(folder / "even.mp4").info().rate_is_even);

  const auto copy = [&](bool rate_is_even) {
    VideoWriterOptions options;
    options.time_base = source.info().time_base;
    options.frame_rate = source.info().frame_rate;
    options.rate_is_even = rate_is_even;
    VideoWriter writer(folder / "copy.mkv", source.info().format, 32, 16, options);
    VideoReader reader(folder / "gap.mp4");
    while (const auto frame = reader.Read()) writer.Write(frame->image, frame->pts);
    writer.Finish();
  };
  const auto read = [&] {
    VideoReaderOptions options;
    options.strict = true;
    VideoReader reader(folder / "copy.mkv", options);
    int frames = 0;
    while (reader.Read()) ++frames;
    return frames;
  };
  copy(true);
  EXPECT_TRUE(VideoReader(folder / "copy.mkv").info().rate_is_even);
  ExpectError(Code::kCorrupt, "missing", read);
  copy(false);
  EXPECT_FALSE(VideoReader(folder / "copy.mkv").info().rate_is_even);
  EXPECT_EQ(read(), 40);
}

// --- what is said about the file ----------------------------------------------------------------

TEST(VideoWriter, ColorAspectAndTagsAreCarried) {
  const TempDir folder;
  VideoWriterOptions options;
  options.color = {9, 9, 16, false, 1};
  options.sample_aspect = {4, 3};
  options.tags = {{"MDVT_KIND", "sbs"}, {"MDVT_XFOV", "48.25"}};
  for (const auto& [name, codec] :
       {std::pair("clip.mkv", VideoCodec::kFfv1), std::pair("h264.mkv", VideoCodec::kH264),
        std::pair("clip.mp4", VideoCodec::kH264), std::pair("clip.mov", VideoCodec::kH264)}) {
    options.codec = codec;
    VideoWriter writer(folder / name, PixelFormat::Yuv(420, 10), 64, 48, options);
    writer.Write(RandomImage(PixelFormat::Yuv(420, 10), 64, 48, 0), 0);
    writer.Finish();
    const VideoInfo info = VideoReader(folder / name).info();
    EXPECT_EQ(info.color.matrix, 9) << name;
    EXPECT_EQ(info.color.primaries, 9) << name;
    EXPECT_EQ(info.color.transfer, 16) << name;
    EXPECT_FALSE(info.color.full_range) << name;
    EXPECT_EQ(info.sample_aspect, (Rational{4, 3})) << name;
    EXPECT_EQ(info.tags.at("MDVT_KIND"), "sbs") << name;
    EXPECT_EQ(info.tags.at("MDVT_XFOV"), "48.25") << name;
  }
  options.color.full_range = true;
  options.codec = VideoCodec::kFfv1;
  VideoWriter writer(folder / "full.mkv", PixelFormat::Yuv(420), 64, 48, options);
  writer.Write(RandomImage(PixelFormat::Yuv(420), 64, 48, 0), 0);
  writer.Finish();
  EXPECT_TRUE(VideoReader(folder / "full.mkv").info().color.full_range);
}

AVStereo3DType ContainerStereo(const std::string& path) {
  ff::Demuxer file(OpenFileSource(path), path, Limits());
  const AVStream* stream = file.context()->streams[0];
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
  const AVPacketSideData* data =
      av_packet_side_data_get(stream->codecpar->coded_side_data,
                              stream->codecpar->nb_coded_side_data, AV_PKT_DATA_STEREO3D);
  const uint8_t* bytes = data != nullptr ? data->data : nullptr;
#else
  const uint8_t* bytes = av_stream_get_side_data(stream, AV_PKT_DATA_STEREO3D, nullptr);
#endif
  return bytes != nullptr ? reinterpret_cast<const AVStereo3D*>(bytes)->type : AV_STEREO3D_2D;
}

// The frame packing message in the H.264 stream itself.
AVStereo3DType StreamStereo(const std::string& path) {
  ff::Demuxer file(OpenFileSource(path), path, Limits());
  const AVCodec* codec = avcodec_find_decoder(AV_CODEC_ID_H264);
  const ff::CodecPtr decoder = ff::NewCodec(codec);
  avcodec_parameters_to_context(decoder.get(), file.context()->streams[0]->codecpar);
  avcodec_open2(decoder.get(), codec, nullptr);
  const ff::PacketPtr packet = ff::NewPacket();
  const ff::FramePtr frame = ff::NewFrame();
  while (file.Read(packet.get())) {
    avcodec_send_packet(decoder.get(), packet.get());
    av_packet_unref(packet.get());
  }
  avcodec_send_packet(decoder.get(), nullptr);
  if (avcodec_receive_frame(decoder.get(), frame.get()) < 0) return AV_STEREO3D_2D;
  const AVFrameSideData* data = av_frame_get_side_data(frame.get(), AV_FRAME_DATA_STEREO3D);
  return data != nullptr ? reinterpret_cast<const AVStereo3D*>(data->data)->type : AV_STEREO3D_2D;
}

TEST(VideoWriter, StereoLayoutIsStatedInContainerAndStream) {
  const TempDir folder;
  for (const auto& [name, codec] :
       {std::pair("clip.mkv", VideoCodec::kFfv1), std::pair("h264.mkv", VideoCodec::kH264),
        std::pair("clip.mp4", VideoCodec::kH264)}) {
    for (const auto& [layout, expected] :
         {std::pair(StereoLayout::kNone, AV_STEREO3D_2D),
          std::pair(StereoLayout::kSideBySide, AV_STEREO3D_SIDEBYSIDE),
          std::pair(StereoLayout::kTopBottom, AV_STEREO3D_TOPBOTTOM)}) {
      VideoWriterOptions options;
      options.codec = codec;
      options.stereo = layout;
      WriteRandom(folder / name, PixelFormat::Yuv(420), 64, 32, 3, options);
      EXPECT_EQ(ContainerStereo(folder / name), expected) << name;
      if (codec == VideoCodec::kH264) {
        EXPECT_EQ(StreamStereo(folder / name), expected) << name;
      }
    }
  }
}

// Matroska's name of the packing, as FFmpeg reads it; empty: none.
std::string StereoMode(const std::string& path) {
  ff::Demuxer file(OpenFileSource(path), path, Limits());
  const AVDictionaryEntry* mode =
      av_dict_get(file.context()->streams[0]->metadata, "stereo_mode", nullptr, 0);
  return mode != nullptr ? mode->value : "";
}

TEST(VideoWriter, MatroskaNamesEveryPacking) {
  const TempDir folder;
  const struct {
    StereoLayout layout;
    const char* usual;
    const char* swapped;
  } cases[] = {{StereoLayout::kNone, "", ""},
               {StereoLayout::kSideBySide, "left_right", "right_left"},
               {StereoLayout::kTopBottom, "top_bottom", "bottom_top"},
               {StereoLayout::kRowInterleaved, "row_interleaved_lr", "row_interleaved_rl"},
               {StereoLayout::kColumnInterleaved, "col_interleaved_lr", "col_interleaved_rl"},
               {StereoLayout::kAnaglyphRedCyan, "anaglyph_cyan_red", ""},
               {StereoLayout::kAnaglyphGreenMagenta, "anaglyph_green_magenta", ""}};
  for (const auto& expected : cases) {
    for (const VideoCodec codec : {VideoCodec::kFfv1, VideoCodec::kH264}) {
      VideoWriterOptions options;
      options.codec = codec;
      options.stereo = expected.layout;
      options.sample_aspect = {4, 3};
      for (const bool swapped : {false, true}) {
        options.right_eye_first = swapped;
        WriteRandom(folder / "clip.mkv", PixelFormat::Yuv(444), 96, 32, 3, options);
        EXPECT_EQ(StereoMode(folder / "clip.mkv"), swapped ? expected.swapped : expected.usual);
        const VideoInfo info = VideoReader(folder / "clip.mkv").info();
        EXPECT_EQ(info.sample_aspect, (Rational{4, 3}));
      }
    }
  }
}

TEST(VideoWriter, NoStereoIsStatedThatAFileCannotTell) {
  const TempDir folder;
  VideoWriterOptions options;
  options.codec = VideoCodec::kH264;
  const auto expect = [&](StereoLayout layout, bool swapped, AVStereo3DType container,
                          AVStereo3DType stream) {
    options.stereo = layout;
    options.right_eye_first = swapped;
    WriteRandom(folder / "clip.mp4", PixelFormat::Yuv(420), 64, 32, 3, options);
    EXPECT_EQ(ContainerStereo(folder / "clip.mp4"), container);
    EXPECT_EQ(StreamStereo(folder / "clip.mp4"), stream);
  };
  expect(StereoLayout::kSideBySide, true, AV_STEREO3D_2D, AV_STEREO3D_2D);
  expect(StereoLayout::kTopBottom, true, AV_STEREO3D_2D, AV_STEREO3D_2D);
  expect(StereoLayout::kRowInterleaved, false, AV_STEREO3D_2D, AV_STEREO3D_LINES);
  expect(StereoLayout::kColumnInterleaved, false, AV_STEREO3D_2D, AV_STEREO3D_COLUMNS);
  expect(StereoLayout::kAnaglyphRedCyan, false, AV_STEREO3D_2D, AV_STEREO3D_2D);
}

TEST(VideoWriter, Mp4HasItsIndexInFront) {
  const TempDir folder;
  VideoWriterOptions options;
  options.codec = VideoCodec::kH264;
  WriteRandom(folder / "clip.mp4", PixelFormat::Yuv(420), 64, 32, 50, options);
  const auto bytes = ReadBytes(folder / "clip.mp4");
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  EXPECT_LT(text.find("moov"), text.find("mdat"));
}

// --- refusals -----------------------------------------------------------------------------------

TEST(VideoWriter, RefusesWhatDoesNotFit) {
  const TempDir folder;
  const auto open = [&](const char* name, const PixelFormat& format, VideoCodec codec, int w = 32,
                        int h = 32) {
    VideoWriterOptions options;
    options.codec = codec;
    VideoWriter(folder / name, format, w, h, options);
  };
  const PixelFormat yuv = PixelFormat::Yuv(420);
  ExpectError(Code::kInvalidArgument, ".mkv", [&] { open("a.mp4", yuv, VideoCodec::kFfv1); });
  ExpectError(Code::kInvalidArgument, "must end in",
              [&] { open("a.avi", yuv, VideoCodec::kFfv1); });
  ExpectError(Code::kInvalidArgument, "must end in", [&] { open("a", yuv, VideoCodec::kH264); });
  ExpectError(Code::kInvalidArgument, "rgb8",
              [&] { open("a.mp4", PixelFormat::Rgb(8), VideoCodec::kH264); });
  ExpectError(Code::kInvalidArgument, "yuv420p8",
              [&] { open("a.mp4", yuv, VideoCodec::kH264Rgb); });
  ExpectError(Code::kInvalidArgument, "rgb16",
              [&] { open("a.mp4", PixelFormat::Rgb(16), VideoCodec::kH264Rgb); });
  ExpectError(Code::kInvalidArgument, "yuv420p12",
              [&] { open("a.mp4", PixelFormat::Yuv(420, 12), VideoCodec::kH264); });
  ExpectError(Code::kInvalidArgument, "grayf32",
              [&] { open("a.mkv", PixelFormat::GrayF32(), VideoCodec::kFfv1); });
  ExpectError(Code::kInvalidArgument, "33x32",
              [&] { open("a.mp4", yuv, VideoCodec::kH264, 33, 32); });
  ExpectError(Code::kInvalidArgument, "32x31",
              [&] { open("a.mp4", yuv, VideoCodec::kH264, 32, 31); });
  ExpectError(Code::kInvalidArgument, "0x32",
              [&] { open("a.mkv", yuv, VideoCodec::kFfv1, 0, 32); });
  EXPECT_TRUE(ListFolder(folder.path()).empty());
}

TEST(VideoWriter, RefusesOptionsOutOfRange) {
  const TempDir folder;
  const auto expect = [&](const char* field, auto&& change) {
    VideoWriterOptions options;
    options.codec = VideoCodec::kH264;
    change(&options);
    ExpectError(Code::kInvalidArgument, field,
                [&] { VideoWriter(folder / "a.mp4", PixelFormat::Yuv(420), 32, 32, options); });
  };
  expect("time_base", [](auto* o) { o->time_base = {0, 1}; });
  expect("time_base", [](auto* o) { o->time_base = {1, int64_t{1} << 40}; });
  expect("frame_rate", [](auto* o) { o->frame_rate = {-25, 1}; });
  expect("sample_aspect", [](auto* o) { o->sample_aspect = {0, 1}; });
  expect("crf", [](auto* o) { o->crf = 52; });
  expect("crf", [](auto* o) { o->crf = -1; });
  expect("preset", [](auto* o) { o->preset = "quick"; });
  expect("threads", [](auto* o) { o->num_threads = -2; });
  EXPECT_TRUE(ListFolder(folder.path()).empty());
}

TEST(VideoWriter, RefusesWrongFrames) {
  const TempDir folder;
  VideoWriter writer(folder / "a.mkv", PixelFormat::Gray(8), 32, 32);
  ExpectError(Code::kInvalidArgument, "no frame", [&] { writer.Finish(); });
  writer.Write(RandomImage(PixelFormat::Gray(8), 32, 32, 0), 10);
  ExpectError(Code::kInvalidArgument, "frame 1 is gray16",
              [&] { writer.Write(RandomImage(PixelFormat::Gray(16), 32, 32, 0), 20); });
  ExpectError(Code::kInvalidArgument, "frame 1 is gray8 32x31",
              [&] { writer.Write(RandomImage(PixelFormat::Gray(8), 32, 31, 0).view(), 20); });
  ExpectError(Code::kInvalidArgument, "must be later than 10",
              [&] { writer.Write(RandomImage(PixelFormat::Gray(8), 32, 32, 0), 10); });
  writer.Write(RandomImage(PixelFormat::Gray(8), 32, 32, 1), 20);  // and goes on
  writer.Finish();
  ExpectError(Code::kInvalidArgument, "finished", [&] { writer.Finish(); });
  ExpectError(Code::kInvalidArgument, "finished",
              [&] { writer.Write(RandomImage(PixelFormat::Gray(8), 32, 32, 0), 30); });
  ExpectRandom(folder / "a.mkv", PixelFormat::Gray(8), 32, 32, 2);
}

}  // namespace
}  // namespace mdvt
