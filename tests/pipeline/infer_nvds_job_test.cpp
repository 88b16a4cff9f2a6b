// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/infer_nvds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/core/json.h"
#include "mdvt/io/image_file.h"
#include "mdvt/pipeline/calibrate.h"
#include "mdvt/pipeline/network_video.h"
#include "mdvt/pipeline/stabilize.h"
#include "pipeline/network_parts.h"
#include "support/log_catcher.h"
#include "support/pictures.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

class InferNvdsJob : public ::testing::Test {
 protected:
  static constexpr int kFrames = 9;

  void SetUp() override {
    fs::create_directories(dir_.path() / "videos/clip/left");
    for (int i = 0; i < kFrames; ++i) {
      const Image picture = MakePicture(PixelFormat::Rgb(8), 64, 32, [&](int c, int x, int y) {
        return static_cast<int>(128 + 60 * std::sin(0.3 * (x + i) + c) + 50 * std::cos(0.4 * y));
      });
      std::string number = std::to_string(i + 7);  // from any number on
      number.insert(0, 6 - number.size(), '0');
      WritePng(dir_ / ("videos/clip/left/frame_" + number + ".png"), picture.view());
    }
    options_.video_dir = dir_ / "videos";
    options_.vnum = "clip";
    options_.base_dir = dir_ / "out/clip";
    options_.backbone = MakePart(dir_.path().string(), "backbone");
    options_.head = MakePart(dir_.path().string(), "head");
    options_.nvds_trust_model = true;
    options_.model.path = MakePart(dir_.path().string(), "luma");
    options_.model.trust_model = true;
    options_.infer_w = 64;
    options_.infer_h = 32;
    options_.job.num_threads = 2;
    fs::create_directories(dir_.path() / "out");
  }
  Image Gray(const std::string& kind, int frame) const {
    return ReadImageFile(options_.base_dir + "/" + kind + "/gray/frame_00000" +
                         std::to_string(frame) + ".png");
  }
  const TempDir dir_;
  InferNvdsJobOptions options_;
};

TEST_F(InferNvdsJob, WritesTheFoldersOfTheOriginal) {
  const InferNvdsReport report = RunInferNvdsJob(options_);
  EXPECT_EQ(report.frames, kFrames);
  EXPECT_EQ(report.width, 64);
  EXPECT_EQ(report.height, 32);
  EXPECT_EQ(report.encoded, kFrames);  // each frame once, for both passes
  for (const char* kind : {"initial", "1", "2", "mix"})
    for (int frame = 0; frame < kFrames; ++frame) {
      const Image gray = Gray(kind, frame);
      EXPECT_EQ(gray.format(), PixelFormat::Gray(16));
      EXPECT_EQ(gray.width(), 64);
      int least = 65535, most = 0;
      for (int y = 0; y < 32; ++y)
        for (int x = 0; x < 64; ++x) {
          least = std::min<int>(least, gray.Plane<uint16_t>().At(x, y));
          most = std::max<int>(most, gray.Plane<uint16_t>().At(x, y));
        }
      EXPECT_EQ(least, 0);
      EXPECT_EQ(most, 65535);
      EXPECT_EQ(ReadImageFile(options_.base_dir + "/" + kind + "/color/00000" +
                              std::to_string(frame) + ".png")
                    .format(),
                PixelFormat::Rgb(8));
    }
  // Lines 1, 3, -3 and -1 have the figures.
  std::vector<std::string> lines;
  std::string text = ReadText(options_.base_dir + "/result.txt");
  EXPECT_NE(text.back(), '\n');
  for (size_t at = 0; at != std::string::npos && at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  ASSERT_EQ(lines.size(), 8u);
  EXPECT_EQ(lines[0], "**********initial**********");
  EXPECT_EQ(lines[2], "**********forward**********");
  EXPECT_EQ(lines[6], "**********Mixing**********");
  EXPECT_NE(lines[7].find(",frames:9"), std::string::npos);
  const json::Value result =
      json::Parse(ReadText(options_.base_dir + "/result.json"), {}, "result");
  EXPECT_NEAR(result.At("mix").At("opw").AsDouble(), *report.mix_opw, 1e-12);
  EXPECT_NEAR(std::stod(lines[1].substr(4)) / kFrames, report.initial_opw, 1e-9);
  const json::Value meta =
      json::Parse(ReadText(options_.base_dir + "/depth_meta.json"), {}, "meta");
  EXPECT_EQ(meta.At("low_high").At("mix").size(), static_cast<size_t>(kFrames));
}

// The head's mean of four frames by hand.
TEST_F(InferNvdsJob, TheForwardPassSeesThreeFramesBefore) {
  options_.timesall = 1;
  options_.startup = NvdsStartup::kRepeat;
  const InferNvdsReport report = RunInferNvdsJob(options_);
  EXPECT_FALSE(report.mix_opw.has_value());
  EXPECT_FALSE(fs::exists(options_.base_dir + "/2"));
  EXPECT_FALSE(fs::exists(options_.base_dir + "/mix"));
  const json::Value meta =
      json::Parse(ReadText(options_.base_dir + "/depth_meta.json"), {}, "meta");
  const auto map = [&](const char* kind, int frame) {
    const auto& range =
        meta.At("low_high").At(kind).AsArray()[static_cast<size_t>(frame)].AsArray();
    const double low = range[0].AsDouble(), high = range[1].AsDouble();
    const Image gray = Gray(kind, frame);
    std::vector<double> values;
    for (int y = 0; y < 32; ++y)
      for (int x = 0; x < 64; ++x)
        values.push_back(low + (high - low) * gray.Plane<uint16_t>().At(x, y) / 65535);
    return values;
  };
  for (const int frame : {1, 6}) {
    std::vector<double> expected(64 * 32, 0);
    for (int back = 0; back < 4; ++back) {
      const int source = frame < 3 ? frame : frame - back;
      const std::vector<double> initial = map("initial", source);
      const auto [low, high] = std::minmax_element(initial.begin(), initial.end());
      for (int y = 0; y < 32; ++y)
        for (int x = 0; x < 64; ++x)
          for (int v = 0; v < 4; ++v)
            for (int u = 0; u < 4; ++u)
              expected[static_cast<size_t>(y * 64 + x)] +=
                  (initial[static_cast<size_t>((y / 4 * 4 + v) * 64 + x / 4 * 4 + u)] - *low) /
                  (*high - *low) / 64;
    }
    const std::vector<double> found = map("1", frame), luma = map("initial", frame);
    for (size_t i = 0; i < found.size(); ++i)
      ASSERT_NEAR(found[i], expected[i] + 0.01 * (luma[i] - 0.1), 1e-4) << frame << " " << i;
  }
}

TEST_F(InferNvdsJob, TheCacheChangesNothing) {
  options_.clip_step = 2;
  RunInferNvdsJob(options_);
  std::vector<std::string> expected;
  for (int frame = 0; frame < kFrames; ++frame)
    expected.push_back(
        ReadText(options_.base_dir + "/mix/gray/frame_00000" + std::to_string(frame) + ".png"));
  const std::string texts = ReadText(options_.base_dir + "/result.txt");
  options_.cache_mb = 0;
  options_.job.num_threads = 1;
  const InferNvdsReport report = RunInferNvdsJob(options_);
  EXPECT_GT(report.encoded, kFrames);
  for (int frame = 0; frame < kFrames; ++frame)
    EXPECT_EQ(
        ReadText(options_.base_dir + "/mix/gray/frame_00000" + std::to_string(frame) + ".png"),
        expected[static_cast<size_t>(frame)]);
  EXPECT_EQ(ReadText(options_.base_dir + "/result.txt"), texts);  // not appended to
}

TEST_F(InferNvdsJob, AsTheOriginalAndFromGivenDisparity) {
  options_.direction = NvdsDirection::kMix;
  options_.startup = NvdsStartup::kRepeat;
  options_.quantize = true;
  options_.norm = NvdsRange::kClip;
  RunInferNvdsJob(options_);
  options_.model = DepthModelOptions();
  options_.initial_dir = options_.base_dir + "/initial/gray";
  InferNvdsJobOptions again = options_;
  again.base_dir = dir_ / "out/again";
  again.job.max_frames = 4;
  EXPECT_EQ(RunInferNvdsJob(again).frames, 4);
  again.base_dir = dir_ / "out/short";
  fs::create_directories(dir_.path() / "few");
  fs::copy(options_.initial_dir + "/frame_000000.png", dir_ / "few/frame_000000.png");
  again.initial_dir = dir_ / "few";
  ExpectError(Code::kCorrupt, "has 1 picture", [&] { RunInferNvdsJob(again); });
  EXPECT_FALSE(fs::exists(dir_ / "out/short"));

  // Not over what is read, not of another clip, not of colors.
  ExpectError(Code::kInvalidArgument, "is one of the inputs", [&] { RunInferNvdsJob(options_); });
  fs::copy(options_.initial_dir, dir_ / "many");
  fs::copy(options_.initial_dir + "/frame_000000.png", dir_ / "many/frame_000009.png");
  again = options_;
  again.base_dir = dir_ / "out/many";
  again.initial_dir = dir_ / "many";
  ExpectError(Code::kCorrupt, "many' goes on after 9 frames", [&] { RunInferNvdsJob(again); });
  again.initial_dir = options_.base_dir + "/initial/color";
  ExpectError(Code::kCorrupt, "is a picture in color", [&] { RunInferNvdsJob(again); });
  WritePng(dir_ / "few/frame_000000.png",
           MakePicture(PixelFormat::Gray(16), 32, 64, [](int, int, int) { return 5; }).view());
  again.initial_dir = dir_ / "few";
  ExpectError(Code::kCorrupt, "the same proportions", [&] { RunInferNvdsJob(again); });
  EXPECT_FALSE(fs::exists(dir_ / "out/many"));
}

TEST_F(InferNvdsJob, TellsPicturesOfAnotherRun) {
  RunInferNvdsJob(options_);
  options_.job.max_frames = 4;
  options_.timesall = 1;
  const LogCatcher log;
  RunInferNvdsJob(options_);
  EXPECT_TRUE(log.Says("/1/gray/frame_000004.png' and what follows it there are of another run"));
  EXPECT_TRUE(log.Says("/2/gray/frame_000000.png'"));
}

// The codes are whole numbers: 65535 (d - least) / (most - least), cut down.
TEST_F(InferNvdsJob, PicturesAreCutDownToWholeCodes) {
  constexpr int kLeast = 1000, kRange = 2000;
  fs::create_directories(dir_.path() / "given");
  // None of a hundredth of a code beside a whole one, where single precision decides.
  const auto given = [](int x, int y) {
    int g = (37 * (64 * y + x)) % (kRange + 1);
    const auto rest = [&] { return 65535 * int64_t{g} % kRange; };
    while (g != 0 && g != kRange && (rest() < kRange / 100 || rest() > kRange - kRange / 100)) ++g;
    return kLeast + g;
  };
  const auto full = [](int x, int y) { return (64 * y + x) * 32 + (y == 31 && x == 63 ? 31 : 0); };
  WritePng(dir_ / "given/0.png", MakePicture(PixelFormat::Gray(16), 64, 32, [&](int, int x, int y) {
                                   return given(x, y);
                                 }).view());
  WritePng(dir_ / "given/1.png", MakePicture(PixelFormat::Gray(16), 64, 32, [&](int, int x, int y) {
                                   return full(x, y);
                                 }).view());
  WritePng(dir_ / "given/2.png",
           MakePicture(PixelFormat::Gray(16), 64, 32, [](int, int, int) { return 777; }).view());
  options_.model = DepthModelOptions();
  options_.initial_dir = dir_ / "given";
  options_.job.max_frames = 3;
  RunInferNvdsJob(options_);
  int would_round_up = 0, least = 65535, most = 0;
  const Image first = Gray("initial", 0);
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 64; ++x) {
      const int64_t times = int64_t{65535} * (given(x, y) - kLeast), code = times / kRange;
      ASSERT_EQ(first.Plane<uint16_t>().At(x, y), code) << x << " " << y;
      would_round_up += times % kRange > kRange / 2 ? 1 : 0;
      least = std::min<int>(least, first.Plane<uint16_t>().At(x, y));
      most = std::max<int>(most, first.Plane<uint16_t>().At(x, y));
    }
  EXPECT_GT(would_round_up, 800);
  EXPECT_EQ(least, 0);
  EXPECT_EQ(most, 65535);
  // Codes over the whole range come out as they came in.
  const Image second = Gray("initial", 1);
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 64; ++x) ASSERT_EQ(second.Plane<uint16_t>().At(x, y), full(x, y));
  // One value is black, in colors too, and no figure is lost over it.
  const Image third = Gray("initial", 2);
  const Image color = ReadImageFile(options_.base_dir + "/initial/color/000002.png");
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 64; ++x) {
      ASSERT_EQ(third.Plane<uint16_t>().At(x, y), 0);
      for (int c = 0; c < 3; ++c)
        ASSERT_EQ(color.Plane<uint8_t>(c).At(x, y), color.Plane<uint8_t>(c).At(0, 0));
    }
  for (const char* name : {"result.txt", "result.json", "depth_meta.json"}) {
    const std::string text = ReadText(options_.base_dir + "/" + name);
    EXPECT_EQ(text.find("nan"), std::string::npos) << text;
    EXPECT_EQ(text.find("inf"), std::string::npos) << text;
    EXPECT_EQ(text.find("null"), std::string::npos) << text;
  }
  const json::Value meta =
      json::Parse(ReadText(options_.base_dir + "/depth_meta.json"), {}, "meta");
  const auto& range = meta.At("low_high").At("initial").AsArray()[2].AsArray();
  EXPECT_EQ(range[0].AsDouble(), range[1].AsDouble());
  EXPECT_NEAR(range[0].AsDouble(), 777 / 65535.0, 1e-6);
}

TEST_F(InferNvdsJob, ClipsOfAVideoAndOfOneFrame) {
  MakeColor(dir_ / "c.mkv", ClipShape());
  options_.vnum.clear();
  options_.color_video = dir_ / "c.mkv";
  options_.infer_w.reset();
  for (const int64_t frames : {1, 2, 3}) {
    options_.job.max_frames = frames;
    options_.base_dir = dir_ / ("out/" + std::to_string(frames));
    const InferNvdsReport report = RunInferNvdsJob(options_);
    EXPECT_EQ(report.frames, frames);
    EXPECT_EQ(report.width, 64);  // 96 x 64 at a height of 32, in steps of 32
  }
}

TEST_F(InferNvdsJob, BadInputLeavesNothing) {
  const auto fails = [&](Code code, const std::string& part, const InferNvdsJobOptions& options) {
    ExpectError(code, part, [&] { RunInferNvdsJob(options); });
    EXPECT_FALSE(fs::exists(options_.base_dir)) << part;
  };
  InferNvdsJobOptions bad = options_;
  bad.vnum = "none";
  fails(Code::kNotFound, "none/left", bad);
  bad.vnum = "../clip";
  fails(Code::kInvalidArgument, "not a path", bad);
  bad = options_;
  bad.infer_w = 50;
  fails(Code::kInvalidArgument, "multiples of 32", bad);
  bad = options_;
  std::swap(bad.backbone, bad.head);
  fails(Code::kUnsupported, "is not the backbone", bad);
  bad = options_;
  bad.model.path.clear();
  fails(Code::kInvalidArgument, "first disparity", bad);
  bad = options_;
  bad.timesall = 1;
  bad.direction = NvdsDirection::kMix;
  fails(Code::kInvalidArgument, "forward pass alone", bad);
  bad = options_;
  bad.nvds_trust_model = false;
  fails(Code::kRefused, "backbone.part", bad);
  WritePng(dir_ / "videos/clip/left/frame_000099.png",
           MakePicture(PixelFormat::Rgb(8), 32, 32, [](int, int, int) { return 5; }).view());
  fails(Code::kCorrupt, "same size", options_);
  WritePng(dir_ / "videos/clip/left/other_000099.png",
           MakePicture(PixelFormat::Rgb(8), 64, 32, [](int, int, int) { return 5; }).view());
  fails(Code::kCorrupt, "the same number", options_);
}

TEST_F(InferNvdsJob, Pic2vPutsColumnsBesideEachOther) {
  for (const char* column : {"dpt_init", "midas_init"}) {
    options_.base_dir = dir_ / (std::string("results/") + column + "/clip");
    fs::create_directories(dir_.path() / "results" / column);
    RunInferNvdsJob(options_);
  }
  CompareNvdsJobOptions compare;
  compare.vnum = "clip";
  compare.video_dir = dir_ / "videos";
  compare.results_dir = dir_ / "results";
  compare.output = dir_ / "compare.mkv";
  compare.infer_w = 64;
  compare.infer_h = 32;
  const CompareNvdsReport report = RunCompareNvdsJob(compare);
  EXPECT_EQ(report.frames, kFrames);
  EXPECT_EQ(report.width, 128);
  EXPECT_EQ(report.height, 96);
  VideoReaderOptions reading;
  reading.format = PixelFormat::Rgb(8);
  VideoReader reader(compare.output, reading);
  EXPECT_EQ(reader.info().frame_rate, (Rational{24, 1}));
  const std::optional<Frame> first = reader.Read();
  const Image color = ReadImageFile(dir_ / "results/midas_init/clip/mix/color/000000.png");
  double error = 0;
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 64; ++x)
      error += std::abs(first->image.Plane<uint8_t>(0).At(64 + x, 64 + y) -
                        color.Plane<uint8_t>(0).At(x, y)) /
               2048.0;
  EXPECT_LT(error, 12);  // H.264 with chroma of a quarter
  fs::remove(dir_ / "results/midas_init/clip/mix/color/000008.png");
  ExpectError(Code::kCorrupt, "has 8 pictures", [&] { RunCompareNvdsJob(compare); });
  compare.columns = "dpt_init,,";
  ExpectError(Code::kInvalidArgument, "columns", [&] { RunCompareNvdsJob(compare); });
  compare.columns = "dpt_init";
  EXPECT_EQ(RunCompareNvdsJob(compare).width, 64);
}

TEST_F(InferNvdsJob, NvdsIsAStabilizerOfDepthVideosToo) {
  ClipShape shape;
  MakeColor(dir_ / "c.mkv", shape);
  MakeDepth(dir_ / "d.mkv", shape, BoxOnWall(shape, 2, 8));
  StabilizeDepthJobOptions stabilize;
  stabilize.depth_video = dir_ / "d.mkv";
  stabilize.color_video = dir_ / "c.mkv";
  stabilize.output = dir_ / "s.mkv";
  stabilize.stabilizer.kind = StabilizerKind::kNvds;
  stabilize.stabilizer.nvds_backbone = options_.backbone;
  stabilize.stabilizer.nvds_head = options_.head;
  stabilize.stabilizer.nvds_trust_model = true;
  EXPECT_EQ(RunStabilizeDepthJob(stabilize).frames, 6);
  DepthVideoReader reader(stabilize.output);
  const Image first = reader.Read()->depth;
  // Fitted to the input's metres again.
  EXPECT_NEAR(first.Plane<float>().At(48, 32), 2, 0.3);
  EXPECT_NEAR(first.Plane<float>().At(5, 5), 8, 1.5);
}

// ---- Networks that are told the camera, and those of windows.

TEST_F(InferNvdsJob, UnidepthSeesTheRaysOfTheCamera) {
  ClipShape shape;
  MakeColor(dir_ / "c.mkv", shape);
  UnidepthVideoJobOptions unidepth;
  unidepth.depth.color_video = dir_ / "c.mkv";
  unidepth.output_dir = dir_ / "out";
  unidepth.depth.source.model.path = MakePart(dir_.path().string(), "rays");
  unidepth.depth.source.model.trust_model = true;
  ExpectError(Code::kInvalidArgument, "field of view has to be given",
              [&] { RunNetworkVideoJob(unidepth); });
  unidepth.depth.fov.xfov_deg = 90;
  const DepthJobReport report = RunNetworkVideoJob(unidepth);
  EXPECT_EQ(report.frames, 6);
  EXPECT_EQ(report.output, dir_ / "out/c.mkv_depth.mkv");
  DepthVideoReader reader(report.output);
  EXPECT_NEAR(*reader.tags().xfov_deg, 90, 1e-9);
  const Image depth = reader.Read()->depth;
  for (const int x : {0, 48, 95}) {
    const double u = (x + 0.5 - 48) / 48, v = (10 + 0.5 - 32) / 48;
    EXPECT_NEAR(depth.Plane<float>().At(x, 10), 2 * std::sqrt(1 + u * u + v * v), 0.003) << x;
  }
  unidepth.depth.source.model.path = options_.model.path;
  ExpectError(Code::kUnsupported, "relative depth", [&] { RunNetworkVideoJob(unidepth); });
}

TEST_F(InferNvdsJob, WindowedNetworksAreCalibratedInEveryWay) {
  ClipShape shape;
  shape.frames = 20;
  MakeColor(dir_ / "c.mkv", shape);
  DepthJobOptions depth;
  depth.color_video = dir_ / "c.mkv";
  depth.output = dir_ / "d.mkv";
  depth.source.model.path = MakePart(dir_.path().string(), "window");
  depth.source.model.trust_model = true;
  CalibrationOptions& calibrate = depth.source.own.Of<CalibrationOptions>();
  DepthJobReport report = RunDepthJob(depth);
  EXPECT_EQ(report.frames, 20);
  EXPECT_EQ(report.model, "window");
  // Metric depth by a network of single pictures: both see the same gray, so that a line fits.
  calibrate.metric_model = MakePart(dir_.path().string(), "rays");
  depth.fov.xfov_deg = 90;
  for (const CalibrationMode mode : {CalibrationMode::kFirst32, CalibrationMode::kGlobal,
                                     CalibrationMode::kRolling, CalibrationMode::kWindow}) {
    calibrate.mode = mode;
    report = RunDepthJob(depth);
    EXPECT_EQ(report.frames, 20);
    EXPECT_TRUE(report.calibration.has_value());
  }
  calibrate.mode = CalibrationMode::kNone;
  ExpectError(Code::kInvalidArgument, "calib none", [&] { RunDepthJob(depth); });
  calibrate.metric_model.clear();
  calibrate.mode = CalibrationMode::kWindow;
  ExpectError(Code::kInvalidArgument, "need something to calibrate by",
              [&] { RunDepthJob(depth); });
}

// A depth video of what the network sees, times two: every mode finds it.
TEST_F(InferNvdsJob, AReferenceVideoIsFoundAgain) {
  ClipShape shape;
  shape.frames = 14;
  MakeColor(dir_ / "c.mkv", shape);
  const std::string model = MakePart(dir_.path().string(), "window");
  DepthJobOptions depth;
  depth.color_video = dir_ / "c.mkv";
  depth.output = dir_ / "first.mkv";
  depth.source.model.path = model;
  depth.source.model.trust_model = true;
  depth.source.scene_scale = 5;
  RunDepthJob(depth);
  depth.source.scene_scale = DepthSourceOptions().scene_scale;
  CalibrationOptions& calibrate = depth.source.own.Of<CalibrationOptions>();
  depth.reference_depth = dir_ / "first.mkv";
  depth.output = dir_ / "second.mkv";
  for (const CalibrationMode mode : {CalibrationMode::kFirst32, CalibrationMode::kGlobal,
                                     CalibrationMode::kRolling, CalibrationMode::kWindow}) {
    calibrate.mode = mode;
    RunDepthJob(depth);
    DepthVideoReader first(dir_ / "first.mkv"), second(dir_ / "second.mkv");
    while (std::optional<DepthFrame> a = first.Read()) {
      const std::optional<DepthFrame> b = second.Read();
      ASSERT_TRUE(b.has_value());
      for (int x = 4; x < 92; x += 11) {
        const double z = static_cast<double>(a->depth.Plane<float>().At(x, 30));
        EXPECT_NEAR(b->depth.Plane<float>().At(x, 30), z, 0.02 * z) << static_cast<int>(mode);
      }
    }
  }
}

}  // namespace
}  // namespace mdvt::test
