// SPDX-License-Identifier: Apache-2.0
//
// Camera paths as text: "timestamp tx ty tz qx qy qz qw" in each line, as in the TUM data sets.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "mdvt/core/limits.h"
#include "mdvt/core/pose.h"

namespace mdvt {

struct TimedPose {
  double seconds = 0;
  Pose world_from_cam = Pose::Identity();
};

// Lines that are blank or begin with '#' are skipped; numbers are separated by blanks, tabs or
// commas. Timestamps ascend. Throws Error: kCorrupt that names the line (not eight numbers, one
// that is not finite, a quaternion that is not of length 1 within a hundredth, a time that does not
// follow the one before), kLimit past limits.max_frames and limits.max_text_bytes.
// Source: https://cvg.cit.tum.de/data/datasets/rgbd-dataset/file_formats
std::vector<TimedPose> ParseTum(const char* data, size_t size, const Limits& limits = {});
std::vector<TimedPose> ReadTumFile(const std::string& path, const Limits& limits = {});

}  // namespace mdvt
