// SPDX-License-Identifier: Apache-2.0
#include "pipeline/metric_reference.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "mdvt/core/count.h"
#include "mdvt/core/error.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/video_reader.h"
#include "pipeline/frame_chooser.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

bool HoldsDepth(const DepthView& depth) {
  for (int y = 0; y < depth.height; ++y) {
    const float* row = depth.Row(y);
    if (std::any_of(row, row + depth.width, [](float z) { return z > 0; })) return true;
  }
  return false;
}

void RequireReference(const CalibrationOptions& options, bool found) {
  Require(found, Code::kInvalidArgument,
          "there is no metric depth of the frames of '" + options.reference.color_video +
              "' to calibrate by");
}

}  // namespace

MetricReference OpenMetricReference(const CalibrationOptions& options,
                                    const DepthModelOptions& relative, const Camera& camera,
                                    ThreadPool* pool) {
  MetricReference reference;
  if (!options.reference.depth_video.empty()) {
    DepthVideoReaderOptions depth = options.reference.depth;
    depth.video.limits = options.reference.limits;
    depth.video.pool = pool;
    const auto reader = std::make_shared<DepthVideoReader>(options.reference.depth_video, depth);
    reference.saturated_depth = static_cast<double>(SaturatedDepth(reader->codec()));
    const std::string path = options.reference.depth_video;
    reference.target = [reader, path, read = int64_t{0}](const Frame&, bool wanted) mutable {
      std::optional<DepthFrame> frame = reader->Read();
      Require(frame.has_value(), Code::kCorrupt,
              "reference depth '" + path + "' ends after " + CountOf(read, "frame") +
                  ", the clip goes on: they must have the same length (or end both with "
                  "--max_frames)");
      ++read;
      return frame && wanted && HoldsDepth(std::as_const(frame->depth).Plane<float>())
                 ? std::move(frame->depth)
                 : Image();
    };
    return reference;
  }
  DepthModelOptions metric = relative;
  metric.path = options.metric_model;
  metric.loaded.reset();
  metric.keep.reset();
  metric.open.sha256.clear();
  metric.open.deterministic = false;  // one picture after the other
  metric.batch = 1;
  const std::shared_ptr<const Model> model =
      OpenDepthModel(metric, pool != nullptr ? pool->num_threads() : 1);
  Require(!IsRelativeDepth(model->info()), Code::kInvalidArgument,
          "model '" + model->info().name +
              "' gives relative depth: a metric one is wanted to "
              "calibrate by");
  ModelDepthOptions depth;
  depth.camera = camera;
  const double reach = model->info().outputs[0].max_depth;
  if (reach > 0) reference.saturated_depth = 0.95 * reach;
  metric.input_size = 0;
  const std::shared_ptr<ModelDepthEstimator> network = MakeModelDepth(metric, model, depth, pool);
  reference.target = [network](const Frame& frame, bool wanted) {
    if (!wanted) return Image();
    network->Push(frame);
    std::optional<DepthEstimate> estimate = network->Pop();
    return estimate ? std::move(estimate->depth) : Image();
  };
  return reference;
}

namespace {

// The color video that is calibrated on, as an estimator wants its frames.
class CalibrationClip {
 public:
  CalibrationClip(const ReferenceCalibrationOptions& options, PixelFormat format, ThreadPool* pool)
      : reader_(options.color_video, ReaderOptions(options, pool)),
        format_(format),
        end_(options.end) {}

  std::optional<Frame> Read() {
    if (end_ >= 0 && read_ >= end_) return std::nullopt;
    std::optional<Frame> frame = reader_.Read();
    if (!frame) return std::nullopt;
    frame->index = read_++;
    frame->image = converter_.Convert(frame->image, reader_.info().color, format_);
    return frame;
  }
  int64_t estimated_frames() const {
    return ExpectedFrames(reader_.info().estimated_frames, 0, end_);
  }
  Rational time_base() const { return reader_.info().time_base; }

 private:
  static VideoReaderOptions ReaderOptions(const ReferenceCalibrationOptions& options,
                                          ThreadPool* pool) {
    VideoReaderOptions color;
    color.limits = options.limits;
    color.pool = pool;
    return color;
  }

  VideoReader reader_;
  PixelFormat format_;
  int64_t end_;
  ColorConverter converter_;
  int64_t read_ = 0;
};

int64_t StepFor(int64_t estimated_frames, int frames) {
  return std::max<int64_t>(1, estimated_frames / std::max(1, frames));
}

}  // namespace

DisparityFitResult CalibrateOverClip(const CalibrationOptions& options,
                                     const DepthModelOptions& relative, const Camera& camera,
                                     DepthEstimator* estimator, Graph* graph) {
  CalibrationClip clip(options.reference, estimator->input_format(), graph->pool());
  const MetricReference reference = OpenMetricReference(options, relative, camera, graph->pool());
  const int64_t step = StepFor(clip.estimated_frames(), options.reference.frames);
  std::mutex mutex;
  std::map<int64_t, Image> targets;  // of frames that are in the estimator
  auto frames = graph->Map(graph->From([&] { return clip.Read(); }),
                           [&](Frame frame) -> std::optional<Frame> {
                             Image target = reference.target(frame, frame.index % step == 0);
                             if (target.empty()) return std::nullopt;
                             const std::lock_guard<std::mutex> lock(mutex);
                             targets[frame.index] = std::move(target);
                             return frame;
                           });
  DisparityFitOptions fit_options;
  fit_options.saturated_depth = reference.saturated_depth;
  DisparityFit fit(fit_options);
  int64_t used = 0;
  graph->Into(graph->Then(std::move(frames), estimator), [&](const DepthEstimate& estimate) {
    Image target;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      target = std::move(targets.at(estimate.index));
      targets.erase(estimate.index);
    }
    ++used;
    fit.Add(estimate.depth.Plane<float>(), std::as_const(target).Plane<float>());
  });
  graph->Run("calibration", clip.estimated_frames());
  RequireReference(options, used > 0);
  return fit.Solve();
}

std::vector<DisparityFitResult> CalibrateScenes(const CalibrationOptions& options,
                                                const DepthModelOptions& relative,
                                                const Camera& camera,
                                                std::unique_ptr<DepthEstimator> estimator,
                                                const SceneWrapper& wrap, Graph* graph) {
  CalibrationClip clip(options.reference, estimator->input_format(), graph->pool());
  const MetricReference reference = OpenMetricReference(options, relative, camera, graph->pool());
  CalibratedDepthOptions fit;
  fit.mode = CalibrationMode::kGlobal;
  fit.step = StepFor(clip.estimated_frames(), options.reference.frames);
  fit.saturated_depth = reference.saturated_depth;
  bool used = false;
  int64_t asked = 0;
  const auto target = [&](const Frame& frame, bool wanted) {
    // A reference has all frames of the clip.
    for (; asked < frame.index; ++asked) reference.target(frame, false);
    ++asked;
    Image found = reference.target(frame, wanted);
    used = used || !found.empty();
    return found;
  };
  auto calibrated =
      std::make_unique<CalibratedDepth>(std::move(estimator), target, fit, graph->pool());
  const CalibratedDepth* fits = calibrated.get();
  const std::unique_ptr<DepthEstimator> scenes = wrap(std::move(calibrated));
  auto frames = graph->From([&] { return clip.Read(); });
  std::optional<FrameChooser> chooser;
  if (options.reference.target_fps > 0) {
    chooser.emplace(options.reference.target_fps, clip.time_base());
    frames = graph->Map(std::move(frames), &*chooser);
  }
  graph->Into(graph->Then(std::move(frames), scenes.get()), [](const DepthEstimate&) {});
  try {
    graph->Run("calibration", clip.estimated_frames());
  } catch (const Error& error) {
    if (error.code() == Code::kNotConverged) RequireReference(options, used);
    throw;
  }
  Require(!fits->scene_fits().empty(), Code::kCorrupt,
          "'" + options.reference.color_video + "' has no frames");
  return fits->scene_fits();
}

}  // namespace mdvt
