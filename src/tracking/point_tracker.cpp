// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/point_tracker.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/video/tracking.hpp>

#include "mdvt/core/error.h"
#include "tracking/corners.h"
#include "tracking/opencv_threads.h"
#include "tracking/seeding.h"

namespace mdvt {
namespace {

constexpr int kLeastSide = 16;
constexpr int kLevels = 4;
constexpr int kPatchRadius = 7;
constexpr int kPatchSide = 2 * kPatchRadius + 1;

// What a point looks like: grey levels around it, less their mean, of length 1. All zeros where the
// picture is flat.
using Patch = std::array<float, kPatchSide * kPatchSide>;

Patch PatchAt(const cv::Mat& picture, const cv::Point2f& at) {
  Patch patch;
  const int x0 = cvFloor(at.x), y0 = cvFloor(at.y);
  const float ax = at.x - static_cast<float>(x0), ay = at.y - static_cast<float>(y0);
  const auto row = [&](int y) { return picture.ptr<uint8_t>(std::clamp(y, 0, picture.rows - 1)); };
  int columns[kPatchSide + 1];
  for (int i = 0; i <= kPatchSide; ++i)
    columns[i] = std::clamp(x0 - kPatchRadius + i, 0, picture.cols - 1);
  float sum = 0;
  for (int j = 0; j < kPatchSide; ++j) {
    const uint8_t* const above = row(y0 - kPatchRadius + j);
    const uint8_t* const below = row(y0 - kPatchRadius + j + 1);
    for (int i = 0; i < kPatchSide; ++i) {
      const auto mix = [&](const uint8_t* from) {
        const auto left = static_cast<float>(from[columns[i]]);
        return left + ax * (static_cast<float>(from[columns[i + 1]]) - left);
      };
      const float upper = mix(above);
      const float value = upper + ay * (mix(below) - upper);
      patch[static_cast<size_t>(j * kPatchSide + i)] = value;
      sum += value;
    }
  }
  const float mean = sum / static_cast<float>(patch.size());
  float squares = 0;
  for (float& value : patch) {
    value -= mean;
    squares += value * value;
  }
  const float scale = squares > 1 ? 1 / std::sqrt(squares) : 0;
  for (float& value : patch) value *= scale;
  return patch;
}

float Similarity(const Patch& a, const Patch& b) {
  float sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

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
  Require(window >= 5 && window <= 63 && window % 2 == 1, Code::kInvalidArgument,
          "PointTrackerOptions.window must be an odd number in [5, 63] pixels");
  Require(levels_back >= 0 && levels_back <= kLevels, Code::kInvalidArgument,
          "PointTrackerOptions.levels_back must be in [0, 4]");
  Require(min_similarity >= 0 && min_similarity < 1, Code::kInvalidArgument,
          "PointTrackerOptions.min_similarity must be in [0, 1)");
  Require(renew_after >= 1 && renew_after <= 1000, Code::kInvalidArgument,
          "PointTrackerOptions.renew_after must be in [1, 1000] frames");
  Require(border >= 0 && border <= 100, Code::kInvalidArgument,
          "PointTrackerOptions.border must be in [0, 100] pixels");
  Require(seed_every >= 0 && seed_every <= 1000000, Code::kInvalidArgument,
          "PointTrackerOptions.seed_every must be in [0, 1000000] frames");
  Require(seed_below >= 0 && seed_below <= 1, Code::kInvalidArgument,
          "PointTrackerOptions.seed_below must be in [0, 1]");
}

struct PointTracker::Impl {
  PointTrackerOptions options;
  cv::Size size;
  std::vector<cv::Mat> pyramid;  // of the frame before
  std::vector<cv::Point2f> positions;
  std::vector<cv::Point2f> speeds;
  std::vector<int64_t> ids;
  std::vector<float> confidences;
  std::vector<Patch> patches;  // where looks are compared
  std::vector<int> ages;       // of the patches, in frames
  int64_t next_id = 0;
  int64_t frame = 0;     // number of the one that comes
  size_t seeded_to = 0;  // points there were after the last search

  bool Compares() const { return options.min_similarity > 0; }

  bool IsInside(const cv::Point2f& at, const PlaneView<const uint8_t>& allowed) const {
    const auto border = static_cast<float>(options.border);
    if (!(at.x >= border) || !(at.y >= border) ||
        !(at.x <= static_cast<float>(size.width - 1) - border) ||
        !(at.y <= static_cast<float>(size.height - 1) - border))
      return false;
    return allowed.data == nullptr || allowed.At(cvRound(at.x), cvRound(at.y)) != 0;
  }

  // Whether point `i`, now at `at`, still looks as it did.
  bool KeepsItsLook(const cv::Mat& picture, size_t i, const cv::Point2f& at) {
    if (!Compares()) return true;
    const Patch now = PatchAt(picture, at);
    const float similarity = Similarity(patches[i], now);
    if (!(similarity >= static_cast<float>(options.min_similarity))) return false;
    confidences[i] = std::min(1.f, similarity);
    if (++ages[i] >= options.renew_after) {
      patches[i] = now;
      ages[i] = 0;
    }
    return true;
  }

  void Follow(const cv::Mat& picture, const PlaneView<const uint8_t>& allowed,
              const std::vector<cv::Mat>& next_pyramid) {
    std::vector<cv::Point2f> next(positions.size()), back = positions;
    for (size_t i = 0; i < positions.size(); ++i) next[i] = positions[i] + speeds[i];
    std::vector<uint8_t> found, found_back;
    std::vector<float> error;
    const cv::TermCriteria criteria(cv::TermCriteria::COUNT | cv::TermCriteria::EPS, 20, 0.01);
    const cv::Size window(options.window, options.window);
    cv::calcOpticalFlowPyrLK(pyramid, next_pyramid, positions, next, found, error, window, kLevels,
                             criteria, cv::OPTFLOW_USE_INITIAL_FLOW, 1e-3);
    cv::calcOpticalFlowPyrLK(next_pyramid, pyramid, next, back, found_back, error, window,
                             options.levels_back, criteria, cv::OPTFLOW_USE_INITIAL_FLOW, 1e-3);
    const float limit = static_cast<float>(options.max_round_trip);
    size_t kept = 0;
    for (size_t i = 0; i < positions.size(); ++i) {
      const cv::Point2f miss = back[i] - positions[i];
      const cv::Point2f at = next[i];
      if (!found[i] || !found_back[i] || !(miss.dot(miss) <= limit * limit) ||
          !IsInside(at, allowed) || !KeepsItsLook(picture, i, at))
        continue;
      ids[kept] = ids[i];
      confidences[kept] = confidences[i];
      if (Compares() && kept != i) {
        patches[kept] = patches[i];
        ages[kept] = ages[i];
      }
      speeds[kept] = at - positions[i];
      next[kept] = at;
      ++kept;
    }
    next.resize(kept);
    positions = std::move(next);
    Resize(kept);
  }

  void Resize(size_t count) {
    ids.resize(count);
    speeds.resize(count);
    positions.resize(count);
    confidences.resize(count);
    if (Compares()) {
      patches.resize(count);
      ages.resize(count);
    }
  }

  bool WantsSeeds() const {
    const auto live = static_cast<double>(positions.size());
    if (frame == 0 || (options.seed_every > 0 && frame % options.seed_every == 0)) return true;
    if (options.seed_after_loss) return live < options.seed_below * static_cast<double>(seeded_to);
    return live < options.seed_below * options.max_points;
  }

  void Seed(const cv::Mat& picture, const PlaneView<const uint8_t>& allowed) {
    const int missing = options.max_points - static_cast<int>(positions.size());
    if (!WantsSeeds()) return;
    const PlaneView<const uint8_t> view = {picture.data, static_cast<ptrdiff_t>(picture.step),
                                           picture.cols, picture.rows};
    static_assert(sizeof(cv::Point2f) == 2 * sizeof(float));
    tracking::TakenSpace taken;
    taken.xy = positions.empty() ? nullptr : &positions.front().x;
    taken.count = positions.size();
    taken.radius = options.min_distance;
    taken.border = options.border;
    taken.allowed = allowed;
    const std::vector<uint8_t> free = tracking::FreeSpace(size.width, size.height, taken);
    const auto find =
        options.seeding == PointSeeding::kGrid ? tracking::FindGridPoints : tracking::FindCorners;
    const std::vector<Eigen::Vector2i> corners =
        find(view, free, {missing, options.quality, options.min_distance});
    for (const Eigen::Vector2i& corner : corners) {
      positions.emplace_back(static_cast<float>(corner.x()), static_cast<float>(corner.y()));
      speeds.emplace_back(0.f, 0.f);
      ids.push_back(next_id++);
      confidences.push_back(1);
      if (!Compares()) continue;
      patches.push_back(PatchAt(picture, positions.back()));
      ages.push_back(0);
    }
    seeded_to = positions.size();
  }
};

PointTracker::PointTracker(const PointTrackerOptions& options) : impl_(std::make_unique<Impl>()) {
  options.Check();
  impl_->options = options;
}
PointTracker::~PointTracker() = default;

void PointTracker::Restart() {
  impl_->Resize(0);
  impl_->frame = 0;
}

TrackingStep PointTracker::Track(PlaneView<const uint8_t> frame, PlaneView<const uint8_t> allowed) {
  Impl& impl = *impl_;
  Require(frame.width > 0 && frame.height > 0, Code::kInvalidArgument,
          "PointTracker: the picture is empty");
  const cv::Size size(frame.width, frame.height);
  Require(impl.size.empty() || impl.size == size, Code::kInvalidArgument,
          "PointTracker: the picture has another size than the first");
  Require(allowed.data == nullptr || (allowed.width == size.width && allowed.height == size.height),
          Code::kInvalidArgument, "PointTracker: the mask has another size than the picture");
  impl.size = size;
  TrackingStep step;
  if (size.width < kLeastSide || size.height < kLeastSide) return step;

  const tracking::OpenCvScope threads;
  const cv::Mat raw(frame.height, frame.width, CV_8UC1, const_cast<uint8_t*>(frame.data),
                    static_cast<size_t>(frame.stride));
  cv::Mat picture;
  cv::GaussianBlur(raw, picture, cv::Size(3, 3), 0.8);
  std::vector<cv::Mat> pyramid;
  cv::buildOpticalFlowPyramid(picture, pyramid, cv::Size(impl.options.window, impl.options.window),
                              kLevels);
  step.alive_before = static_cast<int>(impl.positions.size());
  if (!impl.positions.empty()) impl.Follow(picture, allowed, pyramid);
  step.followed = static_cast<int>(impl.positions.size());
  impl.Seed(picture, allowed);
  ++impl.frame;
  impl.pyramid = std::move(pyramid);
  for (size_t i = 0; i < impl.positions.size(); ++i)
    step.points.push_back({impl.ids[i],
                           {static_cast<double>(impl.positions[i].x) + 0.5,
                            static_cast<double>(impl.positions[i].y) + 0.5},
                           static_cast<double>(impl.confidences[i])});
  return step;
}

}  // namespace mdvt
