// SPDX-License-Identifier: Apache-2.0
//
// Metric depth of some frames of a clip, of a depth video or by a metric network.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/pipeline/calibrate.h"
#include "mdvt/pipeline/graph.h"

namespace mdvt {

// As CalibratedDepth asks for it.
struct MetricReference {
  CalibratedDepth::Target target;
  double saturated_depth = 1e9;  // from here on it says only "far"
};
// The depth video is read in step with the frames. `relative` has device, trust and precision of
// the network that is calibrated, which hold for the metric one too. Throws what opening them does,
// and Error(kInvalidArgument) for a network that is not metric.
MetricReference OpenMetricReference(const CalibrationOptions& options,
                                    const DepthModelOptions& relative, const Camera& camera,
                                    ThreadPool* pool);

// As CalibrateByReference, for references of both kinds.
DisparityFitResult CalibrateOverClip(const CalibrationOptions& options,
                                     const DepthModelOptions& relative, const Camera& camera,
                                     DepthEstimator* estimator, Graph* graph);

// The same for networks that have to see all frames in order: one fit for each scene. `wrap` makes
// the stage that the frames go through around the one that is given to it.
using SceneWrapper =
    std::function<std::unique_ptr<DepthEstimator>(std::unique_ptr<DepthEstimator>)>;
std::vector<DisparityFitResult> CalibrateScenes(const CalibrationOptions& options,
                                                const DepthModelOptions& relative,
                                                const Camera& camera,
                                                std::unique_ptr<DepthEstimator> estimator,
                                                const SceneWrapper& wrap, Graph* graph);

}  // namespace mdvt
