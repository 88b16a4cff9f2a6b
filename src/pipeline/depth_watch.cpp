// SPDX-License-Identifier: Apache-2.0
#include "pipeline/depth_watch.h"

#include <cmath>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"

namespace mdvt {

DepthWatch DepthWatch::OfFile(const std::string& path, float saturated) {
  return DepthWatch(
      {"'" + path + "'", "is it the right file, and does its --encoding fit?", saturated, true});
}

DepthWatch DepthWatch::OfEstimates(bool zero_is_no_data) {
  return DepthWatch({"the depth that was found",
                     "depth from motion needs a camera that moves, and a model pictures of the "
                     "kind that it was trained on",
                     std::numeric_limits<float>::infinity(), zero_is_no_data});
}

void DepthWatch::Look(const DepthView& depth) {
  has_frames_ = true;
  for (int y = 0; y < depth.height && !varies_; ++y) {
    const float* row = depth.Row(y);
    for (int x = 0; x < depth.width && !varies_; ++x) {
      const float z = row[x];
      if (std::isnan(z) || (options_.zero_is_no_data && !(z > 0))) continue;
      if (z >= options_.saturated) {
        has_clipped_ = true;
      } else if (!value_) {
        value_ = z;
      } else {
        varies_ = z != *value_;
      }
    }
  }
}

void DepthWatch::Tell() const {
  if (varies_ || !has_frames_ || (value_ && has_clipped_)) return;
  Require(value_ || has_clipped_, Code::kRefused,
          options_.what + " holds no depth: no pixel of any frame has data");
  if (has_clipped_) {
    LogWarning(options_.what + " is at the end of its range (" +
               FormatFixed(static_cast<double>(options_.saturated), 3) +
               " m) everywhere, so that the result is flat: try a larger --max_depth, or another "
               "--encoding");
  } else {
    LogWarning(options_.what + " is " + FormatFixed(static_cast<double>(*value_), 3) +
               " everywhere, so that the result is flat: " + options_.advice);
  }
}

}  // namespace mdvt
