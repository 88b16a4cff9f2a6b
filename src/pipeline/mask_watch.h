// SPDX-License-Identifier: Apache-2.0
//
// Notices a mask video that marks nothing: the result is as if there were none, and does not show
// it.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "mdvt/core/image.h"
#include "mdvt/core/log.h"

namespace mdvt {

class MaskWatch {
 public:
  // Values above the threshold are white.
  MaskWatch(std::string path, double threshold) : path_(std::move(path)), threshold_(threshold) {}

  // Looks at a mask, Gray(8), up to the first white pixel; free once there was one.
  void Look(const Image& mask) {
    has_frames_ = true;
    const PlaneView<const uint8_t> plane = mask.Plane<uint8_t>();
    for (int y = 0; y < plane.height && !marks_; ++y)
      marks_ = std::any_of(plane.Row(y), plane.Row(y) + plane.width,
                           [this](uint8_t value) { return value > threshold_; });
  }

  // To be called after the last frame.
  void Tell(const std::string& so) const {
    if (has_frames_ && !marks_) LogWarning("mask video '" + path_ + "' is white nowhere: " + so);
  }

 private:
  std::string path_;
  double threshold_;
  bool has_frames_ = false;
  bool marks_ = false;
};

// What that means where points in the white are left out.
constexpr char kNoPointMasked[] = "no point is left out";

}  // namespace mdvt
