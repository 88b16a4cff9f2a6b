// SPDX-License-Identifier: Apache-2.0
//
// The LibTorch backend with real TorchScript files. Row C6 of the scorecard: models that are broken
// or hostile end in a named error.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "capi/scorecard.h"
#include "io/expect_error.h"
#include "mdvt/model/backend.h"
#include "mdvt/model/model.h"
#include "mdvt/model/pass_memory.h"
#include "model/device_arrays.h"
#include "model/fake_device.h"
#include "model/metadata.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ExpectError;

ModelOptions Unlisted() {
  ModelOptions options;
  options.trust = ModelTrust::kUnlisted;
  return options;
}

class TorchTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test::TempDir>();
    const std::string command = MDVT_MAKE_TORCH_MODELS " '" + folder_->path().string() + "'";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string Path(const std::string& name) { return *folder_ / (name + ".pt"); }
  static Model Open(const std::string& name, const ModelOptions& options = Unlisted()) {
    return Model::Open(Path(name), options);
  }
  static Tensor RunOnce(const Model& model, const Tensor& input) {
    std::vector<Tensor> outputs;
    model.Run({input}, &outputs);
    return outputs.at(0);
  }

  static std::unique_ptr<test::TempDir> folder_;
};
std::unique_ptr<test::TempDir> TorchTest::folder_;

// What "good" computes, in double.
std::vector<double> Truth(const Tensor& input) {
  const int64_t batch = input.shape()[0], height = input.shape()[2], width = input.shape()[3];
  std::vector<double> truth(static_cast<size_t>(batch * height * width));
  size_t to = 0;
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x, ++to) {
        for (int64_t k = 0; k < 48; ++k) {
          double sum = 0;
          for (int64_t c = 0; c < 3; ++c) {
            for (int64_t i = 0; i < 49; ++i) {
              const int64_t row = y + i / 7 - 3, column = x + i % 7 - 3;
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              const double weight =
                  0.02 * std::sin(0.37 * static_cast<double>((k * 3 + c) * 49 + i));
              sum += weight * input[((b * 3 + c) * height + row) * width + column];
            }
          }
          truth[to] += std::abs(sum) / 48;
        }
      }
    }
  }
  return truth;
}

TEST_F(TorchTest, RunsANetwork) {
  const Model model = Open("good");
  EXPECT_EQ(model.backend(), "torch");
  EXPECT_EQ(model.info().name, "small");
  for (const Shape& shape : {Shape{1, 3, 8, 12}, Shape{2, 3, 16, 6}, Shape{4, 3, 2, 2}}) {
    const Tensor input = Model::CheckInput(shape);
    const Tensor output = RunOnce(model, input);
    ASSERT_EQ(output.shape(), (Shape{shape[0], 1, shape[2], shape[3]}));
    const std::vector<double> truth = Truth(input);
    for (size_t i = 0; i < truth.size(); ++i) {
      ASSERT_NEAR(output[static_cast<int64_t>(i)], truth[i], 1e-4) << "LibTorch sums in float";
    }
  }
}

TEST_F(TorchTest, OptionsOfSpeedKeepTheResult) {
  const Tensor input = Model::CheckInput({1, 3, 32, 64});
  const Tensor plain = RunOnce(Open("good"), input);
  ModelOptions options = Unlisted();
  const auto expect_same = [&](const char* what) {
    const Tensor other = RunOnce(Open("good", options), input);
    for (int64_t i = 0; i < plain.size(); ++i) ASSERT_NEAR(other[i], plain[i], 1e-5) << what;
  };
  options.channels_last = true;
  expect_same("channels-last");
  options.optimize = true;
  expect_same("channels-last, optimised");
  options.channels_last = false;
  options.profiling_executor = true;
  expect_same("optimised, profiling executor");
  // Values that are not in the order of the layout come out in it.
  const Tensor last = RunOnce(Open("last"), input);
  for (int64_t i = 0; i < last.size(); ++i) ASSERT_EQ(last[i], input[2 * 32 * 64 + i]);
}

TEST_F(TorchTest, PassesItsSelfTest) {
  ModelOptions options = Unlisted();
  options.self_test = true;
  const Model model = Open("good", options);
  const std::vector<ModelCheckResult> results = model.SelfTest();
  ASSERT_EQ(results.size(), 1u);
  EXPECT_TRUE(results[0].passed);
  EXPECT_NEAR(results[0].mean, results[0].expected_mean, 1e-6) << "the same formula, in LibTorch";
  EXPECT_NEAR(results[0].deviation, results[0].expected_deviation, 1e-6);
  EXPECT_GT(results[0].deviation, 0.01);
}

TEST_F(TorchTest, LeavesItsInputsAsTheyWere) {
  const Tensor input = Model::CheckInput({1, 3, 4, 4});
  const Tensor before = input;
  const Tensor output = RunOnce(Open("in_place"), input);
  for (int64_t i = 0; i < input.size(); ++i) ASSERT_EQ(input[i], before[i]);
  EXPECT_EQ(output[0], 2 * input[0]);

  const Model encode = Open("encode"), refine = Open("refine");
  const std::vector<ModelTensor> features = encode.RunKept({input});
  EXPECT_EQ(features.at(0).shape(), (Shape{1, 48, 4, 4}));
  Tensor values, again;
  features[0].CopyTo(&values);
  std::vector<Tensor> depth;
  refine.Run({features[0]}, &depth);
  features[0].CopyTo(&again);
  const Tensor whole = RunOnce(Open("good"), input);
  for (int64_t i = 0; i < values.size(); ++i) ASSERT_EQ(again[i], values[i]);
  for (int64_t i = 0; i < whole.size(); ++i) ASSERT_NEAR(depth[0][i], whole[i], 1e-6);
}

TEST_F(TorchTest, DeterministicRunsAreEqualForEveryThreadCount) {
  const Tensor input = Model::CheckInput({2, 3, 64, 64});
  ModelOptions options = Unlisted();
  options.deterministic = true;
  options.num_threads = 1;
  const Tensor one = RunOnce(Open("good", options), input);
  options.num_threads = 4;
  const Model model = Open("good", options);
  std::vector<Tensor> results(4);
  std::vector<std::thread> threads;
  for (Tensor& result : results) {
    threads.emplace_back([&] {
      for (int run = 0; run < 5; ++run) result = RunOnce(model, input);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Tensor& result : results) {
    ASSERT_TRUE(std::equal(one.data(), one.data() + one.size(), result.data()));
  }
}

int64_t PageFaults() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

int64_t ResidentBytes() { return test::StatusKib("VmRSS:") * 1024; }

double CpuSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// "wide" makes 48 planes as large as its input.
constexpr int64_t kFeatureBytes = int64_t{48} * 512 * 1024 * 4;
Tensor WideInput() { return Model::CheckInput({1, 3, 512, 1024}); }

TEST_F(TorchTest, PassesReuseTheMemoryOfThoseBefore) {
  const Model model = Open("wide");
  const Tensor input = WideInput();
  Tensor first, last;
  model.RunKept({input})[0].CopyTo(&first);
  const int64_t before = PageFaults();
  for (int run = 0; run < 3; ++run) model.RunKept({input});
  EXPECT_LT((PageFaults() - before) * sysconf(_SC_PAGESIZE), kFeatureBytes / 2)
      << "fresh features are 3 x " << kFeatureBytes << " bytes of new pages";
  model.RunKept({input})[0].CopyTo(&last);
  EXPECT_TRUE(std::equal(first.data(), first.data() + first.size(), last.data()));
}

TEST_F(TorchTest, MemoryGoesBackWithTheLastModel) {
  const Tensor input = WideInput();
  Tensor values, again;
  values.Resize({1, 48, 512, 1024});
  again.Resize({1, 48, 512, 1024});
  int64_t while_open = 0;
  std::vector<ModelTensor> kept;
  {
    const Model model = Open("wide");
    kept = model.RunKept({input});
    kept = model.RunKept({input});
    kept[0].CopyTo(&values);
    kept[0].CopyTo(&again);
    while_open = ResidentBytes();
  }
  kept[0].CopyTo(&again);  // what a model gave outlives it
  EXPECT_TRUE(std::equal(values.data(), values.data() + values.size(), again.data()));
  const int64_t after_model = ResidentBytes();
  EXPECT_LT(after_model, while_open - kFeatureBytes / 2) << "the features of the first run";
  kept.clear();
  EXPECT_LT(ResidentBytes(), after_model - kFeatureBytes / 2) << "those of the last one";
}

TEST_F(TorchTest, MemoryOfALargePassFollowsFromTwoSmallOnes) {
  for (const auto& [name, size] :
       {std::pair("wide", PixelSize{1024, 512}), std::pair("pairs", PixelSize{160, 128})}) {
    const Model model = Open(name);
    const auto estimated = EstimatePassMemory(model, size, 1);
    const Tensor input = Model::CheckInput({1, 3, size.height, size.width});
    const auto truth = static_cast<double>(PeakOfTrace(model.TraceMemory({input})));
    ASSERT_TRUE(estimated) << name;
    EXPECT_NEAR(static_cast<double>(*estimated) / truth, 1, 0.05) << name;
  }
  const int64_t features = PeakOfTrace(Open("wide").TraceMemory({WideInput()}));
  EXPECT_GE(features, kFeatureBytes);
  EXPECT_LE(features, kFeatureBytes * 5 / 2) << "with copies in other layouts";
}

// GNU's OpenMP would spin for milliseconds after each of them.
TEST_F(TorchTest, ThreadsThatWaitDoNotBurnTime) {
  ModelOptions options = Unlisted();
  options.num_threads = 2;
  const Model model = Open("wide", options);
  const Tensor input = Model::CheckInput({1, 3, 64, 64});
  double waiting = 0, spent = 0;
  for (int run = 0; run < 20; ++run) {
    model.RunKept({input});
    const double before = CpuSeconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    spent += CpuSeconds() - before;
    waiting += 0.02;
  }
  EXPECT_LT(spent / waiting, 0.05);
}

// Row C6.
TEST_F(TorchTest, BrokenModelsEndInNamedErrors) {
  struct Row {
    const char* name;
    Code code;
    const char* part;
  };
  const Row rows[] = {
      {"throws", Code::kCorrupt, "too dark"},
      {"rank", Code::kCorrupt,
       "output 'depth' has shape [1, 16, 16], its metadata declares [1, 1, 16, 16]"},
      {"nan", Code::kCorrupt, "256 bad values of 256, the first is nan"},
      {"inf", Code::kCorrupt, "the first is inf"},
      {"empty", Code::kCorrupt, "has shape [1, 0, 16, 16]"},
      {"huge", Code::kCorrupt, "has shape [1, 1, 1048576, 1073741824]"},
      {"slow", Code::kLimit, "at most 0.001 s are allowed"},
      {"extra", Code::kCorrupt, "returns 2 outputs, its metadata declares 1"},
      {"dtype", Code::kCorrupt, "output 0 is of type Long, must be Float"},
      {"negative", Code::kCorrupt, "declares it non_negative"},
      {"constant", Code::kCorrupt, "the self-test fails: output 'depth'"},
      {"two_inputs", Code::kCorrupt, "the network takes 2 inputs, 1 was given"}};
  const Tensor input = Model::CheckInput({1, 3, 16, 16});
  int named = 0;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    ModelOptions options = Unlisted();
    options.self_test = std::string(row.name) == "constant";
    if (std::string(row.name) == "slow") options.max_run_seconds = 1e-3;
    const auto body = [&] { RunOnce(Open(row.name, options), input); };
    ExpectError(row.code, row.part, body);
    try {
      body();
    } catch (const Error& error) {
      const std::string text = error.what();
      const bool whole = text.find(Path(row.name)) != std::string::npos &&
                         text.find(row.part) != std::string::npos && error.code() == row.code;
      named += whole;
      EXPECT_TRUE(whole) << text;
    }
  }
  test::PrintScore("C6", named, 12, named == 12,
                   "broken or hostile models that end in a named error");
  EXPECT_EQ(named, 12);
}

TEST_F(TorchTest, TellsWhatElseIsWrong) {
  const Tensor input = Model::CheckInput({1, 3, 16, 16});
  const auto run = [&](const char* name) { return [=] { RunOnce(Open(name), input); }; };
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they end the process instead
  ExpectError(Code::kOutOfMemory, "allocate", run("allocates"));
#endif
  ExpectError(Code::kCorrupt, "must be a tensor", run("dictionary"));
  ExpectError(Code::kCorrupt, "80 outputs", run("forty"));
  ExpectError(Code::kRefused, "not an mdvt model", run("no_metadata"));
  ExpectError(Code::kUnsupported, "needs LibTorch 99.1 or newer, this is LibTorch", run("newer"));
  ExpectError(Code::kUnsupported, "kind = \"smell\"", run("unknown_kind"));
  ExpectError(Code::kUnsupported, "format = 7", run("unknown_format"));
  ExpectError(Code::kCorrupt, "no forward()", run("no_forward"));

  ModelOptions options = Unlisted();
  const auto open = [&] { Open("good", options); };
  options.device = "xpu";
  ExpectError(Code::kUnsupported, "device 'xpu', must be cpu, cuda or cuda:N", open);
  options.device = "cuda:99";
  ExpectError(Code::kUnsupported, "device 'cuda:99' was asked for", open);
}

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST_F(TorchTest, TellsWhatIsWrongWithAFile) {
  const std::string good = Contents(Path("good"));
  const auto expect = [&](Code code, const std::string& part, const std::string& contents) {
    const std::string path = *folder_ / "made.pt";
    std::ofstream(path, std::ios::binary) << contents;
    ExpectError(code, part, [&] { Model::Open(path, Unlisted()); });
  };
  expect(Code::kCorrupt, "made.pt", "this is no archive");
  expect(Code::kCorrupt, "made.pt", good.substr(0, good.size() / 2));
  const auto open = [](const char* name) { return [=] { Open(name); }; };
  ExpectError(Code::kUnsupported, "is too old for this file", open("future"));
  ExpectError(Code::kRefused, "holds weights and no network", open("checkpoint"));
}

TEST_F(TorchTest, DescribesItself) {
  const std::string text = DescribeBackend("torch");
  for (const char* part :
       {"\"version\": \"LibTorch ", "\"threads\": ", "\"devices\": [\"cpu\"", "\"blas\": ["}) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }
  EXPECT_GT(TimeMatrixProduct("torch", "cpu", 1, 256), 0);
  ExpectError(Code::kUnsupported, "device 'tpu'", [] { TimeMatrixProduct("torch", "tpu", 1, 16); });
  ExpectError(Code::kInvalidArgument, "[1, 8192]", [] { TimeMatrixProduct("torch", "cpu", 1, 0); });
}

// What operations on the device give, one after the other.
std::vector<float> DeviceResults(std::shared_ptr<const Model> model) {
  const DeviceArrays arrays(model);
  std::vector<float> all;
  const auto keep = [&](const ModelTensor& tensor) {
    const Shape& shape = tensor.shape();
    const auto height = static_cast<int>(shape[0] * shape[1]), width = static_cast<int>(shape[2]);
    std::vector<float> values(static_cast<size_t>(height) * static_cast<size_t>(width));
    arrays.CopyTo(tensor,
                  {values.data(), static_cast<ptrdiff_t>(sizeof(float)) * width, width, height});
    all.insert(all.end(), values.begin(), values.end());
  };
  std::mt19937 random(7);
  const auto plane = [&](int height, int width) {
    std::vector<float> values;
    for (int i = 0; i < height * width; ++i)
      values.push_back(static_cast<float>(random() % 1000) / 400 - 1);
    return arrays.Load(values, height, width);
  };
  // Rows of a picture have gaps; samples of 16 bits go past the largest signed one.
  for (const int bits : {8, 16}) {
    Image picture(PixelFormat::Rgb(bits), 5, 4);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < 4; ++y)
        for (int x = 0; x < 5; ++x) {
          if (bits == 8)
            picture.MutablePlane<uint8_t>(c).At(x, y) = static_cast<uint8_t>(random());
          else
            picture.MutablePlane<uint16_t>(c).At(x, y) = static_cast<uint16_t>(random());
        }
    const ModelTensor loaded = arrays.Load(picture.view());
    keep(arrays.Linear(loaded, {{1, 0, 0}}));
    keep(arrays.Linear(loaded, {{0.5, 1, 0}, {2, -3, 0}, {-1, 4, 0}}, nullptr, -20));
    const ModelTensor unit = arrays.Linear(loaded, {{1.0 / ((1 << bits) - 1), 0, 0}});
    keep(arrays.Resample(unit, plane(7, 4), plane(3, 5)));
    keep(arrays.Resample(unit, plane(2, 4), plane(9, 5)));
    const ModelTensor one = plane(4, 5);
    keep(arrays.Linear(loaded, {{0.5, 1, 10}, {2, -3, -20}, {-1, 4, 5}}, &one));
    keep(arrays.Multiply(loaded, one));
    keep(arrays.Take(loaded, 2));
    keep(arrays.Join({&one, &loaded}, {4, 4, 5}));
    for (const double value : arrays.Extremes(loaded)) all.push_back(static_cast<float>(value));
  }
  const ModelTensor a = plane(30, 40), b = plane(30, 40);
  const double nan = std::nan("");
  keep(arrays.Invert(a, {2, -0.5, 3, nan}));
  keep(arrays.Invert(arrays.Invert(a, {1, 0, 1, nan}), {1, 0, 1, 7}));  // of NaN
  const auto add = [&](const auto& numbers) {
    for (const double number : numbers) all.push_back(static_cast<float>(number));
  };
  add(arrays.Extremes(a));
  add(arrays.Extremes(arrays.Invert(a, {1, 0, 1, nan})));
  add(arrays.Samples(a, 7));
  add(arrays.LineSums(a, b, {}));
  add(arrays.LineSums(a, b, {0.3, -0.2, 0.8, 0.1, 0.4}));
  return all;
}

TEST_F(TorchTest, CalculatesAsTheTableSays) {
  static const mdvt_backend kPlain = [] {
    static const char* const kExtensions[] = {".plain", nullptr};
    mdvt_backend table = test::FakeDeviceTable();
    table.name = "plain";
    table.extensions = kExtensions;
    return table;
  }();
  RegisterBackend(&kPlain);
  const std::string path = *folder_ / "net.plain";
  std::ofstream(path) << "x\n" << test::DepthMetadata().dump();
  ModelOptions options = Unlisted();
  options.processing = ModelProcessing::kDevice;
  const std::vector<float> wanted =
      DeviceResults(std::make_shared<const Model>(Model::Open(path, options)));
  const std::vector<float> found =
      DeviceResults(std::make_shared<const Model>(Open("good", options)));
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_EQ(std::isnan(found[i]), std::isnan(wanted[i])) << i;
    if (std::isnan(wanted[i])) continue;
    ASSERT_NEAR(found[i], wanted[i], 2e-6f * (1 + std::abs(wanted[i]))) << i;
  }
}

TEST_F(TorchTest, RefusesWhatItCannotCalculate) {
  ModelOptions options = Unlisted();
  options.processing = ModelProcessing::kDevice;
  const DeviceArrays arrays(std::make_shared<const Model>(Open("good", options)));
  const ModelTensor small = arrays.Load(std::vector<float>(6, 1), 2, 3);
  const ModelTensor large = arrays.Load(std::vector<float>(12, 1), 3, 4);
  ExpectError(Code::kInvalidArgument, "another size", [&] { arrays.Multiply(small, large); });
  ExpectError(Code::kInvalidArgument, "another size",
              [&] { arrays.Resample(small, large, large); });
  ExpectError(Code::kInvalidArgument, "does not have", [&] { arrays.Take(small, 1); });
  ExpectError(Code::kInvalidArgument, "several sizes", [&] {
    arrays.Join({&small, &large}, {1, 18});
  });
  ExpectError(Code::kInvalidArgument, "two sizes", [&] { arrays.LineSums(small, large, {}); });
}

}  // namespace
}  // namespace mdvt
