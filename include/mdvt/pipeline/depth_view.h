// SPDX-License-Identifier: Apache-2.0
//
// A depth video looked at from anywhere: rendered into a video from another position, shown in a
// web browser, or written as a web page.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "mdvt/core/options.h"
#include "mdvt/core/run.h"
#include "mdvt/pipeline/encode_options.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/stereo/tear_rule.h"

namespace mdvt {

// What stands in the scene.
struct ViewSceneOptions {
  std::string depth_video;
  std::string color_video;  // empty: the picture of the depth video
  FovOptions fov;           // of the camera that filmed it
  DepthReadingOptions depth;
  std::string transformation_file;  // camera-to-world per frame; empty: the camera stands still
  std::optional<int64_t> transformation_lock_frame;  // this frame's camera is the world
  std::string mask_video;    // only what is white in it is shown; frames after its end all are
  bool invert_mask = false;  // what is black
  bool render_as_pointcloud =
      false;                   // each pixel as a square of its own size in place of a surface
  bool remove_edges = false;   // no surface between things that lie apart
  TearRule tear;               // as two eyes 63 mm apart would see it
  std::string background_ply;  // points or a mesh with colours, in world axes
  bool show_camera = false;    // the pyramid that the filming camera sees
  bool show_path = false;      // and where it has been and will be
  bool show_axes = false;      // 1 m of x (red), y (green) and z (blue) at the world's origin
};
void Describe(OptionList* list, ViewSceneOptions* options);

// Where the picture is taken from, in world axes (x right, y down, z forward), metres.
struct ViewpointOptions {
  // The camera stands at (x, y, z) and looks at the target.
  std::array<double, 3> position = {2, -2, -4};
  // kSceneCentre: the median over the clip of the scene's centre in that axis.
  static constexpr double kSceneCentre = -99;
  std::array<double, 3> target = {kSceneCentre, kSceneCentre, kSceneCentre};
  // "fixed"   at its position
  // "orbit"   around the target, `turns` times over the clip, about the axis that points up
  // "dolly"   towards the target, by `approach` of the way
  // "follow"  with the filming camera: position and target are in that camera's axes
  // a file    JSON: a list of keyframes {"frame": 0, "position": [x, y, z], "target": [x, y, z],
  //           "xfov": degrees}, joined by smooth curves, or of 4x4 camera-to-world matrices
  std::string path = "fixed";
  double turns = 1;
  double approach = 0.5;
  // The matrix of the original program, which looks past its target.
  bool upstream_camera = false;
};
void Describe(OptionList* list, ViewpointOptions* options);

struct DepthViewJobOptions {
  JobOptions job;
  ViewSceneOptions scene;
  ViewpointOptions viewpoint;

  bool render = false;      // write a video; otherwise show it in a browser
  std::string export_html;  // a folder: write a page that any web server can host
  std::string output;       // of render; empty: <depth_video>_render.mkv, .mp4 when compressed
  bool compressed = false;
  EncodeOptions encode;
  int64_t draw_frame = -1;  // only this frame, counted from 1
  int width = 0;            // of the rendered picture; 0: as the depth video
  int height = 0;
  std::optional<double> view_xfov_deg;      // empty: that of the filming camera
  std::string background_color = "ffffff";  // RRGGBB
  int supersampling = 1;                    // samples per pixel in x and in y, [1, 4]
  bool save_depth = false;                  // also <output>_depth.mkv: depth from the new place
  int port = 0;                             // of the viewer on this machine; 0: any that is free
  // Called once the page can be opened, with its address. Empty: the address is logged.
  std::function<void(const std::string& url)> on_ready;
  void Check() const;
};
void Describe(OptionList* list, DepthViewJobOptions* options);

struct DepthViewReport {
  int64_t frames = 0;  // rendered or exported
  std::string output;
  std::string depth_output;
  int width = 0;
  int height = 0;
};

// With neither `render` nor `export_html` it serves the viewer until it is cancelled.
DepthViewReport RunDepthViewJob(const DepthViewJobOptions& options, const RunControl& control = {});

}  // namespace mdvt
