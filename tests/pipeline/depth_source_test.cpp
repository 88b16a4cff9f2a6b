// SPDX-License-Identifier: Apache-2.0
//
// Every job takes every engine: by the same options, with the same depth, refused with the same
// words.
#include "pipeline/depth_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "mdvt/pipeline/tools.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr char kDepth[] = "video_metric_convert";
constexpr char kStereo[] = "stereo_rerender";
constexpr char kMono[] = "mono_to_sbs";

struct Box {
  int side = 1;
};

TEST(EngineOptions, KeepTheirPlaceAndAreCopied) {
  EngineOptions options;
  Box& box = options.Of<Box>();
  EXPECT_EQ(box.side, 1);
  box.side = 2;
  EngineOptions copy = options;
  EXPECT_EQ(copy.Of<Box>().side, 2);
  copy.Of<Box>().side = 3;
  EXPECT_EQ(box.side, 2) << "a copy has its own";
  options = copy;
  EXPECT_EQ(box.side, 3) << "what is bound to a description stays bound";
  EXPECT_EQ(std::as_const(options).Of<Box>().side, 3);
  EXPECT_EQ(EngineOptions().Of<Box>().side, 1);
}

class Engines : public ::testing::Test {
 protected:
  Engines() {
    shape_.width = 160;
    shape_.height = 120;
    MakeColor(color_, shape_);
    MakeDepth(depth_, shape_, BoxOnWall(shape_, 1, 4));
  }

  // What the tool says to these options; empty if nothing is wrong with them.
  std::string Refused(const std::string& tool,
                      const std::vector<std::pair<std::string, std::string>>& options) {
    const std::unique_ptr<Tool> made = MakeTool(tool);
    made->options().SetText(tool == kMono ? "input" : "color_video", color_);
    made->options().SetText("output", dir_ / "out.mkv");
    try {
      for (const auto& [name, value] : options) made->options().SetText(name, value);
      made->Check();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
      return error.what();
    }
    return "";
  }

  const TempDir dir_;
  ClipShape shape_;
  const std::string color_ = dir_ / "color.mkv";
  const std::string depth_ = dir_ / "depth.mkv";
};

TEST_F(Engines, AreTheSameInEveryJobThatRenders) {
  // Without depth a user may not know that there is another way.
  const std::string wants_depth =
      "depth_video is required: depth video (or let --engine motion find depth in the same run)";
  for (const char* tool : {kStereo, kMono}) {
    SCOPED_TRACE(tool);
    const std::unique_ptr<Tool> made = MakeTool(tool);
    EXPECT_EQ(made->options().At("engine").choices,
              (std::vector<std::string>{"file", "motion", "model"}));
    EXPECT_EQ(Refused(tool, {{"depth_video", depth_}}), "");
    EXPECT_EQ(Refused(tool, {{"engine", "file"}, {"depth_video", depth_}}), "");
    EXPECT_EQ(Refused(tool, {{"engine", "motion"}, {"max_res", "200"}, {"scene_scale", "2"}}), "");
    EXPECT_EQ(Refused(tool, {{"model", "none.pt"}, {"batch", "2"}, {"input_size", "98"}}), "");
    EXPECT_EQ(Refused(tool, {{"engine", "file"}}),
              tool == kStereo ? wants_depth : "depth_video is required: depth video");
    EXPECT_EQ(
        Refused(tool, {{"engine", "model"}}),
        "the engine 'model' needs a model (--model FILE); docs/models.md tells how to make one");
    EXPECT_EQ(Refused(tool, {{"engine", "motion"}, {"depth_video", depth_}}),
              "the engine 'motion' and a depth video contradict each other");
    EXPECT_EQ(Refused(tool, {{"model", "none.pt"}, {"depth_video", depth_}}),
              "give depth_video or model, not both");
    EXPECT_EQ(Refused(tool, {{"depth_video", depth_}, {"max_res", "200"}}),
              "max_res belongs to engine motion");
    EXPECT_EQ(Refused(tool, {{"model", "none.pt"}, {"max_res", "200"}}),
              "max_res belongs to engine motion");
    EXPECT_EQ(Refused(tool, {{"depth_video", depth_}, {"scene_scale", "2"}}),
              "scene_scale belongs to engine motion or model");
    EXPECT_EQ(Refused(tool, {{"depth_video", depth_}, {"input_size", "98"}}),
              "input_size belongs to engine motion or model");
    EXPECT_EQ(Refused(tool, {{"depth_video", depth_}, {"batch", "2"}}), "batch belongs to model");
    EXPECT_EQ(Refused(tool, {{"engine", "motion"}, {"max_depth", "20"}}),
              "max_depth belongs to depth_video");
    EXPECT_EQ(Refused(tool, {{"engine", "motion"}, {"encoding", "rgb16"}}),
              "encoding belongs to depth_video");
  }
  EXPECT_EQ(Refused(kStereo, {}), wants_depth);
  EXPECT_EQ(Refused(kMono, {}), "");
  EXPECT_EQ(Refused(kMono, {{"depth_video", depth_}, {"xfov", "50"}}),
            "a field of view has no meaning with the engine 'file' unless the placement is metric");
  EXPECT_EQ(Refused(kDepth, {{"stabilizer", "flow"}, {"stabilizer_leak", "9"}}),
            "stabilizer_leak belongs to stabilizer_lookahead 0");
  EXPECT_EQ(
      Refused(kDepth,
              {{"stabilizer", "flow"}, {"stabilizer_leak", "9"}, {"stabilizer_lookahead", "0"}}),
      "");
  for (const char* option : {"edge", "doubt"})
    EXPECT_EQ(Refused("upscale_depth_promptda",
                      {{"depth_video", depth_}, {"model", "none.pt"}, {option, "2"}}),
              std::string("give ") + option + " or model, not both");
  EXPECT_EQ(Refused("stabilize_depth", {{"depth_video", depth_},
                                        {"stabilizer", "nvds"},
                                        {"nvds_backbone", "none.pt"},
                                        {"nvds_head", "none.pt"},
                                        {"xfov", "50"}}),
            "xfov belongs to stabilizer flow");
  EXPECT_EQ(Refused("stabilize_depth",
                    {{"depth_video", depth_}, {"live", "on"}, {"stabilizer_leak", "9"}}),
            "");
  EXPECT_EQ(Refused(kDepth, {{"model", "none.pt"}, {"device", "CUDA"}}),
            "device is 'CUDA', must be cpu, cuda or cuda:N");
  EXPECT_EQ(Refused(kDepth, {{"model", "none.pt"}, {"sha256", "abc"}}),
            "sha256 is 'abc', must be 64 hexadecimal digits");
  EXPECT_EQ(Refused(kDepth, {{"max_depth", "1e-9"}}),
            "max_depth is '1e-9', must be a number in [1e-06, 1e+06]");
  // There the option names a reference.
  EXPECT_EQ(Refused(kDepth, {{"engine", "file"}}), "engine is 'file', must be one of motion|model");
  EXPECT_EQ(Refused(kDepth, {{"depth_video", depth_}}), "depth_video belongs to model");
}

TEST_F(Engines, ComputedDepthNeedsPicturesToComputeItFrom) {
  const std::unique_ptr<Tool> made = MakeTool(kStereo);
  made->options().SetText("engine", "motion");
  ExpectError(Code::kInvalidArgument, "the engine 'motion' needs a color video",
              [&] { made->Check(); });
}

// The same as writing the depth to a file and reading it again, but for the steps of the file.
TEST_F(Engines, StereoFromMotionIsThatOfItsDepthFile) {
  DepthJobOptions depth;
  depth.color_video = color_;
  depth.output = dir_ / "motion.mkv";
  depth.fov.xfov_deg = 60;
  depth.source.scene_scale = 2;
  depth.encoding = DepthEncoding::kRgb24Log;
  RunDepthJob(depth);
  StereoJobOptions stereo;
  stereo.color_video = color_;
  stereo.output = dir_ / "stereo.mkv";
  stereo.fov.xfov_deg = 60;
  stereo.source.file.path = depth.output;
  RunStereoJob(stereo);
  const std::vector<Image> by_file = ReadAllFrames(stereo.output);
  stereo.source.file.path.clear();
  stereo.source.engine = "motion";
  stereo.source.scene_scale = 2;
  for (const int threads : {1, 3}) {
    stereo.job.num_threads = threads;
    EXPECT_EQ(RunStereoJob(stereo).frames, shape_.frames);
    const std::vector<Image> by_motion = ReadAllFrames(stereo.output);
    ASSERT_EQ(by_motion.size(), by_file.size());
    for (size_t i = 0; i < by_file.size(); ++i) {
      int64_t apart = 0;
      for (int y = 0; y < shape_.height; ++y)
        for (int x = 0; x < 2 * shape_.width; ++x)
          apart += std::abs(by_file[i].Plane<uint8_t>().At(x, y) -
                            by_motion[i].Plane<uint8_t>().At(x, y));
      EXPECT_LT(static_cast<double>(apart) / (2 * shape_.width * shape_.height), 0.05) << i;
    }
  }
  // The scale counts: it is not the depth of some default.
  stereo.source.scene_scale = 8;
  RunStereoJob(stereo);
  EXPECT_FALSE(SameFrames(ReadAllFrames(stereo.output), by_file));
}

TEST_F(Engines, ComputedStereoIsNamedAfterItsColorsAndSettlesTheFieldOfView) {
  StereoJobOptions stereo;
  stereo.color_video = color_;
  stereo.source.engine = "motion";
  EXPECT_EQ(RunStereoJob(stereo).output, color_ + "_stereo.mkv");
  const std::vector<Image> assumed = ReadAllFrames(color_ + "_stereo.mkv");
  stereo.fov.xfov_deg = kDefaultXfovDeg;
  RunStereoJob(stereo);
  EXPECT_TRUE(SameFrames(ReadAllFrames(color_ + "_stereo.mkv"), assumed));
}

// An engine of one's own that reads the depth video by time is the truth that the built-in one is
// compared with.
class ByTime : public DepthEstimator {
 public:
  explicit ByTime(const std::string& path) : reader_(path) {}
  PixelFormat input_format() const override { return PixelFormat::Gray(8); }
  void Push(Frame frame) override {
    std::optional<DepthFrame> depth = reader_.Read();
    while (depth && depth->pts < frame.pts) depth = reader_.Read();
    ASSERT_TRUE(depth && depth->pts == frame.pts);
    DepthEstimate estimate;
    estimate.depth = std::move(depth->depth);
    estimate.index = frame.index;
    waiting_.push_back(std::move(estimate));
  }
  void Finish() override {}
  std::optional<DepthEstimate> Pop() override {
    if (waiting_.empty()) return std::nullopt;
    DepthEstimate estimate = std::move(waiting_.front());
    waiting_.pop_front();
    return estimate;
  }

 private:
  DepthVideoReader reader_;
  std::deque<DepthEstimate> waiting_;
};

TEST_F(Engines, MonoFromAFileTakesEachFrameItsOwnDepth) {
  shape_.frames = 12;
  MakeColor(color_, shape_);
  MakeDepth(depth_, shape_, BoxOnWall(shape_, 1, 4));
  for (const double fps : {0.0, 10.0, 60.0}) {
    for (const int64_t frames : {int64_t{-1}, int64_t{3}}) {
      SCOPED_TRACE(std::to_string(fps) + " fps, " + std::to_string(frames) + " frames");
      MonoToSbsJobOptions mono;
      mono.input = color_;
      mono.output = dir_ / "mono.mkv";
      mono.encode.crf = 0;
      mono.fps = fps;
      mono.job.max_frames = frames;
      mono.engine = [this](const DepthEngineInput&) { return std::make_unique<ByTime>(depth_); };
      RunMonoToSbsJob(mono);
      const std::vector<Image> expected = ReadAllFrames(mono.output);
      mono.engine = {};
      mono.source.file.path = depth_;
      RunMonoToSbsJob(mono);
      EXPECT_TRUE(SameFrames(ReadAllFrames(mono.output), expected));
      EXPECT_GT(expected.size(), 2u);
    }
  }
}

// The rules of pairing are those of stereo_rerender.
TEST_F(Engines, FilesThatDoNotBelongToTheVideoAreRefusedTheSameWay) {
  const auto both_fail = [&](const std::string& text) {
    StereoJobOptions stereo;
    stereo.color_video = color_;
    stereo.source.file.path = depth_;
    stereo.fov.xfov_deg = 60;
    stereo.output = dir_ / "out.mkv";
    ExpectError(Code::kCorrupt, text, [&] { RunStereoJob(stereo); });
    MonoToSbsJobOptions mono;
    mono.input = color_;
    mono.source.file.path = depth_;
    mono.output = dir_ / "out.mkv";
    ExpectError(Code::kCorrupt, text, [&] { RunMonoToSbsJob(mono); });
    EXPECT_FALSE(std::filesystem::exists(dir_ / "out.mkv"));
  };
  ClipShape other = shape_;
  other.frames = 4;
  MakeDepth(depth_, other, Plane(2));
  both_fail("has 4 frames, color video '" + color_ + "' has 6 frames: they must have the same");
  other.frames = 9;
  MakeDepth(depth_, other, Plane(2));
  both_fail("has 9 frames, color video '" + color_ + "' has 6 frames: they must have the same");
  other = shape_;
  other.width += 2;
  MakeDepth(depth_, other, Plane(2));
  both_fail("is 162x120, color video '" + color_ + "' is 160x120: they must have the same size");
  other = shape_;
  other.rate = {30, 1};
  MakeDepth(depth_, other, Plane(2));
  both_fail("has 30.000 frames per second, color video '" + color_ + "' has 24.000: they must");
}

}  // namespace
}  // namespace mdvt::test
