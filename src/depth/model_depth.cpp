// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/model_depth.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>
#include <vector>

#include "core/object_pool.h"
#include "mdvt/core/error.h"
#include "mdvt/core/memory.h"
#include "mdvt/core/numbers.h"
#include "mdvt/model/pass_memory.h"
#include "mdvt/model/resample.h"
#include "rows.h"

namespace mdvt {
namespace {

constexpr int kRowGrain = 64;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNoData = std::numeric_limits<float>::quiet_NaN();

// The output that is depth in one of its forms.
size_t DepthOutput(const ModelInfo& info) {
  Require(info.kind == ModelKind::kDepth, Code::kUnsupported,
          "model '" + info.name + "' is of kind \"" + ToString(info.kind) +
              "\", depth of single pictures needs \"depth\"");
  Require(info.inputs.size() == 1, Code::kUnsupported,
          "model '" + info.name + "' takes " + std::to_string(info.inputs.size()) +
              " inputs, depth of single pictures has the picture alone to give");
  for (size_t i = 0; i < info.outputs.size(); ++i) {
    const ModelOutputInfo& output = info.outputs[i];
    const Quantity quantity = output.quantity;
    if (quantity != Quantity::kDepth && quantity != Quantity::kDisparity &&
        quantity != Quantity::kDistance) {
      continue;
    }
    const OutputScale scale = output.scale;
    const bool known = scale == OutputScale::kMetric ||
                       (quantity == Quantity::kDisparity &&
                        (scale == OutputScale::kAffine || scale == OutputScale::kScaleOnly)) ||
                       (quantity == Quantity::kDepth && (scale == OutputScale::kScaleOnly ||
                                                         scale == OutputScale::kMetricTimesFocal));
    Require(known, Code::kUnsupported,
            "model '" + info.name + "': output '" + output.name + "' is " + ToString(quantity) +
                " of scale " + ToString(scale) + ", which cannot be turned into depth");
    return i;
  }
  throw Error(Code::kUnsupported,
              "model '" + info.name + "' has no output of depth, disparity or distance");
}

SizeRule RuleFor(const ModelInfo& info, int input_size) {
  SizeRule rule = info.inputs[0].size;
  if (input_size == 0) return rule;
  Require(rule.dynamic && rule.mode != SizeMode::kFixed && rule.mode != SizeMode::kNative &&
              rule.mode != SizeMode::kArea,
          Code::kInvalidArgument,
          "input_size = " + std::to_string(input_size) + ": model '" + info.name +
              "' does not let its size be chosen");
  rule.target = {input_size, input_size};
  rule.Check();
  return rule;
}

template <typename T>
float LargestSample(const Image& picture) {
  T most = 0;
  for (int plane = 0; plane < 3; ++plane) {
    const PlaneView<const T> samples = picture.Plane<T>(plane);
    for (int y = 0; y < samples.height; ++y)
      most = std::max(most, *std::max_element(samples.Row(y), samples.Row(y) + samples.width));
  }
  return static_cast<float>(most);
}

// Of a picture in RGB, as a share of the largest that its format has.
float LargestSample(const Image& picture) {
  const PixelFormat format = picture.format();
  if (format.type == SampleType::kF32) return LargestSample<float>(picture);
  const float most = format.type == SampleType::kU8 ? LargestSample<uint8_t>(picture)
                                                    : LargestSample<uint16_t>(picture);
  return most / static_cast<float>(format.max_value());
}

// y = positive inverse depth, NaN where there is none.
float DepthOfDisparity(float inverse) {
  return std::isnan(inverse) ? 0 : inverse > 0 ? 1 / inverse : kInfinity;
}

}  // namespace

void ModelDepthOptions::Check() const {
  camera.Check();
  Require(input_size == 0 || (input_size >= 14 && input_size <= 16384), Code::kInvalidArgument,
          "input_size = " + std::to_string(input_size) + ", must be 0 or in [14, 16384]");
  Require(batch >= 1 && batch <= 64, Code::kInvalidArgument,
          "batch = " + std::to_string(batch) + ", must be in [1, 64]");
  Require(side_by_side >= 1 && side_by_side <= 1024, Code::kInvalidArgument,
          "side_by_side = " + std::to_string(side_by_side) + ", must be in [1, 1024]");
  Require(!median_depth || (*median_depth > 0 && *median_depth <= 10000), Code::kInvalidArgument,
          "median_depth = " + FormatDouble(median_depth.value_or(0)) + " m, must be in (0, 10000]");
  Require(!calibration || (std::isfinite(calibration->scale) && std::isfinite(calibration->shift)),
          Code::kInvalidArgument, "ModelDepthOptions.calibration must be finite");
}

struct ModelDepthEstimator::Impl {
  // One forward pass at a time uses it.
  struct Lane {
    Tensor input;
    std::vector<Tensor> outputs;
  };

  Impl(std::shared_ptr<const Model> the_model, const ModelDepthOptions& the_options,
       ThreadPool* the_pool)
      : model(std::move(the_model)),
        options(the_options),
        pool(the_pool),
        output_index(DepthOutput(model->info())),
        input(model->info().inputs[0]),
        output(model->info().outputs[output_index]),
        relative(IsRelativeDepth(model->info())),
        size{options.camera.width, options.camera.height},
        to_tensor(input.resample, size, RuleFor(model->info(), options.input_size)),
        to_picture(output.resample, to_tensor.plan()),
        calibration(options.calibration),
        maps(PixelFormat::GrayF32(), size.width, size.height) {
    const ModelInfo& info = model->info();
    Require(info.batch_dynamic ? options.batch <= info.batch_max : options.batch == info.batch_max,
            Code::kInvalidArgument,
            "batch = " + std::to_string(options.batch) + ": model '" + info.name + "' takes " +
                (info.batch_dynamic ? "at most " : "") + std::to_string(info.batch_max));
    lanes.resize(static_cast<size_t>(options.side_by_side));
  }

  size_t GroupSize() const {
    return static_cast<size_t>(options.batch) * static_cast<size_t>(options.side_by_side);
  }

  // Refuses what would not fit rather than fail in the middle of it, or be killed.
  void CheckMemory() {
    memory_checked = true;
    const PixelSize network = to_tensor.plan().network;
    const std::optional<int64_t> pass = EstimatePassMemory(*model, network, options.batch);
    const int64_t available = AvailableMemory();
    if (!pass || *pass <= available / options.side_by_side) return;
    const auto gigabytes = [](int64_t bytes) {
      return FormatFixed(static_cast<double>(bytes) * 1e-9, 1) + " GB";
    };
    std::string text = "model '" + model->info().name + "': a pass over ";
    text += options.batch == 1 ? "a picture" : std::to_string(options.batch) + " pictures";
    text += " of " + FormatSize(network.width, network.height) + " takes about " + gigabytes(*pass);
    if (options.side_by_side > 1)
      text += ", " + std::to_string(options.side_by_side) + " run side by side";
    throw Error(Code::kOutOfMemory, text + ", " + gigabytes(available) +
                                        " are to be had; choose a smaller input size" +
                                        (options.batch > 1 ? " or batch" : ""));
  }

  void RunWaiting() {
    if (!memory_checked) CheckMemory();
    const size_t batch = static_cast<size_t>(options.batch);
    const size_t passes = (waiting.size() + batch - 1) / batch;
    std::vector<std::vector<DepthEstimate>> results(passes);
    const auto run = [&](int64_t begin, int64_t end) {
      for (int64_t pass = begin; pass < end; ++pass) {
        const size_t first = static_cast<size_t>(pass) * batch;
        const size_t count = std::min(batch, waiting.size() - first);
        RunPass(first, count, &lanes[static_cast<size_t>(pass)],
                &results[static_cast<size_t>(pass)]);
      }
    };
    // Passes side by side take a thread of the pool each; inside them resizing is not split
    // further.
    if (options.side_by_side > 1 && pool != nullptr) {
      pool->ParallelFor(static_cast<int64_t>(passes), 1, run);
    } else {
      run(0, static_cast<int64_t>(passes));
    }
    waiting.clear();
    for (std::vector<DepthEstimate>& pass : results)
      for (DepthEstimate& estimate : pass) ready.push_back(std::move(estimate));
  }

  // A network of fixed batch gets copies of the last frame for those that are missing.
  void RunPass(size_t first, size_t count, Lane* lane, std::vector<DepthEstimate>* results) {
    const size_t rows = model->info().batch_dynamic ? count : static_cast<size_t>(options.batch);
    const PixelSize network = to_tensor.plan().network;
    const int64_t plane = int64_t{network.width} * network.height;
    lane->input.Resize({static_cast<int64_t>(rows), 3, network.height, network.width});
    for (size_t i = 0; i < rows; ++i) {
      const Frame& frame = waiting[first + std::min(i, count - 1)];
      float* to = lane->input.data() + static_cast<int64_t>(i) * 3 * plane;
      to_tensor.Run(frame.image.view(), to, pool);
      ScaleRange(frame.image, to, 3 * plane);
    }
    try {
      model->Run({lane->input}, &lane->outputs);
    } catch (const Error& error) {
      const Frame& frame = waiting[first];
      throw Error(error.code(), "frame " + std::to_string(frame.index) +
                                    (count > 1 ? " and those after it" : "") + ": " + error.what());
    }
    const Tensor& map = lane->outputs[output_index];
    const int64_t map_plane = map.size() / static_cast<int64_t>(rows);
    for (size_t i = 0; i < count; ++i) {
      const Frame& frame = waiting[first + i];
      DepthEstimate estimate;
      estimate.depth = maps.Get();
      const PlaneView<float> picture = estimate.depth.MutablePlane<float>();
      to_picture.Run(map.data() + static_cast<int64_t>(i) * map_plane, picture, pool,
                     [this](int y, float* row) { ToQuantity(y, row); });
      estimate.quantity = DepthQuantity::kRelativeDisparity;
      if (!relative) estimate.quantity = DepthQuantity::kMetricDepth;
      estimate.index = frame.index;
      estimate.pts = frame.pts;
      estimate.duration = frame.duration;
      results->push_back(std::move(estimate));
    }
  }

  void ScaleRange(const Image& picture, float* values, int64_t count) const {
    switch (input.range) {
      case InputRange::kZeroToOne:
        return;
      case InputRange::kMinusOneToOne:
        for (int64_t i = 0; i < count; ++i) values[i] = 2 * values[i] - 1;
        return;
      case InputRange::kImageMax: {
        // Resizing is linear: it does not matter which comes first.
        const float most = LargestSample(picture);
        if (most > 0)
          for (int64_t i = 0; i < count; ++i) values[i] /= most;
        return;
      }
    }
  }

  // Metric depth, or relative disparity with NaN for no data.
  void ToQuantity(int y, float* row) const {
    const Camera& camera = options.camera;
    const auto each = [&](const auto& convert) {
      for (int x = 0; x < size.width; ++x) row[x] = convert(row[x]);
    };
    const auto positive = [](float z) { return z > 0 ? z : 0; };
    if (output.quantity == Quantity::kDistance) {
      const double v = (y + 0.5 - camera.cy) / camera.fy;
      for (int x = 0; x < size.width; ++x) {
        const double u = (x + 0.5 - camera.cx) / camera.fx;
        row[x] = static_cast<float>(static_cast<double>(positive(row[x])) /
                                    std::sqrt(1 + u * u + v * v));
      }
    } else if (output.scale == OutputScale::kMetricTimesFocal) {
      const SizePlan& plan = to_tensor.plan();
      const double focal = camera.fx * plan.content.width / plan.padded.width;
      const float factor = static_cast<float>(focal / output.focal_ref);
      each([&](float value) { return positive(value * factor); });
    } else if (output.quantity == Quantity::kDisparity) {
      if (!relative) each(DepthOfDisparity);
    } else if (relative) {
      each([](float value) { return value > 0 ? 1 / value : kNoData; });
    } else {
      each(positive);
    }
  }

  // Relative disparity becomes metres once it is known how.
  void Calibrate(DepthEstimate* estimate) {
    if (!relative || !(calibration || options.median_depth)) return;
    if (!calibration)
      calibration = CalibrateByMedian(estimate->depth.Plane<float>(), *options.median_depth);
    const float scale = static_cast<float>(calibration->scale);
    const float shift = static_cast<float>(calibration->shift);
    const PlaneView<float> map = estimate->depth.MutablePlane<float>();
    ForRows(pool, map.height, kRowGrain, [&](int begin, int end) {
      for (int y = begin; y < end; ++y) {
        float* row = map.Row(y);
        for (int x = 0; x < map.width; ++x) row[x] = DepthOfDisparity(scale * row[x] + shift);
      }
    });
    estimate->quantity = DepthQuantity::kMetricDepth;
  }

  std::shared_ptr<const Model> model;
  ModelDepthOptions options;
  ThreadPool* pool;
  size_t output_index;
  const ModelInputInfo& input;
  const ModelOutputInfo& output;
  bool relative;
  PixelSize size;
  PictureToTensor to_tensor;
  TensorToPicture to_picture;
  std::optional<DisparityCalibration> calibration;
  ImagePool maps;
  std::vector<Lane> lanes;
  std::vector<Frame> waiting;
  std::deque<DepthEstimate> ready;
  bool memory_checked = false;
  bool finished = false;
};

ModelDepthEstimator::ModelDepthEstimator(std::shared_ptr<const Model> model,
                                         const ModelDepthOptions& options, ThreadPool* pool) {
  options.Check();
  Require(model != nullptr, Code::kInvalidArgument, "ModelDepthEstimator: no model");
  impl_ = std::make_unique<Impl>(std::move(model), options, pool);
}
ModelDepthEstimator::~ModelDepthEstimator() = default;

int ModelDepthEstimator::latency() const { return group(); }

int ModelDepthEstimator::group() const { return static_cast<int>(impl_->GroupSize()); }

void ModelDepthEstimator::Push(Frame frame) {
  Require(!impl_->finished, Code::kInvalidArgument,
          "ModelDepthEstimator: a frame was pushed after Finish()");
  const Image& image = frame.image;
  Require(image.format().model == ColorModel::kRgb, Code::kInvalidArgument,
          "ModelDepthEstimator: frames must be RGB, not " + image.format().ToString());
  Require(image.width() == impl_->size.width && image.height() == impl_->size.height,
          Code::kInvalidArgument,
          "ModelDepthEstimator: frame " + std::to_string(frame.index) + " has " +
              FormatSize(image.width(), image.height()) + " pixels, the camera " +
              FormatSize(impl_->size.width, impl_->size.height));
  if (impl_->waiting.size() == impl_->GroupSize()) impl_->RunWaiting();  // nobody has popped
  impl_->waiting.push_back(std::move(frame));
}

void ModelDepthEstimator::Finish() { impl_->finished = true; }

std::optional<DepthEstimate> ModelDepthEstimator::Pop() {
  Impl& impl = *impl_;
  const bool full = impl.waiting.size() == impl.GroupSize();
  if (impl.ready.empty() && !impl.waiting.empty() && (full || impl.finished)) impl.RunWaiting();
  if (impl.ready.empty()) return std::nullopt;
  DepthEstimate estimate = std::move(impl.ready.front());
  impl.ready.pop_front();
  impl.Calibrate(&estimate);
  return estimate;
}

void ModelDepthEstimator::Save(State* state) const {
  Require(impl_->waiting.empty() && impl_->ready.empty(), Code::kInvalidArgument,
          "ModelDepthEstimator: it holds frames, its state cannot be saved now");
  if (!impl_->calibration) return;
  state->SetNumbers("calibration", {impl_->calibration->scale, impl_->calibration->shift});
}

void ModelDepthEstimator::Load(const State& state) {
  std::optional<DisparityCalibration> calibration;
  if (state.Has("calibration")) {
    const std::vector<double> numbers = state.Numbers("calibration");
    Require(numbers.size() == 2, Code::kCorrupt,
            "the saved state of ModelDepthEstimator holds no calibration");
    calibration = DisparityCalibration{numbers[0], numbers[1]};
  }
  impl_->calibration = calibration;
}

bool ModelDepthEstimator::is_metric() const {
  return !impl_->relative || impl_->calibration || impl_->options.median_depth;
}
PixelSize ModelDepthEstimator::network_size() const { return impl_->to_tensor.plan().network; }
std::optional<DisparityCalibration> ModelDepthEstimator::calibration() const {
  return impl_->calibration;
}

bool IsRelativeDepth(const ModelInfo& info) {
  const OutputScale scale = info.outputs[DepthOutput(info)].scale;
  return scale == OutputScale::kAffine || scale == OutputScale::kScaleOnly;
}

}  // namespace mdvt
