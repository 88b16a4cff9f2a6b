// SPDX-License-Identifier: Apache-2.0
//
// The last step of a film: the eyes of all scenes in one video, with everything else that the film
// holds, at the film's own times.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mdvt/core/run.h"
#include "mdvt/io/scene_list.h"
#include "mdvt/pipeline/encode_options.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/pipeline/view_options.h"
#include "mdvt/stereo/view_layout.h"

namespace mdvt {

struct FilmScene {
  SceneRange range;
  std::string sbs;  // both eyes of its frames; empty: it is shown flat
};

struct FilmOptions {
  JobOptions job;
  std::string color_video;
  std::string output;
  std::vector<FilmScene> scenes;  // one after the other from the first frame on
  FrameOptions frame;
  EncodeOptions encode;
  bool swap_eyes = false;

  // Throws Error(kInvalidArgument), also for layouts that need more than the eyes' pictures.
  void Check() const;
};
// What is encoded, and how; without scenes.
void Describe(OptionList* list, FilmOptions* options);

struct FilmReport {
  int64_t frames = 0;
  int width = 0;
  int height = 0;
};

// Throws what readers and writer throw, and Error(kCorrupt) for a scene of another size or length.
FilmReport EncodeFilm(const FilmOptions& options, const RunControl& control);

}  // namespace mdvt
