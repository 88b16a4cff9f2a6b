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

namespace mdvt {
namespace {

bool HoldsDepth(const DepthView& depth) {
  for (int y = 0; y < depth.height; ++y) {
    const float* row = depth.Row(y);
    if (std::any_of(row, row + depth.width, [](float z) { return z > 0; })) return true;
  }
  return false;
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

DisparityFitResult CalibrateOverClip(const CalibrationOptions& options,
                                     const DepthModelOptions& relative, const Camera& camera,
                                     DepthEstimator* estimator, bool only_looked_at, Graph* graph) {
  VideoReaderOptions color;
  color.limits = options.reference.limits;
  color.pool = graph->pool();
  VideoReader reader(options.reference.color_video, color);
  const MetricReference reference = OpenMetricReference(options, relative, camera, graph->pool());
  const int64_t estimated = reader.info().estimated_frames;
  const int64_t step = std::max<int64_t>(1, estimated / std::max(1, options.reference.frames));
  std::mutex mutex;
  std::map<int64_t, Image> targets;  // of frames that are in the estimator
  ColorConverter converter;
  int64_t read = 0;
  auto frames = graph->Map(
      graph->From([&] { return reader.Read(); }), [&](Frame frame) -> std::optional<Frame> {
        frame.index = read++;
        frame.image =
            converter.Convert(frame.image, reader.info().color, estimator->input_format());
        Image target = reference.target(frame, frame.index % step == 0);
        if (!target.empty()) {
          const std::lock_guard<std::mutex> lock(mutex);
          targets[frame.index] = std::move(target);
        } else if (only_looked_at) {
          return std::nullopt;
        }
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
      const auto found = targets.find(estimate.index);
      if (found == targets.end()) return;
      target = std::move(found->second);
      targets.erase(found);
    }
    ++used;
    fit.Add(estimate.depth.Plane<float>(), std::as_const(target).Plane<float>());
  });
  graph->Run("calibration", estimated);
  Require(used > 0, Code::kInvalidArgument,
          "there is no metric depth of the frames of '" + options.reference.color_video +
              "' to calibrate by");
  return fit.Solve();
}

}  // namespace mdvt
