// SPDX-License-Identifier: Apache-2.0
//
// Whole jobs from files to files: what the programs, the C library and the Python module run.
// Decoding, computing and encoding overlap; memory does not grow with the length of the clip.
// Every job throws Error; after one, nothing has appeared under an output's name and what was there
// before is as it was.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/io/depth_codec.h"
#include "mdvt/pipeline/depth_source.h"
#include "mdvt/pipeline/encode_options.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/pipeline/stereo_scene.h"
#include "mdvt/pipeline/track_cloud.h"
#include "mdvt/pipeline/view_options.h"
#include "mdvt/stereo/renderer.h"

namespace mdvt {

struct DepthJobOptions {
  JobOptions job;
  std::string color_video;
  std::string output;  // empty: <color_video>_depth.mkv; a folder: a file of that name in it
  // Nothing given: kDefaultXfovDeg, with a warning. Models that need none leave the file without.
  FovOptions fov;
  DepthSourceOptions source = Computed();
  // Metric depth of the same clip, which a relative model is fitted to: one scale and shift for
  // all.
  std::string reference_depth;
  DepthReadingOptions reference;
  DepthEncoding encoding = DepthEncoding::kRgb16;
  double max_depth = 100;  // metres
  double target_fps = -1;  // -1 = every frame; else frames nearest to that rate are kept
  // For depth from motion only: where to write the camera's path as <depth>_transformations.json
  // has it; empty: nowhere.
  std::string transformation_output;
  // Throws Error(kInvalidArgument).
  void Check() const;

 private:
  static DepthSourceOptions Computed() {
    DepthSourceOptions source;
    source.reads_files = false;
    return source;
  }
};
void Describe(OptionList* list, DepthJobOptions* options);

struct DepthJobReport {
  int64_t frames = 0;
  std::string output;
  double xfov_deg = 0;            // of the clip, or of its median frame if it zooms
  bool translation_found = true;  // false: the camera only turned or stood still; depth is a guess
  int64_t measured_frames = 0;    // frames whose depth comes from the camera's translation
  // Error to be expected of the camera's path as a share of its length, in half of the measured
  // frames no more than this; may be infinite. And measured frames where it is above 5 %.
  double path_uncertainty = 0;
  int64_t unsure_frames = 0;
  std::string model;          // its name in its metadata; empty: depth from motion
  std::string model_license;  // as its metadata states it
  std::optional<DisparityCalibration> calibration;  // of a relative model
  std::optional<DisparityFitResult> fit;            // to the reference
  int width = 0;                                    // of the output
  int height = 0;
};

DepthJobReport RunDepthJob(const DepthJobOptions& options, const RunControl& control = {});

struct StereoJobOptions {
  JobOptions job;
  DepthSourceOptions source = FromFile();
  // Empty: the encoded picture of the depth video is the texture. Needed where depth is computed.
  std::string color_video;
  // Empty: <depth_video>_stereo.mkv, .mp4 when compressed; of the colour video without a depth one.
  std::string output;
  // Empty: from the tags of the depth video; kDefaultXfovDeg, with a warning, without one.
  FovOptions fov;

  MetricEyeOptions eyes;
  ComfortOptions comfort;  // with it, and without any convergence given, that is auto
  SubtitleOptions subtitles;
  HoleOptions holes;
  StereoSceneOptions scene;
  FrameOptions frame;
  // Disparity is not smoothed unless it is asked for (alpha 0). While it is, what is nearer than a
  // centimetre counts as that near.
  SteadyOptions steady = Unsmoothed();
  PreviewOptions preview;

  EncodeOptions encode;     // without an ending that tells: FFV1
  bool compressed = false;  // H.264 .mp4 in place of FFV1 .mkv
  bool swap_eyes = false;
  bool copy_streams = true;  // sound, subtitles, chapters and metadata of the colour video
  void Check() const;

 private:
  static DepthSourceOptions FromFile() {
    DepthSourceOptions source;
    source.usual = "file";
    return source;
  }
  static SteadyOptions Unsmoothed() {
    SteadyOptions steady;
    steady.smoothing.alpha = 0;
    return steady;
  }
};
void Describe(OptionList* list, StereoJobOptions* options);

struct StereoJobReport {
  int64_t frames = 0;
  std::string output;
  std::string mask_output;        // empty if none was asked for
  std::string depth_output;       // the same
  std::string background_output;  // the same
  double hole_share = 0;          // mean share of pixels per eye that the source did not show
  double observed_share = 0;      // of those, what other frames have shown
  int width = 0;                  // of the output: both eyes
  int height = 0;
};

StereoJobReport RunStereoJob(const StereoJobOptions& options, const RunControl& control = {});

// The axes of points and meshes. OpenCV: x right, y down, z forward; OpenGL: x right, y up, z
// backward; Blender: x right, y forward, z up.
enum class Axes { kOpenCv, kOpenGl, kBlender };

struct ExportJobOptions {
  JobOptions job;
  std::string depth_video;
  std::string color_video;  // empty: points are grey, white at the end of the range
  FovOptions fov;           // needed for all but the grey videos
  DepthReadingOptions depth;
  bool bit8 = false;   // write an 8-bit grey video
  bool bit16 = false;  // write a 16-bit grey video; at most one of the two
  std::string output;  // of the grey video; empty: <depth_video>_grey8.mkv, _grey16.mkv
  // The folder or file of each further format, by its name: {"ply", "clip_ply"}. Names: ply, obj,
  // glb, png, exr, npz (a file per frame, in a folder), colmap, nerfstudio (folders), scene,
  // camera, tum (files).
  std::map<std::string, std::string> exports;
  double voxel_size = 0.02;  // metres: of a merged cloud
  // <depth_video>_alembic.abc and .abc.blend, made by Blender: the moving camera, and the points of
  // tracks or else the first frame's mesh.
  bool save_alembic = false;
  std::string blender = "blender";  // the program: a path, or a name to be found in PATH
  // Of ply, obj, scene and the points of tracks; the other formats have axes of their own.
  Axes axes = Axes::kOpenCv;
  std::string transformation_file;  // camera-to-world: geometry is written in world axes
  std::optional<int64_t> transformation_lock_frame;
  // Leaves out triangles across tears, and points of no triangle.
  bool remove_edges = false;
  TearRule tear;                 // as two eyes would see it
  double tear_baseline = 0.063;  // that are so many metres apart
  int64_t min_frames = -1;       // first frame written (0-based); -1 = 0
  int64_t frame_step = 1;        // every n-th frame from there on
  TrackCloudOptions tracks;      // needs the camera's path and a field of view
  // Called with the address of the page that tracks.shows() asks for, when it can be opened. Empty:
  // the address is logged.
  std::function<void(const std::string& url)> on_ready;
  void Check() const;
};
void Describe(OptionList* list, ExportJobOptions* options);

struct ExportJobReport {
  int64_t frames = 0;
  std::string grey_output;
  std::string alembic_output;  // empty if not asked for
  int64_t files = 0;           // of the further formats
  std::optional<TrackCloudReport> tracks;
  int width = 0;  // of the depth video
  int height = 0;
};

ExportJobReport RunExportJob(const ExportJobOptions& options, const RunControl& control = {});

}  // namespace mdvt
