// SPDX-License-Identifier: Apache-2.0
//
// Whole jobs from files to files: what the programs, the C library and the Python module run.
// Decoding, computing and encoding overlap; memory does not grow with the length of the clip.
// Every job throws Error; after one, nothing has appeared under an output's name and what was there
// before is as it was.
#pragma once

#include <optional>
#include <string>

#include "mdvt/core/limits.h"
#include "mdvt/core/run.h"
#include "mdvt/io/depth_codec.h"
#include "mdvt/io/infill_mask.h"
#include "mdvt/pipeline/depth_model.h"
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
  // Nothing given: kDefaultXfovDeg, with a warning. Models that need none leave the file without.
  FovOptions fov;
  // A depth network in place of depth from motion.
  DepthModelOptions model;
  // Metric depth of the same clip, which a relative model is fitted to: one scale and shift for
  // all.
  std::string reference_depth;
  std::optional<double> reference_max_depth;        // empty: from the file's tags
  std::optional<DepthEncoding> reference_encoding;  // empty: from the file's tags
  DepthEncoding encoding = DepthEncoding::kRgb16;
  double max_depth = 100;  // metres
  // Median depth of the clip's first frame in metres: for depth from motion, and for relative
  // models without a reference.
  double scene_scale = 3;
  double target_fps = -1;  // -1 = every frame; else frames nearest to that rate are kept
  // Long side in pixels of the pictures that depth is computed on; the result has full size.
  // Valid: [64, 4096].
  int working_side = 640;
  // For depth from motion only: where to write the camera's path as <depth>_transformations.json
  // has it; empty: nowhere.
  std::string transformation_output;
  // Throws Error(kInvalidArgument).
  void Check() const;
};
inline constexpr double kDefaultXfovDeg = 60;

struct DepthJobReport {
  int64_t frames = 0;
  std::string output;
  double xfov_deg = 0;            // of the clip, or of its median frame if it zooms
  bool translation_found = true;  // false: the camera only turned or stood still; depth is a guess
  int64_t measured_frames = 0;    // frames whose depth comes from the camera's translation
  std::string model;              // its name in its metadata; empty: depth from motion
  std::string model_license;      // as its metadata states it
  std::optional<DisparityCalibration> calibration;  // of a relative model
  std::optional<DisparityFitResult> fit;            // to the reference
  int width = 0;                                    // of the output
  int height = 0;
};

DepthJobReport RunDepthJob(const DepthJobOptions& options, const RunControl& control = {});

// How far apart the eyes are in the picture, for a viewer whose screen fills `master_xfov_deg`.
enum class BaselineRule {
  kPlain,   // as they are: disparity fx * baseline / z
  kMaster,  // times tan(master / 2) / tan(xfov / 2), as the original toolbox
  kOrtho,   // times tan(xfov / 2) / tan(master / 2): depth is perceived as it is
};

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
  std::optional<double> max_depth;              // empty: from the file's tags
  std::optional<DepthEncoding> depth_encoding;  // empty: from the file's tags
  StereoOptions stereo;
  HoleFill fill = HoleFill::kFill;
  bool write_infill_mask = false;  // <output>_infillmask.mkv
  InfillMaskStyle mask_style = InfillMaskStyle::kDirections;
  bool compressed = false;            // H.264 .mp4 in place of FFV1 .mkv
  std::string convergence_file;       // per frame, smoothed in time
  std::optional<double> convergence;  // metres, fixed; 0 = parallel
  BaselineRule baseline_rule = BaselineRule::kPlain;
  double master_xfov_deg = 45;  // for kMaster and kOrtho, (0, 180)
  double baseline_scale = 1;    // multiplies the baseline too; [0, 1000]
  bool swap_eyes = false;
  void Check() const;
};

struct StereoJobReport {
  int64_t frames = 0;
  std::string output;
  std::string mask_output;  // empty if none was asked for
  double hole_share = 0;    // mean share of pixels per eye that the source did not show
  int width = 0;            // of the output: both eyes
  int height = 0;
};

StereoJobReport RunStereoJob(const StereoJobOptions& options, const RunControl& control = {});

struct ExportJobOptions {
  JobOptions job;
  std::string depth_video;
  std::string color_video;          // empty: points are grey, white at the end of the range
  FovOptions fov;                   // needed for PLY and OBJ
  std::optional<double> max_depth;  // empty: from the file's tags
  std::optional<DepthEncoding> depth_encoding;  // empty: from the file's tags
  std::optional<int> grey_bits;                 // 8 or 16: write a grey video
  std::string output;      // of the grey video; empty: <depth_video>_grey8.mkv, _grey16.mkv
  std::string ply_folder;  // %07d.ply per frame
  std::string obj_folder;  // %07d.obj per frame
  std::string transformation_file;  // camera-to-world: geometry is written in world axes
  std::optional<int64_t> transformation_lock_frame;
  // Leaves out triangles across tears, and points of no triangle. A triangle tears by the rule of
  // StereoOptions: its depths lie more than `tear_depth` of the nearest one apart, and two eyes at
  // `tear_baseline` metres would see them more than `tear_disparity` pixels apart.
  bool remove_edges = false;
  double tear_disparity = 1.0;
  double tear_depth = 0.02;
  double tear_baseline = 0.063;
  int64_t min_frames = -1;  // first frame written (0-based); -1 = 0
  void Check() const;
};

struct ExportJobReport {
  int64_t frames = 0;
  std::string grey_output;
  int64_t files = 0;  // PLY and OBJ files
  int width = 0;      // of the depth video
  int height = 0;
};

ExportJobReport RunExportJob(const ExportJobOptions& options, const RunControl& control = {});

}  // namespace mdvt
