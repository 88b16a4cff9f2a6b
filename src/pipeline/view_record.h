// SPDX-License-Identifier: Apache-2.0
//
// One frame of the viewer as bytes, which src/pipeline/web_view/frames.js reads. Little-endian:
//
//   offset  type     what
//   0       u32      0x4D445646 ("FVDM" in the file)
//   4       u32      bytes of the depth below
//   8       u32      bytes of the picture below
//   12      u32 x 2  width and height of both
//   20      u32      number of the frame, from 0
//   24      f32      depth of code 1, metres
//   28      f32      octaves from one code to the next
//   32      f32 x 4  fx, fy, cx, cy of the filming camera, pixels in edge coordinates
//   48      f32 x 12 world_from_cam, the upper three rows
//   96      f32 x 12 world_from_view, where the viewer stands by its options
//   144     f32      horizontal field of view of the viewer, radians
//   148     f64      seconds since the first frame
//   156     u32      0
//   160              depth, zlib (RFC 1950)
//                    picture, JPEG
//
// Depth codes are 16 bits, 0 is no data, else
//
//   z = depth of code 1 * 2^((code - 1) * octaves)
//
// with 65534 steps between the nearest and the farthest depth of the frame: z is off by no more
// than a factor of (farthest / nearest)^(1 / 131068), which is 0.007 % from 0.1 m to 1 km. Rounding
// to float32 comes on top. Within the zlib stream all high bytes come first, then all low bytes, of
// each code's difference (modulo 2^16) to the one left of it; to the one above at the left border.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/pose.h"

namespace mdvt {

struct ViewRecord {
  int64_t number = 0;
  double seconds = 0;
  DepthView depth;  // metres; 0, negative and not finite = no data
  ImageView color;  // Rgb(8) of the size of the depth
  Camera camera;    // of that size
  Pose world_from_cam = Pose::Identity();
  Pose world_from_view = Pose::Identity();
  double view_xfov_deg = 60;
};

// Throws Error(kInvalidArgument) if sizes or formats disagree.
std::string EncodeViewRecord(const ViewRecord& record);

// A file of several records: u32 their count, u32 offset of each, u32 size of the file.
std::string PackViewRecords(const std::vector<std::string>& records);

}  // namespace mdvt
