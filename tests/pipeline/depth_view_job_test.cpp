// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/geometry_file.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/pipeline/depth_view.h"
#include "support/log_catcher.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 96, kHeight = 64;
// The focal length is the width: tan(xfov / 2) = 1 / 2.
const double kXfovDeg = 2 * std::atan(0.5) * 180 / M_PI;

class DepthViewJob : public ::testing::Test {
 protected:
  // A wall at 2 m, whose centre is at (0, 0, 2).
  void SetUp() override {
    shape_.frames = 5;
    MakeColor(dir_ / "color.mkv", shape_, PixelFormat::Rgb(8));
    MakeDepth(dir_ / "depth.mkv", shape_, test::Plane(2));
    options_.scene.depth_video = dir_ / "depth.mkv";
    options_.scene.color_video = dir_ / "color.mkv";
    options_.scene.fov.xfov_deg = kXfovDeg;
    options_.render = true;
    options_.output = dir_ / "view.mkv";
    options_.job.num_threads = 2;
    StandAt(0, 0, 0);
  }

  void StandAt(double x, double y, double z) { options_.viewpoint.position = {x, y, z}; }

  std::vector<Image> Render() {
    RunDepthViewJob(options_);
    return ReadAllFrames(options_.output);
  }

  static std::array<int, 3> At(const Image& image, int x, int y) {
    return {image.Plane<uint8_t>(0).At(x, y), image.Plane<uint8_t>(1).At(x, y),
            image.Plane<uint8_t>(2).At(x, y)};
  }

  const TempDir dir_;
  ClipShape shape_;
  DepthViewJobOptions options_;
};

TEST_F(DepthViewJob, FromTheCamerasOwnPlaceThePictureIsTheSource) {
  const DepthViewReport report = RunDepthViewJob(options_);
  EXPECT_EQ(report.frames, 5);
  EXPECT_EQ(report.output, options_.output);
  EXPECT_TRUE(SameFrames(ReadAllFrames(options_.output), ReadAllFrames(dir_ / "color.mkv")));
}

TEST_F(DepthViewJob, AStepAsideMovesTheWall) {
  // 2 m away, focal length 96: 0.25 m are 12 pixels. The view stays parallel.
  StandAt(0.25, 0, 0);
  options_.viewpoint.target = {0.25, 0, 2};
  options_.background_color = "0a141e";
  const std::vector<Image> source = ReadAllFrames(dir_ / "color.mkv");
  const std::vector<Image> view = Render();
  for (size_t i = 0; i < view.size(); ++i)
    for (int x = 0; x < kWidth; ++x)
      EXPECT_EQ(At(view[i], x, 31),
                x < kWidth - 12 ? At(source[i], x + 12, 31) : (std::array<int, 3>{10, 20, 30}))
          << "frame " << i << ", column " << x;
}

TEST_F(DepthViewJob, TheTargetIsInTheMiddleAndFixed) {
  // The wall comes nearer; its centre would, too. What is at the median centre stays in the middle.
  MakeDepth(dir_ / "depth.mkv", shape_,
            [](int frame, int, int) { return 1.0f + 0.5f * static_cast<float>(frame); });
  StandAt(1, -1, -1);
  options_.scene.show_axes = true;
  options_.save_depth = true;
  const DepthViewReport report = RunDepthViewJob(options_);
  DepthVideoReader depth(report.depth_output);
  EXPECT_NEAR(*depth.tags().xfov_deg, kXfovDeg, 1e-9);
  // The centre is (0, 0, 2) in the third frame: sqrt(1 + 1 + 9) m from the viewer.
  const Image third = (depth.Read(), depth.Read(), depth.Read())->depth;
  EXPECT_NEAR(third.Plane<float>().At(kWidth / 2, kHeight / 2), std::sqrt(11.0), 0.05);
}

TEST_F(DepthViewJob, AnOrbitGoesAroundTheTarget) {
  options_.viewpoint.path = "orbit";
  options_.viewpoint.turns = 1;
  shape_.frames = 4;
  MakeColor(dir_ / "color.mkv", shape_, PixelFormat::Rgb(8));
  MakeDepth(dir_ / "depth.mkv", shape_, test::Plane(2));
  options_.scene.render_as_pointcloud = true;
  options_.save_depth = true;
  const DepthViewReport report = RunDepthViewJob(options_);
  // Front, side, back, side: the wall is seen as a whole, as a line, mirrored and as a line.
  const std::vector<Image> view = ReadAllFrames(report.output);
  const std::vector<Image> source = ReadAllFrames(dir_ / "color.mkv");
  EXPECT_EQ(At(view[0], 20, 20), At(source[0], 20, 20));
  EXPECT_EQ(At(view[1], 20, 20), (std::array<int, 3>{255, 255, 255}));
  EXPECT_EQ(At(view[2], kWidth - 21, 20), At(source[2], 20, 20));
}

TEST_F(DepthViewJob, KeyframesAreJoined) {
  WriteText(dir_ / "path.json",
            R"([{"frame": 0, "position": [0, 0, 0], "target": [0, 0, 2]},
                {"frame": 4, "position": [1, 0, 0], "target": [1, 0, 2]}])");
  options_.viewpoint.path = dir_ / "path.json";
  const std::vector<Image> source = ReadAllFrames(dir_ / "color.mkv");
  const std::vector<Image> view = Render();
  // Of two keyframes the curve is a line: 0.25 m, 12 pixels a frame.
  for (size_t i = 0; i < 5; ++i)
    EXPECT_EQ(At(view[i], 10, 10), At(source[i], 10 + 12 * static_cast<int>(i), 10)) << i;
  WriteText(dir_ / "path.json", R"([{"frame": 0, "position": [0, 0], "target": [0, 0, 2]}])");
  ExpectError(Code::kCorrupt, "path.json: camera path: keyframe 0", [&] { Render(); });
  WriteText(dir_ / "path.json",
            R"([{"frame": 0, "position": [0, 0, 0], "target": [0, 0, 2], "fov": 3}])");
  ExpectError(Code::kCorrupt, "fov is not known", [&] { Render(); });
}

TEST_F(DepthViewJob, TheSceneStandsStillWhereTheCameraMoves) {
  std::vector<Pose> poses(5, Pose::Identity());
  for (size_t i = 0; i < 5; ++i) poses[i].translation().x() = 0.25 * static_cast<double>(i);
  WriteTransformationsFile(dir_ / "poses.json", poses);
  options_.scene.transformation_file = dir_ / "poses.json";
  options_.viewpoint.target = {0, 0, 2};
  const std::vector<Image> source = ReadAllFrames(dir_ / "color.mkv");
  const std::vector<Image> view = Render();
  for (size_t i = 0; i < 5; ++i)  // the wall moves 12 pixels to the right a frame
    EXPECT_EQ(At(view[i], 80, 10), At(source[i], 80 - 12 * static_cast<int>(i), 10)) << i;
  // And with the camera it does not.
  options_.viewpoint.path = "follow";
  EXPECT_TRUE(SameFrames(Render(), source));
  options_.viewpoint.path = dir_ / "poses.json";
  EXPECT_TRUE(SameFrames(Render(), source));
  // From the third camera's place.
  options_.viewpoint.path = "fixed";
  options_.scene.transformation_lock_frame = 2;
  EXPECT_EQ(At(Render()[2], 50, 10), At(source[2], 50, 10));
}

TEST_F(DepthViewJob, MasksAndCloudsAreDrawn) {
  // The left half is masked; behind it stands a red point in the middle of the left quarter.
  VideoWriterOptions writer;
  {
    VideoWriter mask(dir_ / "mask.mkv", PixelFormat::Gray(8), kWidth, kHeight, writer);
    Image image(PixelFormat::Gray(8), kWidth, kHeight);
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x)
        image.MutablePlane<uint8_t>().At(x, y) = x < kWidth / 2 ? 0 : 255;
    for (int i = 0; i < 2; ++i) mask.Write(image, i * 42);
    mask.Finish();
  }
  PointCloud cloud;
  cloud.points = {{-23.5f * 4 / 96, 0.5f * 4 / 96, 4}};  // the middle of pixel (24, 32)
  cloud.colors = {{255, 0, 0}};
  WritePly(dir_ / "cloud.ply", cloud);
  options_.scene.mask_video = dir_ / "mask.mkv";
  options_.scene.background_ply = dir_ / "cloud.ply";
  options_.viewpoint.target = {0, 0, 2};
  const std::vector<Image> source = ReadAllFrames(dir_ / "color.mkv");
  std::vector<Image> view = Render();
  const std::array<int, 3> white = {255, 255, 255}, red = {255, 0, 0};
  EXPECT_EQ(At(view[1], 5, 5), white);
  EXPECT_EQ(At(view[1], 24, 32), red);
  EXPECT_EQ(At(view[1], 60, 5), At(source[1], 60, 5));
  EXPECT_EQ(At(view[2], 5, 5), At(source[2], 5, 5)) << "after the mask's end all is shown";
  options_.scene.invert_mask = true;
  view = Render();
  EXPECT_EQ(At(view[1], 5, 5), At(source[1], 5, 5));
  EXPECT_EQ(At(view[1], 60, 5), white);
}

TEST_F(DepthViewJob, AMaskThatMarksNothingIsTold) {
  options_.scene.mask_video = dir_ / "mask.mkv";
  options_.viewpoint.target = {0, 0, 2};
  for (const uint8_t value : {uint8_t{128}, uint8_t{129}}) {
    VideoWriter mask(dir_ / "mask.mkv", PixelFormat::Gray(8), kWidth, kHeight, {});
    Image image(PixelFormat::Gray(8), kWidth, kHeight);
    for (int y = 0; y < kHeight; ++y)
      std::fill_n(image.MutablePlane<uint8_t>().Row(y), kWidth, y == 3 ? value : uint8_t{0});
    for (int i = 0; i < 3; ++i) mask.Write(image, i * 42);
    mask.Finish();
    const LogCatcher log;
    Render();
    EXPECT_EQ(log.Says("mask.mkv' is white nowhere: it shows nothing"), value == 128);
  }
}

TEST_F(DepthViewJob, PointsShowWhatHasDepthAndNothingElse) {
  // The left half of the picture has no depth.
  MakeDepth(dir_ / "depth.mkv", shape_, [](int, int x, int) { return x < kWidth / 2 ? 0.f : 2.f; });
  const std::vector<Image> source = ReadAllFrames(dir_ / "color.mkv");
  options_.scene.render_as_pointcloud = true;
  options_.viewpoint.target = {0, 0, 2};
  for (const bool torn : {false, true}) {
    options_.scene.remove_edges = torn;
    const std::vector<Image> view = Render();
    for (int x = 0; x < kWidth; ++x)
      EXPECT_EQ(At(view[1], x, 20),
                x < kWidth / 2 ? (std::array<int, 3>{255, 255, 255}) : At(source[1], x, 20))
          << "column " << x << (torn ? ", torn" : "");
  }
}

// Of pictures of another size and from elsewhere too: what is torn leaves nothing between.
TEST_F(DepthViewJob, NothingIsSeenBetweenTwoSurfaces) {
  const auto is_near = [](int x, int y) { return 3 * x + y < 3 * kWidth / 2 + kHeight / 2; };
  MakeDepth(dir_ / "depth.mkv", shape_,
            [&](int, int x, int y) { return is_near(x, y) ? 1.0f : 4.0f; });
  options_.scene.remove_edges = true;
  options_.save_depth = true;
  options_.viewpoint.target = {0.3, 0.1, 4};
  StandAt(0.3, 0.1, 0);
  for (const int width : {kWidth, 48, 150}) {
    for (const int supersampling : {1, 3}) {
      for (const bool points : {false, true}) {
        options_.width = width;
        options_.supersampling = supersampling;
        options_.scene.render_as_pointcloud = points;
        const DepthViewReport report = RunDepthViewJob(options_);
        const Image depth = std::move(DepthVideoReader(report.depth_output).Read()->depth);
        ASSERT_EQ(depth.width(), width);
        int near = 0, far = 0, holes = 0;
        for (int y = 0; y < depth.height(); ++y)
          for (int x = 0; x < width; ++x) {
            const float z = depth.Plane<float>().At(x, y);
            const bool at_near = std::fabs(z - 1) < 0.002, at_far = std::fabs(z - 4) < 0.002;
            ASSERT_TRUE(z == 0 || at_near || at_far) << z << " at " << x << "," << y;
            near += at_near;
            far += at_far;
            holes += z == 0;
          }
        const int all = width * depth.height();
        EXPECT_GT(near, all / 8);
        EXPECT_GT(far, all / 4);
        EXPECT_GT(holes, all / 16);
      }
    }
  }
}

// Samples of a pixel are averaged: a slanted silhouette is mixed with what is behind it by the
// share that it covers.
TEST_F(DepthViewJob, SilhouettesAreMixedByWhatTheyCover) {
  // A white wall on a black ground; its slanted border is that of a mask of whole pixels, so the
  // truth is the share of the squares of its pixels, seen twice as large and a third of a pixel
  // off.
  const auto is_wall = [](int x, int y) { return 2 * x + y < kWidth + kHeight / 2; };
  shape_.frames = 1;
  MakeDepth(dir_ / "depth.mkv", shape_,
            [&](int, int x, int y) { return is_wall(x, y) ? 2.0f : 0.0f; });
  Image white(PixelFormat::Rgb(8), kWidth, kHeight);
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < kHeight; ++y)
      std::fill_n(white.MutablePlane<uint8_t>(plane).Row(y), kWidth, uint8_t{255});
  VideoWriterOptions video;
  video.time_base = {1, 24};
  video.frame_rate = {24, 1};
  VideoWriter color(dir_ / "color.mkv", PixelFormat::Rgb(8), kWidth, kHeight, video);
  color.Write(white, 0, 1);
  color.Finish();
  options_.background_color = "000000";
  const double aside = 2.0 / 96 * 0.37;  // metres: 0.37 pixels of the source
  StandAt(aside, 0, 0);
  options_.viewpoint.target = {aside, 0, 2};
  options_.width = 70;
  const double scale = 96.0 / 70;  // source pixels a pixel
  for (const int supersampling : {2, 4}) {
    options_.supersampling = supersampling;
    const Image view = Render()[0];
    ASSERT_EQ(view.width(), 70);
    int mixed = 0;
    double worst = 0;
    for (int y = 4; y < view.height() - 4; ++y)
      for (int x = 4; x < 66; ++x) {
        // 64 x 64 points of the pixel.
        int covered = 0;
        for (int j = 0; j < 64; ++j)
          for (int i = 0; i < 64; ++i) {
            const double u = (x + (i + 0.5) / 64 - 35) * scale + 48 + 0.37;
            const double v = (y + (j + 0.5) / 64 - view.height() / 2.0) * scale + 32;
            covered += is_wall(static_cast<int>(u), static_cast<int>(v));
          }
        const double want = covered / 4096.0, got = At(view, x, y)[1] / 255.0;
        worst = std::max(worst, std::fabs(want - got));
        mixed += got > 0.01 && got < 0.99;
      }
    EXPECT_GT(mixed, 25);
    // One row or column of samples more or less.
    EXPECT_LT(worst, 1.01 / supersampling);
  }
}

TEST_F(DepthViewJob, ThePictureHasTheSizeAskedFor) {
  options_.width = 48;
  options_.draw_frame = 3;
  options_.supersampling = 2;
  const DepthViewReport report = RunDepthViewJob(options_);
  EXPECT_EQ(report.frames, 1);
  EXPECT_EQ(report.width, 48);
  EXPECT_EQ(report.height, 32);
  EXPECT_EQ(ReadAllFrames(options_.output).size(), 1u);
}

TEST_F(DepthViewJob, ThreadsDoNotMatter) {
  StandAt(1, -1, -1);
  MakeDepth(dir_ / "depth.mkv", shape_, BoxOnWall(shape_, 1, 4));
  options_.scene.remove_edges = true;
  options_.scene.show_camera = true;
  std::vector<Image> first;
  for (const int threads : {1, 2, 3, 7}) {
    options_.job.num_threads = threads;
    const std::vector<Image> frames = Render();
    if (first.empty()) first = frames;
    EXPECT_TRUE(SameFrames(first, frames)) << threads << " threads";
  }
}

TEST_F(DepthViewJob, WhatCannotBeIsSaid) {
  const auto fails = [&](Code code, const std::string& text) {
    ExpectError(code, text, [&] { RunDepthViewJob(options_); });
    EXPECT_FALSE(std::filesystem::exists(options_.output));
  };
  MakeDepth(dir_ / "empty.mkv", shape_, test::Plane(0));
  options_.scene.depth_video = dir_ / "empty.mkv";
  fails(Code::kRefused, "has no depth that could be shown");
  options_.scene.depth_video = dir_ / "depth.mkv";
  options_.scene.background_ply = dir_ / "color.mkv";
  fails(Code::kCorrupt, "is no PLY file");
  options_.scene.background_ply.clear();
  options_.draw_frame = 6;
  fails(Code::kInvalidArgument, "has 5 frames: there is no frame 6, counted from 1");
  options_.draw_frame = -1;
  options_.viewpoint.target = options_.viewpoint.position;
  fails(Code::kInvalidArgument, "are the same point");
  options_.viewpoint.target = {0, 0, 1};
  options_.viewpoint.path = dir_ / "nowhere.json";
  fails(Code::kNotFound, "nowhere.json");
  options_.viewpoint.path = "fixed";
  options_.width = options_.height = 16384;
  fails(Code::kLimit, "rendered picture");
}

}  // namespace
}  // namespace mdvt::test
