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
#include "pipeline/first_frames.h"
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

DepthVideoReaderOptions DepthReading(const ReferenceCalibrationOptions& options, ThreadPool* pool) {
  DepthVideoReaderOptions reading = options.depth;
  reading.video.limits = options.limits;
  reading.video.pool = pool;
  return reading;
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
    const std::string path = options.reference.depth_video;
    const auto reader =
        std::make_shared<DepthVideoReader>(path, DepthReading(options.reference, pool));
    reference.saturated_depth = static_cast<double>(SaturatedDepth(reader->codec()));
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

// The color video that is calibrated on.
struct CalibrationClip {
  CalibrationClip(const ReferenceCalibrationOptions& options, PixelFormat format_wanted,
                  ThreadPool* pool)
      : reader(options.color_video, Reading(options, pool)),
        format(format_wanted),
        end(options.end),
        frames(ExpectedFrames(reader.info().estimated_frames, 0, options.end)),
        step(std::max<int64_t>(1, frames / std::max(1, options.frames))) {}

  static VideoReaderOptions Reading(const ReferenceCalibrationOptions& options, ThreadPool* pool) {
    VideoReaderOptions reading;
    reading.limits = options.limits;
    reading.pool = pool;
    return reading;
  }

  Stream<Frame> Frames(Graph* graph) { return graph->From(FirstFrames(&reader, end)); }
  // As an estimator wants it.
  Frame Converted(Frame frame) {
    frame.image = converter.Convert(frame.image, reader.info().color, format);
    return frame;
  }

  VideoReader reader;
  PixelFormat format;
  int64_t end;
  int64_t frames;  // that are expected
  int64_t step;    // between those that are compared
  ColorConverter converter;
};

}  // namespace

DisparityFitResult CalibrateByReference(const ReferenceCalibrationOptions& options,
                                        ModelDepthEstimator* estimator, Graph* graph) {
  CalibrationClip clip(options, estimator->input_format(), graph->pool());
  DepthVideoReader depth_reader(options.depth_video, DepthReading(options, graph->pool()));
  PairNames names;
  names.first = "color video '" + options.color_video + "'";
  names.second = "reference depth '" + options.depth_video + "'";
  names.remedy = "they must have the same length";
  int used = 0;
  const auto choose =
      [&](std::pair<Frame, DepthFrame> pair) -> std::optional<std::pair<Frame, Image>> {
    if (pair.first.index % clip.step != 0 || !HoldsDepth(pair.second.depth.Plane<float>()))
      return std::nullopt;
    ++used;
    return std::make_pair(clip.Converted(std::move(pair.first)), std::move(pair.second.depth));
  };
  auto pairs =
      graph->Zip(clip.Frames(graph), graph->From([&] { return depth_reader.Read(); }), names);
  auto wanted = graph->While(std::move(pairs), [&] { return used < options.frames; });
  auto both = graph->Split(
      graph->Map(std::move(wanted), choose),
      [](const std::pair<Frame, Image>& pair) { return pair.first; },
      [](const std::pair<Frame, Image>& pair) { return pair.second; });

  DisparityFitOptions fit_options;
  fit_options.saturated_depth = static_cast<double>(SaturatedDepth(depth_reader.codec()));
  DisparityFit fit(fit_options);
  auto estimates = graph->Then(std::move(both.first), estimator);
  // As many references as there are frames in the estimator.
  const auto group = static_cast<size_t>(estimator->group());
  auto compared = graph->Zip(std::move(estimates), std::move(both.second).Holding(group + 1), {});
  graph->Into(std::move(compared), [&](const std::pair<DepthEstimate, Image>& pair) {
    fit.Add(pair.first.depth.Plane<float>(), pair.second.Plane<float>());
  });
  graph->Run("calibration", std::min<int64_t>(clip.frames, options.frames));
  Require(
      used > 0, Code::kInvalidArgument,
      "the reference depth '" + options.depth_video + "' holds no depth in the frames looked at");
  return fit.Solve();
}

DisparityFitResult CalibrateOverClip(const CalibrationOptions& options,
                                     const DepthModelOptions& relative, const Camera& camera,
                                     DepthEstimator* estimator, Graph* graph) {
  CalibrationClip clip(options.reference, estimator->input_format(), graph->pool());
  const MetricReference reference = OpenMetricReference(options, relative, camera, graph->pool());
  std::mutex mutex;
  std::map<int64_t, Image> targets;  // of frames that are in the estimator
  auto frames = graph->Map(clip.Frames(graph), [&](Frame decoded) -> std::optional<Frame> {
    Frame frame = clip.Converted(std::move(decoded));
    Image target = reference.target(frame, frame.index % clip.step == 0);
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
  graph->Run("calibration", clip.frames);
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
  fit.step = clip.step;
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
  auto frames =
      graph->Map(clip.Frames(graph), [&](Frame frame) { return clip.Converted(std::move(frame)); });
  std::optional<FrameChooser> chooser;
  if (options.reference.target_fps > 0) {
    chooser.emplace(options.reference.target_fps, clip.reader.info().time_base);
    frames = graph->Map(std::move(frames), &*chooser);
  }
  graph->Into(graph->Then(std::move(frames), scenes.get()), [](const DepthEstimate&) {});
  try {
    graph->Run("calibration", clip.frames);
  } catch (const Error& error) {
    if (error.code() == Code::kNotConverged) RequireReference(options, used);
    throw;
  }
  Require(!fits->scene_fits().empty(), Code::kCorrupt,
          "'" + options.reference.color_video + "' has no frames");
  return fits->scene_fits();
}

}  // namespace mdvt
