// SPDX-License-Identifier: Apache-2.0
//
// Options of stereo_rerender about where the eyes stand, what is remembered behind the foreground,
// and what is written for headsets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/options.h"

namespace mdvt {

struct StereoSceneOptions {
  // The layouts "vr180", "touchly0" and "touchly1" by their documented options. At most one.
  bool vr180 = false;
  bool touchly0 = false;
  bool touchly1 = false;

  // Camera-to-world per frame: the eyes stand still in the world's origin, whatever the camera
  // does. Empty: they move with the camera.
  std::string transformation_file;
  std::optional<int64_t> transformation_lock_frame;  // this frame's camera is the world
  bool render_as_pointcloud = false;                 // squares in place of surfaces

  // Write <output>_depth.mkv too: the depth that each eye sees.
  bool create_sbs_depth_video = false;

  // What is remembered behind the foreground and drawn into holes. Foreground is what is nearer
  // than mask_depth metres, or white (128 and more) in mask_video; one of them is needed to make a
  // background, none to load one.
  std::optional<double> mask_depth;
  std::string mask_video;
  bool save_background = false;  // write <depth_video>_background.npy too
  std::string load_background;   // such a file

  bool MakesBackground() const { return mask_depth || !mask_video.empty(); }
  bool HasBackground() const { return MakesBackground() || !load_background.empty(); }
  // Views are rendered from a scene, not by shifting rows.
  bool HasScene() const {
    return !transformation_file.empty() || render_as_pointcloud || HasBackground();
  }
  // Throws Error(kInvalidArgument) for what does not go together.
  void Check() const;
};
void Describe(OptionList* list, StereoSceneOptions* options);

}  // namespace mdvt
