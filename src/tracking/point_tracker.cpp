// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/point_tracker.h"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/video/tracking.hpp>

#include "mdvt/core/error.h"
#include "tracking/corners.h"
#include "tracking/opencv_threads.h"

namespace mdvt {
namespace {

constexpr int kLeastSide = 16;
constexpr int kWindow = 17;
constexpr int kLevels = 4;
constexpr double kReseedBelow = 0.85;  // share of max_points

}  // namespace

void PointTrackerOptions::Check() const {
  Require(max_points >= 1 && max_points <= 100000, Code::kInvalidArgument,
          "PointTrackerOptions.max_points must be in [1, 100000]");
  Require(min_distance >= 1 && min_distance <= 1000, Code::kInvalidArgument,
          "PointTrackerOptions.min_distance must be in [1, 1000] pixels");
  Require(max_round_trip > 0 && max_round_trip <= 10, Code::kInvalidArgument,
          "PointTrackerOptions.max_round_trip must be in (0, 10] pixels");
  Require(quality > 0 && quality < 1, Code::kInvalidArgument,
          "PointTrackerOptions.quality must be in (0, 1)");
}

struct PointTracker::Impl {
  PointTrackerOptions options;
  cv::Size size;
  std::vector<cv::Mat> pyramid;  // of the frame before
  std::vector<cv::Point2f> positions;
  std::vector<cv::Point2f> speeds;
  std::vector<int64_t> ids;
  int64_t next_id = 0;

  void Follow(const std::vector<cv::Mat>& next_pyramid) {
    std::vector<cv::Point2f> next(positions.size()), back = positions;
    for (size_t i = 0; i < positions.size(); ++i) next[i] = positions[i] + speeds[i];
    std::vector<uint8_t> found, found_back;
    std::vector<float> error;
    const cv::TermCriteria criteria(cv::TermCriteria::COUNT | cv::TermCriteria::EPS, 20, 0.01);
    const cv::Size window(kWindow, kWindow);
    cv::calcOpticalFlowPyrLK(pyramid, next_pyramid, positions, next, found, error, window, kLevels,
                             criteria, cv::OPTFLOW_USE_INITIAL_FLOW, 1e-3);
    cv::calcOpticalFlowPyrLK(next_pyramid, pyramid, next, back, found_back, error, window, kLevels,
                             criteria, cv::OPTFLOW_USE_INITIAL_FLOW, 1e-3);
    const float limit = static_cast<float>(options.max_round_trip);
    size_t kept = 0;
    for (size_t i = 0; i < positions.size(); ++i) {
      const cv::Point2f miss = back[i] - positions[i];
      const cv::Point2f at = next[i];
      if (!found[i] || !found_back[i] || !(miss.dot(miss) <= limit * limit) || !(at.x >= 0) ||
          !(at.y >= 0) || !(at.x <= static_cast<float>(size.width - 1)) ||
          !(at.y <= static_cast<float>(size.height - 1)))
        continue;
      ids[kept] = ids[i];
      speeds[kept] = at - positions[i];
      next[kept] = at;
      ++kept;
    }
    next.resize(kept);
    ids.resize(kept);
    speeds.resize(kept);
    positions = std::move(next);
  }

  // 0 around the live tracks.
  std::vector<uint8_t> FreeSpace() const {
    std::vector<uint8_t> free(static_cast<size_t>(size.area()), 255);
    const int radius = static_cast<int>(std::ceil(options.min_distance));
    for (const cv::Point2f& p : positions) {
      const int cx = cvRound(p.x), cy = cvRound(p.y);
      for (int dy = -radius; dy <= radius; ++dy) {
        const int y = cy + dy;
        if (y < 0 || y >= size.height) continue;
        const int half = static_cast<int>(std::sqrt(radius * radius - dy * dy));
        const int from = std::max(0, cx - half), to = std::min(size.width, cx + half + 1);
        if (from < to) std::fill_n(&free[static_cast<size_t>(y * size.width + from)], to - from, 0);
      }
    }
    return free;
  }

  void Seed(const cv::Mat& picture) {
    const int missing = options.max_points - static_cast<int>(positions.size());
    if (static_cast<double>(positions.size()) >= kReseedBelow * options.max_points) return;
    const PlaneView<const uint8_t> view = {picture.data, static_cast<ptrdiff_t>(picture.step),
                                           picture.cols, picture.rows};
    const std::vector<Eigen::Vector2i> corners =
        tracking::FindCorners(view, FreeSpace(), {missing, options.quality, options.min_distance});
    for (const Eigen::Vector2i& corner : corners) {
      positions.emplace_back(static_cast<float>(corner.x()), static_cast<float>(corner.y()));
      speeds.emplace_back(0.f, 0.f);
      ids.push_back(next_id++);
    }
  }
};

PointTracker::PointTracker(const PointTrackerOptions& options) : impl_(std::make_unique<Impl>()) {
  options.Check();
  impl_->options = options;
}
PointTracker::~PointTracker() = default;

void PointTracker::Restart() {
  impl_->positions.clear();
  impl_->speeds.clear();
  impl_->ids.clear();
}

TrackingStep PointTracker::Track(PlaneView<const uint8_t> frame) {
  Impl& impl = *impl_;
  Require(frame.width > 0 && frame.height > 0, Code::kInvalidArgument,
          "PointTracker: the picture is empty");
  const cv::Size size(frame.width, frame.height);
  Require(impl.size.empty() || impl.size == size, Code::kInvalidArgument,
          "PointTracker: the picture has another size than the first");
  impl.size = size;
  TrackingStep step;
  if (size.width < kLeastSide || size.height < kLeastSide) return step;

  const tracking::OpenCvScope threads;
  const cv::Mat raw(frame.height, frame.width, CV_8UC1, const_cast<uint8_t*>(frame.data),
                    static_cast<size_t>(frame.stride));
  cv::Mat picture;
  cv::GaussianBlur(raw, picture, cv::Size(3, 3), 0.8);
  std::vector<cv::Mat> pyramid;
  cv::buildOpticalFlowPyramid(picture, pyramid, cv::Size(kWindow, kWindow), kLevels);
  step.alive_before = static_cast<int>(impl.positions.size());
  if (!impl.positions.empty()) impl.Follow(pyramid);
  step.followed = static_cast<int>(impl.positions.size());
  impl.Seed(picture);
  impl.pyramid = std::move(pyramid);
  for (size_t i = 0; i < impl.positions.size(); ++i)
    step.points.push_back({impl.ids[i],
                           {static_cast<double>(impl.positions[i].x) + 0.5,
                            static_cast<double>(impl.positions[i].y) + 0.5}});
  return step;
}

}  // namespace mdvt
