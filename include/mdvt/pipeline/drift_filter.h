// SPDX-License-Identifier: Apache-2.0
//
// Leaves out tracks of a stereo clip that drift: a step of Stereo4D, between tracking and the
// points in space.
#pragma once

#include <cstdint>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/pipeline/stereo4d_options.h"

namespace mdvt {

enum class DriftRules {
  kSegments,  // labels are smoothed along a track, which is cut where they change
  kOriginal,  // as Stereo4D: one frame with another label, or with drift, ends the whole track
};

struct DriftFilterJobOptions {
  JobOptions job;
  Stereo4dClipOptions clip;
  std::string track_file;           // empty: <left view>_tracking.json
  std::string depth_video;          // empty: <name>-raw_depth.mkv
  std::string transformation_file;  // empty: <name>-transformations.json
  // Gray, of the size of the view, without loss: the class of each pixel. Empty: nothing is known
  // of classes, only tracks without depth are left out.
  std::string label_video;
  std::string static_classes = "1,2,7,12,14";  // wall, building, road, sidewalk, earth of ADE20K
  std::string sky_classes = "3";
  double drift_px = 5;      // that a point of what cannot move may move within 0.53 s
  int64_t min_visible = 5;  // frames with depth
  DriftRules rules = DriftRules::kSegments;
  std::string output;        // empty: <name>-tracks_filtered.json in the folder of the clip
  bool emit_pickle = false;  // <name>-tapir_remove_drift_tracks.pkl too

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, DriftFilterJobOptions* options);

struct DriftFilterReport {
  int64_t frames = 0;
  std::string output;
  std::string pickle;  // empty if not asked for
  int64_t tracks = 0;  // read
  int64_t kept = 0;    // written; a track that was cut counts for each of its parts
  int64_t too_short = 0;
  int64_t sky = 0;
  int64_t at_borders = 0;  // of classes, kOriginal
  int64_t drifting = 0;
  int64_t cut = 0;  // tracks that were cut, kSegments
};

// A track is left out, or with kSegments a part of it between changes of its label, if it is seen
// with depth in fewer than min_visible frames, if it is of the sky, or if it is of a static class
// and moves by more than drift_px in the view within 0.53 s, the motion of the camera taken away.
// Labels are taken where the point is; with kSegments each is the most frequent one of fifteen
// sights. Tracks keep their ids, further parts of one get new ones. 40 bytes are kept for each
// sight. Throws what the readers and the writer throw, and Error: kInvalidArgument (options, tracks
// of another picture), kCorrupt (files that disagree), kCancelled.
DriftFilterReport RunDriftFilterJob(const DriftFilterJobOptions& options,
                                    const RunControl& control = {});

}  // namespace mdvt
