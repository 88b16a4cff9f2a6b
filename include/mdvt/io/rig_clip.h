// SPDX-License-Identifier: Apache-2.0
//
// What is known of a stretch of a VR180 video: when its frames are shown, how the two cameras are
// turned, and where they stood. The files of the Stereo4D dataset and of its code.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/limits.h"
#include "mdvt/core/pose.h"

namespace mdvt {

// Metres; what Stereo4D holds for the distance of the eyes of every camera.
inline constexpr double kUsualRigBaseline = 0.063;

struct RigClip {
  std::string video_id;
  std::string name;               // of the clip
  std::vector<int64_t> times_us;  // of its frames, from the first one of the video on
  // Directions in the rectified axes, which both eyes share with x along the baseline, to those of
  // the left and the right eye's picture.
  std::array<Eigen::Matrix3d, 2> rig_from_rectified = {Eigen::Matrix3d::Identity(),
                                                       Eigen::Matrix3d::Identity()};
  // What the pictures show, see EquirectLayout.
  double start_yaw_deg = -90;
  double end_yaw_deg = 90;
  double start_tilt_deg = -90;
  double end_tilt_deg = 90;
  double baseline = kUsualRigBaseline;  // metres
  // Of the rectified left eye, one for each time; empty if the file does not tell.
  std::vector<Pose> world_from_left;
};

// Which clip of a file with several.
struct RigClipChoice {
  std::optional<std::string> video_id;  // may be left out where there is one video
  int64_t clip = 0;
};

// Reads a .npz file of the dataset's release, or a .json file with clips of videos. Rotations that
// are off by less than 1e-3 are made orthonormal. Throws Error: kNotFound, kIo, kLimit, kCorrupt
// (neither of the two; a clip without frames, times that do not grow, lists of different length, a
// rotation that is none), kInvalidArgument (no such video or clip).
RigClip ReadRigClip(const std::string& path, const RigClipChoice& choice = {},
                    const Limits& limits = {});

}  // namespace mdvt
