// SPDX-License-Identifier: Apache-2.0
//
// The field of view of a video: from its metadata, the motion of the camera, or straight edges.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/run.h"
#include "mdvt/pipeline/camera_solve.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

enum class FovMethod {
  kAuto,    // the lens if it is given, else metadata, motion, lines: the first that tells
  kLens,    // focal length and width of the sensor
  kTags,    // what the file says of its lens
  kMotion,  // the field of view that explains best how points move
  kLines,   // straight edges at right angles
  kSweep,   // how well each of a list of fields of view explains how points move
};

struct RecoverFovJobOptions {
  JobOptions job;
  std::string color_video;
  std::string depth_video;  // helps motion and sweep; empty: points alone
  std::string mask_video;   // white is left out; empty: nothing
  std::string output;       // empty: <color_video>_fov.json
  FovMethod method = FovMethod::kAuto;
  FovOptions start;  // where motion begins; nothing given: several
  DepthReadingOptions depth;
  PointMaskOptions mask;
  int points = 600;                              // that are followed at a time. [50, 20000]
  int pictures = 16;                             // that are searched for edges. [1, 256]
  std::optional<double> focal_length_mm;         // of the lens
  std::optional<double> focal_length_35mm;       // of the lens, as it would be on 36 x 24 mm
  double sensor_width_mm = 36;                   // that the picture's width shows
  double crop = 1;                               // share of that width that is in the video. (0, 1]
  std::string fovs = "40,45,50,55,60,65,70,75";  // degrees, of the sweep
  bool accept_weak_fov = false;                  // known within 15 % is enough
  int64_t seed = 0;

  // Throws Error(kInvalidArgument).
  void Check() const;
  // `fovs` as numbers. Throws Error(kInvalidArgument).
  std::vector<double> Fovs() const;
};
void Describe(OptionList* list, RecoverFovJobOptions* options);

// One field of view of a sweep.
struct FovCost {
  double xfov_deg = 0;
  double rms_px = 0;           // of the points that took part
  double held_out_rms_px = 0;  // of those that were held out
  double path_length = 0;      // metres if there is depth
  std::string refused;         // why the cameras cannot be placed with it; the figures are 0 then
};

struct RecoverFovReport {
  int64_t frames = 0;  // looked at
  std::string output;
  std::string method;      // which gave the answer: "lens", "metadata", "motion", "lines"
  std::string fov_status;  // as FocalStatusName(); "given" for lens and metadata
  double xfov_deg = 0;     // 0: none is recommended (sweep)
  double yfov_deg = 0;
  std::vector<FovCost> sweep;
  double low_deg = 0;  // 95 % interval of xfov; both 0 if it is not known
  double high_deg = 0;
};

// Throws what the readers throw; Error(kRefused) if the field of view cannot be known, with the
// reasons of all methods that were tried.
RecoverFovReport RunRecoverFovJob(const RecoverFovJobOptions& options,
                                  const RunControl& control = {});

}  // namespace mdvt
