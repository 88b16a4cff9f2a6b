// SPDX-License-Identifier: Apache-2.0
#include "pipeline/subtitle_painter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "io/clip_maker.h"
#include "io/demuxer.h"
#include "io/expect_error.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 320, kHeight = 180, kFrames = 12;
constexpr int kGrey = 60;
constexpr double kGap = 0.002;  // of the width, between a line and what is behind it

TEST(SubtitleDepth, ALineBeginsInFrontOfWhatIsBehindIt) {
  SubtitleDepth depth(std::nullopt);
  EXPECT_NEAR(depth.Push({1}, -0.01, 0), -0.01 - kGap, 1e-12);
  EXPECT_EQ(depth.Push({2}, 0.02, 0.04), 0) << "never behind the screen";
  SubtitleDepth bounded(0.008);
  EXPECT_EQ(bounded.Push({1}, -0.01, 0), -0.008);
}

TEST(SubtitleDepth, InsideALineItGlides) {
  SubtitleDepth depth(std::nullopt);
  double before = depth.Push({1}, 0, 0);
  double least = before;
  for (int i = 1; i <= 100; ++i) {  // something near comes at once, and goes
    const double now = depth.Push({1}, i < 60 ? -0.03 : 0.0, 0.04 * i);
    EXPECT_LE(std::fabs(now - before), 0.02 * 0.04 + 1e-12);
    before = now;
    least = std::min(least, now);
  }
  EXPECT_NEAR(least, -0.03 - kGap, 1e-9);
  // A line that comes beside one that stays does not move it; when all are new it may jump.
  const double now = depth.Push({1, 2}, -0.03, 4.04);
  EXPECT_LE(std::fabs(now - before), 0.02 * 0.04 + 1e-12);
  EXPECT_NEAR(depth.Push({3}, -0.05, 4.08), -0.05 - kGap, 1e-12);
}

TEST(BlendCoverage, IsExact) {
  for (const PixelFormat& format : {PixelFormat::Yuv(420), PixelFormat::Yuv(420, 10),
                                    PixelFormat::Rgb(8), PixelFormat::Gray(16)}) {
    const int most = format.max_value();
    const auto picture = [&] {
      Image image(format, 16, 8);
      for (int plane = 0; plane < format.num_planes(); ++plane)
        for (int y = 0; y < format.PlaneHeight(plane, 8); ++y)
          for (int x = 0; x < format.PlaneWidth(plane, 16); ++x) {
            if (format.type == SampleType::kU8)
              image.MutablePlane<uint8_t>(plane).At(x, y) = 0;
            else
              image.MutablePlane<uint16_t>(plane).At(x, y) = 0;
          }
      return image;
    };
    const auto at = [&](const Image& image, int plane, int x, int y) -> int {
      return format.type == SampleType::kU8 ? image.Plane<uint8_t>(plane).At(x, y)
                                            : image.Plane<uint16_t>(plane).At(x, y);
    };
    const std::vector<uint8_t> full(4, 255);
    const PlaneView<const uint8_t> square{full.data(), 2, 2, 2};
    const std::array<int, 3> samples = {most, most, most};
    Image image = picture();
    BlendCoverage(square, 4, 2, samples, image.mutable_view());
    EXPECT_EQ(at(image, 0, 3, 2), 0);
    EXPECT_EQ(at(image, 0, 4, 2), most);
    EXPECT_EQ(at(image, 0, 5, 3), most);
    EXPECT_EQ(at(image, 0, 6, 2), 0);
    if (format.chroma_shift_x > 0) {
      EXPECT_EQ(at(image, 1, 2, 1), most);
      EXPECT_EQ(at(image, 1, 1, 1), 0);
    }
    // Half a pixel to the right: the mean of both places.
    image = picture();
    BlendCoverage(square, 4.5, 2, samples, image.mutable_view());
    EXPECT_NEAR(at(image, 0, 4, 2), most / 2.0, most / 200.0);
    EXPECT_EQ(at(image, 0, 5, 2), most);
    EXPECT_NEAR(at(image, 0, 6, 2), most / 2.0, most / 200.0);
    if (format.chroma_shift_x > 0) {
      EXPECT_NEAR(at(image, 2, 2, 1), most * 0.75, most / 200.0);
      EXPECT_NEAR(at(image, 2, 3, 1), most * 0.25, most / 200.0);
    }
    // Beyond the borders nothing happens.
    image = picture();
    for (const double x : {-1.0, 15.0, -40.0, 40.0})
      for (const int y : {-1, 7, -30, 30})
        BlendCoverage(square, x, y, samples, image.mutable_view());
    EXPECT_EQ(at(image, 0, 0, 0), most);
    EXPECT_EQ(at(image, 0, 15, 7), most);
    EXPECT_EQ(at(image, 0, 1, 1), 0);
  }
}

// A clip with a line of text, and depth.
class BurnedSubtitles : public ::testing::Test {
 protected:
  void SetUp() override {
    ClipSpec spec;
    spec.width = kWidth;
    spec.height = kHeight;
    spec.frames = kFrames;
    spec.picture = [](int index) {  // all of it dark grey
      ff::FramePtr frame = MakeMovingFrame(AV_PIX_FMT_YUV420P, kWidth, kHeight, index);
      for (int y = 0; y < kHeight; ++y)
        std::fill_n(frame->data[0] + static_cast<ptrdiff_t>(y) * frame->linesize[0], kWidth,
                    uint8_t{kGrey});
      return frame;
    };
    spec.subtitles = {"HELLO"};
    MakeClip(dir_ / "color.mkv", spec);
    shape_.width = kWidth;
    shape_.height = kHeight;
    shape_.frames = kFrames;
    shape_.rate = {25, 1};
    MakeDepth(dir_ / "depth.mkv", shape_, Plane(2));
    options_.source.file.path = dir_ / "depth.mkv";
    options_.color_video = dir_ / "color.mkv";
    options_.fov.xfov_deg = 2 * std::atan(0.5) * 180 / M_PI;  // the focal length is the width
    options_.eyes.pupillary_distance_mm = 62.5;
    options_.job.num_threads = 2;
  }
  std::vector<Image> Render(Subtitles subtitles) {
    options_.subtitles.subtitles = subtitles;
    options_.output = dir_ / (subtitles == Subtitles::kBurn ? "burned.mkv" : "kept.mkv");
    RunStereoJob(options_);
    return ReadAllFrames(options_.output);
  }
  // The columns of a part of the frame in which two frames differ clearly.
  static std::pair<int, int> Columns(const Image& a, const Image& b, int begin, int end) {
    std::pair<int, int> found(-1, -1);
    for (int x = begin; x < end; ++x)
      for (int y = 0; y < a.height(); ++y) {
        if (std::abs(a.Plane<uint8_t>().At(x, y) - b.Plane<uint8_t>().At(x, y)) < 60) continue;
        if (found.first < 0) found.first = x - begin;
        found.second = x - begin;
      }
    return found;
  }
  // The middle of the letters in an eye of a burned frame, which are brighter than the rest; -1
  // without any.
  static double Letters(const Image& burned, int begin) {
    double sum = 0, weights = 0;
    for (int x = 0; x < kWidth; ++x)
      for (int y = 0; y < kHeight; ++y) {
        const int light = burned.Plane<uint8_t>().At(begin + x, y) - kGrey;
        if (light <= 2) continue;
        sum += light * (x + 0.5);
        weights += light;
      }
    return weights > 0 ? sum / weights : -1;
  }
  int SubtitleStreams() const {
    ff::Demuxer demuxer(OpenFileSource(options_.output), options_.output, Limits());
    int count = 0;
    for (unsigned i = 0; i < demuxer.context()->nb_streams; ++i)
      count += demuxer.context()->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE;
    return count;
  }

  const TempDir dir_;
  ClipShape shape_;
  StereoJobOptions options_;
};

TEST_F(BurnedSubtitles, StandInFrontOfTheSceneInBothEyes) {
  const std::vector<Image> kept = Render(Subtitles::kKeep);
  EXPECT_EQ(SubtitleStreams(), 1);
  const std::vector<Image> burned = Render(Subtitles::kBurn);
  EXPECT_EQ(SubtitleStreams(), 0);
  ASSERT_EQ(burned.size(), static_cast<size_t>(kFrames));
  // The wall is 10 pixels in front of the screen.
  const double wall = -kWidth * 0.0625 / 2;
  for (size_t i = 1; i < 10; ++i) {
    EXPECT_EQ(Letters(kept[i], 0), -1);
    const double left = Letters(burned[i], 0), right = Letters(burned[i], kWidth);
    ASSERT_GE(left, 0) << "frame " << i;
    const double parallax = right - left;
    EXPECT_NEAR(parallax, wall - kGap * kWidth, 0.1) << "frame " << i;
    EXPECT_LT(parallax, wall);
    EXPECT_NEAR(left + right, kWidth, 4) << "middle";
  }
}

TEST_F(BurnedSubtitles, FollowTheSceneWithoutAJump) {
  // Something near comes into the place of the text all at once.
  MakeDepth(dir_ / "depth.mkv", shape_,
            [](int frame, int, int y) { return frame >= 5 && y > 100 ? 1.0f : 4.0f; });
  const std::vector<Image> burned = Render(Subtitles::kBurn);
  std::vector<double> parallax;
  for (size_t i = 1; i < 10; ++i) {  // the line ends after 400 ms
    ASSERT_GE(Letters(burned[i], 0), 0) << "frame " << i;
    parallax.push_back(Letters(burned[i], kWidth) - Letters(burned[i], 0));
  }
  EXPECT_NEAR(parallax[0], -5 - kGap * kWidth, 0.1);
  // At most 2 % of the width a second.
  const double step = 0.02 * kWidth / 25;
  for (size_t i = 1; i < parallax.size(); ++i) {
    const double moved = parallax[i] - parallax[i - 1];
    EXPECT_NEAR(moved, i + 1 >= 5 ? -step : 0, 0.1) << "frame " << i + 1;
  }
}

TEST_F(BurnedSubtitles, AreInEveryLayout) {
  for (const char* layout : {"half-sbs", "half-tab", "rows", "anaglyph", "views", "left"}) {
    options_.frame.canvas.layout = layout;
    const std::vector<Image> kept = Render(Subtitles::kKeep), burned = Render(Subtitles::kBurn);
    const auto found = Columns(kept[3], burned[3], 0, kept[3].width());
    EXPECT_GE(found.first, 0) << layout;
    EXPECT_TRUE(SameFrames({kept[kFrames - 1]}, {kept[kFrames - 1]}));
  }
  options_.frame.canvas.layout = "rgbd";
  ExpectError(Code::kInvalidArgument, "rgbd", [&] { Render(Subtitles::kBurn); });
}

TEST_F(BurnedSubtitles, ComeFromAFileOfTheirOwn) {
  options_.subtitles.file = dir_ / "own.srt";
  std::ofstream(options_.subtitles.file) << "1\n00:00:00,200 --> 00:00:00,320\nText\n";
  const std::vector<Image> kept = Render(Subtitles::kKeep), burned = Render(Subtitles::kBurn);
  for (size_t i = 0; i < kFrames; ++i) {
    const bool shown = i >= 5 && i < 8;  // 40 ms each
    EXPECT_EQ(Columns(kept[i], burned[i], 0, kWidth).first >= 0, shown) << "frame " << i;
  }
  EXPECT_EQ(SubtitleStreams(), 0);
  options_.subtitles.file = dir_ / "missing.srt";
  ExpectError(Code::kNotFound, "missing.srt", [&] { Render(Subtitles::kBurn); });
  options_.subtitles.file.clear();
  MakeColor(options_.color_video, shape_);
  ExpectError(Code::kNotFound, "no text subtitles", [&] { Render(Subtitles::kBurn); });
  EXPECT_FALSE(std::filesystem::exists(dir_ / "burned.mkv.tmp"));
}

TEST_F(BurnedSubtitles, OfMonoToSbsToo) {
  MonoToSbsJobOptions mono;
  mono.input = options_.color_video;
  mono.source.engine = "file";
  mono.source.file.path = options_.source.file.path;
  mono.job.num_threads = 2;
  mono.output = dir_ / "kept_mono.mkv";
  RunMonoToSbsJob(mono);
  const std::vector<Image> kept = ReadAllFrames(mono.output);
  mono.subtitles.subtitles = Subtitles::kBurn;
  mono.output = dir_ / "burned_mono.mkv";
  RunMonoToSbsJob(mono);
  const std::vector<Image> burned = ReadAllFrames(mono.output);
  const auto left = Columns(kept[4], burned[4], 0, kWidth);
  const auto right = Columns(kept[4], burned[4], kWidth, 2 * kWidth);
  ASSERT_GE(left.first, 0);
  ASSERT_GE(right.first, 0);
  EXPECT_LT(std::abs(left.first - right.first), 4) << "a flat scene is on the screen";
}

}  // namespace
}  // namespace mdvt::test
