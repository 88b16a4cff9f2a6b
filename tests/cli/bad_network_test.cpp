// SPDX-License-Identifier: Apache-2.0
//
// Networks that are another one than wanted, or break what their metadata promises, in every
// program that finds or steadies depth by one, as a user runs it: one line that says which file,
// which frame and what is wrong, a status other than 0, and nothing under the output's name.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "cli/toy_models.h"
#include "mdvt/io/image_file.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;
using Arguments = RunningProgram::Arguments;

class BadNetworks : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    models_ = std::make_unique<TempDir>();
    missing_ = MakeToyModels(models_->path().string(),
                             {"nvds_backbone", "nvds_head", "depth_luminance", "depth_plane",
                              "depth_video", "segment", "flow_constant"});
#ifdef MDVT_BAD_NETWORKS
    if (!missing_.empty()) return;
    const std::string command = "/usr/bin/python3 -B '" MDVT_BAD_NETWORKS "' '" +
                                models_->path().string() + "' >/dev/null 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
#endif
  }
  static void TearDownTestSuite() { models_.reset(); }
  void SetUp() override {
    if (!missing_.empty()) GTEST_SKIP() << missing_;
    MakeColor(color_, shape_);
    MakeDepth(depth_, shape_, BoxOnWall(shape_, 2, 8));
  }

  static std::string ModelFile(const std::string& name) { return *models_ / (name + ".pt"); }

  // The command line of a program with this network: finds depth of single pictures (relative or
  // metric), of windows, or makes it steady.
  std::pair<std::string, Arguments> With(const std::string& program,
                                         const std::string& network) const {
    const std::string file = ModelFile(network);
    const Arguments found = {"--color_video", color_, "--output",     dir_ / "out.mkv",
                             "--model",       file,   "--trust_model"};
    const auto with = [](Arguments arguments, const Arguments& more) {
      arguments.insert(arguments.end(), more.begin(), more.end());
      return arguments;
    };
    if (program == "mono_to_sbs")
      return {program, {color_, dir_ / "out.mp4", "--model", file, "--trust_model"}};
    if (program == "unidepth_video" || program == "video_da3")
      return {program, with(found, {"--xfov", "60"})};
    if (program == "video_metric_convert") return {program, found};
    const bool backbone = program.find("backbone") != std::string::npos;
    const std::string first = backbone ? file : ModelFile("nvds_backbone");
    const std::string second =
        program.find("head") != std::string::npos ? file : ModelFile("nvds_head");
    if (program.rfind("stabilize_depth", 0) == 0)
      return {"stabilize_depth",
              {"--depth_video", depth_, "--color_video", color_, "--output", dir_ / "out.mkv",
               "--stabilizer", "nvds", "--nvds_backbone", first, "--nvds_head", second,
               "--nvds_trust_model"}};
    const Arguments infer = {"--base_dir",        dir_ / "out", "--color_video", color_,
                             "--infer_w",         "96",         "--infer_h",     "64",
                             "--backbone",        first,        "--head",        second,
                             "--nvds_trust_model"};
    return {"infer_nvds",
            with(infer, program == "infer_nvds" ? Arguments{"--model", file, "--trust_model"}
                                                : Arguments{"--depth_video", depth_})};
  }
  // `program` may tell the part: "infer_nvds head".
  void ExpectFailure(const std::string& program, const std::string& network, int status,
                     const std::vector<std::string>& phrases) {
    auto [name, arguments] = With(program, network);
    SCOPED_TRACE(program + " " + network);
    const auto before = Snapshot(dir_.path().string());
    arguments.insert(arguments.end(), {"--quiet", "--threads", "2"});
    ExpectOneClearLine(name, RunProgram(name, arguments), status, phrases);
    EXPECT_TRUE(Snapshot(dir_.path().string()) == before) << "the folder has changed";
  }
  Outcome ExpectWarning(const std::string& program, const std::string& network,
                        const std::string& phrase) {
    const auto [name, arguments] = With(program, network);
    Outcome outcome = RunProgram(name, arguments);
    EXPECT_EQ(outcome.status, 0) << program << " " << network << ": " << outcome.err;
    EXPECT_NE(outcome.err.find(phrase), std::string::npos)
        << program << " " << network << ": " << outcome.err;
    return outcome;
  }
  static std::vector<Image> DepthOf(const std::string& path) {
    std::vector<Image> maps;
    DepthVideoReader reader(path);
    while (std::optional<DepthFrame> frame = reader.Read()) maps.push_back(std::move(frame->depth));
    return maps;
  }

  static std::unique_ptr<TempDir> models_;
  static std::string missing_;
  const TempDir dir_;
  ClipShape shape_;
  const std::string color_ = dir_ / "color.mkv", depth_ = dir_ / "depth.mkv";
};
std::unique_ptr<TempDir> BadNetworks::models_;
std::string BadNetworks::missing_;

const std::vector<std::string> kFinders = {"video_metric_convert", "unidepth_video", "video_da3",
                                           "mono_to_sbs", "infer_nvds"};
const std::vector<std::string> kParts = {"stabilize_depth backbone", "stabilize_depth head",
                                         "infer_nvds backbone", "infer_nvds head"};

// Of the networks with faults, the kind that a program takes.
std::string KindFor(const std::string& program) {
  if (program == "unidepth_video" || program == "video_da3") return "metric";
  if (program.find("backbone") != std::string::npos) return "backbone";
  if (program.find("head") != std::string::npos) return "head";
  return "depth";
}

TEST_F(BadNetworks, WithoutMetadataNameTheWayToGetThem) {
  for (const auto& programs : {kFinders, kParts})
    for (const std::string& program : programs)
      ExpectFailure(program, "bare", 4,
                    {"bare.pt'", "no metadata", "models/export", "bare.pt.json"});
}

TEST_F(BadNetworks, OfAnotherKindAreNamed) {
  for (const std::string& program : kFinders) {
    ExpectFailure(program, "segment", 3,
                  {"'toy-segment'", "of kind \"segment\"", "needs \"depth\""});
    ExpectFailure(program, "flow_constant", 3, {"'toy-flow-constant'", "of kind \"flow\""});
    ExpectFailure(program, "nvds_head", 3, {"of kind \"stabilizer_part\""});
  }
  for (const std::string program : {"unidepth_video", "video_da3"})
    ExpectFailure(program, "depth_luminance", 3,
                  {"'toy-depth-luminance' gives relative depth", "video_metric_convert"});
  ExpectFailure("infer_nvds", "depth_video", 3, {"'toy-depth-video'", "of single pictures"});
  for (const std::string& program : kParts) {
    const std::string role = program.find("head") != std::string::npos ? "head" : "backbone";
    ExpectFailure(program, "depth_luminance", 3,
                  {"'toy-depth-luminance' is not the " + role + " of a stabiliser"});
    ExpectFailure(program, role == "head" ? "nvds_backbone" : "nvds_head", 3,
                  {"is not the " + role, "its role is \""});
  }
}

TEST_F(BadNetworks, OfOtherShapesThanPromisedNameBoth) {
  for (const auto& programs : {kFinders, kParts})
    for (const std::string& program : programs) {
      const std::string kind = KindFor(program);
      ExpectFailure(program, kind + "-rank", 3,
                    {"frame 0: ", kind + "-rank.pt': output '", "has shape [", "declares ["});
      ExpectFailure(program, kind + "-size", 3,
                    {"frame 0: ", kind + "-size.pt': output '", "has shape [", "declares ["});
      ExpectFailure(program, kind + "-more", 3,
                    {"frame 0: ", kind + "-more.pt'", "returns 2 outputs", "declares 1"});
    }
  for (const std::string fault : {"rank", "size", "more"})
    ExpectFailure("video_metric_convert", "window-" + fault, 3,
                  {"frames from 0 on", "window-" + fault + ".pt'", "declares"});
}

// The file that gave it, also where it shows in the other half only.
TEST_F(BadNetworks, ThatGiveNoNumbersAreNamed) {
  for (const auto& programs : {kFinders, kParts})
    for (const std::string& program : programs) {
      const std::string kind = KindFor(program);
      ExpectFailure(program, kind + "-nan", 3,
                    {"frame 0: ", kind + "-nan.pt': output '", "is nan", "finite numbers"});
    }
  ExpectFailure("video_metric_convert", "window-nan", 3,
                {"frames from 0 on", "window-nan.pt'", "is nan"});
}

// Nothing but zeros is no metric depth, and gives relative depth no scale. As relative disparity it
// is a flat scene, which is told.
TEST_F(BadNetworks, ThatGiveNothingButZerosAreTold) {
  ExpectFailure("video_metric_convert", "depth-zeros", 5, {"nothing near in the first frame"});
  ExpectFailure("video_metric_convert", "window-zeros", 5, {"nothing near in the first frame"});
  ExpectFailure("video_metric_convert", "metric-zeros", 4, {"holds no depth"});
  ExpectFailure("unidepth_video", "metric-zeros", 4, {"holds no depth"});
  ExpectFailure("video_da3", "metric-zeros", 4, {"holds no depth"});
  ExpectFailure("mono_to_sbs", "metric-zeros", 4, {"holds no depth"});
  ExpectWarning("mono_to_sbs", "depth-zeros", "is 0.000 everywhere, so that the result is flat");
  ExpectWarning("infer_nvds", "depth-zeros",
                "the first disparity is 0.000 everywhere, so that the result is flat");
}

// A stabiliser that says nothing changes nothing.
TEST_F(BadNetworks, StabilisersThatGiveNothingButZerosChangeNothing) {
  ExpectWarning("stabilize_depth head", "head-zeros",
                "frame 0: what the stabiliser's network gives has nothing of the depth");
  const std::vector<Image> before = DepthOf(depth_), after = DepthOf(dir_ / "out.mkv");
  EXPECT_EQ(after.size(), static_cast<size_t>(shape_.frames));
  EXPECT_TRUE(SameFrames(after, before));
  ExpectWarning("infer_nvds head", "head-zeros",
                "the disparity of the pass 'backward' is 0.000 everywhere");
  const Image gray = ReadImageFile(dir_ / "out/mix/gray/frame_000003.png");
  for (int y = 0; y < gray.height(); ++y)
    for (int x = 0; x < gray.width(); ++x) ASSERT_EQ(gray.Plane<uint16_t>().At(x, y), 0);
}

// ---- Clips

// One frame, and a cut in every frame.
TEST_F(BadNetworks, ClipsOfOneFrameAndOfCutsOnlyAreClipsToo) {
  const auto noise = [&](const std::string& path, int frames) {
    VideoWriterOptions writing;
    writing.codec = VideoCodec::kFfv1;
    writing.frame_rate = {24, 1};
    writing.time_base = {1, 24};
    VideoWriter writer(path, PixelFormat::Rgb(8), shape_.width, shape_.height, writing);
    for (int i = 0; i < frames; ++i) {
      std::mt19937 random(static_cast<unsigned>(i + 1));
      Image image(PixelFormat::Rgb(8), shape_.width, shape_.height);
      for (int c = 0; c < 3; ++c)
        for (int y = 0; y < shape_.height; y += 8)
          for (int x = 0; x < shape_.width; x += 8) {
            const auto level = static_cast<uint8_t>(random() % 200 + (i % 2) * 55);
            for (int v = 0; v < 8; ++v)
              for (int u = 0; u < 8; ++u) image.MutablePlane<uint8_t>(c).At(x + u, y + v) = level;
          }
      writer.Write(image, i, 1);
    }
    writer.Finish();
  };
  for (const int frames : {1, 5}) {
    noise(color_, frames);
    shape_.frames = frames;
    MakeDepth(depth_, shape_, BoxOnWall(shape_, 2, 8));
    for (const auto& [program, network] : std::vector<std::pair<std::string, std::string>>{
             {"video_metric_convert", "depth_luminance"},
             {"video_metric_convert", "depth_video"},
             {"unidepth_video", "depth_plane"},
             {"video_da3", "depth_plane"},
             {"stabilize_depth", ""}}) {
      const auto [name, arguments] = With(program, network);
      const Outcome outcome = RunProgram(name, arguments);
      ASSERT_EQ(outcome.status, 0) << program << " " << network << ": " << outcome.err;
      EXPECT_EQ(DepthOf(dir_ / "out.mkv").size(), static_cast<size_t>(frames))
          << program << " " << network;
      fs::remove(dir_ / "out.mkv");
    }
    const auto [stereo, arguments] = With("mono_to_sbs", "depth_luminance");
    const Outcome outcome = RunProgram(stereo, arguments);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(ReadAllFrames(dir_ / "out.mp4").size(), static_cast<size_t>(frames));
    for (const std::string stabilizer : {"flow", "nvds"}) {
      Arguments steady = With("stabilize_depth", "").second;
      for (std::string& argument : steady)
        if (argument == "nvds") argument = stabilizer;
      if (stabilizer == "flow") steady.resize(8);
      ASSERT_EQ(RunProgram("stabilize_depth", steady).status, 0) << stabilizer;
      EXPECT_EQ(DepthOf(dir_ / "out.mkv").size(), static_cast<size_t>(frames)) << stabilizer;
      fs::remove(dir_ / "out.mkv");
    }
    const auto [nvds, clip] = With("infer_nvds", "depth_luminance");
    const Outcome inferred = RunProgram(nvds, clip);
    ASSERT_EQ(inferred.status, 0) << inferred.err;
    EXPECT_EQ(std::distance(fs::directory_iterator(dir_ / "out/mix/gray"), {}), frames);
    fs::remove_all(dir_ / "out");
  }
}

// Depth that belongs to another clip: too few frames are told with both numbers, and nothing is
// left.
TEST_F(BadNetworks, DepthOfAnotherLengthIsRefused) {
  ClipShape shorter = shape_;
  shorter.frames = 4;
  MakeDepth(dir_ / "short.mkv", shorter, BoxOnWall(shape_, 2, 8));
  const auto fails = [&](std::pair<std::string, Arguments> line, const Arguments& more,
                         const std::vector<std::string>& phrases) {
    SCOPED_TRACE(line.first);
    line.second.insert(line.second.end(), more.begin(), more.end());
    line.second.push_back("--quiet");
    const auto before = Snapshot(dir_.path().string());
    ExpectOneClearLine(line.first, RunProgram(line.first, line.second), 3, phrases);
    EXPECT_TRUE(Snapshot(dir_.path().string()) == before) << "the folder has changed";
  };
  const Arguments reference = {"--depth_video", dir_ / "short.mkv"};
  fails(With("video_metric_convert", "depth_luminance"), reference, {"short.mkv", "4 frames"});
  fails(With("video_metric_convert", "depth_video"), reference, {"short.mkv", "4 frames"});
  const std::string whole = depth_;
  auto stabilize = With("stabilize_depth", "");
  auto infer = With("infer_nvds head", "nvds_head");
  for (auto* line : {&stabilize, &infer})
    for (std::string& argument : line->second)
      if (argument == whole) argument = dir_ / "short.mkv";
  fails(stabilize, {}, {"4 frames"});
  fails(infer, {}, {"short.mkv' ends after 4 frames", "the clip has more"});
}

}  // namespace
}  // namespace mdvt::test
