// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/video_mask.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "cli/clips.h"
#include "infill/toy_models.h"
#include "io/expect_error.h"
#include "support/pictures.h"
#include "support/test_env.h"
#include "tracking/pictures.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

constexpr int kWidth = 160, kHeight = 96, kFrames = 8;

class VideoMaskJob : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.color_video = dir_ / "clip.mkv";
    options_.job.num_threads = 2;
  }
  // A box of 40 x 30 pixels, with a pattern of its own, that moves before a still picture.
  static bool InBox(int x, int y, int frame, int speed) {
    const int left = 40 + speed * frame;
    return x >= left && x < left + 40 && y >= 30 && y < 60;
  }
  void MakeMoving(int speed) {
    VideoWriterOptions video;
    video.frame_rate = {25, 1};
    VideoWriter writer(options_.color_video, PixelFormat::Gray(8), kWidth, kHeight, video);
    for (int f = 0; f < kFrames; ++f)
      writer.Write(MakePicture(PixelFormat::Gray(8), kWidth, kHeight,
                               [&](int, int x, int y) {
                                 const bool box = InBox(x, y, f, speed);
                                 const double v =
                                     box ? Wave(2.0 * (x - speed * f) + 300, 2.0 * y) : Wave(x, y);
                                 return std::clamp(static_cast<int>(v), 0, 255);
                               }),
                   40 * f, 40);
    writer.Finish();
  }

  const TempDir dir_;
  VideoMaskJobOptions options_;
};

TEST_F(VideoMaskJob, MasksWhatMoves) {
  MakeMoving(3);
  const VideoMaskReport report = RunVideoMaskJob(options_);
  EXPECT_EQ(report.output, dir_ / "clip.mkv_mask.mkv");
  EXPECT_EQ(report.frames, kFrames);
  const std::vector<Image> masks = ReadAllFrames(report.output);
  ASSERT_EQ(masks[0].format(), PixelFormat::Gray(8));
  int both = 0, either = 0;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      const bool truth = InBox(x, y, 4, 3), said = SampleOf(masks[4], 0, x, y) == 255;
      both += truth && said;
      either += truth || said;
    }
  EXPECT_GT(static_cast<double>(both) / either, 0.7);
  EXPECT_EQ(VideoReader(report.output).info().tags.at("MDVT_KIND"), "mask");
}

TEST_F(VideoMaskJob, MasksNothingWhereNothingMoves) {
  MakeMoving(0);
  EXPECT_EQ(RunVideoMaskJob(options_).mask_share, 0);
  options_.invert = true;
  options_.format = MaskFormat::kRgb8;
  const std::vector<Image> white = ReadAllFrames(RunVideoMaskJob(options_).output);
  EXPECT_EQ(white[3].format(), PixelFormat::Rgb(8));
  EXPECT_EQ(SampleOf(white[3], 2, 50, 40), 255);
  // One frame, of which nothing can be known.
  options_.job.max_frames = 1;
  EXPECT_EQ(ReadAllFrames(RunVideoMaskJob(options_).output).size(), 1u);
}

TEST_F(VideoMaskJob, GrowsAndSoftens) {
  MakeMoving(3);
  const double plain = RunVideoMaskJob(options_).mask_share;
  options_.dilate = 4;
  EXPECT_GT(RunVideoMaskJob(options_).mask_share, plain * 1.2);
  options_.dilate = 0;
  options_.soft = true;
  const std::vector<Image> soft = ReadAllFrames(RunVideoMaskJob(options_).output);
  int grey = 0;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      grey += SampleOf(soft[4], 0, x, y) > 0 && SampleOf(soft[4], 0, x, y) < 255;
  EXPECT_GT(grey, 0);
}

TEST_F(VideoMaskJob, IsTheSameForEveryThreadCount) {
  MakeMoving(3);
  const std::vector<Image> two = ReadAllFrames(RunVideoMaskJob(options_).output);
  options_.job.num_threads = 1;
  EXPECT_TRUE(SameFrames(ReadAllFrames(RunVideoMaskJob(options_).output), two));
}

TEST_F(VideoMaskJob, AsksANetwork) {
  // The network gives the first channel back: a ramp to 200 of 255.
  VideoWriter writer(options_.color_video, PixelFormat::Rgb(8), 64, 32, {});
  for (int f = 0; f < 5; ++f)
    writer.Write(
        MakePicture(PixelFormat::Rgb(8), 64, 32, [&](int, int x, int) { return 200 * x / 63; }),
        40 * f, 40);
  writer.Finish();
  options_.model.path = WriteToy(dir_ / "segment.toy", "segment", SegmentMetadata("image_max"));
  options_.model.trust_model = true;
  options_.model.batch = 2;
  const VideoMaskReport report = RunVideoMaskJob(options_);
  EXPECT_EQ(report.model, "toy-segment");
  const std::vector<Image> masks = ReadAllFrames(report.output);
  ASSERT_EQ(masks.size(), 5u);
  EXPECT_EQ(SampleOf(masks[2], 0, 60, 10), 255);
  EXPECT_EQ(SampleOf(masks[2], 0, 10, 10), 0);
  EXPECT_EQ(SampleOf(masks[2], 0, 30, 10), 255);  // 0.37 beside what is sure
  options_.parity = true;
  const std::vector<Image> stretched = ReadAllFrames(RunVideoMaskJob(options_).output);
  EXPECT_EQ(SampleOf(stretched[2], 0, 63, 10), 255);
  EXPECT_EQ(SampleOf(stretched[2], 0, 0, 10), 0);
  EXPECT_EQ(SampleOf(stretched[2], 0, 21, 10), 255 * (200 * 21 / 63) / 200);
}

TEST_F(VideoMaskJob, RefusesBadInput) {
  MakeMoving(0);
  options_.model.path = WriteToy(dir_ / "inpaint.toy", "inpaint", InpaintMetadata());
  options_.model.trust_model = true;
  ExpectError(Code::kUnsupported, "masks need \"segment\"", [&] { RunVideoMaskJob(options_); });
  options_.model.path.clear();
  options_.parity = true;
  ExpectError(Code::kInvalidArgument, "parity needs a model", [&] { RunVideoMaskJob(options_); });
  options_.parity = false;
  options_.output = options_.color_video;
  ExpectError(Code::kInvalidArgument, "input", [&] { RunVideoMaskJob(options_); });
  EXPECT_FALSE(fs::exists(dir_ / "clip.mkv_mask.mkv"));
}

}  // namespace
}  // namespace mdvt::test
