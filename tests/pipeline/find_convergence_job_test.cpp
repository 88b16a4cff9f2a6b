// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/find_convergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/tools.h"
#include "support/log_catcher.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

class FindConvergenceJob : public ::testing::Test {
 protected:
  // A box at 2 m before a wall at 8 m; with an FOV of which the focal length is the width.
  void SetUp() override {
    DepthClipOptions tagged;
    tagged.tags.xfov_deg = 2 * std::atan(0.5) * 180 / M_PI;
    MakeDepth(depth_, shape_, BoxOnWall(shape_, 2, 8), tagged);
    options_.depth_video = depth_;
    options_.output = dir_ / "c.json";
    options_.job.num_threads = 2;
  }
  // White over the box, but for one frame without anything.
  void MakeMask(const std::string& path, const ClipShape& shape, int nothing_at = -1) {
    VideoWriterOptions writing;
    writing.frame_rate = shape.rate;
    writing.time_base = {1, 24};
    VideoWriter writer(path, PixelFormat::Rgb(8), shape.width, shape.height, writing);
    const DepthAt depth = BoxOnWall(shape_, 2, 8);
    for (int i = 0; i < shape.frames; ++i) {
      Image mask(PixelFormat::Rgb(8), shape.width, shape.height);
      for (int plane = 0; plane < 3; ++plane)
        for (int y = 0; y < shape.height; ++y)
          for (int x = 0; x < shape.width; ++x)
            mask.MutablePlane<uint8_t>(plane).At(x, y) =
                i != nothing_at && depth(i, x, y) < 3 ? 255 : 0;
      writer.Write(mask, i);
    }
    writer.Finish();
  }
  std::vector<double> Run() {
    report_ = RunFindConvergenceJob(options_);
    return ReadConvergenceFile(options_.output);
  }

  const TempDir dir_;
  ClipShape shape_;
  const std::string depth_ = dir_ / "d.mkv";
  FindConvergenceJobOptions options_;
  FindConvergenceReport report_;
};

TEST_F(FindConvergenceJob, TheMaskTellsWhatMatters) {
  std::vector<double> distances = Run();
  ASSERT_EQ(distances.size(), 6u);
  options_.mask_video = dir_ / "mask.mkv";
  MakeMask(options_.mask_video, shape_, 3);
  distances = Run();
  ASSERT_EQ(distances.size(), 6u);
  for (size_t i = 0; i < 6; ++i) {
    if (i == 3)
      EXPECT_TRUE(std::isnan(distances[i]));
    else
      EXPECT_NEAR(distances[i], 2, 0.01) << i;
  }
  EXPECT_EQ(report_.frames, 6);
  EXPECT_EQ(report_.unknown, 1);
  EXPECT_NEAR(report_.median, 2, 0.01);
  EXPECT_NEAR(report_.confidence, 5.0 / 6, 1e-9);
  EXPECT_NE(ReadText(options_.output).find("null"), std::string::npos);
  options_.missing = MissingValue::kNan;
  Run();
  EXPECT_NE(ReadText(options_.output).find("NaN"), std::string::npos);
}

TEST_F(FindConvergenceJob, AMaskWithoutWhiteIsTold) {
  ClipShape one = shape_;
  one.frames = 1;
  MakeMask(dir_ / "mask.mkv", one, 0);
  const std::unique_ptr<Tool> tool = FindTool("find_convergence_depth").make();
  OptionList& options = tool->options();
  options.Set("depth_video", depth_);
  options.Set("mask_video", std::string(dir_ / "mask.mkv"));
  options.Set("output", options_.output);
  options.Set("max_frames", int64_t{1});
  options.Set("max_depth", 3.0);
  LogCatcher log;
  const ToolReport told = tool->Run({});
  EXPECT_TRUE(log.Says("no frame has a distance"));
  // The range was not that of the file.
  EXPECT_TRUE(log.Says("ends at 100 m by its tags; read as ending at 3 m"));
  EXPECT_TRUE(log.Says("0.03 times what was written"));
  EXPECT_EQ(told.summary, "no distance found, 1 not known");
}

TEST_F(FindConvergenceJob, TheRendererReadsIt) {
  MakeColor(dir_ / "color.mkv", shape_);
  options_.mask_video = dir_ / "mask.mkv";
  MakeMask(options_.mask_video, shape_);
  Run();
  StereoJobOptions stereo;
  stereo.source.file.path = depth_;
  stereo.color_video = dir_ / "color.mkv";
  stereo.output = dir_ / "s.mkv";
  stereo.eyes.convergence_file = options_.output;
  RunStereoJob(stereo);
  const std::vector<Image> color = ReadAllFrames(stereo.color_video);
  const std::vector<Image> both = ReadAllFrames(stereo.output);
  // The middle of the box is on the screen: where the picture has it, in both eyes.
  for (size_t i = 0; i < 6; ++i)
    for (int x = 42; x < 60; ++x) {
      EXPECT_NEAR(both[i].Plane<uint8_t>().At(x, 32), color[i].Plane<uint8_t>().At(x, 32), 1);
      EXPECT_NEAR(both[i].Plane<uint8_t>().At(96 + x, 32), color[i].Plane<uint8_t>().At(x, 32), 1);
    }
}

TEST_F(FindConvergenceJob, AsTheOriginalToolbox) {
  options_.focus.statistic = FocusStatistic::kUpstream;
  // A third of the width times a half of the height is the box.
  for (const double distance : Run()) EXPECT_NEAR(distance, 8 - 6 / 6.0, 0.01);
}

TEST_F(FindConvergenceJob, TheBudgetIsKept) {
  options_.focus.quantile = 0;  // the wall
  options_.focus.center = false;
  EXPECT_NEAR(Run()[0], 8, 0.01);
  options_.max_in_front = 1;  // 0.063 (1 / 2 - 1 / d) = 0.01
  EXPECT_NEAR(Run()[0], 1 / (0.5 - 0.01 / 0.063), 0.02);
  options_.max_behind = 0.5;  // 0.063 (1 / d - 1 / 8) = 0.005 wins
  EXPECT_NEAR(Run()[0], 1 / (0.125 + 0.005 / 0.063), 0.02);
  options_.fov.xfov_deg = 170;  // all of it is far behind such a wide angle's screen
  EXPECT_NEAR(Run()[0], 8, 0.05);
  options_ = {};
  options_.depth_video = depth_;
  options_.pupillary_distance_mm = 60;
  ExpectError(Code::kInvalidArgument, "belong to max_in_front", [&] { Run(); });
}

TEST_F(FindConvergenceJob, TheSameForEveryNumberOfThreads) {
  const std::vector<double> expected = Run();
  for (const int threads : {1, 3, 7}) {
    options_.job.num_threads = threads;
    EXPECT_EQ(Run(), expected) << threads;
  }
  options_.job.max_frames = 4;
  options_.confidence_output = dir_ / "sure.json";
  EXPECT_EQ(Run().size(), 4u);
  for (const double sure : ReadConvergenceFile(options_.confidence_output)) {
    EXPECT_GT(sure, 0);
    EXPECT_LE(sure, 1);
  }
}

TEST_F(FindConvergenceJob, MasksThatDoNotBelongAreRefused) {
  options_.mask_video = dir_ / "mask.mkv";
  ClipShape other = shape_;
  other.frames = 4;
  MakeMask(options_.mask_video, other);
  ExpectError(Code::kCorrupt, "has 6 frames, mask video", [&] { Run(); });
  other = shape_;
  other.width = 98;
  MakeMask(options_.mask_video, other);
  ExpectError(Code::kCorrupt, "is 98x64", [&] { Run(); });
  EXPECT_FALSE(std::filesystem::exists(options_.output));
}

// A video of one picture, of which a share has one color and the rest is black.
void MakeColored(const std::string& path, const ClipShape& shape, double share, int r, int g,
                 int b) {
  VideoWriterOptions writing;
  writing.frame_rate = shape.rate;
  writing.time_base = {1, 24};
  VideoWriter writer(path, PixelFormat::Rgb(8), shape.width, shape.height, writing);
  for (int i = 0; i < shape.frames; ++i) {
    Image picture(PixelFormat::Rgb(8), shape.width, shape.height);
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < shape.height; ++y)
        for (int x = 0; x < shape.width; ++x)
          picture.MutablePlane<uint8_t>(plane).At(x, y) =
              static_cast<uint8_t>(x >= share * shape.width ? 0
                                   : plane == 0             ? r
                                   : plane == 1             ? g
                                                            : b);
    writer.Write(picture, i);
  }
  writer.Finish();
}

TEST_F(FindConvergenceJob, VideosThatArePlainlyNoMaskAreRefused) {
  options_.mask_video = dir_ / "film.mkv";
  MakeColored(options_.mask_video, shape_, 0.3, 120, 90, 60);
  ExpectError(Code::kCorrupt, "film.mkv' is no mask: 30 % of its first picture are colored",
              [&] { Run(); });
  MakeColored(options_.mask_video, shape_, 0.95, 120, 120, 120);
  ExpectError(Code::kCorrupt, "% of its first picture are grey", [&] { Run(); });
  EXPECT_FALSE(std::filesystem::exists(options_.output));
  // Grey parts, all white, all black, and the colors of an infill mask's holes are fine.
  MakeColored(options_.mask_video, shape_, 1, 255, 255, 255);
  EXPECT_EQ(Run().size(), 6u);
  MakeColored(options_.mask_video, shape_, 0.85, 128, 128, 128);
  EXPECT_EQ(Run().size(), 6u);
  MakeColored(options_.mask_video, shape_, 0.2, 1, 255, 127);
  EXPECT_EQ(Run().size(), 6u);
  MakeColored(options_.mask_video, shape_, 0, 0, 0, 0);
  EXPECT_EQ(Run().size(), 6u);
}

}  // namespace
}  // namespace mdvt::test
