// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/stabilize.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/core/json.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/pipeline/eval_depth.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Flicker as networks of single pictures have it, in 1 / depth: a factor and a shift per frame, a
// smooth field per frame, and noise per pixel.
struct Flicker {
  double scale = 0.03, shift = 0.02, field = 0.02, white = 0.01;
};

void AddFlicker(const std::string& from, const std::string& to, const Flicker& flicker) {
  DepthVideoReader reader(from);
  DepthVideoWriterOptions options;
  options.codec.max_depth = 40;
  options.tags = reader.tags();
  options.tags.encoding.reset();
  options.tags.max_depth.reset();
  options.video.frame_rate = reader.info().frame_rate;
  options.video.time_base = reader.info().time_base;
  const int w = reader.info().width, h = reader.info().height;
  DepthVideoWriter writer(to, w, h, options);
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  constexpr int kAcross = 5, kDown = 4;
  while (std::optional<DepthFrame> frame = reader.Read()) {
    const double a = 1 + flicker.scale * normal(random), shift = flicker.shift * normal(random);
    std::array<double, kAcross * kDown> field{};
    for (double& value : field) value = flicker.field * normal(random);
    double mean = 0, n = 0;
    const PlaneView<const float> map = std::as_const(frame->depth).Plane<float>();
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x)
        if (map.At(x, y) > 0) mean += 1 / static_cast<double>(map.At(x, y)), n += 1;
    mean /= n;
    Image noisy(PixelFormat::GrayF32(), w, h);
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x) {
        const float z = map.At(x, y);
        const double u = static_cast<double>(x) / (w - 1) * (kAcross - 1.001);
        const double v = static_cast<double>(y) / (h - 1) * (kDown - 1.001);
        const int i = static_cast<int>(u), j = static_cast<int>(v);
        const auto at = [&](int p, int q) { return field[static_cast<size_t>(q * kAcross + p)]; };
        const double bend = (1 - (v - j)) * ((1 - (u - i)) * at(i, j) + (u - i) * at(i + 1, j)) +
                            (v - j) * ((1 - (u - i)) * at(i, j + 1) + (u - i) * at(i + 1, j + 1));
        const double factor = a * (1 + bend) * (1 + flicker.white * normal(random));
        const double s = z > 0 ? factor / static_cast<double>(z) + shift * mean : 0;
        noisy.MutablePlane<float>().At(x, y) = s > 0 ? static_cast<float>(1 / s) : 0;
      }
    writer.Write(std::move(noisy), frame->pts, frame->duration);
  }
  writer.Finish();
}

// scene.json of a rendered clip: poses as a transformation file; returns the vertical field of
// view.
double WritePoses(const std::string& scene, const std::string& to) {
  const std::string text = ReadText(scene);
  const json::Value value = json::Parse(text, {}, "scene");
  std::ofstream(to) << json::Write(value.At("frames"));
  return value.At("yfov_deg").AsDouble();
}

class RenderedClip : public ::testing::TestWithParam<const char*> {
 protected:
  static constexpr int64_t kFrames = 16;

  void SetUp() override {
    MDVT_SKIP_WITHOUT_DATA();
    folder_ = (DataDir() / GetParam()).string() + "/";
    eval_.fov.yfov_deg = WritePoses(folder_ + "scene.json", dir_ / "poses.json");
    eval_.truth_video = folder_ + "depth_mm.mkv";
    eval_.truth.encoding = DepthEncoding::kGray16;
    eval_.truth.max_depth = 65.535;
    eval_.color_video = folder_ + "color.mp4";
    eval_.transformation_file = dir_ / "poses.json";
    eval_.alignment = DepthAlignment::kScale;
    eval_.output = dir_ / "scores.json";
    eval_.job.max_frames = kFrames;
    Truth();
    AddFlicker(dir_ / "truth.mkv", dir_ / "noisy.mkv", {});
    eval_.depth_video = dir_ / "noisy.mkv";
    before_ = RunEvalDepthJob(eval_).scores;
  }
  // The same depth with its range in its tags.
  void Truth() {
    DepthVideoReaderOptions reading;
    reading.encoding = DepthEncoding::kGray16;
    reading.max_depth = 65.535;
    DepthVideoReader reader(eval_.truth_video, reading);
    DepthVideoWriterOptions options;
    options.codec = reader.codec();
    options.tags.yfov_deg = eval_.fov.yfov_deg;
    options.video.frame_rate = reader.info().frame_rate;
    options.video.time_base = reader.info().time_base;
    DepthVideoWriter writer(dir_ / "truth.mkv", reader.info().width, reader.info().height, options);
    while (std::optional<DepthFrame> frame = reader.Read())
      writer.Write(std::move(frame->depth), frame->pts, frame->duration);
    writer.Finish();
  }
  DepthScores Stabilized(const StabilizeOptions& stabilizer) {
    StabilizeDepthJobOptions options;
    options.depth_video = dir_ / "noisy.mkv";
    options.color_video = eval_.color_video;
    options.output = dir_ / "stable.mkv";
    options.stabilizer = stabilizer;
    options.job.max_frames = kFrames;
    RunStabilizeDepthJob(options);
    eval_.depth_video = options.output;
    return RunEvalDepthJob(eval_).scores;
  }
  void Show(const char* what, const DepthScores& after) const {
    const auto line = [&](const char* name, double was, double is) {
      std::printf("%s %s %s: %.5f -> %.5f (%+.1f %%)\n", GetParam(), what, name, was, is,
                  100 * (is / was - 1));
    };
    line("opw2", before_.temporal->opw2, after.temporal->opw2);
    line("TAE", *before_.tae, *after.tae);
    line("tflick", before_.temporal->tflick, after.temporal->tflick);
    line("AbsRel", before_.accuracy->abs_rel, after.accuracy->abs_rel);
    line("edge F1", before_.edges->f1, after.edges->f1);
  }

  const TempDir dir_;
  std::string folder_;
  EvalDepthJobOptions eval_;
  DepthScores before_;
};

TEST_P(RenderedClip, FlickerGoesBySixtyPercentAndLiveByFortyFive) {
  for (const bool live : {false, true}) {
    StabilizeOptions flow;
    flow.kind = StabilizerKind::kFlow;
    if (live) flow.lookahead = 0;
    const DepthScores after = Stabilized(flow);
    Show(live ? "live" : "offline", after);
    const double most = live ? 0.55 : 0.4;
    EXPECT_LT(after.temporal->opw2, most * before_.temporal->opw2);
    EXPECT_LT(*after.tae, most * *before_.tae);
    EXPECT_LT(after.accuracy->abs_rel, 1.01 * before_.accuracy->abs_rel);
    EXPECT_GT(after.edges->f1, before_.edges->f1 - 0.02);
  }
}

INSTANTIATE_TEST_SUITE_P(Clips, RenderedClip, ::testing::Values("dev_dolly", "dev_dynamic"),
                         [](const auto& clip) { return std::string(clip.param); });

class StabilizeDepthJob : public ::testing::Test {
 protected:
  void SetUp() override {
    MakeColor(color_, shape_);
    MakeDepth(depth_, shape_, [](int frame, int, int) { return frame % 2 == 0 ? 4.0f : 4.2f; });
    options_.depth_video = depth_;
    options_.color_video = color_;
    options_.output = dir_ / "stable.mkv";
    options_.job.num_threads = 2;
  }
  std::vector<float> Middle() {
    report_ = RunStabilizeDepthJob(options_);
    std::vector<float> values;
    DepthVideoReader reader(options_.output);
    while (std::optional<DepthFrame> frame = reader.Read())
      values.push_back(std::as_const(frame->depth).Plane<float>().At(48, 32));
    return values;
  }
  const TempDir dir_;
  ClipShape shape_ = [] {
    ClipShape shape;
    shape.frames = 12;
    return shape;
  }();
  const std::string color_ = dir_ / "color.mkv", depth_ = dir_ / "depth.mkv";
  StabilizeDepthJobOptions options_;
  StabilizeDepthReport report_;
};

TEST_F(StabilizeDepthJob, AWallThatJumpsStandsStill) {
  options_.stabilizer.cuts = false;  // every picture of this clip is another one
  const std::vector<float> values = Middle();
  ASSERT_EQ(values.size(), 12u);
  EXPECT_EQ(report_.frames, 12);
  EXPECT_EQ(report_.width, 96);
  for (const float value : values) EXPECT_GT(value, 3.9f);
}

TEST_F(StabilizeDepthJob, TheSameForEveryNumberOfThreadsAndOfFrames) {
  for (const int lookahead : {0, 3}) {
    options_.stabilizer.lookahead = lookahead;
    options_.job.num_threads = 1;
    const std::vector<float> one = Middle();
    options_.job.num_threads = 3;
    EXPECT_EQ(Middle(), one) << lookahead;
  }
  options_.job.max_frames = 5;
  EXPECT_EQ(Middle().size(), 5u);
}

// A white picture between those of a still scene is no cut: its depth passes as it came, and the
// shot goes on after it.
TEST_F(StabilizeDepthJob, AFlashIsNoCut) {
  constexpr int kFlash = 5;
  VideoWriterOptions writing;
  writing.codec = VideoCodec::kFfv1;
  writing.frame_rate = {24, 1};
  writing.time_base = {1, 24};
  VideoWriter writer(dir_ / "flash.mkv", PixelFormat::Rgb(8), shape_.width, shape_.height, writing);
  for (int i = 0; i < 12; ++i) {
    Image image(PixelFormat::Rgb(8), shape_.width, shape_.height);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < shape_.height; ++y)
        for (int x = 0; x < shape_.width; ++x)
          image.MutablePlane<uint8_t>(c).At(x, y) = static_cast<uint8_t>(
              i == kFlash ? 255 : 60 + 25 * std::sin(0.5 * x) + 30 * std::cos(0.4 * y + c));
    writer.Write(image, i, 1);
  }
  writer.Finish();
  options_.color_video = dir_ / "flash.mkv";
  options_.stabilizer.lookahead = 4;
  const std::vector<float> values = Middle();
  EXPECT_EQ(report_.shots, 1);
  ASSERT_EQ(values.size(), 12u);
  EXPECT_NEAR(values[kFlash], 4.2f, 2e-3f);
  for (size_t i = 1; i < 12; ++i)
    EXPECT_NEAR(values[i], values[i - 1], i == kFlash || i == kFlash + 1 ? 0.3f : 0.1f) << i;
  // Live there is no frame to wait for.
  options_.stabilizer.lookahead = 0;
  Middle();
  EXPECT_EQ(report_.shots, 3);
}

TEST_F(StabilizeDepthJob, BadInputLeavesNothing) {
  options_.color_video = dir_ / "none.mkv";
  ExpectError(Code::kNotFound, "none.mkv", [&] { Middle(); });
  ClipShape other = shape_;
  other.width = 98;
  MakeColor(dir_ / "other.mkv", other);
  options_.color_video = dir_ / "other.mkv";
  ExpectError(Code::kCorrupt, "98x64", [&] { Middle(); });
  other = shape_;
  other.frames = 7;
  MakeColor(dir_ / "short.mkv", other);
  options_.color_video = dir_ / "short.mkv";
  ExpectError(Code::kCorrupt, "7 frames", [&] { Middle(); });
  options_.color_video = color_;
  WriteFovFile(dir_ / "fovs.json", {50, 50, 50});
  options_.fov.xfov_file = dir_ / "fovs.json";
  ExpectError(Code::kCorrupt, "field of view of 3 frames", [&] { Middle(); });
  options_.fov.xfov_file.clear();
  options_.output = depth_;
  ExpectError(Code::kInvalidArgument, "input", [&] { Middle(); });
  options_.output = dir_ / "stable.mkv";
  options_.depth_video = color_;
  ExpectError(Code::kRefused, "color.mkv", [&] { Middle(); });
  options_.depth_video = depth_;
  options_.stabilizer.kind = StabilizerKind::kNone;
  ExpectError(Code::kInvalidArgument, "nothing to do", [&] { Middle(); });
  options_.stabilizer.kind = StabilizerKind::kNvds;
  ExpectError(Code::kInvalidArgument, "nvds_backbone", [&] { Middle(); });
  EXPECT_FALSE(std::filesystem::exists(options_.output));
}

TEST_F(StabilizeDepthJob, IsAnOptionAfterAnyEngine) {
  MonoToSbsJobOptions stereo;
  stereo.input = color_;
  stereo.output = dir_ / "sbs.mp4";
  stereo.source.file.path = depth_;
  stereo.source.own.Of<StabilizeOptions>().kind = StabilizerKind::kFlow;
  stereo.source.own.Of<StabilizeOptions>().lookahead = 2;
  EXPECT_EQ(RunMonoToSbsJob(stereo).frames, 12);
  DepthJobOptions depth;
  depth.color_video = color_;
  depth.output = dir_ / "found.mkv";
  depth.fov.xfov_deg = 60;
  depth.source.own.Of<StabilizeOptions>().kind = StabilizerKind::kFlow;
  EXPECT_EQ(RunDepthJob(depth).frames, 12);
}

}  // namespace
}  // namespace mdvt::test
