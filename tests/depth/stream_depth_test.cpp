// SPDX-License-Identifier: Apache-2.0
//
// A stream of frames against the whole clip computed at once: a network that remembers frames in
// two tensors, a backend of this test's own.
#include "mdvt/depth/stream_depth.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <vector>

#include "io/expect_error.h"
#include "model/fake_backend.h"
#include "model/metadata.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using nlohmann::json;
using test::ExpectError;

constexpr int kWidth = 12, kHeight = 8, kPast = 5;
constexpr int64_t kArea = kWidth * kHeight;

float Gray(const float* rgb, int64_t i, int64_t area) {
  return (rgb[i] + rgb[i + area] + rgb[i + 2 * area]) / 3;
}

// past  [area, kPast + 1, 1]: of each pixel the gray of the scene's first frame, then those of the
//       last kPast ones, the latest at the end; mean [1, 1, 1]: the sum of the means so far
// Depth is 1 + gray + first / 2 + oldest / 4 + the mean of the means / 8.
float Formula(float gray, float first, float oldest, float mean) {
  return 1 + gray + first / 2 + oldest / 4 + mean / 8;
}

mdvt_backend_status RunFrame(mdvt_backend_model* model, const mdvt_backend_tensor* inputs,
                             size_t num_inputs, mdvt_backend_tensor* outputs, size_t,
                             size_t* num_outputs) {
  const auto values = [](const mdvt_backend_tensor& in) {
    return in.data != nullptr ? in.data : in.buffer->values.data();
  };
  EXPECT_EQ(num_inputs, 4u);
  const mdvt_backend_tensor& in = inputs[0];
  const int64_t area = in.shape[2] * in.shape[3];
  const float time = values(inputs[1])[0];
  const bool start = time == 0;
  EXPECT_EQ(inputs[2].shape[0], start ? 1 : area);
  EXPECT_EQ(inputs[2].shape[1], start ? 1 : kPast + 1);
  if (model->behaviour == "fails" && time >= 2)
    return test::fake::Fail(MDVT_BACKEND_CORRUPT, "network fell over");
  std::vector<float> depth, past;
  float mean = 0;
  for (int64_t i = 0; i < area; ++i) mean += Gray(values(in), i, area) / static_cast<float>(area);
  const float sum = (start ? 0 : values(inputs[3])[0]) + mean;
  for (int64_t i = 0; i < area; ++i) {
    const float gray = Gray(values(in), i, area);
    const float* row = values(inputs[2]) + (start ? 0 : i * (kPast + 1));
    const float first = start ? gray : row[0], oldest = start ? gray : row[1];
    depth.push_back(Formula(gray, first, oldest, sum / (time + 1)));
    past.push_back(first);
    for (int k = 2; k <= kPast; ++k) past.push_back(start ? gray : row[k]);
    past.push_back(gray);
  }
  if (model->behaviour == "nan" && time >= 2) past[0] = depth[0] = std::nanf("");
  // Depth between the states, and they in another order than among the inputs.
  test::fake::Add({1, 1, 1}, {sum}, true, &outputs[0]);
  test::fake::Add({1, 1, in.shape[2], in.shape[3]}, depth, true, &outputs[1]);
  test::fake::Add({area, kPast + 1, 1}, past, false, &outputs[2]);
  *num_outputs = 3;
  return MDVT_BACKEND_OK;
}

json Metadata(const std::string& scale = "affine") {
  json metadata = test::DepthMetadata();
  metadata["kind"] = "depth_stream";
  metadata.erase("batch");
  metadata["inputs"][0]["size"] = {
      {"rule", "native"}, {"multiple", 2}, {"dynamic", true}, {"min", {2, 2}}, {"max", {64, 64}}};
  metadata["inputs"].push_back({{"name", "time"}, {"layout", "1"}});
  metadata["inputs"].push_back({{"name", "past"}, {"layout", "PTC"}, {"channels", 1}});
  metadata["inputs"].push_back({{"name", "mean"}, {"layout", "PTC"}, {"channels", 1}});
  json depth = metadata["outputs"][0];
  depth["scale"] = scale;
  if (scale == "metric") depth["quantity"] = "depth", depth["unit"] = "m";
  const json past = {{"name", "past"}, {"layout", "PTC"}, {"channels", 1}, {"quantity", "latent"}};
  json mean = past;
  mean["name"] = "mean";
  metadata["outputs"] = {mean, depth, past};
  return metadata;
}

class StreamDepth : public ::testing::Test {
 protected:
  void SetUp() override {
    static const mdvt_backend kTable = [] {
      static const char* const kExtensions[] = {".stream", nullptr};
      mdvt_backend table = test::FakeTable();
      table.name = "stream";
      table.extensions = kExtensions;
      table.run = RunFrame;
      table.trace_run = nullptr;
      return table;
    }();
    RegisterBackend(&kTable);
  }
  std::shared_ptr<const Model> Open(const json& metadata, const std::string& behaviour = "x") {
    const std::string path = folder_ / "net.stream";
    std::ofstream(path) << behaviour << "\n" << metadata.dump();
    ModelOptions options;
    options.trust = ModelTrust::kUnlisted;
    options.num_threads = 1;
    return std::make_shared<const Model>(Model::Open(path, options));
  }
  static StreamDepthOptions Options() {
    StreamDepthOptions options;
    options.camera = Camera::FromFov(kWidth, kHeight, 60, std::nullopt);
    return options;
  }
  static Frame Picture(int64_t index) {
    Frame frame;
    frame.index = index;
    frame.pts = 10 * index;
    frame.image = Image(PixelFormat::Rgb(8), kWidth, kHeight);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < kWidth; ++x)
          frame.image.MutablePlane<uint8_t>(c).At(x, y) =
              static_cast<uint8_t>((17 * x + 29 * y + 7 * index * index + 40 * c) % 251);
    return frame;
  }
  static DepthEstimate Next(DepthEstimator* estimator, int64_t index) {
    estimator->Push(Picture(index));
    std::optional<DepthEstimate> estimate = estimator->Pop();
    EXPECT_TRUE(estimate.has_value()) << index;
    EXPECT_FALSE(estimator->Pop().has_value());
    return estimate ? std::move(*estimate) : DepthEstimate();
  }
  static std::vector<float> Values(const DepthEstimate& estimate) {
    std::vector<float> values;
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) values.push_back(estimate.depth.Plane<float>().At(x, y));
    return values;
  }
  // Of frames begin .. end of the clip as one scene, all of them known at once.
  static std::vector<std::vector<float>> WholeScene(int64_t begin, int64_t end) {
    std::vector<std::vector<float>> grays, all;
    float sum = 0;
    for (int64_t f = begin; f < end; ++f) {
      const Frame frame = Picture(f);
      std::vector<float> rgb;
      for (int c = 0; c < 3; ++c)
        for (int y = 0; y < kHeight; ++y)
          for (int x = 0; x < kWidth; ++x)
            rgb.push_back(static_cast<float>(frame.image.Plane<uint8_t>(c).At(x, y)) *
                          (1.0f / 255));
      std::vector<float> gray;
      float mean = 0;
      for (int64_t i = 0; i < kArea; ++i) {
        gray.push_back(Gray(rgb.data(), i, kArea));
        mean += gray.back() / static_cast<float>(kArea);
      }
      grays.push_back(gray);
      sum += mean;
      std::vector<float> map;
      const size_t oldest = static_cast<size_t>(std::max<int64_t>(0, f - begin - kPast));
      for (size_t i = 0; i < gray.size(); ++i)
        map.push_back(Formula(gray[i], grays[0][i], grays[oldest][i],
                              sum / static_cast<float>(f - begin + 1)));
      all.push_back(map);
    }
    return all;
  }

  const test::TempDir folder_;
};

TEST_F(StreamDepth, IsTheWholeClipBitForBitWithoutWaiting) {
  StreamDepthEstimator estimator(Open(Metadata()), Options(), nullptr);
  EXPECT_EQ(estimator.latency(), 0);
  EXPECT_FALSE(estimator.is_metric());
  const auto whole = WholeScene(0, 20);
  for (int64_t i = 0; i < 20; ++i) {
    const DepthEstimate estimate = Next(&estimator, i);
    EXPECT_EQ(estimate.index, i);
    EXPECT_EQ(estimate.pts, 10 * i);
    EXPECT_EQ(estimate.quantity, DepthQuantity::kRelativeDisparity);
    EXPECT_FALSE(estimate.starts_scene);
    ASSERT_EQ(Values(estimate), whole[static_cast<size_t>(i)]) << i;
  }
  EXPECT_EQ(test::Calls().buffers, 2);  // one frame's states
}

TEST_F(StreamDepth, AfterACutItIsAsNew) {
  StreamDepthEstimator estimator(Open(Metadata()), Options(), nullptr);
  for (int64_t i = 0; i < 9; ++i) Next(&estimator, i);
  estimator.StartScene();
  const auto whole = WholeScene(9, 18);
  for (int64_t i = 9; i < 18; ++i) {
    const DepthEstimate estimate = Next(&estimator, i);
    EXPECT_EQ(estimate.starts_scene, i == 9);
    ASSERT_EQ(Values(estimate), whole[static_cast<size_t>(i - 9)]) << i;
  }
}

TEST_F(StreamDepth, GoesOnFromASavedState) {
  const auto model = Open(Metadata());
  StreamDepthOptions options = Options();
  options.median_depth = 2;
  StreamDepthEstimator whole(model, options, nullptr), first(model, options, nullptr);
  std::vector<std::vector<float>> expected;
  for (int64_t i = 0; i < 14; ++i) expected.push_back(Values(Next(&whole, i)));
  for (const int64_t cut : {0, 1, 7}) {
    State state;
    StreamDepthEstimator before(model, options, nullptr), after(model, options, nullptr);
    for (int64_t i = 0; i < cut; ++i) Next(&before, i);
    before.Save(&state);
    Next(&after, 3);  // what it knew is forgotten
    after.Load(state);
    EXPECT_EQ(after.calibration().has_value(), cut > 0);
    for (int64_t i = cut; i < 14; ++i)
      ASSERT_EQ(Values(Next(&after, i)), expected[static_cast<size_t>(i)]) << cut << " " << i;
    for (const std::string name : {"state0", "state1.shape", "frames"}) {
      State broken = state;
      broken.Set(name, name == "state0" ? "abc" : "-1");
      ExpectError(Code::kCorrupt, "", [&] { after.Load(broken); });
    }
  }
}

// A median in metres holds from the first frame of a scene on, a given line always.
TEST_F(StreamDepth, IsBroughtToMetres) {
  const auto model = Open(Metadata());
  StreamDepthOptions options = Options();
  options.median_depth = 2;
  StreamDepthEstimator estimator(model, options, nullptr);
  EXPECT_TRUE(estimator.is_metric());
  for (const int64_t start : {0, 4}) {
    estimator.StartScene();
    std::vector<float> z = Values(Next(&estimator, start));
    std::nth_element(z.begin(), z.begin() + kArea / 2, z.end());
    EXPECT_NEAR(z[kArea / 2], 2, 0.05) << start;
    Next(&estimator, start + 1);
  }
  options.median_depth.reset();
  options.calibrations = {{0.25, 0.125}, {0.5, 1}};
  StreamDepthEstimator given(model, options, nullptr);
  EXPECT_FLOAT_EQ(Values(Next(&given, 0))[5], 1 / (0.25f * WholeScene(0, 1)[0][5] + 0.125f));
  // Each scene has its own, and the last one holds on.
  for (const int64_t start : {1, 2}) {
    given.StartScene();
    EXPECT_FLOAT_EQ(Values(Next(&given, start))[5],
                    1 / (0.5f * WholeScene(start, start + 1)[0][5] + 1));
  }
  StreamDepthEstimator metric(Open(Metadata("metric")), Options(), nullptr);
  const DepthEstimate estimate = Next(&metric, 0);
  EXPECT_EQ(estimate.quantity, DepthQuantity::kMetricDepth);
  EXPECT_EQ(Values(estimate), WholeScene(0, 1)[0]);
}

TEST_F(StreamDepth, WhatCannotBeIsRefused) {
  ExpectError(Code::kUnsupported, "depth_stream",
              [&] { StreamDepthEstimator(Open(test::DepthMetadata()), Options(), nullptr); });
  ExpectError(Code::kInvalidArgument, "no model",
              [&] { StreamDepthEstimator(nullptr, Options(), nullptr); });
  for (const std::string behaviour : {"fails", "nan"}) {
    StreamDepthEstimator estimator(Open(Metadata(), behaviour), Options(), nullptr);
    Next(&estimator, 0);
    Next(&estimator, 1);
    ExpectError(Code::kCorrupt, "frame 2: ", [&] { estimator.Push(Picture(2)); });
  }
  StreamDepthEstimator estimator(Open(Metadata()), Options(), nullptr);
  Frame other = Picture(0);
  other.image = Image(PixelFormat::Rgb(8), 4, 4);
  ExpectError(Code::kInvalidArgument, "not RGB of the camera's size",
              [&] { estimator.Push(other); });
  estimator.Finish();
  ExpectError(Code::kInvalidArgument, "after Finish", [&] { estimator.Push(Picture(0)); });
}

TEST_F(StreamDepth, MetadataMustFitTogether) {
  const auto refused = [&](const char* what, const auto& change) {
    json metadata = Metadata();
    change(&metadata);
    ExpectError(Code::kCorrupt, what, [&] { Open(metadata); });
  };
  refused("inputs = ", [](json* m) { m->at("inputs").erase(1); });
  refused("inputs = ", [](json* m) { (*m)["batch"] = {{"dynamic", true}, {"max", 4}}; });
  refused("state 'past'", [](json* m) { m->at("outputs")[2]["name"] = "present"; });
  refused("state 'past'", [](json* m) { m->at("outputs")[2]["channels"] = 2; });
  refused("state 'mean'", [](json* m) { m->at("outputs")[0]["quantity"] = "probability"; });
}

}  // namespace
}  // namespace mdvt
