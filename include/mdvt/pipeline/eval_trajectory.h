// SPDX-License-Identifier: Apache-2.0
//
// How far the camera path of one file is from that of another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/run.h"
#include "mdvt/geometry/trajectory_error.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

struct EvalTrajectoryJobOptions {
  JobOptions job;
  // Transformation files (.json) or TUM trajectories (anything else).
  std::string estimate;
  std::string reference;
  std::string output;  // empty: <estimate>_eval.json
  std::string table;   // the same as text; empty: nowhere
  std::string html;    // the same with plots; empty: nowhere
  double fps = 24;     // of transformation files: what a second is, and their timestamps
  // TUM files: poses belong together whose times differ by less than this. Seconds.
  double max_time_difference = 0.02;
  std::string camera;                    // camera file of the estimate, for the focal length
  std::optional<double> reference_xfov;  // the true one, degrees

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, EvalTrajectoryJobOptions* options);

struct FocalError {
  double fx = 0;  // pixels
  double reference_fx = 0;
  double relative = 0;          // |f - f*| / f*
  double log = 0;               // |log f / f*|
  std::optional<bool> covered;  // whether the 95 % interval holds the true one, if it is stated
};

struct EvalTrajectoryReport {
  TrajectoryError error;
  int64_t estimate_frames = 0;
  int64_t reference_frames = 0;
  std::optional<FocalError> focal;
  std::string output;
};

// Poses belong together by their number, or where both files have times, by these. Frames that one
// file lacks at its end are left out, with a warning. Throws what the readers throw, and
// Error(kCorrupt) if no poses belong together.
EvalTrajectoryReport RunEvalTrajectoryJob(const EvalTrajectoryJobOptions& options,
                                          const RunControl& control = {});

}  // namespace mdvt
