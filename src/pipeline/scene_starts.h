// SPDX-License-Identifier: Apache-2.0
//
// Which frames of a clip begin a scene, for all that must not look past a cut.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/core/limits.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/state.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/view_options.h"

namespace mdvt {

// The small pictures in which cuts are looked for.
class CutPictures {
 public:
  // format  of the frames
  CutPictures(const VideoInfo& source, const PixelFormat& format, ThreadPool* pool);
  // Rgb(8). May share its pixels with the next one.
  Image Make(const Image& picture);

 private:
  ColorInfo color_;
  Image small_;
  std::optional<ImageResizer> resizer_;
  ColorConverter converter_;
};

// Push every frame in order; Pop says of each, some frames later, whether it begins a scene.
class SceneStarts {
 public:
  // format      of the frames that are pushed
  // scene_file  if one is given, it takes the place of looking for cuts; see ReadSceneStarts
  SceneStarts(SceneCuts cuts, const std::string& scene_file, const Limits& limits,
              const VideoInfo& source, const PixelFormat& format, ThreadPool* pool);
  ~SceneStarts();

  // `index` counts the frames of the source, `seconds` is the frame's time.
  void Push(const Image& picture, int64_t index, double seconds);
  void Finish();
  std::optional<bool> Pop();

  // For an object with the same options. Load() throws Error(kCorrupt).
  void Save(State* state) const;
  void Load(const State& state);

 private:
  class Detector;

  std::unique_ptr<Detector> detector_;
  std::vector<int64_t> starts_;
  size_t next_ = 0;
  std::deque<bool> known_;
};

}  // namespace mdvt
