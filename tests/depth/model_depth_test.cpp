// SPDX-License-Identifier: Apache-2.0
//
// Depth by networks whose answer is a formula: gain * mean(R, G, B) + offset, a backend of this
// test's own.
#include "mdvt/depth/model_depth.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/core/memory.h"
#include "model/fake_backend.h"
#include "model/metadata.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using nlohmann::json;
using test::ExpectError;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What the backend was asked for.
struct Passes {
  std::mutex mutex;
  std::vector<Shape> shapes;
  std::vector<float> first_values;  // of the first picture's first pixel
  int fail_at = -1;                 // the pass that fails, counted from 0
  int64_t bytes_per_pixel = 0;      // what a pass is said to take; 0: it is not said
};
Passes& Seen() {
  static Passes passes;
  return passes;
}

// The first line of a file holds gain and offset.
mdvt_backend_status RunFormula(mdvt_backend_model* model, const mdvt_backend_tensor* inputs, size_t,
                               mdvt_backend_tensor* outputs, size_t, size_t* num_outputs) {
  *num_outputs = 0;
  const mdvt_backend_tensor& in = inputs[0];
  {
    Passes& seen = Seen();
    const std::lock_guard<std::mutex> lock(seen.mutex);
    if (seen.fail_at == static_cast<int>(seen.shapes.size()))
      return test::fake::Fail(MDVT_BACKEND_CORRUPT, "network fell over");
    seen.shapes.emplace_back(in.shape, in.shape + in.rank);
    seen.first_values.push_back(in.data[0]);
  }
  std::istringstream line(model->behaviour);
  float gain = 0, offset = 0;
  line >> gain >> offset;
  const int64_t area = in.shape[2] * in.shape[3];
  std::vector<float> values(static_cast<size_t>(in.shape[0] * area));
  for (int64_t b = 0; b < in.shape[0]; ++b) {
    for (int64_t i = 0; i < area; ++i) {
      const float* rgb = in.data + b * 3 * area + i;
      values[static_cast<size_t>(b * area + i)] =
          gain * ((rgb[0] + rgb[area] + rgb[2 * area]) / 3) + offset;
    }
  }
  test::fake::Add({in.shape[0], 1, in.shape[2], in.shape[3]}, std::move(values), true, &outputs[0]);
  *num_outputs = 1;
  return MDVT_BACKEND_OK;
}

mdvt_backend_status TraceFormula(mdvt_backend_model*, const mdvt_backend_tensor* inputs, size_t,
                                 int64_t* events, size_t, size_t* count) {
  if (Seen().bytes_per_pixel == 0) return test::fake::Fail(MDVT_BACKEND_UNSUPPORTED, "cannot tell");
  events[0] = Seen().bytes_per_pixel * inputs[0].shape[2] * inputs[0].shape[3];
  *count = 1;
  return MDVT_BACKEND_OK;
}

void RegisterFormula() {
  static const mdvt_backend kTable = [] {
    static const char* const kExtensions[] = {".formula", nullptr};
    mdvt_backend table = test::FakeTable();
    table.name = "formula";
    table.extensions = kExtensions;
    table.run = RunFormula;
    table.trace_run = TraceFormula;
    return table;
  }();
  RegisterBackend(&kTable);
}

class ModelDepth : public ::testing::Test {
 protected:
  void SetUp() override {
    RegisterFormula();
    Seen().shapes.clear();
    Seen().first_values.clear();
    Seen().fail_at = -1;
    Seen().bytes_per_pixel = 0;
  }

  // The network's size is that of 16 x 16 pictures.
  static json Metadata(const std::string& quantity, const std::string& scale) {
    json metadata = test::DepthMetadata();
    metadata["outputs"][0]["quantity"] = quantity;
    metadata["outputs"][0]["scale"] = scale;
    metadata["outputs"][0]["non_negative"] = false;
    if (scale == "metric" || scale == "metric_times_focal") metadata["outputs"][0]["unit"] = "m";
    if (scale == "metric_times_focal") metadata["outputs"][0]["focal_ref"] = 20;
    return metadata;
  }

  std::shared_ptr<const Model> Open(const json& metadata, double gain = 1, double offset = 0) {
    const std::string path = folder_ / "net.formula";
    std::ofstream(path) << gain << " " << offset << "\n" << metadata.dump();
    ModelOptions options;
    options.trust = ModelTrust::kUnlisted;
    options.num_threads = 1;
    return std::make_shared<const Model>(Model::Open(path, options));
  }

  static ModelDepthOptions Options(int width = 16, int height = 16) {
    ModelDepthOptions options;
    // Neither centred nor of square pixels.
    options.camera = {width, height, 24, 20, 0.5 * width + 1, 0.5 * height - 2};
    return options;
  }

  // Levels of gray, v(x, y) of 255.
  template <typename Level>
  static Frame Gray(const Level& level, int width = 16, int height = 16, int64_t index = 0) {
    Frame frame;
    frame.image = Image(PixelFormat::Rgb(8), width, height);
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
          frame.image.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(level(x, y));
    frame.index = index;
    return frame;
  }
  static int Ramp(int x, int y) { return 15 * x + y; }

  static DepthEstimate RunOne(ModelDepthEstimator* estimator, const Frame& frame) {
    estimator->Push(frame);
    std::optional<DepthEstimate> estimate = estimator->Pop();
    EXPECT_TRUE(estimate.has_value());
    EXPECT_FALSE(estimator->Pop().has_value());
    return std::move(*estimate);
  }

  // Every pixel of a 16 x 16 ramp must be truth(y of the network, x, y).
  template <typename Truth>
  void ExpectFormula(const std::shared_ptr<const Model>& model, const ModelDepthOptions& options,
                     double gain, double offset, DepthQuantity quantity, const Truth& truth) {
    ModelDepthEstimator estimator(model, options, nullptr);
    const DepthEstimate estimate = RunOne(&estimator, Gray(Ramp));
    EXPECT_EQ(estimate.quantity, quantity);
    EXPECT_EQ(estimator.is_metric(), quantity == DepthQuantity::kMetricDepth);
    EXPECT_TRUE(estimate.confidence.empty());
    EXPECT_FALSE(estimate.starts_scene);
    int special = 0;
    for (int y = 0; y < 16; ++y) {
      for (int x = 0; x < 16; ++x) {
        const double expected = truth(gain * Ramp(x, y) / 255.0 + offset, x, y);
        const double found = static_cast<double>(estimate.depth.Plane<float>().At(x, y));
        if (std::isnan(expected)) {
          ASSERT_TRUE(std::isnan(found)) << x << ", " << y;
        } else if (expected == 0 || std::isinf(expected)) {
          ASSERT_EQ(found, expected) << x << ", " << y;
        } else {
          ASSERT_NEAR(found / expected, 1, 2e-4) << x << ", " << y;
        }
        special += std::isnan(expected) || expected == 0 || std::isinf(expected);
      }
    }
    EXPECT_LT(special, 200);
    // Each formula has pixels of both kinds here, but for those that keep what the network gives.
    EXPECT_TRUE(special > 16 || quantity == DepthQuantity::kRelativeDisparity);
  }

  const test::TempDir folder_;
};

// Gain 4 and offset -1.003: a quarter of the ramp is negative, no pixel is nearly 0.
constexpr double kGain = 4, kOffset = -1.003;

double Positive(double y) { return y > 0 ? y : 0; }
double Inverse(double y) { return y > 0 ? 1 / y : static_cast<double>(kInfinity); }

TEST_F(ModelDepth, MetricDepthIsTheDepth) {
  ExpectFormula(Open(Metadata("depth", "metric"), kGain, kOffset), Options(), kGain, kOffset,
                DepthQuantity::kMetricDepth, [](double y, int, int) { return Positive(y); });
}

TEST_F(ModelDepth, MetricTimesFocalNeedsTheFocalLengthOfTheNetworksInput) {
  ExpectFormula(Open(Metadata("depth", "metric_times_focal"), kGain, kOffset), Options(), kGain,
                kOffset, DepthQuantity::kMetricDepth,
                [](double y, int, int) { return Positive(y * 24 / 20); });
  // Seen twice as large, the focal length is twice as long.
  ModelDepthOptions options = Options();
  options.input_size = 32;
  ModelDepthEstimator estimator(Open(Metadata("depth", "metric_times_focal"), 0, 2), options,
                                nullptr);
  EXPECT_EQ(estimator.network_size(), (PixelSize{32, 32}));
  EXPECT_FLOAT_EQ(RunOne(&estimator, Gray(Ramp)).depth.Plane<float>().At(3, 4), 2 * 48.0f / 20);
}

TEST_F(ModelDepth, DisparityTimesFocalIsInvertedAndThenScaled) {
  ExpectFormula(Open(Metadata("disparity", "metric_times_focal"), kGain, kOffset), Options(), kGain,
                kOffset, DepthQuantity::kMetricDepth,
                [](double y, int, int) { return Inverse(y) * 24 / 20; });
}

TEST_F(ModelDepth, DistanceIsAlongTheRay) {
  ExpectFormula(Open(Metadata("distance", "metric"), kGain, kOffset), Options(), kGain, kOffset,
                DepthQuantity::kMetricDepth, [](double r, int x, int y) {
                  return Positive(r) / std::hypot(1.0, (x + 0.5 - 9) / 24.0, (y + 0.5 - 6) / 20.0);
                });
}

TEST_F(ModelDepth, MetricDisparityIsInverted) {
  ExpectFormula(Open(Metadata("disparity", "metric"), kGain, kOffset), Options(), kGain, kOffset,
                DepthQuantity::kMetricDepth, [](double y, int, int) { return Inverse(y); });
}

TEST_F(ModelDepth, AffineDisparityStaysRelativeOrIsCalibrated) {
  for (const char* scale : {"affine", "scale_only"}) {
    const auto model = Open(Metadata("disparity", scale), kGain, kOffset);
    EXPECT_TRUE(IsRelativeDepth(model->info()));
    ModelDepthOptions options = Options();
    ExpectFormula(model, options, kGain, kOffset, DepthQuantity::kRelativeDisparity,
                  [](double y, int, int) { return y; });
    options.calibration = DisparityCalibration{0.5, -0.2};
    ExpectFormula(model, options, kGain, kOffset, DepthQuantity::kMetricDepth,
                  [](double y, int, int) { return Inverse(0.5 * y - 0.2); });
  }
}

TEST_F(ModelDepth, DepthWithoutScaleBecomesDisparity) {
  const auto model = Open(Metadata("depth", "scale_only"), kGain, kOffset);
  EXPECT_TRUE(IsRelativeDepth(model->info()));
  ModelDepthOptions options = Options();
  ExpectFormula(model, options, kGain, kOffset, DepthQuantity::kRelativeDisparity,
                [](double y, int, int) { return y > 0 ? 1 / y : std::nan(""); });
  options.calibration = DisparityCalibration{0.5, 0};
  ExpectFormula(model, options, kGain, kOffset, DepthQuantity::kMetricDepth,
                [](double y, int, int) { return Positive(y) / 0.5; });
}

TEST_F(ModelDepth, RangesOfTheInput) {
  const auto relative = [](double y, int, int) { return y; };
  const auto quantity = DepthQuantity::kRelativeDisparity;
  json metadata = Metadata("disparity", "affine");
  ExpectFormula(Open(metadata), Options(), 1, 0, quantity, relative);
  metadata["inputs"][0]["range"] = {-1, 1};
  ExpectFormula(Open(metadata), Options(), 2, -1, quantity, relative);
  metadata["inputs"][0]["range"] = "image_max";
  ExpectFormula(Open(metadata), Options(), 255.0 / Ramp(15, 15), 0, quantity, relative);
  // Largest before a resize that flattens it.
  ModelDepthEstimator reduced(Open(metadata), Options(64, 64), nullptr);
  const Frame dots =
      Gray([](int x, int y) { return x % 8 == 3 && y % 8 == 3 ? 200 : 100; }, 64, 64);
  EXPECT_NEAR(RunOne(&reduced, dots).depth.Plane<float>().At(0, 0), 0.5, 0.01);
  // A black picture has no largest value to divide by.
  ModelDepthEstimator estimator(Open(metadata), Options(), nullptr);
  const DepthEstimate black = RunOne(&estimator, Gray([](int, int) { return 0; }));
  EXPECT_EQ(black.depth.Plane<float>().At(7, 7), 0);
}

TEST_F(ModelDepth, TheLargestValueIsThatOfEachPicture) {
  json metadata = Metadata("disparity", "affine");
  metadata["inputs"][0]["range"] = "image_max";
  ModelDepthOptions options = Options();
  options.batch = 2;
  ModelDepthEstimator estimator(Open(metadata), options, nullptr);
  estimator.Push(Gray([](int, int) { return 40; }));
  estimator.Push(Gray([](int, int) { return 200; }));
  for (int i = 0; i < 2; ++i)
    EXPECT_FLOAT_EQ(estimator.Pop()->depth.Plane<float>().At(5, 5), 1) << i;
}

TEST_F(ModelDepth, SamplesOfAnyDepth) {
  const auto model = Open(Metadata("disparity", "affine"));
  for (const int bits : {10, 12, 16}) {
    const int most = (1 << bits) - 1;
    Frame frame;
    frame.image = Image(PixelFormat::Rgb(bits), 16, 16);
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < 16; ++y)
        for (int x = 0; x < 16; ++x)
          frame.image.MutablePlane<uint16_t>(plane).At(x, y) =
              static_cast<uint16_t>(most * (x + 16 * y) / 255 / (plane + 1));
    ModelDepthEstimator estimator(model, Options(), nullptr);
    const DepthEstimate estimate = RunOne(&estimator, frame);
    for (int i = 0; i < 256; ++i)
      ASSERT_NEAR(estimate.depth.Plane<float>().At(i % 16, i / 16),
                  i / 255.0 * (1 + 1 / 2.0 + 1 / 3.0) / 3, 1.0 / most + 1e-6)
          << bits;
  }
}

// A ramp is the same ramp after both resizes, but for where a pixel's centre comes to lie:
// bilinear on the way there, corners aligned on the way back.
TEST_F(ModelDepth, ResizesBothWays) {
  json metadata = Metadata("disparity", "affine");
  metadata["inputs"][0]["resample"] = "bilinear";
  for (const auto& [width, height, network] : {std::tuple{64, 32, PixelSize{32, 16}},
                                               {24, 12, PixelSize{32, 16}},
                                               {20, 40, PixelSize{16, 32}}}) {
    const bool wide = width > height;
    ModelDepthEstimator estimator(Open(metadata), Options(width, height), nullptr);
    EXPECT_EQ(estimator.network_size(), network);
    const int step = wide ? 255 / width : 255 / height;
    const DepthEstimate estimate = RunOne(
        &estimator, Gray([&](int x, int y) { return step * (wide ? x : y); }, width, height));
    ASSERT_EQ(estimate.depth.width(), width);
    ASSERT_EQ(estimate.depth.height(), height);
    const int sides = wide ? width : height, net = wide ? network.width : network.height;
    for (int i = sides / 8; i < sides - sides / 8; ++i) {
      const double position = static_cast<double>(i) * (net - 1) / (sides - 1);
      const double expected = step / 255.0 * ((position + 0.5) * sides / net - 0.5);
      for (const int other : {0, 3, (wide ? height : width) - 1})
        ASSERT_NEAR(wide ? estimate.depth.Plane<float>().At(i, other)
                         : estimate.depth.Plane<float>().At(other, i),
                    expected, 1e-5)
            << i;
    }
    ASSERT_EQ(Seen().shapes.back(), (Shape{1, 3, network.height, network.width}));
  }
}

TEST_F(ModelDepth, InputSizeReplacesTheTarget) {
  const auto model = Open(Metadata("disparity", "affine"), 0, 3);
  for (const auto& [input_size, network] : {std::pair{0, 16}, {14, 14}, {24, 24}, {37, 38}}) {
    ModelDepthOptions options = Options(100, 100);
    options.input_size = input_size;
    ModelDepthEstimator estimator(model, options, nullptr);
    EXPECT_EQ(estimator.network_size(), (PixelSize{network, network})) << input_size;
    EXPECT_FLOAT_EQ(RunOne(&estimator, Gray(Ramp, 100, 100)).depth.Plane<float>().At(99, 99), 3);
    EXPECT_EQ(Seen().shapes.back(), (Shape{1, 3, network, network}));
  }
  // Networks that know one size keep it.
  for (const char* rule : {"fixed", "native"}) {
    json metadata = Metadata("disparity", "affine");
    metadata["inputs"][0]["size"]["rule"] = rule;
    ModelDepthOptions options = Options();
    options.input_size = 32;
    ExpectError(Code::kInvalidArgument, "input_size = 32",
                [&] { ModelDepthEstimator(Open(metadata), options, nullptr); });
  }
}

TEST_F(ModelDepth, FramesComeOutInOrderWithTheirTimes) {
  const auto model = Open(Metadata("disparity", "affine"));
  ThreadPool pool(3);
  for (const auto& [batch, side] : {std::pair{1, 1}, {3, 1}, {1, 3}, {2, 2}, {4, 3}}) {
    ModelDepthOptions options = Options();
    options.batch = batch;
    options.side_by_side = side;
    ModelDepthEstimator estimator(model, options, &pool);
    EXPECT_EQ(estimator.latency(), batch * side);
    EXPECT_EQ(estimator.group(), batch * side);
    int64_t popped = 0;
    const auto take = [&] {
      while (const std::optional<DepthEstimate> estimate = estimator.Pop()) {
        EXPECT_EQ(estimate->index, 10 + popped);
        EXPECT_EQ(estimate->pts, 1000 + popped * popped);
        EXPECT_EQ(estimate->duration, 2 * popped + 1);
        EXPECT_FLOAT_EQ(estimate->depth.Plane<float>().At(3, 3),
                        static_cast<float>(20 * popped) / 255);
        ++popped;
      }
    };
    for (int64_t i = 0; i < 11; ++i) {
      Frame frame = Gray([i](int, int) { return 20 * i; }, 16, 16, 10 + i);
      frame.pts = 1000 + i * i;
      frame.duration = 2 * i + 1;
      estimator.Push(frame);
      take();
      EXPECT_LT(i + 1 - popped, estimator.latency());
    }
    estimator.Finish();
    take();
    EXPECT_EQ(popped, 11) << batch << " x " << side;
  }
}

TEST_F(ModelDepth, NobodyHasToPopBetween) {
  ModelDepthOptions options = Options();
  options.batch = 2;
  ModelDepthEstimator estimator(Open(Metadata("disparity", "affine")), options, nullptr);
  for (int i = 0; i < 5; ++i) estimator.Push(Gray(Ramp, 16, 16, i));
  estimator.Finish();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(estimator.Pop()->index, i);
  EXPECT_FALSE(estimator.Pop().has_value());
}

TEST_F(ModelDepth, DynamicBatchHasASmallerLastPass) {
  ModelDepthOptions options = Options();
  options.batch = 3;
  ModelDepthEstimator estimator(Open(Metadata("disparity", "affine")), options, nullptr);
  for (int i = 0; i < 5; ++i) {
    estimator.Push(Gray(Ramp));
    while (estimator.Pop()) {
    }
  }
  estimator.Finish();
  int last = 0;
  while (estimator.Pop()) ++last;
  EXPECT_EQ(last, 2);
  EXPECT_EQ(Seen().shapes, (std::vector<Shape>{{3, 3, 16, 16}, {2, 3, 16, 16}}));
}

TEST_F(ModelDepth, FixedBatchIsFilledUp) {
  json metadata = Metadata("disparity", "affine");
  metadata["batch"] = {{"dynamic", false}, {"max", 3}};
  ModelDepthOptions options = Options();
  options.batch = 3;
  ModelDepthEstimator estimator(Open(metadata), options, nullptr);
  std::vector<float> found;
  const auto take = [&] {
    while (const auto estimate = estimator.Pop())
      found.push_back(255 * estimate->depth.Plane<float>().At(0, 0));
  };
  for (int i = 0; i < 4; ++i) {
    estimator.Push(Gray([i](int, int) { return 10 + i; }, 16, 16, i));
    take();
  }
  estimator.Finish();
  take();
  ASSERT_EQ(found.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_FLOAT_EQ(found[i], 10 + static_cast<float>(i));
  EXPECT_EQ(Seen().shapes, (std::vector<Shape>{{3, 3, 16, 16}, {3, 3, 16, 16}}));
}

TEST_F(ModelDepth, SideBySideGivesTheSameBits) {
  json metadata = Metadata("distance", "metric");
  metadata["inputs"][0]["range"] = {-1, 1};
  const auto model = Open(metadata, 3, 4);
  std::mt19937_64 rng = test::Rng();
  std::vector<Frame> frames;
  for (int i = 0; i < 7; ++i)
    frames.push_back(Gray([&](int, int) { return rng() % 256; }, 75, 51, i));
  const auto run = [&](int batch, int side, ThreadPool* pool) {
    ModelDepthOptions options = Options(75, 51);
    options.batch = batch;
    options.side_by_side = side;
    ModelDepthEstimator estimator(model, options, pool);
    std::vector<Image> maps;
    const auto take = [&] {
      while (auto estimate = estimator.Pop()) maps.push_back(std::move(estimate->depth));
    };
    for (const Frame& frame : frames) estimator.Push(frame), take();
    estimator.Finish();
    take();
    return maps;
  };
  const std::vector<Image> reference = run(1, 1, nullptr);
  ASSERT_EQ(reference.size(), 7u);
  ThreadPool one(1), three(3);
  for (ThreadPool* pool : {static_cast<ThreadPool*>(nullptr), &one, &three}) {
    for (const auto& [batch, side] : {std::pair{1, 1}, {1, 3}, {2, 2}, {3, 2}, {1, 7}}) {
      const std::vector<Image> maps = run(batch, side, pool);
      ASSERT_EQ(maps.size(), 7u);
      for (size_t i = 0; i < maps.size(); ++i)
        for (int y = 0; y < 51; ++y)
          ASSERT_EQ(std::memcmp(maps[i].Plane<float>().Row(y), reference[i].Plane<float>().Row(y),
                                75 * sizeof(float)),
                    0)
              << batch << " x " << side << ", frame " << i << ", row " << y;
    }
  }
}

TEST_F(ModelDepth, MedianDepthIsThatOfTheFirstFrame) {
  ModelDepthOptions options = Options();
  options.median_depth = 5;
  ModelDepthEstimator estimator(Open(Metadata("disparity", "affine"), 1, 1), options, nullptr);
  EXPECT_TRUE(estimator.is_metric());
  EXPECT_FALSE(estimator.calibration().has_value());
  const auto at = [&](int level) {
    const DepthEstimate estimate = RunOne(&estimator, Gray([&](int, int) { return level; }));
    EXPECT_EQ(estimate.quantity, DepthQuantity::kMetricDepth);
    return static_cast<double>(estimate.depth.Plane<float>().At(8, 8));
  };
  EXPECT_NEAR(at(51), 5, 1e-5);
  ASSERT_TRUE(estimator.calibration().has_value());
  EXPECT_NEAR(estimator.calibration()->scale, 1 / (5 * 1.2), 1e-6);
  EXPECT_EQ(estimator.calibration()->shift, 0);
  EXPECT_NEAR(at(255), 5 * 1.2 / 2, 1e-5);
  EXPECT_NEAR(at(0), 5 * 1.2, 1e-5);
  // A calibration that is given wins; metric networks need none.
  options.calibration = DisparityCalibration{0.25, 0.5};
  ModelDepthEstimator given(Open(Metadata("disparity", "affine"), 0, 2), options, nullptr);
  EXPECT_FLOAT_EQ(RunOne(&given, Gray(Ramp)).depth.Plane<float>().At(0, 0), 1);
  ModelDepthEstimator metric(Open(Metadata("depth", "metric"), 0, 2), options, nullptr);
  EXPECT_FLOAT_EQ(RunOne(&metric, Gray(Ramp)).depth.Plane<float>().At(0, 0), 2);
}

TEST_F(ModelDepth, NothingPositiveInTheFirstFrameIsAnError) {
  ModelDepthOptions options = Options();
  options.median_depth = 5;
  ModelDepthEstimator estimator(Open(Metadata("disparity", "affine"), -1, 0), options, nullptr);
  estimator.Push(Gray(Ramp));
  ExpectError(Code::kNotConverged, "no scale", [&] { estimator.Pop(); });
}

TEST_F(ModelDepth, OtherNetworksAreRefused) {
  const auto refuse = [&](const json& metadata, const std::string& text) {
    const auto model = Open(metadata);
    ExpectError(Code::kUnsupported, text, [&] { ModelDepthEstimator(model, Options(), nullptr); });
    ExpectError(Code::kUnsupported, text, [&] { IsRelativeDepth(model->info()); });
  };
  json segment = test::DepthMetadata();
  segment["kind"] = "segment";
  segment["outputs"][0] = {{"name", "mask"}, {"layout", "NCHW"}, {"quantity", "probability"}};
  refuse(segment, "is of kind \"segment\"");
  refuse(Metadata("depth", "affine"), "of scale affine");
  refuse(Metadata("distance", "scale_only"), "of scale scale_only");
  json rays = test::DepthMetadata();
  rays["outputs"][0] = {
      {"name", "rays"}, {"layout", "NCHW"}, {"channels", 3}, {"quantity", "rays"}};
  refuse(rays, "no output of depth");
  ExpectError(Code::kInvalidArgument, "no model",
              [] { ModelDepthEstimator(nullptr, Options(), nullptr); });
}

TEST_F(ModelDepth, OptionsAreChecked) {
  const auto model = Open(Metadata("disparity", "affine"));
  const auto refuse = [&](const std::string& text, const auto& change) {
    ModelDepthOptions options = Options();
    change(&options);
    ExpectError(Code::kInvalidArgument, text,
                [&] { ModelDepthEstimator(model, options, nullptr); });
  };
  for (const int bad : {-1, 13, 16385})
    refuse("input_size = ", [&](ModelDepthOptions* o) { o->input_size = bad; });
  for (const int bad : {0, 65}) refuse("batch = ", [&](ModelDepthOptions* o) { o->batch = bad; });
  refuse("takes at most 4", [](ModelDepthOptions* o) { o->batch = 5; });
  for (const int bad : {0, 1025})
    refuse("side_by_side = ", [&](ModelDepthOptions* o) { o->side_by_side = bad; });
  for (const double bad : {0.0, -2.0, 10001.0, std::nan("")})
    refuse("median_depth = ", [&](ModelDepthOptions* o) { o->median_depth = bad; });
  refuse("calibration", [](ModelDepthOptions* o) {
    o->calibration = DisparityCalibration{std::nan(""), 0};
  });
  refuse("calibration", [](ModelDepthOptions* o) {
    o->calibration = DisparityCalibration{1, std::numeric_limits<double>::infinity()};
  });
  refuse("fx", [](ModelDepthOptions* o) { o->camera.fx = 0; });
  json fixed = Metadata("disparity", "affine");
  fixed["batch"] = {{"dynamic", false}, {"max", 3}};
  ExpectError(Code::kInvalidArgument, "takes 3",
              [&] { ModelDepthEstimator(Open(fixed), Options(), nullptr); });
  // The network stops at 64 x 64.
  ModelDepthOptions large = Options();
  large.input_size = 100;
  EXPECT_EQ(ModelDepthEstimator(model, large, nullptr).network_size(), (PixelSize{64, 64}));
}

TEST_F(ModelDepth, FramesAreChecked) {
  ModelDepthEstimator estimator(Open(Metadata("disparity", "affine")), Options(), nullptr);
  ExpectError(Code::kInvalidArgument, "frame 7 has 17x16 pixels, the camera 16x16",
              [&] { estimator.Push(Gray(Ramp, 17, 16, 7)); });
  Frame yuv;
  yuv.image = Image(PixelFormat::Yuv(420), 16, 16);
  ExpectError(Code::kInvalidArgument, "must be RGB", [&] { estimator.Push(yuv); });
  EXPECT_EQ(RunOne(&estimator, Gray(Ramp)).depth.width(), 16) << "usable after an error";
  estimator.Finish();
  EXPECT_FALSE(estimator.Pop().has_value());
  ExpectError(Code::kInvalidArgument, "after Finish()", [&] { estimator.Push(Gray(Ramp)); });
}

TEST_F(ModelDepth, FailuresNameTheFrame) {
  const auto model = Open(Metadata("disparity", "affine"));
  ThreadPool pool(2);
  for (const auto& [batch, side, text] : {std::tuple{1, 1, "frame 102: "},
                                          {2, 1, "frame 104 and those after it: "},
                                          {1, 2, "network fell over"}}) {
    Seen().shapes.clear();
    Seen().fail_at = 2;
    ModelDepthOptions options = Options();
    options.batch = batch;
    options.side_by_side = side;
    ModelDepthEstimator estimator(model, options, &pool);
    const auto run = [&] {
      for (int i = 0; i < 8; ++i) {
        estimator.Push(Gray(Ramp, 16, 16, 100 + i));
        while (estimator.Pop()) {
        }
      }
    };
    ExpectError(Code::kCorrupt, text, run);
    ExpectError(Code::kCorrupt, "network fell over", [&] {
      Seen().shapes.clear();
      Seen().fail_at = 0;
      ModelDepthEstimator again(model, options, &pool);
      for (int i = 0; i < 4; ++i) again.Push(Gray(Ramp)), again.Pop();
    });
  }
}

TEST_F(ModelDepth, APassThatWouldNotFitIsRefusedBeforeItIsRun) {
  json metadata = Metadata("depth", "metric");
  metadata["inputs"][0]["size"]["target"] = {160, 160};
  metadata["inputs"][0]["size"]["max"] = {512, 512};
  ModelDepthOptions options = Options(32, 16);
  options.batch = 2;
  options.side_by_side = 2;
  const std::shared_ptr<const Model> model = Open(metadata);
  const auto run = [&] {
    ModelDepthEstimator estimator(model, options, nullptr);
    for (int i = 0; i < 4; ++i) estimator.Push(Gray(Ramp, 32, 16, i));
    EXPECT_TRUE(estimator.Pop());
  };
  Seen().bytes_per_pixel = 100;
  run();
  // Together they need an eighth more than twice what there is, each a little more than all.
  const int64_t pixels = int64_t{320} * 160;
  Seen().bytes_per_pixel = AvailableMemory() / (2 * pixels) * 9 / 8;
  Seen().shapes.clear();
  ExpectError(Code::kOutOfMemory, "a pass over 2 pictures of 320x160 takes about", run);
  ExpectError(Code::kOutOfMemory, "2 run side by side", run);
  ExpectError(Code::kOutOfMemory, "choose a smaller input size or batch: ", run);
  ExpectError(Code::kOutOfMemory, " would fit", run);
  EXPECT_TRUE(Seen().shapes.empty());
}

}  // namespace
}  // namespace mdvt
