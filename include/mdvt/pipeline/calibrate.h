// SPDX-License-Identifier: Apache-2.0
//
// How a relative network becomes metric, for jobs that compute depth. Kept with the options of the
// depth source: source.own.Of<CalibrationOptions>().
#pragma once

#include <optional>
#include <string>

#include "mdvt/depth/calibrated_depth.h"
#include "mdvt/pipeline/depth_model.h"

namespace mdvt {

struct CalibrationOptions {
  // Empty: kGlobal where there is metric depth to fit to, else kNone.
  std::optional<CalibrationMode> mode;
  bool no_rolling_average = false;  // as options: kFirst32
  // The numbers of the original toolbox, see ParityDepth; goes with kFirst32.
  bool parity = false;
  // A metric network whose depth is fitted to, in place of a reference depth; empty: none.
  std::string metric_model;

  // Set by the job: the depth video that is fitted to, and the colour video.
  ReferenceCalibrationOptions reference;
  double max_depth = 100;  // of the output: where parity puts what is behind the camera

  bool HasTarget() const { return !metric_model.empty() || !reference.depth_video.empty(); }
  CalibrationMode Mode() const {
    return mode.value_or(HasTarget() ? CalibrationMode::kGlobal : CalibrationMode::kNone);
  }
};

}  // namespace mdvt
