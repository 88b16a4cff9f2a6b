// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/pipeline/jobs.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 96, kHeight = 64;
// The focal length is the width: tan(xfov / 2) = 1 / 2.
const double kXfovDeg = 2 * std::atan(0.5) * 180 / M_PI;

void WriteText(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

class StereoJob : public ::testing::Test {
 protected:
  // A wall at 1.5 m. Eyes 62.5 mm apart see it 96 * 0.0625 / 1.5 = 4 pixels apart.
  void SetUp() override {
    shape_.frames = 5;
    MakeColor(dir_ / "color.mkv", shape_, PixelFormat::Yuv(444));
    MakeDepth(dir_ / "depth.mkv", shape_, Plane(1.5f));
    options_.source.file.path = dir_ / "depth.mkv";
    options_.color_video = dir_ / "color.mkv";
    options_.output = dir_ / "stereo.mkv";
    options_.fov.xfov_deg = kXfovDeg;
    options_.pupillary_distance_mm = 62.5;
    options_.job.num_threads = 2;
  }

  // Largest difference between columns [begin, end) of an eye and the colour `shift` columns to the
  // right of them, over all planes.
  static int Difference(const Image& both, int eye_x, const Image& color, int shift, int begin,
                        int end) {
    int worst = 0;
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < kHeight; ++y)
        for (int x = begin; x < end; ++x)
          worst = std::max(worst, std::abs(both.Plane<uint8_t>(plane).At(eye_x + x, y) -
                                           color.Plane<uint8_t>(plane).At(x + shift, y)));
    return worst;
  }

  const TempDir dir_;
  ClipShape shape_;
  StereoJobOptions options_;
};

TEST_F(StereoJob, AWallIsShiftedByItsDisparity) {
  const StereoJobReport report = RunStereoJob(options_);
  EXPECT_EQ(report.frames, 5);
  EXPECT_EQ(report.width, 2 * kWidth);
  EXPECT_EQ(report.height, kHeight);
  EXPECT_EQ(report.output, options_.output);
  // Two columns at one border of each eye show what the source did not.
  EXPECT_NEAR(report.hole_share, 2.0 / kWidth, 0.2 / kWidth);
  const std::vector<Image> color = ReadAllFrames(options_.color_video);
  const std::vector<Image> both = ReadAllFrames(options_.output);
  ASSERT_EQ(both.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_LE(Difference(both[i], 0, color[i], -2, 3, kWidth), 1) << "left eye, frame " << i;
    EXPECT_LE(Difference(both[i], kWidth, color[i], 2, 0, kWidth - 3), 1) << "right eye " << i;
  }
}

TEST_F(StereoJob, EyesCanBeSwappedAndConvergeOnTheWall) {
  options_.swap_eyes = true;
  RunStereoJob(options_);
  const std::vector<Image> color = ReadAllFrames(options_.color_video);
  const std::vector<Image> swapped = ReadAllFrames(options_.output);
  EXPECT_LE(Difference(swapped[0], 0, color[0], 2, 0, kWidth - 3), 1);
  options_.convergence = 1.5;
  EXPECT_NEAR(RunStereoJob(options_).hole_share, 0, 1e-9);
  const std::vector<Image> converged = ReadAllFrames(options_.output);
  EXPECT_LE(Difference(converged[4], 0, color[4], 0, 1, kWidth - 1), 1);
  EXPECT_LE(Difference(converged[4], kWidth, color[4], 0, 1, kWidth - 1), 1);
}

TEST_F(StereoJob, TheMaskShowsTheHolesAndNothingElse) {
  options_.holes.infill_mask = true;
  const StereoJobReport report = RunStereoJob(options_);
  const std::vector<Image> masks = ReadAllFrames(report.mask_output);
  ASSERT_EQ(masks.size(), 5u);
  for (const Image& mask : masks) {
    ASSERT_EQ(mask.width(), 2 * kWidth);
    for (int x = 0; x < 2 * kWidth; ++x) {
      int most = 0;
      for (int plane = 0; plane < 3; ++plane)
        for (int y = 0; y < kHeight; ++y)
          most = std::max<int>(most, mask.Plane<uint8_t>(plane).At(x, y));
      const bool hole = x < 2 || x >= 2 * kWidth - 2;
      if (x == 2 || x == 2 * kWidth - 3) continue;  // the code of 1.5 m is not exactly that
      EXPECT_EQ(most > 0, hole) << "column " << x;
    }
  }
}

TEST_F(StereoJob, MaxFramesEndsBoth) {
  options_.job.max_frames = 3;
  EXPECT_EQ(RunStereoJob(options_).frames, 3);
  EXPECT_EQ(ReadAllFrames(options_.output).size(), 3u);
}

TEST_F(StereoJob, GivesTheSameForEveryNumberOfThreads) {
  MakeDepth(dir_ / "depth.mkv", shape_, BoxOnWall(shape_, 1, 4));
  std::vector<Image> first;
  for (const int threads : {1, 2, 3, 7}) {
    options_.job.num_threads = threads;
    RunStereoJob(options_);
    const std::vector<Image> frames = ReadAllFrames(options_.output);
    if (first.empty()) first = frames;
    EXPECT_TRUE(SameFrames(first, frames)) << threads << " threads";
  }
}

TEST_F(StereoJob, VideosThatDoNotBelongTogetherAreRefused) {
  const auto fails = [&](Code code, const std::string& text) {
    ExpectError(code, text, [&] { RunStereoJob(options_); });
    EXPECT_FALSE(std::filesystem::exists(options_.output));
  };
  ClipShape other = shape_;
  other.frames = 7;
  MakeColor(options_.color_video, other);
  fails(Code::kCorrupt,
        "depth.mkv' has 5 frames, color video '" + options_.color_video +
            "' has 7 frames: they must have the same length (or end both with --max_frames)");
  options_.job.max_frames = 6;
  fails(Code::kCorrupt, "has at least 6 frames");
  options_.job.max_frames = -1;
  other = shape_;
  other.frames = 3;
  MakeColor(options_.color_video, other);
  fails(Code::kCorrupt, "has 5 frames, color video '" + options_.color_video + "' has 3");
  other = shape_;
  other.width = 98;
  MakeColor(options_.color_video, other);
  fails(Code::kCorrupt, "is 96x64, color video '" + options_.color_video + "' is 98x64");
  other = shape_;
  other.rate = {30, 1};
  MakeColor(options_.color_video, other);
  fails(Code::kCorrupt,
        "has 24.000 frames per second, color video '" + options_.color_video + "' has 30.000");
  options_.color_video = dir_ / "missing.mkv";
  fails(Code::kNotFound, "missing.mkv");
}

TEST_F(StereoJob, WhatIsMissingIsNamed) {
  options_.fov.xfov_deg.reset();
  ExpectError(Code::kInvalidArgument, "--xfov", [&] { RunStereoJob(options_); });
  WriteText(dir_ / "convergence.json", "[2, 2, 2]");
  options_.fov.xfov_deg = kXfovDeg;
  options_.convergence_file = dir_ / "convergence.json";
  ExpectError(Code::kCorrupt, "holds the convergence of 3 frames, the clip has more",
              [&] { RunStereoJob(options_); });
  EXPECT_FALSE(std::filesystem::exists(options_.output));
}

}  // namespace
}  // namespace mdvt::test
