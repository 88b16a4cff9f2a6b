// SPDX-License-Identifier: Apache-2.0
//
// undistort_video: what a bending lens has filmed of a known scene becomes what a pinhole camera
// would have.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/pipeline/undistort.h"
#include "support/pictures.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 128, kHeight = 72, kFrames = 3;

// What the scene shows in the direction (x, y, 1).
double Shown(double x, double y) { return 110 + 60 * std::sin(3 * x) * std::cos(2.5 * y) + 30 * x; }
double Depth(double x, double y) { return 5 + 2 * x - y; }

class UndistortJob : public ::testing::Test {
 protected:
  static Lens LensOf(double k1) {
    Lens lens;
    lens.camera = {kWidth, kHeight, 100, 100, 66, 35};
    lens.k = {k1, 0.03, 0.002, -0.001};
    return lens;
  }
  // Direction that a place in the picture of the lens shows: Newton's method is not needed, small
  // bends converge.
  static Eigen::Vector2d Straight(const Lens& lens, double px, double py) {
    Eigen::Vector2d at((px - lens.camera.cx) / lens.camera.fx,
                       (py - lens.camera.cy) / lens.camera.fy);
    for (int i = 0; i < 60; ++i) {
      const Eigen::Vector2d off = lens.Project(at.x(), at.y()) - Eigen::Vector2d(px, py);
      at -= Eigen::Vector2d(off.x() / lens.camera.fx, off.y() / lens.camera.fy) * 0.8;
    }
    return at;
  }
  // A clip of the scene through the lens of each frame.
  void Film(const std::vector<Lens>& lenses) {
    VideoWriterOptions video;
    video.frame_rate = {24, 1};
    video.time_base = {1, 24};
    DepthVideoWriterOptions depth;
    depth.video = video;
    depth.codec.max_depth = 20;
    VideoWriter colors(dir_ / "c.mkv", PixelFormat::Gray(8), kWidth, kHeight, video);
    DepthVideoWriter depths(dir_ / "d.mkv", kWidth, kHeight, depth);
    for (int i = 0; i < kFrames; ++i) {
      Image picture(PixelFormat::Gray(8), kWidth, kHeight);
      Image metres(PixelFormat::GrayF32(), kWidth, kHeight);
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < kWidth; ++x) {
          const Eigen::Vector2d at =
              Straight(lenses[std::min<size_t>(static_cast<size_t>(i), lenses.size() - 1)], x + 0.5,
                       y + 0.5);
          picture.MutablePlane<uint8_t>().At(x, y) =
              static_cast<uint8_t>(std::lround(Shown(at.x(), at.y())));
          metres.MutablePlane<float>().At(x, y) = static_cast<float>(Depth(at.x(), at.y()));
        }
      colors.Write(picture, i, 1);
      depths.Write(std::as_const(metres).Plane<float>(), i, 1);
    }
    colors.Finish();
    depths.Finish();
    options_.color_video = dir_ / "c.mkv";
    options_.depth_video = dir_ / "d.mkv";
    options_.lens = dir_ / "lens.json";
    options_.job.num_threads = 2;
  }
  void ExpectStraight(const UndistortReport& report) {
    const Camera camera = Camera::FromFov(kWidth, kHeight, report.xfov_deg, std::nullopt);
    const std::vector<Image> frames = ReadAllFrames(report.output);
    DepthVideoReader depths(report.depth_output);
    ASSERT_EQ(frames.size(), static_cast<size_t>(kFrames));
    EXPECT_NEAR(depths.tags().CameraFor(kWidth, kHeight)->fx, camera.fx, 1e-6);
    for (const Image& frame : frames) {
      const std::optional<DepthFrame> depth = depths.Read();
      ASSERT_TRUE(depth.has_value());
      int seen = 0;
      for (int y = 4; y < kHeight - 4; ++y)
        for (int x = 4; x < kWidth - 4; ++x) {
          const double u = (x + 0.5 - camera.cx) / camera.fx, v = (y + 0.5 - camera.cy) / camera.fy;
          const float z = std::as_const(depth->depth).Plane<float>().At(x, y);
          if (z == 0) continue;
          ++seen;
          EXPECT_NEAR(SampleOf(frame, 0, x, y), Shown(u, v), 2.5) << x << " " << y;
          EXPECT_NEAR(z, Depth(u, v), 0.05);  // of the nearest pixel
        }
      EXPECT_GT(seen, (kWidth - 8) * (kHeight - 8) * 9 / 10);
    }
  }

  const TempDir dir_;
  UndistortJobOptions options_;
};

TEST_F(UndistortJob, GivesWhatAPinholeCameraWouldSee) {
  Film({LensOf(-0.2)});
  std::ofstream(options_.lens)
      << R"({"camera_model": "OPENCV", "fl_x": 200, "fl_y": 200, "cx": 132, "cy": 70, "w": 256,
             "h": 144, "k1": -0.2, "k2": 0.03, "p1": 0.002, "p2": -0.001})";
  UndistortReport report = RunUndistortJob(options_);
  EXPECT_EQ(report.output, dir_ / "c.mkv_undistorted.mkv");
  EXPECT_EQ(report.depth_output, dir_ / "d.mkv_undistorted.mkv");
  EXPECT_NEAR(report.xfov_deg, 2 * std::atan(0.64) * 180 / M_PI, 1e-9);
  EXPECT_EQ(report.unseen, 0);  // at its borders such a lens shows more
  ExpectStraight(report);
  options_.xfov_deg = 60;
  options_.output = dir_ / "narrow.mkv";
  report = RunUndistortJob(options_);
  EXPECT_NEAR(report.xfov_deg, 60, 1e-9);
  EXPECT_EQ(report.unseen, 0);
  ExpectStraight(report);
  options_.xfov_deg = 110;
  options_.depth_video.clear();
  report = RunUndistortJob(options_);
  EXPECT_GT(report.unseen, 0.3);
  EXPECT_EQ(SampleOf(ReadAllFrames(report.output)[0], 0, 0, 0), 0);
}

TEST_F(UndistortJob, TakesALensForEachFrame) {
  Film({LensOf(-0.2), LensOf(-0.1), LensOf(0.05)});
  std::ofstream(options_.lens)
      << R"({"fl_x": 100, "cx": 66, "cy": 35, "k2": 0.03, "p1": 0.002, "p2": -0.001,
             "frames": [{"k1": -0.2}, {"k1": -0.1}, {"k1": 0.05}]})";
  options_.xfov_deg = 60;
  ExpectStraight(RunUndistortJob(options_));
  std::ofstream(options_.lens) << R"({"fl_x": 100, "frames": [{"k1": -0.2}, {"k1": -0.1}]})";
  ExpectError(Code::kCorrupt, "2 frames, the video has more", [&] { RunUndistortJob(options_); });
}

TEST_F(UndistortJob, SaysWhatIsWrongWithALensFile) {
  const auto parse = [](const char* text) { return [text] { ParseLenses(text, 64, 32); }; };
  ExpectError(Code::kCorrupt, "\"fl_x\" is missing", parse("{}"));
  ExpectError(Code::kCorrupt, "must be one object", parse("[]"));
  ExpectError(Code::kCorrupt, "\"k1\" must be a number", parse(R"({"fl_x": 9, "k1": "much"})"));
  ExpectError(Code::kCorrupt, "\"w\" and \"h\"", parse(R"({"fl_x": 9, "w": 0})"));
  ExpectError(Code::kCorrupt, "are 640 x 360, the video has 64x32 pixels: another shape",
              parse(R"({"fl_x": 9, "w": 640, "h": 360})"));
  ExpectError(Code::kCorrupt, "another shape", parse(R"({"fl_x": 9, "w": 128})"));
  ExpectError(Code::kCorrupt, "folds", parse(R"({"fl_x": 50, "k1": -900})"));
  ExpectError(Code::kCorrupt, "focal", parse(R"({"fl_x": -50})"));
  ExpectError(Code::kCorrupt, "\"frames\"", parse(R"({"fl_x": 50, "frames": []})"));
  ExpectError(Code::kUnsupported, "camera_model",
              parse(R"({"fl_x": 50, "camera_model": "THIN_PRISM"})"));
  EXPECT_EQ(ParseLenses(R"({"fl_x": 50, "frames": [{}, {}]})", 64, 32).size(), 1u);
  const Lens half = ParseLenses(R"({"fl_x": 50, "w": 128, "h": 64})", 64, 32).front();
  EXPECT_EQ(half.camera.fx, 25);
  EXPECT_EQ(half.camera.cx, 32);
}

}  // namespace
}  // namespace mdvt::test
