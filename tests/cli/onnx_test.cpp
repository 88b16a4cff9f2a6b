// SPDX-License-Identifier: Apache-2.0
//
// Networks in ONNX Runtime, exported and run as a user does: the same depth as in LibTorch.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/model/model.h"
#include "mdvt/model/pass_memory.h"
#include "support/test_env.h"
#include "support/text_files.h"

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
  // The same formula with its weights inside, at the same size.
  const std::string inside = dir_ / "inside.onnx";
  std::filesystem::copy(*models_ / "depth_luminance.onnx", inside);
  std::ofstream(inside + ".json") << description;
  RunningProgram::Arguments same = With(inside);
  same.push_back("--trust_model");
  ASSERT_EQ(RunProgram("video_metric_convert", same).status, 0);
  DepthVideoReader expected(out_);
  for (const Image& map : maps) {
    const auto frame = expected.Read();
    ASSERT_TRUE(frame.has_value());
    for (int y = 0; y < shape_.height; ++y)
      for (int x = 0; x < shape_.width; ++x) {
        const float z = frame->depth.Plane<float>().At(x, y);
        ASSERT_NEAR(map.Plane<float>().At(x, y), z, 2e-3 + 1e-4 * double{z}) << x << " " << y;
      }
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

#ifdef MDVT_FOREIGN_ONNX
class OnnxMemory : public Onnx {
 protected:
  void SetUp() override {
    Onnx::SetUp();
    if (IsSkipped()) return;
    const std::string command = "/usr/bin/python3 -B '" MDVT_FOREIGN_ONNX "' memory '" +
                                dir_.path().string() + "' >/dev/null 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    for (const char* name : {"pairs", "layers", "blocks", "counts"})
      std::ofstream(dir_ / (name + std::string(".onnx.json"))) << R"({
        "format": 1, "kind": "depth", "name": "net",
        "inputs": [{"name": "image",
                    "size": {"rule": "cover", "target": [512, 512], "multiple": 16,
                             "min": [16, 16], "max": [4096, 4096]}}],
        "outputs": [{"name": "depth", "quantity": "depth", "scale": "metric", "unit": "m"}],
        "batch": {"dynamic": true, "max": 4}})";
  }
  Model Open(const std::string& name) const {
    ModelOptions options;
    options.trust = ModelTrust::kUnlisted;
    options.num_threads = 2;
    return Model::Open(dir_ / (name + ".onnx"), options);
  }
  // Bytes that a run of this size adds to what is resident, at most, in a process of its own.
  int64_t Taken(const std::string& name, PixelSize size, int batch) const {
    int64_t taken = 0;
    int ends[2] = {};
    EXPECT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      const Model model = Open(name);
      std::vector<Tensor> outputs;
      model.Run({Model::CheckInput({1, 3, 32, 32})}, &outputs);  // threads and code are there
      const Tensor input = Model::CheckInput({batch, 3, size.height, size.width});
      std::ofstream("/proc/self/clear_refs") << "5";
      const int64_t before = StatusKib("VmRSS:");
      model.Run({input}, &outputs);
      model.Run({input}, &outputs);
      const int64_t after = 1024 * (StatusKib("VmHWM:") - before);
      _exit(write(ends[1], &after, sizeof(after)) == sizeof(after) ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(read(ends[0], &taken, sizeof(taken)), static_cast<ssize_t>(sizeof(taken)));
    close(ends[0]);
    close(ends[1]);
    return taken;
  }
};

// Before anything is run, by what the file says of its values.
TEST_F(OnnxMemory, IsForetoldWithoutARun) {
  struct Row {
    const char* name;
    PixelSize size;
    int batch;
  };
  for (const Row& row :
       {Row{"pairs", {384, 256}, 1}, Row{"layers", {1024, 768}, 1}, Row{"layers", {512, 384}, 3},
        Row{"blocks", {512, 384}, 1}, Row{"blocks", {640, 640}, 1}}) {
    const int64_t before = StatusKib("VmHWM:");
    const auto foretold = EstimatePassMemory(Open(row.name), row.size, row.batch);
    ASSERT_TRUE(foretold) << row.name;
    EXPECT_LT(1024 * (StatusKib("VmHWM:") - before), *foretold / 2 + (int64_t{100} << 20))
        << row.name << ": was it run?";
    const int64_t taken = Taken(row.name, row.size, row.batch);
    const double ratio = static_cast<double>(*foretold) / static_cast<double>(taken);
    std::printf("%s %dx%d x %d: %.1f MB foretold, %.1f taken, ratio %.3f\n", row.name,
                row.size.width, row.size.height, row.batch, static_cast<double>(*foretold) * 1e-6,
                static_cast<double>(taken) * 1e-6, ratio);
    EXPECT_GT(ratio, 0.95) << row.name;
    EXPECT_LT(ratio, 1.4) << row.name;
  }
  // It is the batch that is foretold, and every pair.
  const Model pairs = Open("pairs");
  const double one = static_cast<double>(*EstimatePassMemory(pairs, {512, 384}, 1));
  EXPECT_NEAR(static_cast<double>(*EstimatePassMemory(pairs, {512, 384}, 2)) / one, 2, 0.02);
  EXPECT_NEAR(static_cast<double>(*EstimatePassMemory(pairs, {1024, 384}, 1)) / one, 4, 0.2);
  // As many values as there are bright pixels: nothing is told, and it runs.
  EXPECT_EQ(EstimatePassMemory(Open("counts"), {512, 384}, 1), std::nullopt);
}

// What does not fit is refused with the size that does; that one runs.
TEST_F(OnnxMemory, APassThatDoesNotFitIsRefusedWithTheSizeThatDoes) {
  const auto run = [&](const std::string& more) {
    const std::string command =
        "ulimit -v 2000000; '" MDVT_PROGRAM_DIR "/video_metric_convert' --color_video '" + color_ +
        "' --output '" + out_ + "' --trust_model --threads 1 --max_frames 1 --quiet --model '" +
        (dir_ / "pairs.onnx") + "' " + more + " 2>'" + (dir_ / "err") + "'";
    const int status = std::system(command.c_str());
    return std::make_pair(WEXITSTATUS(status), ReadText(dir_ / "err"));
  };
  const auto [status, text] = run("--input_size 1024");  // 98,304 cells: 77 GB
  EXPECT_EQ(status, 1) << text;
  EXPECT_FALSE(std::filesystem::exists(out_));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  for (const char* part : {"a pass over a picture of 1536x1024 takes about ", " GB are to be had",
                           "choose a smaller input size: "})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  const size_t at = text.find("input size: ");
  ASSERT_NE(at, std::string::npos);
  const std::string fits = text.substr(at + 12, text.find(' ', at + 12) - at - 12);
  EXPECT_GT(std::stoi(fits), 128) << text;
  EXPECT_LT(std::stoi(fits), 512) << text;
  // Without the limit of addresses, of which the runtime's arena takes more than it fills.
  RunningProgram::Arguments arguments = With(dir_ / "pairs.onnx");
  arguments.insert(arguments.end(), {"--trust_model", "--max_frames", "1", "--input_size", fits});
  const Outcome outcome = RunProgram("video_metric_convert", arguments);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(std::filesystem::exists(out_));
  EXPECT_LT(outcome.peak_rss_kb, 2000000);
  EXPECT_GT(outcome.peak_rss_kb, 500000) << "a size that takes what there is";
}
#endif

TEST_F(Onnx, DamagedFilesAreOneClearLine) {
  const std::string whole = ReadText(*models_ / "depth_luminance.onnx");
  ASSERT_GT(whole.size(), 200u);
  const std::string damaged = dir_ / "damaged.onnx";
  for (const size_t kept : {size_t{1}, size_t{40}, whole.size() / 2, whole.size() - 1}) {
    std::ofstream(damaged, std::ios::binary) << whole.substr(0, kept);
    RunningProgram::Arguments arguments = With(damaged);
    arguments.push_back("--trust_model");
    const Outcome outcome = RunProgram("video_metric_convert", arguments);
    ExpectOneClearLine("video_metric_convert", outcome, 3, {"damaged.onnx': not an ONNX file, or"});
    EXPECT_FALSE(std::filesystem::exists(out_)) << kept;
  }
}

}  // namespace
}  // namespace mdvt::test
