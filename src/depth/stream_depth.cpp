// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/stream_depth.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/object_pool.h"
#include "depth/network_depth.h"
#include "mdvt/core/error.h"
#include "mdvt/model/resample.h"

namespace mdvt {
namespace {

constexpr int64_t kLastCounted = 1 << 24;  // up to which float32 has every whole number

// What a network gets in place of states that there are none of yet.
Shape EmptyState(const TensorLayout& layout) {
  Shape shape;
  for (const char letter : layout.dims)
    shape.push_back(letter >= '0' && letter <= '9' ? letter - '0'
                    : letter == 'C'                ? std::max(1, layout.channels)
                                                   : 1);
  return shape;
}

}  // namespace

void StreamDepthOptions::Check() const { depth::CheckShared(*this); }

struct StreamDepthEstimator::Impl {
  Impl(std::shared_ptr<const Model> the_model, const StreamDepthOptions& the_options,
       ThreadPool* the_pool)
      : model(Checked(std::move(the_model))),
        options(the_options),
        pool(the_pool),
        output_index(depth::DepthOutput(model->info())),
        input(model->info().inputs[0]),
        output(model->info().outputs[output_index]),
        relative(IsRelativeDepth(model->info())),
        to_tensor(input.resample, {options.camera.width, options.camera.height},
                  depth::RuleFor(model->info(), options.input_size)),
        to_picture(output.resample, to_tensor.plan()),
        quantity(output, relative, options.camera, to_tensor.plan()),
        calibration(options.calibration),
        maps(PixelFormat::GrayF32(), options.camera.width, options.camera.height),
        time(Shape{1}) {
    const ModelInfo& info = model->info();
    const PixelSize network = to_tensor.plan().network;
    picture.Resize({1, 3, network.height, network.width});
    for (size_t i = 2; i < info.inputs.size(); ++i) {
      const auto same = [&](const ModelOutputInfo& one) { return one.name == info.inputs[i].name; };
      const auto found = std::find_if(info.outputs.begin(), info.outputs.end(), same);
      state_outputs.push_back(static_cast<size_t>(found - info.outputs.begin()));
    }
    Forget();
  }

  static std::shared_ptr<const Model> Checked(std::shared_ptr<const Model> model) {
    Require(model != nullptr, Code::kInvalidArgument, "StreamDepthEstimator: no model");
    Require(model->info().kind == ModelKind::kDepthStream, Code::kUnsupported,
            "model '" + model->info().name + "' is of kind \"" + ToString(model->info().kind) +
                "\", depth of a stream of frames needs \"depth_stream\"");
    return model;
  }

  void Forget() {
    frames = 0;
    kept.clear();
    states.clear();
    for (size_t i = 2; i < model->info().inputs.size(); ++i)
      states.emplace_back(EmptyState(model->info().inputs[i].layout));
    calibration = options.calibration;
  }

  void Take(const Frame& frame) {
    const Image& image = frame.image;
    Require(image.width() == options.camera.width && image.height() == options.camera.height &&
                image.format().model == ColorModel::kRgb,
            Code::kInvalidArgument,
            "StreamDepthEstimator: frame " + std::to_string(frame.index) +
                " is not RGB of the camera's size");
    to_tensor.Run(image.view(), picture.data(), pool);
    depth::ScaleRange(input.range, image, picture.data(), picture.size());
    time[0] = static_cast<float>(std::min(frames, kLastCounted));
    std::vector<ModelInput> inputs = {picture, time};
    for (const ModelTensor& state : kept) inputs.emplace_back(state);
    if (kept.empty())
      for (const Tensor& state : states) inputs.emplace_back(state);
    std::vector<ModelTensor> outputs;
    try {
      outputs = model->RunKept(inputs);
      outputs[output_index].CopyTo(&map);
    } catch (const Error& error) {
      throw Error(error.code(), "frame " + std::to_string(frame.index) + ": " + error.what());
    }
    kept.clear();
    for (const size_t index : state_outputs) kept.push_back(outputs[index]);
    states.clear();

    DepthEstimate estimate;
    estimate.index = frame.index;
    estimate.pts = frame.pts;
    estimate.duration = frame.duration;
    estimate.starts_scene = std::exchange(starts_scene, false);
    estimate.depth = maps.Get();
    const PlaneView<float> plane = estimate.depth.MutablePlane<float>();
    to_picture.Run(map.data(), plane, pool,
                   [this](int y, float* row) { quantity.Convert(y, row); });
    estimate.quantity = relative ? DepthQuantity::kRelativeDisparity : DepthQuantity::kMetricDepth;
    if (relative && (calibration || options.median_depth)) {
      if (!calibration)
        calibration =
            CalibrateByMedian(std::as_const(estimate.depth).Plane<float>(), *options.median_depth);
      depth::ApplyCalibration(*calibration, pool, plane);
      estimate.quantity = DepthQuantity::kMetricDepth;
    }
    ++frames;
    ready.push_back(std::move(estimate));
  }

  void Save(State* state) const {
    Require(ready.empty(), Code::kInvalidArgument,
            "StreamDepthEstimator: it holds frames, its state cannot be saved now");
    state->SetNumber("frames", static_cast<double>(frames));
    state->SetFlag("starts_scene", starts_scene);
    if (calibration) state->SetNumbers("calibration", {calibration->scale, calibration->shift});
    for (size_t i = 0; i < kept.size() + states.size(); ++i) {
      Tensor copy;
      if (!kept.empty()) kept[i].CopyTo(&copy);
      const Tensor& values = kept.empty() ? states[i] : copy;
      const std::string name = "state" + std::to_string(i);
      state->SetNumbers(name + ".shape", {values.shape().begin(), values.shape().end()});
      state->Set(name, std::string(reinterpret_cast<const char*>(values.data()),
                                   static_cast<size_t>(values.size()) * sizeof(float)));
    }
  }

  void Load(const State& state) {
    std::vector<Tensor> loaded;
    for (size_t i = 0; i < state_outputs.size(); ++i) {
      const std::string name = "state" + std::to_string(i);
      Shape shape;
      bool whole = true;
      for (const double side : state.Numbers(name + ".shape")) {
        whole = whole && side >= 1 && side <= 1 << 30;
        shape.push_back(whole ? static_cast<int64_t>(side) : 0);
      }
      const std::string& bytes = state.Get(name);
      const size_t rank = model->info().inputs[i + 2].layout.dims.size();
      // Held against the bytes that there are before any memory is taken for it.
      int64_t count = whole && shape.size() == rank ? 1 : 0;
      for (const int64_t side : shape)
        count = count <= static_cast<int64_t>(bytes.size()) ? count * side : 0;
      Require(count > 0 && static_cast<size_t>(count) * sizeof(float) == bytes.size(),
              Code::kCorrupt, "the saved state of StreamDepthEstimator holds no '" + name + "'");
      loaded.emplace_back(shape);
      std::memcpy(loaded.back().data(), bytes.data(), bytes.size());
    }
    const double number = state.Number("frames");
    Require(number >= 0 && number < 1e15, Code::kCorrupt,
            "the saved state of StreamDepthEstimator tells no number of frames");
    const bool starts = state.Flag("starts_scene");
    std::optional<DisparityCalibration> line;
    if (state.Has("calibration")) {
      const std::vector<double> numbers = state.Numbers("calibration");
      Require(numbers.size() == 2, Code::kCorrupt,
              "the saved state of StreamDepthEstimator holds no calibration");
      line = DisparityCalibration{numbers[0], numbers[1]};
    }
    kept.clear();
    states = std::move(loaded);
    frames = static_cast<int64_t>(number);
    starts_scene = starts;
    calibration = line;
  }

  std::shared_ptr<const Model> model;
  StreamDepthOptions options;
  ThreadPool* pool;
  size_t output_index;
  const ModelInputInfo& input;
  const ModelOutputInfo& output;
  bool relative;
  PictureToTensor to_tensor;
  TensorToPicture to_picture;
  depth::QuantityMaker quantity;
  std::optional<DisparityCalibration> calibration;
  ImagePool maps;
  Tensor picture, time, map;
  std::vector<size_t> state_outputs;  // where the network returns each state
  // For the next frame: as the network returned them, or of a new scene or a saved state.
  std::vector<ModelTensor> kept;
  std::vector<Tensor> states;
  std::deque<DepthEstimate> ready;
  int64_t frames = 0;  // of this scene
  bool starts_scene = false;
  bool finished = false;
};

StreamDepthEstimator::StreamDepthEstimator(std::shared_ptr<const Model> model,
                                           const StreamDepthOptions& options, ThreadPool* pool) {
  options.Check();
  impl_ = std::make_unique<Impl>(std::move(model), options, pool);
}
StreamDepthEstimator::~StreamDepthEstimator() = default;

void StreamDepthEstimator::StartScene() {
  impl_->Forget();
  impl_->starts_scene = true;
}

void StreamDepthEstimator::Push(Frame frame) {
  Require(!impl_->finished, Code::kInvalidArgument,
          "StreamDepthEstimator: a frame was pushed after Finish()");
  impl_->Take(frame);
}

void StreamDepthEstimator::Finish() { impl_->finished = true; }

std::optional<DepthEstimate> StreamDepthEstimator::Pop() {
  if (impl_->ready.empty()) return std::nullopt;
  DepthEstimate estimate = std::move(impl_->ready.front());
  impl_->ready.pop_front();
  return estimate;
}

void StreamDepthEstimator::Save(State* state) const { impl_->Save(state); }
void StreamDepthEstimator::Load(const State& state) { impl_->Load(state); }

bool StreamDepthEstimator::is_metric() const {
  return !impl_->relative || impl_->calibration || impl_->options.median_depth;
}
std::optional<DisparityCalibration> StreamDepthEstimator::calibration() const {
  return impl_->calibration;
}

}  // namespace mdvt
