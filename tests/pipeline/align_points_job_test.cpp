// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/align_points.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "io/expect_error.h"
#include "mdvt/core/json.h"
#include "mdvt/geometry/trajectory_error.h"
#include "mdvt/io/sidecar.h"
#include "moving_clip.h"
#include "support/log_catcher.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

json::Value ReadJson(const std::string& path) {
  return json::Parse(ReadText(path), Limits(), path);
}

class AlignPointsJob : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.track_file = dir_ / "tracks.json";
    options_.depth_video = dir_ / "depth.mkv";
    options_.job.num_threads = 2;
  }
  void Make(const MovingClip& clip) {
    clip.WriteTracks(options_.track_file);
    clip.WriteDepth(options_.depth_video);
  }
  TrajectoryError Run(const MovingClip& clip) {
    report_ = RunAlignPointsJob(options_);
    return CompareTrajectories(ReadTransformationsFile(report_.output), clip.truth, {1});
  }

  const TempDir dir_;
  AlignPointsJobOptions options_;
  AlignPointsReport report_;
};

TEST_F(AlignPointsJob, FindsTheCamera) {
  const MovingClip clip;
  Make(clip);
  const TrajectoryError error = Run(clip);
  EXPECT_EQ(error.frames, 12);
  EXPECT_LT(error.ate, 0.006 * error.path_length);
  EXPECT_NEAR(error.similarity.scale, 1, 0.01);
  EXPECT_LT(error.largest_rotation_deg, 0.1);
  EXPECT_EQ(report_.output, options_.depth_video + "_transformations.json");
  EXPECT_EQ(report_.camera.motion, "free");
  EXPECT_EQ(report_.camera.interpolated, 0);

  const json::Value camera = ReadJson(options_.depth_video + "_camera.json");
  EXPECT_EQ(camera.At("frames").AsInt(), 12);
  EXPECT_EQ(camera.At("width").AsInt(), 320);
  EXPECT_NEAR(camera.At("xfov").AsDouble(), 60, 1e-6);
  EXPECT_EQ(camera.At("source").AsString(), "depth video");
  EXPECT_EQ(camera.At("fov_status").AsString(), "given");
  const json::Value report = ReadJson(options_.depth_video + "_alignment_report.json");
  EXPECT_EQ(report.At("frames").size(), 12u);
  EXPECT_EQ(report.At("segments").AsArray()[0].At("mode").AsString(), "free");
  EXPECT_GT(report.At("frames").AsArray()[5].At("inliers").AsInt(), 50);
  EXPECT_LT(report.At("held_out_rms_px").AsDouble(), 1);
  EXPECT_FALSE(std::filesystem::exists(options_.depth_video + "_xfovs.json"));
}

TEST_F(AlignPointsJob, OtherMethodsByTheirOldNames) {
  const MovingClip clip;
  Make(clip);
  options_.use_madpose = true;
  EXPECT_LT(Run(clip).ate, 0.05);
  EXPECT_EQ(ReadJson(report_.report).At("method").AsString(), "pairwise");
  options_.use_madpose = false;
  options_.method = AlignmentMethod::kLegacy;
  Run(clip);
  EXPECT_EQ(ReadJson(report_.report).At("method").AsString(), "legacy");
  options_.method = AlignmentMethod::kBundle;
  options_.assume_stationary_camera = true;
  Run(clip);
  for (const Pose& pose : ReadTransformationsFile(report_.output))
    EXPECT_EQ(pose.translation().norm(), 0);
}

TEST_F(AlignPointsJob, ATurnHasNoTranslation) {
  const MovingClip clip(Scenes::TurningRoom(320, 180, 60));
  Make(clip);
  options_.mask_video = dir_ / "mask.mkv";
  clip.WriteMask(options_.mask_video);  // nothing moves by itself
  const LogCatcher log;
  const TrajectoryError error = Run(clip);
  EXPECT_TRUE(log.Says("mask.mkv' is white nowhere: no point is left out"));
  EXPECT_EQ(report_.camera.motion, "rotation");
  EXPECT_EQ(report_.camera.path_length, 0);
  EXPECT_LT(error.largest_rotation_deg, 0.1);
}

TEST_F(AlignPointsJob, AMaskChangesTheResult) {
  const MovingClip clip(Scenes::MovingRoom(320, 180, 60));
  Make(clip);
  Run(clip);
  const std::string without = ReadText(report_.output);
  options_.mask_video = dir_ / "mask.mkv";
  clip.WriteMask(options_.mask_video);
  const TrajectoryError error = Run(clip);
  EXPECT_NE(ReadText(report_.output), without);
  EXPECT_LT(error.ate, 0.01 * error.path_length);
  const int64_t masked = ReadJson(report_.report).At("frames").AsArray()[8].At("inliers").AsInt();
  options_.mask.strict = true;
  Run(clip);
  EXPECT_LE(ReadJson(report_.report).At("frames").AsArray()[8].At("inliers").AsInt(), masked);
  clip.WriteMask(options_.mask_video, true);
  ExpectError(Code::kRefused, "all points", [&] { Run(clip); });
}

TEST_F(AlignPointsJob, TheFieldOfViewIsFoundOrRefused) {
  const MovingClip turning(Scenes::TurningRoom(320, 180, 60), 20);
  Make(turning);
  options_.fov.xfov_deg = 66;
  options_.solve.optimize_intrinsic = true;
  options_.xfovs_output = dir_ / "xfovs.json";
  RunAlignPointsJob(options_);
  const json::Value camera = ReadJson(options_.depth_video + "_camera.json");
  const json::Value& fov = camera.At("fov");
  if (camera.At("fov_status").AsString() == "observable") {
    EXPECT_NEAR(camera.At("xfov").AsDouble(), 60, 1.5);
    EXPECT_EQ(camera.At("source").AsString(), "motion");
    EXPECT_LT(fov.At("xfov_low").AsDouble(), 60);
    EXPECT_GT(fov.At("xfov_high").AsDouble(), 60);
  } else {
    EXPECT_EQ(camera.At("xfov").AsDouble(), 66);
  }
  EXPECT_NEAR(ReadFovFile(options_.xfovs_output)[19], camera.At("xfov").AsDouble(), 1e-9);

  // A camera that only moves.
  Clip sliding = Scenes::Room(320, 180, 60);
  sliding.path = [](double time) {
    Pose pose = Pose::Identity();
    pose.translation() = Eigen::Vector3d(0.6 * time, 0, 0.4 * time);
    return pose;
  };
  const MovingClip clip(sliding);
  Make(clip);
  LogCatcher log;
  RunAlignPointsJob(options_);
  EXPECT_TRUE(log.Says("FOV not observable: the camera does not pan or tilt"));
  EXPECT_EQ(ReadJson(options_.depth_video + "_camera.json").At("fov_status").AsString(),
            "not_observable");
  std::filesystem::remove(options_.depth_video + "_transformations.json");
  options_.solve.require_fov = true;
  ExpectError(Code::kRefused, "FOV not observable", [&] { RunAlignPointsJob(options_); });
  EXPECT_FALSE(std::filesystem::exists(options_.depth_video + "_transformations.json"));
}

// Depth that was drawn through a lens of 66 degrees says nothing about the one of 60 that the
// tracks come from.
TEST_F(AlignPointsJob, DepthOfAWrongFieldOfViewDoesNotDecide) {
  const auto panning = [](double xfov_deg) {
    Clip clip = Scenes::Room(320, 180, xfov_deg);
    clip.path = [](double time) {
      Pose pose(Eigen::AngleAxisd(0.35 * time, Eigen::Vector3d::UnitY()) *
                Eigen::AngleAxisd(0.15 * std::sin(5 * time), Eigen::Vector3d::UnitX()));
      pose.translation() = Eigen::Vector3d(0.2 * time, 0, 0.4 * time);
      return pose;
    };
    return MovingClip(clip, 24);
  };
  const MovingClip clip = panning(60);
  Make(clip);
  options_.fov.xfov_deg = 66;
  options_.solve.optimize_intrinsic = true;
  options_.solve.accept_weak_fov = true;
  const double with_true_depth = RunAlignPointsJob(options_).camera.xfov_deg;
  panning(66).WriteDepth(options_.depth_video);
  const AlignPointsReport report = RunAlignPointsJob(options_);
  EXPECT_NEAR(report.camera.xfov_deg, with_true_depth, 0.5);
  EXPECT_NEAR(report.camera.xfov_deg, 60, 1.5);
  const json::Value fov = ReadJson(options_.depth_video + "_camera.json").At("fov");
  EXPECT_LT(fov.At("xfov_low").AsDouble(), 60);
  EXPECT_GT(fov.At("xfov_high").AsDouble(), 60);
}

// Half of the points stand in two rows: the file is refused as a whole, with the frame and the
// track.
TEST_F(AlignPointsJob, ATrackTwiceInAFrame) {
  const MovingClip clip(Scenes::Room(160, 90, 60), 3);
  Make(clip);
  std::ofstream(options_.track_file) << "[[[1, 5, 5]], [[1, 5, 5], [2, 9, 9], [1, 6, 5]], []]";
  ExpectError(Code::kCorrupt, "frame 1: track 1 stands there twice",
              [&] { RunAlignPointsJob(options_); });
  EXPECT_FALSE(std::filesystem::exists(options_.depth_video + "_transformations.json"));
}

TEST_F(AlignPointsJob, FilesThatDoNotFit) {
  const MovingClip clip(Scenes::Room(320, 180, 60), 8);
  Make(clip);
  MovingClip small(Scenes::Room(160, 90, 60), 8);
  small.WriteDepth(options_.depth_video);
  ExpectError(Code::kInvalidArgument, "frame 0", [&] { RunAlignPointsJob(options_); });
  clip.WriteDepth(options_.depth_video, true, 5);
  ExpectError(Code::kCorrupt, "has 8 frames, depth video", [&] { RunAlignPointsJob(options_); });
  options_.job.max_frames = 5;
  EXPECT_EQ(RunAlignPointsJob(options_).camera.frames, 5);
  options_.job.max_frames = 1;
  EXPECT_EQ(RunAlignPointsJob(options_).camera.frames, 1);
  options_.job.max_frames = -1;
  clip.WriteDepth(options_.depth_video, false);
  ExpectError(Code::kInvalidArgument, "xfov", [&] { RunAlignPointsJob(options_); });
  clip.WriteDepth(options_.depth_video);
  std::ofstream(options_.track_file) << "[]";
  ExpectError(Code::kRefused, "has no points", [&] { RunAlignPointsJob(options_); });
  std::ofstream(options_.track_file) << "{";
  ExpectError(Code::kCorrupt, "tracks.json", [&] { RunAlignPointsJob(options_); });
  options_.solve.require_fov = true;
  ExpectError(Code::kInvalidArgument, "belong to optimize_intrinsic",
              [&] { RunAlignPointsJob(options_); });
}

// The original leaves trailing frames without points away.
TEST_F(AlignPointsJob, TracksThatEndEarly) {
  const MovingClip clip(Scenes::Room(320, 180, 60), 8);
  Make(clip);
  const std::string text = ReadText(options_.track_file);
  json::Value tracks = json::Parse(text, Limits(), "tracks");
  json::Value::Array kept = tracks.AsArray();
  kept.resize(6);
  std::ofstream(options_.track_file) << json::Write(kept);
  LogCatcher log;
  const AlignPointsReport report = RunAlignPointsJob(options_);
  EXPECT_EQ(report.camera.frames, 8);
  EXPECT_EQ(report.camera.interpolated, 2);
  EXPECT_TRUE(log.Says("ends after 6 frames of 8"));
}

}  // namespace
}  // namespace mdvt::test
