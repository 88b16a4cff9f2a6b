// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/sam_track.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/core/json.h"
#include "mdvt/geometry/trajectory_error.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/track_file.h"
#include "mdvt/io/video_reader.h"
#include "moving_clip.h"
#include "support/log_catcher.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

class SamTrackJob : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.color_video = dir_ / "color.mkv";
    options_.depth_video = dir_ / "depth.mkv";
    options_.job.num_threads = 2;
    options_.points = 400;
  }
  void Make(const MovingClip& clip) {
    clip.WriteColor(options_.color_video);
    clip.WriteDepth(options_.depth_video);
  }

  const TempDir dir_;
  SamTrackJobOptions options_;
};

// Of the first shot, as the report tells it.
double UncertaintyIn(const std::string& report) {
  const std::string text = ReadText(report);
  const json::Value value = json::Parse(text, Limits(), report);
  return value.At("segments").AsArray().at(0).At("path_uncertainty").AsDouble();
}

TEST_F(SamTrackJob, FindsTheCameraOfEveryFrame) {
  const MovingClip clip;
  Make(clip);
  options_.track_output = dir_ / "tracks.json";
  LogCatcher log;
  const SamTrackReport report = RunSamTrackJob(options_);
  EXPECT_FALSE(log.Says("the path of the camera"));
  EXPECT_LT(UncertaintyIn(report.report), 0.05);
  const std::vector<Pose> poses = ReadTransformationsFile(report.output);
  ASSERT_EQ(poses.size(), 12u);
  const TrajectoryError error = CompareTrajectories(poses, clip.truth, {1});
  EXPECT_LT(error.ate, 0.01 * error.path_length);
  EXPECT_NEAR(error.similarity.scale, 1, 0.02);
  EXPECT_LT(error.largest_rotation_deg, 0.15);
  EXPECT_GT(report.static_share, 0.9);
  EXPECT_EQ(ReadFovFile(options_.depth_video + "_xfovs.json").size(), 12u);
  EXPECT_EQ(ReadTrackFile(options_.track_output).num_frames(), 12);
  EXPECT_GT(ReadTrackFile(options_.track_output).num_tracks(), 100u);
}

// No depth: the path comes from the pictures alone, as large as `scene_scale` says.
TEST_F(SamTrackJob, NeedsNoDepth) {
  const MovingClip clip;
  Make(clip);
  options_.depth_video.clear();
  ExpectError(Code::kInvalidArgument, "xfov", [&] { RunSamTrackJob(options_); });
  options_.fov.xfov_deg = 60;
  options_.scene_scale = 2;
  LogCatcher log;
  const SamTrackReport report = RunSamTrackJob(options_);
  EXPECT_EQ(report.output, options_.color_video + "_transformations.json");
  EXPECT_TRUE(report.depth_output.empty());
  EXPECT_EQ(ReadAllFrames(report.motion_output).size(), 12u);
  EXPECT_TRUE(VideoReader(report.motion_output).info().color.full_range);
  const std::vector<Pose> poses = ReadTransformationsFile(report.output);
  ASSERT_EQ(poses.size(), 12u);
  // Half a second of walking tells little of the path. Where it is taken for a turn, that is said;
  // else how rough it is.
  const TrajectoryError error = CompareTrajectories(poses, clip.truth, {1});
  if (report.camera.motion == "rotation") {
    EXPECT_TRUE(log.Says("nothing shows that it moves"));
  } else {
    const double share = UncertaintyIn(report.report);
    EXPECT_GT(share, 0.3 * error.ate / error.path_length);
    EXPECT_EQ(log.Says("the path of the camera is known to about"), share > 0.05);
  }
  options_.scene_scale = 4;
  const std::vector<Pose> larger = ReadTransformationsFile(RunSamTrackJob(options_).output);
  EXPECT_NEAR(larger[11].translation().norm(), 2 * poses[11].translation().norm(), 1e-6);
}

std::vector<Pose> TruthOf(const json::Value& scene) {
  std::vector<Pose> truth;
  for (const json::Value& frame : scene.At("frames").AsArray()) {
    Pose pose = Pose::Identity();
    for (size_t r = 0; r < 3; ++r)
      for (size_t c = 0; c < 4; ++c)
        pose.matrix()(static_cast<int>(r), static_cast<int>(c)) =
            frame.AsArray()[r].AsArray()[c].AsDouble();
    truth.push_back(pose);
  }
  return truth;
}

// As exact as it was measured: centres within 0.15 % of the path, turns without translation.
TEST_F(SamTrackJob, PathsOfTheTestClipsWithoutDepth) {
  MDVT_SKIP_WITHOUT_DATA();
  options_.depth_video.clear();
  options_.points = 1000;
  options_.output = options_.camera_output = options_.report = options_.xfovs_output =
      options_.motion_output = dir_.path().string();
  for (const std::string clip : {"dev_dolly", "dev_dynamic", "dev_rotate"}) {
    const std::filesystem::path folder = DataDir() / clip;
    const std::string text = ReadText(folder / "scene.json");
    const json::Value scene = json::Parse(text, Limits(), "scene.json");
    options_.color_video = (folder / "color.mp4").string();
    options_.fov = FovOptions();
    options_.fov.yfov_deg = scene.At("yfov_deg").AsDouble();
    const SamTrackReport report = RunSamTrackJob(options_);
    const TrajectoryError error =
        CompareTrajectories(ReadTransformationsFile(report.output), TruthOf(scene), {1});
    if (clip == "dev_rotate") {
      EXPECT_EQ(report.camera.motion, "rotation");
      EXPECT_EQ(report.camera.path_length, 0);
      EXPECT_LT(error.largest_rotation_deg, 0.1);
    } else {
      EXPECT_EQ(report.camera.motion, "free");
      EXPECT_LT(error.ate, 0.0015 * error.path_length) << clip;
    }
  }
}

TEST_F(SamTrackJob, AFolderGetsAllFiles) {
  Make(MovingClip());
  options_.output = dir_ / "all";
  std::filesystem::create_directory(options_.output);
  options_.job.max_frames = 2;
  const SamTrackReport report = RunSamTrackJob(options_);
  for (const char* suffix : {"_transformations.json", "_camera.json", "_alignment_report.json",
                             "_xfovs.json", "_megasam.mkv", "_megasam_motion.mkv"}) {
    EXPECT_TRUE(std::filesystem::exists(options_.output + "/depth.mkv" + suffix)) << suffix;
    EXPECT_FALSE(std::filesystem::exists(options_.depth_video + suffix)) << suffix;
  }
}

// Depth whose scale changes from frame to frame comes out in one.
TEST_F(SamTrackJob, BringsDepthToOneScale) {
  const MovingClip clip;
  Make(clip);
  const RayCaster caster(clip.clip.scene);
  const auto scale = [](int f) { return 1 + 0.05 * std::sin(1.7 * f); };
  {
    DepthVideoWriterOptions writing;
    writing.codec.max_depth = 20;
    writing.tags.xfov_deg = 60;
    DepthVideoWriter writer(options_.depth_video, 320, 180, writing);
    for (int f = 0; f < 12; ++f) {
      Image depth = caster.Depth(clip.clip.At(f));
      for (int y = 0; y < 180; ++y)
        for (int x = 0; x < 320; ++x)
          depth.MutablePlane<float>().At(x, y) *= static_cast<float>(scale(f));
      for (int x = 0; x < 320; ++x) depth.MutablePlane<float>().At(x, 0) = x < 160 ? 0.0F : 99.0F;
      writer.Write(depth, f);
    }
    writer.Finish();
  }
  options_.solve.scale_change = 0.1;
  const SamTrackReport report = RunSamTrackJob(options_);
  DepthVideoReader reader(report.depth_output);
  EXPECT_EQ(reader.codec().max_depth, 20);
  double least = 10, most = 0;
  int frames = 0;
  while (const auto frame = reader.Read()) {
    const Image truth = caster.Depth(clip.clip.At(frames++));
    const double ratio = frame->depth.Plane<float>().At(160, 90) / truth.Plane<float>().At(160, 90);
    least = std::min(least, ratio);
    most = std::max(most, ratio);
    EXPECT_EQ(frame->depth.Plane<float>().At(10, 0), 0);
    EXPECT_NEAR(frame->depth.Plane<float>().At(300, 0), 20, 0.01);
  }
  EXPECT_EQ(frames, 12);
  EXPECT_LT(most / least, 1.02);  // 1.105 before
}

TEST_F(SamTrackJob, ShowsWhatMoves) {
  const MovingClip clip(Scenes::MovingRoom(320, 180, 60));
  Make(clip);
  options_.mask_video = dir_ / "mask.mkv";
  clip.WriteMask(options_.mask_video);
  const SamTrackReport report = RunSamTrackJob(options_);
  const std::vector<Image> motion = ReadAllFrames(report.motion_output);
  const std::vector<Image> mask = ReadAllFrames(options_.mask_video);
  ASSERT_EQ(motion.size(), 12u);
  double masked = 0, rest = 0;
  int64_t masked_count = 0, rest_count = 0;
  for (int y = 0; y < 180; ++y)
    for (int x = 0; x < 320; ++x) {
      const int value = motion[6].Plane<uint8_t>().At(x, y);
      const bool in_mask = mask[6].Plane<uint8_t>().At(x, y) > 127;
      (in_mask ? masked : rest) += value;
      ++(in_mask ? masked_count : rest_count);
    }
  ASSERT_GT(masked_count, 0);
  EXPECT_EQ(masked, 0);
  EXPECT_GT(rest / static_cast<double>(rest_count), 200);
}

TEST_F(SamTrackJob, TheSameForEveryNumberOfThreads) {
  const MovingClip clip(Scenes::Room(160, 90, 60), 5);
  Make(clip);
  const auto text = [&] { return ReadText(RunSamTrackJob(options_).report); };
  options_.job.num_threads = 1;
  const std::string one = text();
  options_.job.num_threads = 3;
  EXPECT_EQ(text(), one);
}

// Half a pixel of parallax: no way of telling, which is said.
TEST_F(SamTrackJob, SaysWhenNothingShowsThatTheCameraMoves) {
  Clip still = Scenes::Room(160, 90, 60);
  still.path = [](double time) {
    Pose pose = Pose::Identity();
    pose.linear() = Eigen::AngleAxisd(0.2 * time, Eigen::Vector3d::UnitY()).matrix();
    pose.translation().x() = 0.002 * time;
    return pose;
  };
  Make(MovingClip(still, 8));
  options_.depth_video.clear();
  options_.fov.xfov_deg = 60;
  LogCatcher log;
  const SamTrackReport report = RunSamTrackJob(options_);
  EXPECT_EQ(report.camera.motion, "rotation");
  EXPECT_EQ(report.camera.path_length, 0);
  EXPECT_TRUE(log.Says("nothing shows that it moves"));
}

TEST_F(SamTrackJob, ACutBeginsAnotherWorld) {
  Clip turned = Scenes::Room(160, 90, 60);
  turned.path = [path = turned.path](double time) {
    Pose pose = path(time);
    if (time * 24 > 7.5)
      pose.linear() *= Eigen::AngleAxisd(M_PI, Eigen::Vector3d::UnitY()).matrix();
    return pose;
  };
  const MovingClip clip(turned, 16);
  Make(clip);
  const SamTrackReport report = RunSamTrackJob(options_);
  EXPECT_EQ(report.camera.shots, 2);
  const std::vector<Pose> poses = ReadTransformationsFile(report.output);
  ASSERT_EQ(poses.size(), 16u);
  EXPECT_TRUE(poses[0].isApprox(Pose::Identity(), 1e-9));
  EXPECT_TRUE(poses[8].isApprox(Pose::Identity(), 1e-9));
}

TEST_F(SamTrackJob, WhatCannotBeTracked) {
  MovingClip clip(Scenes::Room(160, 90, 60), 4);
  Make(clip);
  clip.WriteDepth(options_.depth_video, true, 3);
  ExpectError(Code::kCorrupt, "4 frames, depth video", [&] { RunSamTrackJob(options_); });
  clip.WriteDepth(options_.depth_video);
  options_.mask_video = dir_ / "mask.mkv";
  clip.WriteMask(options_.mask_video, true);
  ExpectError(Code::kRefused, "all points", [&] { RunSamTrackJob(options_); });
  options_.mask_video.clear();
  for (Object& object : clip.clip.scene.objects) object.texture.contrast = 0;
  for (Object& object : clip.clip.scene.objects) object.texture.color = {0.5, 0.5, 0.5};
  clip.WriteColor(options_.color_video);
  ExpectError(Code::kRefused, "", [&] { RunSamTrackJob(options_); });
  EXPECT_FALSE(std::filesystem::exists(options_.depth_video + "_transformations.json"));
  EXPECT_FALSE(std::filesystem::exists(options_.depth_video + "_megasam.mkv"));
  // A single frame is the identity.
  MovingClip one(Scenes::Room(160, 90, 60), 1);
  Make(one);
  EXPECT_EQ(ReadTransformationsFile(RunSamTrackJob(options_).output).size(), 1u);
}

}  // namespace
}  // namespace mdvt::test
