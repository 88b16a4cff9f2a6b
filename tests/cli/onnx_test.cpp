// SPDX-License-Identifier: Apache-2.0
//
// Networks in ONNX Runtime, exported and run as a user does: the same depth as in LibTorch.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "mdvt/io/depth_video.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

class Onnx : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    models_ = std::make_unique<TempDir>();
    missing_ = Export();
  }
  static void TearDownTestSuite() { models_.reset(); }
  void SetUp() override {
    if (!missing_.empty()) GTEST_SKIP() << missing_;
    shape_.width = 96;
    shape_.height = 64;
    shape_.frames = 5;
    MakeColor(color_, shape_);
  }

  // Returns why not, in words.
  static std::string Export() {
#if defined(MDVT_TEST_ONNX) && defined(MDVT_TOY_MODELS)
    if (std::system("/usr/bin/python3 -c 'import torch, onnxruntime' >/dev/null 2>&1") != 0)
      return "the Python packages torch and onnxruntime are not installed";
    for (const std::string kind : {"depth_luminance", "depth_ramp"})
      for (const std::string ending : {".pt", ".onnx"}) {
        const std::string command = "/usr/bin/python3 -B '" MDVT_TOY_MODELS "' --kind " + kind +
                                    " --out '" + (*models_ / (kind + ending)) + "' >/dev/null 2>&1";
        EXPECT_EQ(std::system(command.c_str()), 0) << command;
      }
    return "";
#else
    return "mdvt was built without the backend mdvt_onnxruntime";
#endif
  }

  RunningProgram::Arguments With(const std::string& model) const {
    return {"--color_video", color_, "--output", out_, "--model", model, "--threads", "2"};
  }

  std::vector<Image> Depth(const std::string& model) {
    const Outcome outcome = RunProgram("video_metric_convert", With(model));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    std::vector<Image> maps;
    if (outcome.status != 0) return maps;
    DepthVideoReader reader(out_);
    while (auto frame = reader.Read()) maps.push_back(std::move(frame->depth));
    return maps;
  }

  static std::unique_ptr<TempDir> models_;
  static std::string missing_;
  const TempDir dir_;
  ClipShape shape_;
  const std::string color_ = dir_ / "color.mkv";
  const std::string out_ = dir_ / "depth.mkv";
};
std::unique_ptr<TempDir> Onnx::models_;
std::string Onnx::missing_;

TEST_F(Onnx, DepthIsThatOfLibTorch) {
  for (const std::string kind : {"depth_luminance", "depth_ramp"}) {
    const std::vector<Image> a = Depth(*models_ / (kind + ".pt"));
    const std::vector<Image> b = Depth(*models_ / (kind + ".onnx"));
    ASSERT_EQ(a.size(), static_cast<size_t>(shape_.frames));
    ASSERT_EQ(b.size(), a.size());
    for (size_t i = 0; i < a.size(); ++i)
      for (int y = 0; y < shape_.height; ++y)
        for (int x = 0; x < shape_.width; ++x) {
          const float z = a[i].Plane<float>().At(x, y);
          ASSERT_NEAR(b[i].Plane<float>().At(x, y), z, 2e-3 + 1e-4 * double{z}) << kind << i;
        }
  }
}

TEST_F(Onnx, DoctorTestsIt) {
  const Outcome outcome = RunProgram("mdvt_doctor", {"--models", models_->path().string()});
  EXPECT_NE(outcome.out.find("backend    onnxruntime: ONNX Runtime"), std::string::npos);
  size_t passed = 0;
  for (size_t at = 0; (at = outcome.out.find("self-test passed", at)) != std::string::npos; ++at)
    ++passed;
  EXPECT_EQ(passed, 4u) << outcome.out;
}

// A file of others beside the project's description of its family; a smaller size to be quick.
TEST_F(Onnx, FilesOfOthersRunWithADescription) {
#ifdef MDVT_FOREIGN_ONNX
  const auto make = [&](const std::string& kind, const std::string& sidecar, int side) {
    const std::string path = dir_ / (kind + ".onnx");
    const std::string command =
        "/usr/bin/python3 -B '" MDVT_FOREIGN_ONNX "' " + kind + " '" + path + "' >/dev/null 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    std::ifstream file(MDVT_SIDECARS "/" + sidecar);
    nlohmann::json description = nlohmann::json::parse(file);
    if (side > 0) description["inputs"][0]["size"]["target"] = {side, side};
    std::ofstream(path + ".json") << description;
    return path;
  };
  const std::string depth = make("depth", "depth-anything-v2.onnx.json", 140);
  RunningProgram::Arguments arguments = With(depth);
  ExpectOneClearLine("video_metric_convert", RunProgram("video_metric_convert", arguments), 4,
                     {"depth.onnx", "manifest"});
  arguments.push_back("--trust_model");
  const Outcome outcome = RunProgram("video_metric_convert", arguments);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::vector<Image> maps;
  DepthVideoReader reader(out_);
  while (auto frame = reader.Read()) maps.push_back(std::move(frame->depth));
  const std::vector<Image> expected = Depth(*models_ / "depth_luminance.onnx");
  ASSERT_EQ(maps.size(), expected.size());
  for (size_t i = 0; i < maps.size(); ++i)
    for (int y = 0; y < shape_.height; ++y)
      for (int x = 0; x < shape_.width; ++x) {
        const float z = expected[i].Plane<float>().At(x, y);
        ASSERT_NEAR(maps[i].Plane<float>().At(x, y), z, 2e-3 + 1e-4 * double{z}) << i;
      }

  const std::string mask = dir_ / "mask.mkv";
  const Outcome masked = RunProgram(
      "create_video_mask", {"--color_video", color_, "--output", mask, "--model",
                            make("mask", "u2net.onnx.json", 0), "--trust_model", "--threads", "2"});
  EXPECT_EQ(masked.status, 0) << masked.err;
  EXPECT_TRUE(std::filesystem::exists(mask));
  // A description of outputs that the file does not have, one of which it has.
  std::ifstream file(depth + ".json");
  nlohmann::json description = nlohmann::json::parse(file);
  description["outputs"].push_back({{"name", "sky"}, {"quantity", "probability"}});
  std::ofstream(depth + ".json") << description;
  ExpectOneClearLine("video_metric_convert", RunProgram("video_metric_convert", arguments), 3,
                     {"'sky'", "'features', 'predicted_depth'"});
#endif
}

// Weights in a file of their own: hashed with the network, and what was hashed is what is loaded.
TEST_F(Onnx, WeightsOutsideTheFileBelongToIt) {
#ifdef MDVT_FOREIGN_ONNX
  const std::string path = dir_ / "outside.onnx";
  const std::string command = "/usr/bin/python3 -B '" MDVT_FOREIGN_ONNX "' outside '" + path + "'";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  nlohmann::json description =
      nlohmann::json::parse(std::ifstream(MDVT_SIDECARS "/depth-anything-v2.onnx.json"));
  description["inputs"][0]["name"] = "image";
  description["inputs"][0]["normalize"] = "in_module";
  description["inputs"][0]["size"] = {{"rule", "native"}, {"multiple", 2}};
  description["outputs"][0]["name"] = "depth";
  description["outputs"][0]["layout"] = "NCHW";
  std::ofstream(path + ".json") << description;
  RunningProgram::Arguments arguments = With(path);
  arguments.push_back("--trust_model");
  const Outcome outcome = RunProgram("video_metric_convert", arguments);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::vector<Image> maps;
  DepthVideoReader reader(out_);
  while (auto frame = reader.Read()) maps.push_back(std::move(frame->depth));
  const std::vector<Image> expected = Depth(*models_ / "depth_luminance.onnx");
  ASSERT_EQ(maps.size(), expected.size());
  for (int y = 8; y < shape_.height - 8; ++y)
    for (int x = 8; x < shape_.width - 8; ++x) {
      const float z = expected[2].Plane<float>().At(x, y);
      ASSERT_NEAR(maps[2].Plane<float>().At(x, y), z, 0.02 * double{z}) << x << " " << y;
    }

  // Listed with the hash that a user can form too; then another weight.
  const std::string hash = dir_ / "hash";
  ASSERT_EQ(std::system(("sha256sum '" + path + "' '" + path +
                         ".data' | cut -c1-64 | sha256sum | cut -c1-64 > '" + hash + "'")
                            .c_str()),
            0);
  std::string digits;
  std::ifstream(hash) >> digits;
  arguments.back() = "--sha256=" + digits;
  EXPECT_EQ(RunProgram("video_metric_convert", arguments).status, 0);
  std::fstream weights(path + ".data", std::ios::in | std::ios::out | std::ios::binary);
  weights.seekp(3);
  weights.put('A');
  weights.close();
  ExpectOneClearLine("video_metric_convert", RunProgram("video_metric_convert", arguments), 4,
                     {"outside.onnx", "SHA-256"});
  std::filesystem::remove(path + ".data");
  ExpectOneClearLine("video_metric_convert", RunProgram("video_metric_convert", arguments), 3,
                     {"outside.onnx.data", "not beside it"});
#endif
}

TEST_F(Onnx, DamagedFilesAreOneClearLine) {
  std::ifstream file(*models_ / "depth_luminance.onnx", std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  ASSERT_GT(whole.size(), 200u);
  const std::string damaged = dir_ / "damaged.onnx";
  for (const size_t kept : {size_t{1}, size_t{40}, whole.size() / 2, whole.size() - 1}) {
    std::ofstream(damaged, std::ios::binary) << whole.substr(0, kept);
    RunningProgram::Arguments arguments = With(damaged);
    arguments.push_back("--trust_model");
    const Outcome outcome = RunProgram("video_metric_convert", arguments);
    ExpectOneClearLine("video_metric_convert", outcome, 3, {"damaged.onnx"});
    EXPECT_FALSE(std::filesystem::exists(out_)) << kept;
  }
}

}  // namespace
}  // namespace mdvt::test
