// SPDX-License-Identifier: Apache-2.0
//
// Both halves of an NVDS-shaped network in LibTorch against the whole network in Python: what
// tests/export/nvds_golden.py writes.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "mdvt/depth/nvds.h"
#include "mdvt/model/backend.h"
#include "mdvt/model/model.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr int kFrames = 10, kWidth = 96, kHeight = 64;
constexpr int64_t kPlane = int64_t{kWidth} * kHeight;

class NvdsGolden : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempDir>();
    missing_ = Make();
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override {
    if (!missing_.empty()) GTEST_SKIP() << missing_;
    frames_ = Values("frames");
    ASSERT_EQ(frames_.size(), static_cast<size_t>(kFrames * 4 * kPlane));
  }
  // Returns why not, in words.
  static std::string Make() {
    if (std::system("/usr/bin/python3 -c 'import torch' >/dev/null 2>&1") != 0)
      return "python3-torch is not installed";
    const std::string command =
        "/usr/bin/python3 -B '" MDVT_NVDS_GOLDEN "' '" + folder_->path().string() + "'";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return "";
  }
  static std::vector<float> Values(const std::string& name) {
    std::ifstream file(*folder_ / (name + ".f32"), std::ios::binary | std::ios::ate);
    EXPECT_TRUE(file.good()) << name;
    std::vector<float> values(static_cast<size_t>(file.tellg()) / sizeof(float));
    file.seekg(0);
    file.read(reinterpret_cast<char*>(values.data()),
              static_cast<std::streamsize>(values.size() * sizeof(float)));
    return values;
  }
  static NvdsNetwork Open(const char* device = "cpu",
                          ModelPrecision precision = ModelPrecision::kFp32) {
    ModelOptions options;  // the exporter has written manifest.json
    options.device = device;
    options.precision = precision;
    options.num_threads = 2;
    return NvdsNetwork(
        std::make_shared<const Model>(Model::Open(*folder_ / "backbone.pt", options)),
        std::make_shared<const Model>(Model::Open(*folder_ / "head.pt", options)));
  }
  const float* Rgb(int64_t frame) const {
    return &frames_[static_cast<size_t>(4 * kPlane * frame)];
  }
  ModelTensor Encode(const NvdsNetwork& network, int64_t frame) const {
    return network.Encode(Rgb(frame), Rgb(frame) + 3 * kPlane, kWidth, kHeight);
  }
  std::vector<ModelTensor> EncodeAll(const NvdsNetwork& network) const {
    std::vector<ModelTensor> features;
    for (int64_t frame = 0; frame < kFrames; ++frame) features.push_back(Encode(network, frame));
    return features;
  }
  static std::vector<float> ValuesOf(const ModelTensor& tensor) {
    Tensor values;
    tensor.CopyTo(&values);
    return {values.data(), values.data() + values.size()};
  }
  static std::array<int64_t, 4> Window(int64_t local, int step, bool reversed) {
    std::array<int64_t, 4> window = NvdsWindow(local, step, NvdsStartup::kRepeat);
    if (reversed)
      for (int64_t& frame : window) frame = kFrames - 1 - frame;
    return window;
  }
  // The largest difference of any pixel of a pass from the whole network's.
  double PassError(const NvdsNetwork& network, const std::vector<ModelTensor>& features, int step,
                   bool reversed) const {
    const std::vector<float> expected =
        Values((reversed ? "backward-" : "forward-") + std::to_string(step));
    double most = 0;
    for (int64_t local = 0; local < kFrames; ++local) {
      const std::array<int64_t, 4> window = Window(local, step, reversed);
      std::array<const ModelTensor*, 4> seen{};
      for (size_t k = 0; k < 4; ++k) seen[k] = &features[static_cast<size_t>(window[k])];
      std::vector<float> found;
      network.Decode(seen, Rgb(window[3]), kWidth, kHeight, &found);
      for (int64_t i = 0; i < kPlane; ++i)
        most = std::max(
            most,
            std::abs(static_cast<double>(found[static_cast<size_t>(i)]) -
                     static_cast<double>(expected[static_cast<size_t>(kPlane * window[3] + i)])));
    }
    return most;
  }

  static std::unique_ptr<TempDir> folder_;
  static std::string missing_;
  std::vector<float> frames_;
};
std::unique_ptr<TempDir> NvdsGolden::folder_;
std::string NvdsGolden::missing_;

TEST_F(NvdsGolden, FeaturesAreThoseOfTheWholeNetwork) {
  const NvdsNetwork network = Open();
  EXPECT_EQ(network.fixed_size(), (PixelSize{kWidth, kHeight}));
  EXPECT_EQ(network.multiple(), 32);
  const std::vector<float> expected = Values("features");
  size_t at = 0;
  double most = 0;
  for (int64_t frame = 0; frame < kFrames; ++frame)
    for (const float value : ValuesOf(Encode(network, frame))) {
      ASSERT_LT(at, expected.size());
      most = std::max(most, std::abs(static_cast<double>(value - expected[at++])));
    }
  EXPECT_EQ(at, expected.size());
  EXPECT_LE(most, 1e-3);
  std::printf("features: %.2e off at most\n", most);
}

TEST_F(NvdsGolden, BothPassesAreThoseOfTheWholeNetwork) {
  const NvdsNetwork network = Open();
  const std::vector<ModelTensor> features = EncodeAll(network);
  for (const int step : {1, 2})
    for (const bool reversed : {false, true}) {
      const double error = PassError(network, features, step, reversed);
      EXPECT_LE(error, 1e-3) << step << reversed;
      std::printf("%s, step %d: %.2e off at most\n", reversed ? "backward" : "forward", step,
                  error);
    }
  // A pass of other windows is not within that.
  EXPECT_GT(PassError(network, {features.rbegin(), features.rend()}, 1, false), 1e-2);
}

// Features that wait for later windows are those that would be found again, to the bit; so is what
// follows of them.
TEST_F(NvdsGolden, KeptFeaturesAreThoseFoundAgain) {
  const NvdsNetwork network = Open();
  const std::vector<ModelTensor> kept = EncodeAll(network);
  for (const bool reversed : {false, true})
    for (const int64_t local : {1, 5, 9}) {
      const std::array<int64_t, 4> window = Window(local, 2, reversed);
      std::array<ModelTensor, 4> fresh;
      std::array<const ModelTensor*, 4> again{}, cached{};
      for (size_t k = 0; k < 4; ++k) {
        cached[k] = &kept[static_cast<size_t>(window[k])];
        fresh[k] = Encode(network, window[k]);
        again[k] = &fresh[k];
        EXPECT_EQ(ValuesOf(fresh[k]), ValuesOf(*cached[k])) << reversed << local << k;
      }
      std::vector<float> a, b;
      network.Decode(cached, Rgb(window[3]), kWidth, kHeight, &a);
      network.Decode(again, Rgb(window[3]), kWidth, kHeight, &b);
      EXPECT_EQ(a, b) << reversed << local;
    }
}

// LibTorch has no half precision of these layers on a processor, and the file offers none there.
TEST_F(NvdsGolden, HalfPrecisionIsCloseWhereItIs) {
  try {
    Open("cpu", ModelPrecision::kFp16);
    ADD_FAILURE() << "half precision on a processor";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("fp16"), std::string::npos) << error.what();
  }
  if (DescribeBackend("torch").find("cuda") == std::string::npos)
    GTEST_SKIP() << "LibTorch sees no CUDA device";
  const NvdsNetwork network = Open("cuda", ModelPrecision::kFp16);
  const std::vector<ModelTensor> features = EncodeAll(network);
  for (const bool reversed : {false, true})
    EXPECT_LE(PassError(network, features, 1, reversed), 2e-2) << reversed;
}

}  // namespace
}  // namespace mdvt::test
