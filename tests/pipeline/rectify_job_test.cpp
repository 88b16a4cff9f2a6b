// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/rectify.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/expect_error.h"
#include "mdvt/core/json.h"
#include "mdvt/geometry/equirect.h"
#include "mdvt/io/npz_file.h"
#include "mdvt/io/rig_clip.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "support/log_catcher.h"
#include "support/raycast.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;
using Eigen::AngleAxisd;
using Eigen::Matrix3d;
using Eigen::Vector3d;

constexpr int kEye = 360;
constexpr int kFrames = 4;
constexpr double kBaseline = 0.063;

// A wall 1.5 m away with a coarse texture; what a ray of any direction meets.
struct World {
  Scene scene = Scenes::Plane(1.5, 96, 96, 60).scene;

  double Light(const RayCaster& caster, const Pose& eye, const Vector3d& ray) const {
    View view;
    view.camera = Camera::FromFov(2, 2, 10.0, std::nullopt);
    view.world_from_cam = eye * Eigen::Quaterniond::FromTwoVectors(Vector3d::UnitZ(), ray);
    const Vector3d color = caster.ColorAt(view, {1, 1});
    return 0.2126 * color.x() + 0.7152 * color.y() + 0.0722 * color.z();
  }
};

class RectifyJob : public ::testing::Test {
 protected:
  // Gray, both eyes side by side, 30 frames a second; the eyes' own axes are turned.
  void MakeVideo() {
    turns_[0] = AngleAxisd(0.12, Vector3d(0.1, 1, 0.05).normalized()).toRotationMatrix();
    turns_[1] = AngleAxisd(0.10, Vector3d(-0.1, 1, 0.15).normalized()).toRotationMatrix();
    EquirectLayout layout;
    layout.width = layout.height = kEye;
    const RayCaster caster(world_.scene);
    Image picture(PixelFormat::Gray(), 2 * kEye, kEye);
    for (int eye = 0; eye < 2; ++eye) {
      const Pose place(Eigen::Translation3d(eye * kBaseline, 0, 0));
      for (int y = 0; y < kEye; ++y)
        for (int x = 0; x < kEye; ++x) {
          const Vector3d ray = turns_[static_cast<size_t>(eye)].transpose() *
                               EquirectRay(layout, {x + 0.5, y + 0.5});
          const double light = ray.z() > 0.3 ? world_.Light(caster, place, ray) : 0;
          picture.MutablePlane<uint8_t>().At(eye * kEye + x, y) =
              static_cast<uint8_t>(std::lround(255 * light));
        }
    }
    VideoWriterOptions options;
    options.time_base = {1, 30000};
    options.frame_rate = {30, 1};
    VideoWriter writer(video_, PixelFormat::Gray(), 2 * kEye, kEye, options);
    for (int i = 0; i < kFrames; ++i) writer.Write(picture.view(), 1000 * i, 1000);
    writer.Finish();
  }
  void MakeMeta(const std::vector<int64_t>& times) const {
    std::vector<double> poses, turns;
    for (size_t i = 0; i < times.size(); ++i)
      for (int k = 0; k < 12; ++k)
        poses.push_back(k % 5 == 0 ? 1 : k == 3 ? 0.5 * static_cast<double>(i) : 0);
    for (const Matrix3d& turn : turns_)
      for (int k = 0; k < 9; ++k) turns.push_back(turn(k / 3, k % 3));
    const std::vector<double> bounds = {-90, 90, -90, 90};
    NpzWriter writer(meta_);
    writer.AddText("name", "some_1");
    writer.AddText("video_id", "vr");
    writer.Add("timestamps", {static_cast<int64_t>(times.size())}, times.data());
    writer.Add("camera2world", {static_cast<int64_t>(times.size()), 3, 4}, poses.data());
    writer.Add("rectified2rig", {2, 3, 3}, turns.data());
    writer.Add("fov_bounds", {4}, bounds.data());
    writer.Finish();
  }
  void SetUp() override {
    MakeVideo();
    MakeMeta({0, 33333, 66667});
    options_.color_video = video_;
    options_.clip.output_folder = dir_ / "out";
    options_.size = "160x120";
    options_.job.num_threads = 2;
  }
  std::string Output(const std::string& name) const { return dir_ / ("out/" + name); }
  static std::vector<Frame> Frames(const std::string& path) {
    VideoReader reader(path);
    std::vector<Frame> frames;
    while (std::optional<Frame> frame = reader.Read()) frames.push_back(std::move(*frame));
    return frames;
  }
  // Mean difference to what a pinhole camera there sees, in codes.
  double Off(const Image& view, double x) const {
    const RayCaster caster(world_.scene);
    const Camera camera = Camera::FromFov(view.width(), view.height(), 60.0, std::nullopt);
    double sum = 0;
    int count = 0;
    for (int v = 1; v < view.height(); v += 3)
      for (int u = 1; u < view.width(); u += 3) {
        const Vector3d ray = Unproject(camera, {u + 0.5, v + 0.5}, 1).normalized();
        const double light = world_.Light(caster, Pose(Eigen::Translation3d(x, 0, 0)), ray);
        sum += std::abs(view.Plane<uint8_t>().At(u, v) - 255 * light);
        ++count;
      }
    return sum / count;
  }

  const World world_;
  std::array<Matrix3d, 2> turns_;
  const TempDir dir_;
  const std::string video_ = dir_ / "vr.mkv", meta_ = dir_ / "some_1.npz";
  RectifyJobOptions options_;
};

TEST_F(RectifyJob, ViewsAreThoseOfParallelPinholeCameras) {
  options_.meta = meta_;
  options_.write_equirect = true;
  const RectifyReport report = RunRectifyJob(options_);
  EXPECT_EQ(report.frames, 3);
  EXPECT_NEAR(report.focal_px, 80 / std::tan(M_PI / 6), 1e-9);
  EXPECT_EQ(report.shown, 1);
  EXPECT_LT(report.worst_time_ms, 0.5);  // Matroska rounds to milliseconds
  EXPECT_EQ(report.left_output, Output("some_1/some_1-left_rectified.mkv"));
  const std::vector<Frame> left = Frames(report.left_output), right = Frames(report.right_output);
  ASSERT_EQ(left.size(), 3u);
  EXPECT_EQ(left[0].pts, 0);
  EXPECT_LT(Off(left[1].image, 0), 1.5);
  EXPECT_LT(Off(right[2].image, kBaseline), 1.5);
  EXPECT_GT(Off(right[2].image, 0), 5);  // the other eye sees something else
  ASSERT_TRUE(report.checked);
  EXPECT_LT(report.vertical_median, 0.15);
  // f B / z.
  EXPECT_NEAR(report.disparity_median, report.focal_px * kBaseline / 1.5, 0.25);

  const std::vector<Pose> poses =
      ReadTransformationsFile(Output("some_1/some_1-transformations.json"));
  ASSERT_EQ(poses.size(), 3u);
  EXPECT_EQ(poses[2].translation().x(), 1.0);
  const std::string text = ReadText(Output("some_1/some_1-clip.json"));
  const json::Value about = json::Parse(text, {}, "clip");
  EXPECT_EQ(about.At("timestamps").AsArray()[1].AsInt(), 33333);
  EXPECT_EQ(about.At("baseline").AsDouble(), kUsualRigBaseline);
  // Both eyes, as they were, and turned: there the horizon of both is level.
  EXPECT_EQ(Frames(Output("some_1/some_1-raw_equirect.mkv"))[0].image.width(), 2 * kEye);
  EXPECT_EQ(Frames(Output("some_1/some_1-rectified_equirect.mkv")).size(), 3u);
}

TEST_F(RectifyJob, TwoPassesAsTheOriginalComeClose) {
  options_.meta = meta_;
  options_.sampling = RectifySampling::kTwoPass;
  const RectifyReport report = RunRectifyJob(options_);
  EXPECT_LT(Off(Frames(report.left_output)[0].image, 0), 2.5);
  EXPECT_EQ(report.source_samples, 1);
}

TEST_F(RectifyJob, WithoutAFileOfTheClipRowsAreFoundToBeOff) {
  LogCatcher log;
  options_.size = "256x256";
  const RectifyReport report = RunRectifyJob(options_);
  EXPECT_EQ(report.frames, kFrames);
  EXPECT_GT(report.vertical_median, 1);
  EXPECT_TRUE(log.Says("do not match"));
  EXPECT_TRUE(log.Says("--calibrate"));
}

// The turns of the eyes out of the video alone: rows match as with the file that says them.
TEST_F(RectifyJob, LearnsHowTheCamerasAreTurned) {
  options_.size = "256x256";
  options_.calibrate = RigLearning::kTurns;
  const RectifyReport report = RunRectifyJob(options_);
  ASSERT_TRUE(report.rig);
  EXPECT_TRUE(report.rig->turn_known);
  EXPECT_LT(report.vertical_median, 0.15);
  const Matrix3d truth = turns_[0].transpose() * turns_[1];
  const Matrix3d found =
      report.rig->rig_from_rectified[0].transpose() * report.rig->rig_from_rectified[1];
  const double off_deg = AngleAxisd(truth.transpose() * found).angle() * 180 / M_PI;
  std::printf("turn off by %.4f degrees of %.3f, sigma %.4f\n", off_deg,
              AngleAxisd(truth).angle() * 180 / M_PI, report.rig->turn_sigma_deg.norm());
  EXPECT_LT(off_deg, 0.1);  // a fifth of a pixel of the source
  EXPECT_LT(off_deg, 3 * report.rig->turn_sigma_deg.norm());
  options_.meta = meta_;
  ExpectError(Code::kInvalidArgument, "calibrate", [&] { RunRectifyJob(options_); });
}

TEST_F(RectifyJob, RefusesToLearnFromPicturesWithoutTexture) {
  VideoWriter writer(dir_ / "flat.mkv", PixelFormat::Gray(), 2 * kEye, kEye);
  Image picture(PixelFormat::Gray(), 2 * kEye, kEye);
  for (int y = 0; y < kEye; ++y)
    std::fill_n(picture.MutablePlane<uint8_t>().Row(y), 2 * kEye, uint8_t{90});
  writer.Write(picture.view(), 0, 40);
  writer.Finish();
  options_.color_video = dir_ / "flat.mkv";
  options_.calibrate = RigLearning::kTurns;
  ExpectError(Code::kRefused, "cannot be known", [&] { RunRectifyJob(options_); });
  EXPECT_FALSE(fs::exists(dir_ / "out/flat"));
}

TEST_F(RectifyJob, SwappedEyesAreTold) {
  LogCatcher log;
  options_.meta = meta_;
  turns_[0].swap(turns_[1]);
  MakeMeta({0});
  options_.swap_eyes = true;
  EXPECT_LT(RunRectifyJob(options_).disparity_median, -1);
  EXPECT_TRUE(log.Says("leave out --swap_eyes"));
}

TEST_F(RectifyJob, TakesTheFramesOfTheTimes) {
  MakeMeta({33000, 99000});
  options_.meta = meta_;
  EXPECT_NEAR(RunRectifyJob(options_).worst_time_ms, 1, 0.01);
  EXPECT_EQ(Frames(Output("some_1/some_1-left_rectified.mkv")).size(), 2u);
  MakeMeta({0, 50500});
  EXPECT_EQ(RunRectifyJob(options_).frames, 2);
  MakeMeta({0, 10000});
  ExpectError(Code::kCorrupt, "no frame at 0.010 s", [&] { RunRectifyJob(options_); });
  MakeMeta({0, 33333, 66667, 100000, 133333});
  ExpectError(Code::kCorrupt, "4 of 5", [&] { RunRectifyJob(options_); });
  // What was there before is there still.
  EXPECT_EQ(Frames(Output("some_1/some_1-left_rectified.mkv")).size(), 2u);
}

TEST_F(RectifyJob, TheSameForEveryNumberOfThreads) {
  options_.meta = meta_;
  options_.job.num_threads = 1;
  const std::vector<Frame> one = Frames(RunRectifyJob(options_).right_output);
  options_.job.num_threads = 3;
  const std::vector<Frame> three = Frames(RunRectifyJob(options_).right_output);
  for (size_t i = 0; i < one.size(); ++i)
    EXPECT_TRUE(SamePixels(one[i].image.view(), three[i].image.view()));
}

TEST_F(RectifyJob, BadInputLeavesNothing) {
  const auto fails = [this](Code code, const std::string& part) {
    ExpectError(code, part, [this] { RunRectifyJob(options_); });
    EXPECT_FALSE(fs::exists(dir_ / "out"));
  };
  options_.size = "160";
  fails(Code::kInvalidArgument, "WIDTHxHEIGHT");
  options_.size = "160x120";
  options_.meta = video_;
  fails(Code::kCorrupt, "");
  options_.meta = dir_ / "none.npz";
  fails(Code::kNotFound, "none.npz");
  options_.meta.clear();
  options_.clip.vid = "some_1";
  options_.npz_folder = (dir_ / "").c_str();
  options_.color_video.clear();
  options_.raw_video_folder = (dir_ / "").c_str();
  fails(Code::kNotFound, "vr.mp4");
  options_.clip.vid.clear();
  fails(Code::kInvalidArgument, "color_video");
}

}  // namespace
}  // namespace mdvt::test
