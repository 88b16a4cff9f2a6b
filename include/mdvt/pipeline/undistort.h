// SPDX-License-Identifier: Apache-2.0
//
// Videos of real lenses made those of a pinhole camera.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/limits.h"
#include "mdvt/core/run.h"
#include "mdvt/geometry/lens.h"
#include "mdvt/pipeline/encode_options.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

// Lenses from a JSON file with the keys of nerfstudio's transforms.json: fl_x, fl_y, cx, cy, w, h
// in pixels and edge coordinates, camera_model "OPENCV" (the default: k1, k2, p1, p2, k3 to k6) or
// "OPENCV_FISHEYE" (k1 to k4). Keys that are missing: fl_y = fl_x, the middle, no distortion. With
// "frames", a list of objects with such keys, there is a lens for each frame, each made of the
// file's keys and its own; else there is one. They are scaled to width x height.
// Throws Error(kCorrupt) that names the key, kUnsupported for another camera_model, kLimit.
std::vector<Lens> ParseLenses(const std::string& text, int width, int height,
                              const Limits& limits = {});

struct UndistortJobOptions {
  JobOptions job;
  std::string color_video;
  std::string depth_video;  // empty: none; else of the same size, rate and length
  DepthReadingOptions depth;
  std::string lens;  // see ParseLenses()
  // Of the result, which has square pixels and its axis in the middle. Empty: the focal length of
  // the first lens is kept. Valid: (0, 170].
  std::optional<double> xfov_deg;
  std::string output;  // empty: <color_video>_undistorted.mkv
  EncodeOptions encode;

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, UndistortJobOptions* options);

struct UndistortReport {
  int64_t frames = 0;
  std::string output;
  std::string depth_output;  // <depth_video>_undistorted.mkv, or in the folder of the output
  int width = 0;
  int height = 0;
  double xfov_deg = 0;  // of the result
  double unseen = 0;    // share of its pixels that the first lens does not show
};

// The size stays. The depth file says the field of view of the result, so that all programs that
// read it know the camera. Sound, subtitles, times and tags of the colours are kept.
UndistortReport RunUndistortJob(const UndistortJobOptions& options, const RunControl& control = {});

}  // namespace mdvt
