// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/split_sbs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "io/clip_maker.h"
#include "io/demuxer.h"
#include "io/expect_error.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

class SplitSbsJob : public ::testing::Test {
 protected:
  // A clip of random samples, FFV1 in Matroska.
  std::string Clip(int width, int height, PixelFormat format, const VideoWriterOptions& options) {
    const std::string path = dir_ / "clip.sbs.mkv";
    VideoWriter writer(path, format, width, height, options);
    for (int i = 0; i < 3; ++i) writer.Write(RandomImage(format, width, height, i), 40 * i * i, 30);
    writer.Finish();
    return path;
  }
  SplitSbsReport Split(const std::string& path) {
    options_.color_video = path;
    options_.job.num_threads = 2;
    return RunSplitSbsJob(options_);
  }
  // Both halves hold exactly what the clip has there, at the clip's times.
  void ExpectHalves(const std::string& path, const SplitSbsReport& report,
                    bool right_first = false) {
    VideoReader whole(path), left(report.left_output), right(report.right_output);
    for (int frames = 0;; ++frames) {
      const std::optional<Frame> source = whole.Read();
      for (VideoReader* view : {&left, &right}) {
        const std::optional<Frame> half = view->Read();
        ASSERT_EQ(half.has_value(), source.has_value());
        if (!source) continue;
        EXPECT_EQ(half->pts, source->pts);
        const bool second = (view == &right) != right_first;
        const int x = second && !report.top_bottom ? report.width : 0;
        const int y = second && report.top_bottom ? report.height : 0;
        EXPECT_TRUE(SamePixels(half->image.view(),
                               Crop(source->image.view(), x, y, report.width, report.height)));
      }
      if (source) continue;
      EXPECT_EQ(frames, report.frames);
      return;
    }
  }

  const TempDir dir_;
  SplitSbsJobOptions options_;
};

TEST_F(SplitSbsJob, HalvesAreExact) {
  for (const PixelFormat& format : {PixelFormat::Yuv(420), PixelFormat::Yuv(422, 10),
                                    PixelFormat::Rgb(8), PixelFormat::Gray(16)}) {
    const std::string path = Clip(64, 32, format, {});
    const SplitSbsReport report = Split(path);
    EXPECT_EQ(report.left_output, dir_ / "clip.sbs_left.mkv");
    EXPECT_EQ(report.right_output, dir_ / "clip.sbs_right.mkv");
    EXPECT_FALSE(report.top_bottom);
    EXPECT_EQ(report.width, 32);
    EXPECT_EQ(report.height, 32);
    ExpectHalves(path, report);
  }
}

TEST_F(SplitSbsJob, TheFileSaysHowItIsPacked) {
  VideoWriterOptions packed;
  packed.stereo = StereoLayout::kTopBottom;
  std::string path = Clip(64, 32, PixelFormat::Yuv(420), packed);
  SplitSbsReport report = Split(path);
  EXPECT_TRUE(report.top_bottom);
  EXPECT_EQ(report.height, 16);
  ExpectHalves(path, report);
  options_.packing = PackingChoice::kSideBySide;
  EXPECT_FALSE(Split(path).top_bottom);

  options_.packing = PackingChoice::kAuto;
  packed.stereo = StereoLayout::kSideBySide;
  packed.right_eye_first = true;
  path = Clip(64, 32, PixelFormat::Yuv(420), packed);
  ExpectHalves(path, Split(path), true);
  options_.swap_eyes = true;  // the file is wrong
  ExpectHalves(path, Split(path), false);

  options_ = {};
  packed.stereo = StereoLayout::kRowInterleaved;
  packed.right_eye_first = false;
  path = Clip(64, 32, PixelFormat::Yuv(444), packed);
  ExpectError(Code::kRefused, "alternate rows", [&] { Split(path); });
  packed.stereo = StereoLayout::kAnaglyphGreenMagenta;
  path = Clip(64, 32, PixelFormat::Yuv(444), packed);
  ExpectError(Code::kRefused, "holds an anaglyph", [&] { Split(path); });
  // Where the container cannot say it, the tag does.
  packed.stereo = StereoLayout::kNone;
  packed.tags["MDVT_KIND"] = "anaglyph_ab";
  path = Clip(64, 32, PixelFormat::Yuv(444), packed);
  ExpectError(Code::kRefused, "no stereo video of two views", [&] { Split(path); });
  packed.tags["MDVT_KIND"] = "sbs";
  path = Clip(64, 32, PixelFormat::Yuv(444), packed);
  ExpectHalves(path, Split(path));
}

TEST_F(SplitSbsJob, OddSizesLoseAColumnAndKeepTheirColors) {
  const std::string path = Clip(33, 17, PixelFormat::Rgb(8), {});
  const SplitSbsReport report = Split(path);
  EXPECT_EQ(report.width, 16);
  EXPECT_EQ(report.height, 17);
  ExpectHalves(path, report);
  // The right eye of this one begins in the middle of a chroma sample.
  const SplitSbsReport odd = Split(Clip(62, 16, PixelFormat::Yuv(420), {}));
  const std::vector<Image> both = ReadAllFrames(dir_ / "clip.sbs.mkv");
  const std::vector<Image> right = ReadAllFrames(odd.right_output);
  ASSERT_EQ(right[1].format(), PixelFormat::Yuv(444));
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 31; ++x)
      ASSERT_EQ(right[1].Plane<uint8_t>().At(x, y), both[1].Plane<uint8_t>().At(31 + x, y));
  ExpectError(Code::kInvalidArgument, "too few", [&] {
    options_.packing = PackingChoice::kTopBottom;
    Split(Clip(64, 1, PixelFormat::Gray(8), {}));
  });
}

TEST_F(SplitSbsJob, PixelsOfSqueezedViewsGetTheirShape) {
  options_.squeezed = true;
  VideoWriterOptions aspect;
  aspect.sample_aspect = {4, 3};
  const std::string path = Clip(96, 32, PixelFormat::Yuv(420), aspect);
  EXPECT_EQ(VideoReader(Split(path).left_output).info().sample_aspect, (Rational{8, 3}));
  options_.packing = PackingChoice::kTopBottom;
  EXPECT_EQ(VideoReader(Split(path).left_output).info().sample_aspect, (Rational{2, 3}));
}

TEST_F(SplitSbsJob, SoundSubtitlesAndChaptersGoIntoBoth) {
  ClipSpec spec;
  spec.width = 64;
  spec.height = 32;
  spec.frames = 25;
  spec.audio_encoder = "flac";
  spec.audio_languages = {"deu", "eng"};
  spec.audio_seconds = 1;
  spec.subtitles = {"one", "two"};
  spec.chapters = 3;
  const std::string path = dir_ / "clip.mkv";
  MakeClip(path, spec);
  const SplitSbsReport report = Split(path);
  for (const std::string& view : {report.left_output, report.right_output}) {
    ff::Demuxer file(OpenFileSource(view), view, Limits());
    int sound = 0, text = 0;
    for (unsigned i = 0; i < file.context()->nb_streams; ++i) {
      const AVMediaType type = file.context()->streams[i]->codecpar->codec_type;
      sound += type == AVMEDIA_TYPE_AUDIO;
      text += type == AVMEDIA_TYPE_SUBTITLE;
    }
    EXPECT_EQ(sound, 2);
    EXPECT_EQ(text, 1);
    EXPECT_EQ(file.context()->nb_chapters, 3u);
  }
}

TEST_F(SplitSbsJob, GoesIntoAFolderAndEndsEarly) {
  fs::create_directory(dir_ / "out");
  options_.output = dir_ / "out";
  options_.job.max_frames = 2;
  const SplitSbsReport report = Split(Clip(64, 32, PixelFormat::Yuv(420), {}));
  EXPECT_EQ(report.left_output, dir_ / "out/clip.sbs_left.mkv");
  EXPECT_EQ(ReadAllFrames(report.left_output).size(), 2u);
  EXPECT_EQ(ReadAllFrames(report.right_output).size(), 2u);
  // One that is not there is made, once all is well.
  options_.output = dir_ / "a/b";
  const SplitSbsReport made = Split(dir_ / "clip.sbs.mkv");
  EXPECT_EQ(made.left_output, dir_ / "a/b/clip.sbs_left.mkv");
  EXPECT_TRUE(SameFrames(ReadAllFrames(made.left_output), ReadAllFrames(report.left_output)));
  EXPECT_TRUE(fs::exists(made.right_output));
  options_.output = dir_ / "never";
  EXPECT_NE(CodeOf([&] { Split(dir_ / "none.mkv"); }), Code::kInternal);
  EXPECT_FALSE(fs::exists(dir_ / "never"));
  options_.output = dir_ / "one.mkv";
  ExpectError(Code::kInvalidArgument, "must be a folder, not a video",
              [&] { Split(dir_ / "clip.sbs.mkv"); });
  options_.output = dir_ / "clip.sbs.mkv";
  EXPECT_EQ(CodeOf([&] { Split(dir_ / "clip.sbs.mkv"); }), Code::kInvalidArgument);
}

}  // namespace
}  // namespace mdvt::test
