// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/check_stereo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/core/json.h"
#include "mdvt/pipeline/jobs.h"
#include "support/pictures.h"
#include "support/raycast.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 320, kHeight = 180, kFrames = 3;
constexpr double kBaseline = 0.065;

// The picture of an eye, -1 left, 1 right.
using EyeAt = std::function<Image(int frame, int side)>;

EyeAt Eyes(const Clip& clip, double convergence) {
  return [clip, convergence](int frame, int side) {
    return RayCaster(clip.scene)
        .Color(EyeOf(clip.At(frame), side, kBaseline, convergence), PixelFormat::Rgb(8), 2);
  };
}

class CheckStereoJob : public ::testing::Test {
 protected:
  // left | right, or one above the other.
  std::string Pack(const EyeAt& eye, bool below = false, VideoWriterOptions options = {},
                   int frames = kFrames) {
    const std::string path = dir_ / "clip.mkv";
    options.frame_rate = {24, 1};
    options.time_base = {1, 24};
    const int w = below ? kWidth : 2 * kWidth, h = below ? 2 * kHeight : kHeight;
    VideoWriter writer(path, PixelFormat::Rgb(8), w, h, options);
    for (int i = 0; i < frames; ++i) {
      Image both(PixelFormat::Rgb(8), w, h);
      CopyPixels(eye(i, -1).view(), both.mutable_view().Crop(0, 0, kWidth, kHeight));
      CopyPixels(eye(i, 1).view(), both.mutable_view().Crop(below ? 0 : kWidth, below ? kHeight : 0,
                                                            kWidth, kHeight));
      writer.Write(both, i);
    }
    writer.Finish();
    return path;
  }
  CheckStereoReport Check(const std::string& path) {
    options_.input = path;
    options_.job.num_threads = 2;
    return RunCheckStereoJob(options_);
  }

  const TempDir dir_;
  CheckStereoJobOptions options_;
};

TEST_F(CheckStereoJob, AWallHasOneParallax) {
  const Clip clip = Scenes::Plane(2, kWidth, kHeight);
  for (const double convergence : {0.0, 1.0, 4.0}) {
    const CheckStereoReport report = Check(Pack(Eyes(clip, convergence)));
    const double screen = convergence > 0 ? 1 / convergence : 0;
    const double expected = clip.camera.fx * kBaseline * (screen - 1.0 / 2) / kWidth;
    EXPECT_EQ(report.clip.frames, kFrames);
    EXPECT_EQ(report.clip.measured_frames, kFrames);
    EXPECT_GT(report.clip.measured, 0.5);
    for (const double parallax : report.clip.parallax) EXPECT_NEAR(parallax, expected, 0.0005);
    EXPECT_NEAR(report.clip.vertical, 0, 0.0002);
    EXPECT_LT(report.clip.vertical_most, 0.001);
    EXPECT_NEAR(report.clip.rotation_deg, 0, 0.02);
    for (const double difference : report.clip.color) EXPECT_NEAR(difference, 0, 0.003);
    // All of it is in front of the screen, or nothing.
    EXPECT_NEAR(report.clip.window, expected < -0.0025 ? 1 : 0, 0.05);
    EXPECT_EQ(report.clip.eyes, StereoClipQuality::Eyes::kUnknown);
  }
}

TEST_F(CheckStereoJob, TheQuantilesAreThoseOfTheScene) {
  const Clip clip = Scenes::Room(kWidth, kHeight);
  const double convergence = 3;
  const CheckStereoReport report = Check(Pack(Eyes(clip, convergence)));
  for (int frame = 0; frame < kFrames; ++frame) {
    const Image depth =
        RayCaster(clip.scene).Depth(EyeOf(clip.At(frame), -1, kBaseline, convergence));
    std::vector<double> truth;
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x)
        truth.push_back(clip.camera.fx * kBaseline *
                        (1 / convergence - 1 / depth.Plane<float>().At(x, y)) / kWidth);
    std::sort(truth.begin(), truth.end());
    for (size_t i = 0; i < 5; ++i) {
      const double expected =
          truth[static_cast<size_t>(kParallaxQuantiles[i] * static_cast<double>(truth.size()))];
      EXPECT_NEAR(report.frames[static_cast<size_t>(frame)].parallax[i], expected, 0.004)
          << "frame " << frame << ", quantile " << kParallaxQuantiles[i];
    }
  }
  EXPECT_EQ(report.clip.eyes, StereoClipQuality::Eyes::kRight);
}

TEST_F(CheckStereoJob, SwappedEyesAreFound) {
  const EyeAt eyes = Eyes(Scenes::Room(kWidth, kHeight), 3);
  const EyeAt swapped = [eyes](int frame, int side) { return eyes(frame, -side); };
  const double right = Check(Pack(eyes)).clip.score;
  const CheckStereoReport report = Check(Pack(swapped));
  EXPECT_EQ(report.clip.eyes, StereoClipQuality::Eyes::kSwapped);
  EXPECT_LT(report.clip.score, right - 40);
  options_.swap_eyes = true;
  EXPECT_EQ(Check(Pack(swapped)).clip.eyes, StereoClipQuality::Eyes::kRight);
  // What the file says of its eyes counts.
  options_.swap_eyes = false;
  VideoWriterOptions marked;
  marked.stereo = StereoLayout::kSideBySide;
  marked.right_eye_first = true;
  const CheckStereoReport told = Check(Pack(swapped, false, marked));
  EXPECT_TRUE(told.right_eye_first);
  EXPECT_EQ(told.clip.eyes, StereoClipQuality::Eyes::kRight);
}

TEST_F(CheckStereoJob, VerticalOffsetsAndTurnsAreMeasured) {
  const Clip clip = Scenes::Plane(2, kWidth, kHeight);
  const double good = Check(Pack(Eyes(clip, 2))).clip.score;
  const EyeAt low = [&](int frame, int side) {
    View view = EyeOf(clip.At(frame), side, kBaseline, 2);
    if (side > 0) view.camera.cy += 1.8;  // a hundredth of the height
    return RayCaster(clip.scene).Color(view, PixelFormat::Rgb(8), 2);
  };
  const CheckStereoReport report = Check(Pack(low));
  EXPECT_NEAR(report.clip.vertical, 0.01, 0.0003);
  EXPECT_NEAR(report.clip.vertical_most, 0.01, 0.001);
  EXPECT_LT(report.clip.score, good - 5);
  const EyeAt turned = [&](int frame, int side) {
    View view = EyeOf(clip.At(frame), side, kBaseline, 2);
    // A camera that turns to one side sees its picture turn to the other.
    if (side > 0)
      view.world_from_cam.rotate(Eigen::AngleAxisd(-M_PI / 180, Eigen::Vector3d::UnitZ()));
    return RayCaster(clip.scene).Color(view, PixelFormat::Rgb(8), 2);
  };
  EXPECT_NEAR(Check(Pack(turned)).clip.rotation_deg, 1, 0.1);
}

TEST_F(CheckStereoJob, ColorsThatDifferAreMeasured) {
  const EyeAt eyes = Eyes(Scenes::Plane(2, kWidth, kHeight), 2);
  double mean = 0;  // of red in the left view
  const Image left = eyes(0, -1);
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) mean += left.Plane<uint8_t>(0).At(x, y);
  mean /= 255.0 * kWidth * kHeight;
  const EyeAt redder = [&](int frame, int side) {
    Image image = eyes(frame, side);
    for (int y = 0; side > 0 && y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) {
        uint8_t& red = image.MutablePlane<uint8_t>(0).At(x, y);
        red = static_cast<uint8_t>(std::min(255L, std::lround(1.2 * red)));
      }
    return image;
  };
  const CheckStereoReport report = Check(Pack(redder));
  EXPECT_NEAR(report.clip.color[0], 0.2 * mean, 0.01);
  EXPECT_NEAR(report.clip.color[1], 0, 0.003);
  EXPECT_NEAR(report.clip.color[2], 0, 0.003);
}

TEST_F(CheckStereoJob, JumpsAreThoseAtCuts) {
  const Clip clip = Scenes::Plane(2, kWidth, kHeight);
  const EyeAt near = Eyes(clip, 4), far = Eyes(clip, 1);
  const EyeAt cut = [&](int frame, int side) { return (frame < 2 ? near : far)(frame, side); };
  const double jump = clip.camera.fx * kBaseline * (1 - 0.25) / kWidth;
  std::ofstream(dir_ / "scenes.csv") << "Scene Number,Start Frame\n1,1\n2,3\n";
  options_.scene_file = dir_ / "scenes.csv";
  CheckStereoReport report = Check(Pack(cut, false, {}, 4));
  ASSERT_EQ(report.clip.cuts.size(), 1u);
  EXPECT_EQ(report.clip.cuts[0].frame, 2);
  EXPECT_NEAR(report.clip.cuts[0].middle, jump, 0.001);
  EXPECT_NEAR(report.clip.rate, 0, 0.01);
  // Without the list it is a change inside a shot.
  options_.scene_file.clear();
  options_.cuts = SceneCuts::kOff;
  report = Check(Pack(cut, false, {}, 4));
  EXPECT_TRUE(report.clip.cuts.empty());
  EXPECT_NEAR(report.clip.rate, jump * 24, 0.02);
}

TEST_F(CheckStereoJob, FindsHowTheViewsArePacked) {
  const EyeAt eyes = Eyes(Scenes::Plane(2, kWidth, kHeight), 4);
  EXPECT_FALSE(Check(Pack(eyes)).top_bottom);
  CheckStereoReport report = Check(Pack(eyes, true));
  EXPECT_TRUE(report.top_bottom);
  EXPECT_FALSE(report.squeezed);
  EXPECT_EQ(report.height, kHeight);
  // Squeezed views in a frame of the usual shape, told by the likeness of the halves.
  StereoJobOptions half;
  half.color_video = dir_ / "color.mkv";
  half.source.file.path = dir_ / "depth.mkv";
  half.fov.xfov_deg = 60;
  ClipShape shape;
  shape.width = kWidth;
  shape.height = kHeight;
  shape.frames = 2;
  MakeColor(half.color_video, shape);
  MakeDepth(half.source.file.path, shape, Plane(2));
  for (const char* layout : {"half-sbs", "half-tab", "sbs", "tab"}) {
    half.output = dir_ / (std::string(layout) + ".mkv");
    half.frame.canvas.layout = layout;
    RunStereoJob(half);
    for (const bool marked : {true, false}) {
      if (!marked) {  // the same frames in a file that says nothing
        VideoReader reader(half.output);
        VideoWriterOptions plain;
        plain.time_base = reader.info().time_base;
        VideoWriter writer(dir_ / "plain.mkv", reader.info().format, reader.info().width,
                           reader.info().height, plain);
        while (const std::optional<Frame> frame = reader.Read())
          writer.Write(frame->image, frame->pts);
        writer.Finish();
      }
      report = Check(marked ? half.output : dir_ / "plain.mkv");
      EXPECT_EQ(report.top_bottom, half.output.find("tab") != std::string::npos) << layout;
      EXPECT_EQ(report.squeezed, half.output.find("half") != std::string::npos) << layout;
      EXPECT_NEAR(static_cast<double>(report.working_width) / report.working_height, 16.0 / 9, 0.03)
          << layout;
      // fx B / z of the width, all in front of the screen.
      EXPECT_NEAR(report.clip.parallax[2], -0.063 / 2 / (2 * std::tan(M_PI / 6)), 0.002) << layout;
    }
  }
}

TEST_F(CheckStereoJob, WritesAllFiguresAndAPage) {
  options_.json = dir_ / "a.json";
  options_.html = dir_ / "a.html";
  options_.viewer.screen_width = 2;
  const CheckStereoReport report = Check(Pack(Eyes(Scenes::Room(kWidth, kHeight), 3)));
  const json::Value root = json::Parse(ReadText(options_.json), {}, "figures");
  EXPECT_NEAR(root.At("score").AsDouble(), report.clip.score, 1e-5);
  EXPECT_EQ(root.At("frame_count").AsInt(), kFrames);
  EXPECT_EQ(root.At("frames").At("parallax_50").size(), static_cast<size_t>(kFrames));
  EXPECT_NEAR(root.At("frames").At("parallax_99").AsArray()[1].AsDouble(),
              100 * report.frames[1].parallax[4], 1e-5);
  EXPECT_NEAR(root.At("parallax_deg").AsArray()[4].AsDouble(),
              options_.viewer.Degrees(report.clip.parallax[4]), 1e-5);
  const std::string page = ReadText(options_.html);
  EXPECT_NE(page.find("<svg"), std::string::npos);
  EXPECT_NE(page.find("clip.mkv"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos) << "needs nothing else";
  EXPECT_EQ(page.find("<script"), std::string::npos);

  // The same for every number of threads.
  options_.json = dir_ / "b.json";
  for (const int threads : {1, 3}) {
    options_.job.num_threads = threads;
    RunCheckStereoJob(options_);
    EXPECT_EQ(ReadText(options_.json), ReadText(dir_ / "a.json")) << threads;
  }
}

TEST_F(CheckStereoJob, WhatCannotBeMeasuredIsRefused) {
  const EyeAt black = [](int, int) {
    Image image(PixelFormat::Rgb(8), kWidth, kHeight);
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < kHeight; ++y)
        std::fill_n(image.MutablePlane<uint8_t>(plane).Row(y), kWidth, uint8_t{0});
    return image;
  };
  options_.json = dir_ / "a.json";
  ExpectError(Code::kRefused, "no two views that match", [&] { Check(Pack(black)); });
  // The halves of a video of one view: a small part is alike by chance.
  const EyeAt strangers = [](int, int side) {
    Image image(PixelFormat::Rgb(8), kWidth, kHeight);
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < kWidth; ++x)
          image.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(side < 0 ? x / 2 : y);
    std::mt19937_64 same(77);
    const Image common = RandomImage(PixelFormat::Rgb(8), 24, 24, same);
    CopyPixels(common.view(), image.mutable_view().Crop(150, 80, 24, 24));
    return image;
  };
  ExpectError(Code::kRefused, "no two views that match", [&] { Check(Pack(strangers)); });
  EXPECT_FALSE(std::filesystem::exists(options_.json));
  const std::string path = Pack(Eyes(Scenes::Plane(2, kWidth, kHeight), 4));
  options_.json = path;
  ExpectError(Code::kInvalidArgument, "clip.mkv", [&] { Check(path); });
  options_.json.clear();
  ExpectError(Code::kNotFound, "missing", [&] { Check(dir_ / "missing.mkv"); });
  VideoWriterOptions rows;
  rows.stereo = StereoLayout::kRowInterleaved;
  ExpectError(Code::kRefused, "alternate rows", [&] { Check(Pack(black, false, rows)); });
}

TEST(ViewerGeometry, AnglesAreThoseOfTheEyes) {
  ViewerGeometry viewer;
  viewer.screen_width = 1;
  viewer.seat_distance = 2;
  viewer.eye_distance = 0.06;
  EXPECT_EQ(viewer.Degrees(0), 0);
  // Parallel eyes turn by the whole angle that the screen is seen under.
  EXPECT_NEAR(viewer.Degrees(viewer.Infinity()), 2 * std::atan(0.015) * 180 / M_PI, 1e-12);
  // In front of the screen: a point at z has a parallax of -eyes (screen - z) / z.
  const double z = 1.2;
  EXPECT_NEAR(viewer.Degrees(-0.06 * (2 - z) / z),
              (2 * std::atan(0.015) - 2 * std::atan(0.03 / z)) * 180 / M_PI, 1e-9);
}

}  // namespace
}  // namespace mdvt::test
