// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/eval_depth.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/core/json.h"
#include "mdvt/io/sidecar.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

class EvalDepthJob : public ::testing::Test {
 protected:
  void SetUp() override {
    const DepthAt truth = BoxOnWall(shape_, 2, 8);
    DepthClipOptions tagged;
    tagged.max_depth = 20;
    tagged.tags.xfov_deg = 60;
    MakeDepth(dir_ / "truth.mkv", shape_, truth, tagged);
    MakeDepth(
        dir_ / "d.mkv", shape_,
        [truth](int frame, int x, int y) {
          return (frame % 2 == 0 ? 1.0f : 1.1f) * truth(frame, x, y);
        },
        tagged);
    options_.depth_video = dir_ / "d.mkv";
    options_.truth_video = dir_ / "truth.mkv";
    options_.output = dir_ / "s.json";
    options_.job.num_threads = 2;
  }
  const TempDir dir_;
  ClipShape shape_;
  EvalDepthJobOptions options_;
};

TEST_F(EvalDepthJob, ComparesWithTheTruth) {
  options_.html_output = dir_ / "s.html";
  options_.table_output = dir_ / "s.txt";
  options_.baseline_video = dir_ / "truth.mkv";
  const EvalDepthReport report = RunEvalDepthJob(options_);
  EXPECT_EQ(report.frames, 6);
  EXPECT_NEAR(report.scores.accuracy->abs_rel, 0.05, 2e-4);
  EXPECT_EQ(report.scores.accuracy->delta1, 1);
  EXPECT_EQ(report.scores.edges->f1, 1);
  EXPECT_EQ(report.baseline->accuracy->abs_rel, 0);
  EXPECT_FALSE(report.scores.temporal.has_value());
  ASSERT_EQ(report.scores.abs_rel_of_frames.size(), 6u);
  EXPECT_NEAR(report.scores.abs_rel_of_frames[1], 0.1, 2e-4);
  const json::Value json = json::Parse(ReadText(options_.output), {}, "scores");
  EXPECT_NEAR(json.At("abs_rel").AsDouble(), report.scores.accuracy->abs_rel, 1e-12);
  EXPECT_EQ(json.At("frames").AsInt(), 6);
  EXPECT_EQ(json.At("alignment").AsString(), "none");
  EXPECT_EQ(json.At("baseline").At("abs_rel").AsDouble(), 0);
  const std::string page = ReadText(options_.html_output), table = ReadText(options_.table_output);
  EXPECT_NE(page.find("<svg"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);  // nothing is loaded
  EXPECT_NE(page.find("abs_rel"), std::string::npos);
  EXPECT_NE(table.find("edge_f1"), std::string::npos);
  EXPECT_NE(table.find("baseline"), std::string::npos);
}

TEST_F(EvalDepthJob, OneFitPerFrameHidesFlicker) {
  options_.alignment = DepthAlignment::kScale;
  EXPECT_GT(RunEvalDepthJob(options_).scores.accuracy->abs_rel, 0.03);
  options_.span = AlignmentSpan::kFrame;
  EXPECT_LT(RunEvalDepthJob(options_).scores.accuracy->abs_rel, 0.002);
  options_.span = AlignmentSpan::kClip;
  options_.alignment = DepthAlignment::kDisparity;
  const EvalDepthReport report = RunEvalDepthJob(options_);
  EXPECT_NEAR(report.scores.alignment.scale, 1.045, 0.02);
}

TEST_F(EvalDepthJob, ScoresOverTimeNeedNoTruth) {
  MakeColor(dir_ / "c.mkv", shape_);
  options_.truth_video.clear();
  options_.color_video = dir_ / "c.mkv";
  options_.cuts = false;
  options_.transformation_file = dir_ / "t.json";
  WriteTransformationsFile(options_.transformation_file, std::vector<Pose>(6, Pose::Identity()));
  EvalDepthReport report = RunEvalDepthJob(options_);
  ASSERT_TRUE(report.scores.temporal.has_value());
  EXPECT_EQ(report.scores.temporal->shots, 1);
  EXPECT_GT(*report.scores.opw, 0);
  // The camera stands still: 10 % one way, a bit less the other, but for what the box covers.
  EXPECT_GT(*report.scores.tae, 4);
  EXPECT_LT(*report.scores.tae, 11);
  options_.job.num_threads = 1;
  EXPECT_EQ(RunEvalDepthJob(options_).scores.temporal->opw2, report.scores.temporal->opw2);
  options_.fov.xfov_deg = 50;
  options_.job.max_frames = 3;
  report = RunEvalDepthJob(options_);
  EXPECT_EQ(report.frames, 3);
  EXPECT_EQ(report.scores.tae_of_pairs.size(), 3u);
  options_.job.max_frames = 1;
  report = RunEvalDepthJob(options_);
  EXPECT_FALSE(report.scores.temporal.has_value());
  EXPECT_FALSE(report.scores.opw.has_value());
}

TEST_F(EvalDepthJob, BadInputLeavesNothing) {
  const auto fails = [&](Code code, const std::string& part) {
    ExpectError(code, part, [&] { RunEvalDepthJob(options_); });
    EXPECT_FALSE(std::filesystem::exists(options_.output)) << part;
  };
  options_.truth_video.clear();
  fails(Code::kInvalidArgument, "nothing to score against");
  options_.color_video = dir_ / "none.mkv";
  fails(Code::kNotFound, "none.mkv");
  options_.color_video.clear();
  options_.truth_video = dir_ / "truth.mkv";
  options_.fov.xfov_deg = 50;
  fails(Code::kInvalidArgument, "transformation_file");
  options_.fov = FovOptions();
  ClipShape other = shape_;
  other.frames = 4;
  MakeDepth(dir_ / "short.mkv", other, Plane(3));
  options_.truth_video = dir_ / "short.mkv";
  fails(Code::kCorrupt, "ends after 4 frames");
  other = shape_;
  other.width = 98;
  MakeDepth(dir_ / "wide.mkv", other, Plane(3));
  options_.truth_video = dir_ / "wide.mkv";
  fails(Code::kCorrupt, "98x64");
  MakeDepth(dir_ / "empty.mkv", shape_, Plane(0));
  options_.truth_video = dir_ / "empty.mkv";
  fails(Code::kCorrupt, "nothing to compare");
  options_.truth_video = dir_ / "truth.mkv";
  options_.output = dir_ / "d.mkv";
  ExpectError(Code::kInvalidArgument, "input", [&] { RunEvalDepthJob(options_); });
}

}  // namespace
}  // namespace mdvt::test
