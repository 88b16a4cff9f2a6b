// SPDX-License-Identifier: Apache-2.0
//
// The model class against a backend of the test's own. Row H1 of the scorecard: files that are not
// those that a manifest lists never reach a backend.
#include "mdvt/model/model.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "capi/scorecard.h"
#include "io/expect_error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/memory.h"
#include "mdvt/model/backend.h"
#include "mdvt/model/model_manifest.h"
#include "mdvt/model/pass_memory.h"
#include "model/fake_backend.h"
#include "model/metadata.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::Calls;
using test::DepthMetadata;
using test::ExpectError;
using test::TempDir;

void Write(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary) << contents;
}

ModelOptions Unlisted() {
  ModelOptions options;
  options.trust = ModelTrust::kUnlisted;
  options.num_threads = 1;
  return options;
}

// A zip of empty files, without checksums: what looks at names needs no more.
std::string Zip(const std::vector<std::string>& names) {
  const auto number = [](size_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i, value >>= 8) text += static_cast<char>(value);
    return text;
  };
  std::string files, directory;
  for (const std::string& name : names) {
    const size_t at = files.size();
    const std::string sizes = std::string(12, '\0') + number(name.size(), 2) + number(0, 2);
    files += "PK\3\4" + number(0, 10) + sizes + name;
    directory += "PK\1\2" + number(0, 12) + sizes + std::string(10, '\0') + number(at, 4) + name;
  }
  return files + directory + "PK\5\6" + number(0, 4) + number(names.size(), 2) +
         number(names.size(), 2) + number(directory.size(), 4) + number(files.size(), 4) +
         number(0, 2);
}

class ModelTest : public ::testing::Test {
 protected:
  void SetUp() override { test::RegisterFake(); }

  std::string Make(const std::string& behaviour, const json& metadata = DepthMetadata(),
                   const std::string& name = "net.fake") {
    Write(folder_ / name, behaviour + "\n" + metadata.dump());
    return folder_ / name;
  }
  Model OpenOne(const std::string& behaviour, const json& metadata = DepthMetadata(),
                const ModelOptions& options = Unlisted()) {
    return Model::Open(Make(behaviour, metadata), options);
  }

  TempDir folder_;
};

TEST_F(ModelTest, RunsANetwork) {
  const Model model = OpenOne("mean");
  EXPECT_EQ(model.info().name, "small");
  EXPECT_EQ(model.backend(), "fake");
  EXPECT_EQ(model.sha256(), FileSha256(model.path()));
  const Tensor input = Model::CheckInput({2, 3, 4, 6});
  std::vector<Tensor> outputs;
  model.Run({input}, &outputs);
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].shape(), (Shape{2, 1, 4, 6}));
  for (int64_t i = 0; i < 48; ++i) {
    const int64_t at = i / 24 * 72 + i % 24;
    EXPECT_NEAR(outputs[0][i], (input[at] + input[at + 24] + input[at + 48]) / 3, 1e-6);
  }
  const float* const data = outputs[0].data();
  model.Run({input}, &outputs);
  EXPECT_EQ(outputs[0].data(), data) << "memory is used again";
}

TEST_F(ModelTest, NormalizesWhatTheNetworkExpectsSo) {
  json metadata = DepthMetadata();
  metadata["inputs"][0]["normalize"] = {{"mean", {0.5, -1, 2}}, {"std", {0.25, 2, 4}}};
  metadata["outputs"][0]["non_negative"] = false;
  const Model model = OpenOne("mean", metadata);
  const Tensor input = Model::CheckInput({2, 3, 4, 6});
  std::vector<Tensor> outputs;
  model.Run({input}, &outputs);
  for (int64_t i = 0; i < 48; ++i) {
    const int64_t at = i / 24 * 72 + i % 24;
    const float sum =
        (input[at] - 0.5f) / 0.25f + (input[at + 24] + 1) / 2 + (input[at + 48] - 2) / 4;
    EXPECT_NEAR(outputs[0][i], sum / 3, 1e-5);
  }
  std::vector<ModelTensor> kept;
  const Model encode = Model::Open(Make("kept", DepthMetadata(), "first.fake"), Unlisted());
  kept = encode.RunKept({input});
  metadata["inputs"][0]["channels"] = 1;
  metadata["inputs"][0]["normalize"] = {{"mean", {0.5}}, {"std", {0.25}}};
  const Model second = Model::Open(Make("mean", metadata, "second.fake"), Unlisted());
  ExpectError(Code::kInvalidArgument, "is to be normalized",
              [&] { second.Run({kept[0]}, &outputs); });
}

TEST_F(ModelTest, HandsTheOptionsOn) {
  ModelOptions options = Unlisted();
  options.deterministic = options.channels_last = true;
  options.num_threads = 3;
  const Model first = OpenOne("mean", DepthMetadata(), options);
  EXPECT_EQ(Calls().options.flags,
            uint32_t{MDVT_BACKEND_DETERMINISTIC | MDVT_BACKEND_CHANNELS_LAST});
  EXPECT_EQ(Calls().options.num_threads, 3);
  EXPECT_EQ(Calls().outputs, (std::vector<std::string>{"depth"}));
  EXPECT_EQ(Calls().options.precision, MDVT_BACKEND_FP32);
  EXPECT_EQ(Calls().device, "cpu");
  options = Unlisted();
  options.optimize = options.profiling_executor = true;
  options.device = "cuda:1";
  options.precision = ModelPrecision::kFp16;
  const Model second = OpenOne("mean", DepthMetadata(), options);
  EXPECT_EQ(Calls().options.flags,
            uint32_t{MDVT_BACKEND_OPTIMIZE | MDVT_BACKEND_PROFILING_EXECUTOR});
  EXPECT_EQ(Calls().options.precision, MDVT_BACKEND_FP16);
  EXPECT_EQ(Calls().device, "cuda:1");
  json metadata = DepthMetadata();
  metadata["channels_last"] = true;
  const Model third = OpenOne("mean", metadata);
  EXPECT_EQ(Calls().options.flags, uint32_t{MDVT_BACKEND_CHANNELS_LAST});
}

TEST_F(ModelTest, KeepsTensorsWhereTheyAre) {
  json metadata = DepthMetadata();
  metadata["inputs"].push_back(json::parse(R"({"name": "kept", "channels": 1})"));
  const Model encode = OpenOne("kept");
  const Model refine = Model::Open(Make("mean", metadata, "second.fake"), Unlisted());
  const Tensor input = Model::CheckInput({1, 3, 4, 6});
  std::vector<Tensor> outputs;
  Tensor copied;
  {
    std::vector<ModelTensor> kept;
    {
      const Model passing = OpenOne("kept");
      kept = passing.RunKept({input});
    }
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(kept[0].shape(), (Shape{1, 1, 4, 6}));
    refine.Run({input, kept[0]}, &outputs);
    kept[0].CopyTo(&copied);
    for (int64_t i = 0; i < 24; ++i) EXPECT_EQ(outputs[0][i], copied[i]);

    ModelOptions elsewhere = Unlisted();
    elsewhere.device = "cuda:1";
    const Model other = Model::Open(Make("mean", metadata, "third.fake"), elsewhere);
    ExpectError(Code::kInvalidArgument, "was left on cpu", [&] {
      other.Run({input, kept[0]}, &outputs);
    });
    ExpectError(Code::kInvalidArgument, "input 'kept'", [&] {
      refine.Run({input, ModelTensor()}, &outputs);
    });
  }
  EXPECT_EQ(Calls().buffers, 0) << "every buffer was freed";
  ExpectError(Code::kInvalidArgument, "no tensor", [] { ModelTensor().CopyTo(nullptr); });
}

TEST_F(ModelTest, RefusesInputsThatTheMetadataDoesNotDeclare) {
  const Model model = OpenOne("mean");
  std::vector<Tensor> outputs;
  const auto expect = [&](const Shape& shape, const std::string& part) {
    ExpectError(Code::kInvalidArgument, part, [&] { model.Run({Tensor(shape)}, &outputs); });
  };
  expect({1, 3, 4}, "must be [N, 3, H, W]");
  expect({1, 4, 4, 4}, "must be [N, 3, H, W]");
  expect({5, 3, 4, 4}, "batch of 5, must be at most 4");
  expect({1, 3, 4, 5}, "5x4, the network takes sides that are multiples of 2 from 2x2 to 64x64");
  expect({1, 3, 66, 64}, "64x66");
  ExpectError(Code::kInvalidArgument, "0 inputs, must be 1", [&] { model.Run({}, &outputs); });
  ExpectError(Code::kInvalidArgument, "has no values", [&] {
    model.Run({TensorView{nullptr, {1, 3, 4, 4}}}, &outputs);
  });

  json metadata = DepthMetadata();
  metadata["batch"] = {{"dynamic", false}, {"max", 2}};
  metadata["inputs"][0]["size"]["dynamic"] = false;
  const Model fixed = OpenOne("mean", metadata);
  ExpectError(Code::kInvalidArgument, "batch of 1, must be 2", [&] {
    fixed.Run({Tensor({1, 3, 16, 16})}, &outputs);
  });
  ExpectError(Code::kInvalidArgument, "16x16 only", [&] {
    fixed.Run({Tensor({2, 3, 14, 16})}, &outputs);
  });
  fixed.Run({Tensor({2, 3, 16, 16})}, &outputs);

  ModelOptions options = Unlisted();
  options.limits.max_frame_buffer_bytes = 1000;
  const Model small = OpenOne("mean", DepthMetadata(), options);
  ExpectError(Code::kLimit, "1000 bytes", [&] { small.Run({Tensor({1, 3, 16, 16})}, &outputs); });
}

TEST_F(ModelTest, RefusesWindowsOfAnotherLength) {
  json metadata = DepthMetadata();
  metadata["kind"] = "depth_video";
  metadata["inputs"][0]["layout"] = metadata["outputs"][0]["layout"] = "1TCHW";
  metadata["window"] = {{"length", 8}};
  const Model model = OpenOne("mean", metadata);
  std::vector<Tensor> outputs;
  ExpectError(Code::kInvalidArgument, "4 frames, must be 8", [&] {
    model.Run({Tensor({1, 4, 3, 4, 4})}, &outputs);
  });
  metadata["window"] = {{"length", 8}, {"dynamic", true}, {"multiple", 4}};
  const Model dynamic = OpenOne("mean", metadata);
  ExpectError(Code::kInvalidArgument, "6 frames, must be a multiple of 4 up to 8", [&] {
    dynamic.Run({Tensor({1, 6, 3, 4, 4})}, &outputs);
  });
}

TEST_F(ModelTest, RefusesOutputsThatAreNotAsDeclared) {
  const std::pair<const char*, const char*> rows[] = {
      {"nan", "output 'depth' has 1 bad values of 16, the first is nan at 15"},
      {"inf", "the first is -inf at 15"},
      {"negative", "declares it non_negative"},
      {"rank", "has shape [1, 2, 8], its metadata declares [1, 1, 2, 8]"},
      {"turned", "has shape [1, 1, 8, 2]"},
      {"empty", "has shape [1, 1, 0, 8]"},
      {"two", "returns 2 outputs, its metadata declares 1"},
      {"nothing", "returns 0 outputs"},
      {"fails", "network fell over; it was given 'image' of shape [1, 3, 2, 8]: if it was made"}};
  for (const auto& [behaviour, part] : rows) {
    const Model model = OpenOne(behaviour);
    std::vector<Tensor> outputs;
    ExpectError(Code::kCorrupt, part, [&] { model.Run({Tensor({1, 3, 2, 8})}, &outputs); });
    ExpectError(Code::kCorrupt, model.path(), [&] { model.Run({Tensor({1, 3, 2, 8})}, &outputs); });
  }
  EXPECT_EQ(Calls().buffers, 0) << "every buffer was freed";

  json metadata = DepthMetadata();
  metadata["outputs"][0]["non_negative"] = false;
  std::vector<Tensor> outputs;
  OpenOne("negative", metadata).Run({Tensor({1, 3, 2, 8})}, &outputs);
  ModelOptions fp16 = Unlisted();
  fp16.precision = ModelPrecision::kFp16;
  fp16.device = "cuda:0";
  const Model half = OpenOne("inf", DepthMetadata(), fp16);
  ExpectError(Code::kCorrupt, "in fp32", [&] { half.Run({Tensor({1, 3, 2, 8})}, &outputs); });
}

// A field of a protobuf message that is a text or a message.
std::string Field(int number, const std::string& bytes) {
  const auto varint = [](size_t value) {
    std::string text;
    for (; value >= 128; value >>= 7) text += static_cast<char>(value % 128 + 128);
    return text + static_cast<char>(value);
  };
  return varint(static_cast<size_t>(number) * 8 + 2) + varint(bytes.size()) + bytes;
}

// A tensor whose values are in `location`, other fields before it.
std::string OutsideTensor(const std::string& location) {
  return std::string("\x08\x03\x10\x01", 4) + Field(8, "w") +
         Field(13, Field(1, "offset") + Field(2, "0")) +
         Field(13, Field(1, "location") + Field(2, location));
}

// The network's file is "mean\n" to the fake backend, which is a field of four bytes as well.
TEST_F(ModelTest, WeightsOutsideAnOnnxFileAreTrustedWithIt) {
  const std::string path = folder_ / "net.onnx";
  const std::string branch =
      Field(7, Field(1, Field(5, Field(6, Field(5, OutsideTensor("b.data"))))));
  Write(path, "mean\n" + Field(7, Field(5, OutsideTensor("a.data"))) + branch +
                  Field(7, Field(5, OutsideTensor("a.data"))));
  Write(path + ".json", DepthMetadata().dump());
  ModelOptions options;
  options.backend = "fake";
  options.num_threads = 1;
  ExpectError(Code::kNotFound, "'a.data', which is not beside it",
              [&] { Model::Open(path, options); });
  Write(folder_ / "a.data", "weights a");
  Write(folder_ / "b.data", "weights b");
  std::string lines;
  for (const char* name : {"net.onnx", "a.data", "b.data"})
    lines += FileSha256(folder_ / name) + "\n";
  const std::string hash = Sha256(lines.data(), lines.size());
  const ModelFileReport report = Model::Inspect(path, options);
  EXPECT_EQ(report.sha256, hash);
  EXPECT_FALSE(report.may_be_opened);
  EXPECT_EQ(report.size, static_cast<int64_t>(fs::file_size(path)) + 18);

  json manifest = {
      {"format", 1},
      {"models",
       {{{"file", "net.onnx"}, {"origin", "here"}, {"license", "MIT"}, {"sha256", hash}}}}};
  Write(folder_ / "manifest.json", manifest.dump());
  EXPECT_EQ(Model::Open(path, options).sha256(), hash);
  EXPECT_EQ(Calls().files, (std::vector<std::string>{"a.data: weights a", "b.data: weights b"}));
  // Another byte in one of them, and the whole is another network.
  Write(folder_ / "b.data", "weights B");
  const int opened = Calls().opened;
  ExpectError(Code::kRefused, "the file is damaged or another one",
              [&] { Model::Open(path, options); });
  EXPECT_EQ(Calls().opened, opened);

  for (const std::string away : {"../a.data", "/etc/passwd", "..", "sub/a.data", ""}) {
    Write(path, "mean\n" + Field(7, Field(5, OutsideTensor(away))));
    ExpectError(Code::kRefused, "only files in the folder", [&] { Model::Open(path, options); });
  }
  // A network that names itself is read twice and no more.
  Write(path, "mean\n" + Field(7, Field(5, OutsideTensor("net.onnx"))));
  EXPECT_EQ(Model::Inspect(path, options).size, 2 * static_cast<int64_t>(fs::file_size(path)));
  // Cut short anywhere it names fewer, and does nothing worse.
  const std::string whole = "mean\n" + Field(7, Field(5, OutsideTensor("a.data")));
  for (size_t kept = 1; kept < whole.size(); ++kept) {
    Write(path, whole.substr(0, kept));
    EXPECT_EQ(Model::Inspect(path, options).size, static_cast<int64_t>(kept)) << kept;
  }
}

TEST_F(ModelTest, TellsWhyAFileCannotBeOpened) {
  const auto expect = [](Code code, const std::string& part, const std::string& path,
                         const ModelOptions& options = Unlisted()) {
    ExpectError(code, part, [&] { Model::Open(path, options); });
  };
  expect(Code::kNotFound, "gone.fake", folder_ / "gone.fake");
  expect(Code::kNotFound, "is a folder, not a file", folder_.path().string());
  expect(Code::kIo, "not a regular file", "/dev/null");
  Write(folder_ / "empty.fake", "");
  expect(Code::kCorrupt, "an empty file", folder_ / "empty.fake");
  Write(folder_ / "bare.fake", "mean\n");
  expect(Code::kRefused, "not an mdvt model", folder_ / "bare.fake");
  expect(Code::kCorrupt, "broken in two lines", Make("broken"));
  json metadata = DepthMetadata();
  metadata["name"] = 1;
  expect(Code::kCorrupt, "net.fake': model metadata: name = 1", Make("mean", metadata));
  Write(folder_ / "net.other", "mean\n");
  EXPECT_THROW(Model::Open(folder_ / "net.other", Unlisted()), Error);

  const std::string good = Make("mean");
  ModelOptions options = Unlisted();
  options.device = "cuda";
  expect(Code::kUnsupported, "no device cuda here", good, options);
  options.device = "my gpu";
  expect(Code::kInvalidArgument, "ModelOptions.device", good, options);
  options = Unlisted();
  options.precision = ModelPrecision::kBf16CpuEncoder;
  expect(Code::kInvalidArgument, "offers fp32, fp16 (CUDA)", good, options);
  options.precision = ModelPrecision::kFp16;
  expect(Code::kInvalidArgument, "precision fp16 on cpu", good, options);
  options = Unlisted();
  options.num_threads = -1;
  expect(Code::kInvalidArgument, "ModelOptions.num_threads", good, options);
  options = Unlisted();
  options.max_run_seconds = std::numeric_limits<double>::quiet_NaN();
  expect(Code::kInvalidArgument, "ModelOptions.max_run_seconds", good, options);
  options = Unlisted();
  options.sha256 = "abc";
  expect(Code::kInvalidArgument, "ModelOptions.sha256", good, options);
  options = Unlisted();
  options.backend = "none_such";
  expect(Code::kNotFound, "mdvt_none_such.so", good, options);
}

TEST_F(ModelTest, SidecarOverridesWhatIsEmbedded) {
  const std::string path = Make("mean");
  json metadata = DepthMetadata();
  metadata["name"] = "described beside it";
  Write(path + ".json", metadata.dump());
  EXPECT_EQ(Model::Open(path, Unlisted()).info().name, "described beside it");
  Write(path + ".json", "{");
  ExpectError(Code::kCorrupt, "net.fake.json", [&] { Model::Open(path, Unlisted()); });
}

TEST_F(ModelTest, WarnsOfKeysThatItDoesNotKnow) {
  const test::LogCatcher log;
  json metadata = DepthMetadata();
  metadata["colour"] = 1;
  OpenOne("mean", metadata);
  EXPECT_TRUE(log.Says("does not know: colour"));
}

TEST_F(ModelTest, ChecksItself) {
  EXPECT_NEAR(Model::CheckInput({1, 3, 2, 2})[0],
              0.5 - 0.25 * 0.25 + 0.25 * std::sin(0.37 + 2 * 3.14159265358979 * (0.75 + 0.5)),
              1e-7);
  EXPECT_NEAR(Model::CheckInput({5})[4],
              0.5 + 0.1 + 0.25 * std::sin(0.37 + 2 * 3.14159265358979 * (2.7 + 1)), 1e-7);
  json metadata = DepthMetadata();
  const Model without = OpenOne("mean", metadata);
  ExpectError(Code::kRefused, "no \"check\"", [&] { without.SelfTest(); });

  const Tensor input = Model::CheckInput({1, 3, 8, 8});
  std::vector<Tensor> outputs;
  without.Run({input}, &outputs);
  double mean = 0, squares = 0;
  for (int64_t i = 0; i < 64; ++i) mean += outputs[0][i] / 64;
  for (int64_t i = 0; i < 64; ++i) squares += (outputs[0][i] - mean) * (outputs[0][i] - mean) / 64;
  metadata["check"] = {{"shape", {1, 3, 8, 8}}, {"mean", mean}, {"std", std::sqrt(squares)}};
  ModelOptions options = Unlisted();
  options.self_test = true;
  const Model model = OpenOne("mean", metadata, options);
  const std::vector<ModelCheckResult> results = model.SelfTest();
  ASSERT_EQ(results.size(), 1u);
  EXPECT_TRUE(results[0].passed);
  EXPECT_NEAR(results[0].deviation, std::sqrt(squares), 1e-6);

  metadata["check"]["std"] = 0.5;
  EXPECT_FALSE(OpenOne("mean", metadata).SelfTest()[0].passed);
  ExpectError(Code::kCorrupt, "the self-test fails: output 'depth'",
              [&] { OpenOne("mean", metadata, options); });
}

TEST_F(ModelTest, OpensWhatIsListed) {
  const std::string path = Make("mean");
  const std::string hash = FileSha256(path);
  const auto manifest = [&](const json& entry) {
    json list = {{"format", 1}, {"models", {entry}}};
    Write(folder_ / "manifest.json", list.dump());
  };
  const json entry = {
      {"file", "net.fake"}, {"origin", "test"}, {"license", "none"}, {"sha256", hash}};

  ExpectError(Code::kRefused, "list its SHA-256 " + hash, [&] { Model::Open(path); });
  manifest(entry);
  EXPECT_EQ(Model::Open(path).sha256(), hash);

  json changed = entry;
  changed["sha256"] = std::string(64, 'a');
  manifest(changed);
  ExpectError(Code::kRefused, "the file is damaged or another one", [&] { Model::Open(path); });
  ExpectError(Code::kRefused, "the file is damaged", [&] { Model::Open(path, Unlisted()); });
  changed["sha256"] = nullptr;
  changed["size"] = 3;
  manifest(changed);
  ExpectError(Code::kRefused, "lists 3", [&] { Model::Open(path, Unlisted()); });
  changed.erase("size");
  manifest(changed);
  ExpectError(Code::kRefused, "not listed with a hash", [&] { Model::Open(path); });
  EXPECT_NO_THROW(Model::Open(path, Unlisted()));

  ModelOptions options;
  options.sha256 = hash;
  EXPECT_NO_THROW(Model::Open(path, options));
  options.sha256[0] = options.sha256[0] == '0' ? '1' : '0';
  ExpectError(Code::kRefused, "was asked for", [&] { Model::Open(path, options); });

  const std::string list = folder_ / "list.json";
  fs::rename(folder_ / "manifest.json", list);
  Write(list, json({{"format", 1}, {"models", {entry}}}).dump());
  ModelOptions elsewhere;
  elsewhere.manifest = list;
  EXPECT_NO_THROW(Model::Open(path, elsewhere));
  elsewhere.manifest = folder_ / "gone.json";
  ExpectError(Code::kNotFound, "gone.json", [&] { Model::Open(path, elsewhere); });
}

// Row H1.
TEST_F(ModelTest, NothingElseReachesTheLoader) {
  const std::string path = Make("mean");
  const std::string good = test::fake::Contents(path.c_str());
  const json entry = {
      {"file", "net.fake"}, {"origin", "test"}, {"license", "none"}, {"sha256", FileSha256(path)}};
  const json other = {
      {"file", "other.fake"}, {"origin", "test"}, {"license", "none"}, {"sha256", Sha256("x", 1)}};
  Write(folder_ / "manifest.json", json({{"format", 1}, {"models", {entry, other}}}).dump());
  Model::Open(path);  // the good one is taken
  const int opened = Calls().opened, metadata_read = Calls().metadata_read;

  int attempts = 0, refused = 0;
  const auto attempt = [&](const std::string& file, const std::string& contents) {
    Write(file, contents);
    for (const ModelOptions& options : {ModelOptions(), Unlisted()}) {
      // A name that no manifest has is refused only where it would have to be listed.
      if (options.trust == ModelTrust::kUnlisted && file == folder_ / "renamed.fake") continue;
      ++attempts;
      try {
        Model::Open(file, options);
      } catch (const Error& error) {
        const bool empty = contents.empty() && error.code() == Code::kCorrupt;
        refused += error.code() == Code::kRefused || empty;
      }
    }
  };
  std::string flipped = good;
  flipped[flipped.size() / 2] ^= 1;
  attempt(path, flipped);
  attempt(path, good.substr(0, good.size() / 2));
  attempt(path, good + " ");
  attempt(path, "");
  attempt(path, "mean\n" + DepthMetadata().dump(2));
  attempt(folder_ / "other.fake", good);    // takes the place of another one
  attempt(folder_ / "renamed.fake", good);  // takes a name of its own
  std::mt19937_64 random = test::Rng();
  for (int i = 0; i < 1000; ++i) {
    std::string mutant = good;
    const size_t at = random() % mutant.size();
    switch (random() % 4) {
      case 0:
        mutant[at] = static_cast<char>(mutant[at] ^ (1 << random() % 8));
        break;
      case 1:
        mutant.resize(at);
        break;
      case 2:
        mutant.erase(at, 1 + random() % 16);
        break;
      default:
        mutant.insert(at, 1, static_cast<char>(random()));
    }
    if (mutant == good) mutant += "x";
    attempt(path, mutant);
  }
  EXPECT_EQ(refused, attempts);
  const int reached = Calls().opened - opened + Calls().metadata_read - metadata_read;
  EXPECT_EQ(reached, 0);
  test::PrintScore("H1", reached, 0, reached == 0 && refused == attempts,
                   "damaged, renamed or other model files that reach the loader, of 2013");
  EXPECT_EQ(attempts, 2013);
}

TEST_F(ModelTest, IsLookedAtWithoutBeingOpened) {
  const std::string path = Make("mean");
  const int opened = Calls().opened;
  const int read = Calls().metadata_read;
  ModelFileReport report = Model::Inspect(path);
  EXPECT_EQ(report.sha256, FileSha256(path));
  EXPECT_FALSE(report.may_be_opened);
  EXPECT_FALSE(report.is_listed);
  EXPECT_FALSE(report.is_another);
  EXPECT_TRUE(report.holds_network);
  EXPECT_NE(report.refusal.find("not listed"), std::string::npos);
  EXPECT_FALSE(report.info);
  EXPECT_EQ(Calls().metadata_read, read) << "what is not listed is handed to no backend";
  report = Model::Inspect(path, Unlisted());
  EXPECT_TRUE(report.may_be_opened);
  ASSERT_TRUE(report.info);
  EXPECT_EQ(report.info->name, "small");

  ModelOptions options;
  options.sha256 = report.sha256;
  EXPECT_TRUE(Model::Inspect(path, options).is_listed);
  options.sha256 = std::string(64, '0');
  const int metadata_read = Calls().metadata_read;
  report = Model::Inspect(path, options);
  EXPECT_FALSE(report.may_be_opened);
  EXPECT_TRUE(report.is_another);
  EXPECT_FALSE(report.info) << "what is damaged is not read";
  EXPECT_EQ(Calls().metadata_read, metadata_read);
  EXPECT_EQ(Calls().opened, opened);
  Write(path, "");
  EXPECT_NE(Model::Inspect(path).info_error.find("an empty file"), std::string::npos);
  ExpectError(Code::kNotFound, "gone", [&] { Model::Inspect(folder_ / "gone.fake"); });
}

// The backend opens what was hashed, not what has the name by then, and cannot write to it.
TEST_F(ModelTest, NothingThatIsDoneToTheFileReachesTheBackend) {
  const std::string path = Make("touch");
  const std::string before = test::fake::Contents(path.c_str());
  const Model model = Model::Open(path, Unlisted());
  EXPECT_EQ(test::fake::Contents(path.c_str()), before);
  EXPECT_EQ(model.sha256(), FileSha256(path));

  // Somebody exchanges the file, in both of the ways there are, while it is opened again and again.
  const std::string good = "negative\n" + DepthMetadata().dump();
  const std::string evil = "mean\n" + DepthMetadata().dump() + std::string(300000, ' ');
  Write(path, good);
  ModelOptions options;
  options.sha256 = FileSha256(path);
  std::atomic<bool> stop{false};
  std::thread other([&] {
    for (int i = 0; !stop; ++i) {
      const std::string& contents = i % 2 == 0 ? evil : good;
      if (i % 3 == 0) {
        Write(path, contents);
      } else {
        Write(folder_ / "swap", contents);
        fs::rename(folder_ / "swap", path);
      }
    }
  });
  int opened = 0, refused = 0;
  const Tensor input = Model::CheckInput({1, 3, 4, 4});
  const char* wish = std::getenv("MDVT_FAULTS");
  const int tries = wish != nullptr && std::string(wish) == "all" ? 20000 : 2000;
  for (int i = 0; i < tries; ++i) {
    std::vector<Tensor> outputs;
    try {
      const Model one = Model::Open(path, options);
      ++opened;
      // Only the good one gives a negative value, which its metadata excludes.
      EXPECT_THROW(one.Run({input}, &outputs), Error);
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == Code::kRefused || error.code() == Code::kCorrupt) << error.what();
      ++refused;
    }
  }
  stop = true;
  other.join();
  std::printf("a model exchanged while it was opened: %d opened, %d refused, 0 others\n", opened,
              refused);
  EXPECT_GT(opened, 0);
  EXPECT_GT(refused, 0);
}

TEST_F(ModelTest, TellsWeightsFromNetworks) {
  const auto expect = [&](const std::string& part, const std::string& contents) {
    Write(folder_ / "w.fake", contents);
    ExpectError(Code::kRefused, part, [&] { Model::Open(folder_ / "w.fake", Unlisted()); });
    const ModelFileReport report = Model::Inspect(folder_ / "w.fake", Unlisted());
    EXPECT_FALSE(report.may_be_opened);
    EXPECT_FALSE(report.holds_network);
  };
  // As torch.save() wrote until 1.5 and since; PyTorch is not needed to know them.
  expect(
      "a checkpoint in PyTorch's old format: it holds weights and no network; make a model of it",
      std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.",
                  20));
  expect("a checkpoint of PyTorch: it holds", Zip({"w/data.pkl", "w/data/0", "w/version"}));
  // A network, and archives that cannot be followed, are the backend's to judge.
  for (const std::string& other :
       {Zip({"w/data.pkl", "w/code/__torch__.py", "w/constants.pkl"}), Zip({"w/version"}),
        Zip({"w/data.pkl"}).substr(0, 60), std::string("PK\3\4")}) {
    Write(folder_ / "w.fake", other);
    EXPECT_TRUE(Model::Inspect(folder_ / "w.fake", Unlisted()).holds_network);
  }
}

// Said before any backend looks at it, and not of files that a backend is named for.
TEST_F(ModelTest, TellsJunkFromNetworks) {
  const std::string network = Zip({"w/data.pkl", "w/code/__torch__.py", "w/constants.pkl"});
  const auto look = [&](const std::string& name, const std::string& contents) {
    Write(folder_ / name, contents);
    return Model::Inspect(folder_ / name, Unlisted());
  };
  const auto expect = [&](const std::string& part, const std::string& name,
                          const std::string& contents) {
    const ModelFileReport report = look(name, contents);
    EXPECT_FALSE(report.may_be_opened) << name;
    EXPECT_FALSE(report.holds_network) << name;
    EXPECT_NE(report.refusal.find(name + "': " + part), std::string::npos) << report.refusal;
  };
  expect("not a TorchScript file: it is not a ZIP archive", "w.pt", "\x8f\x01\xff");
  expect("not a TorchScript file: it is not a ZIP archive", "w.PTH", "text");
  expect("a TorchScript file whose end is missing", "w.pt", network.substr(0, network.size() - 9));
  expect("not an ONNX file, or one that is damaged", "w.onnx", "text");
  expect("not an ONNX file, or one that is damaged", "w.onnx", Field(7, "graph").substr(0, 4));
  expect("not an ONNX file, or one that is damaged", "w.onnx", Field(2, "producer"));
  EXPECT_TRUE(look("w.pt", network).holds_network);
  EXPECT_TRUE(look("w.onnx", Field(2, "producer") + Field(7, "graph")).holds_network);
  EXPECT_TRUE(look("w.fake", "text").holds_network);
}

TEST_F(ModelTest, SaysFirstThatNothingRunsAKindOfFile) {
  for (const std::string& contents : {std::string(), std::string("onnx")}) {
    Write(folder_ / "net.nonesuch", contents);
    try {
      Model::Open(folder_ / "net.nonesuch");
      ADD_FAILURE() << "was opened";
    } catch (const Error& error) {
      for (const char* part : {"no backend for '.nonesuch' files", "a network is wanted", ".pt"})
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }
}

TEST_F(ModelTest, TracesTheMemoryOfARun) {
  const Tensor input = Model::CheckInput({2, 3, 16, 32});
  const std::vector<int64_t> events = {12288, -1, 8192, 8712, -3, -2};
  EXPECT_EQ(OpenOne("mean").TraceMemory({input}), events);
  EXPECT_EQ(PeakOfTrace(events), 8192 + 8712);
  EXPECT_EQ(PeakOfTrace({5, 3, -1, 4, -2}), 8);
  EXPECT_EQ(PeakOfTrace({}), 0);
  EXPECT_TRUE(OpenOne("untraced").TraceMemory({input}).empty());
  ExpectError(Code::kCorrupt, "network fell over", [&] { OpenOne("fails").TraceMemory({input}); });
  ExpectError(Code::kInvalidArgument, "the network takes", [&] {
    OpenOne("mean").TraceMemory({Model::CheckInput({1, 3, 11, 20})});
  });
}

TEST_F(ModelTest, MemoryOfALargePassFollowsFromTwoSmallOnes) {
  json metadata = DepthMetadata();
  metadata["inputs"][0]["size"]["max"] = {2048, 2048};
  metadata["inputs"][0]["size"]["multiple"] = 4;
  metadata["inputs"][0]["size"]["min"] = {4, 4};
  const int64_t pixels = 640 * 800, places = 1 + pixels / 16;
  for (const int batch : {1, 4}) {
    const auto bytes = EstimatePassMemory(OpenOne("mean", metadata), {800, 640}, batch);
    ASSERT_TRUE(bytes);
    const double truth = static_cast<double>(batch * (8 * pixels + 4 * places * places));
    EXPECT_NEAR(static_cast<double>(*bytes) / truth, 1, 1e-9);
  }
  EXPECT_EQ(EstimatePassMemory(OpenOne("fickle", metadata), {800, 640}, 1), 20 * pixels + 96);
  const auto nothing = [&](const std::string& behaviour, PixelSize size) {
    EXPECT_EQ(EstimatePassMemory(OpenOne(behaviour, metadata), size, 1), std::nullopt);
  };
  nothing("untraced", {800, 640});
  nothing("fails", {800, 640});
  nothing("mean", {64, 64});
  metadata["inputs"][0]["size"]["dynamic"] = false;
  nothing("mean", {800, 640});
}

// What it runs fails, so that nothing is.
TEST(PassMemory, IsThatOfThePlanWhereThereIsOne) {
  static std::vector<Shape> seen;
  static const mdvt_backend kTable = [] {
    static const char* const kExtensions[] = {".planned", nullptr};
    mdvt_backend table = test::FakeTable();
    table.name = "planner";
    table.extensions = kExtensions;
    table.plan_run = [](mdvt_backend_model* model, const mdvt_backend_tensor* inputs, size_t count,
                        int64_t* events, size_t, size_t* num_events) -> mdvt_backend_status {
      if (model->behaviour == "unplanned") return MDVT_BACKEND_UNSUPPORTED;
      int64_t bytes = 0;
      seen.clear();
      for (size_t i = 0; i < count; ++i) {
        seen.emplace_back(inputs[i].shape, inputs[i].shape + inputs[i].rank);
        int64_t values = 1;
        for (const int64_t side : seen.back()) values *= side;
        bytes += 4 * values;
      }
      events[0] = bytes, events[1] = 1000, events[2] = -1, events[3] = bytes / 2;
      *num_events = 4;
      return MDVT_BACKEND_OK;
    };
    return table;
  }();
  RegisterBackend(&kTable);
  const TempDir folder;
  const auto open = [&](const json& metadata, const std::string& behaviour = "fails") {
    Write(folder / "net.planned", behaviour + "\n" + metadata.dump());
    return Model::Open(folder / "net.planned", Unlisted());
  };
  json metadata = DepthMetadata();
  EXPECT_TRUE(PlansMemory(open(metadata)));
  EXPECT_EQ(EstimatePassMemory(open(metadata), {32, 16}, 3), 4 * 3 * 3 * 32 * 16 + 1000);
  EXPECT_EQ(seen, (std::vector<Shape>{{3, 3, 16, 32}}));
  EXPECT_EQ(EstimatePassMemory(open(metadata, "unplanned"), {32, 16}, 3), std::nullopt);
  // Further inputs, and networks of one size.
  json second = metadata["inputs"][0];
  second["name"] = "prompt";
  second["channels"] = 1;
  second["downscale"] = 2;
  metadata["inputs"].push_back(second);
  metadata["inputs"][0]["size"]["dynamic"] = false;
  EXPECT_EQ(EstimatePassMemory(open(metadata), {16, 16}, 1), 4 * (3 * 256 + 64) + 1000);
  EXPECT_EQ(seen, (std::vector<Shape>{{1, 3, 16, 16}, {1, 1, 8, 8}}));
  // Windows.
  metadata = DepthMetadata();
  metadata["kind"] = "depth_video";
  metadata.erase("batch");
  metadata["inputs"][0]["layout"] = metadata["outputs"][0]["layout"] = "1TCHW";
  metadata["window"] = {{"length", 8}, {"stride", 6}, {"overlap", 2}, {"carry", {0, 7}}};
  EXPECT_EQ(EstimatePassMemory(open(metadata), {32, 16}, 1), 4 * 8 * 3 * 32 * 16 + 1000);
  EXPECT_EQ(seen, (std::vector<Shape>{{1, 8, 3, 16, 32}}));
}

TEST(PassMemory, WhatDoesNotFitIsRefusedWithTheSizeThatDoes) {
  static int64_t bytes_per_pixel = 0;
  static const mdvt_backend kTable = [] {
    static const char* const kExtensions[] = {".weighed", nullptr};
    mdvt_backend table = test::FakeTable();
    table.name = "weigher";
    table.extensions = kExtensions;
    table.plan_run = [](mdvt_backend_model*, const mdvt_backend_tensor* inputs, size_t,
                        int64_t* events, size_t, size_t* num_events) -> mdvt_backend_status {
      events[0] = bytes_per_pixel * inputs[0].shape[0] * inputs[0].shape[2] * inputs[0].shape[3];
      *num_events = 1;
      return MDVT_BACKEND_OK;
    };
    return table;
  }();
  RegisterBackend(&kTable);
  const TempDir folder;
  Write(folder / "net.weighed", "fails\n" + DepthMetadata().dump());
  const Model model = Model::Open(folder / "net.weighed", Unlisted());
  PassMemoryCheck check;
  check.size = {64, 64};
  check.input_size = 64;
  check.size_of = [](int side) { return PixelSize{side, side}; };
  bytes_per_pixel = 1;
  RequirePassMemory(model, check);
  // 32 x 32 and a twentieth fit: what comes and goes meanwhile is less.
  bytes_per_pixel = AvailableMemory() / (32 * 32 + 60);
  ExpectError(Code::kOutOfMemory, "a pass over a picture of 64x64 takes about",
              [&] { RequirePassMemory(model, check); });
  ExpectError(Code::kOutOfMemory, "choose a smaller input size: 32 would fit",
              [&] { RequirePassMemory(model, check); });
  check.side_by_side = 4;  // a quarter each
  ExpectError(Code::kOutOfMemory, "4 run side by side", [&] { RequirePassMemory(model, check); });
  ExpectError(Code::kOutOfMemory, ": 16 would fit", [&] { RequirePassMemory(model, check); });
  // A size that cannot be chosen, and one of which not even the least fits.
  check.input_size = 0;
  try {
    RequirePassMemory(model, check);
    ADD_FAILURE() << "was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("would fit"), std::string::npos) << error.what();
  }
  check.input_size = 64;
  bytes_per_pixel = AvailableMemory();
  try {
    RequirePassMemory(model, check);
    ADD_FAILURE() << "was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("would fit"), std::string::npos) << error.what();
  }
}

TEST(Backends, TellWhatIsThere) {
  test::RegisterFake();
  test::RegisterFake();  // the same table again is fine
  EXPECT_EQ(DescribeBackend("fake"), "{\"version\": \"fake\"}");
  EXPECT_EQ(TimeMatrixProduct("fake", "cpu", 1, 16), 0);
  EXPECT_EQ(FindBackendFor(".FAKE"), FindBackend("fake"));
}

TEST(Backends, RefuseTablesThatAreNotWhole) {
  static mdvt_backend table = test::FakeTable();  // may be kept for ever
  const auto expect = [](Code code, const std::string& part, const mdvt_backend* one) {
    ExpectError(code, part, [&] { RegisterBackend(one); });
  };
  expect(Code::kInvalidArgument, "no table", nullptr);
  table.abi = 2;
  expect(Code::kUnsupported, "has version 2 of the backend table", &table);
  table = test::FakeTable();
  table.struct_size = 8;
  expect(Code::kUnsupported, "a table of 8 bytes", &table);
  table = test::FakeTable();
  table.struct_size = offsetof(mdvt_backend, trace_run) - 1;
  expect(Code::kUnsupported, "must be at least", &table);
  table = test::FakeTable();
  table.run = nullptr;
  expect(Code::kInvalidArgument, "has no 'run'", &table);
  table = test::FakeTable();
  test::RegisterFake();
  expect(Code::kRefused, "there is a backend 'fake' already", &table);
}

// A table of the time before trace_run, whose memory ends before it.
TEST(Backends, ServeWithTheTableThatTheyKnew) {
  static mdvt_backend table = test::FakeTable();
  static const char* const kExtensions[] = {".older", nullptr};
  table.name = "older";
  table.extensions = kExtensions;
  table.struct_size = offsetof(mdvt_backend, trace_run);
  RegisterBackend(&table);
  const TempDir folder;
  Write(folder / "net.older", "mean\n" + DepthMetadata().dump());
  const Model model = Model::Open(folder / "net.older", Unlisted());
  const Tensor input = Model::CheckInput({1, 3, 16, 16});
  std::vector<Tensor> outputs;
  model.Run({input}, &outputs);
  EXPECT_EQ(outputs.size(), 1u);
  EXPECT_TRUE(model.TraceMemory({input}).empty());
}

TEST(Backends, TellEveryFolderTheyAreLookedForIn) {
  const TempDir folder;
  setenv("MDVT_BACKEND_PATH", (folder / "a" + "::" + folder.path().string()).c_str(), 1);
  const std::vector<std::string> folders = BackendFolders();
  ASSERT_GE(folders.size(), 5u);
  EXPECT_EQ(folders[0], folder / "a");
  EXPECT_EQ(folders[1], folder.path().string());
  for (const std::string& one : folders) {
    ExpectError(Code::kNotFound, one, [] { FindBackend("none_such"); });
  }
  Write(folder / "mdvt_none_such.so", "not a library");
  ExpectError(Code::kUnsupported, folder / "mdvt_none_such.so", [] { FindBackend("none_such"); });
  ExpectError(Code::kInvalidArgument, "small letters", [] { FindBackend("../torch"); });
  unsetenv("MDVT_BACKEND_PATH");
}

// A plug-in that anybody could have put there is not opened, whichever of the folders on the way to
// it is open to them.
TEST(Backends, AreNotTakenFromWhereOthersMayWrite) {
  const TempDir folder;
  fs::create_directories(folder / "a/b");
  int tried = 0;
  const auto attempt = [&](const std::string& place, mode_t mode) {
    const std::string name = "spy" + std::to_string(tried++);
    Write(folder / "a/b/mdvt_" + name + ".so", "not a library");
    const std::string changed =
        place.empty() ? folder / "a/b/mdvt_" + name + ".so" : folder / place;
    const auto before = fs::status(changed).permissions();
    chmod(changed.c_str(), mode);
    try {
      FindBackend(name);
      ADD_FAILURE() << name << " was opened";
    } catch (const Error& error) {
      const std::string text = error.what();
      const bool refused = text.find("other users may change '" + fs::canonical(changed).string() +
                                     "'; chmod go-w") != std::string::npos;
      const bool open = (mode & (S_IWGRP | S_IWOTH)) != 0 && (mode & S_ISVTX) == 0;
      EXPECT_EQ(refused, open) << text;
    }
    fs::permissions(changed, before);
  };
  AddBackendFolder(folder / "a/b");
  for (const char* place : {"", "a/b", "a"}) {
    attempt(place, 0777);
    attempt(place, 0757);
    attempt(place, 0775);
    attempt(place, 0755);
  }
  attempt("a", 01777);  // as /tmp is: others may add files, and change none
  // A link may lead anywhere; what counts is where it ends.
  fs::create_directory(folder / "open");
  Write(folder / "open/mdvt_link.so", "not a library");
  chmod((folder / "open").c_str(), 0777);
  fs::create_symlink(folder / "open/mdvt_link.so", folder / "a/b/mdvt_link.so");
  ExpectError(Code::kUnsupported, "other users may change", [] { FindBackend("link"); });
  ExpectError(Code::kInvalidArgument, "the name of a folder", [] { AddBackendFolder(""); });
}

TEST(Backends, AreLookedForNowhereElse) {
  const fs::path own = fs::canonical("/proc/self/exe").parent_path();
  for (const std::string& folder : BackendFolders()) {
    EXPECT_NE(folder, (own / "../../../mdvt").lexically_normal().string());
    EXPECT_NE(folder, (own / "../../lib").lexically_normal().string());
  }
}

TEST(Manifest, ReadsItsEntries) {
  const std::string hash(64, 'B');
  const std::string text = R"({"format": 1, "models": [
    {"file": "a.pt", "origin": "o", "license": "MIT", "exporter": "e.py", "size": 7, "sha256": ")" +
                           hash + R"("},
    {"file": "b.pt", "origin": "o", "license": "MIT", "exporter": null, "size": null, "sha256": null}]})";
  const ModelManifest manifest = ModelManifest::Parse(text.data(), text.size());
  ASSERT_EQ(manifest.models.size(), 2u);
  EXPECT_EQ(manifest.FindFile("a.pt")->sha256, std::string(64, 'b'));
  EXPECT_EQ(manifest.FindFile("a.pt")->size, 7);
  EXPECT_EQ(manifest.FindFile("a.pt")->exporter, "e.py");
  EXPECT_EQ(manifest.FindHash(std::string(64, 'b')), manifest.FindFile("a.pt"));
  EXPECT_TRUE(manifest.FindFile("b.pt")->sha256.empty());
  EXPECT_FALSE(manifest.FindFile("b.pt")->size);
  EXPECT_EQ(manifest.FindFile("c.pt"), nullptr);
  EXPECT_EQ(manifest.FindHash(""), nullptr);
}

TEST(Manifest, ThatOfTheProjectIsRead) {
  const ModelManifest manifest = ModelManifest::Read(MDVT_MODELS "/manifest.json");
  const ManifestEntry* entry = manifest.FindFile("depth-anything-v2-vits.pt");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->license, "Apache-2.0");
  EXPECT_TRUE(entry->sha256.empty()) << "exported by each user";
}

TEST(Sidecars, OfTheProjectAreRead) {
  size_t count = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(MDVT_MODELS "/sidecars")) {
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const ModelInfo info = ModelInfo::Parse(text.data(), text.size());
    EXPECT_TRUE(info.unknown_keys.empty()) << entry.path();
    EXPECT_EQ(info.inputs[0].mean.size(), 3u) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 3u);
}

TEST(Manifest, NamesWhatIsWrong) {
  const json entry = {{"file", "a.pt"}, {"origin", "o"}, {"license", "MIT"}};
  const auto expect = [](Code code, const std::string& part, const json& models, int format = 1) {
    const std::string text = json({{"format", format}, {"models", models}}).dump();
    ExpectError(code, part, [&] { ModelManifest::Parse(text.data(), text.size()); });
  };
  const auto with = [&](const char* key, const json& value) {
    json changed = entry;
    changed[key] = value;
    return json::array({changed});
  };
  expect(Code::kUnsupported, "format = 2", json::array({entry}), 2);
  expect(Code::kCorrupt, "models[0].file", with("file", "a/b.pt"));
  expect(Code::kCorrupt, "models[0].license", with("license", nullptr));
  expect(Code::kCorrupt, "models[0].sha256", with("sha256", "abc"));
  expect(Code::kCorrupt, "models[0].size", with("size", 0));
  expect(Code::kCorrupt, "listed once", json::array({entry, entry}));
  expect(Code::kCorrupt, "models = ", json::array());
}

TEST(Sha256, IsThatOfTheStandard) {  // FIPS 180-4
  EXPECT_EQ(Sha256("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256("", 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const TempDir folder;
  Write(folder / "million", std::string(1000000, 'a'));
  EXPECT_EQ(FileSha256(folder / "million"),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace mdvt
