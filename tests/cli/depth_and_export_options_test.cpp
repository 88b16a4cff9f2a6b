// SPDX-License-Identifier: Apache-2.0
//
// Every option of the depth and export programs changes their output in the way that it says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/sidecar.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;
using Arguments = RunningProgram::Arguments;

std::vector<std::string> Lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

class Options : public ::testing::Test {
 protected:
  Options() {
    shape_.frames = 6;
    MakeColor(color_, shape_);
    DepthClipOptions millimetres;
    millimetres.encoding = DepthEncoding::kGray16;
    millimetres.max_depth = 65.535;
    millimetres.tags.xfov_deg = 60;
    MakeDepth(depth_, shape_, BoxOnWall(shape_, 1, 4), millimetres);
  }

  void Succeed(const std::string& program, const Arguments& base, const Arguments& more) const {
    Arguments arguments = base;
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = RunProgram(program, arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
  }
  void Depth(const Arguments& more) const {
    Succeed("video_metric_convert", {"--color_video", color_, "--output", out_}, more);
  }
  void Export(const Arguments& more) const {
    Succeed("convert_metric_depth_video_to_other_format", {"--depth_video", depth_}, more);
  }
  // Numbers of the frames whose files are in a folder.
  std::vector<std::string> Names(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& [path, content] : Snapshot(folder)) names.push_back(fs::path(path).filename());
    return names;
  }
  double MedianDepth() const {
    DepthVideoReader reader(out_);
    const std::optional<DepthFrame> frame = reader.Read();
    std::vector<float> z;
    for (int y = 0; y < shape_.height; ++y)
      for (int x = 0; x < shape_.width; ++x) z.push_back(frame->depth.Plane<float>().At(x, y));
    std::nth_element(z.begin(), z.begin() + static_cast<ptrdiff_t>(z.size() / 2), z.end());
    return z[z.size() / 2];
  }

  const TempDir dir_;
  ClipShape shape_;
  const std::string color_ = dir_ / "color.mkv";
  const std::string depth_ = dir_ / "depth.mkv";
  const std::string out_ = dir_ / "out.mkv";
};

TEST_F(Options, DepthFileTellsEncodingRangeFovAndSource) {
  Depth({"--xfov", "50", "--max_depth", "40", "--encoding", "gray16"});
  const DepthVideoReader reader(out_);
  EXPECT_EQ(reader.tags().encoding, DepthEncoding::kGray16);
  EXPECT_EQ(reader.tags().max_depth, 40);
  EXPECT_NEAR(reader.tags().xfov_deg.value_or(0), 50, 1e-9);
  EXPECT_EQ(reader.tags().source, "color.mkv");
  Depth({"--yfov", "40"});
  const double expected = 2 * std::atan(std::tan(20 * M_PI / 180) * 96 / 64) * 180 / M_PI;
  EXPECT_NEAR(DepthVideoReader(out_).tags().xfov_deg.value_or(0), expected, 1e-9);
  EXPECT_EQ(DepthVideoReader(out_).tags().encoding, DepthEncoding::kRgb16);
}

TEST_F(Options, DepthWithoutFovSaysWhatItTakes) {
  const Outcome outcome = RunProgram("video_metric_convert", {"--color_video", color_});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.err.find("60"), std::string::npos) << outcome.err;
  EXPECT_NEAR(DepthVideoReader(color_ + "_depth.mkv").tags().xfov_deg.value_or(0), 60, 1e-9);
}

TEST_F(Options, SceneScaleScales) {
  Depth({"--xfov", "60", "--scene_scale", "2", "--encoding", "rgb24-log"});
  const double two = MedianDepth();
  Depth({"--xfov", "60", "--scene_scale", "8", "--encoding", "rgb24-log"});
  EXPECT_NEAR(MedianDepth() / two, 4, 0.01);
}

TEST_F(Options, FramesAreCountedAndChosenExactly) {
  Depth({"--xfov", "60", "--max_frames", "4"});
  EXPECT_EQ(ReadAllFrames(out_).size(), 4u);
  Depth({"--xfov", "60", "--target_fps", "12"});
  VideoReader reader(out_);
  EXPECT_EQ(reader.info().frame_rate, (Rational{12, 1}));
  std::vector<double> seconds;
  while (const std::optional<Frame> frame = reader.Read())
    seconds.push_back(static_cast<double>(frame->pts) * reader.info().time_base.ToDouble());
  ASSERT_EQ(seconds.size(), 3u);
  EXPECT_NEAR(seconds[2] - seconds[0], 4 / 24.0, 0.002);
}

TEST_F(Options, WorkingSizeIsSetByEitherName) {
  ClipShape large = shape_;
  large.width = 320;
  large.height = 160;
  MakeColor(dir_ / "large.mkv", large);
  const auto depth_at = [&](const Arguments& more) {
    Succeed("video_metric_convert",
            {"--color_video", dir_ / "large.mkv", "--xfov", "60", "--output", out_}, more);
    return ReadAllFrames(out_);
  };
  const std::vector<Image> by_long_side = depth_at({"--max_res", "128"});
  EXPECT_TRUE(SameFrames(by_long_side, depth_at({"--input_size", "64"})));
  EXPECT_EQ(by_long_side.at(0).width(), 320);
}

TEST_F(Options, TransformationsHaveOnePosePerFrame) {
  Depth({"--xfov", "60", "--transformation_output", dir_ / "path.json"});
  EXPECT_EQ(ReadTransformationsFile(dir_ / "path.json").size(), 6u);
}

TEST_F(Options, DepthWantsAModelForItsOptions) {
  const auto refused = [&](std::vector<std::string> arguments, int status,
                           const std::vector<std::string>& phrases) {
    arguments.insert(arguments.begin(), {"--color_video", color_});
    ExpectOneClearLine("video_metric_convert", RunProgram("video_metric_convert", arguments),
                       status, phrases);
  };
  refused({"--no_rolling_average"}, 2, {"--no_rolling_average belongs to --model"});
  refused({"--model", "none.pt"}, 3, {"no model 'none.pt'", "docs/models.md"});
  refused({"--engine", "model"}, 2, {"the engine 'model' needs a model (--model FILE)"});
  refused({"--engine", "motion", "--model", "none.pt"}, 2, {"contradict"});
  refused({"--fp32"}, 2, {"--fp32 belongs to --model"});
  refused({"--trust_model"}, 2, {"--trust_model belongs to --model"});
  refused({"--device", "cuda:0"}, 2, {"device is 'cuda:0'", "--model FILE"});
  refused({"--depth_video", depth_}, 2, {"--depth_video belongs to --model"});
  refused({"--reference_max_depth", "20"}, 2, {"give it as depth_video"});
}

TEST_F(Options, GreyVideosHaveTheDocumentedCodes) {
  Export({"--bit8", "--max_depth", "65.535"});
  Export({"--bit16"});
  const Image grey8 = ReadAllFrames(depth_ + "_grey8.mkv").at(0);
  const Image grey16 = ReadAllFrames(depth_ + "_grey16.mkv").at(0);
  EXPECT_EQ(grey8.Plane<uint8_t>().At(0, 0), std::lround(4 * 255 / 65.535));
  EXPECT_EQ(grey8.Plane<uint8_t>().At(48, 32), std::lround(1 * 255 / 65.535));
  EXPECT_EQ(grey16.Plane<uint16_t>().At(0, 0), std::lround(4 * 65025 / 65.535));
}

TEST_F(Options, FrameWindowIsExact) {
  Export({"--save_ply", dir_ / "ply", "--min_frames", "2", "--max_frames", "3"});
  EXPECT_EQ(Names(dir_ / "ply"),
            (std::vector<std::string>{"0000002.ply", "0000003.ply", "0000004.ply"}));
  ExpectOneClearLine("convert_metric_depth_video_to_other_format",
                     RunProgram("convert_metric_depth_video_to_other_format",
                                {"--depth_video", depth_, "--bit8", "--min_frames", "6"}),
                     2, {"6 frames"});
}

TEST_F(Options, MeshHasColorsAndTearsOnRequest) {
  Export({"--save_obj", dir_ / "whole", "--color_video", color_, "--max_frames", "1"});
  Export({"--save_obj", dir_ / "torn", "--color_video", color_, "--max_frames", "1",
          "--remove_edges"});
  const auto count = [](const std::vector<std::string>& lines, char kind) {
    return std::count_if(lines.begin(), lines.end(), [kind](const std::string& line) {
      return line.size() > 1 && line[0] == kind && line[1] == ' ';
    });
  };
  const std::vector<std::string> whole = Lines(dir_ / "whole/0000000.obj");
  const std::vector<std::string> torn = Lines(dir_ / "torn/0000000.obj");
  EXPECT_EQ(count(whole, 'v'), 96 * 64);
  EXPECT_EQ(count(whole, 'f'), 2 * 95 * 63);
  // The box is 32 x 32 pixels: its rim of 4 * 33 - 4 + 4 cells is cut, all pixels keep a triangle.
  EXPECT_NEAR(static_cast<double>(count(whole, 'f') - count(torn, 'f')), 2 * 4 * 33.0 - 8, 6);
  EXPECT_EQ(count(torn, 'v'), 96 * 64);
}

TEST_F(Options, PosesMovePointsAndLockingMakesAFrameTheOrigin) {
  // Each camera one metre farther to the right.
  std::vector<Pose> poses(6, Pose::Identity());
  for (size_t i = 0; i < poses.size(); ++i) poses[i].translation().x() = static_cast<double>(i);
  WriteTransformationsFile(dir_ / "path.json", poses);
  const auto first_x = [&](const std::string& folder, const std::string& name) {
    for (const std::string& line : Lines(folder + "/" + name))
      if (line.rfind("v ", 0) == 0) return std::stod(line.substr(2));
    return std::nan("");
  };
  Export({"--save_obj", dir_ / "cam"});
  Export({"--save_obj", dir_ / "world", "--transformation_file", dir_ / "path.json"});
  Export({"--save_obj", dir_ / "locked", "--transformation_file", dir_ / "path.json",
          "--transformation_lock_frame", "5"});
  for (const char* name : {"0000000.obj", "0000005.obj"}) {
    const double frame = name[6] - '0';
    const double in_cam = first_x(dir_ / "cam", name);
    EXPECT_NEAR(first_x(dir_ / "world", name), in_cam + frame, 1e-5);
    EXPECT_NEAR(first_x(dir_ / "locked", name), in_cam + frame - 5, 1e-5);
  }
}

TEST_F(Options, FovSetsTheWidthOfTheScene) {
  const auto width = [&](const Arguments& more) {
    Arguments arguments = {"--save_obj", dir_ / "fov", "--max_frames", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Export(arguments);
    for (const std::string& line : Lines(dir_ / "fov/0000000.obj"))
      if (line.rfind("v ", 0) == 0) return -std::stod(line.substr(2)) / 4 * 96 / 95;
    return 0.0;
  };
  EXPECT_NEAR(width({}), std::tan(30 * M_PI / 180), 1e-4);
  EXPECT_NEAR(width({"--xfov", "90"}), 1, 1e-4);
  std::ofstream(dir_ / "fov.json") << "[90, 60, 60, 60, 60, 60]";
  EXPECT_NEAR(width({"--xfov_file", dir_ / "fov.json", "--xfov", "20"}), 1, 1e-4);
}

TEST_F(Options, ExportRefusesWhatDoesNotGoTogether) {
  const std::string program = "convert_metric_depth_video_to_other_format";
  for (const char* name : {"show_scene_point_clouds", "show_both_point_clouds"})
    ExpectOneClearLine(
        program, RunProgram(program, {"--depth_video", depth_, "--bit8", std::string("--") + name}),
        2, {std::string("--") + name, "--track_file"});
  ExpectOneClearLine(program, RunProgram(program, {"--depth_video", depth_, "--save_alembic"}), 2,
                     {"--save_alembic", "--transformation_file"});
  ExpectOneClearLine(program, RunProgram(program, {"--depth_video", depth_, "--bit8", "--bit16"}),
                     2, {"give --bit8 or --bit16, not both"});
  ExpectOneClearLine(program,
                     RunProgram(program, {"--depth_video", depth_, "--track_file", depth_}), 2,
                     {"--transformation_file"});
  ExpectOneClearLine(
      program, RunProgram(program, {"--depth_video", depth_, "--bit8", "--save_rescaled_depth"}), 2,
      {"--track_file"});
}

TEST_F(Options, DepthErrorMeasuresOneScaleAndTheRest) {
  DepthClipOptions double_scale;
  double_scale.encoding = DepthEncoding::kGray16;
  double_scale.max_depth = 65.535;
  MakeDepth(dir_ / "double.mkv", shape_, BoxOnWall(shape_, 2, 8), double_scale);
  const Outcome scaled = RunProgram("mdvt_depth_error", {"--depth_video", dir_ / "double.mkv",
                                                         "--truth_video", depth_, "--json"});
  EXPECT_EQ(scaled.status, 0) << scaled.err;
  EXPECT_NE(scaled.out.find("\"delta1\":1.00000"), std::string::npos) << scaled.out;
  EXPECT_NE(scaled.out.find("\"frames\":6"), std::string::npos) << scaled.out;
  const Outcome metres = RunProgram("mdvt_depth_error", {"--depth_video", dir_ / "double.mkv",
                                                         "--truth_video", depth_, "--no_scale"});
  EXPECT_NE(metres.out.find("AbsRel 1.00000"), std::string::npos) << metres.out;
}

TEST_F(Options, VersionHelpAndQuiet) {
  for (const char* program :
       {"video_metric_convert", "stereo_rerender", "convert_metric_depth_video_to_other_format",
        "mdvt_depth_error", "mdvt_contact_sheet"}) {
    EXPECT_EQ(RunProgram(program, {"--version"}).out.rfind(program, 0), 0u);
    const Outcome help = RunProgram(program, {"--help"});
    EXPECT_EQ(help.status, 0);
    EXPECT_NE(help.out.find("(default: "), std::string::npos);
    EXPECT_EQ(RunProgram(program, {"-h"}).out, help.out);
  }
  const Outcome quiet =
      RunProgram("video_metric_convert", {"--color_video", color_, "--quiet", "--output", out_});
  EXPECT_EQ(quiet.status, 0);
  EXPECT_EQ(quiet.out + quiet.err, "");
  const Outcome json = RunProgram("convert_metric_depth_video_to_other_format",
                                  {"--depth_video", depth_, "--bit8", "--progress", "json"});
  EXPECT_NE(json.out.find("{\"event\":\"done\""), std::string::npos) << json.out;
  EXPECT_NE(json.out.find("\"frames\":6"), std::string::npos) << json.out;
  EXPECT_NE(json.out.find("\"event\":\"progress\",\"phase\":\"export\",\"frames_done\":6"),
            std::string::npos)
      << json.out;
  ExpectOneClearLine("stereo_rerender",
                     RunProgram("stereo_rerender", {"--depth_video", depth_, "--device", "cuda"}),
                     2, {"cuda", "cpu"});
}

}  // namespace
}  // namespace mdvt::test
