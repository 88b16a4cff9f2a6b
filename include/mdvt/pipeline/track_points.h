// SPDX-License-Identifier: Apache-2.0
//
// Follows points through a video: the tracking file that cameras and points in space come from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/pipeline/depth_model.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/pipeline/track_mask_options.h"
#include "mdvt/tracking/point_tracker.h"

namespace mdvt {

enum class TrackerChoice {
  kLk,          // Lucas-Kanade, built in
  kCoTracker3,  // a network, seen where its visibility is above 0.9
  kTapir,       // a network, seen where its visibility is above 0.5
};

struct TrackPointsJobOptions {
  JobOptions job;
  std::string color_video;
  std::string output;               // empty: <color_video>_tracking.json
  bool save_visualization = false;  // <color_video>_track_visualization.mkv beside it
  std::string pickle_output;        // see WritePickledTracks(); empty: none
  TrackMaskOptions mask;
  TrackerChoice tracker = TrackerChoice::kLk;
  DepthModelOptions model;  // of the networks

  // Points are searched and followed in pictures smaller by this factor. Valid: [1, 32].
  int downscale = 1;
  // Points at a time: iterations * points. Valid: [1, 64], [1, 20000].
  int iterations = 1;
  int points = 1500;
  // Frames between searches for new points. Valid: [1, 1000000].
  int steps_between_init = 60;
  bool continuous = true;  // search in between too, where many tracks have ended
  PointSeeding seeding = PointSeeding::kCorners;

  // As PointTrackerOptions and ModelTrackerOptions.
  int min_length = 5;
  std::optional<double> min_confidence;  // empty: 0.8 (kLk), 0.6 (kCoTracker3), 0.25 (kTapir)
  double max_round_trip = 0.7;           // kLk; pixels that are tracked in
  int window = 0;                        // of networks
  int overlap = 8;
  int block = 512;

  bool subpixel = true;  // false: rows of three numbers
  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, TrackPointsJobOptions* options);
// All but the files, color_video and output.
void DescribeTracking(OptionList* list, TrackPointsJobOptions* options);

struct TrackPointsReport {
  int64_t frames = 0;
  std::string output;
  std::string visualization;  // empty if none was asked for
  std::string pickle;         // the same
  int64_t tracks = 0;
  int64_t sightings = 0;
  int64_t cuts = 0;
  double mean_length() const {
    return tracks > 0 ? static_cast<double>(sightings) / static_cast<double>(tracks) : 0;
  }
};

// Every frame of the video has an entry in the file; where nothing could be followed it is empty.
// Throws what the readers, Model::Open and the trackers throw, and Error(kCorrupt) for a mask
// of another length.
TrackPointsReport RunTrackPointsJob(const TrackPointsJobOptions& options,
                                    const RunControl& control = {});

}  // namespace mdvt
