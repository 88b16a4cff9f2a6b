// SPDX-License-Identifier: Apache-2.0
//
// At which distance the eyes should converge, for each frame of a depth video.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/stereo/focus_depth.h"

namespace mdvt {

struct FindConvergenceJobOptions {
  JobOptions job;
  std::string depth_video;
  std::string mask_video;  // white = what the frame is about; empty: the middle of the picture
  std::string output;      // empty: <depth_video>_convergence_depths.json
  DepthReadingOptions depth;
  FocusOptions focus;  // `saturated` follows from the depth video
  MissingValue missing = MissingValue::kNull;
  std::string confidence_output;  // JSON, a number in [0, 1] per frame; empty: nowhere

  // Largest parallax in front of and behind the screen in percent of the width, which the distance
  // keeps to, for eyes `pupillary_distance_mm` apart and this field of view. Valid: (0, 100].
  std::optional<double> max_in_front;
  std::optional<double> max_behind;
  double pupillary_distance_mm = 63;  // [0, 1000]
  FovOptions fov;                     // nothing given: as the depth video's tags say

  bool HasBudget() const { return max_in_front || max_behind; }
  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, FindConvergenceJobOptions* options);

struct FindConvergenceReport {
  int64_t frames = 0;
  std::string output;
  int64_t unknown = 0;    // frames without a distance
  double median = 0;      // metres, of the others; 0 if there are none
  double confidence = 0;  // mean of all frames
};

// The file is what --convergence_file reads: metres per frame, as measured; the renderer smooths
// them over time. Throws what the readers throw, and Error(kInvalidArgument) for a mask of another
// size or length than the depth.
FindConvergenceReport RunFindConvergenceJob(const FindConvergenceJobOptions& options,
                                            const RunControl& control = {});

}  // namespace mdvt
