// SPDX-License-Identifier: Apache-2.0
//
// A whole film to stereo, scene by scene: depth, mask, convergence, both eyes and infill of each
// scene in files of their own, then one stereo film of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/run.h"
#include "mdvt/io/scene_list.h"
#include "mdvt/pipeline/find_scenes.h"
#include "mdvt/pipeline/jobs.h"

namespace mdvt {

// Where the eyes converge.
enum class MovieConvergence {
  kMask,    // at what create_video_mask finds in each frame, or the middle where it finds nothing
  kCenter,  // at what the middle of each frame shows
  kFixed,   // at a distance
  kOff,     // nowhere: they are parallel
};

// What may differ from scene to scene.
struct SceneSettings {
  std::string engine;  // of depth; empty: as DepthSourceOptions chooses
  std::string infill_engine = "directional";
  MovieConvergence convergence = MovieConvergence::kMask;
  double convergence_distance = 0;  // of kFixed; metres, (0, 1e6]
  std::optional<double> xfov_deg;   // (0, 180)
  double max_depth = 100;           // metres, (0, 1e6]
  double pupillary_distance_mm = 63;
  std::optional<double> master_xfov_deg;
  // Largest parallax in front of and behind the screen, in percent of the width. Valid: (0, 100].
  std::optional<double> max_shift;
  bool skip = false;  // shown flat: both eyes see the film's picture
};

struct MovieJobOptions {
  JobOptions job;
  std::string color_video;
  // Scenes with one or more of the columns Engine, Infill, InfillEngine, Convergence, XFov,
  // MaxDepth, PupillaryDistance, MasterFov, MaxShift, Skip. Empty: <output_dir>/<stem>-Scenes.csv,
  // which is made if there is none.
  std::string scene_file;
  std::string csv_delimiter = ",";  // "," or ";"; "," takes lists with ";" too
  std::string output_dir = "output";
  std::string output;      // of the film; empty: <output_dir>/<file name>_SBS.mp4, by layout
  int64_t end_scene = -1;  // the last one, counted after long ones were split; -1 = all
  bool no_render = false;  // stop when depth, masks and convergence are there
  int parallel = -1;       // scenes at once; -1 = half of the cores, at least one
  int64_t max_scene_frames = 1500;
  bool save_clips = false;      // write scene_<N>.mkv too
  bool keep_going = true;       // after a scene that fails
  bool allow_missing = false;   // show scenes that fail flat
  bool infill_fallback = true;  // fill holes without the network where it fails on a scene
  bool adopt = false;           // take products that others have made, see RunMovieJob()
  bool dry_run = false;
  std::string force;  // "depth:3,stereo": steps that are done again
  // "temp", "intermediate" or "all": delete files in place of making any.
  std::string clean = "none";

  SceneDetectOptions detect;
  SceneSettings scene;  // of all scenes whose row says nothing else
  DepthSourceOptions source = DepthJobOptions().source;
  FovOptions fov;            // but for xfov_deg, which is of `scene`
  std::string mask_model;    // empty: what moves is masked
  std::string infill_model;  // of the engines that are networks
  std::string baseline_scale = "none";
  ConvergenceSmoothing smoothing;
  ComfortOptions comfort;
  TearRule tear;

  FrameOptions frame;    // of the film; layouts of one or two plane views
  EncodeOptions encode;  // of the film
  bool swap_eyes = false;

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, MovieJobOptions* options);

struct MovieReport {
  int64_t frames = 0;  // of all scenes
  std::string output;  // the film; empty: none was wanted
  std::string scene_list;
  int64_t scenes = 0;
  int64_t steps_done = 0;
  int64_t steps_kept = 0;         // that were up to date
  std::vector<int64_t> flat;      // scenes that failed and are shown flat, see allow_missing
  std::vector<int64_t> fallback;  // on which the network for infill failed, see infill_fallback
  // What the files of the steps that are to be done will take, roughly, and what output_dir has
  // room for.
  int64_t bytes_needed = 0;
  int64_t bytes_free = 0;
  std::string plan;  // of dry_run and clean: a line for each step or file
};

// Every product keeps a manifest, <product>.mdvt.json, of how it was made, and is made again only
// if that differs from what would be done now, or if the file has changed. With `adopt`, files of
// the scenes without a manifest or that have changed since (of the original toolbox, or edited by
// hand) are products as they are if they have as many frames as their scene, then and in later runs
// with the same options; what follows from them is made of them. The list of scenes is made again
// too, unless it was edited. Results do not depend on `parallel`. Throws what
// the jobs of the steps throw; Error(kCorrupt) naming the line of a list that does not fit the film
// or that has a value which is none; with scenes that failed, the code of the first one once all
// others have been made.
MovieReport RunMovieJob(const MovieJobOptions& options, const RunControl& control = {});

}  // namespace mdvt
