// SPDX-License-Identifier: Apache-2.0
//
// Disparity of any origin (1 / depth, or the output of a network without scale) brought to one
// range over time, 0 = farthest, 1 = nearest, without the flicker of each frame's extremes.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/state.h"

namespace mdvt {

struct DisparityRange {
  double lo = 0;  // becomes 0
  double hi = 1;  // becomes 1
};

// Depth in metres to disparity in 1 / metres, in place; 0 (no data), negatives and NaN become NaN.
void DepthToDisparity(PlaneView<float> map, ThreadPool* pool = nullptr);

// The percentiles `p_lo` and `p_hi`, each in [0, 100], of all finite samples: 0 and 100 are the
// extremes themselves, others come from histograms that are refined until at least 4096 bins lie
// between the two (or rounding of float ends it), and are off by a bin at most. Empty without data.
// Throws Error(kInvalidArgument) unless 0 <= p_lo <= p_hi <= 100.
std::optional<DisparityRange> MeasureDisparityRange(PlaneView<const float> disparity, double p_lo,
                                                    double p_hi, ThreadPool* pool = nullptr);

enum class NormMode {
  kMinMax,      // each frame's extremes
  kPercentile,  // each frame's percentiles
  kEma,         // percentiles, smoothed over time
  kFixed,       // one range, given or taken from the first frame of each scene
  kMetric,      // 0 = infinity, 1 = a distance given in metres: true proportions
};

struct NormalizerOptions {
  NormMode mode = NormMode::kEma;
  // Percentiles that become 0 and 1 (but for kMinMax and kMetric). Valid: 0 <= p_lo < p_hi <= 100.
  double p_lo = 1;
  double p_hi = 99;
  // kEma: weight of the past. Valid: [0, 1).
  double beta = 0.9;
  // kEma: so many later frames of the same scene are averaged with a frame before it is mixed with
  // the past; that is also the latency. Valid: [0, 64], 0 for the other modes.
  int lookahead = 0;
  std::optional<DisparityRange> fixed;  // kFixed; finite, lo < hi
  double metric_near = 1;               // kMetric: metres that become 1. Valid: (0, 10000].

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// The range of one frame.
struct NormalRange : DisparityRange {
  // The range is too small to mean anything, or there is no data: show the frame without parallax.
  bool flat = false;
  // Added to hi - lo: 1e-6 for kMinMax, as the original does, else 0.
  double slack = 0;
};

// Push the frames in order, Pop the range of each; `lookahead` frames may be inside.
//
//   kEma:  lo_t = beta lo_(t-1) + (1 - beta) m_t,   m_t = mean of lo over frames t .. t + lookahead
//          and the same for hi; at a new scene lo_t = m_t, and the mean stops before it.
//
// A frame without data has the range of the one before. All but kMinMax call a range flat if
// hi - lo < 1e-6 max(1, |hi|); kMinMax then takes hi for lo, so that rounding is not stretched and
// everything is 0.
class DisparityNormalizer {
 public:
  // Throws Error(kInvalidArgument), see Check().
  explicit DisparityNormalizer(const NormalizerOptions& options, ThreadPool* pool = nullptr);

  void Push(PlaneView<const float> disparity, bool new_scene);
  // DepthToDisparity() and Push() in one pass over the map.
  void PushDepth(PlaneView<float> depth, bool new_scene);
  void Finish() { finished_ = true; }
  std::optional<NormalRange> Pop();

  // What is kept from frame to frame, for an object with the same options. Throw
  // Error(kInvalidArgument) while frames are inside, Error(kCorrupt).
  void Save(State* state) const;
  void Load(const State& state);

 private:
  struct Measured {
    std::optional<DisparityRange> range;
    bool new_scene = false;
  };
  // Those that are measured: none for a range that is given.
  std::optional<DisparityRange> Percentiles() const;
  DisparityRange GivenRange() const;
  void Add(const std::optional<DisparityRange>& range, bool new_scene);
  std::optional<DisparityRange> MeanAhead(bool* known) const;

  NormalizerOptions options_;
  ThreadPool* pool_;
  std::deque<Measured> waiting_;
  std::optional<DisparityRange> state_;
  bool finished_ = false;
};

// (d - lo) / (hi - lo + slack) within [0, 1], in place; NaN (no data) becomes 0, the farthest.
// A flat range makes everything 0.
void NormalizeDisparity(const NormalRange& range, PlaneView<float> map, ThreadPool* pool = nullptr);

}  // namespace mdvt
