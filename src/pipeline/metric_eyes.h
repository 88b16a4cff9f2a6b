// SPDX-License-Identifier: Apache-2.0
//
// What the options of two eyes in the world of the depth mean.
#pragma once

#include <cstdint>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/limits.h"
#include "mdvt/core/rational.h"
#include "mdvt/pipeline/view_options.h"
#include "pipeline/per_frame.h"

namespace mdvt {

enum class BaselineRule { kPlain, kMaster, kOrtho };  // see MetricEyeOptions::baseline_scale

// What multiplies the distance of the eyes.
struct BaselineScale {
  BaselineRule rule = BaselineRule::kPlain;
  double factor = 1;
  double master_xfov_deg = 45;

  double For(const Camera& camera) const;
};
BaselineScale ScaleOf(const MetricEyeOptions& options);

// A convergence as it is written: metres, auto, file or the name of a .json file. False: none of
// these, and nothing has changed.
bool SetConvergence(const std::string& text, MetricEyeOptions* options);

void DescribeConvergenceSmoothing(OptionList* list, ConvergenceSmoothing* smoothing);
// Throws Error(kInvalidArgument) that names the options.
void CheckConvergenceSmoothing(const ConvergenceSmoothing& smoothing);

struct MonoToSbsJobOptions;
// The options of the eyes, with what "convergence" says about them.
MetricEyeOptions SettledEyes(const MonoToSbsJobOptions& options);

// The distance in metres at which the eyes' pictures coincide, of each frame; 0 = parallel eyes.
// frame_rate may be 0/1: not known. `shots`: frames that begin one. Throws what ReadConvergenceFile
// throws.
PerFrame<double> Distances(const MetricEyeOptions& options, Rational frame_rate,
                           const std::vector<int64_t>& shots, const Limits& limits);

}  // namespace mdvt
