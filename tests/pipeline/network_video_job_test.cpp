// SPDX-License-Identifier: Apache-2.0
//
// Metric networks of every family, the field of view that some of them tell, and depth that is
// enlarged by a network.
#include "mdvt/pipeline/network_video.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/pipeline/calibrate.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "mdvt/pipeline/optical_flow.h"
#include "mdvt/pipeline/stabilize.h"
#include "mdvt/pipeline/tools.h"
#include "mdvt/pipeline/upscale_depth.h"
#include "pipeline/network_parts.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

constexpr int kWidth = 96, kHeight = 64;

class NetworkVideoJob : public ::testing::Test {
 protected:
  // Frame i is gray: 40 + 20 i of 255 everywhere.
  static int GrayOf(int frame) { return 40 + 20 * frame; }

  void SetUp() override {
    VideoWriterOptions options;
    options.codec = VideoCodec::kFfv1;
    options.frame_rate = {24, 1};
    options.time_base = {1, 24};
    VideoWriter writer(dir_ / "c.mkv", PixelFormat::Rgb(8), kWidth, kHeight, options);
    for (int i = 0; i < 6; ++i) {
      Image image(PixelFormat::Rgb(8), kWidth, kHeight);
      for (int c = 0; c < 3; ++c)
        for (int y = 0; y < kHeight; ++y)
          std::fill_n(image.MutablePlane<uint8_t>(c).Row(y), kWidth,
                      static_cast<uint8_t>(GrayOf(i)));
      writer.Write(image, i, 1);
    }
    writer.Finish();
  }
  // Frames of a clip of two scenes, the second from frame 22 on.
  void MakeCutClip(int begin, int end, const char* name = "cut.mkv") {
    VideoWriterOptions writing;
    writing.codec = VideoCodec::kFfv1;
    writing.frame_rate = {24, 1};
    writing.time_base = {1, 24};
    VideoWriter writer(dir_ / name, PixelFormat::Rgb(8), kWidth, kHeight, writing);
    for (int i = begin; i < end; ++i) {
      Image image(PixelFormat::Rgb(8), kWidth, kHeight);
      for (int c = 0; c < 3; ++c)
        for (int y = 0; y < kHeight; ++y)
          for (int x = 0; x < kWidth; ++x)
            image.MutablePlane<uint8_t>(c).At(x, y) = static_cast<uint8_t>(i < 22   ? 60 + x
                                                                           : c == 0 ? 230 - y
                                                                                    : 20 + i);
      writer.Write(image, i - begin, 1);
    }
    writer.Finish();
  }
  void Take(NetworkVideoJobOptions* options, const std::string& part) {
    options->depth.color_video = dir_ / "c.mkv";
    options->depth.output = dir_ / (part + ".mkv");
    options->depth.source.model.path = MakePart(dir_.path().string(), part);
    options->depth.source.model.trust_model = true;
    options->depth.job.num_threads = 2;
    options->depth.max_depth = 8;
  }
  static double Focal(int frame) { return 50 + 100 * GrayOf(frame) / 255.0; }
  static double Xfov(double focal) { return 360 / M_PI * std::atan(kWidth / 2 / focal); }
  static std::vector<double> DepthsOf(const std::string& path) {
    std::vector<double> depths;
    DepthVideoReader reader(path);
    while (std::optional<DepthFrame> frame = reader.Read())
      depths.push_back(static_cast<double>(std::as_const(frame->depth).Plane<float>().At(48, 32)));
    return depths;
  }

  const TempDir dir_;
};

TEST_F(NetworkVideoJob, TheFieldOfViewIsWhatTheNetworkTells) {
  DepthProVideoJobOptions options;
  Take(&options, "focal");
  FovTrackOptions& track = options.depth.source.own.Of<FovTrackOptions>();
  const std::string xfovs = options.depth.output + "_xfovs.json";

  // One for the clip: the median, the upper one of two.
  DepthJobReport report = RunNetworkVideoJob(options);
  EXPECT_EQ(report.frames, 6);
  EXPECT_NEAR(report.xfov_deg, Xfov(Focal(2)), 1e-4);
  std::vector<double> found = ReadFovFile(xfovs), depths = DepthsOf(report.output);
  ASSERT_EQ(found.size(), 6u);
  for (int i = 0; i < 6; ++i) {
    EXPECT_NEAR(found[static_cast<size_t>(i)], report.xfov_deg, 1e-6);
    EXPECT_NEAR(depths[static_cast<size_t>(i)], GrayOf(i) / 255.0 * Focal(2) / 100, 2e-4);
  }
  EXPECT_NEAR(*DepthVideoReader(report.output).tags().xfov_deg, report.xfov_deg, 1e-9);

  track.mode = FovMode::kPerFrame;
  report = RunNetworkVideoJob(options);
  found = ReadFovFile(xfovs);
  depths = DepthsOf(report.output);
  for (int i = 0; i < 6; ++i) {
    EXPECT_NEAR(found[static_cast<size_t>(i)], Xfov(Focal(i)), 1e-4) << i;
    EXPECT_NEAR(depths[static_cast<size_t>(i)], GrayOf(i) / 255.0 * Focal(i) / 100, 2e-4) << i;
  }

  track.mode = FovMode::kSmooth;
  RunNetworkVideoJob(options);
  found = ReadFovFile(xfovs);
  double focal = std::log(Focal(0));
  for (int i = 0; i < 6; ++i) {
    focal = 0.9 * focal + 0.1 * std::log(Focal(i));
    EXPECT_NEAR(found[static_cast<size_t>(i)], Xfov(std::exp(focal)), 1e-3) << i;
  }

  // What is given wins.
  track.mode = FovMode::kClipMedian;
  options.depth.fov.xfov_deg = 90;
  report = RunNetworkVideoJob(options);
  depths = DepthsOf(report.output);
  EXPECT_NEAR(depths[3], GrayOf(3) / 255.0 * 48 / 100, 2e-4);
  EXPECT_NEAR(ReadFovFile(xfovs)[5], 90, 1e-9);
  options.depth.fov = {};
  options.depth.fov.xfov_file = dir_ / "zoom.json";
  std::ofstream(options.depth.fov.xfov_file) << "[90, 80, 70, 60, 50, 40]";
  report = RunNetworkVideoJob(options);
  depths = DepthsOf(report.output);
  for (int i = 0; i < 6; ++i)
    EXPECT_NEAR(depths[static_cast<size_t>(i)],
                GrayOf(i) / 255.0 * 48 / std::tan((90 - 10 * i) * M_PI / 360) / 100, 2e-4)
        << i;
}

// The list counts the frames of the clip, not those that are kept; what is written counts these.
TEST_F(NetworkVideoJob, AListOfFieldsOfViewIsOfTheFramesOfTheClip) {
  UnidepthVideoJobOptions options;
  Take(&options, "rays");
  options.depth.max_depth = 20;
  options.depth.target_fps = 12;
  options.depth.fov.xfov_file = dir_ / "zoom.json";
  std::ofstream(options.depth.fov.xfov_file) << "[90, 80, 70, 60, 50, 40]";
  for (const int64_t most : {-1, 2}) {
    options.depth.job.max_frames = most;
    EXPECT_EQ(RunNetworkVideoJob(options).frames, most < 0 ? 3 : 2);
    DepthVideoReader reader(options.depth.output);
    std::vector<double> written;
    for (int i = 0; i < (most < 0 ? 3 : 2); ++i) {
      const double focal = 48 / std::tan((90 - 20 * i) * M_PI / 360);
      const double u = (0.5 - 48) / focal, v = (0.5 - 32) / focal;
      EXPECT_NEAR(static_cast<double>(reader.Read()->depth.Plane<float>().At(0, 0)),
                  2 * std::sqrt(1 + u * u + v * v), 1e-3)
          << i;
      written.push_back(90 - 20 * i);
    }
    const std::vector<double> track = ReadFovFile(options.depth.output + "_xfovs.json");
    ASSERT_EQ(track.size(), written.size());
    for (size_t i = 0; i < written.size(); ++i) EXPECT_NEAR(track[i], written[i], 1e-9);
  }
  // One that is too short is told before anything is computed.
  options.depth.job.max_frames = -1;
  std::ofstream(options.depth.fov.xfov_file) << "[90, 80, 70]";
  ExpectError(Code::kCorrupt, "zoom.json", [&] { RunNetworkVideoJob(options); });
}

TEST_F(NetworkVideoJob, AStreamForgetsAtACut) {
  MakeCutClip(0, 40);
  VideoDepthMetricJobOptions options;
  Take(&options, "stream");
  options.depth.color_video = dir_ / "cut.mkv";
  options.depth.max_depth = 50;
  options.depth.source.model.vda_mode = VdaMode::kStream;
  EXPECT_EQ(RunNetworkVideoJob(options).frames, 40);
  const std::vector<double> depths = DepthsOf(options.depth.output);
  ASSERT_EQ(depths.size(), 40u);
  for (int i = 0; i < 40; ++i)
    EXPECT_NEAR(depths[static_cast<size_t>(i)], i < 22 ? i + 1 : i - 21, 1e-3) << i;
  options.depth.source.model.vda_cuts = SceneCuts::kOff;
  RunNetworkVideoJob(options);
  EXPECT_NEAR(DepthsOf(options.depth.output)[39], 40, 1e-3);

  options.depth.source.model.batch = 2;
  ExpectError(Code::kInvalidArgument, "one frame after another",
              [&] { RunNetworkVideoJob(options); });
  options.depth.source.model.batch = 1;
  options.depth.source.model.vda_mode = VdaMode::kWindow;
  ExpectError(Code::kUnsupported, "needs \"depth_video\"", [&] { RunNetworkVideoJob(options); });
  MogeVideoJobOptions moge;
  Take(&moge, "stream");
  ExpectError(Code::kUnsupported, "sees a stream of frames", [&] { RunNetworkVideoJob(moge); });
}

// The scene behind the cut is the same video as one of its own, and the cut is looked for.
TEST_F(NetworkVideoJob, WindowsEndAtACut) {
  MakeCutClip(0, 40);
  MakeCutClip(22, 40, "second.mkv");
  const auto run = [&](const char* clip, SceneCuts cuts, int threads) {
    DepthJobOptions depth;
    depth.color_video = dir_ / clip;
    depth.output = dir_ / "out.mkv";
    depth.source.model.path = MakePart(dir_.path().string(), "window");
    depth.source.model.trust_model = true;
    depth.source.model.vda_cuts = cuts;
    depth.job.num_threads = threads;
    RunDepthJob(depth);
    return DepthsOf(depth.output);
  };
  const std::vector<double> alone = run("second.mkv", SceneCuts::kAuto, 1);
  for (const int threads : {1, 3}) {
    const std::vector<double> whole = run("cut.mkv", SceneCuts::kAuto, threads);
    ASSERT_EQ(whole.size(), 40u);
    EXPECT_EQ(std::vector<double>(whole.begin() + 22, whole.end()), alone);
  }
  const std::vector<double> joined = run("cut.mkv", SceneCuts::kOff, 1);
  EXPECT_NE(std::vector<double>(joined.begin() + 22, joined.end()), alone);
}

// Each scene is fitted to the reference by itself, in whatever way.
TEST_F(NetworkVideoJob, EveryCalibrationStartsAnewAtACut) {
  MakeCutClip(0, 40);
  ClipShape shape;
  shape.width = kWidth, shape.height = kHeight, shape.frames = 40;
  // Half as deep behind the cut: what one line for both scenes cannot be.
  MakeDepth(dir_ / "reference.mkv", shape, [](int i, int x, int y) {
    const int gray = i < 22 ? 60 + x : (230 - y + 2 * (20 + i)) / 3;
    return 1 / ((i < 22 ? 1.0f : 2.0f) * (0.1f + 0.5f * static_cast<float>(gray) / 255));
  });
  const auto depth_of = [](int i) {
    const double gray = i < 22 ? 60 + 48 : (230 - 32 + 2 * (20 + i)) / 3.0;
    return 1 / ((i < 22 ? 1 : 2) * (0.1 + 0.5 * gray / 255));
  };
  for (const CalibrationMode mode : {CalibrationMode::kFirst32, CalibrationMode::kGlobal,
                                     CalibrationMode::kRolling, CalibrationMode::kWindow}) {
    SCOPED_TRACE(static_cast<int>(mode));
    DepthJobOptions depth;
    depth.color_video = dir_ / "cut.mkv";
    depth.output = dir_ / "out.mkv";
    depth.reference_depth = dir_ / "reference.mkv";
    depth.source.own.Of<CalibrationOptions>().mode = mode;
    depth.source.model.path = MakePart(dir_.path().string(), "window");
    depth.source.model.trust_model = true;
    RunDepthJob(depth);
    const std::vector<double> found = DepthsOf(depth.output);
    ASSERT_EQ(found.size(), 40u);
    for (int i = 0; i < 40; ++i)
      EXPECT_NEAR(found[static_cast<size_t>(i)], depth_of(i), 0.01 * depth_of(i)) << i;
  }
}

TEST_F(NetworkVideoJob, EachProgramNamesTheExporterOfItsNetwork) {
  const std::vector<std::pair<NetworkFamily, const char*>> all = {
      {NetworkFamily::kUnidepth, "models/export/unidepth.py"},
      {NetworkFamily::kVideoDepthMetric, "models/export/video_depth_anything.py --metric"},
      {NetworkFamily::kDepthAnything3, "models/export/depth_anything_3.py"},
      {NetworkFamily::kUnik3d, "models/export/unik3d.py"},
      {NetworkFamily::kMoge, "models/export/moge.py"},
      {NetworkFamily::kDepthPro, "models/export/depth_pro.py"}};
  for (const auto& [family, text] : all) {
    NetworkVideoJobOptions options(family);
    Take(&options, "luma");
    options.depth.fov.xfov_deg = 60;
    options.depth.source.model.path = dir_ / "gone.pt";
    ExpectError(Code::kNotFound, text, [&options = options] { RunNetworkVideoJob(options); });
    options.depth.source.model.path = dir_.path().string();
    ExpectError(Code::kNotFound, "is a folder",
                [&options = options] { RunNetworkVideoJob(options); });
  }
}

TEST_F(NetworkVideoJob, RaysOfEachFrameFollowTheZoom) {
  UnidepthVideoJobOptions options;
  Take(&options, "rays");
  options.depth.max_depth = 20;
  options.depth.fov.xfov_file = dir_ / "zoom.json";
  std::ofstream(options.depth.fov.xfov_file) << "[90, 80, 70, 60, 50, 40]";
  RunNetworkVideoJob(options);
  DepthVideoReader reader(options.depth.output);
  for (int i = 0; i < 6; ++i) {
    const double focal = 48 / std::tan((90 - 10 * i) * M_PI / 360);
    const double u = (0.5 - 48) / focal, v = (0.5 - 32) / focal;
    EXPECT_NEAR(static_cast<double>(reader.Read()->depth.Plane<float>().At(0, 0)),
                2 * std::sqrt(1 + u * u + v * v), 1e-3)
        << i;
  }
  EXPECT_EQ(ReadFovFile(options.depth.output + "_xfovs.json").size(), 6u);
}

TEST_F(NetworkVideoJob, RaysThatComeOutTellTheFieldOfView) {
  for (const NetworkFamily family :
       {NetworkFamily::kUnik3d, NetworkFamily::kMoge, NetworkFamily::kDepthAnything3}) {
    NetworkVideoJobOptions options(family);
    Take(&options, "metric");
    const DepthJobReport report = RunNetworkVideoJob(options);
    EXPECT_NEAR(report.xfov_deg, Xfov(60), 1e-3);
    EXPECT_NEAR(DepthsOf(report.output)[4], 2 + GrayOf(4) / 255.0, 2e-4);
    const std::vector<double> track = ReadFovFile(report.output + "_xfovs.json");
    ASSERT_EQ(track.size(), 6u);
    EXPECT_NEAR(track[5], Xfov(60), 1e-3);
  }
}

// A network that has to be told it, and is told the usual one, has made depth for that.
TEST_F(NetworkVideoJob, AnAssumedFieldOfViewIsWrittenToo) {
  Unik3dVideoJobOptions options;
  Take(&options, "rays");
  options.depth.max_depth = 20;
  const LogCatcher log;
  const DepthJobReport report = RunNetworkVideoJob(options);
  EXPECT_TRUE(log.Says("no field of view was given"));
  EXPECT_NEAR(report.xfov_deg, 60, 1e-9);
  const std::vector<double> track = ReadFovFile(report.output + "_xfovs.json");
  ASSERT_EQ(track.size(), 6u);
  for (const double xfov : track) EXPECT_NEAR(xfov, 60, 1e-6);
}

TEST_F(NetworkVideoJob, OptionsThatTheNetworkDoesNotUseAreRefused) {
  const auto expect = [&](const std::string& text, const std::string& part, const auto& change) {
    DepthJobOptions depth;
    depth.color_video = dir_ / "c.mkv";
    depth.output = dir_ / "out.mkv";
    depth.source.model.path = MakePart(dir_.path().string(), part);
    depth.source.model.trust_model = true;
    change(&depth);
    ExpectError(Code::kInvalidArgument, text, [&] { RunDepthJob(depth); });
    EXPECT_FALSE(fs::exists(depth.output));
  };
  const auto smooth = [](DepthJobOptions* depth) {
    depth->source.own.Of<FovTrackOptions>().mode = FovMode::kSmooth;
  };
  expect("this one tells none: leave it out", "luma", smooth);
  expect("one is given, which wins", "focal", [&](DepthJobOptions* depth) {
    smooth(depth);
    depth->fov.xfov_deg = 60;
  });
  expect("vda_cuts off is for networks that see several frames", "luma",
         [](DepthJobOptions* depth) { depth->source.model.vda_cuts = SceneCuts::kOff; });
  const auto scale = [](DepthJobOptions* depth) { depth->source.scene_scale = 5; };
  expect("model 'metric' gives metres", "metric", scale);
  expect("which tell the scale", "luma", [&](DepthJobOptions* depth) {
    scale(depth);
    depth->reference_depth = dir_ / "c.mkv";
  });

  // Disparity that is normalised has no use for the angle, unless the network has.
  const auto stereo = [&](const std::string& part, const auto& change) {
    MonoToSbsJobOptions mono;
    mono.input = dir_ / "c.mkv";
    mono.output = dir_ / "sbs.mkv";
    mono.source.model.path = MakePart(dir_.path().string(), part);
    mono.source.model.trust_model = true;
    mono.fov.xfov_deg = 60;
    change(&mono);
    return RunMonoToSbsJob(mono).frames;
  };
  const auto nothing = [](MonoToSbsJobOptions*) {};
  ExpectError(Code::kInvalidArgument, "a field of view has no meaning with this network",
              [&] { stereo("luma", nothing); });
  EXPECT_EQ(stereo("rays", nothing), 6);
  EXPECT_EQ(stereo("luma",
                   [](MonoToSbsJobOptions* mono) {
                     mono->source.own.Of<StabilizeOptions>().kind = StabilizerKind::kFlow;
                   }),
            6);
}

// Noise of 0.03 of the focal length in every ray changes it by a quarter of a degree at most.
TEST_F(NetworkVideoJob, NoiseOfRaysIsAveraged) {
  MogeVideoJobOptions options;
  Take(&options, "noisy");
  EXPECT_NEAR(RunNetworkVideoJob(options).xfov_deg, Xfov(60), 0.25);
}

TEST_F(NetworkVideoJob, AnotherKindOfNetworkIsRefused) {
  MogeVideoJobOptions moge;
  Take(&moge, "luma");
  ExpectError(Code::kUnsupported, "relative depth", [&] { RunNetworkVideoJob(moge); });
  VideoDepthMetricJobOptions windows;
  Take(&windows, "metric");
  ExpectError(Code::kUnsupported, "sees single pictures", [&] { RunNetworkVideoJob(windows); });
  Take(&windows, "window");
  ExpectError(Code::kUnsupported, "relative depth", [&] { RunNetworkVideoJob(windows); });
  Take(&windows, "metric_window");
  EXPECT_EQ(RunNetworkVideoJob(windows).frames, 6);
  Take(&moge, "metric_window");
  ExpectError(Code::kUnsupported, "sees windows of frames", [&] { RunNetworkVideoJob(moge); });
  DepthJobOptions depth = moge.depth;
  depth.source.model.path = MakePart(dir_.path().string(), "luma");
  depth.source.own.Of<FovTrackOptions>().output = dir_ / "x.json";
  ExpectError(Code::kInvalidArgument, "tells no field of view", [&] { RunDepthJob(depth); });
  EXPECT_FALSE(fs::exists(dir_ / "x.json"));
}

TEST_F(NetworkVideoJob, AMissingFolderIsCalledOne) {
  MogeVideoJobOptions options;
  Take(&options, "metric");
  options.depth.output.clear();
  options.output_dir = dir_ / "missing";
  ExpectError(Code::kIo, "missing/: there is no such folder", [&] { RunNetworkVideoJob(options); });
  fs::create_directory(options.output_dir);
  RunNetworkVideoJob(options);
  EXPECT_TRUE(fs::exists(dir_ / "missing/c.mkv_depth.mkv"));
}

TEST_F(NetworkVideoJob, NamesOfTheOriginalsAreAliases) {
  for (const auto& [tool, option] :
       std::vector<std::pair<const char*, const char*>>{{"video_da3", "da3_resolution"},
                                                        {"video_da3", "images_per_batch"},
                                                        {"unidepth_video", "max_len"}})
    EXPECT_NO_THROW(MakeTool(tool)->options().Set(option, int64_t{56})) << tool;
}

// ---- What a network, or what goes with it, may be like.

TEST_F(NetworkVideoJob, NetworksThatFailEndInOneLineAndNoFile) {
  const auto options = [&](const std::string& part) {
    DepthJobOptions depth;
    depth.color_video = dir_ / "c.mkv";
    depth.output = dir_ / "out.mkv";
    depth.source.model.path = MakePart(dir_.path().string(), part);
    depth.source.model.trust_model = true;
    return depth;
  };
  ExpectError(Code::kCorrupt, "frame 0", [&] { RunDepthJob(options("nan")); });
  const DepthJobOptions zeros = options("zeros");
  EXPECT_ANY_THROW(RunDepthJob(zeros));  // no pixel has a disparity to take the median of
  ExpectError(Code::kUnsupported, "backbone", [&] { RunDepthJob(options("backbone")); });
  // Neither half of a reference that is too short is taken for the whole.
  ClipShape four;
  MakeColor(dir_ / "textured.mkv", four);
  four.frames = 4;
  MakeDepth(dir_ / "short.mkv", four,
            [](int, int x, int) { return 2 + 0.05f * static_cast<float>(x); });
  for (const char* part : {"window", "luma"})
    for (const CalibrationMode mode : {CalibrationMode::kFirst32, CalibrationMode::kGlobal,
                                       CalibrationMode::kRolling, CalibrationMode::kWindow}) {
      DepthJobOptions depth = options(part);
      depth.color_video = dir_ / "textured.mkv";
      depth.reference_depth = dir_ / "short.mkv";
      depth.source.own.Of<CalibrationOptions>().mode = mode;
      ExpectError(Code::kCorrupt, "same length", [&] { RunDepthJob(depth); });
    }
  EXPECT_FALSE(fs::exists(dir_ / "out.mkv"));
}

TEST_F(NetworkVideoJob, OneFrameAndACutInEveryFrameAreClipsToo) {
  ClipShape shape;  // every picture of it is another one
  shape.frames = 1;
  MakeColor(dir_ / "one.mkv", shape);
  shape.frames = 9;
  MakeColor(dir_ / "cuts.mkv", shape);
  for (const char* clip : {"one.mkv", "cuts.mkv"})
    for (const char* part : {"window", "luma"})
      for (const int lookahead : {0, 4}) {
        DepthJobOptions depth;
        depth.color_video = dir_ / clip;
        depth.output = dir_ / "out.mkv";
        depth.source.model.path = MakePart(dir_.path().string(), part);
        depth.source.model.trust_model = true;
        StabilizeOptions& steady = depth.source.own.Of<StabilizeOptions>();
        steady.kind = StabilizerKind::kFlow;
        steady.lookahead = lookahead;
        EXPECT_EQ(RunDepthJob(depth).frames, std::string(clip) == "one.mkv" ? 1 : 9) << part;
      }
}

TEST_F(NetworkVideoJob, StereoTakesWindowsAndAStabilizer) {
  std::vector<std::vector<Image>> results;
  for (const int threads : {1, 3}) {
    MonoToSbsJobOptions stereo;
    stereo.input = dir_ / "c.mkv";
    stereo.output = dir_ / "sbs.mkv";
    stereo.source.model.path = MakePart(dir_.path().string(), "window");
    stereo.source.model.trust_model = true;
    stereo.source.own.Of<StabilizeOptions>().kind = StabilizerKind::kFlow;
    stereo.source.own.Of<StabilizeOptions>().lookahead = 2;
    stereo.job.num_threads = threads;
    EXPECT_EQ(RunMonoToSbsJob(stereo).frames, 6);
    results.push_back(ReadAllFrames(stereo.output));
  }
  EXPECT_EQ(results[0].size(), 6u);
  EXPECT_TRUE(SameFrames(results[0], results[1]));
}

// ---- Flow.

TEST_F(NetworkVideoJob, FlowThatIsCancelledEndsAfterThePassThatRuns) {
  std::atomic<bool> cancelled{false};
  int passes = 0;
  OnFlowPass() = [&] {
    ++passes;
    cancelled = true;
  };
  OpticalFlowJobOptions options;
  options.color_video = dir_ / "c.mkv";
  options.output = dir_ / "flow.mkv";
  options.save_numbers = true;  // flow in both directions: two passes
  options.model.path = MakePart(dir_.path().string(), "flow");
  options.model.trust_model = true;
  RunControl control;
  control.cancelled = &cancelled;
  ExpectError(Code::kCancelled, "", [&] { RunOpticalFlowJob(options, control); });
  EXPECT_EQ(passes, 1);
  EXPECT_FALSE(fs::exists(options.output));
}

// ---- Enlarging.

TEST_F(NetworkVideoJob, DepthIsBroughtToTheSizeOfThePictures) {
  ClipShape small;
  small.width = 24;
  small.height = 16;
  MakeDepth(dir_ / "d.mkv", small, [](int frame, int x, int) {
    return x < 12 ? 2 + 0.1f * static_cast<float>(frame) : x == 23 ? 0.f : 5.f;
  });
  UpscaleDepthJobOptions options;
  options.depth_video = dir_ / "d.mkv";
  options.color_video = dir_ / "c.mkv";
  const UpscaleDepthReport report = RunUpscaleDepthJob(options);
  EXPECT_EQ(report.output, dir_ / "d.mkv_upscaled.mkv");
  EXPECT_EQ(report.frames, 6);
  DepthVideoReader reader(report.output);
  for (int i = 0; i < 6; ++i) {
    const Image depth = reader.Read()->depth;
    EXPECT_EQ(depth.width(), kWidth);
    EXPECT_NEAR(static_cast<double>(depth.Plane<float>().At(20, 30)), 2 + 0.1 * i, 2e-3);
    EXPECT_NEAR(static_cast<double>(depth.Plane<float>().At(75, 30)), 5, 2e-3);
    EXPECT_EQ(depth.Plane<float>().At(95, 30), 0);
  }
  ExpectError(Code::kInvalidArgument, "is smaller than depth video", [&] {
    UpscaleDepthJobOptions swapped = options;
    std::swap(swapped.color_video, swapped.depth_video);
    swapped.depth.encoding = DepthEncoding::kRgb16;
    RunUpscaleDepthJob(swapped);
  });
  ClipShape fast = small;
  fast.rate = {30, 1};
  MakeDepth(dir_ / "fast.mkv", fast, Plane(3));
  UpscaleDepthJobOptions other = options;
  other.depth_video = dir_ / "fast.mkv";
  ExpectError(Code::kCorrupt, "fast.mkv' has 30.000 frames per second, color video",
              [&] { RunUpscaleDepthJob(other); });
  ClipShape tall = small;
  std::swap(tall.width, tall.height);
  MakeDepth(dir_ / "tall.mkv", tall, Plane(3));
  other.depth_video = dir_ / "tall.mkv";
  ExpectError(Code::kCorrupt, "the same proportions", [&] { RunUpscaleDepthJob(other); });
  small.frames = 4;
  MakeDepth(dir_ / "short.mkv", small, Plane(3));
  options.depth_video = dir_ / "short.mkv";
  ExpectError(Code::kCorrupt, "same length", [&] { RunUpscaleDepthJob(options); });
  EXPECT_FALSE(fs::exists(dir_ / "short.mkv_upscaled.mkv"));
}

TEST_F(NetworkVideoJob, ANetworkGetsTheDepthAsPrompt) {
  ClipShape small;
  small.width = 24;
  small.height = 16;
  MakeDepth(dir_ / "d.mkv", small, [](int, int x, int) { return x < 12 ? 2.f : 4.f; });
  UpscaleDepthJobOptions options;
  options.depth_video = dir_ / "d.mkv";
  options.color_video = dir_ / "c.mkv";
  options.model.path = MakePart(dir_.path().string(), "prompt");
  options.model.trust_model = true;
  // 1 / depth from 1/4 to 1/2, a twentieth more at both ends: the first pixel is near, at
  // 1 - 0.05 / 1.1 of the range.
  RunUpscaleDepthJob(options);
  DepthVideoReader reader(dir_ / "d.mkv_upscaled.mkv");
  const double low = 0.25 - 0.0125, width = 0.25 * 1.1;
  for (int i = 0; i < 6; ++i) {
    const double value = 1 - 0.05 / 1.1 + GrayOf(i) / 25500.0;
    EXPECT_NEAR(static_cast<double>(reader.Read()->depth.Plane<float>().At(60, 40)),
                1 / (low + value * width), 3e-3)
        << i;
  }
  options.prompt.parity = true;  // 2 m is 0, 4 m is 1, all of it the least: 2 + 2 Y / 100
  RunUpscaleDepthJob(options);
  DepthVideoReader parity(dir_ / "d.mkv_upscaled.mkv");
  EXPECT_NEAR(static_cast<double>(parity.Read()->depth.Plane<float>().At(60, 40)),
              2 + 2 * GrayOf(0) / 25500.0, 3e-3);
  options.model.path = MakePart(dir_.path().string(), "luma");
  ExpectError(Code::kUnsupported, "takes no \"prompt\"", [&] { RunUpscaleDepthJob(options); });
}

}  // namespace
}  // namespace mdvt::test
