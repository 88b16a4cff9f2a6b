// SPDX-License-Identifier: Apache-2.0
//
// The folder of a clip on Stereo4D's way from a VR180 video to points: what the steps share.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/limits.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/stereo4d_options.h"

namespace mdvt {

// <name>-clip.json, so that steps cannot disagree.
struct Stereo4dClip {
  std::string name;
  std::string video;    // the VR180 video, without its folder
  Camera camera;        // of both views
  double baseline = 0;  // metres
  std::array<Eigen::Matrix3d, 2> rig_from_rectified;
  std::array<double, 4> fov_bounds;  // yaw from, to, tilt from, to, degrees
  std::vector<int64_t> times_us;     // of the frames
};

std::string FormatStereo4dClip(const Stereo4dClip& clip);
// Throws Error: kNotFound, kIo, kLimit, kCorrupt.
Stereo4dClip ReadStereo4dClip(const std::string& path, const Limits& limits);

// Throws Error(kCorrupt) unless a video of the clip has the size that its file says.
void RequireSizeOf(const Stereo4dClip& clip, const VideoInfo& video);

// The name of the view of an eye ("left", "right"): .mkv, or .mp4 where there is no such file.
std::string Stereo4dView(const Stereo4dClipOptions& clip, const std::string& eye);

}  // namespace mdvt
