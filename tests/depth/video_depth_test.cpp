// SPDX-License-Identifier: Apache-2.0
//
// Windows of frames against the whole clip computed at once: a network whose scale and shift are
// another in each window, a backend of this test's own.
#include "mdvt/depth/video_depth.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/depth/calibrated_depth.h"
#include "model/fake_backend.h"
#include "model/metadata.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using nlohmann::json;
using test::ExpectError;

constexpr int kWidth = 12, kHeight = 8;
constexpr int64_t kArea = kWidth * kHeight;

// Of a window of `frames` pictures: gray g = (R + G + B) / 3, m = the mean of the last one,
// disparity (1 + m) (4 g + 0.5) + m / 2.
std::vector<float> Formula(const float* in, int64_t frames, int64_t area) {
  std::vector<float> gray(static_cast<size_t>(frames * area));
  for (int64_t f = 0; f < frames; ++f)
    for (int64_t i = 0; i < area; ++i) {
      const float* rgb = in + f * 3 * area + i;
      gray[static_cast<size_t>(f * area + i)] = (rgb[0] + rgb[area] + rgb[2 * area]) / 3;
    }
  float mean = 0;
  for (int64_t i = 0; i < area; ++i)
    mean += gray[static_cast<size_t>((frames - 1) * area + i)] / static_cast<float>(area);
  for (float& g : gray) g = (1 + mean) * (4 * g + 0.5f) + mean / 2;
  return gray;
}

int& Runs() {
  static int runs = 0;
  return runs;
}

mdvt_backend_status RunWindow(mdvt_backend_model*, const mdvt_backend_tensor* inputs, size_t,
                              mdvt_backend_tensor* outputs, size_t, size_t* num_outputs) {
  ++Runs();
  const mdvt_backend_tensor& in = inputs[0];
  const int64_t area = in.shape[3] * in.shape[4];
  test::fake::Add({1, in.shape[1], 1, in.shape[3], in.shape[4]},
                  Formula(in.data, in.shape[1], area), true, &outputs[0]);
  *num_outputs = 1;
  return MDVT_BACKEND_OK;
}

ModelWindow Window() {
  ModelWindow window;
  window.length = 32;
  window.stride = 22;
  window.overlap = 10;
  window.carry = {0, 12, 24, 25, 26, 27, 28, 29, 30, 31};
  window.align_refs = {0, 12};
  window.blend = 8;
  window.align_scale_shift = true;
  return window;
}

class VideoDepth : public ::testing::Test {
 protected:
  void SetUp() override {
    static const mdvt_backend kTable = [] {
      static const char* const kExtensions[] = {".window", nullptr};
      mdvt_backend table = test::FakeTable();
      table.name = "window";
      table.extensions = kExtensions;
      table.run = RunWindow;
      table.trace_run = nullptr;
      return table;
    }();
    RegisterBackend(&kTable);
    Runs() = 0;
  }
  static json Metadata(const std::string& scale = "affine") {
    json metadata = test::DepthMetadata();
    metadata["kind"] = "depth_video";
    metadata.erase("batch");
    metadata["inputs"][0]["layout"] = "1TCHW";
    metadata["inputs"][0]["size"] = {
        {"rule", "native"}, {"multiple", 2}, {"dynamic", true}, {"min", {2, 2}}, {"max", {64, 64}}};
    metadata["outputs"][0]["layout"] = "1TCHW";
    metadata["outputs"][0]["scale"] = scale;
    if (scale == "metric") metadata["outputs"][0]["quantity"] = "depth";
    if (scale == "metric") metadata["outputs"][0]["unit"] = "m";
    metadata["window"] = {
        {"length", 32},           {"stride", 22},
        {"overlap", 10},          {"carry", {0, 12, 24, 25, 26, 27, 28, 29, 30, 31}},
        {"align_refs", {0, 12}},  {"blend", 8},
        {"align", "scale_shift"}, {"pad", "repeat_last"},
        {"min_length", 1}};
    if (scale == "metric") metadata["window"]["align"] = "none";
    return metadata;
  }
  std::shared_ptr<const Model> Open(const json& metadata) {
    const std::string path = folder_ / "net.window";
    std::ofstream(path) << "x\n" << metadata.dump();
    ModelOptions options;
    options.trust = ModelTrust::kUnlisted;
    options.num_threads = 1;
    return std::make_shared<const Model>(Model::Open(path, options));
  }
  static VideoDepthOptions Options(int width = kWidth, int height = kHeight) {
    VideoDepthOptions options;
    options.camera = Camera::FromFov(width, height, 60, std::nullopt);
    return options;
  }
  static Frame Picture(int64_t index, int width = kWidth, int height = kHeight) {
    Frame frame;
    frame.index = index;
    frame.pts = 10 * index;
    frame.image = Image(PixelFormat::Rgb(8), width, height);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
          frame.image.MutablePlane<uint8_t>(c).At(x, y) =
              static_cast<uint8_t>((17 * x + 29 * y + 7 * index * index + 40 * c) % 251);
    return frame;
  }
  static std::vector<DepthEstimate> RunAll(DepthEstimator* estimator, int64_t frames,
                                           const std::vector<int64_t>& cuts = {},
                                           int64_t begin = 0) {
    std::vector<DepthEstimate> all;
    for (int64_t i = begin; i < frames; ++i) {
      if (std::count(cuts.begin(), cuts.end(), i) > 0) estimator->StartScene();
      estimator->Push(Picture(i));
      while (auto estimate = estimator->Pop()) all.push_back(std::move(*estimate));
    }
    estimator->Finish();
    while (auto estimate = estimator->Pop()) all.push_back(std::move(*estimate));
    return all;
  }

  // The whole clip at once, as the original's: every window's maps are kept.
  static std::vector<std::vector<float>> WholeClip(int64_t frames, bool robust) {
    const ModelWindow window = Window();
    const auto input = [&](int64_t f) {
      const Frame frame = Picture(std::min(f, frames - 1));
      std::vector<float> tensor;
      for (int c = 0; c < 3; ++c)
        for (int y = 0; y < kHeight; ++y)
          for (int x = 0; x < kWidth; ++x)
            tensor.push_back(static_cast<float>(frame.image.Plane<uint8_t>(c).At(x, y)) *
                             (1.0f / 255));
      return tensor;
    };
    std::vector<std::vector<float>> aligned;
    std::vector<std::vector<float>> references;
    for (const std::vector<int64_t>& slots : WindowSlots(frames, window)) {
      std::vector<float> clip;
      for (const int64_t slot : slots)
        for (const float v : input(slot)) clip.push_back(v);
      const std::vector<float> out = Formula(clip.data(), window.length, kArea);
      std::vector<std::vector<float>> maps;
      for (int i = 0; i < window.length; ++i)
        maps.emplace_back(out.begin() + i * kArea, out.begin() + (i + 1) * kArea);
      if (aligned.empty()) {
        aligned = maps;
        references = {maps[0], maps[12]};
        continue;
      }
      const DisparityCalibration line =
          FitMaps({&maps[0], &maps[1]}, {&references[0], &references[1]}, robust)
              .value_or(DisparityCalibration{});
      for (auto& map : maps)
        for (float& v : map)
          v = std::max(0.0f, static_cast<float>(line.scale) * v + static_cast<float>(line.shift));
      for (size_t j = 0; j < 8; ++j) {
        auto& old = aligned[aligned.size() - 8 + j];
        const float w = static_cast<float>(j) / 7;
        for (size_t i = 0; i < old.size(); ++i) old[i] = (1 - w) * old[i] + w * maps[2 + j][i];
      }
      references[1] = maps[12];
      for (size_t j = 10; j < 32; ++j) aligned.push_back(maps[j]);
    }
    aligned.resize(static_cast<size_t>(frames));
    return aligned;
  }

  const test::TempDir folder_;
};

TEST(WindowSlots, AreThoseOfTheOriginal) {
  const ModelWindow window = Window();
  const auto windows_of = [&](int64_t frames) { return WindowSlots(frames, window).size(); };
  EXPECT_EQ(windows_of(1), 1u);
  EXPECT_EQ(windows_of(22), 1u);
  EXPECT_EQ(windows_of(23), 2u);
  EXPECT_EQ(windows_of(32), 2u);
  EXPECT_EQ(windows_of(33), 2u);
  EXPECT_EQ(windows_of(60), 3u);
  EXPECT_EQ(windows_of(100), 5u);
  const auto slots = WindowSlots(60, window);
  for (int64_t i = 0; i < 32; ++i) EXPECT_EQ(slots[0][static_cast<size_t>(i)], i);
  EXPECT_EQ(slots[2][0], 0);
  EXPECT_EQ(slots[2][1], 34);
  for (size_t i = 2; i < 32; ++i) EXPECT_EQ(slots[2][i], static_cast<int64_t>(44 + i));
  // The last window ends where the padded clip does: 60 + 16.
  EXPECT_EQ(slots[2].back() + 1, 76);
}

// Which frame each slot of each window shows, in closed form.
TEST(WindowSlots, OfClipsOfEveryLength) {
  const ModelWindow window = Window();
  for (const int64_t frames : {1, 22, 23, 32, 33, 60, 100}) {
    SCOPED_TRACE(frames);
    const auto slots = WindowSlots(frames, window);
    ASSERT_EQ(slots.size(), static_cast<size_t>((frames + 21) / 22));
    for (int64_t k = 0; k < static_cast<int64_t>(slots.size()); ++k)
      for (int64_t i = 0; i < 32; ++i) {
        int64_t expected = 22 * k + i;
        if (k > 0 && i == 0) expected = 0;
        if (k > 0 && i == 1) expected = 22 * (k - 1) + 12;
        EXPECT_EQ(slots[static_cast<size_t>(k)][static_cast<size_t>(i)], expected) << k << " " << i;
      }
    const int64_t pad = (22 - frames % 22) % 22 + 10;
    EXPECT_EQ(slots.back().back() + 1, frames + pad);
  }
}

TEST_F(VideoDepth, TheStreamIsTheWholeClipBitForBit) {
  const auto model = Open(Metadata());
  for (const bool robust : {false, true})
    for (const int64_t frames : {1, 2, 22, 23, 32, 33, 60, 100}) {
      SCOPED_TRACE(frames);
      VideoDepthOptions options = Options();
      options.robust = robust;
      VideoDepthEstimator estimator(model, options, nullptr);
      Runs() = 0;
      const std::vector<DepthEstimate> stream = RunAll(&estimator, frames);
      EXPECT_EQ(Runs(), static_cast<int>((frames + 21) / 22));
      const auto whole = WholeClip(frames, robust);
      ASSERT_EQ(stream.size(), static_cast<size_t>(frames));
      for (size_t f = 0; f < stream.size(); ++f) {
        EXPECT_EQ(stream[f].index, static_cast<int64_t>(f));
        EXPECT_EQ(stream[f].pts, static_cast<int64_t>(10 * f));
        EXPECT_EQ(stream[f].quantity, DepthQuantity::kRelativeDisparity);
        for (int y = 0; y < kHeight; ++y)
          for (int x = 0; x < kWidth; ++x)
            ASSERT_EQ(stream[f].depth.Plane<float>().At(x, y),
                      whole[f][static_cast<size_t>(y * kWidth + x)])
                << f << " " << x << " " << y;
      }
    }
}

// Each window has a scale and a shift of its own; aligned they are those of the first.
TEST_F(VideoDepth, WindowsAreBroughtToOneScale) {
  const auto model = Open(Metadata());
  VideoDepthEstimator estimator(model, Options(), nullptr);
  const std::vector<DepthEstimate> all = RunAll(&estimator, 70);
  const auto gray = [](int64_t f, int x, int y) {
    const Frame frame = Picture(f);
    double sum = 0;
    for (int c = 0; c < 3; ++c) sum += frame.image.Plane<uint8_t>(c).At(x, y) / 255.0 / 3;
    return sum;
  };
  double mean = 0;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) mean += gray(31, x, y) / kArea;
  for (const int64_t f : {0, 25, 31, 40, 69})
    for (int x = 0; x < kWidth; ++x)
      EXPECT_NEAR(all[static_cast<size_t>(f)].depth.Plane<float>().At(x, 3),
                  (1 + mean) * (4 * gray(f, x, 3) + 0.5) + mean / 2, 1e-5)
          << f;
}

// Windows do not go over a cut, scale and fading start anew: every scene is as of a new estimator,
// also one of a single frame, of a window's length, and of less than the network's least length.
TEST_F(VideoDepth, AfterACutItIsAsNew) {
  json metadata = Metadata();
  metadata["window"]["min_length"] = 4;
  const auto model = Open(metadata);
  VideoDepthOptions options = Options();
  for (const std::optional<double> median : {std::optional<double>(), std::optional<double>(3.0)}) {
    options.median_depth = median;
    VideoDepthEstimator estimator(model, options, nullptr);
    const std::vector<int64_t> cuts = {25, 26, 58, 95};
    const std::vector<DepthEstimate> all = RunAll(&estimator, 98, cuts);
    ASSERT_EQ(all.size(), 98u);
    std::vector<int64_t> borders = {0};
    borders.insert(borders.end(), cuts.begin(), cuts.end());
    borders.push_back(98);
    for (size_t k = 0; k + 1 < borders.size(); ++k) {
      SCOPED_TRACE(borders[k]);
      json any_length = metadata;
      any_length["window"]["min_length"] = 1;
      VideoDepthEstimator fresh(Open(any_length), options, nullptr);
      const std::vector<DepthEstimate> alone = RunAll(&fresh, borders[k + 1], {}, borders[k]);
      for (int64_t f = borders[k]; f < borders[k + 1]; ++f) {
        const DepthEstimate& cut = all[static_cast<size_t>(f)];
        const DepthEstimate& whole = alone[static_cast<size_t>(f - borders[k])];
        EXPECT_EQ(cut.index, f);
        EXPECT_EQ(cut.pts, 10 * f);
        EXPECT_EQ(cut.starts_scene, k > 0 && f == borders[k]);
        for (int y = 0; y < kHeight; ++y)
          for (int x = 0; x < kWidth; ++x)
            ASSERT_EQ(cut.depth.Plane<float>().At(x, y), whole.depth.Plane<float>().At(x, y))
                << f << " " << x << " " << y;
      }
    }
  }
}

TEST_F(VideoDepth, EachSceneHasItsOwnCalibration) {
  const auto model = Open(Metadata());
  VideoDepthOptions options = Options();
  VideoDepthEstimator relative(model, options, nullptr);
  const std::vector<DepthEstimate> disparity = RunAll(&relative, 60, {30, 40});
  options.calibrations = {{0.25, 0.125}, {0.5, 1}};
  VideoDepthEstimator metric(model, options, nullptr);
  const std::vector<DepthEstimate> depth = RunAll(&metric, 60, {30, 40});
  for (const size_t f : {0u, 29u, 30u, 39u, 40u, 59u}) {
    const float d = disparity[f].depth.Plane<float>().At(3, 4);
    EXPECT_EQ(depth[f].quantity, DepthQuantity::kMetricDepth);
    EXPECT_FLOAT_EQ(depth[f].depth.Plane<float>().At(3, 4),
                    1 / (f < 30 ? 0.25f * d + 0.125f : 0.5f * d + 1))
        << f;
  }
}

TEST_F(VideoDepth, AlignedAtFrameSizeIsAlmostTheSame) {
  json metadata = Metadata();
  metadata["inputs"][0]["size"] = {{"rule", "cover"}, {"target", {8, 8}}, {"multiple", 2},
                                   {"dynamic", true}, {"min", {2, 2}},    {"max", {64, 64}}};
  const auto model = Open(metadata);
  VideoDepthOptions large = Options(24, 16);
  std::vector<std::vector<float>> results;
  for (const bool at_frame : {false, true}) {
    large.align_at_frame_size = at_frame;
    VideoDepthEstimator estimator(model, large, nullptr);
    std::vector<float> values;
    for (int64_t i = 0; i < 50; ++i) estimator.Push(Picture(i, 24, 16));
    estimator.Finish();
    while (auto estimate = estimator.Pop())
      values.push_back(estimate->depth.Plane<float>().At(9, 5));
    results.push_back(values);
  }
  ASSERT_EQ(results[0].size(), 50u);
  for (size_t i = 0; i < 50; ++i) EXPECT_NEAR(results[0][i], results[1][i], 0.01);
}

// Frames 24 .. 31 are in both windows: of the second one 0, 1/7 ... 7/7.
TEST_F(VideoDepth, MetricNetworksAreFadedOnly) {
  const auto model = Open(Metadata("metric"));
  VideoDepthEstimator estimator(model, Options(), nullptr);
  EXPECT_TRUE(estimator.is_metric());
  const std::vector<DepthEstimate> all = RunAll(&estimator, 54);
  ASSERT_EQ(all.size(), 54u);
  EXPECT_EQ(all[0].quantity, DepthQuantity::kMetricDepth);
  const auto gray = [](int64_t f, int x, int y) {
    const Frame frame = Picture(std::min<int64_t>(f, 53));
    double sum = 0;
    for (int c = 0; c < 3; ++c) sum += frame.image.Plane<uint8_t>(c).At(x, y) / 255.0 / 3;
    return sum;
  };
  // The network's answer about frame f in a window whose last frame is `last`.
  const auto of = [&](int64_t f, int64_t last) {
    double mean = 0;
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) mean += gray(last, x, y) / kArea;
    return (1 + mean) * (4 * gray(f, 5, 3) + 0.5) + mean / 2;
  };
  for (int64_t f = 20; f < 54; ++f) {
    const double weight = std::clamp(static_cast<double>(f - 24) / 7, 0.0, 1.0);
    const double expected = (1 - weight) * of(f, 31) + weight * of(f, 53);
    // A third window, past the end, fades in from frame 46 on.
    const double last = std::clamp(static_cast<double>(f - 46) / 7, 0.0, 1.0);
    EXPECT_NEAR(all[static_cast<size_t>(f)].depth.Plane<float>().At(5, 3),
                (1 - last) * expected + last * of(f, 53), 1e-5)
        << f;
  }
}

TEST_F(VideoDepth, WhatCannotBeIsRefused) {
  ExpectError(Code::kUnsupported, "depth_video", [&] {
    json single = test::DepthMetadata();
    VideoDepthEstimator(Open(single), Options(), nullptr);
  });
  json metadata = Metadata();
  metadata["window"]["stride"] = 20;
  ExpectError(Code::kUnsupported, "stride",
              [&] { VideoDepthEstimator(Open(metadata), Options(), nullptr); });
  metadata = Metadata();
  metadata["window"]["min_length"] = 4;
  VideoDepthEstimator estimator(Open(metadata), Options(), nullptr);
  ExpectError(Code::kInvalidArgument, "not RGB of the camera's size",
              [&] { estimator.Push(Picture(0, 6, 6)); });
  estimator.Push(Picture(0));
  ExpectError(Code::kInvalidArgument, "needs 4 frames", [&] { estimator.Finish(); });
}

TEST(FitMaps, IsExactOnFlatFarScenes) {
  std::mt19937_64 rng = test::Rng();
  std::vector<float> map, reference;
  for (int i = 0; i < 4000; ++i) {
    map.push_back(995 + static_cast<float>(rng() % 10000) / 1000);
    reference.push_back(static_cast<float>(2e-5 * static_cast<double>(map.back()) + 0.02));
  }
  const DisparityCalibration line = FitMaps({&map}, {&reference}, false).value();
  EXPECT_NEAR(line.shift, 0.02, 2e-4);
  // A fifth is wrong: Huber's weights hold the line.
  for (size_t i = 0; i < map.size(); i += 5) reference[i] += 0.01f;
  const DisparityCalibration plain = FitMaps({&map}, {&reference}, false).value();
  const DisparityCalibration robust = FitMaps({&map}, {&reference}, true).value();
  const auto at = [](const DisparityCalibration& l) { return l.scale * 1000 + l.shift; };
  EXPECT_LT(std::abs(at(robust) - 0.04), 0.3 * std::abs(at(plain) - 0.04));
  const std::vector<float> flat(100, 3), wanted(100, 5);
  EXPECT_FALSE(FitMaps({&flat}, {&wanted}, true));
  std::vector<float> inverted;
  for (const float v : map) inverted.push_back(-v);
  EXPECT_FALSE(FitMaps({&inverted}, {&map}, false));
}

// ---- Calibration.

// Relative disparity of the pictures' first channel, one frame after another.
class Ramp : public DepthEstimator {
 public:
  PixelFormat input_format() const override { return PixelFormat::Rgb(8); }
  void Push(Frame frame) override { frames_.push_back(std::move(frame)); }
  void Finish() override {}
  std::optional<DepthEstimate> Pop() override {
    if (frames_.empty()) return std::nullopt;
    DepthEstimate estimate;
    estimate.index = frames_.front().index;
    estimate.quantity = DepthQuantity::kRelativeDisparity;
    const Image& picture = frames_.front().image;
    estimate.depth = Image(PixelFormat::GrayF32(), picture.width(), picture.height());
    for (int y = 0; y < picture.height(); ++y)
      for (int x = 0; x < picture.width(); ++x)
        estimate.depth.MutablePlane<float>().At(x, y) = 1 + 0.05f * static_cast<float>(x + y);
    frames_.pop_front();
    return estimate;
  }

 private:
  std::deque<Frame> frames_;
};

constexpr double kScale = 0.2, kShift = 0.03;

// Metric depth for it; scale `factor` of kScale. A fifth is wrong, a part is the network's end.
Image Metric(double factor, bool outliers) {
  Image metric(PixelFormat::GrayF32(), 48, 32);
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 48; ++x) {
      const double inverse = factor * (kScale * (1 + 0.05 * (x + y)) + kShift);
      float z = static_cast<float>(1 / inverse);
      if (outliers && (x / 4 + y / 4) % 6 == 0) z = 0.7f;
      if (outliers && y < 4) z = 20;
      metric.MutablePlane<float>().At(x, y) = z;
    }
  return metric;
}

std::vector<float> Calibrated(CalibrationMode mode, int64_t frames,
                              const std::function<Image(int64_t)>& metric,
                              std::optional<DisparityFitResult>* fit = nullptr,
                              const std::vector<int64_t>& cuts = {},
                              std::vector<DisparityFitResult>* scene_fits = nullptr) {
  CalibratedDepthOptions options;
  options.mode = mode;
  options.step = 4;
  options.saturated_depth = 19;
  CalibratedDepth depth(
      std::make_unique<Ramp>(),
      [&](const Frame& frame, bool wanted) { return wanted ? metric(frame.index) : Image(); },
      options, nullptr);
  std::vector<float> values;
  const auto take = [&] {
    while (auto estimate = depth.Pop()) {
      EXPECT_EQ(estimate->quantity, mode == CalibrationMode::kGlobal
                                        ? DepthQuantity::kRelativeDisparity
                                        : DepthQuantity::kMetricDepth);
      values.push_back(estimate->depth.Plane<float>().At(10, 10));
    }
  };
  for (int64_t i = 0; i < frames; ++i) {
    Frame frame;
    frame.index = i;
    frame.image = Image(PixelFormat::Rgb(8), 48, 32);
    if (std::count(cuts.begin(), cuts.end(), i) > 0) depth.StartScene();
    depth.Push(std::move(frame));
    take();
  }
  depth.Finish();
  take();
  if (fit != nullptr) *fit = depth.fit();
  if (scene_fits != nullptr) *scene_fits = depth.scene_fits();
  return values;
}

double Truth(double factor) { return 1 / (factor * (kScale * 2 + kShift)); }

TEST(CalibratedDepth, FirstFramesDecideDespiteOutliersAndTheEndOfTheRange) {
  std::optional<DisparityFitResult> fit;
  // From frame 32 on the metric depth is wrong: it is not looked at.
  const auto values = Calibrated(
      CalibrationMode::kFirst32, 50, [](int64_t i) { return Metric(i < 32 ? 1 : 3, true); }, &fit);
  ASSERT_EQ(values.size(), 50u);
  ASSERT_TRUE(fit.has_value());
  EXPECT_NEAR(fit->calibration.scale, kScale, 0.01 * kScale);
  EXPECT_NEAR(fit->calibration.shift, kShift, 0.01 * (kScale + kShift));
  for (const float value : values) EXPECT_NEAR(value, Truth(1), 0.01 * Truth(1));
  EXPECT_EQ(
      Calibrated(CalibrationMode::kFirst32, 5, [](int64_t) { return Metric(1, true); }).size(), 5u);
}

TEST(CalibratedDepth, FramesWithoutAReferenceArePassedOver) {
  const auto values = Calibrated(CalibrationMode::kFirst32, 40,
                                 [](int64_t i) { return i % 2 == 0 ? Image() : Metric(1, false); });
  for (const float value : values) EXPECT_NEAR(value, Truth(1), 1e-3);
  ExpectError(Code::kNotConverged, "no frame has metric depth",
              [] { Calibrated(CalibrationMode::kFirst32, 3, [](int64_t) { return Image(); }); });
  ExpectError(Code::kNotConverged, "first frame",
              [] { Calibrated(CalibrationMode::kRolling, 3, [](int64_t) { return Image(); }); });
}

TEST(CalibratedDepth, WindowsFollowAndFade) {
  const auto values = Calibrated(CalibrationMode::kWindow, 66,
                                 [](int64_t i) { return Metric(i < 22 ? 1 : 1.5, false); });
  ASSERT_EQ(values.size(), 66u);
  EXPECT_NEAR(values[21], Truth(1), 1e-3);
  // The first frame after the border is a ninth of the way, in 1 / depth.
  EXPECT_NEAR(1 / values[22], (8 / Truth(1) + 1 / Truth(1.5)) / 9, 1e-4);
  EXPECT_NEAR(values[30], Truth(1.5), 1e-3);
  EXPECT_NEAR(values[65], Truth(1.5), 1e-3);
}

TEST(CalibratedDepth, RollingIsThatOfTheFirstFrameAndThenAMean) {
  // Frames 0 .. 9 are looked at, then every fourth: 12, 16 ...
  std::vector<int64_t> asked;
  const auto values = Calibrated(CalibrationMode::kRolling, 60, [&](int64_t i) {
    asked.push_back(i);
    return Metric(i < 1 ? 1 : 1.5, false);
  });
  EXPECT_EQ(asked[9], 9);
  EXPECT_EQ(asked[10], 12);
  EXPECT_EQ(asked[11], 16);
  EXPECT_NEAR(values[8], Truth(1), 1e-3);
  // At frame 9 there are ten: one of the first kind.
  EXPECT_NEAR(1 / values[9], (1 / Truth(1) + 9 / Truth(1.5)) / 10, 1e-4);
  // Fifteen: the first one falls out with the sixteenth, which is frame 32.
  EXPECT_NEAR(1 / values[28], (1 / Truth(1) + 14 / Truth(1.5)) / 15, 1e-4);
  EXPECT_NEAR(values[32], Truth(1.5), 1e-3);
}

// The scale of each scene is another one, and none fades into the next.
TEST(CalibratedDepth, EverySceneHasItsOwn) {
  for (const CalibrationMode mode :
       {CalibrationMode::kFirst32, CalibrationMode::kRolling, CalibrationMode::kWindow}) {
    SCOPED_TRACE(static_cast<int>(mode));
    const auto values = Calibrated(mode, 90,
                                   [](int64_t i) {
                                     return Metric(i < 7 ? 1 : i < 50 ? 1.5 : 0.5, false);
                                   },
                                   nullptr, {7, 50});
    ASSERT_EQ(values.size(), 90u);
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_NEAR(values[i], Truth(i < 7 ? 1 : i < 50 ? 1.5 : 0.5), 2e-3) << i;
    // One without metric depth goes on as the one before.
    const auto gap = Calibrated(
        mode, 60, [](int64_t i) { return i < 20 ? Metric(1.5, false) : Image(); }, nullptr, {20});
    for (const float value : gap) EXPECT_NEAR(value, Truth(1.5), 2e-3);
  }
}

TEST(CalibratedDepth, AFirstRunFitsEveryScene) {
  std::vector<DisparityFitResult> fits;
  std::vector<int64_t> asked;
  const auto metric = [&](int64_t i) {
    asked.push_back(i);
    if (i < 6 || (i >= 20 && i < 30)) return Image();
    return Metric(i < 20 ? 1 : 1.5, true);
  };
  const auto values = Calibrated(CalibrationMode::kGlobal, 40, metric, nullptr, {6, 20, 30}, &fits);
  EXPECT_EQ(values.size(), 40u);
  // Counted from the beginning of each scene.
  EXPECT_EQ(asked, (std::vector<int64_t>{0, 4, 6, 10, 14, 18, 20, 24, 28, 30, 34, 38}));
  ASSERT_EQ(fits.size(), 4u);
  for (size_t k = 0; k < 4; ++k)
    EXPECT_NEAR(fits[k].calibration.scale, (k < 3 ? 1 : 1.5) * kScale, 0.01 * kScale) << k;
  ExpectError(Code::kNotConverged, "no frame has metric depth", [] {
    Calibrated(CalibrationMode::kGlobal, 9, [](int64_t) { return Image(); }, nullptr, {3});
  });
}

TEST(CalibratedDepth, OthersNeedNoStage) {
  ExpectError(Code::kInvalidArgument, "nothing to calibrate", [] {
    CalibratedDepthOptions options;
    options.mode = CalibrationMode::kNone;
    CalibratedDepth(std::make_unique<Ramp>(), {}, options, nullptr);
  });
}

}  // namespace
}  // namespace mdvt
