// SPDX-License-Identifier: Apache-2.0
//
// Notices depth that says nothing, before a film of it is made.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "mdvt/core/image.h"

namespace mdvt {

struct DepthWatchOptions {
  std::string what;    // for messages: "'clip_depth.mkv'"
  std::string advice;  // what to try where all depth is one value
  // Depth from here on is the end of the file's range.
  float saturated = std::numeric_limits<float>::infinity();
  bool zero_is_no_data = true;  // not so in disparity, where it is far away
};

class DepthWatch {
 public:
  explicit DepthWatch(DepthWatchOptions options) : options_(std::move(options)) {}
  // Of a file of depth.
  static DepthWatch OfFile(const std::string& path, float saturated);
  // Of depth or disparity that was found in pictures.
  static DepthWatch OfEstimates(bool zero_is_no_data);

  // Looks at a frame up to the first pixel that tells; free once one has.
  void Look(const DepthView& depth);

  // To be called after the last frame. Warns if all depth was one value, or at the end of the
  // range. Throws Error(kRefused) if no pixel of any frame had data.
  void Tell() const;

 private:
  DepthWatchOptions options_;
  bool has_frames_ = false;
  bool has_clipped_ = false;
  std::optional<float> value_;  // of the first pixel within the range
  bool varies_ = false;         // there are two values within the range
};

}  // namespace mdvt
