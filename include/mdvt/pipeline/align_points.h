// SPDX-License-Identifier: Apache-2.0
//
// The camera of each frame from a tracking file and a depth video.
#pragma once

#include <cstdint>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/pipeline/camera_solve.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

// Where a position in a tracking file lies in its pixel.
enum class PixelCenter {
  kHalf,      // an index names the centre of a pixel: the principal point is at width / 2 - 0.5
  kUpstream,  // as the original toolbox: the principal point is at width / 2
};

struct AlignPointsJobOptions {
  JobOptions job;
  std::string track_file;
  std::string depth_video;
  std::string mask_video;   // white is left out; empty: nothing
  std::string color_video;  // looked at for cuts between shots; empty: tracks alone tell
  // <depth_video>_transformations.json, _camera.json, _alignment_report.json, _xfovs.json; a
  // name of a file or folder for each. The last one is written only if it is named.
  std::string output;
  std::string camera_output;
  std::string report;
  std::string xfovs_output;
  FovOptions fov;  // nothing given: as the depth video's tags say
  DepthReadingOptions depth;
  PointMaskOptions mask;
  PixelCenter pixel_center = PixelCenter::kHalf;

  AlignmentMethod method = AlignmentMethod::kBundle;
  bool use_madpose = false;               // kPairwise, by its name in the original toolbox
  bool assume_stationary_camera = false;  // CameraMotion::kRotation, likewise
  CameraSolveOptions solve;

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, AlignPointsJobOptions* options);

struct AlignPointsReport {
  CameraSolveReport camera;
  std::string output;
  std::string camera_output;
  std::string report;
  std::string xfovs_output;  // empty if not written
};

// Throws what the readers throw; Error(kInvalidArgument) without a field of view, for tracks of a
// picture of another size and for a mask of another size; Error(kCorrupt) if tracks, depth, mask
// and colours do not have the same number of frames (tracks may end before, as the original toolbox
// leaves trailing frames without points away); Error(kRefused) if no camera could be placed, or
// with require_fov, if the field of view cannot be known.
AlignPointsReport RunAlignPointsJob(const AlignPointsJobOptions& options,
                                    const RunControl& control = {});

}  // namespace mdvt
