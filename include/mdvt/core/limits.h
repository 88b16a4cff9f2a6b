// SPDX-License-Identifier: Apache-2.0
//
// What a reader may cost. Every reader takes a Limits; the defaults are finite, 0 means zero.
#pragma once

#include <cstdint>

namespace mdvt {

struct Limits {
  int64_t max_pixels_per_frame = int64_t{1} << 26;    // 8192 x 8192
  int32_t max_side = 16384;                           // pixels
  int64_t max_frames = 2592000;                       // 12 hours at 60 frames a second
  int32_t max_streams = 32;                           // in one container
  int64_t max_track_points = 10000000;                // in one tracking file
  int64_t max_text_bytes = int64_t{64} << 20;         // JSON, lists
  int32_t max_json_depth = 64;                        // nested arrays and objects
  int64_t max_frame_buffer_bytes = int64_t{4} << 30;  // held at once by one job

  // Throws Error(kInvalidArgument) that names the field if one is negative.
  void Check() const;

  // Throws Error(kLimit) that names `what` if a frame of this size is not allowed, and
  // Error(kCorrupt) if a side is not positive. Products are formed in 64 bits.
  void CheckFrameSize(int64_t width, int64_t height, const char* what) const;
};

}  // namespace mdvt
