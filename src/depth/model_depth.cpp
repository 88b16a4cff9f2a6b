// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/model_depth.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>
#include <vector>

#include "core/object_pool.h"
#include "depth/network_depth.h"
#include "mdvt/core/error.h"
#include "mdvt/core/memory.h"
#include "mdvt/core/numbers.h"
#include "mdvt/model/pass_memory.h"
#include "mdvt/model/resample.h"
#include "rows.h"

namespace mdvt {

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
    Tensor input, rays;
    std::vector<Tensor> outputs;
  };

  Impl(std::shared_ptr<const Model> the_model, const ModelDepthOptions& the_options,
       ThreadPool* the_pool)
      : model(std::move(the_model)),
        options(the_options),
        pool(the_pool),
        output_index(depth::DepthOutput(model->info())),
        input(model->info().inputs[0]),
        output(model->info().outputs[output_index]),
        relative(IsRelativeDepth(model->info())),
        size{options.camera.width, options.camera.height},
        to_tensor(input.resample, size, depth::RuleFor(model->info(), options.input_size)),
        to_picture(output.resample, to_tensor.plan()),
        quantity(output, relative, options.camera, to_tensor.plan()),
        calibration(options.calibration),
        maps(PixelFormat::GrayF32(), size.width, size.height) {
    const ModelInfo& info = model->info();
    Require(info.batch_dynamic ? options.batch <= info.batch_max : options.batch == info.batch_max,
            Code::kInvalidArgument,
            "batch = " + std::to_string(options.batch) + ": model '" + info.name + "' takes " +
                (info.batch_dynamic ? "at most " : "") + std::to_string(info.batch_max));
    lanes.resize(static_cast<size_t>(options.side_by_side));
    if (info.inputs.size() == 2) MakeRays();
  }

  // Unit vectors through the centres of the network's pixels. Of a letterbox and of borders too:
  // the camera sees on there.
  void MakeRays() {
    const SizePlan& plan = to_tensor.plan();
    const Camera& camera = options.camera;
    const double sx = static_cast<double>(plan.content.width) / plan.padded.width;
    const double sy = static_cast<double>(plan.content.height) / plan.padded.height;
    const double cx = plan.content.x + (camera.cx + plan.picture.x) * sx;
    const double cy = plan.content.y + (camera.cy + plan.picture.y) * sy;
    const int64_t plane = int64_t{plan.network.width} * plan.network.height;
    rays.resize(static_cast<size_t>(3 * plane));
    for (int y = 0; y < plan.network.height; ++y)
      for (int x = 0; x < plan.network.width; ++x) {
        const double u = (x + 0.5 - cx) / (camera.fx * sx), v = (y + 0.5 - cy) / (camera.fy * sy);
        const double length = std::sqrt(u * u + v * v + 1);
        const int64_t i = int64_t{y} * plan.network.width + x;
        rays[static_cast<size_t>(i)] = static_cast<float>(u / length);
        rays[static_cast<size_t>(plane + i)] = static_cast<float>(v / length);
        rays[static_cast<size_t>(2 * plane + i)] = static_cast<float>(1 / length);
      }
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
      depth::ScaleRange(input.range, frame.image, to, 3 * plane);
    }
    try {
      if (rays.empty()) {
        model->Run({lane->input}, &lane->outputs);
      } else {
        lane->rays.Resize(lane->input.shape());
        for (size_t i = 0; i < rows; ++i)
          std::copy(rays.begin(), rays.end(),
                    lane->rays.data() + static_cast<int64_t>(i) * 3 * plane);
        model->Run({lane->input, lane->rays}, &lane->outputs);
      }
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
                     [this](int y, float* row) { quantity.Convert(y, row); });
      estimate.quantity = DepthQuantity::kRelativeDisparity;
      if (!relative) estimate.quantity = DepthQuantity::kMetricDepth;
      estimate.index = frame.index;
      estimate.pts = frame.pts;
      estimate.duration = frame.duration;
      results->push_back(std::move(estimate));
    }
  }

  // Relative disparity becomes metres once it is known how.
  void Calibrate(DepthEstimate* estimate) {
    if (!relative || !(calibration || options.median_depth)) return;
    if (!calibration)
      calibration = CalibrateByMedian(estimate->depth.Plane<float>(), *options.median_depth);
    depth::ApplyCalibration(*calibration, pool, estimate->depth.MutablePlane<float>());
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
  depth::QuantityMaker quantity;
  std::optional<DisparityCalibration> calibration;
  ImagePool maps;
  std::vector<Lane> lanes;
  std::vector<float> rays;  // of one picture, for networks that want them
  std::vector<Frame> waiting;
  std::deque<DepthEstimate> ready;
  bool memory_checked = false;
  bool finished = false;
};

ModelDepthEstimator::ModelDepthEstimator(std::shared_ptr<const Model> model,
                                         const ModelDepthOptions& options, ThreadPool* pool) {
  options.Check();
  Require(model != nullptr, Code::kInvalidArgument, "ModelDepthEstimator: no model");
  Require(model->info().kind == ModelKind::kDepth, Code::kUnsupported,
          "model '" + model->info().name + "' is of kind \"" + ToString(model->info().kind) +
              "\", depth of single pictures needs \"depth\"");
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
  const OutputScale scale = info.outputs[depth::DepthOutput(info)].scale;
  return scale == OutputScale::kAffine || scale == OutputScale::kScaleOnly;
}

}  // namespace mdvt
