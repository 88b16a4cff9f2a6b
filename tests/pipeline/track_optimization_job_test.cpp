// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/track_optimization.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "io/expect_error.h"
#include "io/output_file.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/npz_file.h"
#include "mdvt/io/pickle_file.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/track_file.h"
#include "mdvt/io/video_writer.h"
#include "pipeline/stereo4d_clip.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;
using Eigen::Vector3d;

constexpr int kSize = 256, kFrames = 48, kPoints = 9, kPatch = 6;
constexpr double kRate = 24;

// Nine points before a camera that moves sideways, every third of which comes nearer by 0.5 m/s.
// Depth is known around them alone.
class TrackOptimizationJob : public ::testing::Test {
 protected:
  static Vector3d PointAt(int number, double time) {
    const double x = 0.9 * (number % 3 - 1), y = 0.9 * (number / 3 - 1);
    return {x, y, number % 3 == 1 ? 3 - 0.5 * time : 3.0};
  }
  static Pose PoseAt(int frame) {
    Pose pose = Pose::Identity();
    pose.translation() = Vector3d(0.2 * (frame / kRate - 1), 0.02 * frame / kRate, 0);
    return pose;
  }

  void SetUp() override {
    options_.clip.output_folder = dir_ / "out";
    options_.clip.vid = "a";
    fs::create_directories(dir_ / "out/a");
    Stereo4dClip clip;
    clip.name = "a";
    clip.video = "vr.mp4";
    clip.camera = Camera::FromFov(kSize, kSize, 60.0, std::nullopt);
    clip.baseline = 0.1;
    clip.rig_from_rectified = {Eigen::Matrix3d::Identity(), Eigen::Matrix3d::Identity()};
    clip.fov_bounds = {-90, 90, -90, 90};
    std::vector<Pose> poses;
    VideoWriter left(options_.clip.File("-left_rectified.mkv"), PixelFormat::Rgb(8), kSize, kSize);
    DepthVideoWriterOptions coding;
    coding.codec.max_depth = 20;
    DepthVideoWriter depths(options_.clip.File("-raw_depth.mkv"), kSize, kSize, coding);
    TrackFileWriter tracks(options_.clip.File("-left_rectified.mkv_tracking.json"),
                           {kSize, kSize, true});
    std::mt19937 random(3);
    std::normal_distribution<double> normal;
    Image picture(PixelFormat::Rgb(8), kSize, kSize);
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < kSize; ++y)
        for (int x = 0; x < kSize; ++x)
          picture.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(60 * (plane + 1));
    for (int frame = 0; frame < kFrames; ++frame) {
      clip.times_us.push_back(std::llround(1e6 * frame / kRate));
      poses.push_back(PoseAt(frame));
      Image depth(PixelFormat::GrayF32(), kSize, kSize);
      const PlaneView<float> z = depth.MutablePlane<float>();
      for (int y = 0; y < kSize; ++y) std::fill_n(z.Row(y), kSize, 0.0f);
      std::vector<TrackRow> rows;
      for (int i = 0; i < kPoints; ++i) {
        const Vector3d at = PoseAt(frame).inverse() * PointAt(i, frame / kRate);
        const Eigen::Vector2d pixel = Project(clip.camera, at);
        const double disparity = clip.camera.fx * clip.baseline / at.z() + 0.2 * normal(random);
        for (int v = -kPatch; v <= kPatch; ++v)
          for (int u = -kPatch; u <= kPatch; ++u)
            z.At(static_cast<int>(pixel.x()) + u, static_cast<int>(pixel.y()) + v) =
                static_cast<float>(clip.camera.fx * clip.baseline / disparity);
        rows.push_back({i, pixel.x(), pixel.y(), 1});
      }
      rows.push_back({50, 2.5, 2.5, 1});  // where there is no depth
      tracks.AddFrame(rows);
      left.Write(picture.view(), 1000 * frame / 24, 0);
      depths.Write(std::move(depth), 1000 * frame / 24, 0);
    }
    left.Finish();
    depths.Finish();
    tracks.Finish();
    WriteFile(options_.clip.File("-clip.json"), FormatStereo4dClip(clip));
    WriteTransformationsFile(options_.clip.File("-transformations.json"), poses);
    options_.job.num_threads = 2;
  }

  const TempDir dir_;
  TrackOptimizationJobOptions options_;
};

TEST_F(TrackOptimizationJob, PointsStandWhereTheyAreAndMoveAsTheyDo) {
  const TrackOptimizationReport report = RunTrackOptimizationJob(options_);
  EXPECT_EQ(report.frames, kFrames);
  EXPECT_EQ(report.tracks, kPoints);
  EXPECT_EQ(report.left_out, 1);
  EXPECT_EQ(report.moving, 3);
  EXPECT_EQ(report.samples, kPoints * kFrames);
  EXPECT_EQ(report.sigma_disparity, 0.25);  // 0.2 was measured, or about
  EXPECT_EQ(report.output, options_.clip.File(".tracks.npz"));

  const NpzReader file(report.output);
  EXPECT_EQ(file.Read("name").text, "a");
  EXPECT_EQ(file.Read("video_id").text, "vr");
  EXPECT_EQ(file.Read("timestamps").integers[24], 1000000);
  EXPECT_EQ(file.Read("camera2world").shape, (std::vector<int64_t>{kFrames, 3, 4}));
  EXPECT_NEAR(file.Read("camera2world").values[12 * 24 + 3], PoseAt(24).translation().x(), 1e-12);
  EXPECT_EQ(file.Read("track_lengths").integers, std::vector<int64_t>(kPoints, kFrames));
  EXPECT_EQ(file.Read("track_color").integers[1], 120);
  const std::vector<double> points = file.Read("track_coordinates").values;
  const std::vector<double> sigma = file.Read("track_sigma").values;
  const std::vector<int64_t> kinds = file.Read("track_class").integers;
  for (int i = 0; i < kPoints; ++i) {
    EXPECT_EQ(kinds[static_cast<size_t>(i)], i % 3 == 1 ? 1 : 0) << i;
    for (int frame = 0; frame < kFrames; ++frame) {
      const auto at = static_cast<size_t>(i * kFrames + frame);
      const Vector3d point(points[3 * at], points[3 * at + 1], points[3 * at + 2]);
      EXPECT_LT((point - PointAt(i, frame / kRate)).norm(), i % 3 == 1 ? 0.12 : 0.02)
          << i << ", " << frame;
      EXPECT_GT(sigma[at], 0);
      EXPECT_LT(sigma[at], 0.1);
    }
  }
  // 0.5 m/s towards the camera, beside its axis: so many pixels in half a second.
  const std::vector<double> motion = file.Read("track_motion_px").values;
  EXPECT_LT(motion[0], 0.5);
  EXPECT_GT(motion[1], 3);
}

TEST_F(TrackOptimizationJob, WritesThePickleOfTheOriginal) {
  options_.emit_pickle = true;
  const TrackOptimizationReport report = RunTrackOptimizationJob(options_);
  EXPECT_EQ(report.pickle, options_.clip.File("-optimized_tracks.pkl"));
  const Pickle file(report.pickle);
  const PickleValue root = file.root();
  const PickleValue points = root.At("track3d");
  EXPECT_EQ(points.shape(), (std::vector<int64_t>{kPoints, kFrames, 3}));
  // The fifth point in frame 30, and as the frame's camera sees it.
  const std::vector<double> at = points.Numbers(3 * (4 * kFrames + 30), 3);
  EXPECT_LT((Vector3d(at[0], at[1], at[2]) - PointAt(4, 30 / kRate)).norm(), 0.12);
  ASSERT_EQ(root.At("cameras").size(), static_cast<size_t>(kFrames));
  const PickleValue camera = root.At("cameras")[30];
  EXPECT_NEAR(camera.At("extr").Numbers()[3], -PoseAt(30).translation().x(), 1e-12);
  EXPECT_NEAR(camera.At("intr_normalized").At("fx").AsNumber(), 0.5 / std::tan(M_PI / 6), 1e-12);
  EXPECT_EQ(root.At("visible_list").Numbers(0, kFrames), std::vector<double>(kFrames, 1));
  EXPECT_NEAR(root.At("color_values").Numbers()[1], 120 / 255.0, 1e-12);
  EXPECT_EQ(root.At("imw").AsInteger(), kSize);
  EXPECT_EQ(root.At("video").kind(), PickleKind::kNone);
}

TEST_F(TrackOptimizationJob, TheSameForEveryNumberOfThreads) {
  const auto content = [&](int threads) {
    options_.job.num_threads = threads;
    const NpzReader file(RunTrackOptimizationJob(options_).output);
    return file.Read("track_coordinates").values;
  };
  EXPECT_EQ(content(1), content(3));
}

TEST_F(TrackOptimizationJob, StopsAfterSoManyFrames) {
  options_.job.max_frames = 10;
  const TrackOptimizationReport report = RunTrackOptimizationJob(options_);
  EXPECT_EQ(report.frames, 10);
  EXPECT_EQ(NpzReader(report.output).Read("timestamps").shape, (std::vector<int64_t>{10}));
}

TEST_F(TrackOptimizationJob, BadInputLeavesNothing) {
  const auto fails = [this](Code code, const std::string& part) {
    ExpectError(code, part, [this] { RunTrackOptimizationJob(options_); });
    EXPECT_FALSE(fs::exists(options_.clip.File(".tracks.npz"))) << part;
  };
  options_.min_visible = 100;
  fails(Code::kCorrupt, "min_visible");
  options_.min_visible = 5;
  WriteTransformationsFile(dir_ / "short.json", std::vector<Pose>(3, Pose::Identity()));
  options_.transformation_file = dir_ / "short.json";
  fails(Code::kCorrupt, "poses for 3 frames");
  options_.transformation_file.clear();
  options_.track_file = dir_ / "none.json";
  fails(Code::kNotFound, "none.json");
  options_.track_file.clear();
  options_.depth_video = options_.clip.File("-left_rectified.mkv_tracking.json");
  fails(Code::kCorrupt, "");
  options_.depth_video.clear();
  WriteFile(options_.clip.File("-clip.json"), "{\"format\": \"mdvt.stereo4d.clip/1\"}");
  fails(Code::kCorrupt, "\"name\"");
  WriteFile(options_.clip.File("-clip.json"), "{}");
  fails(Code::kCorrupt, "rectify");
  options_.clip.vid = "";
  ExpectError(Code::kInvalidArgument, "videoid", [this] { RunTrackOptimizationJob(options_); });
}

}  // namespace
}  // namespace mdvt::test
