// SPDX-License-Identifier: Apache-2.0
//
// What the tools that find the camera of a clip share: how the camera may move, its field of view,
// masks, and the files about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/options.h"
#include "mdvt/geometry/alignment.h"

namespace mdvt {

struct FovOptions;

// Which points of a mask video are left out.
struct PointMaskOptions {
  double threshold = 127;  // pixels above this are masked. [0, 255]
  int dilation = 3;        // and those so many pixels around them. [0, 100]
  bool strict = false;     // a track that was masked once is left out everywhere
};
// For a tool whose mask is the option `mask_video`.
void Describe(OptionList* list, PointMaskOptions* options);

struct CameraSolveOptions {
  CameraMotion motion = CameraMotion::kAuto;
  double scale_change = 0.03;  // see AlignmentOptions
  bool shift = false;          // see AlignmentOptions.free_shift
  bool optimize_intrinsic = false;
  bool require_fov = false;      // Error(kRefused) if the field of view cannot be known
  bool accept_weak_fov = false;  // use one that is known within 15 % only
  int64_t seed = 0;

  // Throws Error(kInvalidArgument) that names what does not go together. `fov` is that of the job.
  void CheckWith(const FovOptions& fov) const;
};
void Describe(OptionList* list, CameraSolveOptions* options);

// What a run tells of the camera.
struct CameraSolveReport {
  int64_t frames = 0;
  int64_t shots = 0;
  int64_t interpolated = 0;  // frames that could not be placed
  std::string motion;        // of the longest shot: "free", "rotation", "static"
  double path_length = 0;    // metres, of all shots
  // Of the longest shot, where it is free and that was looked at, see PathUncertainty(); may be
  // infinite.
  std::optional<double> path_uncertainty;
  double rms_px = 0;
  double held_out_rms_px = 0;
  double xfov_deg = 0;
  std::string fov_status;  // "given", or as FocalStatusName()
};

}  // namespace mdvt
