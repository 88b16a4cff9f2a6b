// SPDX-License-Identifier: Apache-2.0
//
// Metric depth of some frames of a clip, of a depth video or by a metric network.
#pragma once

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

// As CalibrateByReference, for networks that have to see all frames in order, and for references of
// both kinds. With `only_looked_at` the estimator gets only the frames that are compared.
DisparityFitResult CalibrateOverClip(const CalibrationOptions& options,
                                     const DepthModelOptions& relative, const Camera& camera,
                                     DepthEstimator* estimator, bool only_looked_at, Graph* graph);

}  // namespace mdvt
