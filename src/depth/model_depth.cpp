// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/model_depth.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>
#include <vector>

#include "core/object_pool.h"
#include "core/rows.h"
#include "depth/device_depth.h"
#include "depth/network_depth.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/depth/model_camera.h"
#include "mdvt/model/pass_memory.h"
#include "mdvt/model/resample.h"

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

namespace {

constexpr double kJump = 1.2;  // of the focal length: another lens, or another shot

// The output that tells the camera; none.
std::optional<size_t> CameraOutput(const ModelInfo& info) {
  if (info.kind != ModelKind::kDepth) return std::nullopt;
  for (const Quantity quantity : {Quantity::kIntrinsics, Quantity::kRays})
    for (size_t i = 0; i < info.outputs.size(); ++i)
      if (info.outputs[i].quantity == quantity) return i;
  return std::nullopt;
}

// The focal length across in pixels of a map of directions X, Y, Z of width x height.
double FocalOfRays(const float* rays, int width, int height) {
  const int64_t plane = int64_t{width} * height;
  double up = 0, down = 0;
  for (int64_t i = 0; i < plane; ++i) {
    const double z = static_cast<double>(rays[2 * plane + i]);
    if (!(z > 1e-6)) continue;
    const double t = static_cast<double>(rays[i]) / z;
    up += (static_cast<double>(i % width) + 0.5 - width / 2.0) * t;
    down += t * t;
  }
  return up / down;
}

Camera WithXfov(const Camera& camera, double xfov_deg) {
  Camera other = camera;
  other.fx = camera.width / (2 * std::tan(xfov_deg * M_PI / 360));
  other.fy = other.fx * camera.fy / camera.fx;
  return other;
}

}  // namespace

void ModelCameraOptions::Check() const {
  for (const double xfov : xfovs_deg)
    Require(xfov > 0 && xfov < 180, Code::kInvalidArgument,
            "xfovs_deg has " + FormatDouble(xfov) + ", must be in (0, 180)");
  Require(camera_smoothing >= 0 && camera_smoothing < 1, Code::kInvalidArgument,
          "camera_smoothing = " + FormatDouble(camera_smoothing) + ", must be in [0, 1)");
}

namespace depth {

// What both estimators do.
struct PictureRunner {
  struct Result {
    DepthEstimate estimate;
    double xfov_deg = 0;  // what the network says
  };

  // One forward pass at a time uses it.
  struct Lane {
    Tensor input, rays;
    ModelTensor device_input, device_map;  // in place of `input` and of the depth in `outputs`
    std::vector<float> own_rays;           // of one picture, where the camera zooms
    std::vector<Tensor> outputs;
  };

  PictureRunner(std::shared_ptr<const Model> the_model, const ModelDepthOptions& the_options,
                const ModelCameraOptions& the_cameras, ThreadPool* the_pool)
      : model(Checked(std::move(the_model), the_options, the_cameras)),
        options(the_options),
        cameras(the_cameras),
        pool(the_pool),
        output_index(depth::DepthOutput(model->info())),
        input(model->info().inputs[0]),
        output(model->info().outputs[output_index]),
        relative(IsRelativeDepth(model->info())),
        size{options.camera.width, options.camera.height},
        to_tensor(input.resample, size, depth::RuleFor(model->info(), options.input_size)),
        to_picture(output.resample, to_tensor.plan()),
        camera_output(CameraOutput(model->info())),
        calibration(options.calibration),
        maps(PixelFormat::GrayF32(), size.width, size.height),
        device(depth::DeviceDepth::Of(model, to_tensor, to_picture, output, relative)) {
    const ModelInfo& info = model->info();
    Require(info.batch_dynamic ? options.batch <= info.batch_max : options.batch == info.batch_max,
            Code::kInvalidArgument,
            "batch = " + std::to_string(options.batch) + ": model '" + info.name + "' takes " +
                (info.batch_dynamic ? "at most " : "") + std::to_string(info.batch_max));
    lanes.resize(static_cast<size_t>(options.side_by_side));
    Require(!cameras.own_camera || camera_output, Code::kUnsupported,
            "model '" + info.name + "' does not tell the camera of a picture");
    wants_rays = info.inputs.size() == 2;
    if (wants_rays) MakeRays(options.camera, &rays);
  }

  // Of a frame, unless the network tells it.
  Camera CameraOf(const Frame& frame) const {
    if (cameras.xfovs_deg.empty()) return options.camera;
    Require(frame.index >= 0 && frame.index < static_cast<int64_t>(cameras.xfovs_deg.size()),
            Code::kInvalidArgument,
            "frame " + std::to_string(frame.index) + " has no field of view: those of " +
                std::to_string(cameras.xfovs_deg.size()) +
                " frames are given, one for each is wanted");
    return WithXfov(options.camera, cameras.xfovs_deg[static_cast<size_t>(frame.index)]);
  }

  // The field of view of picture i of a pass, as the network says.
  double FoundXfov(const std::vector<Tensor>& outputs, int64_t i, int64_t rows) const {
    const Tensor& told = outputs[*camera_output];
    const float* values = told.data() + i * (told.size() / rows);
    const SizePlan& plan = to_tensor.plan();
    double focal = static_cast<double>(values[0]);
    if (model->info().outputs[*camera_output].quantity == Quantity::kRays)
      focal = FocalOfRays(values, plan.network.width, plan.network.height);
    focal *= static_cast<double>(plan.padded.width) / plan.content.width;
    const double xfov = 2 * std::atan(options.camera.width / (2 * focal)) * 180 / M_PI;
    Require(focal > 0 && xfov > 0 && xfov < 180, Code::kCorrupt,
            "model '" + model->info().name + "' tells no focal length, but " + FormatDouble(focal) +
                " pixels");
    return xfov;
  }

  // What is taken of it; frames come in order.
  double Smoothed(double xfov_deg) {
    const double focal = std::log(std::tan(xfov_deg * M_PI / 360));
    const bool jump = !smooth_focal || std::abs(focal - *last_focal) > std::log(kJump);
    last_focal = focal;
    const double past = jump ? 0 : cameras.camera_smoothing;
    smooth_focal = past > 0 ? past * *smooth_focal + (1 - past) * focal : focal;
    return past > 0 ? std::atan(std::exp(*smooth_focal)) * 360 / M_PI : xfov_deg;
  }

  // Unit vectors through the centres of the network's pixels. Of a letterbox and of borders too:
  // the camera sees on there.
  void MakeRays(const Camera& camera, std::vector<float>* to) const {
    const SizePlan& plan = to_tensor.plan();
    const double sx = static_cast<double>(plan.content.width) / plan.padded.width;
    const double sy = static_cast<double>(plan.content.height) / plan.padded.height;
    const double cx = plan.content.x + (camera.cx + plan.picture.x) * sx;
    const double cy = plan.content.y + (camera.cy + plan.picture.y) * sy;
    const int64_t plane = int64_t{plan.network.width} * plan.network.height;
    to->resize(static_cast<size_t>(3 * plane));
    for (int y = 0; y < plan.network.height; ++y)
      for (int x = 0; x < plan.network.width; ++x) {
        const double u = (x + 0.5 - cx) / (camera.fx * sx), v = (y + 0.5 - cy) / (camera.fy * sy);
        const double length = std::sqrt(u * u + v * v + 1);
        const int64_t i = int64_t{y} * plan.network.width + x;
        (*to)[static_cast<size_t>(i)] = static_cast<float>(u / length);
        (*to)[static_cast<size_t>(plane + i)] = static_cast<float>(v / length);
        (*to)[static_cast<size_t>(2 * plane + i)] = static_cast<float>(1 / length);
      }
  }

  size_t GroupSize() const {
    return static_cast<size_t>(options.batch) * static_cast<size_t>(options.side_by_side);
  }

  void CheckMemory() {
    memory_checked = true;
    PassMemoryCheck check = depth::MemoryCheck(model->info(), options.input_size, size);
    check.batch = options.batch;
    check.side_by_side = options.side_by_side;
    RequirePassMemory(*model, check);
  }

  void RunWaiting() {
    if (!memory_checked) CheckMemory();
    const size_t batch = static_cast<size_t>(options.batch);
    const size_t passes = (waiting.size() + batch - 1) / batch;
    std::vector<std::vector<Result>> results(passes);
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
    if (options.side_by_side > 1 && pool != nullptr && !cameras.own_camera) {
      pool->ParallelFor(static_cast<int64_t>(passes), 1, run);
    } else {
      run(0, static_cast<int64_t>(passes));
    }
    waiting.clear();
    for (std::vector<Result>& pass : results)
      for (Result& result : pass) {
        ready.push_back(std::move(result.estimate));
        if (camera_output) found_xfovs.push_back(result.xfov_deg);
      }
  }

  // A network of fixed batch gets copies of the last frame for those that are missing.
  struct Pass {
    size_t first, count;  // of the frames that wait
    size_t rows;          // of the network's batch, at least count
    size_t FrameOf(size_t row) const { return first + std::min(row, count - 1); }
  };

  void RunPass(size_t first, size_t count, Lane* lane, std::vector<Result>* results) {
    const Pass pass = {first, count,
                       model->info().batch_dynamic ? count : static_cast<size_t>(options.batch)};
    MakePictures(pass, lane);
    if (wants_rays) MakeRays(pass, lane);
    try {
      RunNetwork(lane);
    } catch (const Error& error) {
      throw Error(error.code(), "frame " + std::to_string(waiting[first].index) +
                                    (count > 1 ? " and those after it" : "") + ": " + error.what());
    }
    for (size_t i = 0; i < count; ++i) {
      const Frame& frame = waiting[first + i];
      Result result;
      Camera camera = cameras.own_camera ? options.camera : CameraOf(frame);
      if (camera_output) {
        result.xfov_deg =
            FoundXfov(lane->outputs, static_cast<int64_t>(i), static_cast<int64_t>(pass.rows));
        if (cameras.own_camera) {
          result.xfov_deg = Smoothed(result.xfov_deg);
          camera = WithXfov(camera, result.xfov_deg);
        }
      }
      DepthEstimate& estimate = result.estimate;
      TakeMap(*lane, i, pass.rows, camera, &estimate);
      estimate.quantity =
          relative ? DepthQuantity::kRelativeDisparity : DepthQuantity::kMetricDepth;
      estimate.index = frame.index;
      estimate.pts = frame.pts;
      estimate.duration = frame.duration;
      results->push_back(std::move(result));
    }
  }

  Shape InputShape(const Pass& pass) const {
    const PixelSize network = to_tensor.plan().network;
    return {static_cast<int64_t>(pass.rows), 3, network.height, network.width};
  }

  void MakePictures(const Pass& pass, Lane* lane) const {
    const Shape shape = InputShape(pass);
    if (device) {
      std::vector<ModelTensor> pictures;
      std::vector<const ModelTensor*> rows;
      for (size_t i = 0; i < pass.count; ++i)
        pictures.push_back(device->Picture(waiting[pass.FrameOf(i)].image));
      for (size_t i = 0; i < pass.rows; ++i) rows.push_back(&pictures[std::min(i, pass.count - 1)]);
      lane->device_input = device->arrays().Join(rows, shape);
      return;
    }
    lane->input.Resize(shape);
    const int64_t picture = lane->input.size() / shape[0];
    for (size_t i = 0; i < pass.rows; ++i) {
      const Image& image = waiting[pass.FrameOf(i)].image;
      float* to = lane->input.data() + static_cast<int64_t>(i) * picture;
      to_tensor.Run(image.view(), to, pool);
      depth::ScaleRange(input.range, image, to, picture);
    }
  }

  void MakeRays(const Pass& pass, Lane* lane) const {
    lane->rays.Resize(InputShape(pass));
    float* to = lane->rays.data();
    for (size_t i = 0; i < pass.rows; ++i) {
      const std::vector<float>* each = &rays;
      if (!cameras.xfovs_deg.empty()) {
        MakeRays(CameraOf(waiting[pass.FrameOf(i)]), &lane->own_rays);
        each = &lane->own_rays;
      }
      to = std::copy(each->begin(), each->end(), to);
    }
  }

  void RunNetwork(Lane* lane) const {
    std::vector<ModelInput> inputs;
    if (device) inputs.emplace_back(lane->device_input);
    if (!device) inputs.emplace_back(lane->input);
    if (wants_rays) inputs.emplace_back(lane->rays);
    if (!device) return model->Run(inputs, &lane->outputs);
    const std::vector<ModelTensor> outputs = model->RunKept(inputs);
    lane->device_map = outputs[output_index];
    device->arrays().CheckOutput(lane->device_map);
    lane->outputs.resize(outputs.size());
    if (camera_output) outputs[*camera_output].CopyTo(&lane->outputs[*camera_output]);
  }

  // Map `index` of a pass of `rows`, at the size of the frame.
  void TakeMap(const Lane& lane, size_t index, size_t rows, const Camera& camera,
               DepthEstimate* estimate) {
    const auto i = static_cast<int64_t>(index), count = static_cast<int64_t>(rows);
    if (device) {
      const Shape& shape = lane.device_map.shape();
      const int64_t channels =
          NumElements(shape) / (count * shape[shape.size() - 2] * shape[shape.size() - 1]);
      const ModelTensor map = device->arrays().Take(lane.device_map, i * channels);
      device->Give(device->AtFrameSize(map), camera, &maps, estimate);
      return;
    }
    const QuantityMaker quantity(output, relative, camera, to_tensor.plan());
    const Tensor& all = lane.outputs[output_index];
    estimate->depth = maps.Get();
    to_picture.Run(all.data() + i * (all.size() / count), estimate->depth.MutablePlane<float>(),
                   pool, [&quantity](int y, float* row) { quantity.Convert(y, row); });
  }

  std::shared_ptr<const Model> model;
  ModelDepthOptions options;
  ModelCameraOptions cameras;
  ThreadPool* pool;
  size_t output_index;
  const ModelInputInfo& input;
  const ModelOutputInfo& output;
  bool relative;
  PixelSize size;
  PictureToTensor to_tensor;
  TensorToPicture to_picture;
  std::optional<size_t> camera_output;  // that tells the camera
  std::optional<double> smooth_focal;   // log of tan of half the field of view
  std::optional<double> last_focal;     // of the frame before, not smoothed
  std::vector<double> found_xfovs;
  std::optional<DisparityCalibration> calibration;
  ImagePool maps;
  std::shared_ptr<const DeviceDepth> device;  // null: pictures and maps are made on the host
  bool leave_on_device = false;
  std::vector<Lane> lanes;
  std::vector<float> rays;  // of one picture, for networks that want them
  std::vector<Frame> waiting;
  std::deque<DepthEstimate> ready;
  bool wants_rays = false;
  bool memory_checked = false;
  bool finished = false;

  static std::shared_ptr<const Model> Checked(std::shared_ptr<const Model> model,
                                              const ModelDepthOptions& options,
                                              const ModelCameraOptions& cameras) {
    options.Check();
    cameras.Check();
    Require(model != nullptr, Code::kInvalidArgument, "ModelDepthEstimator: no model");
    Require(model->info().kind == ModelKind::kDepth, Code::kUnsupported,
            "model '" + model->info().name + "' is of kind \"" + ToString(model->info().kind) +
                "\", depth of single pictures needs \"depth\"");
    return model;
  }

  void Push(Frame frame) {
    Require(!finished, Code::kInvalidArgument,
            "ModelDepthEstimator: a frame was pushed after Finish()");
    const Image& image = frame.image;
    Require(image.format().model == ColorModel::kRgb, Code::kInvalidArgument,
            "ModelDepthEstimator: frames must be RGB, not " + image.format().ToString());
    Require(image.width() == size.width && image.height() == size.height, Code::kInvalidArgument,
            "ModelDepthEstimator: frame " + std::to_string(frame.index) + " has " +
                FormatSize(image.width(), image.height()) + " pixels, the camera " +
                FormatSize(size.width, size.height));
    if (waiting.size() == GroupSize()) RunWaiting();  // nobody has popped
    waiting.push_back(std::move(frame));
  }

  std::optional<DepthEstimate> Pop() {
    const bool full = waiting.size() == GroupSize();
    if (ready.empty() && !waiting.empty() && (full || finished)) RunWaiting();
    if (ready.empty()) return std::nullopt;
    DepthEstimate estimate = std::move(ready.front());
    ready.pop_front();
    Settle({options.median_depth, leave_on_device}, &maps, pool, &calibration, &estimate);
    return estimate;
  }

  void Save(State* state) const {
    Require(waiting.empty() && ready.empty(), Code::kInvalidArgument,
            "ModelDepthEstimator: it holds frames, its state cannot be saved now");
    if (smooth_focal) state->SetNumbers("focal", {*smooth_focal, *last_focal});
    if (calibration) state->SetNumbers("calibration", {calibration->scale, calibration->shift});
  }

  void Load(const State& state) {
    std::optional<DisparityCalibration> saved;
    if (state.Has("calibration")) {
      const std::vector<double> numbers = state.Numbers("calibration");
      Require(numbers.size() == 2, Code::kCorrupt,
              "the saved state of ModelDepthEstimator holds no calibration");
      saved = DisparityCalibration{numbers[0], numbers[1]};
    }
    smooth_focal.reset();
    if (state.Has("focal")) {
      const std::vector<double> numbers = state.Numbers("focal");
      Require(numbers.size() == 2, Code::kCorrupt,
              "the saved state of ModelDepthEstimator holds no focal length");
      smooth_focal = numbers[0];
      last_focal = numbers[1];
    }
    calibration = saved;
  }
};

}  // namespace depth

struct ModelDepthEstimator::Impl : depth::PictureRunner {
  using PictureRunner::PictureRunner;
};
struct CameraModelDepthEstimator::Impl : depth::PictureRunner {
  using PictureRunner::PictureRunner;
};

ModelDepthEstimator::ModelDepthEstimator(std::shared_ptr<const Model> model,
                                         const ModelDepthOptions& options, ThreadPool* pool)
    : impl_(std::make_unique<Impl>(std::move(model), options, ModelCameraOptions{}, pool)) {}
ModelDepthEstimator::~ModelDepthEstimator() = default;

int ModelDepthEstimator::latency() const { return group(); }
int ModelDepthEstimator::group() const { return static_cast<int>(impl_->GroupSize()); }
void ModelDepthEstimator::Push(Frame frame) { impl_->Push(std::move(frame)); }
void ModelDepthEstimator::LeaveOnDevice() { impl_->leave_on_device = true; }
void ModelDepthEstimator::Finish() { impl_->finished = true; }
std::optional<DepthEstimate> ModelDepthEstimator::Pop() { return impl_->Pop(); }
void ModelDepthEstimator::Save(State* state) const { impl_->Save(state); }
void ModelDepthEstimator::Load(const State& state) { impl_->Load(state); }

bool ModelDepthEstimator::is_metric() const {
  return !impl_->relative || impl_->calibration || impl_->options.median_depth;
}
PixelSize ModelDepthEstimator::network_size() const { return impl_->to_tensor.plan().network; }
std::optional<DisparityCalibration> ModelDepthEstimator::calibration() const {
  return impl_->calibration;
}

CameraModelDepthEstimator::CameraModelDepthEstimator(std::shared_ptr<const Model> model,
                                                     const ModelDepthOptions& options,
                                                     const ModelCameraOptions& camera,
                                                     ThreadPool* pool)
    : impl_(std::make_unique<Impl>(std::move(model), options, camera, pool)) {}
CameraModelDepthEstimator::~CameraModelDepthEstimator() = default;

int CameraModelDepthEstimator::group() const { return static_cast<int>(impl_->GroupSize()); }
void CameraModelDepthEstimator::Push(Frame frame) { impl_->Push(std::move(frame)); }
void CameraModelDepthEstimator::Finish() { impl_->finished = true; }
std::optional<DepthEstimate> CameraModelDepthEstimator::Pop() { return impl_->Pop(); }
void CameraModelDepthEstimator::Save(State* state) const { impl_->Save(state); }
void CameraModelDepthEstimator::Load(const State& state) { impl_->Load(state); }
std::optional<DisparityCalibration> CameraModelDepthEstimator::calibration() const {
  return impl_->calibration;
}
const std::vector<double>& CameraModelDepthEstimator::found_xfovs_deg() const {
  return impl_->found_xfovs;
}

bool TellsCamera(const ModelInfo& info) { return CameraOutput(info).has_value(); }

bool IsRelativeDepth(const ModelInfo& info) {
  const OutputScale scale = info.outputs[depth::DepthOutput(info)].scale;
  return scale == OutputScale::kAffine || scale == OutputScale::kScaleOnly;
}

}  // namespace mdvt
