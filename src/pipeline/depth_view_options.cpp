// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/error.h"
#include "mdvt/pipeline/depth_view.h"
#include "mdvt/pipeline/view_options.h"
#include "pipeline/depth_view_settings.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

bool IsColor(const std::string& text) {
  return text.size() == 6 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

}  // namespace

bool IsFile(const ViewpointOptions& options) {
  const std::string& path = options.path;
  return path != "fixed" && path != "orbit" && path != "dolly" && path != "follow";
}

void Describe(OptionList* list, ViewSceneOptions* o) {
  list->Field("depth_video", &o->depth_video, "FILE", "depth video").Input().Required();
  list->Field("color_video", &o->color_video, "FILE",
              "color video of the same size, rate and length")
      .Input()
      .Default("the picture of the depth video");
  Describe(list, &o->fov, "from the depth file");
  Describe(list, &o->depth);
  list->Section("scene");
  list->Field("transformation_file", &o->transformation_file, "JSON",
              "camera path: the scene stands still and the camera moves through it")
      .Input();
  list->Field("transformation_lock_frame", &o->transformation_lock_frame, {0, kUnlimitedWhole}, "N",
              "make this frame's camera the world's axes")
      .Default("the file's own axes")
      .OnlyWith("transformation_file");
  list->Field("mask_video", &o->mask_video, "FILE", "show only what is white in this mask").Input();
  list->Field("invert_mask", &o->invert_mask, "show only what is black in it")
      .OnlyWith("mask_video");
  list->Field("render_as_pointcloud", &o->render_as_pointcloud,
              "show every pixel as a square of its own size, no surfaces");
  list->Field("remove_edges", &o->remove_edges,
              "leave out surfaces between things that lie apart; a point cloud has none");
  Describe(list, &o->tear);
  for (const char* name : {"tear_disparity", "tear_depth"})
    list->Refine(name).OnlyWith("remove_edges");
  list->Field("background_ply", &o->background_ply, "PLY",
              "point cloud or mesh in world axes to show as well; of several the last one")
      .Input();
  list->Field("show_camera", &o->show_camera, "draw what the filming camera sees, as a pyramid");
  list->Field("show_path", &o->show_path, "draw the path of the filming camera")
      .OnlyWith("transformation_file");
  list->Field("show_axes", &o->show_axes,
              "draw 1 m of the world's axes: x red, y green, z blue; also with --draw_frame");
}

void Describe(OptionList* list, ViewpointOptions* o) {
  static constexpr const char* kAxes[] = {"x", "y", "z"};
  static constexpr const char* kWhere[] = {"to the right", "down", "forward"};
  list->Section("viewpoint");
  for (size_t i = 0; i < 3; ++i)
    list->Field(kAxes[i], &o->position[i], {-1e6, 1e6}, "METRES",
                std::string("position of the viewer, ") + kWhere[i]);
  for (size_t i = 0; i < 3; ++i)
    list->Field(std::string("t") + kAxes[i], &o->target[i], {-1e6, 1e6}, "METRES",
                std::string("the same of the point that the viewer looks at; -99: the centre of "
                            "the scene"));
  list->Custom(
      "camera_path", "NAME|JSON", "fixed, orbit, dolly, follow or a file",
      "fixed; orbit: around the target; dolly: towards it; follow: with the filming camera, "
      "position and target being in its axes; or a file with keyframes or matrices",
      [o] { return o->path; },
      [o](const std::string& text) {
        if (!text.empty()) o->path = text;
        return !text.empty();
      });
  for (const char* name : {"x", "y", "z", "tx", "ty", "tz"})
    list->Refine(name).OnlyWith("camera_path", {"fixed", "orbit", "dolly", "follow"});
  list->Field("turns", &o->turns, {-1000, 1000}, "COUNT", "turns of an orbit over the clip")
      .OnlyWith("camera_path", {"orbit"});
  list->Field("approach", &o->approach, {-100, 0.99}, "SHARE",
              "how much of the way to the target a dolly goes")
      .OnlyWith("camera_path", {"dolly"});
  list->Field("upstream_camera", &o->upstream_camera,
              "the matrix of the original program, which looks past its target; --y 2 unless given")
      .Preset({{"y", "2"}});
}

void Describe(OptionList* list, DepthViewJobOptions* o) {
  Describe(list, &o->scene);
  Describe(list, &o->viewpoint);
  list->Section("rendering");
  list->Field("render", &o->render, "write a video in place of showing it in a browser")
      .Excludes("export_html");
  list->Field("output", &o->output, "FILE", "rendered video (.mkv, or .mp4 for H.264), or a folder")
      .Output()
      .Default("<depth_video>_render.mkv, .mp4 with --compressed")
      .OnlyWith("render");
  list->Field("compressed", &o->compressed, "write H.264 in .mp4 in place of lossless FFV1 in .mkv")
      .OnlyWith("render");
  list->Field("width", &o->width, {2, 16384}, "PIXELS", "width of the rendered picture")
      .Or(0, "from --height, else as the depth video");
  list->Field("height", &o->height, {2, 16384}, "PIXELS", "height of the rendered picture")
      .Or(0, "from --width, else as the depth video");
  list->Field("view_xfov", &o->view_xfov_deg, {0, 180, true, true}, "DEGREES",
              "horizontal field of view of the rendered picture")
      .Default("that of the filming camera");
  list->Custom(
      "background_color", "RRGGBB", "six hexadecimal digits, such as 20242c",
      "what is seen where nothing is", [o] { return o->background_color; },
      [o](const std::string& text) {
        if (IsColor(text)) o->background_color = text;
        return IsColor(text);
      });
  list->Field("supersampling", &o->supersampling, {1, 4}, "COUNT",
              "samples of a rendered pixel in x and in y")
      .OnlyWith("render");
  list->Field("save_depth", &o->save_depth,
              "write the depth of the rendered picture too, as <output>_depth.mkv")
      .OnlyWith("render");
  Describe(list, &o->encode);
  list->Section("viewer");
  list->Field("draw_frame", &o->draw_frame, {1, kUnlimitedWhole}, "N",
              "only this frame, counted from 1")
      .Or(-1, "all");
  list->Field("export_html", &o->export_html, "FOLDER",
              "write the viewer and its data as files that any web server can host")
      .Folder();
  list->Field("port", &o->port, {1, 65535}, "PORT", "of the viewer on this machine")
      .Or(0, "any that is free")
      .Excludes("render");
  list->Section("");
  DescribePictures(list, &o->job);
  Describe(list, &o->job);
}

void DepthViewJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  Require(!render || export_html.empty(), Code::kInvalidArgument,
          "render and export_html are two different outputs, give one of them");
  Require(IsColor(background_color), Code::kInvalidArgument,
          "background_color is '" + background_color + "', must be six hexadecimal digits");
  Require(scene.transformation_file.empty() ? !scene.transformation_lock_frame && !scene.show_path
                                            : true,
          Code::kInvalidArgument,
          "a lock frame and the path of the camera need a transformation file");
  Require(viewpoint.upstream_camera || IsFile(viewpoint) || viewpoint.position != viewpoint.target,
          Code::kInvalidArgument,
          "x, y, z and tx, ty, tz are the same point: nothing tells where the viewer looks");
  Require(!viewpoint.upstream_camera || !IsFile(viewpoint), Code::kInvalidArgument,
          "upstream_camera is for a viewer at a position, not for a camera path from a file");
}

DepthViewSettings Settle(const DepthViewJobOptions& options) {
  DepthViewSettings settings;
  const VideoCodec otherwise = options.compressed ? VideoCodec::kH264 : VideoCodec::kFfv1;
  settings.codec = options.encode.Codec(options.output, otherwise);
  settings.output = OutputName(options.output, options.scene.depth_video,
                               "_render" + EncodeOptions::Ending(settings.codec));
  if (options.save_depth) settings.depth_output = settings.output + "_depth.mkv";
  return settings;
}

}  // namespace mdvt
