// SPDX-License-Identifier: Apache-2.0
//
// Points followed through a stereo clip, put into space: the last step of Stereo4D.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/pipeline/stereo4d_options.h"

namespace mdvt {

struct TrackOptimizationJobOptions {
  JobOptions job;
  Stereo4dClipOptions clip;
  std::string track_file;           // empty: <left view>_tracking.json
  std::string depth_video;          // empty: <name>-raw_depth.mkv
  std::string transformation_file;  // empty: <name>-transformations.json
  std::string output;               // empty: <name>.tracks.npz in the folder of the clip
  // Noise of disparity, pixels; empty: as it jumps from frame to frame, 0.25 at least.
  std::optional<double> sigma_disparity;
  double sigma_xy = 0.7;     // noise of a track's positions, pixels
  bool emit_pickle = false;  // <name>-optimized_tracks.pkl in the folder of the clip
  int64_t min_visible = 5;   // tracks seen with depth in fewer frames are left out

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, TrackOptimizationJobOptions* options);

struct TrackOptimizationReport {
  int64_t frames = 0;
  std::string output;
  std::string pickle;    // empty if not asked for
  int64_t tracks = 0;    // put into space
  int64_t left_out = 0;  // seen with depth in too few frames
  int64_t moving = 0;
  int64_t samples = 0;         // points in all frames
  double sigma_disparity = 0;  // noise that was held, pixels
  // What points at rest miss their place by in disparity and position, but for one in forty,
  // pixels: what misses it by more moves.
  double rest_disparity = 0, rest_position = 0;
  double median_sigma = 0;  // of a point along its ray, metres
};

// Writes a .npz file with the keys of the Stereo4D release (name, video_id, timestamps,
// camera2world, rectified2rig, fov_bounds, track_lengths, track_indices, track_coordinates in world
// metres) and format, image_size, intrinsics, pixel_origin, baseline, hfov_deg; for each sample
// track_uv (pixels, edge coordinates), track_sigma (metres along the ray), track_disp (measured,
// pixels), track_flags (1 measured, 4 an outlier), for each track track_class (0 at rest, 1
// moving), track_p_dynamic, track_motion_px (largest way in the picture within 0.53 s, without that
// of the camera), track_color.
// With emit_pickle also the file of Stereo4D's program: a dict of cameras (a list with extr, 3 x 4
// world-to-camera, and intr_normalized), track3d (N, T, 3; NaN where not seen), visible_list (N,
// T), color_values (N, 3) in [0, 1], imh, imw and video, which is None. Frames are read one by one;
// what is kept is 40 bytes for each sight of a point. Throws what the readers and the writer throw,
// and Error: kInvalidArgument (options, tracks of another picture), kCorrupt (poses or depth for
// fewer frames than the clip has, a clip whose files disagree; no track at all), kCancelled.
TrackOptimizationReport RunTrackOptimizationJob(const TrackOptimizationJobOptions& options,
                                                const RunControl& control = {});

}  // namespace mdvt
