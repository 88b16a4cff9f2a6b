// SPDX-License-Identifier: Apache-2.0
//
// Depth whose pictures and maps stay on the device of the network, against the same made on the
// host. The device is a backend of this test's own; LibTorch is compared in
// tests/model/torch_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/depth/calibrated_depth.h"
#include "mdvt/depth/model_camera.h"
#include "mdvt/depth/model_depth.h"
#include "mdvt/depth/stream_depth.h"
#include "mdvt/depth/video_depth.h"
#include "model/fake_device.h"
#include "model/metadata.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using nlohmann::json;
using test::ExpectError;

constexpr int kWidth = 22, kHeight = 14;

Camera TheCamera() { return Camera::FromFov(kWidth, kHeight, 70, std::nullopt); }

int& MapsOnHost() {
  static int copies = 0;
  return copies;
}

const float* ValuesOf(const mdvt_backend_tensor& tensor) {
  return tensor.data != nullptr ? tensor.data : tensor.buffer->values.data();
}

// The first line of a file holds gain and offset: gain * (R + 2 G + 3 B) / 6 + offset for each
// picture of a batch or window, plus what the state holds, which grows by one with each run.
mdvt_backend_status RunNetwork(mdvt_backend_model* model, const mdvt_backend_tensor* inputs,
                               size_t num_inputs, mdvt_backend_tensor* outputs, size_t,
                               size_t* num_outputs) {
  const mdvt_backend_tensor& in = inputs[0];
  const bool window = in.rank == 5;
  const int64_t pictures = window ? in.shape[1] : in.shape[0];
  const int64_t height = in.shape[in.rank - 2], width = in.shape[in.rank - 1];
  std::istringstream line(model->behaviour);
  float gain = 0, offset = 0;
  line >> gain >> offset;
  const bool stream = num_inputs == 3;
  const float state = stream ? ValuesOf(inputs[2])[0] : 0;
  const int64_t area = height * width;
  std::vector<float> values;
  for (int64_t p = 0; p < pictures; ++p) {
    const float* rgb = ValuesOf(in) + p * 3 * area;
    // Each window has a scale and a shift of its own, as networks of windows do.
    const float own = window ? ValuesOf(in)[(pictures - 1) * 3 * area] : 0;
    for (int64_t i = 0; i < area; ++i)
      values.push_back(
          (1 + own) * (gain * (rgb[i] + 2 * rgb[i + area] + 3 * rgb[i + 2 * area]) / 6 + offset) +
          own / 3 + state);
  }
  if (model->behaviour.find("nan") != std::string::npos) values[5] = std::nanf("");
  const std::vector<int64_t> shape = window ? std::vector<int64_t>{1, pictures, 1, height, width}
                                            : std::vector<int64_t>{pictures, 1, height, width};
  *num_outputs = 0;
  test::fake::Add(shape, std::move(values), false, &outputs[(*num_outputs)++]);
  if (stream) test::fake::Add({1, 1, 1}, {state + 1}, false, &outputs[(*num_outputs)++]);
  return MDVT_BACKEND_OK;
}

mdvt_backend_status CountedCopy(const mdvt_backend_buffer* buffer, float* values, size_t count) {
  ++MapsOnHost();
  return test::fake::CopyToHost(buffer, values, count);
}

class DeviceDepth : public ::testing::Test {
 protected:
  void SetUp() override {
    static const mdvt_backend kTable = [] {
      static const char* const kExtensions[] = {".device", nullptr};
      mdvt_backend table = test::FakeDeviceTable();
      table.name = "device";
      table.extensions = kExtensions;
      table.run = RunNetwork;
      table.copy_to_host = CountedCopy;
      table.trace_run = nullptr;
      return table;
    }();
    RegisterBackend(&kTable);
  }

  std::shared_ptr<const Model> Open(const json& metadata, ModelProcessing processing,
                                    const std::string& behaviour = "0.7 0.2") {
    const std::string path = folder_ / "net.device";
    std::ofstream(path) << behaviour << "\n" << metadata.dump();
    ModelOptions options;
    options.trust = ModelTrust::kUnlisted;
    options.num_threads = 1;
    options.processing = processing;
    return std::make_shared<const Model>(Model::Open(path, options));
  }

  Frame Picture(int64_t index, int bits = 8) const {
    Frame frame;
    frame.index = index;
    frame.image = Image(PixelFormat::Rgb(bits), kWidth, kHeight);
    const int top = (1 << bits) - 1;
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < kWidth; ++x) {
          const int noise = 1931 * x + 2917 * y + 773 * static_cast<int>(index * index) + 411 * c;
          const int ramp = 40 + 3 * x + 4 * y + static_cast<int>(index % 9);
          const int value = smooth_ ? ramp : noise % (top - top / 9);
          if (bits == 8)
            frame.image.MutablePlane<uint8_t>(c).At(x, y) = static_cast<uint8_t>(value);
          else
            frame.image.MutablePlane<uint16_t>(c).At(x, y) = static_cast<uint16_t>(value);
        }
    return frame;
  }

  using Make = std::function<std::unique_ptr<DepthEstimator>(std::shared_ptr<const Model>)>;

  std::vector<DepthEstimate> RunAll(DepthEstimator* estimator, int64_t frames, int bits) const {
    std::vector<DepthEstimate> all;
    for (int64_t i = 0; i < frames; ++i) {
      if (i == frames / 2) estimator->StartScene();
      estimator->Push(Picture(i, bits));
      while (auto estimate = estimator->Pop()) all.push_back(std::move(*estimate));
    }
    estimator->Finish();
    while (auto estimate = estimator->Pop()) all.push_back(std::move(*estimate));
    return all;
  }

  // Both ways; every value the same but for rounding.
  void ExpectSame(const std::string& what, const json& metadata, const Make& make, int64_t frames,
                  const std::string& behaviour = "0.7 0.2", int bits = 8) {
    SCOPED_TRACE(what);
    const auto host = make(Open(metadata, ModelProcessing::kHost, behaviour));
    const auto device = make(Open(metadata, ModelProcessing::kDevice, behaviour));
    const std::vector<DepthEstimate> wanted = RunAll(host.get(), frames, bits);
    const std::vector<DepthEstimate> found = RunAll(device.get(), frames, bits);
    ASSERT_EQ(static_cast<int64_t>(wanted.size()), frames);
    ASSERT_EQ(found.size(), wanted.size());
    int64_t numbers = 0;
    for (size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_EQ(found[i].index, wanted[i].index);
      EXPECT_EQ(found[i].quantity, wanted[i].quantity);
      EXPECT_EQ(found[i].starts_scene, wanted[i].starts_scene);
      EXPECT_EQ(found[i].on_device, nullptr);
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < kWidth; ++x) {
          const float a = wanted[i].depth.Plane<float>().At(x, y);
          const float b = found[i].depth.Plane<float>().At(x, y);
          if (std::isfinite(a)) {
            numbers += a != 0;
            // Rounding of a disparity near 0 is a large part of its depth.
            const double error = std::min(std::abs(b - a), std::abs(1 / b - 1 / a));
            ASSERT_LE(error, 2e-5 * (1 + std::abs(a))) << "frame " << i << ": " << x << ", " << y;
          } else {
            ASSERT_EQ(std::isnan(b), std::isnan(a)) << "frame " << i << ": " << x << ", " << y;
            ASSERT_EQ(std::isinf(b), std::isinf(a)) << "frame " << i << ": " << x << ", " << y;
          }
        }
    }
    EXPECT_GT(numbers, 0);
  }

  bool smooth_ = false;  // pictures are ramps, not noise
  test::TempDir folder_;
};

// An estimator with metric depth of smooth pictures to calibrate by.
std::unique_ptr<DepthEstimator> WithReference(std::shared_ptr<const Model> model,
                                              CalibrationMode mode) {
  ModelDepthOptions options;
  options.camera = TheCamera();
  CalibratedDepthOptions calibrated;
  calibrated.mode = mode;
  const auto metric = [](const Frame& frame, bool) {
    Image depth(PixelFormat::GrayF32(), kWidth, kHeight);
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x)
        depth.MutablePlane<float>().At(x, y) =
            300 / static_cast<float>(frame.image.Plane<uint8_t>(1).At(x, y));
    return depth;
  };
  return std::make_unique<CalibratedDepth>(
      std::make_unique<ModelDepthEstimator>(std::move(model), options, nullptr), metric, calibrated,
      nullptr);
}

json Single(const std::string& quantity = "disparity", const std::string& scale = "affine") {
  json metadata = test::DepthMetadata();
  metadata["outputs"][0]["quantity"] = quantity;
  metadata["outputs"][0]["scale"] = scale;
  metadata["outputs"][0]["non_negative"] = false;
  if (scale == "metric" || scale == "metric_times_focal") metadata["outputs"][0]["unit"] = "m";
  if (scale == "metric_times_focal") metadata["outputs"][0]["focal_ref"] = 12.5;
  return metadata;
}

TEST_F(DeviceDepth, PicturesBecomeTheSameDepthInEveryQuantity) {
  const Make make = [](std::shared_ptr<const Model> model) {
    ModelDepthOptions options;
    options.camera = TheCamera();
    options.batch = 3;
    return std::make_unique<ModelDepthEstimator>(std::move(model), options, nullptr);
  };
  // An offset below 0: values on either side of it.
  const std::string both_sides = "1.5 -0.5";
  ExpectSame("affine disparity", Single(), make, 7);
  ExpectSame("affine disparity, 10 bits", Single(), make, 7, both_sides, 10);
  ExpectSame("affine disparity, 16 bits", Single(), make, 4, both_sides, 16);
  ExpectSame("metric depth", Single("depth", "metric"), make, 4, both_sides);
  ExpectSame("metric disparity", Single("disparity", "metric"), make, 4, both_sides);
  ExpectSame("distance", Single("distance", "metric"), make, 4, both_sides);
  ExpectSame("depth of unknown scale", Single("depth", "scale_only"), make, 4, both_sides);
  ExpectSame("depth by focal length", Single("depth", "metric_times_focal"), make, 4, both_sides);
  ExpectSame("disparity by focal length", Single("disparity", "metric_times_focal"), make, 4,
             both_sides);
  json fixed = Single();
  fixed["batch"] = {{"dynamic", false}, {"max", 3}};
  ExpectSame("a fixed batch", fixed, make, 7);
}

TEST_F(DeviceDepth, PicturesAreMadeReadyAlike) {
  const Make make = [](std::shared_ptr<const Model> model) {
    ModelDepthOptions options;
    options.camera = TheCamera();
    return std::make_unique<ModelDepthEstimator>(std::move(model), options, nullptr);
  };
  for (const char* kind :
       {"cubic_opencv", "bilinear", "bilinear_align_corners", "bilinear_antialias", "bicubic",
        "area", "lanczos3_antialias", "nearest"})
    for (const bool smaller : {false, true}) {
      json metadata = Single();
      metadata["inputs"][0]["resample"] = kind;
      metadata["outputs"][0]["resample"] = kind;
      if (smaller) metadata["inputs"][0]["size"]["target"] = {8, 8};
      ExpectSame(kind, metadata, make, 2);
    }
  for (const json& range : {json({0, 1}), json({-1, 1}), json("image_max")}) {
    json metadata = Single();
    metadata["inputs"][0]["range"] = range;
    ExpectSame("range " + range.dump(), metadata, make, 3);
    metadata["inputs"][0]["normalize"] = {{"mean", {0.4, 0.5, 0.3}}, {"std", {0.2, 0.3, 0.5}}};
    ExpectSame("normalized, range " + range.dump(), metadata, make, 3);
    // A letterbox, and borders before the resize: a constant or the nearest pixel.
    for (const char* mode : {"zero_normalized", "replicate"}) {
      metadata["inputs"][0]["size"]["rule"] = "fixed";
      metadata["inputs"][0]["size"]["target"] = {16, 16};
      metadata["inputs"][0]["size"]["pad"] = {{"mode", mode}, {"value", {0.2, 0.6, 0.9}}};
      ExpectSame(std::string("letterbox, ") + mode + ", range " + range.dump(), metadata, make, 3);
      metadata["inputs"][0]["size"]["pad"]["aspect"] = {0.5, 1.2};
      ExpectSame(std::string("borders, ") + mode + ", range " + range.dump(), metadata, make, 3);
    }
  }
}

TEST_F(DeviceDepth, CamerasThatZoomChangeDistanceAlike) {
  const Make make = [](std::shared_ptr<const Model> model) {
    ModelDepthOptions options;
    options.camera = TheCamera();
    ModelCameraOptions cameras;
    cameras.xfovs_deg = {70, 70, 50, 90};
    return std::make_unique<CameraModelDepthEstimator>(std::move(model), options, cameras, nullptr);
  };
  ExpectSame("distance", Single("distance", "metric"), make, 4);
}

TEST_F(DeviceDepth, CalibrationsMakeTheSameMetres) {
  const auto make = [](std::optional<DisparityCalibration> line, std::optional<double> median) {
    return [=](std::shared_ptr<const Model> model) -> std::unique_ptr<DepthEstimator> {
      ModelDepthOptions options;
      options.camera = TheCamera();
      options.calibration = line;
      options.median_depth = median;
      return std::make_unique<ModelDepthEstimator>(std::move(model), options, nullptr);
    };
  };
  ExpectSame("a line", Single(), make(DisparityCalibration{0.4, -0.1}, std::nullopt), 4);
  ExpectSame("a median", Single(), make(std::nullopt, 3.0), 4);
}

TEST_F(DeviceDepth, CalibratedMapsComeToTheHostOnce) {
  smooth_ = true;
  for (const CalibrationMode mode :
       {CalibrationMode::kFirst32, CalibrationMode::kRolling, CalibrationMode::kWindow})
    ExpectSame(
        "calibrated", Single(),
        [mode](std::shared_ptr<const Model> model) {
          return WithReference(std::move(model), mode);
        },
        70);
  // Each frame in metres, and those that are looked at as they are: 32 of each of two scenes.
  MapsOnHost() = 0;
  const auto estimator =
      WithReference(Open(Single(), ModelProcessing::kDevice), CalibrationMode::kFirst32);
  EXPECT_EQ(RunAll(estimator.get(), 100, 8).size(), 100u);
  EXPECT_EQ(MapsOnHost(), 100 + 2 * 32);
}

json Windows(const std::string& scale) {
  json metadata = Single(scale == "metric" ? "depth" : "disparity", scale);
  metadata["kind"] = "depth_video";
  metadata.erase("batch");
  metadata["inputs"][0]["layout"] = "1TCHW";
  metadata["outputs"][0]["layout"] = "1TCHW";
  metadata["window"] = {
      {"length", 8},          {"stride", 5}, {"overlap", 3},           {"carry", {0, 4, 7}},
      {"align_refs", {0, 4}}, {"blend", 2},  {"align", "scale_shift"}, {"pad", "repeat_last"},
      {"min_length", 1}};
  if (scale == "metric") metadata["window"]["align"] = "none";
  return metadata;
}

TEST_F(DeviceDepth, WindowsAreAlignedAndBlendedAlike) {
  for (const bool robust : {false, true})
    for (const bool at_frame_size : {false, true})
      for (const char* scale : {"affine", "metric"}) {
        const Make make = [=](std::shared_ptr<const Model> model) {
          VideoDepthOptions options;
          options.camera = TheCamera();
          options.robust = robust;
          options.align_at_frame_size = at_frame_size;
          return std::make_unique<VideoDepthEstimator>(std::move(model), options, nullptr);
        };
        for (const int64_t frames : {2, 9, 30})
          ExpectSame(std::string(scale) + (robust ? ", robust" : "") +
                         (at_frame_size ? ", at the frame's size" : ""),
                     Windows(scale), make, frames);
      }
}

TEST_F(DeviceDepth, StreamsKeepTheirStates) {
  json metadata = Single();
  metadata["kind"] = "depth_stream";
  metadata.erase("batch");
  metadata["inputs"].push_back({{"name", "time"}, {"layout", "1"}});
  metadata["inputs"].push_back({{"name", "sum"}, {"layout", "PTC"}, {"channels", 1}});
  metadata["outputs"].push_back(
      {{"name", "sum"}, {"layout", "PTC"}, {"channels", 1}, {"quantity", "latent"}});
  const Make make = [](std::shared_ptr<const Model> model) {
    StreamDepthOptions options;
    options.camera = TheCamera();
    options.median_depth = 4;
    return std::make_unique<StreamDepthEstimator>(std::move(model), options, nullptr);
  };
  ExpectSame("stream", metadata, make, 9);
}

TEST_F(DeviceDepth, ValuesThatAreNoneAreToldAsOnTheHost) {
  ModelDepthOptions options;
  options.camera = TheCamera();
  for (const ModelProcessing processing : {ModelProcessing::kHost, ModelProcessing::kDevice}) {
    ModelDepthEstimator nan(Open(Single(), processing, "1 0 nan"), options, nullptr);
    nan.Push(Picture(0));
    ExpectError(Code::kCorrupt, "has 1 bad values", [&] { nan.Pop(); });
    json strict = Single();
    strict["outputs"][0]["non_negative"] = true;
    ModelDepthEstimator negative(Open(strict, processing, "1 -0.2"), options, nullptr);
    negative.Push(Picture(0));
    ExpectError(Code::kCorrupt, "declares it non_negative", [&] { negative.Pop(); });
  }
}

TEST_F(DeviceDepth, IsRefusedWhereTheBackendRunsNetworksOnly) {
  test::RegisterFake();
  const std::string path = folder_ / "net.fake";
  std::ofstream(path) << "x\n" << Single().dump();
  ModelOptions options;
  options.trust = ModelTrust::kUnlisted;
  EXPECT_FALSE(Model::Open(path, options).processes_on_device());
  options.processing = ModelProcessing::kDevice;
  ExpectError(Code::kUnsupported, "processing device: the backend 'fake' runs networks only",
              [&] { Model::Open(path, options); });
}

TEST_F(DeviceDepth, IsWhereTheNetworkIsUnlessThatIsTheProcessor) {
  EXPECT_FALSE(Open(Single(), ModelProcessing::kAuto)->processes_on_device());
  const std::string path = folder_ / "net.device";
  ModelOptions options;
  options.trust = ModelTrust::kUnlisted;
  options.device = "gpu:1";
  EXPECT_TRUE(Model::Open(path, options).processes_on_device());
  options.processing = ModelProcessing::kHost;
  EXPECT_FALSE(Model::Open(path, options).processes_on_device());
}

}  // namespace
}  // namespace mdvt
