// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/accuracy_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLeastInverse = 1e-3, kLeastDepth = 1e-3;
constexpr double kMoved = 0.05;   // true depth that differs by more is hidden, or moves
constexpr double kHidden = 0.25;  // the same of depth itself, which may flicker

bool Known(float z) { return z > 0 && std::isfinite(z); }
bool InRange(float z, const TruthRange& range) {
  return Known(z) && static_cast<double>(z) >= range.least && static_cast<double>(z) <= range.most;
}

template <typename Visit>
void ForPairs(const DepthView& depth, const DepthView& truth, const TruthRange& range,
              const Visit& visit) {
  Require(depth.width == truth.width && depth.height == truth.height, Code::kInvalidArgument,
          "depth and true depth differ in size");
  for (int y = 0; y < truth.height; ++y) {
    const float *d = depth.Row(y), *t = truth.Row(y);
    for (int x = 0; x < truth.width; ++x)
      if (Known(d[x]) && InRange(t[x], range))
        visit(static_cast<double>(d[x]), static_cast<double>(t[x]));
  }
}

// Bit 1: an edge to the right, bit 2: one below.
std::vector<uint8_t> EdgesOf(const DepthView& map, double step) {
  std::vector<uint8_t> edges(static_cast<size_t>(map.width) * static_cast<size_t>(map.height), 0);
  const auto apart = [step](float a, float b) {
    return Known(a) && Known(b) &&
           static_cast<double>(std::max(a, b)) > (1 + step) * static_cast<double>(std::min(a, b));
  };
  for (int y = 0; y < map.height; ++y)
    for (int x = 0; x < map.width; ++x) {
      const float z = map.At(x, y);
      uint8_t& edge = edges[static_cast<size_t>(y) * map.width + x];
      if (x + 1 < map.width && apart(z, map.At(x + 1, y))) edge |= 1;
      if (y + 1 < map.height && apart(z, map.At(x, y + 1))) edge |= 2;
    }
  return edges;
}

void CountFound(const std::vector<uint8_t>& of, const std::vector<uint8_t>& in, int w, int h,
                int reach, int64_t* all, int64_t* found) {
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      if (of[static_cast<size_t>(y) * w + x] == 0) continue;
      ++*all;
      bool near = false;
      for (int v = std::max(0, y - reach); v <= std::min(h - 1, y + reach) && !near; ++v)
        for (int u = std::max(0, x - reach); u <= std::min(w - 1, x + reach) && !near; ++u)
          near = in[static_cast<size_t>(v) * w + u] != 0;
      *found += near ? 1 : 0;
    }
}

double Share(int64_t part, int64_t all) {
  return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : 0;
}

struct Map {
  const std::vector<float>* values;
  int width, height;
  DepthView View() const {
    return {values->data(), static_cast<ptrdiff_t>(sizeof(float)) * width, width, height};
  }
};

// Depth between pixels; 0 where one of the four has none, or they lie on both sides of an edge.
double Between(const DepthView& map, double u, double v) {
  const double x = u - 0.5, y = v - 0.5;
  if (!(x >= 0 && y >= 0 && x <= map.width - 1 && y <= map.height - 1)) return 0;
  const int x0 = static_cast<int>(x), y0 = static_cast<int>(y);
  const int x1 = std::min(x0 + 1, map.width - 1), y1 = std::min(y0 + 1, map.height - 1);
  const float a = map.At(x0, y0), b = map.At(x1, y0), c = map.At(x0, y1), d = map.At(x1, y1);
  if (!(Known(a) && Known(b) && Known(c) && Known(d))) return 0;
  if (std::max({a, b, c, d}) > 1.1f * std::min({a, b, c, d})) return 0;
  const double ax = x - x0, ay = y - y0;
  // 1 / z is linear over a plane.
  const auto inverse = [](float z) { return 1 / static_cast<double>(z); };
  return 1 / ((1 - ay) * ((1 - ax) * inverse(a) + ax * inverse(b)) +
              ay * ((1 - ax) * inverse(c) + ax * inverse(d)));
}

struct Sight {
  DepthView depth, truth;  // truth may be empty
  const Camera* camera;
  const Pose* world_from_cam;
};

// Mean |Z - d2| / d2; NaN if nothing can be compared.
double FixedOneWay(const Sight& from, const Sight& to, const TruthRange& range) {
  const Pose to_from = to.world_from_cam->inverse() * *from.world_from_cam;
  const bool has_truth = from.truth.width > 0;
  double sum = 0;
  int64_t n = 0;
  for (int y = 0; y < from.depth.height; ++y)
    for (int x = 0; x < from.depth.width; ++x) {
      const float z = from.depth.At(x, y);
      if (!Known(z)) continue;
      const Eigen::Vector2d pixel(x + 0.5, y + 0.5);
      const Eigen::Vector3d there =
          to_from * Unproject(*from.camera, pixel, static_cast<double>(z));
      if (!(there.z() > 1e-6)) continue;
      if (has_truth) {
        const float t = from.truth.At(x, y);
        if (!InRange(t, range)) continue;
        const Eigen::Vector3d true_there =
            to_from * Unproject(*from.camera, pixel, static_cast<double>(t));
        if (!(true_there.z() > 1e-6)) continue;
        const Eigen::Vector2d at = Project(*to.camera, true_there);
        const double seen = Between(to.truth, at.x(), at.y());
        if (!(seen > 0) || std::abs(true_there.z() - seen) > kMoved * seen) continue;
      }
      const Eigen::Vector2d at = Project(*to.camera, there);
      const double found = Between(to.depth, at.x(), at.y());
      if (!(found > 0)) continue;
      if (!has_truth && there.z() > (1 + kHidden) * found) continue;  // behind what is seen
      sum += std::abs(there.z() - found) / found;
      ++n;
    }
  return n > 0 ? sum / static_cast<double>(n) : kNan;
}

double SplatOneWay(const Sight& from, const Sight& to) {
  const Pose to_from = to.world_from_cam->inverse() * *from.world_from_cam;
  const int w = to.depth.width, h = to.depth.height;
  std::vector<float> splat(static_cast<size_t>(w) * h, 0);
  for (int y = 0; y < from.depth.height; ++y)
    for (int x = 0; x < from.depth.width; ++x) {
      const Eigen::Vector3d there = to_from * Unproject(*from.camera, {x + 0.5, y + 0.5},
                                                        static_cast<double>(from.depth.At(x, y)));
      const Eigen::Vector2d at = Project(*to.camera, there);
      const double u = std::nearbyint(at.x() - 0.5), v = std::nearbyint(at.y() - 0.5);
      if (!(u >= 0 && v >= 0 && u < w && v < h)) continue;
      splat[static_cast<size_t>(v) * w + static_cast<size_t>(u)] = static_cast<float>(there.z());
    }
  double sum = 0;
  int64_t n = 0;
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      const float z = splat[static_cast<size_t>(y) * w + x], d = to.depth.At(x, y);
      if (!(z > 0 && d > 0)) continue;
      sum += std::abs(static_cast<double>(z) - static_cast<double>(d)) / static_cast<double>(d);
      ++n;
    }
  return n > 0 ? sum / static_cast<double>(n) : 0;  // as the original: no overlap counts 0
}

std::vector<float> CopyOf(const DepthView& view) {
  std::vector<float> values(static_cast<size_t>(view.width) * static_cast<size_t>(view.height));
  for (int y = 0; y < view.height; ++y)
    std::copy_n(view.Row(y), view.width, &values[static_cast<size_t>(y) * view.width]);
  return values;
}

}  // namespace

double DepthTransform::Apply(double depth) const {
  if (!(depth > 0)) return 0;
  switch (kind) {
    case DepthAlignment::kNone:
      return depth;
    case DepthAlignment::kScale:
      return depth * scale;
    case DepthAlignment::kDisparity:
      return 1 / std::max(kLeastInverse, scale / depth + shift);
    case DepthAlignment::kDepth:
      return std::max(kLeastDepth, scale * depth + shift);
  }
  return depth;
}

void DepthTransform::Apply(DepthView depth, PlaneView<float> result) const {
  for (int y = 0; y < depth.height; ++y) {
    const float* from = depth.Row(y);
    float* to = result.Row(y);
    for (int x = 0; x < depth.width; ++x)
      to[x] = Known(from[x]) ? static_cast<float>(Apply(static_cast<double>(from[x]))) : 0;
  }
}

AlignmentFit::AlignmentFit(DepthAlignment kind, const TruthRange& range)
    : kind_(kind), range_(range) {
  Require(range.least >= 0 && range.least < range.most, Code::kInvalidArgument,
          "the range of true depth must have a least value that is less than the most");
}

void AlignmentFit::Add(const DepthView& estimate, const DepthView& truth) {
  if (kind_ == DepthAlignment::kNone) return;
  if (kind_ == DepthAlignment::kScale) {
    std::vector<float> kept = CopyOf(truth);
    for (float& t : kept)
      if (!InRange(t, range_)) t = 0;
    ratios_.AddForScale(estimate, {kept.data(), static_cast<ptrdiff_t>(sizeof(float)) * truth.width,
                                   truth.width, truth.height});
    ForPairs(estimate, truth, range_, [&](double, double) { n_ += 1; });
    return;
  }
  const bool inverse = kind_ == DepthAlignment::kDisparity;
  ForPairs(estimate, truth, range_, [&](double d, double t) {
    const double x = inverse ? 1 / d : d, y = inverse ? 1 / t : t;
    n_ += 1;
    const double dx = x - mean_x_, dy = y - mean_y_;
    mean_x_ += dx / n_;
    mean_y_ += dy / n_;
    sum_xx_ += dx * (x - mean_x_);
    sum_xy_ += dx * (y - mean_y_);
  });
}

DepthTransform AlignmentFit::Solve() const {
  DepthTransform transform;
  transform.kind = kind_;
  if (kind_ == DepthAlignment::kNone) return transform;
  Require(n_ > 0, Code::kNotConverged, "no pixel has depth in both videos, nothing can be aligned");
  if (kind_ == DepthAlignment::kScale) {
    transform.scale = ratios_.MedianScale();
    return transform;
  }
  // A flat clip has no slope: its level is all there is.
  transform.scale = sum_xx_ > 1e-12 * n_ * mean_x_ * mean_x_ ? sum_xy_ / sum_xx_ : 1;
  Require(transform.scale > 0, Code::kNotConverged,
          "no line with a positive scale leads from the depth to the true one");
  transform.shift = mean_y_ - transform.scale * mean_x_;
  return transform;
}

void AccuracyScores::Add(const DepthView& depth, const DepthView& truth) {
  ForPairs(depth, truth, range_, [&](double d, double t) {
    ++pixels_;
    const double e = d - t, log_error = std::log(d / t), ratio = std::max(d / t, t / d);
    abs_rel_ += std::abs(e) / t;
    sq_rel_ += e * e / t;
    squares_ += e * e;
    log_sum_ += log_error;
    log_squares_ += log_error * log_error;
    double limit = 1.25;
    for (int64_t& count : within_) {
      count += ratio < limit ? 1 : 0;
      limit *= 1.25;
    }
  });
}

AccuracyResult AccuracyScores::Result() const {
  AccuracyResult result;
  result.pixels = pixels_;
  if (pixels_ == 0) return result;
  const double n = static_cast<double>(pixels_), mean = log_sum_ / n;
  result.abs_rel = abs_rel_ / n;
  result.sq_rel = sq_rel_ / n;
  result.rmse = std::sqrt(squares_ / n);
  result.rmse_log = std::sqrt(log_squares_ / n);
  result.si_log = std::sqrt(std::max(0.0, log_squares_ / n - mean * mean));
  result.delta1 = Share(within_[0], pixels_);
  result.delta2 = Share(within_[1], pixels_);
  result.delta3 = Share(within_[2], pixels_);
  return result;
}

void EdgeScores::Add(const DepthView& depth, const DepthView& truth) {
  Require(depth.width == truth.width && depth.height == truth.height, Code::kInvalidArgument,
          "depth and true depth differ in size");
  const std::vector<uint8_t> edges = EdgesOf(depth, step_), true_edges = EdgesOf(truth, step_);
  CountFound(edges, true_edges, depth.width, depth.height, reach_, &edges_, &found_);
  CountFound(true_edges, edges, depth.width, depth.height, reach_, &true_edges_, &true_found_);
}

EdgeResult EdgeScores::Result() const {
  EdgeResult result;
  result.precision = Share(found_, edges_);
  result.recall = Share(true_found_, true_edges_);
  result.true_edges = true_edges_;
  const double sum = result.precision + result.recall;
  result.f1 = sum > 0 ? 2 * result.precision * result.recall / sum : 0;
  return result;
}

void TaeScores::Add(const DepthView& depth, const DepthView& truth, const Camera& camera,
                    const Pose& world_from_cam, bool begins_shot) {
  Require(camera.width == depth.width && camera.height == depth.height &&
              (truth.width == 0 || (truth.width == depth.width && truth.height == depth.height)),
          Code::kInvalidArgument, "TaeScores: depth, true depth and camera differ in size");
  Kept kept{CopyOf(depth), truth.width > 0 ? CopyOf(truth) : std::vector<float>(), camera,
            world_from_cam};
  double error = kNan;
  if (before_ && !begins_shot) {
    Require(
        before_->depth.size() == kept.depth.size() && before_->truth.size() == kept.truth.size(),
        Code::kInvalidArgument, "TaeScores: frames differ in size");
    const auto sight = [](const Kept& one) {
      const int w = one.camera.width, h = one.camera.height;
      const DepthView truth_view = one.truth.empty() ? DepthView() : Map{&one.truth, w, h}.View();
      return Sight{Map{&one.depth, w, h}.View(), truth_view, &one.camera, &one.world_from_cam};
    };
    const Sight a = sight(*before_), b = sight(kept);
    error = variant_ == TaeVariant::kSplat
                ? 50 * (SplatOneWay(a, b) + SplatOneWay(b, a))
                : 50 * (FixedOneWay(a, b, range_) + FixedOneWay(b, a, range_));
  }
  pairs_.push_back(error);
  before_ = std::move(kept);
}

double TaeScores::Result() const {
  double sum = 0, n = 0;
  for (const double pair : pairs_)
    if (!std::isnan(pair)) sum += pair, n += 1;
  return n > 0 ? sum / n : kNan;
}

}  // namespace mdvt
