// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/stream_depth.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "depth/scene_network.h"
#include "mdvt/core/error.h"

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

struct StreamDepthEstimator::Impl : depth::SceneNetwork {
  Impl(std::shared_ptr<const Model> the_model, const StreamDepthOptions& the_options,
       ThreadPool* the_pool)
      : SceneNetwork("StreamDepthEstimator", std::move(the_model), the_options, the_pool),
        time(Shape{1}) {
    const ModelInfo& info = model->info();
    Require(info.kind == ModelKind::kDepthStream, Code::kUnsupported,
            "model '" + info.name + "' is of kind \"" + ToString(info.kind) +
                "\", depth of a stream of frames needs \"depth_stream\"");
    const PixelSize network = to_tensor.plan().network;
    picture.Resize({1, 3, network.height, network.width});
    for (size_t i = 2; i < info.inputs.size(); ++i) {
      const auto same = [&](const ModelOutputInfo& one) { return one.name == info.inputs[i].name; };
      const auto found = std::find_if(info.outputs.begin(), info.outputs.end(), same);
      state_outputs.push_back(static_cast<size_t>(found - info.outputs.begin()));
    }
    Forget();
  }

  void Forget() {
    frames = 0;
    kept.clear();
    states.clear();
    for (size_t i = 2; i < model->info().inputs.size(); ++i)
      states.emplace_back(EmptyState(model->info().inputs[i].layout));
  }

  void Take(const Frame& frame) {
    time[0] = static_cast<float>(std::min(frames, kLastCounted));
    std::vector<ModelInput> inputs;
    ModelTensor on_device;
    if (device) {
      const ModelTensor planes = ToInput(frame);
      on_device = device->arrays().Join({&planes}, picture.shape());
      inputs = {on_device, time};
    } else {
      ToInput(frame, picture.data());
      inputs = {picture, time};
    }
    for (const ModelTensor& state : kept) inputs.emplace_back(state);
    if (kept.empty())
      for (const Tensor& state : states) inputs.emplace_back(state);
    std::vector<ModelTensor> outputs;
    try {
      outputs = model->RunKept(inputs);
      if (device) {
        device->arrays().CheckOutput(outputs[output_index]);
      } else {
        outputs[output_index].CopyTo(&map);
      }
    } catch (const Error& error) {
      throw Error(error.code(), "frame " + std::to_string(frame.index) + ": " + error.what());
    }
    kept.clear();
    for (const size_t index : state_outputs) kept.push_back(outputs[index]);
    states.clear();
    ++frames;
    if (device) {
      Give(depth::TimesOf(frame), device->arrays().Take(outputs[output_index], 0));
    } else {
      Give(depth::TimesOf(frame), map.data());
    }
  }

  void Save(State* state) const {
    Require(ready.empty(), Code::kInvalidArgument,
            "StreamDepthEstimator: it holds frames, its state cannot be saved now");
    state->SetNumber("frames", static_cast<double>(frames));
    state->SetNumber("scene", static_cast<double>(scene));
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
    const auto count = [&state](const char* name) {
      const double number = state.Number(name);
      Require(number >= 0 && number < 1e15, Code::kCorrupt,
              "the saved state of StreamDepthEstimator tells no number of " + std::string(name));
      return static_cast<int64_t>(number);
    };
    const int64_t saved_frames = count("frames"), saved_scene = count("scene");
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
    frames = saved_frames;
    scene = static_cast<size_t>(saved_scene);
    starts_scene = starts;
    in_scene = frames > 0;
    calibration = line;
  }

  Tensor picture, time, map;
  std::vector<size_t> state_outputs;  // where the network returns each state
  // For the next frame: as the network returned them, or of a new scene or a saved state.
  std::vector<ModelTensor> kept;
  std::vector<Tensor> states;
  int64_t frames = 0;  // of this scene
};

StreamDepthEstimator::StreamDepthEstimator(std::shared_ptr<const Model> model,
                                           const StreamDepthOptions& options, ThreadPool* pool)
    : impl_(std::make_unique<Impl>(std::move(model), options, pool)) {}
StreamDepthEstimator::~StreamDepthEstimator() = default;

void StreamDepthEstimator::StartScene() {
  impl_->Forget();
  impl_->NextScene();
}

void StreamDepthEstimator::Push(Frame frame) {
  impl_->CheckOpen();
  impl_->Take(frame);
}

void StreamDepthEstimator::Finish() { impl_->finished = true; }

std::optional<DepthEstimate> StreamDepthEstimator::Pop() { return impl_->Pop(); }
void StreamDepthEstimator::LeaveOnDevice() { impl_->leave_on_device = true; }

void StreamDepthEstimator::Save(State* state) const { impl_->Save(state); }
void StreamDepthEstimator::Load(const State& state) { impl_->Load(state); }

bool StreamDepthEstimator::is_metric() const { return impl_->is_metric(); }
std::optional<DisparityCalibration> StreamDepthEstimator::calibration() const {
  return impl_->calibration;
}

}  // namespace mdvt
