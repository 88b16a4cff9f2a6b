// SPDX-License-Identifier: Apache-2.0
//
// Flow by a network whose answer is a formula: the differences of the first two channels. A backend
// of this test's own.
#include "mdvt/tracking/model_flow.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>

#include "io/expect_error.h"
#include "mdvt/model/backend.h"
#include "model/fake_backend.h"
#include "model/metadata.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ExpectError;

std::atomic<int>& MostPairs() {  // that fit into its memory
  static std::atomic<int> most{100};
  return most;
}
std::atomic<int>& Passes() {
  static std::atomic<int> passes{0};
  return passes;
}

mdvt_backend_status RunDifference(mdvt_backend_model*, const mdvt_backend_tensor* inputs, size_t,
                                  mdvt_backend_tensor* outputs, size_t, size_t* num_outputs) {
  *num_outputs = 0;
  const int64_t batch = inputs[0].shape[0], area = inputs[0].shape[2] * inputs[0].shape[3];
  if (batch > MostPairs()) return test::fake::Fail(MDVT_BACKEND_OUT_OF_MEMORY, "too much");
  ++Passes();
  std::vector<float> flow(static_cast<size_t>(2 * batch * area));
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t i = 0; i < 2 * area; ++i)
      flow[static_cast<size_t>(2 * b * area + i)] =
          255 * (inputs[1].data[3 * b * area + i] - inputs[0].data[3 * b * area + i]);
  test::fake::Add({batch, 2, inputs[0].shape[2], inputs[0].shape[3]}, std::move(flow), true,
                  &outputs[0]);
  *num_outputs = 1;
  return MDVT_BACKEND_OK;
}

nlohmann::json FlowMetadata() {
  nlohmann::json metadata = test::DepthMetadata();
  metadata["kind"] = "flow";
  const nlohmann::json size = {
      {"rule", "fixed"}, {"target", {8, 16}}, {"keep_aspect", false}, {"dynamic", false}};
  metadata["inputs"] = {{{"name", "a"}, {"size", size}, {"resample", "bilinear"}},
                        {{"name", "b"}, {"size", size}, {"resample", "bilinear"}}};
  metadata["outputs"] = {{{"name", "flow"}, {"quantity", "flow"}, {"unit", "px"}}};
  metadata["batch"] = {{"dynamic", true}, {"max", 8}};
  return metadata;
}

class ModelFlowTest : public ::testing::Test {
 protected:
  void SetUp() override {
    static const mdvt_backend kTable = [] {
      static const char* const kExtensions[] = {".difference", nullptr};
      mdvt_backend table = test::FakeTable();
      table.name = "difference";
      table.extensions = kExtensions;
      table.run = RunDifference;
      return table;
    }();
    RegisterBackend(&kTable);
    MostPairs() = 100;
    Passes() = 0;
  }

  std::shared_ptr<const Model> Open(const nlohmann::json& metadata = FlowMetadata()) {
    const std::string path = folder_ / "net.difference";
    std::ofstream(path) << "\n" << metadata.dump();
    ModelOptions open;
    open.trust = ModelTrust::kUnlisted;
    return std::make_shared<const Model>(Model::Open(path, open));
  }

  static Image Plain(int width, int height, int red, int green) {
    Image image(PixelFormat::Rgb(8), width, height);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        image.MutablePlane<uint8_t>(0).At(x, y) = static_cast<uint8_t>(red);
        image.MutablePlane<uint8_t>(1).At(x, y) = static_cast<uint8_t>(green);
        image.MutablePlane<uint8_t>(2).At(x, y) = 7;
      }
    return image;
  }

  test::TempDir folder_;
};

TEST_F(ModelFlowTest, ComesBackInPixelsOfThePicture) {
  // 64 x 24 pictures, 16 x 8 in the network: 4 times as wide, 3 times as high.
  ModelFlow flow(Open(), 64, 24, nullptr);
  const std::vector<FlowField> fields =
      flow.Compute({{Plain(64, 24, 10, 20), Plain(64, 24, 13, 18)}});
  ASSERT_EQ(fields.size(), 1u);
  ASSERT_EQ(fields[0].width, 64);
  for (const Eigen::Vector2f& v : fields[0].vectors) {
    ASSERT_NEAR(v.x(), 4 * 3, 1e-3);
    ASSERT_NEAR(v.y(), 3 * -2, 1e-3);
  }
}

TEST_F(ModelFlowTest, TakesPairsTogetherAndFewerWhereMemoryIsShort) {
  ModelFlow flow(Open(), 16, 8, nullptr);
  EXPECT_EQ(flow.most_pairs(), 8);
  std::vector<PicturePair> pairs;
  for (int i = 0; i < 7; ++i) pairs.push_back({Plain(16, 8, 10, 10), Plain(16, 8, 10 + i, 10)});
  const auto check = [&] {
    const std::vector<FlowField> fields = flow.Compute(pairs);
    ASSERT_EQ(fields.size(), 7u);
    for (int i = 0; i < 7; ++i) EXPECT_NEAR(fields[static_cast<size_t>(i)].vectors[0].x(), i, 1e-3);
  };
  check();
  EXPECT_EQ(Passes(), 1);
  MostPairs() = 2;
  Passes() = 0;
  check();
  EXPECT_GE(Passes(), 4);
  MostPairs() = 0;
  ExpectError(Code::kOutOfMemory, "too much", [&] { flow.Compute(pairs); });
}

TEST_F(ModelFlowTest, RefusesWhatItCannotUse) {
  ExpectError(Code::kUnsupported, "optical flow needs \"flow\"",
              [&] { ModelFlow(Open(test::DepthMetadata()), 16, 8, nullptr); });
  nlohmann::json metadata = FlowMetadata();
  metadata["outputs"][0] = {{"name", "log_scale"}, {"quantity", "log_scale"}};
  ExpectError(Code::kUnsupported, "has no output of flow",
              [&] { ModelFlow(Open(metadata), 16, 8, nullptr); });
  ModelFlow flow(Open(), 16, 8, nullptr);
  ExpectError(Code::kInvalidArgument, "must be Rgb(8) of 16x8", [&] {
    flow.Compute({{Plain(16, 8, 0, 0), Plain(16, 9, 0, 0)}});
  });
  EXPECT_THROW(flow.Compute(std::vector<PicturePair>(9)), Error);
}

}  // namespace
}  // namespace mdvt
