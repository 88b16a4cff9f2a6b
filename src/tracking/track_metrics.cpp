// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/track_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/median.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr double kSide = 256;
constexpr double kLost = 50;
constexpr int kStride = 5;

struct Counts {
  std::array<int64_t, 5> close{}, right{}, wrong{};
  int64_t points = 0, visible = 0, told_right = 0;
  double survival = 0;
  int64_t queries = 0;
  std::vector<double> errors;
};

// Where a track is, frame by frame.
class Path {
 public:
  Path(const TrackOrder& order, int32_t track) : order_(order), track_(track) {}
  // Frames must ascend.
  const TrackSighting* At(int64_t frame) {
    if (track_ < 0) return nullptr;
    while (next_ < order_.count(track_) && order_.FrameOf(track_, next_) < frame) ++next_;
    if (next_ == order_.count(track_) || order_.FrameOf(track_, next_) != frame) return nullptr;
    return &order_.At(track_, next_);
  }

 private:
  const TrackOrder& order_;
  int32_t track_;
  size_t next_ = 0;
};

// One query of one track: frames from `begin` on but `query` count.
void Compare(Path truth, Path track, int64_t begin, int64_t query, int64_t frames, int width,
             int height, Counts* counts) {
  int64_t lost_at = frames;
  for (int64_t frame = begin; frame < frames; ++frame) {
    const TrackSighting* const is = truth.At(frame);
    const TrackSighting* const said = track.At(frame);
    if (frame == query) continue;
    double error = std::numeric_limits<double>::infinity();
    if (is != nullptr && said != nullptr) {
      const double dx = static_cast<double>(said->x) - static_cast<double>(is->x);
      const double dy = static_cast<double>(said->y) - static_cast<double>(is->y);
      error = std::hypot(dx * kSide / width, dy * kSide / height);
      counts->errors.push_back(std::hypot(dx, dy));
      if (error > kLost && frame > query) lost_at = std::min(lost_at, frame);
    }
    ++counts->points;
    counts->visible += is != nullptr ? 1 : 0;
    counts->told_right += (is != nullptr) == (said != nullptr) ? 1 : 0;
    for (size_t t = 0; t < kTrackThresholds.size(); ++t) {
      const bool close = error < kTrackThresholds[t];
      counts->close[t] += close ? 1 : 0;
      counts->right[t] += close ? 1 : 0;
      counts->wrong[t] += said != nullptr && !close ? 1 : 0;
    }
  }
  ++counts->queries;
  const int64_t all = frames - query - 1;
  counts->survival +=
      all > 0 ? static_cast<double>(lost_at - query - 1) / static_cast<double>(all) : 1;
}

double Share(int64_t part, int64_t all) {
  return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : 0;
}

}  // namespace

TrackMetrics EvaluateTracks(const TrackTable& truth, const TrackTable& tracks, int width,
                            int height, TrackQuery query) {
  Require(width > 0 && height > 0, Code::kInvalidArgument,
          "EvaluateTracks: width and height must be above 0");
  const TrackOrder truth_order(truth), order(tracks);
  const int64_t frames = std::max(truth.num_frames(), tracks.num_frames());
  TrackMetrics metrics;
  Counts counts;
  for (size_t i = 0; i < truth.num_tracks(); ++i) {
    const auto known = static_cast<int32_t>(i);
    if (truth_order.count(known) == 0) continue;
    const auto at = std::lower_bound(tracks.ids().begin(), tracks.ids().end(), truth.ids()[i]);
    const bool found = at != tracks.ids().end() && *at == truth.ids()[i];
    const int32_t track = found ? static_cast<int32_t>(at - tracks.ids().begin()) : -1;
    ++metrics.tracks;
    if (!found) ++metrics.missing;
    const Path path(truth_order, known), other(order, track);
    const int64_t first = truth_order.FrameOf(known, 0);
    if (query == TrackQuery::kFirst) {
      Compare(path, other, first, first, frames, width, height, &counts);
      continue;
    }
    for (size_t k = 0; k < truth_order.count(known); ++k) {
      const int64_t frame = truth_order.FrameOf(known, k);
      if (frame % kStride == 0) Compare(path, other, 0, frame, frames, width, height, &counts);
    }
  }
  for (size_t t = 0; t < kTrackThresholds.size(); ++t) {
    metrics.delta[t] = Share(counts.close[t], counts.visible);
    metrics.jaccard[t] = Share(counts.right[t], counts.visible + counts.wrong[t]);
    metrics.delta_average += metrics.delta[t] / 5;
    metrics.average_jaccard += metrics.jaccard[t] / 5;
  }
  metrics.occlusion_accuracy = Share(counts.told_right, counts.points);
  metrics.survival = counts.queries > 0 ? counts.survival / static_cast<double>(counts.queries) : 0;
  metrics.median_error = Median(&counts.errors);
  metrics.points = counts.points;
  metrics.visible = counts.visible;
  return metrics;
}

}  // namespace mdvt
