// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/limits.h"

#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {

void Limits::Check() const {
  const auto check = [](int64_t value, const char* field) {
    Require(value >= 0, Code::kInvalidArgument,
            std::string("Limits.") + field + " = " + std::to_string(value) + ", must be >= 0");
  };
  check(max_pixels_per_frame, "max_pixels_per_frame");
  check(max_side, "max_side");
  check(max_frames, "max_frames");
  check(max_streams, "max_streams");
  check(max_track_points, "max_track_points");
  check(max_text_bytes, "max_text_bytes");
  check(max_json_depth, "max_json_depth");
  check(max_frame_buffer_bytes, "max_frame_buffer_bytes");
}

void Limits::CheckFrameSize(int64_t width, int64_t height, const char* what) const {
  const std::string size = FormatSize(width, height);
  Require(width > 0 && height > 0, Code::kCorrupt,
          std::string(what) + ": frame size " + size + " is empty");
  Require(width <= max_side && height <= max_side, Code::kLimit,
          std::string(what) + ": frame size " + size + " is over the limit of " +
              std::to_string(max_side) + " pixels a side");
  Require(width * height <= max_pixels_per_frame, Code::kLimit,
          std::string(what) + ": frame size " + size + " is over the limit of " +
              std::to_string(max_pixels_per_frame) + " pixels a frame");
}

}  // namespace mdvt
