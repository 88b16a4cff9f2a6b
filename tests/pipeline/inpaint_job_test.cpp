// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/inpaint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <vector>

#include "cli/clips.h"
#include "infill/toy_models.h"
#include "io/expect_error.h"
#include "mdvt/io/image_file.h"
#include "support/pictures.h"
#include "support/test_env.h"
#include "tracking/pictures.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

constexpr int kWidth = 160, kHeight = 96, kFrames = 24;
constexpr double kSpeed = 3;

bool InLogo(int x, int y) { return x >= 60 && x < 84 && y >= 40 && y < 52; }

class InpaintJob : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.color_video = dir_ / "clip.mkv";
    options_.job.num_threads = 2;
    VideoWriterOptions video;
    video.frame_rate = {25, 1};
    VideoWriter writer(options_.color_video, PixelFormat::Gray(8), kWidth, kHeight, video);
    for (int f = 0; f < kFrames; ++f) {
      truths_.push_back(Waves(kWidth, kHeight, kSpeed * f, 0));
      writer.Write(MakePicture(PixelFormat::Gray(8), kWidth, kHeight,
                               [&](int, int x, int y) {
                                 return InLogo(x, y) ? (x / 3 % 2 == 0 ? 250 : 5)
                                                     : SampleOf(truths_.back(), 0, x, y);
                               }),
                   40 * f, 40);
    }
    writer.Finish();
    WriteMask(dir_ / "mask.png", kWidth, kHeight, InLogo);
    options_.mask = dir_ / "mask.png";
    options_.blend = 0;
    options_.dilate = 0;
  }
  template <typename In>
  static void WriteMask(const std::string& path, int width, int height, const In& in) {
    const Image mask = MakePicture(PixelFormat::Gray(8), width, height,
                                   [&](int, int x, int y) { return in(x, y) ? 255 : 0; });
    WritePng(path, mask.view());
  }
  // Mean error in the logo of a frame; every other pixel has to be as it was.
  double ErrorOf(const std::string& path, size_t frame) {
    const std::vector<Image> frames = ReadAllFrames(path);
    EXPECT_EQ(frames.size(), static_cast<size_t>(kFrames));
    double sum = 0;
    int count = 0;
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) {
        const int difference =
            std::abs(SampleOf(frames[frame], 0, x, y) - SampleOf(truths_[frame], 0, x, y));
        if (InLogo(x, y)) {
          sum += difference;
          ++count;
        } else {
          EXPECT_EQ(difference, 0) << x << " " << y;
        }
      }
    return sum / count;
  }

  const TempDir dir_;
  std::vector<Image> truths_;
  InpaintJobOptions options_;
};

TEST_F(InpaintJob, TakesWhatOtherFramesShow) {
  const InpaintReport report = RunInpaintJob(options_);
  EXPECT_EQ(report.output, dir_ / "clip.mkv_inpainted.mkv");
  EXPECT_NEAR(report.mask_share, 24.0 * 12 / (kWidth * kHeight), 1e-9);
  EXPECT_GT(report.observed_share, 0.8);
  EXPECT_LT(ErrorOf(report.output, 12), 8);
  options_.temporal = false;
  const InpaintReport still = RunInpaintJob(options_);
  EXPECT_EQ(still.observed_share, 0);
  EXPECT_GT(ErrorOf(still.output, 12), 8);  // what is behind cannot be known
}

TEST_F(InpaintJob, FindsAnOverlay) {
  options_.mask.clear();
  options_.mask_output = dir_ / "found.png";
  RunInpaintJob(options_);
  const Image found = ReadImageFile(dir_ / "found.png");
  int missed = 0, far = 0;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      const bool white = SampleOf(found, 0, x, y) > 127;
      missed += InLogo(x, y) && !white;
      far += white && (x < 56 || x >= 88 || y < 36 || y >= 56);
    }
  EXPECT_LE(missed, 10);
  EXPECT_EQ(far, 0);
}

TEST_F(InpaintJob, ClipsWithoutAnOverlayHaveNone) {
  MDVT_SKIP_WITHOUT_DATA();
  options_.mask.clear();
  for (const char* clip : {"dev_dolly", "dev_rotate", "dev_dynamic"}) {
    SCOPED_TRACE(clip);
    options_.color_video = (DataDir() / clip / "color.mp4").string();
    options_.output = dir_ / "painted.mkv";
    ExpectError(Code::kRefused, "no overlay was found", [&] { RunInpaintJob(options_); });
    EXPECT_FALSE(fs::exists(options_.output));
  }
}

TEST_F(InpaintJob, TakesAMaskVideoAndBlends) {
  VideoWriter writer(dir_ / "mask.mkv", PixelFormat::Gray(8), kWidth, kHeight, {});
  for (int f = 0; f < kFrames; ++f)
    writer.Write(
        MakePicture(PixelFormat::Gray(8), kWidth, kHeight,
                    [&](int, int x, int y) { return f % 2 == 0 && InLogo(x, y) ? 255 : 0; }),
        40 * f, 40);
  writer.Finish();
  options_.mask = dir_ / "mask.mkv";
  const std::vector<Image> frames = ReadAllFrames(RunInpaintJob(options_).output);
  const std::vector<Image> before = ReadAllFrames(options_.color_video);
  EXPECT_EQ(SampleOf(frames[3], 0, 66, 45), SampleOf(before[3], 0, 66, 45));  // black there
  EXPECT_NE(SampleOf(frames[4], 0, 66, 45), SampleOf(before[4], 0, 66, 45));
  options_.blend = 3;
  const std::vector<Image> soft = ReadAllFrames(RunInpaintJob(options_).output);
  EXPECT_EQ(SampleOf(soft[4], 0, 50, 45), SampleOf(before[4], 0, 50, 45));
}

TEST_F(InpaintJob, LetsANetworkPaintWhatNoFrameShows) {
  options_.temporal = false;
  options_.model.path = WriteToy(dir_ / "inpaint.toy", "inpaint", InpaintMetadata());
  options_.model.trust_model = true;
  const std::vector<Image> frames = ReadAllFrames(RunInpaintJob(options_).output);
  EXPECT_NEAR(SampleOf(frames[5], 0, 70, 46), 64, 1);
  options_.model.path = WriteToy(dir_ / "segment.toy", "segment", SegmentMetadata());
  ExpectError(Code::kUnsupported, "painting over needs \"inpaint\"",
              [&] { RunInpaintJob(options_); });
}

TEST_F(InpaintJob, RefusesBadMasks) {
  const auto run = [&] { RunInpaintJob(options_); };
  WriteMask(dir_ / "mask.png", 64, 32, InLogo);
  ExpectError(Code::kCorrupt, "is 64x32, video", run);
  WriteMask(dir_ / "mask.png", kWidth, kHeight, [](int, int) { return true; });
  ExpectError(Code::kCorrupt, "white on 100 %", run);
  WriteMask(dir_ / "mask.png", kWidth, kHeight, [](int, int) { return false; });
  ExpectError(Code::kCorrupt, "black all over", run);
  options_.mask = dir_ / "nothing.png";
  ExpectError(Code::kNotFound, "nothing.png", run);
  VideoWriter writer(dir_ / "short.mkv", PixelFormat::Gray(8), kWidth, kHeight, {});
  writer.Write(MakePicture(PixelFormat::Gray(8), kWidth, kHeight,
                           [](int, int x, int y) { return InLogo(x, y) ? 255 : 0; }),
               0, 40);
  writer.Finish();
  options_.mask = dir_ / "short.mkv";
  ExpectError(Code::kCorrupt, "must have the same length", run);
  EXPECT_FALSE(fs::exists(dir_ / "clip.mkv_inpainted.mkv"));
}

TEST_F(InpaintJob, IsTheSameForEveryThreadCount) {
  const std::vector<Image> two = ReadAllFrames(RunInpaintJob(options_).output);
  options_.job.num_threads = 1;
  EXPECT_TRUE(SameFrames(ReadAllFrames(RunInpaintJob(options_).output), two));
}

}  // namespace
}  // namespace mdvt::test
