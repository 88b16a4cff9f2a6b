// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/eval_trajectory.h"

#include <gtest/gtest.h>

#include <fstream>

#include "io/expect_error.h"
#include "mdvt/core/json.h"
#include "mdvt/io/sidecar.h"
#include "support/log_catcher.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

class EvalTrajectoryJob : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.estimate = dir_ / "estimate.json";
    options_.reference = dir_ / "truth.json";
    for (int i = 0; i < 30; ++i) {
      Pose pose = Pose::Identity();
      pose.translation() = Eigen::Vector3d(0.1 * i, 0.002 * i * i, 0);
      truth_.push_back(pose);
    }
    WriteTransformationsFile(options_.reference, truth_);
  }
  const TempDir dir_;
  EvalTrajectoryJobOptions options_;
  std::vector<Pose> truth_;
};

TEST_F(EvalTrajectoryJob, WritesAllFigures) {
  std::vector<Pose> estimate = truth_;
  for (Pose& pose : estimate) pose.translation() *= 2;
  WriteTransformationsFile(options_.estimate, estimate);
  options_.table = dir_ / "table.txt";
  options_.html = dir_ / "page.html";
  options_.camera = dir_ / "camera.json";
  std::ofstream(options_.camera)
      << R"({"fx": 1010, "width": 2000, "fov": {"xfov_low": 88.0, "xfov_high": 92.0}})";
  options_.reference_xfov = 90;
  const EvalTrajectoryReport report = RunEvalTrajectoryJob(options_);
  EXPECT_NEAR(report.error.similarity.scale, 0.5, 1e-9);
  EXPECT_NEAR(report.error.ate, 0, 1e-9);
  EXPECT_EQ(report.error.relative.size(), 2u);
  ASSERT_TRUE(report.focal.has_value());
  EXPECT_NEAR(report.focal->relative, 0.01, 1e-9);
  EXPECT_TRUE(report.focal->covered.value());
  const json::Value file = json::Parse(ReadText(report.output), Limits(), "eval");
  EXPECT_NEAR(file.At("scale").AsDouble(), 0.5, 1e-9);
  EXPECT_EQ(file.At("distance").size(), 30u);
  EXPECT_EQ(file.At("rpe").AsArray()[1].At("gap").AsInt(), 24);
  EXPECT_NE(ReadText(options_.table).find("ATE, with scale"), std::string::npos);
  const std::string page = ReadText(options_.html);
  EXPECT_NE(page.find("<polyline"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);  // needs no other file
}

TEST_F(EvalTrajectoryJob, TumTrajectoriesMatchByTime) {
  std::ofstream(dir_ / "a.txt") << "0 0 0 0 0 0 0 1\n0.1 1 0 0 0 0 0 1\n0.2 1 1 0 0 0 0 1\n";
  std::ofstream(dir_ / "b.txt") << "# reference\n0.101 0 0 0 0 0 0 1\n0.15 9 9 9 0 0 0 1\n"
                                   "0.199 0 1 0 0 0 0 1\n";
  options_.estimate = dir_ / "a.txt";
  options_.reference = dir_ / "b.txt";
  LogCatcher log;
  const EvalTrajectoryReport report = RunEvalTrajectoryJob(options_);
  EXPECT_EQ(report.error.frames, 2);
  EXPECT_NEAR(report.error.path_length, 1, 1e-9);
  EXPECT_TRUE(log.Says("2 are compared"));
  std::ofstream(dir_ / "b.txt") << "7 0 0 0 0 0 0 1\n";
  ExpectError(Code::kCorrupt, "belong together", [&] { RunEvalTrajectoryJob(options_); });
}

TEST_F(EvalTrajectoryJob, FilesThatDoNotFit) {
  WriteTransformationsFile(options_.estimate, {truth_.begin(), truth_.begin() + 20});
  LogCatcher log;
  EXPECT_EQ(RunEvalTrajectoryJob(options_).error.frames, 20);
  EXPECT_TRUE(log.Says("20 are compared"));
  std::ofstream(options_.estimate) << "[]";
  ExpectError(Code::kCorrupt, "estimate.json", [&] { RunEvalTrajectoryJob(options_); });
  options_.camera = dir_ / "camera.json";
  ExpectError(Code::kInvalidArgument, "reference_xfov", [&] { RunEvalTrajectoryJob(options_); });
}

}  // namespace
}  // namespace mdvt::test
