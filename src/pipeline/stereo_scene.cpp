// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/stereo_scene.h"

#include "mdvt/core/error.h"

namespace mdvt {

void Describe(OptionList* list, StereoSceneOptions* o) {
  list->Section("headset");
  list->Field("vr180", &o->vr180, "the layout vr180, as <depth_video>_stereo.mkv")
      .Excludes("touchly0")
      .Excludes("touchly1")
      .Excludes("layout")
      .Preset({{"layout", "vr180"}});
  list->Field("touchly0", &o->touchly0, "the layout touchly0, as <depth_video>_Touchly0.mkv")
      .Excludes("touchly1")
      .Excludes("layout")
      .Preset({{"layout", "touchly0"}});
  list->Field("touchly1", &o->touchly1, "the layout touchly1, as <depth_video>_Touchly1.mkv")
      .Excludes("layout")
      .Preset({{"layout", "touchly1"}});
  list->Section("scene");
  list->Field("transformation_file", &o->transformation_file, "JSON",
              "camera path: the eyes stand still in its origin while the camera moves")
      .Input();
  list->Field("transformation_lock_frame", &o->transformation_lock_frame, {0, kUnlimitedWhole}, "N",
              "the eyes stand where the camera was in this frame, counted from 0")
      .Default("they stand in the file's origin")
      .OnlyWith("transformation_file");
  list->Field("render_as_pointcloud", &o->render_as_pointcloud,
              "show every pixel as a square of its own size, no surfaces");
  list->Field("create_sbs_depth_video", &o->create_sbs_depth_video,
              "write the depth that each eye sees too, as <output>_depth.mkv");
  list->Section("background");
  list->Field("mask_depth", &o->mask_depth, {0, 1e6, true, false}, "METRES",
              "what is nearer is foreground; what is behind it is remembered over the clip and "
              "shown where a view has holes")
      .Default("none");
  list->Field("mask_video", &o->mask_video, "FILE",
              "the same where this mask is white; size and length of the depth video")
      .Input();
  list->Field("save_background", &o->save_background,
              "write that background too, as <depth_video>_background.npy");
  list->Field("load_background", &o->load_background, "NPY",
              "begin with this background; without a mask show it as it is")
      .Input();
}

void StereoSceneOptions::Check() const {
  Require(vr180 + touchly0 + touchly1 <= 1, Code::kInvalidArgument,
          "vr180, touchly0 and touchly1 are three different layouts, give one of them");
  Require(!transformation_file.empty() || !transformation_lock_frame, Code::kInvalidArgument,
          "transformation_lock_frame belongs to transformation_file");
  Require(!save_background || MakesBackground(), Code::kInvalidArgument,
          "save_background needs mask_depth or mask_video, which tell what is background");
}

}  // namespace mdvt
