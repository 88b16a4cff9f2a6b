// SPDX-License-Identifier: Apache-2.0
//
// Follows points through a clip, starting anew at each cut.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/tracking/point_tracker.h"
#include "mdvt/tracking/scene_cut.h"
#include "pipeline/motion_picture.h"

namespace mdvt {

class ShotTracker {
 public:
  // Pictures with a long side over kMostSide are followed at that size.
  ShotTracker(int width, int height, int points, ThreadPool* pool)
      : width_(width), height_(height), pool_(pool), tracker_(Options(width, height, points)) {
    const double ratio = std::min(1.0, static_cast<double>(kMostSide) / std::max(width, height));
    small_width_ = std::max(1, static_cast<int>(std::lround(width * ratio)));
    small_height_ = std::max(1, static_cast<int>(std::lround(height * ratio)));
  }

  // The points in the next picture (any format that has luma), in its own pixels and by their ids.
  std::vector<TrackedPoint> Follow(const Image& picture, bool* is_cut) {
    luma_ = ReduceLuma(picture, small_width_, small_height_, pool_, std::move(luma_));
    TrackingStep step = tracker_.Track(luma_.Plane<uint8_t>());
    *is_cut = cuts_.IsCut(luma_.Plane<uint8_t>(), step.alive_before, step.followed);
    if (*is_cut) {
      tracker_.Restart();
      step = tracker_.Track(luma_.Plane<uint8_t>());
    }
    const double sx = static_cast<double>(width_) / small_width_;
    const double sy = static_cast<double>(height_) / small_height_;
    for (TrackedPoint& point : step.points)
      point.position = {point.position.x() * sx, point.position.y() * sy};
    std::sort(step.points.begin(), step.points.end(),
              [](const TrackedPoint& a, const TrackedPoint& b) { return a.id < b.id; });
    return std::move(step.points);
  }

 private:
  static constexpr int kMostSide = 1280;

  // So many points spread over the whole picture.
  static PointTrackerOptions Options(int width, int height, int points) {
    const double ratio = std::min(1.0, static_cast<double>(kMostSide) / std::max(width, height));
    PointTrackerOptions options;
    options.max_points = points;
    const double area = ratio * ratio * width * height;
    options.min_distance = std::clamp(0.7 * std::sqrt(area / points), 4.0, 40.0);
    return options;
  }

  int width_, height_, small_width_ = 0, small_height_ = 0;
  ThreadPool* pool_;
  PointTracker tracker_;
  SceneCutDetector cuts_;
  Image luma_;
};

}  // namespace mdvt
