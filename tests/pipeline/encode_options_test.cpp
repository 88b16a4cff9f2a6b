// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/encode_options.h"

#include <gtest/gtest.h>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/jobs.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

TEST(EncodeOptions, TheEndingTellsTheCodec) {
  const EncodeOptions options;
  EXPECT_EQ(options.Codec("a.mp4", VideoCodec::kFfv1), VideoCodec::kH264);
  EXPECT_EQ(options.Codec("a.mov", VideoCodec::kFfv1), VideoCodec::kH264);
  EXPECT_EQ(options.Codec("a.mkv", VideoCodec::kFfv1), VideoCodec::kFfv1);
  EXPECT_EQ(options.Codec("", VideoCodec::kH264), VideoCodec::kH264);
  EncodeOptions named;
  named.video_codec = "ffv1";
  EXPECT_EQ(named.Codec("a.mkv", VideoCodec::kH264), VideoCodec::kFfv1);
  ExpectError(Code::kInvalidArgument, "output 'a.mp4': ffv1 goes into .mkv",
              [&] { named.Codec("a.mp4", VideoCodec::kH264); });
  named.video_codec = "x264";
  EXPECT_EQ(named.Codec("a.mkv", VideoCodec::kFfv1), VideoCodec::kH264);
}

TEST(EncodeOptions, OptionsOfX264AreRefusedForFfv1) {
  for (const char* name : {"crf", "x264_preset", "bits"}) {
    EncodeOptions options;
    OptionList list;
    Describe(&list, &options);
    list.SetText(name, std::string(name) == "x264_preset" ? "slow" : "10");
    ExpectError(Code::kInvalidArgument, "belong to x264",
                [&] { options.Codec("a.mkv", VideoCodec::kFfv1); });
    EXPECT_EQ(options.Codec("a.mp4", VideoCodec::kFfv1), VideoCodec::kH264);
  }
}

TEST(EncodeOptions, FormatsFollowFromCodecSizeAndBits) {
  EncodeOptions options;
  const PixelFormat deep = PixelFormat::Yuv(422, 12);
  const PixelFormat plain = PixelFormat::Rgb(8);
  EXPECT_EQ(options.Format(VideoCodec::kFfv1, deep, 64, 32), deep);
  EXPECT_EQ(options.Format(VideoCodec::kH264, deep, 64, 32), PixelFormat::Yuv(420, 10));
  EXPECT_EQ(options.Format(VideoCodec::kH264, plain, 64, 32), PixelFormat::Yuv(420, 8));
  EXPECT_EQ(options.Format(VideoCodec::kH264, plain, 64, 33), PixelFormat::Yuv(444, 8));
  options.bits = "10";
  EXPECT_EQ(options.Format(VideoCodec::kH264, plain, 64, 32), PixelFormat::Yuv(420, 10));
  options.bits = "8";
  EXPECT_EQ(options.Format(VideoCodec::kH264, deep, 64, 32), PixelFormat::Yuv(420, 8));
}

TEST(EncodeOptions, EveryEncoderIsOfferedWhereItFits) {
  EncodeOptions options;
  const auto codec = [&](const char* name, const char* output) {
    options.video_codec = name;
    return options.Codec(output, VideoCodec::kFfv1);
  };
  EXPECT_EQ(codec("x265", "a.mp4"), VideoCodec::kHevc);
  EXPECT_EQ(codec("x265", "a.mov"), VideoCodec::kHevc);
  EXPECT_EQ(codec("svtav1", "a.mkv"), VideoCodec::kAv1);
  EXPECT_EQ(codec("utvideo", "a.mkv"), VideoCodec::kUtVideo);
  EXPECT_EQ(codec("hevc_nvenc", "a.mp4"), VideoCodec::kHevcNvenc);
  ExpectError(Code::kInvalidArgument, "svtav1 goes into .mkv or .mp4",
              [&] { codec("svtav1", "a.mov"); });
  ExpectError(Code::kInvalidArgument, "utvideo goes into .mkv", [&] { codec("utvideo", "a.mp4"); });
  EXPECT_EQ(EncodeOptions::Ending(VideoCodec::kAv1), ".mp4");
  EXPECT_EQ(EncodeOptions::Ending(VideoCodec::kUtVideo), ".mkv");
  EXPECT_EQ(codec("h264_vaapi", "a.mp4"), VideoCodec::kH264Vaapi);
  EXPECT_EQ(codec("av1_qsv", "a.mkv"), VideoCodec::kAv1Qsv);
  EXPECT_EQ(codec("hevc_amf", "a.mov"), VideoCodec::kHevcAmf);
  EXPECT_EQ(codec("h264_v4l2m2m", "a.mp4"), VideoCodec::kH264V4l2);
  ExpectError(Code::kInvalidArgument, "h264_v4l2m2m goes into .mp4 or .mov",
              [&] { codec("h264_v4l2m2m", "a.mkv"); });
  ExpectError(Code::kInvalidArgument, "av1_vaapi goes into .mkv or .mp4",
              [&] { codec("av1_vaapi", "a.mov"); });
  options.bits = "10";
  EXPECT_EQ(codec("hevc_vaapi", "a.mp4"), VideoCodec::kHevcVaapi);
  for (const char* name : {"h264_nvenc", "h264_vaapi", "h264_qsv", "h264_amf", "hevc_v4l2m2m"})
    ExpectError(Code::kInvalidArgument, "takes 8 bits", [&] { codec(name, "a.mp4"); });
  options.bits = "auto";
  options.x264_preset = "slow";
  EXPECT_EQ(codec("hevc_vaapi", "a.mp4"), VideoCodec::kHevcVaapi);
  ExpectError(Code::kInvalidArgument, "x264_preset: h264_v4l2m2m has one speed",
              [&] { codec("h264_v4l2m2m", "a.mp4"); });
}

TEST(EncodeOptions, FormatsOfOtherEncoders) {
  EncodeOptions options;
  const PixelFormat deep = PixelFormat::Yuv(420, 10), rgb = PixelFormat::Rgb(8);
  EXPECT_EQ(options.Format(VideoCodec::kHevc, deep, 64, 33), PixelFormat::Yuv(444, 10));
  EXPECT_EQ(options.Format(VideoCodec::kAv1, deep, 64, 32), deep);
  EXPECT_EQ(options.Format(VideoCodec::kUtVideo, rgb, 64, 32), rgb);
  EXPECT_EQ(options.Format(VideoCodec::kUtVideo, PixelFormat::Yuv(422), 64, 32),
            PixelFormat::Yuv(422));
  EXPECT_EQ(options.Format(VideoCodec::kHevcNvenc, rgb, 64, 32), PixelFormat::Yuv(420));
  ExpectError(Code::kUnsupported, "svtav1 takes even sides",
              [&] { options.Format(VideoCodec::kAv1, rgb, 64, 33); });
  ExpectError(Code::kUnsupported, "utvideo keeps 8 bits, the pictures have 10",
              [&] { options.Format(VideoCodec::kUtVideo, deep, 64, 32); });
  for (const VideoCodec deep_too :
       {VideoCodec::kHevcNvenc, VideoCodec::kAv1Vaapi, VideoCodec::kHevcQsv, VideoCodec::kAv1Amf})
    EXPECT_EQ(options.Format(deep_too, PixelFormat::Yuv(422, 12), 64, 32), deep);
  for (const VideoCodec only_8 :
       {VideoCodec::kH264Nvenc, VideoCodec::kH264Vaapi, VideoCodec::kHevcV4l2})
    ExpectError(Code::kUnsupported, "give bits 8", [&] { options.Format(only_8, deep, 64, 32); });
}

TEST(EncodeOptions, NumberedPresetsAreThoseOfX264) {
  EncodeOptions options;
  VideoWriterOptions writer;
  options.Apply(VideoCodec::kH264, &writer);
  EXPECT_EQ(writer.preset, "veryfast");
  options.x264_preset = "p1";
  options.Apply(VideoCodec::kH264, &writer);
  EXPECT_EQ(writer.preset, "ultrafast");
  options.x264_preset = "p7";
  options.audio = false;
  options.Apply(VideoCodec::kH264, &writer);
  EXPECT_EQ(writer.preset, "slow");
  EXPECT_FALSE(writer.copy_audio);
}

TEST(EncodeOptions, PairsAreTakenApart) {
  EncodeOptions options;
  OptionList list;
  Describe(&list, &options);
  list.SetText("encoder_options", "tune=film:g=48");
  EXPECT_EQ(options.encoder_options,
            (std::map<std::string, std::string>{{"tune", "film"}, {"g", "48"}}));
  EXPECT_EQ(list.Get("encoder_options"), OptionValue(std::string("g=48:tune=film")));
  for (const char* bad : {"tune", "=film", "tune=", "g=1:g=2", ":g=1"})
    ExpectError(Code::kInvalidArgument, "must be pairs such as tune=film:g=48",
                [&] { list.SetText("encoder_options", bad); });
}

class EncodedStereo : public ::testing::Test {
 protected:
  EncodedStereo() {
    MakeDepth(options_.source.file.path = dir_ / "depth.mkv", shape_, Plane(4));
    MakeColor(options_.color_video = dir_ / "color.mkv", shape_);
    options_.fov.xfov_deg = 60;
  }

  const TempDir dir_;
  const ClipShape shape_;
  StereoJobOptions options_;
};

TEST_F(EncodedStereo, LosslessX264InMatroskaIsWhatFfv1Holds) {
  options_.output = dir_ / "a.mkv";
  RunStereoJob(options_);
  options_.output = dir_ / "b.mkv";
  options_.encode.video_codec = "x264";
  options_.encode.crf = 0;
  RunStereoJob(options_);
  EXPECT_EQ(VideoReader(dir_ / "b.mkv").info().codec, "h264");
  EXPECT_TRUE(SameFrames(ReadAllFrames(dir_ / "a.mkv"), ReadAllFrames(dir_ / "b.mkv")));
}

TEST_F(EncodedStereo, FurtherOptionsReachTheEncoder) {
  options_.output = dir_ / "a.mp4";
  options_.encode.encoder_options = {{"tune", "grain"}};
  RunStereoJob(options_);
  const std::vector<Image> grain = ReadAllFrames(dir_ / "a.mp4");
  options_.encode.encoder_options.clear();
  RunStereoJob(options_);
  EXPECT_FALSE(SameFrames(grain, ReadAllFrames(dir_ / "a.mp4")));
  std::filesystem::remove(dir_ / "a.mp4");
  const auto refused = [&](const std::string& key, const std::string& value,
                           const std::string& text) {
    options_.encode.encoder_options = {{key, value}};
    ExpectError(Code::kInvalidArgument, text, [&] { RunStereoJob(options_); });
    EXPECT_FALSE(std::filesystem::exists(dir_ / "a.mp4"));
  };
  refused("tone", "film", "does not know the option 'tone'");
  refused("tune", "nonsense", "does not take these options");
  refused("threads", "9", "'threads' is set by mdvt itself");
}

}  // namespace
}  // namespace mdvt::test
