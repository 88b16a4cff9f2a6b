// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/pipeline/jobs.h"
#include "moving_clip.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

class DepthJob : public ::testing::Test {
 protected:
  // A textured wall that slides past. It may as well be the camera that turns: its depth is a guess
  // around the scale of the scene.
  void SetUp() override {
    shape_.width = 160;
    shape_.height = 120;
    shape_.frames = 12;
    VideoWriterOptions options;
    options.frame_rate = shape_.rate;
    options.time_base = {1, 24};
    VideoWriter writer(dir_ / "color.mkv", PixelFormat::Gray(8), shape_.width, shape_.height,
                       options);
    for (int i = 0; i < shape_.frames; ++i) {
      Image image(PixelFormat::Gray(8), shape_.width, shape_.height);
      for (int y = 0; y < shape_.height; ++y)
        for (int x = 0; x < shape_.width; ++x) {
          const double u = x + 2.0 * i;
          const double wave = std::sin(0.31 * u + 0.002 * u * u) + std::sin(0.23 * y + 0.11 * u) +
                              std::sin(0.41 * y - 0.05 * u);
          image.MutablePlane<uint8_t>().At(x, y) = static_cast<uint8_t>(128 + 36 * wave);
        }
      writer.Write(image, i, 1);
    }
    writer.Finish();
    options_.color_video = dir_ / "color.mkv";
    options_.output = dir_ / "depth.mkv";
    options_.fov.xfov_deg = 60;
    options_.source.scene_scale = 5;
    options_.job.num_threads = 2;
  }

  static std::vector<float> Medians(const std::string& path) {
    DepthVideoReader reader(path);
    std::vector<float> medians;
    while (const std::optional<DepthFrame> frame = reader.Read()) {
      const DepthView depth = frame->depth.Plane<float>();
      std::vector<float> values;
      for (int y = 0; y < depth.height; ++y)
        values.insert(values.end(), depth.Row(y), depth.Row(y) + depth.width);
      const auto middle = values.begin() + static_cast<long>(values.size() / 2);
      std::nth_element(values.begin(), middle, values.end());
      medians.push_back(*middle);
    }
    return medians;
  }

  const TempDir dir_;
  ClipShape shape_;
  DepthJobOptions options_;
};

TEST_F(DepthJob, AGuessHasTheScaleOfTheSceneAsItsMedian) {
  std::vector<std::string> phases;
  RunControl control;
  control.on_progress = [&](const Progress& progress) {
    if (phases.empty() || phases.back() != progress.phase) phases.push_back(progress.phase);
    return true;
  };
  const DepthJobReport report = RunDepthJob(options_, control);
  EXPECT_EQ(report.frames, 12);
  EXPECT_FALSE(report.translation_found);
  EXPECT_EQ(report.measured_frames, 0);
  EXPECT_EQ(report.unsure_frames, 0);
  EXPECT_EQ(report.width, 160);
  EXPECT_EQ(report.height, 120);
  EXPECT_NEAR(report.xfov_deg, 60, 1e-9);
  EXPECT_EQ(phases, std::vector<std::string>{"depth"});
  const std::vector<float> medians = Medians(options_.output);
  ASSERT_EQ(medians.size(), 12u);
  for (const float median : medians) EXPECT_NEAR(median, 5, 0.05);
}

TEST_F(DepthJob, TellsHowWellThePathIsKnown) {
  Clip room = Scenes::Room(160, 90, 60);
  const MovingClip clip(room, 20);
  clip.WriteColor(options_.color_video);
  const DepthJobReport known = RunDepthJob(options_);
  ASSERT_GT(known.measured_frames, 0);
  EXPECT_GT(known.path_uncertainty, 0);
  EXPECT_LE(known.unsure_frames, known.measured_frames);
  // A twentieth of the way is known less well.
  room.path = [path = room.path](double time) {
    Pose pose = path(time);
    pose.translation() *= 0.05;
    return pose;
  };
  MovingClip(room, 20).WriteColor(options_.color_video);
  LogCatcher log;
  const DepthJobReport unsure = RunDepthJob(options_);
  if (unsure.measured_frames > 0) {
    EXPECT_GT(unsure.path_uncertainty, 4 * known.path_uncertainty);
    EXPECT_EQ(log.Says("the path of the camera"), unsure.unsure_frames > 0);
  } else {
    EXPECT_TRUE(log.Says("does not translate"));
  }
}

TEST_F(DepthJob, ChoosesTheFramesAskedFor) {
  options_.target_fps = 8;
  options_.transformation_output = dir_ / "path.json";
  EXPECT_EQ(RunDepthJob(options_).frames, 5);
  DepthVideoReader reader(options_.output);
  std::vector<double> times;
  while (const std::optional<DepthFrame> frame = reader.Read())
    times.push_back(static_cast<double>(frame->pts) * reader.info().time_base.ToDouble());
  // The last one is the nearest to the tick at half a second.
  const std::vector<double> expected = {0, 3 / 24.0, 6 / 24.0, 9 / 24.0, 11 / 24.0};
  ASSERT_EQ(times.size(), expected.size());
  for (size_t i = 0; i < times.size(); ++i) EXPECT_NEAR(times[i], expected[i], 1e-3);
  EXPECT_EQ(ReadTransformationsFile(options_.transformation_output).size(), 5u);
  options_.target_fps = -1;
  options_.job.max_frames = 5;
  EXPECT_EQ(RunDepthJob(options_).frames, 5);
  EXPECT_EQ(Medians(options_.output).size(), 5u);
}

TEST_F(DepthJob, GivesTheSameForEveryNumberOfThreads) {
  std::vector<Image> first;
  for (const int threads : {1, 2, 3, 7}) {
    options_.job.num_threads = threads;
    RunDepthJob(options_);
    const std::vector<Image> frames = ReadAllFrames(options_.output);
    if (first.empty()) first = frames;
    EXPECT_TRUE(SameFrames(first, frames)) << threads << " threads";
  }
}

TEST_F(DepthJob, FailuresAreNamedAndLeaveNothing) {
  const auto fails = [&](Code code, const std::string& text) {
    ExpectError(code, text, [&] { RunDepthJob(options_); });
    EXPECT_FALSE(fs::exists(dir_ / "depth.mkv"));
  };
  options_.fov.xfov_deg = 0;
  fails(Code::kInvalidArgument, "xfov");
  options_.fov.xfov_deg.reset();
  options_.fov.xfov_file = dir_ / "fovs.json";
  fails(Code::kNotFound, "fovs.json");
  options_.fov.xfov_file.clear();
  options_.reference_depth = dir_ / "reference.mkv";
  fails(Code::kInvalidArgument, "reference depth");
  options_.reference_depth.clear();
  options_.source.model.path = dir_ / "none.ts";
  fails(Code::kNotFound, "none.ts");
  options_.source.model.path.clear();
  options_.output = options_.color_video;
  fails(Code::kInvalidArgument, "color.mkv");
  options_.output = dir_ / "depth.mkv";
  options_.color_video = dir_ / "missing.mkv";
  fails(Code::kNotFound, "missing.mkv");
}

}  // namespace
}  // namespace mdvt::test
