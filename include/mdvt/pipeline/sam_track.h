// SPDX-License-Identifier: Apache-2.0
//
// The camera of each frame from a video, with its depth or without, in one run.
#pragma once

#include <cstdint>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/pipeline/camera_solve.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

struct SamTrackJobOptions {
  JobOptions job;
  std::string color_video;
  std::string depth_video;  // empty: cameras from the pictures alone
  std::string mask_video;   // white is left out; empty: nothing
  // Named after the colour video if there is no depth video: <depth_video>_transformations.json,
  // _camera.json, _alignment_report.json, _xfovs.json, _megasam.mkv (the depth in one scale),
  // _megasam_motion.mkv (white at rest, black moving); the tracks are written only if they are
  // named.
  std::string output;
  std::string camera_output;
  std::string report;
  std::string xfovs_output;
  std::string depth_output;
  std::string motion_output;
  std::string track_output;
  FovOptions fov;  // nothing given: as the depth video's tags say
  DepthReadingOptions depth;
  PointMaskOptions mask;
  // Median distance of what the first frame of a shot shows, if there is no depth video. (0, 10000]
  double scene_scale = 3;
  int points = 1000;  // that are followed at a time. [50, 20000]
  CameraSolveOptions solve;

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, SamTrackJobOptions* options);

struct SamTrackReport {
  CameraSolveReport camera;
  std::string output;
  std::string camera_output;
  std::string report;
  std::string xfovs_output;
  std::string depth_output;  // empty without a depth video
  std::string motion_output;
  std::string track_output;  // empty if not written
  double static_share = 0;   // of the tracks
};

// Follows points through the colours, reads their depth, and finds the cameras of all frames and
// the scale of each depth map together. Throws as RunAlignPointsJob() does.
SamTrackReport RunSamTrackJob(const SamTrackJobOptions& options, const RunControl& control = {});

}  // namespace mdvt
