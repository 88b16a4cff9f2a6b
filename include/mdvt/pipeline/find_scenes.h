// SPDX-License-Identifier: Apache-2.0
//
// The list of a film's scenes, as PySceneDetect writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/tracking/content_cut.h"

namespace mdvt {

struct SceneDetectOptions {
  ContentRule rule = ContentRule::kLead;
  // kContent: the least score of a cut, else how many times the score of its neighbours it has.
  // Empty: 27, else 3, as PySceneDetect. Valid: [0, 1000].
  std::optional<double> threshold;
  double min_score = 15;           // but for kContent; [0, 255]
  double min_scene_seconds = 0.6;  // [0, 3600]

  // What FindContentCuts() takes. Throws Error(kInvalidArgument).
  ContentCutOptions Cuts() const;
};
void Describe(OptionList* list, SceneDetectOptions* options);

struct FindScenesJobOptions {
  JobOptions job;
  std::string color_video;
  std::string output;  // empty: <color_video without its ending>-Scenes.csv; or a folder
  SceneDetectOptions detect;
  // Scenes with more frames are split into parts that differ by a frame at most; 0 = none.
  int64_t max_scene_frames = 0;
  // The scores of each frame: written, or taken from such a file in place of decoding the film.
  std::string stats_output;  // empty: <color_video without its ending>-stats.csv beside `output`
  std::string stats_file;    // empty: none

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, FindScenesJobOptions* options);

struct FindScenesReport {
  int64_t frames = 0;
  std::string output;
  std::string stats_output;  // empty if the scores were given
  int64_t scenes = 0;
  double seconds = 0;  // mean length of a scene
};

// Throws what the reader throws, and Error: kCorrupt (scores that are none, or of another film),
// kCancelled.
FindScenesReport RunFindScenesJob(const FindScenesJobOptions& options,
                                  const RunControl& control = {});

}  // namespace mdvt
