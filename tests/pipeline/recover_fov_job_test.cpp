// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/recover_fov.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/core/json.h"
#include "mdvt/pipeline/tools.h"
#include "moving_clip.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt {

// What the program prints, see src/pipeline/job_tool.h.
void Describe(ToolReport* to, const RecoverFovJobOptions& options, const RecoverFovReport& report);

namespace test {
namespace {

json::Value ReadJson(const std::string& path) {
  const std::string text = test::ReadText(path);
  return json::Parse(text, Limits(), path);
}

class RecoverFovJob : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.color_video = dir_ / "color.mkv";
    options_.job.num_threads = 2;
    options_.points = 300;
  }
  const TempDir dir_;
  RecoverFovJobOptions options_;
};

TEST_F(RecoverFovJob, TheLensSaysIt) {
  MakeColor(options_.color_video, ClipShape());
  options_.focal_length_mm = 55;
  RecoverFovReport report = RunRecoverFovJob(options_);
  EXPECT_NEAR(report.xfov_deg, 36.2, 0.05);  // 55 mm on 36 x 24
  EXPECT_NEAR(std::tan(report.yfov_deg * M_PI / 360) / std::tan(report.xfov_deg * M_PI / 360),
              64.0 / 96, 1e-9);
  EXPECT_EQ(report.method, "lens");
  EXPECT_EQ(report.frames, 0);
  options_.crop = 0.5;
  report = RunRecoverFovJob(options_);
  EXPECT_NEAR(report.xfov_deg, 2 * std::atan(9.0 / 55) * 180 / M_PI, 1e-9);
  EXPECT_EQ(ReadJson(report.output).At("method").AsString(), "lens");
}

TEST_F(RecoverFovJob, ATurningCameraTellsIt) {
  const MovingClip clip(Scenes::TurningRoom(320, 180, 60), 24);
  clip.WriteColor(options_.color_video);
  options_.method = FovMethod::kMotion;
  options_.accept_weak_fov = true;
  const RecoverFovReport report = RunRecoverFovJob(options_);
  EXPECT_EQ(report.method, "motion");
  EXPECT_NEAR(report.xfov_deg, 60, 2);
  EXPECT_LT(report.low_deg, 60);
  EXPECT_GT(report.high_deg, 60);
}

TEST_F(RecoverFovJob, ASlidingOneDoesNot) {
  Clip sliding = Scenes::Room(320, 180, 60);
  sliding.path = [](double time) {
    Pose pose = Pose::Identity();
    pose.translation() = Eigen::Vector3d(0.6 * time, 0, 0.4 * time);
    return pose;
  };
  const MovingClip clip(sliding);
  clip.WriteColor(options_.color_video);
  options_.method = FovMethod::kMotion;
  ExpectError(Code::kRefused, "cannot be known: motion: ", [&] { RunRecoverFovJob(options_); });
  EXPECT_FALSE(std::filesystem::exists(options_.color_video + "_fov.json"));
  // With depth as well: it does not help, whatever was thought of it.
  clip.WriteDepth(dir_ / "depth.mkv");
  options_.depth_video = dir_ / "depth.mkv";
  ExpectError(Code::kRefused, "does not pan or tilt", [&] { RunRecoverFovJob(options_); });
  // A sweep has its table, and no answer.
  options_.method = FovMethod::kSweep;
  options_.fovs = "50, 60,70";
  const RecoverFovReport report = RunRecoverFovJob(options_);
  EXPECT_EQ(report.xfov_deg, 0);
  const json::Value file = ReadJson(report.output);
  ASSERT_EQ(file.At("sweep").size(), 3u);
  EXPECT_TRUE(file.At("xfov").is_null());
  ASSERT_EQ(report.sweep.size(), 3u);
  EXPECT_EQ(report.sweep[2].xfov_deg, 70);
  EXPECT_EQ(report.sweep[1].rms_px, file.At("sweep").AsArray()[1].At("rms_px").AsDouble());
  ToolReport told;
  Describe(&told, options_, report);
  for (const char* row : {"\n  50.00 ", "\n  60.00 ", "\n  70.00 "})
    EXPECT_NE(told.text.find(row), std::string::npos) << told.text;
  EXPECT_EQ(std::count(told.text.begin(), told.text.end(), '\n'), 4);
  EXPECT_NE(told.text.find("  least"), std::string::npos) << told.text;
  EXPECT_GT(file.At("sweep").AsArray()[1].At("path_length").AsDouble(), 0.2);
}

TEST_F(RecoverFovJob, OneFrameShowsNoMotion) {
  ClipShape one;
  one.frames = 1;
  MakeColor(options_.color_video, one);
  options_.method = FovMethod::kMotion;
  ExpectError(Code::kRefused, "motion: one frame shows no motion",
              [&] { RunRecoverFovJob(options_); });
}

TEST_F(RecoverFovJob, WrongUse) {
  MakeColor(options_.color_video, ClipShape());
  options_.method = FovMethod::kLens;
  ExpectError(Code::kInvalidArgument, "focal_length", [&] { RunRecoverFovJob(options_); });
  options_.method = FovMethod::kTags;
  ExpectError(Code::kRefused, "says nothing of its lens", [&] { RunRecoverFovJob(options_); });
  options_.fovs = "50,x";
  ExpectError(Code::kInvalidArgument, "fovs is '50,x'", [&] { RunRecoverFovJob(options_); });
}

}  // namespace
}  // namespace test
}  // namespace mdvt
