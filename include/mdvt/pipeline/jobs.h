// SPDX-License-Identifier: Apache-2.0
//
// Whole jobs from files to files: what the programs, the C library and the Python module run.
// Decoding, computing and encoding overlap; memory does not grow with the length of the clip.
// Every job throws Error; after one, nothing has appeared under an output's name.
#pragma once

#include <optional>
#include <string>

#include "mdvt/core/limits.h"
#include "mdvt/core/run.h"
#include "mdvt/io/depth_codec.h"
#include "mdvt/io/infill_mask.h"
#include "mdvt/stereo/renderer.h"

namespace mdvt {

// Shared by all jobs.
struct JobOptions {
  Limits limits;
  int num_threads = 0;      // 0 means one per core. Never changes the result.
  bool overwrite = true;    // false: Error(kIo) if an output exists
  int64_t max_frames = -1;  // stop after exactly this many; -1 = all
};

// Field of view of a camera. An explicit value wins over the depth file's tags.
struct FovOptions {
  std::optional<double> xfov_deg;
  std::optional<double> yfov_deg;
  std::string xfov_file;  // per frame; wins over both
};

struct DepthJobOptions {
  JobOptions job;
  std::string color_video;
  std::string output;  // empty: <color_video>_depth.mkv
  FovOptions fov;      // nothing given: kDefaultXfovDeg, with a warning
  DepthEncoding encoding = DepthEncoding::kRgb16;
  double max_depth = 100;  // metres
  double scene_scale = 3;  // median depth of the clip's first frames in metres
  double target_fps = -1;  // -1 = every frame; else frames nearest to that rate are kept
  // Throws Error(kInvalidArgument).
  void Check() const;
};
inline constexpr double kDefaultXfovDeg = 60;

struct DepthJobReport {
  int64_t frames = 0;
  std::string output;
  double xfov_deg = 0;
  bool translation_found = true;  // false: the camera only turned or stood still; depth is a guess
};

DepthJobReport RunDepthJob(const DepthJobOptions& options, const RunControl& control = {});

enum class HoleFill {
  kFill,  // built-in direction-aware fill
  kBlack,
};

struct StereoJobOptions {
  JobOptions job;
  std::string depth_video;
  std::string color_video;  // empty: the encoded depth picture is the texture
  std::string output;       // empty: <depth_video>_stereo.mkv, or .mp4 when compressed
  FovOptions fov;
  std::optional<double> max_depth;  // empty: from the file's tags
  StereoOptions stereo;
  HoleFill fill = HoleFill::kFill;
  bool write_infill_mask = false;  // <output>_infillmask.mkv
  InfillMaskStyle mask_style = InfillMaskStyle::kDirections;
  bool compressed = false;            // H.264 .mp4 in place of FFV1 .mkv
  std::string convergence_file;       // per frame, smoothed in time
  std::optional<double> convergence;  // metres, fixed; 0 = parallel
  double baseline_scale = 1;          // multiplies the baseline
  bool swap_eyes = false;
  void Check() const;
};

struct StereoJobReport {
  int64_t frames = 0;
  std::string output;
  std::string mask_output;  // empty if none was asked for
  double hole_share = 0;    // mean share of pixels per eye that the source did not show
};

StereoJobReport RunStereoJob(const StereoJobOptions& options, const RunControl& control = {});

struct ExportJobOptions {
  JobOptions job;
  std::string depth_video;
  std::string color_video;  // empty: depth as grey
  FovOptions fov;           // needed for PLY and OBJ
  std::optional<double> max_depth;
  std::optional<int> grey_bits;  // 8 or 16: write a grey video
  std::string output;            // of the grey video; empty: <depth_video>_grey8.mkv, _grey16.mkv
  std::string ply_folder;        // %07d.ply per frame
  std::string obj_folder;        // %07d.obj per frame
  std::string transformation_file;  // camera-to-world: geometry is written in world axes
  std::optional<int64_t> transformation_lock_frame;
  bool remove_edges = false;  // leave out triangles across tears
  int64_t min_frames = -1;    // first frame written (0-based); -1 = 0
  void Check() const;
};

struct ExportJobReport {
  int64_t frames = 0;
  std::string grey_output;
  int64_t files = 0;  // PLY and OBJ files
};

ExportJobReport RunExportJob(const ExportJobOptions& options, const RunControl& control = {});

}  // namespace mdvt
