// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/disparity_range.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <vector>

#include "core/rows.h"
#include "map_rows.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kBins = 16384;
constexpr int kLeastBinsBetween = 4096;
constexpr int kMostRefinements = 8;
constexpr int kRowsPerBlock = 64;
constexpr int kRowsPerCount = 128;  // each adds kBins sums at its end
constexpr double kSlack = 1e-6;
// Of the bins, so that the largest sample lies inside the last one.
constexpr double kSpan = kBins * (1 - 1e-6);

// `prepare(y)` is called before row y is looked at.
template <typename Prepare>
maps::Extremes FindExtremes(PlaneView<const float> map, ThreadPool* pool, const Prepare& prepare) {
  maps::Extremes all;
  std::mutex mutex;
  ForRows(pool, map.height, kRowsPerBlock, [&](int begin, int end) {
    maps::Extremes part;
    for (int y = begin; y < end; ++y) {
      prepare(y);
      maps::FindExtremes(map.Row(y), map.width, &part);
    }
    const std::lock_guard<std::mutex> lock(mutex);
    all.lo = std::min(all.lo, part.lo);
    all.hi = std::max(all.hi, part.hi);
    all.count += part.count;
    all.minus_infinities += part.minus_infinities;
  });
  return all;
}

// Counts of samples below `lo`, and in kBins equal bins of [lo, hi]. Counts add up to the same in
// any order.
struct Histogram {
  double lo = 0;
  double hi = 0;
  int64_t below = 0;
  std::vector<int64_t> bins = std::vector<int64_t>(kBins);

  double Edge(int bin) const { return lo + (hi - lo) * bin / kSpan; }
  // Bin in which the sample of this rank lies, and its place by interpolation.
  int BinOf(double rank, double* value) const {
    int64_t before = below;
    for (int bin = 0; bin < kBins; ++bin) {
      const int64_t count = bins[static_cast<size_t>(bin)];
      if (rank < static_cast<double>(before + count)) {
        const double part = (rank - static_cast<double>(before) + 0.5) / static_cast<double>(count);
        *value = Edge(bin) + std::clamp(part, 0.0, 1.0) * (Edge(bin + 1) - Edge(bin));
        return bin;
      }
      before += count;
    }
    *value = hi;
    return kBins - 1;
  }
};

Histogram Count(PlaneView<const float> map, double lo, double hi, ThreadPool* pool) {
  Histogram all;
  all.lo = lo;
  all.hi = hi;
  const float first = static_cast<float>(lo);
  const float scale = static_cast<float>(kSpan / (hi - lo));
  std::mutex mutex;
  ForRows(pool, map.height, kRowsPerCount, [&](int begin, int end) {
    std::vector<uint32_t> bins(kBins + 2);
    for (int y = begin; y < end; ++y)
      maps::CountRow(map.Row(y), map.width, first, scale, kBins, bins.data());
    const std::lock_guard<std::mutex> lock(mutex);
    all.below += bins[0];
    for (size_t i = 0; i < all.bins.size(); ++i) all.bins[i] += bins[i + 1];
  });
  return all;
}

// The percentiles of a map with these extremes.
std::optional<DisparityRange> RangeWithin(const maps::Extremes& extremes,
                                          PlaneView<const float> disparity, double p_lo,
                                          double p_hi, ThreadPool* pool) {
  if (extremes.count == 0) return std::nullopt;
  double lo = static_cast<double>(extremes.lo);
  double hi = static_cast<double>(extremes.hi);
  DisparityRange range{lo, hi};
  if (!(lo < hi) || (p_lo == 0 && p_hi == 100)) return range;
  const double last = static_cast<double>(extremes.count - 1);
  for (int round = 0; round < kMostRefinements; ++round) {
    Histogram histogram = Count(disparity, lo, hi, pool);
    histogram.below -= extremes.minus_infinities;
    const int bin_lo = histogram.BinOf(p_lo / 100 * last, &range.lo);
    const int bin_hi = histogram.BinOf(p_hi / 100 * last, &range.hi);
    const double next_lo = histogram.Edge(bin_lo);
    const double next_hi = histogram.Edge(bin_hi + 1);
    // A few far outliers leave almost nothing between the two: look closer, as far as float goes.
    const double finest = 1e-8 * std::max(std::fabs(next_lo), std::fabs(next_hi));
    if (bin_hi - bin_lo >= kLeastBinsBetween || !(next_hi - next_lo > finest) ||
        (next_lo <= lo && next_hi >= hi))
      break;
    lo = next_lo;
    hi = next_hi;
  }
  if (p_lo == 0) range.lo = static_cast<double>(extremes.lo);
  if (p_hi == 100) range.hi = static_cast<double>(extremes.hi);
  return range;
}

bool IsFlat(const DisparityRange& range) {
  return !(range.hi - range.lo >= 1e-6 * std::max(1.0, std::fabs(range.hi)));
}

}  // namespace

void DepthToDisparity(PlaneView<float> map, ThreadPool* pool) {
  ForRows(pool, map.height, kRowsPerBlock, [&](int begin, int end) {
    for (int y = begin; y < end; ++y) maps::InvertRow(map.width, map.Row(y));
  });
}

std::optional<DisparityRange> MeasureDisparityRange(PlaneView<const float> disparity, double p_lo,
                                                    double p_hi, ThreadPool* pool) {
  Require(p_lo >= 0 && p_lo <= p_hi && p_hi <= 100, Code::kInvalidArgument,
          "MeasureDisparityRange: percentiles must be 0 <= p_lo <= p_hi <= 100");
  return RangeWithin(FindExtremes(disparity, pool, [](int) {}), disparity, p_lo, p_hi, pool);
}

void NormalizerOptions::Check() const {
  Require(p_lo >= 0 && p_lo < p_hi && p_hi <= 100, Code::kInvalidArgument,
          "NormalizerOptions: percentiles must be 0 <= p_lo < p_hi <= 100");
  Require(beta >= 0 && beta < 1, Code::kInvalidArgument,
          "NormalizerOptions.beta must be in [0, 1)");
  Require(lookahead >= 0 && lookahead <= 64, Code::kInvalidArgument,
          "NormalizerOptions.lookahead must be in [0, 64] frames");
  Require(lookahead == 0 || mode == NormMode::kEma, Code::kInvalidArgument,
          "NormalizerOptions.lookahead belongs to the mode ema");
  Require(!fixed || (std::isfinite(fixed->lo) && std::isfinite(fixed->hi) && fixed->lo < fixed->hi),
          Code::kInvalidArgument,
          "NormalizerOptions.fixed must be two finite numbers, the first one less");
  Require(!fixed || mode == NormMode::kFixed, Code::kInvalidArgument,
          "NormalizerOptions.fixed belongs to the mode fixed");
  Require(metric_near > 0 && metric_near <= 10000, Code::kInvalidArgument,
          "NormalizerOptions.metric_near must be in (0, 10000] metres");
}

DisparityNormalizer::DisparityNormalizer(const NormalizerOptions& options, ThreadPool* pool)
    : options_(options), pool_(pool) {
  options.Check();
}

void DisparityNormalizer::Push(PlaneView<const float> disparity, bool new_scene) {
  const std::optional<DisparityRange> wanted = Percentiles();
  Add(wanted ? MeasureDisparityRange(disparity, wanted->lo, wanted->hi, pool_) : GivenRange(),
      new_scene);
}

void DisparityNormalizer::PushDepth(PlaneView<float> depth, bool new_scene) {
  const std::optional<DisparityRange> wanted = Percentiles();
  if (!wanted) {
    DepthToDisparity(depth, pool_);
    Add(GivenRange(), new_scene);
    return;
  }
  const auto invert = [&](int y) { maps::InvertRow(depth.width, depth.Row(y)); };
  const maps::Extremes extremes = FindExtremes(depth, pool_, invert);
  Add(RangeWithin(extremes, depth, wanted->lo, wanted->hi, pool_), new_scene);
}

std::optional<DisparityRange> DisparityNormalizer::Percentiles() const {
  switch (options_.mode) {
    case NormMode::kMinMax:
      return DisparityRange{0, 100};
    case NormMode::kMetric:
      return std::nullopt;
    case NormMode::kFixed:
      if (options_.fixed) return std::nullopt;
      break;
    case NormMode::kPercentile:
    case NormMode::kEma:
      break;
  }
  return DisparityRange{options_.p_lo, options_.p_hi};
}

DisparityRange DisparityNormalizer::GivenRange() const {
  return options_.fixed ? *options_.fixed : DisparityRange{0, 1 / options_.metric_near};
}

void DisparityNormalizer::Add(const std::optional<DisparityRange>& range, bool new_scene) {
  Require(!finished_, Code::kInvalidArgument,
          "DisparityNormalizer: a frame was pushed after Finish()");
  waiting_.push_back({range, new_scene});
}

std::optional<DisparityRange> DisparityNormalizer::MeanAhead(bool* known) const {
  *known = false;
  double lo = 0, hi = 0;
  int count = 0;
  size_t k = 0;
  for (; k < waiting_.size() && k <= static_cast<size_t>(options_.lookahead); ++k) {
    if (k > 0 && waiting_[k].new_scene) {
      *known = true;
      break;
    }
    if (!waiting_[k].range) continue;
    lo += waiting_[k].range->lo;
    hi += waiting_[k].range->hi;
    ++count;
  }
  if (k > static_cast<size_t>(options_.lookahead) || (finished_ && !waiting_.empty()))
    *known = true;
  if (count == 0) return std::nullopt;
  return DisparityRange{lo / count, hi / count};
}

std::optional<NormalRange> DisparityNormalizer::Pop() {
  bool known = false;
  const std::optional<DisparityRange> ahead = MeanAhead(&known);
  if (!known) return std::nullopt;
  const bool new_scene = waiting_.front().new_scene;
  waiting_.pop_front();
  if (new_scene) state_.reset();
  if (ahead) {
    if (!state_ || options_.mode != NormMode::kEma) {
      if (!state_ || options_.mode != NormMode::kFixed) state_ = ahead;
    } else {
      state_->lo = options_.beta * state_->lo + (1 - options_.beta) * ahead->lo;
      state_->hi = options_.beta * state_->hi + (1 - options_.beta) * ahead->hi;
    }
  }
  NormalRange range;
  if (!state_) {
    range.flat = true;
    return range;
  }
  range.lo = state_->lo;
  range.hi = state_->hi;
  if (options_.mode == NormMode::kMinMax) {
    range.slack = kSlack;
    // Rounding of a constant map is no picture that could be stretched.
    if (IsFlat(range)) range.lo = range.hi;
  } else {
    range.flat = IsFlat(range);
  }
  return range;
}

void DisparityNormalizer::Save(State* state) const {
  Require(waiting_.empty(), Code::kInvalidArgument,
          "DisparityNormalizer: it holds frames, its state cannot be saved now");
  if (state_) state->SetNumbers("range", {state_->lo, state_->hi});
}

void DisparityNormalizer::Load(const State& state) {
  std::optional<DisparityRange> range;
  if (state.Has("range")) {
    const std::vector<double> numbers = state.Numbers("range");
    Require(numbers.size() == 2, Code::kCorrupt,
            "the saved state of DisparityNormalizer holds no range");
    range = DisparityRange{numbers[0], numbers[1]};
  }
  state_ = range;
  waiting_.clear();
  finished_ = false;
}

void NormalizeDisparity(const NormalRange& range, PlaneView<float> map, ThreadPool* pool) {
  const maps::Normal normal = maps::NormalOf(range);
  ForRows(pool, map.height, kRowsPerBlock, [&](int begin, int end) {
    for (int y = begin; y < end; ++y) maps::NormalizeRow(normal, map.width, map.Row(y));
  });
}

}  // namespace mdvt
