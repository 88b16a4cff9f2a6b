// SPDX-License-Identifier: Apache-2.0
//
// Points in space from a tracking file, a depth video and the camera's path, and depth that is
// corrected by them. Part of the export job, see ExportJobOptions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/options.h"
#include "mdvt/pipeline/track_mask_options.h"

namespace mdvt {

struct TrackCloudOptions {
  std::string track_file;    // empty: none of this
  TrackMaskOptions mask;     // of the size and length of the depth video
  bool strict_mask = false;  // leave tracks out that are masked anywhere, in all frames
  // Tracks less than 5 mm apart in some frame, by its depth, are one point.
  bool merge_close_points = false;
  // Write <depth_video>_triangulated.ply too, beside <depth_video>_avgmonodepth.ply.
  bool use_triangulated_points = false;
  int min_observations = 5;  // frames in which a track is seen, at least. Valid: [2, 100000]
  double min_angle_deg = 1;  // between some two rays of a triangulated point. Valid: [0, 90]
  bool save_rescaled_depth = false;  // write <depth_video>_rescaled.mkv
  bool global_align = false;         // with it: let 1 / depth have a shift too, for the whole clip

  // Show points and the world's axes in a web browser, once all files are there, until the job is
  // cancelled, which is no failure then: the triangulated points if their file is written, else
  // those by depth; or both, which needs the triangulated ones.
  bool show_scene_point_clouds = false;
  bool show_both_point_clouds = false;
  std::string export_html;  // a folder: with one of the two, write that page in place of showing it
  int port = 0;             // of the page on this machine; 0: any that is free

  bool empty() const { return track_file.empty(); }
  bool shows() const { return show_scene_point_clouds || show_both_point_clouds; }
  bool writes_triangulated() const { return use_triangulated_points || global_align; }
  bool triangulates() const { return writes_triangulated() || save_rescaled_depth; }
};
void Describe(OptionList* list, TrackCloudOptions* options);

struct TrackCloudReport {
  int64_t frames = 0;
  std::string average_output;       // <depth_video>_avgmonodepth.ply
  std::string triangulated_output;  // empty if not asked for
  std::string rescaled_output;      // the same
  int64_t tracks = 0;               // with enough sightings that are not masked
  int64_t average_points = 0;       // of those, with depth
  int64_t triangulated = 0;         // of those, whose rays meet
  double median_rms = 0;            // pixels, of the triangulated ones
  // Median of |log(triangulated / depth)| at the points, where depth was rescaled.
  std::optional<double> error_before;
  std::optional<double> error_after;
  std::optional<double> shift;  // 1 / metres, where one was found
};

}  // namespace mdvt
